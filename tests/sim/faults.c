/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong, and when: all of it drawn from the seed. */
#include "log/faulty_vfs.h"
#include "sim/run.h"

#define DOWN_MAX 3 /* nodes at a time */

static uint64_t between(struct run *r, uint64_t low, uint64_t high)
{
	return low + run_random(r, high - low + 1);
}

/* What the wire and the log are like in this run. */
void run_faults_init(struct run *r)
{
	struct run_faults *f = &r->faults;
	bool bad_wire = run_random(r, 3) > 0, bad_log = run_random(r, 3) > 0;

	*f = (struct run_faults){.next_ns = r->now.mono_ns + 3 * RUN_S};
	f->wire.delay_ns_min = RUN_MS / 10;
	f->wire.delay_ns_max = between(r, 1, bad_wire ? 40 : 3) * RUN_MS;
	if (bad_wire) {
		f->wire.loss = (uint8_t)run_random(r, 15);
		f->wire.duplicate = (uint8_t)run_random(r, 15);
		f->wire.reorder = (uint8_t)run_random(r, 30);
	}
	if (bad_log)
		f->log = (struct engine_sim_faults){(uint8_t)run_random(r, 10),
						    (uint8_t)run_random(r, 25),
						    (uint8_t)run_random(r, 25)};
	sim_net_set_faults(r->wire, f->wire);
	engine_sim_set_faults(r->log, f->log);
}

static unsigned nodes_down(const struct run *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->nodes; i++)
		n += r->node[i].core == NULL;
	return n;
}

static void partition(struct run *r)
{
	for (unsigned i = 0; i < r->nodes; i++)
		r->node[i].side = (unsigned)run_random(r, 2);
	r->faults.partition_ns = r->now.mono_ns + between(r, 2, 20) * RUN_S;
}

static void storm(struct run *r)
{
	struct sim_net_faults wire = r->faults.wire;

	wire.loss = (uint8_t)between(r, 30, 80);
	wire.delay_ns_max = between(r, 50, 400) * RUN_MS;
	sim_net_set_faults(r->wire, wire);
	r->faults.storm_ns = r->now.mono_ns + between(r, 1, 10) * RUN_S;
}

static void log_down(struct run *r)
{
	engine_sim_down(r->log, true);
	r->faults.down_ns = r->now.mono_ns + between(r, 1, 10) * RUN_S;
}

/* Away from the true time, or back to it. */
static void clock_jump(struct run *r, struct run_node *n)
{
	if (n->skew_ns != 0)
		n->skew_ns = 0;
	else
		n->skew_ns = ((int64_t)run_random(r, 7200) - 3600) * (int64_t)RUN_S;
}

static void one_fault(struct run *r)
{
	struct run_node *n = &r->node[run_random(r, r->nodes)];
	uint64_t what = run_random(r, r->options.heal ? 18 : 9);

	run_note(r, n->number, "fault", what, NULL, 0);
	switch (what) {
	case 0:
	case 1:
	case 2:
		if (nodes_down(r) < DOWN_MAX)
			run_node_crash(n, between(r, 1, what == 0 ? 60 : 8) * RUN_S);
		break;
	case 3:
		partition(r);
		break;
	case 4:
		n->cut_ns = r->now.mono_ns + between(r, 1, 15) * RUN_S;
		break;
	case 5:
		log_down(r);
		break;
	case 6:
		clock_jump(r, n);
		break;
	case 7:
		faulty_vfs_fail((unsigned)between(r, 1, 40), 0);
		break;
	case 8:
		storm(r);
		break;
	default:
		run_heal_fault(r, n);
		break;
	}
}

/* Those whose time is over end. */
static void end_some(struct run *r)
{
	struct run_faults *f = &r->faults;

	if (f->partition_ns != 0 && f->partition_ns <= r->now.mono_ns) {
		for (unsigned i = 0; i < r->nodes; i++)
			r->node[i].side = 0;
		f->partition_ns = 0;
	}
	if (f->down_ns != 0 && f->down_ns <= r->now.mono_ns) {
		engine_sim_down(r->log, false);
		f->down_ns = 0;
	}
	if (f->storm_ns != 0 && f->storm_ns <= r->now.mono_ns) {
		sim_net_set_faults(r->wire, f->wire);
		f->storm_ns = 0;
	}
}

void run_faults_go(struct run *r)
{
	struct run_faults *f = &r->faults;

	if (f->over || f->next_ns > r->now.mono_ns)
		return;
	end_some(r);
	if (run_random(r, 3) == 0)
		one_fault(r);
	f->next_ns = r->now.mono_ns + RUN_S / 2 + run_random(r, RUN_S);
}

void run_faults_stop(struct run *r)
{
	struct run_faults *f = &r->faults;

	f->over = true;
	f->next_ns = RUN_NEVER;
	f->partition_ns = f->down_ns = f->storm_ns = 1; /* long over */
	end_some(r);
	faulty_vfs_fail(0, 0);
	sim_net_set_faults(r->wire, (struct sim_net_faults){.delay_ns_min = RUN_MS / 10,
							    .delay_ns_max = RUN_MS});
	engine_sim_set_faults(r->log, (struct engine_sim_faults){0});
	if (r->options.heal)
		run_heal_mode(r, r->options.mode);
	for (unsigned i = 0; i < r->nodes; i++) {
		r->node[i].fail_in = 0;
		r->node[i].cut_ns = 0;
		r->node[i].skew_ns = 0;
		if (r->node[i].core == NULL)
			r->node[i].start_ns = r->now.mono_ns;
	}
}
