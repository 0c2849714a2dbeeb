/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lives by chance: work that fails in every way, entries that get lost, reads and rows that fail,
 * staging that is damaged, deaths at every point, while the network votes and time passes. What
 * must never happen is looked at with every order and entry; when the faults stop, everything
 * settles and nothing is left.
 */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/sim_random.h"

#define SEEDS 24
#define STEPS 300
#define OPS   16

static struct ward w;
static uint64_t seed, op[OPS];
static unsigned ops, published;

static bool chance(unsigned percent)
{
	return sim_chance(&seed, (uint8_t)percent);
}

static bool mine(const struct heal_op *o)
{
	return strcmp(o->healer, w.self) == 0;
}

static bool to_publish(const struct heal_op *o)
{
	return o->status == HEAL_VERIFIED && strcmp(o->result_hash, w.hash) == 0 && !o->published;
}

/* --- what must never happen */

static void check_order(const struct heal_order *order)
{
	const struct heal_op *o = ward_find(&w, order->op);

	switch (order->work) {
	case HEAL_BUILD:
		assert_true(mine(o));
		assert_true(o->status <= HEAL_HEALER_REPORTED || to_publish(o));
		break;
	case HEAL_HASH:
		assert_true(texts_have(&o->verifiers, w.self));
		assert_int_equal(o->status, HEAL_HEALER_REPORTED);
		break;
	case HEAL_PLACE:
		assert_true(mine(o) && to_publish(o));
		break;
	default: /* what is claimed or verified is not thrown away */
		assert_true(mine(o));
		assert_false(to_publish(o));
		assert_false(o->status == HEAL_HEALER_REPORTED &&
			     *ward_claim_row(&w, order->op) != '\0' &&
			     ward_folder(&w, order->op) != NULL &&
			     strcmp(ward_folder(&w, order->op)->hash, w.hash) == 0);
		break;
	}
}

static void check_entry(const struct ward_entry *e)
{
	uint64_t id = (uint64_t)json_integer_value(json_object_get(e->data, "heal_op_id"));
	const struct heal_op *o = ward_find(&w, id);

	if (strcmp(e->type, "heal_published") == 0) {
		assert_true(to_publish(o));
		return;
	}
	/* It was written down before it was sent. */
	assert_string_equal(strcmp(e->type, "heal_claim") == 0 ? ward_claim_row(&w, id)
							       : ward_vote_row(&w, id),
			    "pending");
	if (w.terms_error == 0)
		assert_true(state_epoch(w.net.state) < o->deadline_epoch);
}

/* Orders and entries that are new; w.order is in the order in which they came. */
static void check(unsigned orders, unsigned entries)
{
	if (w.dead)
		return;
	for (unsigned i = orders; i < w.orders; i++)
		check_order(&w.order[i].order);
	for (unsigned i = entries; i < w.entries; i++)
		check_entry(&w.entry[i]);
	for (unsigned i = 0; i < w.orders; i++)
		for (unsigned k = 0; k < i; k++)
			assert_false(w.order[i].order.op == w.order[k].order.op &&
				     (w.order[i].order.work == HEAL_HASH) ==
					     (w.order[k].order.work == HEAL_HASH));
}

/* --- what may happen */

static void new_op(void)
{
	if (ops == OPS)
		return;
	op[ops++] = chance(50) ? ward_op(&w, w.self, w.other[0], w.other[1])
			       : ward_op(&w, w.other[0], w.self, w.other[1]);
}

/* The others do their part in an op, well or not. */
static void others_act(void)
{
	uint64_t id = op[sim_next(&seed) % ops];
	const struct heal_op *o = ward_find(&w, id);
	bool verified;

	if (!mine(o) && o->status == HEAL_SCHEDULED)
		ward_claim(&w, id);
	for (size_t i = 0; i < o->verifiers.n && o->status == HEAL_HEALER_REPORTED; i++)
		if (strcmp(o->verifiers.at[i], w.self) != 0 && chance(60) &&
		    w.real.heal_vote(w.real.ctx, &verified, id, o->verifiers.at[i]) != 0)
			ward_vote(&w, id, o->verifiers.at[i], chance(75));
}

