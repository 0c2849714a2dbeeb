/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long work of healing in a simulated node: it takes simulated time, reaches whom the wire
 * would reach, and leaves in the node's folders what a disk would keep.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "sim/stage.h"

#define READ_MS 2000 /* at most, to look at a folder after a start */

struct run_work {
	struct run_work *next;
	uint64_t cookie, since_ns, due_ns;
	bool cancelled;
	struct heal_order order;
};

bool run_serves(const struct run_node *n)
{
	return n->vice != RUN_EMPTY && n->vice != RUN_ROTTEN;
}

/* --- staging folders: durable, the manifest last --- */

struct run_staged *run_staged_find(const struct run_node *n, uint64_t op)
{
	struct run_staged *s = n->staged;

	while (s != NULL && s->op != op)
		s = s->next;
	return s;
}

static struct run_staged *stage_make(struct run_node *n, uint64_t op)
{
	struct run_staged *s = run_staged_find(n, op);

	if (s == NULL) {
		s = calloc(1, sizeof(*s));
		must(s != NULL);
		s->op = op;
		s->next = n->staged;
		n->staged = s;
	}
	return s;
}

static void stage_remove(struct run_node *n, uint64_t op)
{
	struct run_staged **at = &n->staged, *s;

	while (*at != NULL && (*at)->op != op)
		at = &(*at)->next;
	s = *at;
	if (s == NULL || n->frozen)
		return;
	run_heal_cleaning(n, s);
	*at = s->next;
	free(s);
}

/* --- what is within reach --- */

bool run_heal_reaches(const struct run_node *a, const struct run_node *b)
{
	return b->core != NULL && !a->frozen && !b->frozen && (a == b || a->side == b->side);
}

uint64_t run_heal_reach(struct run *r, unsigned file, const struct run_node *by,
			const struct run_node *without)
{
	uint64_t there = 0;

	for (unsigned i = 0; i < r->nodes; i++) {
		const struct run_node *n = &r->node[i];

		if (run_serves(n) && n != without && (by == NULL || run_heal_reaches(by, n)))
			there |= n->has[file];
	}
	return there;
}

/* The ticket has the index, so one layout file and the symbols are enough. */
bool run_heal_enough(const struct run_file *f, uint64_t artifacts)
{
	uint64_t layouts = (UINT64_C(1) << f->index / 2) - 1;

	return (artifacts & layouts) != 0 &&
	       (unsigned)__builtin_popcountll(artifacts >> f->index) >= f->source;
}

/* --- the four kinds of work --- */

enum heal_end run_heal_because(struct heal_done *out, enum heal_end end, const char *why)
{
	snprintf(out->why, sizeof(out->why), "%s", why);
	return end;
}

/* What was claimed stays, not staged. */
static void build_failed(struct run_node *n, const struct run_work *w)
{
	if (w->order.hash[0] == '\0')
		stage_remove(n, w->order.op);
}

static enum heal_end build(struct run_node *n, const struct run_work *w, struct heal_done *out)
{
	struct run *r = n->run;
	struct run_file *f = run_file_find(r, w->order.ticket);
	struct run_staged *s;

	must(f != NULL);
	if (!run_heal_enough(f, run_heal_reach(r, (unsigned)(f - r->file), n, NULL))) {
		build_failed(n, w);
		return run_heal_because(out, HEAL_END_REMOTE, "too few symbols");
	}
	strcpy(out->hash, f->hash);
	if (n->frozen)
		return HEAL_END_DONE;
	s = stage_make(n, w->order.op);
	s->manifest = s->known = true;
	r->builds++;
	s->forged = n->vice == RUN_FORGER;
	strcpy(s->hash, f->hash);
	run_pass(n, FAIL_HEAL_STAGED);
	return HEAL_END_DONE;
}

static bool granted(const struct run_node *healer, uint64_t op, const char *account)
{
	struct heal_grant grants[RUN_FILES_MAX * 4];
	unsigned n = core_heal_grants(healer->core, grants, RUN_FILES_MAX * 4);

	must(n <= RUN_FILES_MAX * 4);
	for (unsigned i = 0; i < n; i++)
		if (grants[i].op == op && strcmp(grants[i].account, account) == 0)
			return state_epoch(core_state(healer->core)) < grants[i].until_epoch;
	return false;
}

