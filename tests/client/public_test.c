/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of somebody else: public headers and libassay.a, nothing of the inside. Opens a session
 * with a node that is not there, and checks an answer that never came.
 */
#include <assay/check.h>
#include <assay/client.h>
#include <assay/status.h>
#include <assay/wire.h>

#include <stdio.h>
#include <string.h>

/* Names of the inside must not collide with those of other programs. */
void hex_encode(void);
void wipe(void);
void hex_encode(void)
{
}
void wipe(void)
{
}

static int check_alone(void)
{
	struct assay_prove *message;
	uint8_t bytes[sizeof(*message) + 8] = {0};
	struct assay_check_params params = {.challenger = "a", .target = "b"};
	struct assay_inbound session;
	struct assay_check *check;
	uint8_t key[32] = {1}, network[32];

	message = (void *)bytes;
	message->epoch = 1;
	message->size = 10;
	message->class = ASSAY_CLASS_INDEX;
	message->bucket = ASSAY_BUCKET_RECENT;
	message->k = 1;
	message->flags = ASSAY_PROVE_TREE;
	message->range_length = 10;
	assay_network_id(network, "test");
	params.network_id = network;
	params.identity = key;
	params.body = bytes + 32;
	params.body_len = sizeof(bytes) - 32;
	if (assay_check_new(&check, &params) != 0)
		return 1;
	assay_inbound_init(&session, key, 1, ASSAY_PAYLOAD_DEFAULT);
	assay_check_counter(check, 1);
	if (assay_check_feed(check, &session, "nonsense", 8) != ASSAY_R_VERSION)
		return 2;
	if (assay_check_verdict(check) != ASSAY_INCOMPLETE)
		return 3;
	assay_check_free(check);
	return 0;
}

int main(void)
{
	struct assay_client_config config = {.account = "a",
					     .peer = {.account = "b", .address = "not an address"}};
	struct assay_client *client;
	char why[200] = "";
	int failed;

	assay_init();
	failed = check_alone();
	if (failed != 0) {
		printf("check: step %d failed\n", failed);
		return 1;
	}
	if (assay_client_open(&client, &config, why, sizeof(why)) != ASSAY_E_INVAL ||
	    strstr(why, "not an address") == NULL) {
		printf("open: '%s'\n", why);
		return 1;
	}
	return 0;
}
