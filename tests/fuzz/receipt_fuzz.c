/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description that a peer's CALL for a receipt names, in a network with nodes and tickets: any
 * text is either no description or a plan whose numbers and lists agree with each other.
 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/receipts.h"
#include "ledger/heal.h"
#include "ledger/jcs.h"
#include "ledger/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct ledger_net net;
static json_t *good; /* a ticket that is not recorded */

static void start(void)
{
	static const struct net_config config = {.nodes = 5, .members = 2, .epoch_length = 10};
	json_t *recorded;

	net_new(&net, &config);
	net_tick(&net);
	good = net_ticket_data(&net, 1, 5, 400000);
	recorded = net_ticket_data(&net, 1, 6, 3000);
	must(json_array_clear(json_object_get(good, "receipts")) == 0);
	heal_op_new(net.state, json_string_value(json_object_get(recorded, "ticket")),
		    net.nodes[2].account, 0);
	net_accept(&net, net.nodes[1].account, "ticket", recorded);
}

static bool nothing(void *ctx, const uint8_t key[32], uint64_t *size)
{
	return false;
}

static int read_nothing(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
			uint64_t size_max)
{
	return ASSAY_E_NOTFOUND;
}

static void judge(const char *text, size_t len)
{
	const struct holder_bytes bytes = {read_nothing, nothing, NULL};
	struct holder_answer answer;
	struct receipt_plan plan;

	if (receipt_plan_make(&plan, net.state, text, len) != HOLDER_SIGNS)
		return;
	must(plan.ticket != NULL && plan.told.holder_count > 0 && plan.holders.n <= 5);
	must(plan.told.record.max == plan.index_ids.n);
	holder_digest(&answer, &plan.told, plan.told.holders[0], &bytes);
	must(answer.reason != HOLDER_SIGNS && answer.reason != HOLDER_NOT_HOLDER);
	receipt_plan_free(&plan);
}

/* One member of the good ticket replaced by whatever the input says. */
static void judge_member(const uint8_t *data, size_t len)
{
	static const char *const members[] = {"ticket",
					      "data_hash",
					      "size",
					      "ic",
					      "max",
					      "ratio",
					      "rq_ids_ids",
					      "skip",
					      "public",
					      "index_artifact_count",
					      "symbol_artifact_count",
					      "placement_epoch",
					      "signatures",
					      "heal_op_id",
					      "receipts"};
	const char *member = members[data[0] % (sizeof(members) / sizeof(members[0]))];
	json_t *copy = json_deep_copy(good), *description;
	json_t *value = json_loadb((const char *)data + 2, len - 2, JSON_DECODE_ANY, NULL);
	char *text;

	if (value == NULL)
		json_object_del(copy, member);
	else
		json_object_set(copy, member, value);
	json_decref(value);
	description = json_pack("{s:s,s:s,s:o}", "author", net.nodes[data[1] % 5].account, "type",
				data[1] % 2 ? "ticket" : "heal_published", "data", copy);
	text = json_dumps(description, JSON_COMPACT);
	judge(text, strlen(text));
	free(text);
	json_decref(description);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (good == NULL)
		start();
	judge((const char *)data, len);
	if (len > 2)
		judge_member(data, len);
	return 0;
}