/* What somebody else's bytes have as their hash. */
static void other_hash(char out[HEAL_HASH_ROOM], const char *text)
{
	uint8_t hash[32];

	digest_one(hash, NULL, text, strlen(text));
	heal_hash_text(out, hash);
}

static enum heal_end hash(struct run_node *n, const struct run_work *w, struct heal_done *out)
{
	const struct run_node *healer = run_node_find(n->run, w->order.healer);
	const struct run_staged *s = run_staged_find(healer, w->order.op);

	if (!run_heal_reaches(n, healer))
		return run_heal_because(out, HEAL_END_REMOTE, "the healer does not answer");
	if (!granted(healer, w->order.op, n->who->account))
		return run_heal_because(out, HEAL_END_REMOTE, "refused");
	if (s == NULL || !s->manifest)
		return run_heal_because(out, HEAL_END_REMOTE, "not staged");
	if (n->vice == RUN_DENIER)
		other_hash(out->hash, "denied");
	else if (s->forged)
		other_hash(out->hash, "forged");
	else
		strcpy(out->hash, s->hash);
	return HEAL_END_DONE;
}

static enum heal_end clean(struct run_node *n, const struct run_work *w)
{
	const struct heal_op *op = heal_op_find(core_state(n->core), w->order.op);

	stage_remove(n, w->order.op);
	if (op != NULL && (op->status == HEAL_FAILED || op->status == HEAL_EXPIRED))
		run_pass(n, FAIL_HEAL_CLEAN_REMOVED);
	return HEAL_END_DONE;
}

/* --- the port --- */

static uint64_t takes(struct run_node *n, enum heal_work work)
{
	static const uint64_t most[] = {
		[HEAL_BUILD] = 3000, [HEAL_HASH] = 1000, [HEAL_PLACE] = 2000};

	return work == HEAL_CLEAN ? 0 : (1 + run_random(n->run, most[work])) * RUN_MS;
}

static void begin(void *ctx, uint64_t cookie, const struct heal_order *order)
{
	struct run_node *n = ctx;
	struct run_work *w = calloc(1, sizeof(*w)), **last = &n->work;

	must(w != NULL);
	*w = (struct run_work){.cookie = cookie,
			       .since_ns = n->run->now.mono_ns,
			       .due_ns = n->run->now.mono_ns + takes(n, order->work),
			       .order = *order};
	while (*last != NULL)
		last = &(*last)->next;
	*last = w;
	if (n->frozen)
		return;
	run_note(n->run, n->number, "work", order->op << 8 | order->work, NULL, 0);
	if (order->work == HEAL_PLACE)
		run_heal_placing(n, order);
	if (order->work == HEAL_BUILD) {
		if (order->hash[0] == '\0')
			stage_remove(n, order->op);
		stage_make(n, order->op)->manifest = false;
		run_pass(n, FAIL_HEAL_MKDIR);
	}
}

static void cancel(void *ctx, uint64_t cookie)
{
	struct run_node *n = ctx;

	for (struct run_work *w = n->work; w != NULL; w = w->next)
		if (w->cookie == cookie)
			w->cancelled = true;
}

static uint64_t work_due(const struct run_work *w)
{
	uint64_t late = w->order.deadline_ns;

	if (w->cancelled)
		return 0;
	return late != 0 && late < w->due_ns ? late : w->due_ns;
}

static enum heal_end give_up(struct run_node *n, const struct run_work *w, struct heal_done *out)
{
	if (w->order.work == HEAL_BUILD)
		build_failed(n, w);
	return w->cancelled ? run_heal_because(out, HEAL_END_CLOSED, "cancelled")
			    : run_heal_because(out, HEAL_END_LATE, "it is late");
}

static enum heal_end finish(struct run_node *n, const struct run_work *w, struct heal_done *out)
{
	if (w->cancelled || n->run->now.mono_ns < w->due_ns)
		return give_up(n, w, out);
	switch (w->order.work) {
	case HEAL_BUILD:
		return build(n, w, out);
	case HEAL_HASH:
		return hash(n, w, out);
	case HEAL_PLACE:
		return run_heal_place(n, &w->order, w->since_ns, out);
	case HEAL_CLEAN:
		return clean(n, w);
	case HEAL_WORKS:
		break;
	}
	never(true);
	return HEAL_END_OURS;
}