static void end_work(void)
{
	const struct heal_order order = w.order[0].order;
	char other[HEAL_HASH_ROOM];
	struct ward_folder *folder;
	enum heal_end end = (enum heal_end)(1 + sim_next(&seed) % (HEAL_ENDS - 1));

	if (chance(60)) {
		ward_done(&w);
		return;
	}
	heal_negative_hash(other, "another file");
	if (order.work == HEAL_HASH && chance(20))
		end = HEAL_END_DONE;
	folder = ward_folder(&w, order.op);
	if (order.work == HEAL_BUILD && folder != NULL)
		*folder = w.folder[--w.folders];
	ward_end(&w, end, other, "it did not work");
}

static void entry_fate(void)
{
	if (chance(70))
		ward_apply(&w);
	else if (chance(50))
		ward_say(&w, ENTRY_EXPIRED, 0, "");
	else
		ward_say(&w, ENTRY_VERDICT_CAME, 99, "");
}

static void new_faults(void)
{
	static const int errors[] = {0, 0, ASSAY_E_IO};
#define DRAW errors[sim_next(&seed) % 3]
	w.op_error = DRAW;
	w.ops_error = DRAW;
	w.terms_error = DRAW;
	w.vote_error = DRAW;
	w.staged_error = DRAW;
	w.claim_read_error = DRAW;
	w.vote_read_error = DRAW;
	w.claim_put_error = DRAW;
	w.claim_drop_error = DRAW;
	w.vote_put_error = DRAW;
	w.mark_error = DRAW;
#undef DRAW
}

static void no_faults(void)
{
	w.op_error = w.ops_error = w.terms_error = w.vote_error = w.staged_error = 0;
	w.claim_read_error = w.vote_read_error = 0;
	w.claim_put_error = w.claim_drop_error = w.vote_put_error = w.mark_error = 0;
	w.armed_in = 0;
}

static void step(void)
{
	unsigned orders = w.orders, entries = w.entries;

	switch (sim_next(&seed) % 10) {
	case 0:
		new_op();
		break;
	case 1:
		others_act();
		break;
	case 2:
		for (uint64_t n = sim_next(&seed) % 4; n > 0; n--)
			net_tick(&w.net);
		break;
	case 3:
		if (w.folders > 0 && chance(20))
			w.folders--;
		break;
	case 4:
		if (chance(40))
			new_faults();
		else
			no_faults();
		break;
	case 5:
		if (chance(30))
			ward_arm(&w, (enum failpoint)(sim_next(&seed) % FAIL_COUNT));
		else if (chance(10))
			ward_restart(&w);
		orders = w.orders, entries = w.entries;
		break;
	case 6:
		if (w.orders > 0) {
			end_work();
			orders = orders > 0 ? orders - 1 : 0;
		}
		break;
	case 7:
		if (w.entries > 0) {
			entry_fate(); /* sends nothing */
			entries = w.entries;
		}
		break;
	case 8:
		ward_pass(&w, 500 + sim_next(&seed) % 3000);
		break;
	default:
		ward_tick(&w);
		break;
	}
	check(orders, entries);
	if (w.dead)
		ward_restart(&w);
}

/* The faults are over: all that is open ends, and nothing of it stays. */
static void settle(void)
{
	uint64_t last = 0;

	no_faults();
	for (unsigned i = 0; i < 20; i++) {
		ward_pass(&w, 10000);
		ward_run(&w);
	}
	for (unsigned i = 0; i < ops; i++)
		if (ward_find(&w, op[i])->deadline_epoch > last)
			last = ward_find(&w, op[i])->deadline_epoch;
	ward_to_epoch(&w, last + 1);
	for (unsigned i = 0; i < 5; i++) {
		ward_pass(&w, 10000);
		ward_run(&w);
	}
	for (unsigned i = 0; i < ops; i++) {
		const struct heal_op *o = ward_find(&w, op[i]);

		assert_true(heal_op_final(o));
		assert_false(mine(o) && to_publish(o));
		published += mine(o) && o->published;
		assert_string_equal(ward_claim_row(&w, op[i]), "");
		assert_string_equal(ward_vote_row(&w, op[i]), "");
	}
	ward_restart(&w); /* what a failed CLEAN behind a publication left is swept */
	assert_int_equal(w.folders, 0);
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

static void test_lives_by_chance(void **state)
{
	for (uint64_t s = 1; s <= SEEDS; s++) {
		seed = s;
		ops = 0;
		ward_init(&w, 0);
		new_op();
		for (unsigned i = 0; i < STEPS; i++)
			step();
		settle();
		ward_free(&w);
	}
	print_message("%u ops published in %u lives\n", published, SEEDS);
	assert_true(published > SEEDS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives_by_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
