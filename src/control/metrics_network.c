/* SPDX-License-Identifier: Apache-2.0 */
/* What a node counts of its network (docs/epochs.md, "Metrics"), and where its copy of the ledger
 * is. */
#include <string.h>

#include "control/garbage.h"
#include "control/metrics.h"
#include "control/network.h"

struct page {
	FILE *out;
	char family[64]; /* of the last line */
};

/* A family's head comes before its first line; its lines follow each other. */
static void add(void *arg, const char *name, const char *labels, uint64_t value)
{
	struct page *p = arg;
	size_t len = strlen(name);
	bool counter = len > 6 && strcmp(name + len - 6, "_total") == 0;

	if (counter)
		len -= 6;
	if (strlen(p->family) != len || memcmp(p->family, name, len) != 0) {
		snprintf(p->family, sizeof(p->family), "%.*s", (int)len, name);
		fprintf(p->out, "# TYPE assay_%s %s\n", p->family, counter ? "counter" : "gauge");
	}
	fprintf(p->out, "assay_%s%s%s%s %lu\n", name, labels[0] != '\0' ? "{" : "", labels,
		labels[0] != '\0' ? "}" : "", value);
}

static void add_garbage(struct page *page, const struct app *app)
{
	struct garbage_stats garbage = garbage_stats(app->garbage);
	struct store_stats store;

	store_stats(app->store, &store);
	add(page, "garbage_tickets", "", garbage.tickets);
	add(page, "garbage_placed", "", garbage.artifacts);
	add(page, "garbage_unresolved", "", garbage.unresolved);
	add(page, "garbage_sweeps_total", "", garbage.sweeps);
	add(page, "garbage_removed_total", "", garbage.removed);
	add(page, "garbage_removed_bytes_total", "", garbage.removed_bytes);
	add(page, "garbage_unclaimed_total", "", store.unclaimed);
}

/* Of the whole network, as the node's copy has them; old ones leave the ledger in time. */
static void add_heal_ops(struct page *page, struct core *core)
{
	static const char *const names[HEAL_EXPIRED + 2] = {"",		"scheduled", "in_progress",
							    "reported", "verified",  "failed",
							    "expired",	"published"};
	struct tables *t = state_tables(core_state(core));
	uint64_t count[HEAL_EXPIRED + 2] = {0};
	char label[32];

	for (struct heal_op *op = table_first(t, T_HEAL_OPS); op != NULL; op = table_next(t, op))
		if (op->status <= HEAL_EXPIRED)
			count[op->published ? HEAL_EXPIRED + 1 : op->status]++;
	for (unsigned i = HEAL_SCHEDULED; i <= HEAL_EXPIRED + 1; i++) {
		snprintf(label, sizeof(label), "status=\"%s\"", names[i]);
		add(page, "heal_ops", label, count[i]);
	}
}

void metrics_network(FILE *out, const struct app *app)
{
	struct core *core = network_core(app->network);
	struct replica_status status;
	struct page page = {out, ""};

	if (core == NULL)
		return;
	replica_status(core_replica(core), &status);
	add(&page, "ledger_seq", "", status.seq);
	add(&page, "ledger_head", "", status.head);
	add(&page, "ledger_height", "", state_height(core_state(core)));
	add(&page, "ledger_epoch", "", state_epoch(core_state(core)));
	add(&page, "ledger_current", "", status.condition == REPLICA_CURRENT);
	add(&page, "ledger_mismatch", "", status.mismatch[0] != '\0');
	add(&page, "ledger_void_total", "", status.voids);
	add(&page, "ledger_duplicate_total", "", status.duplicates);
	add(&page, "ledger_refused_total", "", status.refused);
	counters_list(runner_counters(core_runner(core)), add, &page);
	add_heal_ops(&page, core);
	if (app->garbage != NULL)
		add_garbage(&page, app);
}
