/* SPDX-License-Identifier: Apache-2.0 */
/* Committees: proposal with a proof that the group can sign, acknowledgements, taking over. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/must.h"
#include "ledger/field.h"
#include "ledger/state_impl.h"
#include "ledger/trailer.h"

#define MEMBERS_MIN 2
#define MEMBERS_MAX 32

bool committee_keyless(const struct committee *c)
{
	return strspn(text_of(c->output_key), "0") == 64;
}

struct committee_member *committee_member(const struct committee *c, const char *account)
{
	for (size_t i = 0; i < c->member_count; i++)
		if (strcmp(text_of(c->members[i].account), account) == 0)
			return &c->members[i];
	return NULL;
}

struct committee *committee_of_epoch(struct state *s, uint64_t epoch)
{
	struct committee *found = NULL;
	struct committee *c = table_first(s->tables, T_COMMITTEES);

	for (; c != NULL; c = table_next(s->tables, c))
		if ((c->state == COMMITTEE_IN_FORCE || c->state == COMMITTEE_PAST) &&
		    c->first_epoch <= epoch &&
		    (found == NULL || c->first_epoch > found->first_epoch))
			found = c;
	return found;
}

static bool members_sound(const json_t *members, uint64_t t)
{
	size_t m = json_array_size(members);

	if (m < MEMBERS_MIN || m > MEMBERS_MAX || t > m || 2 * t <= m)
		return false;
	for (size_t i = 0; i < m; i++) {
		const json_t *member = json_array_get(members, i);

		if (data_number(member, "id") != i + 1)
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(data_text(member, "account"),
				   data_text(json_array_get(members, j), "account")) == 0)
				return false;
	}
	return true;
}

static bool members_active(struct state *s, const json_t *members)
{
	for (size_t i = 0; i < json_array_size(members); i++) {
		const char *account = data_text(json_array_get(members, i), "account");
		const struct node *node = node_find(s, account);

		if (node == NULL || node->state != NODE_ACTIVE)
			return false;
	}
	return true;
}

const char *committee_fault(struct state *s, const json_t *data)
{
	const json_t *members = json_object_get(data, "members");

	if (!members_sound(members, data_number(data, "t")))
		return "needs 2 to 32 different members with ids 1, 2, .. and more than half as t";
	if (!members_active(s, members))
		return "has a member that is no active node";
	return NULL;
}

static void fill(struct committee *c, const json_t *data, enum committee_state state)
{
	const json_t *members = json_object_get(data, "members");
	size_t m = json_array_size(members);

	shape_free(c, &table_shapes[T_COMMITTEES].shape);
	text_set(&c->output_key, data_text(data, "output_key"));
	c->t = data_number(data, "t");
	c->state = state;
	c->members = calloc(m, sizeof(*c->members));
	must(c->members != NULL);
	for (; c->member_count < m; c->member_count++) {
		const json_t *from = json_array_get(members, c->member_count);
		struct committee_member *to = &c->members[c->member_count];

		text_set(&to->account, data_text(from, "account"));
		to->id = data_number(from, "id");
		text_set(&to->tip, data_text(from, "tip"));
	}
}

void committee_found(struct state *s, const json_t *data)
{
	s->committee = table_put(s->tables, T_COMMITTEES, data_text(data, "key_group_id"));
	fill(s->committee, data, COMMITTEE_IN_FORCE);
}

/* Everything but the tips. */
static bool same_group(const struct committee *c, const json_t *data)
{
	const json_t *members = json_object_get(data, "members");

	if (strcmp(text_of(c->output_key), data_text(data, "output_key")) != 0 ||
	    c->t != data_number(data, "t") || c->member_count != json_array_size(members))
		return false;
	for (size_t i = 0; i < c->member_count; i++) {
		const json_t *member = json_array_get(members, i);

		if (c->members[i].id != data_number(member, "id") ||
		    strcmp(text_of(c->members[i].account), data_text(member, "account")) != 0)
			return false;
	}
	return true;
}

static void replace_tips(struct state *s, const json_t *data)
{
	const json_t *members = json_object_get(data, "members");

	table_touch(s->tables, s->committee);
	for (size_t i = 0; i < s->committee->member_count; i++)
		text_set(&s->committee->members[i].tip,
			 data_text(json_array_get(members, i), "tip"));
}

/* The new group has signed before: a key that cannot sign must not become the next one. */
static bool proof_valid(struct state *s, const json_t *data)
{
	uint8_t group[32], digest[32], proof[64];

	if (!hex_read(group, 32, data_text(data, "key_group_id")) ||
	    !hex_read(proof, 64, data_text(data, "proof")))
		return false;
	group_ready_digest(digest, group);
	return state_verify(s, proof, digest, data_text(data, "output_key"));
}

static void changed(struct state *s)
{
	state_event(s, &(struct state_event){.kind = STATE_COMMITTEE_CHANGED});
}

unsigned apply_committee(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			 const char **reason)
{
	const char *id = data_text(data, "key_group_id");
	struct committee *known = table_find(s->tables, T_COMMITTEES, id);

	if (known != NULL && known == s->committee) {
		if (!same_group(known, data))
			return VERDICT_COMMITTEE;
		replace_tips(s, data);
		changed(s);
		return VERDICT_OK;
	}
	if ((known != NULL && known != s->pending) ||
	    (s->pending != NULL && s->pending->state == COMMITTEE_ACKNOWLEDGED) ||
	    committee_keyless(s->committee) || committee_fault(s, data) != NULL ||
	    !proof_valid(s, data))
		return VERDICT_COMMITTEE;
	if (s->pending != NULL && s->pending != known)
		table_remove(s->tables, s->pending);
	s->pending = table_put(s->tables, T_COMMITTEES, id);
	fill(s->pending, data, COMMITTEE_PROPOSED);
	changed(s);
	return VERDICT_OK;
}

bool ids_have(const uint64_t *ids, size_t n, uint64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

void ids_add(uint64_t **ids, size_t *n, uint64_t id)
{
	uint64_t *more = realloc(*ids, (*n + 1) * sizeof(*more));
	size_t at = *n;

	must(more != NULL);
	for (; at > 0 && more[at - 1] > id; at--)
		more[at] = more[at - 1];
	more[at] = id;
	*ids = more;
	++*n;
}

unsigned apply_committee_ack(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			     const char **reason)
{
	struct committee *c = table_find(s->tables, T_COMMITTEES, data_text(data, "key_group_id"));
	const struct committee_member *member;

	if (c == NULL || c->state != COMMITTEE_PROPOSED)
		return VERDICT_COMMITTEE;
	member = committee_member(c, ctx->author);
	if (member == NULL)
		return VERDICT_UNAUTHORIZED;
	if (ids_have(c->acks, c->ack_count, member->id))
		return VERDICT_COMMITTEE;
	table_touch(s->tables, c);
	ids_add(&c->acks, &c->ack_count, member->id);
	if (c->ack_count == c->member_count)
		c->state = COMMITTEE_ACKNOWLEDGED;
	changed(s);
	return VERDICT_OK;
}

void committee_rotate(struct state *s, uint64_t epoch)
{
	if (s->pending == NULL || s->pending->state != COMMITTEE_ACKNOWLEDGED)
		return;
	table_touch(s->tables, s->committee);
	table_touch(s->tables, s->pending);
	s->committee->state = COMMITTEE_PAST;
	s->pending->state = COMMITTEE_IN_FORCE;
	s->pending->first_epoch = epoch + 1;
	s->committee = s->pending;
	s->pending = NULL;
	changed(s);
}