/* What is staged is not known at once after a start. */
static bool has_read(struct run_node *n)
{
	struct run_staged *s = n->staged;

	while (s != NULL && (s->known || s->read_ns == 0 || s->read_ns > n->run->now.mono_ns))
		s = s->next;
	if (s != NULL)
		s->known = true;
	return s != NULL;
}

static bool next(void *ctx, struct heal_done *out)
{
	struct run_node *n = ctx;
	struct run_work **at = &n->work, *w;

	if (has_read(n)) {
		*out = (struct heal_done){.cookie = 0};
		return true;
	}
	while (*at != NULL && work_due(*at) > n->run->now.mono_ns)
		at = &(*at)->next;
	w = *at;
	if (w == NULL)
		return false;
	*at = w->next;
	*out = (struct heal_done){.cookie = w->cookie};
	out->end = finish(n, w, out);
	if (!n->frozen)
		run_note(n->run, n->number, "worked", w->order.op << 8 | out->end, NULL, 0);
	free(w);
	return true;
}

static bool progress(void *ctx, uint64_t *done, uint64_t *total, uint64_t cookie)
{
	return false;
}

static int staged(void *ctx, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	const struct run_node *n = ctx;
	struct run_staged *s = run_staged_find(n, op);

	if (s == NULL || !s->manifest)
		return ASSAY_E_NOTFOUND;
	if (!s->known && s->read_ns == 0)
		s->read_ns = n->run->now.mono_ns + (1 + run_random(n->run, READ_MS)) * RUN_MS;
	if (!s->known)
		return ASSAY_E_AGAIN;
	strcpy(hash, s->hash);
	return 0;
}

static int sweep(void *ctx, unsigned *left, heal_keep keep, void *arg)
{
	struct run_node *n = ctx;
	char hash[HEAL_HASH_ROOM];
	struct run_staged *s, *after;

	*left = 0;
	for (s = n->staged; s != NULL; s = after) {
		after = s->next;
		if (keep(arg, hash, s->op))
			++*left;
		else
			stage_remove(n, s->op);
	}
	return 0;
}

struct heal_port run_heal_port(struct run_node *n)
{
	if (!n->run->options.heal)
		return (struct heal_port){.begin = NULL};
	return (struct heal_port){begin, cancel, next, progress, staged, sweep, n};
}

uint64_t run_heal_due(const struct run_node *n)
{
	uint64_t due = RUN_NEVER;

	for (const struct run_work *w = n->work; w != NULL; w = w->next)
		due = work_due(w) < due ? work_due(w) : due;
	for (const struct run_staged *s = n->staged; s != NULL; s = s->next)
		if (!s->known && s->read_ns != 0 && s->read_ns < due)
			due = s->read_ns;
	return due;
}

void run_heal_stop(struct run_node *n)
{
	while (n->work != NULL) {
		struct run_work *w = n->work;

		n->work = w->next;
		free(w);
	}
	for (struct run_staged *s = n->staged; s != NULL; s = s->next) {
		s->known = false;
		s->read_ns = 0;
	}
}

void run_heal_free(struct run_node *n)
{
	while (n->staged != NULL) {
		struct run_staged *s = n->staged;

		n->staged = s->next;
		free(s);
	}
}

/* --- failpoints --- */

static bool pass(void *ctx, enum failpoint which)
{
	struct run_node *n = ctx;

	if (n->frozen || n->fail_in == 0 || n->fail != which || --n->fail_in > 0)
		return false;
	run_note(n->run, n->number, failpoint_name(which), 0, NULL, 0);
	n->run->fails[which]++;
	if (which > FAIL_LEDGER_APPLY)
		return true;
	run_node_freeze(n);
	return false;
}

void run_pass(struct run_node *n, enum failpoint which)
{
	pass(n, which);
}

struct failpoints run_failpoints(struct run_node *n)
{
	return (struct failpoints){pass, n};
}
