/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold, whatever goes wrong. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"
#include "ledger/entry.h"
#include "ledger/score.h"
#include "sim/run.h"

static struct run_seen *seen_of(struct run *r, uint64_t seq)
{
	if (seq >= r->seen_room) {
		size_t room = 2 * (size_t)seq + 64;

		r->seen = realloc(r->seen, room * sizeof(*r->seen));
		must(r->seen != NULL);
		memset(r->seen + r->seen_room, 0, (room - r->seen_room) * sizeof(*r->seen));
		r->seen_room = room;
	}
	return &r->seen[seq];
}

/* Every node applies the same entry with the same verdict. */
static void applied(struct run *r, const char *who, uint64_t seq, const struct entry_result *result)
{
	struct run_seen *s = seen_of(r, seq);

	if (!s->applied) {
		s->applied = true;
		memcpy(s->id, result->id, 32);
		s->kind = result->kind;
		s->code = result->code;
		r->entries++;
	} else if (memcmp(s->id, result->id, 32) != 0 || s->kind != result->kind ||
		   s->code != result->code) {
		run_wrong(r, "%s has another entry or verdict at %" PRIu64, who, seq);
	}
}

void run_check_applied(struct run_node *n, uint64_t seq, const struct entry_result *result)
{
	run_note(n->run, n->number, "applied", seq << 16 | result->code, result->id, 32);
	applied(n->run, n->who->account, seq, result);
}

/* Equal states at equal sequence numbers. */
void run_check_state(struct run *r, unsigned node, struct state *state)
{
	uint64_t seq = state_seq(state);
	struct run_seen *s = seen_of(r, seq);
	uint8_t hash[32];

	state_hash(state, hash);
	run_note(r, node, "state", seq, hash, 32);
	if (s->hashed && memcmp(s->hash, hash, 32) != 0)
		run_wrong(r, "node %u has another state at %" PRIu64, node, seq);
	memcpy(s->hash, hash, 32);
	s->hashed = true;
}

void run_check_acked(struct run *r, uint64_t seq, const uint8_t *entry, size_t len)
{
	if (r->acked_n == r->acked_room) {
		r->acked_room = 2 * r->acked_room + 64;
		r->acked = realloc(r->acked, r->acked_room * sizeof(*r->acked));
		must(r->acked != NULL);
	}
	r->acked[r->acked_n].seq = seq;
	entry_hash(r->acked[r->acked_n++].digest, entry, len);
}

void run_check_told(struct run *r, const uint8_t id[32], const struct entry_outcome *outcome)
{
	if (outcome->end != ENTRY_VERDICT_CAME || outcome->code != 0)
		return;
	r->told = realloc(r->told, (r->told_n + 1) * sizeof(*r->told));
	must(r->told != NULL);
	memcpy(r->told[r->told_n++], id, 32);
}

/* --- reports --- */

