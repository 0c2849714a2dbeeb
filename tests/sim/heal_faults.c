/* SPDX-License-Identifier: Apache-2.0 */
/* What makes files want healing, and what goes wrong while they are healed. */
#include "ledger/heal.h"
#include "sim/run.h"

bool run_heal_wipe(struct run *r, struct run_node *n, unsigned file)
{
	struct run_file *f = &r->file[file];

	if (!run_heal_enough(f, run_heal_reach(r, file, NULL, n)))
		return false;
	n->has[file] = 0;
	f->lost_ns = r->now.mono_ns;
	run_note(r, n->number, "wiped", file, NULL, 0);
	return true;
}

void run_heal_order(struct run *r, unsigned file)
{
	run_put(r, "authority", "rehome", json_pack("{ss}", "ticket", r->file[file].ticket));
}

void run_heal_mode(struct run *r, unsigned mode)
{
	run_put(r, "authority", "params",
		json_pack("{s{si}}", "set", "storage_truth_enforcement_mode", (int)mode));
}

void run_heal_fail(struct run_node *n, enum failpoint which, unsigned in)
{
	n->fail = which;
	n->fail_in = in;
}

/* Whoever comes by there first, and perhaps others: an op is in few hands at a time. */
static void fail_all(struct run *r)
{
	enum failpoint which = (enum failpoint)run_random(r, FAIL_COUNT);

	if (which == FAIL_LEDGER_APPLY && run_random(r, 4) > 0)
		return; /* everybody meets that one all the time */
	for (unsigned i = 0; i < r->nodes; i++)
		run_heal_fail(&r->node[i], which, 1 + (unsigned)run_random(r, 2));
}

void run_heal_fault(struct run *r, struct run_node *n)
{
	unsigned file = (unsigned)run_random(r, r->files), kind = (unsigned)run_random(r, 8);

	if (kind < 2)
		run_heal_wipe(r, n, file);
	else if (kind < 4)
		for (unsigned i = 0; i < 3; i++)
			run_heal_order(r, (file + i) % r->files);
	else if (kind < 7)
		fail_all(r);
	else
		run_heal_mode(r, (unsigned)run_random(r, 4));
}
