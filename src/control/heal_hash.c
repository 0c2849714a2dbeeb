/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of what a healer has staged: all its bytes, read from it alone by the op's grant, in
 * order and in constant memory. They are hashed as they come, also when they do not fit the key: a
 * vote says what was there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "codec/artifact.h"
#include "control/heal_work.h"
#include "crypto/digest.h"
#include "ledger/text.h"

struct hashing {
	struct heal_task *t;
	struct digest_stream digest;
	uint64_t len;
	int error;
	bool done;
	char why[120];
};

static int take(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct hashing *h = arg;

	/* Never beyond the ticket's size, and without gaps. */
	if (offset != h->len || len > h->t->order.size - h->len)
		return ASSAY_E_RANGE;
	digest_stream_add(&h->digest, data, len);
	h->len += len;
	heal_progress(h->t, "", h->len, h->t->order.size);
	return 0;
}

static void on_done(void *arg, int error, const char *why)
{
	struct hashing *h = arg;

	h->error = error;
	h->done = true;
	snprintf(h->why, sizeof(h->why), "%s", why);
}

static int pull_once(struct hashing *h, struct assay_fleet *fleet, unsigned node)
{
	const struct heal_task *t = h->t;
	struct assay_pull pull = {.size = t->order.size,
				  .grant = t->order.op,
				  .unchecked = true,
				  .sink = take,
				  .arg = h};
	int error;

	if (!base64_read(pull.key, 32, t->order.hash, strlen(t->order.hash)))
		return ASSAY_E_INVAL;
	h->done = false;
	error = assay_fleet_pull(fleet, node, &pull, on_done, h);
	while (error == 0 && !h->done) {
		assay_fleet_wait(fleet, 100);
		if (!h->done && heal_stopped(t))
			assay_fleet_cancel(fleet, node);
	}
	return error;
}

/* A healer serves few at a time: until it is this node's turn it says that it is busy. */
static int pull(struct hashing *h, struct assay_fleet *fleet)
{
	struct assay_peer peer;
	int node, error;

	deal_peer(&peer, &h->t->deal.other[0]);
	node = assay_fleet_add(fleet, &peer);
	error = node < 0 ? node : pull_once(h, fleet, (unsigned)node);
	while (error == 0 && h->error == ASSAY_E_BUSY && h->len == 0 && !heal_stopped(h->t))
		error = pull_once(h, fleet, (unsigned)node);
	return error;
}

/* This node's memory or its socket: the healer has no part in it. */
static bool is_ours(int error)
{
	return error == ASSAY_E_NOMEM || error == ASSAY_E_IO;
}

static void judge(struct hashing *h)
{
	struct heal_task *t = h->t;
	uint8_t digest[32];
	char *text;

	if (h->error != 0) {
		heal_finish(t, is_ours(h->error) ? HEAL_END_OURS : HEAL_END_REMOTE,
			    "%" PRIu64 " of %" PRIu64 " octets came: %.100s", h->len, t->order.size,
			    h->why);
		return;
	}
	if (h->len != t->order.size) {
		heal_finish(t, HEAL_END_REMOTE, "%" PRIu64 " octets came, not %" PRIu64, h->len,
			    t->order.size);
		return;
	}
	digest_stream_end(&h->digest, digest);
	text = artifact_base64(digest, 32);
	if (text == NULL) {
		heal_finish(t, HEAL_END_OURS, "out of memory");
		return;
	}
	snprintf(t->hash, sizeof(t->hash), "%s", text);
	free(text);
	heal_finish(t, HEAL_END_DONE, "%s", "");
}

void heal_hash(struct heal_task *t)
{
	struct hashing h = {.t = t};
	struct assay_fleet *fleet = NULL;
	int error;

	if (t->order.size == 0 || t->order.size > t->size_max) {
		heal_finish(t, HEAL_END_OURS,
			    "a file of %" PRIu64
			    " octets is above max_reconstructed_bytes (%" PRIu64 ")",
			    t->order.size, t->size_max);
		return;
	}
	digest_stream_init(&h.digest, NULL);
	error = assay_fleet_open(&fleet, &t->client);
	if (error == 0)
		error = pull(&h, fleet);
	if (error == 0)
		judge(&h);
	else if (error == ASSAY_E_INVAL)
		heal_finish(t, HEAL_END_REMOTE, "%s has no usable address on the ledger",
			    t->deal.other[0].account);
	else
		heal_finish(t, HEAL_END_OURS, "no session with %s: %s", t->deal.other[0].account,
			    assay_error_text(error));
	assay_fleet_close(fleet);
}