static const char *text_in(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static void check_row(struct run *r, const json_t *row)
{
	json_int_t result = json_integer_value(json_object_get(row, "result"));
	const struct run_node *target = run_node_find(r, text_in(row, "target"));

	if (strlen(text_in(row, "sig")) != 128)
		run_wrong(r, "a row without signature about %s", text_in(row, "target"));
	must(target != NULL);
	r->passes += result == RESULT_PASS;
	r->failures += result != RESULT_PASS && result != RESULT_NO_ELIGIBLE_TICKET;
	if (result == RESULT_PASS && !run_serves(target))
		run_wrong(r, "PASS for %s, which has nothing to prove", target->who->account);
	if (result == RESULT_HASH_MISMATCH && target->vice != RUN_ROTTEN)
		run_wrong(r, "HASH_MISMATCH for %s, which never lied", target->who->account);
}

static void check_report(struct run *r, const struct entry *e)
{
	const json_t *row;
	char key[96];
	size_t i;

	snprintf(key, sizeof(key), "%" JSON_INTEGER_FORMAT "/%s",
		 json_integer_value(json_object_get(e->data, "epoch")), e->author);
	if (json_object_get(r->reports, key) != NULL)
		run_wrong(r, "two reports: %s", key);
	json_object_set_new(r->reports, key, json_true());
	json_array_foreach(json_object_get(e->data, "rows"), i, row) check_row(r, row);
}

/* --- the observer --- */

static void accepted(struct run *r, const struct entry *e)
{
	const struct net_node *author = net_find(&r->net, e->author);
	char key[128];

	snprintf(key, sizeof(key), "%s %s", e->type, e->author);
	json_object_set_new(r->accepted, key,
			    json_integer(run_accepted(r, e->type, e->author) + 1));
	if (strcmp(e->type, "report") == 0)
		check_report(r, e);
	if (strcmp(e->type, "tick") == 0)
		r->net.reveals_left[author - r->net.nodes]--;
	run_heal_accepted(r, e);
}

unsigned run_accepted(const struct run *r, const char *type, const char *author)
{
	char key[128];

	snprintf(key, sizeof(key), "%s %s", type, author);
	return (unsigned)json_integer_value(json_object_get(r->accepted, key));
}

void run_observed(struct run *r, const uint8_t *entry, size_t len,
		  const struct entry_result *result)
{
	uint64_t seq = state_seq(r->net.state);
	struct run_seen *s;
	struct entry e;

	applied(r, "the observer", seq, result);
	s = seen_of(r, seq);
	entry_hash(s->digest, entry, len);
	s->logged = true;
	if (result->kind == ENTRY_VERDICT) {
		must(entry_parse(&e, entry, len));
		if (strcmp(e.type, "ticket") == 0)
			json_object_set_new(r->arrived, text_in(e.data, "ticket"), json_true());
		run_heal_said(r, &e);
		if (result->code == 0)
			accepted(r, &e);
		entry_free(&e);
	}
	run_check_state(r, RUN_NODES_MAX, r->net.state);
}

static void observe(void *arg, uint64_t seq, const uint8_t *entry, size_t len)
{
	struct run *r = arg;
	struct entry_result result;

	must(seq == state_seq(r->net.state) + 1);
	state_apply(r->net.state, &result, entry, len);
	run_observed(r, entry, len, &result);
}

void run_observe(struct run *r)
{
	while (r->observer.read(r->observer.ctx, state_seq(r->net.state) + 1, LOG_PAGE_MAX, observe,
				r) > 0)
		;
}

static bool logged(const struct run *r, const uint8_t id[32])
{
	for (uint64_t seq = 1; seq < r->seen_room; seq++)
		if (r->seen[seq].logged && r->seen[seq].kind == ENTRY_VERDICT &&
		    r->seen[seq].code == 0 && memcmp(r->seen[seq].id, id, 32) == 0)
			return true;
	return false;
}

/* What was acknowledged is in the log, where it was said to be. */
void run_check_log(struct run *r)
{
	run_observe(r);
	for (size_t i = 0; i < r->acked_n; i++) {
		const struct run_seen *s = seen_of(r, r->acked[i].seq);

		if (!s->logged || memcmp(s->digest, r->acked[i].digest, 32) != 0)
			run_wrong(r, "the acknowledged entry %" PRIu64 " is lost", r->acked[i].seq);
	}
	for (size_t i = 0; i < r->told_n; i++)
		if (!logged(r, r->told[i]))
			run_wrong(r, "an entry that was told to be accepted is not in the log");
	for (void *i = json_object_iter(r->promised); i != NULL;
	     i = json_object_iter_next(r->promised, i))
		if (json_object_get(r->arrived, json_object_iter_key(i)) == NULL)
			run_wrong(r, "ticket %s was taken into an outbox and never came out",
				  json_object_iter_key(i));
	for (uint64_t seq = 1; seq < r->seen_room; seq++)
		if (r->seen[seq].applied && !r->seen[seq].logged)
			run_wrong(r, "the applied entry %" PRIu64 " is not in the log", seq);
}
