/* SPDX-License-Identifier: Apache-2.0 */
/* Attests fix a trailer's body, seals bring its signature. */
#include "base/must.h"
#include "base/text.h"
#include "ledger/state_impl.h"
#include "ledger/trailer.h"

static struct seal *seal_find(struct state *s, uint64_t epoch)
{
	char key[KEY_ROOM];

	return table_find(s->tables, T_SEALS, key_epoch(key, epoch));
}

static struct epoch_root *root_find(struct state *s, uint64_t epoch)
{
	char key[KEY_ROOM];

	return table_find(s->tables, T_ROOTS, key_epoch(key, epoch));
}

/* Trailer 0 is genesis. */
static bool body_of(struct state *s, uint8_t out[TRAILER_BODY], uint64_t epoch)
{
	const struct seal *seal = seal_find(s, epoch);

	if (epoch > 0)
		return seal != NULL && hex_read(out, TRAILER_BODY, seal->body);
	memcpy(out, s->origin.trailer_0, TRAILER_BODY);
	return true;
}

static void key_of(uint8_t out[32], const char *hex)
{
	must(hex_read(out, 32, hex));
}

void trailer_genesis(struct state *s)
{
	const struct committee *c = s->committee;
	struct trailer t = {
		.committee_n = (uint16_t)c->member_count,
		.time = s->meta->time / 1000,
		.cum_weight = c->member_count,
	};

	if (committee_keyless(c))
		return;
	state_root(s, t.state_root);
	key_of(t.committee_key, c->output_key);
	key_of(t.next_key, c->output_key);
	for (size_t i = 0; i < c->member_count; i++)
		trailer_attested(&t, c->members[i].id);
	trailer_write(s->origin.trailer_0, &t);
}

static void write_body(struct state *s, struct seal *seal, const struct committee *c,
		       const uint8_t previous[TRAILER_BODY])
{
	const struct epoch_root *root = root_find(s, seal->epoch);
	struct trailer t = {
		.committee_n = (uint16_t)c->member_count,
		.epoch = seal->epoch,
		.time = root->time / 1000,
		.cum_weight = trailer_weight(previous) + seal->attest_count,
	};
	uint8_t body[TRAILER_BODY];
	char hex[2 * TRAILER_BODY + 1];

	if (t.time <= trailer_time(previous))
		t.time = trailer_time(previous) + 1;
	trailer_id(t.prev, previous);
	key_of(t.state_root, root->root);
	key_of(t.committee_key, c->output_key);
	key_of(t.next_key, root->next_key);
	for (size_t i = 0; i < seal->attest_count; i++)
		trailer_attested(&t, seal->attests[i]);
	trailer_write(body, &t);
	hex_encode(hex, body, sizeof(body));
	text_set(&seal->body, hex);
}

/* Fixes the body of this epoch and of those behind it that waited for it. */
static void fix_bodies(struct state *s, uint64_t epoch)
{
	uint8_t previous[TRAILER_BODY];

	for (;; epoch++) {
		const struct committee *c = committee_of_epoch(s, epoch);
		struct seal *seal = seal_find(s, epoch);

		if (seal == NULL || seal->body != NULL ||
		    3 * seal->attest_count <= 2 * c->member_count ||
		    !body_of(s, previous, epoch - 1))
			return;
		table_touch(s->tables, seal);
		write_body(s, seal, c, previous);
		state_event(s, &(struct state_event){.kind = STATE_BODY_FIXED, .number = epoch});
	}
}

unsigned apply_attest(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		      const char **reason)
{
	uint64_t epoch = data_number(data, "epoch");
	const struct epoch_root *root = root_find(s, epoch);
	const struct committee_member *member;
	struct seal *seal = seal_find(s, epoch);
	char key[KEY_ROOM];

	if (epoch == 0 || root == NULL || committee_keyless(s->committee))
		return refuse(reason, VERDICT_SEAL, "EPOCH");
	member = committee_member(committee_of_epoch(s, epoch), ctx->author);
	if (member == NULL)
		return VERDICT_UNAUTHORIZED;
	if (strcmp(root->root, data_text(data, "root")) != 0)
		return refuse(reason, VERDICT_SEAL, "ROOT");
	if (seal != NULL &&
	    (seal->body != NULL || ids_have(seal->attests, seal->attest_count, member->id)))
		return refuse(reason, VERDICT_SEAL, "ALREADY");
	seal = table_put(s->tables, T_SEALS, key_epoch(key, epoch));
	ids_add(&seal->attests, &seal->attest_count, member->id);
	fix_bodies(s, epoch);
	return VERDICT_OK;
}

static bool signature_valid(struct state *s, const uint8_t trailer[TRAILER_LEN], uint64_t epoch)
{
	const struct committee *c = committee_of_epoch(s, epoch);
	uint8_t id[32], digest[32];

	trailer_id(id, trailer);
	trailer_digest(digest, epoch, id);
	return state_verify(s, trailer + TRAILER_BODY, digest, c->output_key);
}

unsigned apply_seal(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		    const char **reason)
{
	uint64_t epoch = data_number(data, "epoch");
	const char *trailer_hex = data_text(data, "trailer");
	struct seal *seal = seal_find(s, epoch);
	uint8_t trailer[TRAILER_LEN];

	if (seal == NULL || seal->body == NULL)
		return refuse(reason, VERDICT_SEAL, "EPOCH");
	if (committee_member(committee_of_epoch(s, epoch), ctx->author) == NULL)
		return VERDICT_UNAUTHORIZED;
	if (strncmp(trailer_hex, seal->body, 2 * TRAILER_BODY) != 0)
		return refuse(reason, VERDICT_SEAL, "BODY");
	must(hex_read(trailer, TRAILER_LEN, trailer_hex));
	if (!signature_valid(s, trailer, epoch))
		return refuse(reason, VERDICT_SEAL, "SIGNATURE");
	if (seal->sig != NULL)
		return refuse(reason, VERDICT_SEAL, "ALREADY");
	table_touch(s->tables, seal);
	text_set(&seal->sig, trailer_hex + 2 * TRAILER_BODY);
	state_event(s, &(struct state_event){.kind = STATE_SEALED, .number = epoch});
	return VERDICT_OK;
}

static uint64_t newest_sealed(struct state *s)
{
	uint64_t newest = 0;

	for (struct seal *seal = table_first(s->tables, T_SEALS); seal != NULL;
	     seal = table_next(s->tables, seal))
		if (seal->sig != NULL)
			newest = seal->epoch;
	return newest;
}

/* Roots and seals go with the anchors, but an unsealed epoch stays sealable. */
void prune_seals(struct state *s, uint64_t epoch)
{
	uint64_t keep = s->params->keep_last_epoch_entries, newest = newest_sealed(s);
	bool keyless = committee_keyless(s->committee);
	struct epoch_root *root = table_first(s->tables, T_ROOTS), *next;

	for (; root != NULL && root->epoch + keep < epoch + 1; root = next) {
		struct seal *seal = seal_find(s, root->epoch);
		bool sealed = seal != NULL && seal->sig != NULL && root->epoch != newest;

		next = table_next(s->tables, root);
		if (root->epoch != 0 && !keyless && !sealed)
			continue;
		if (seal != NULL)
			table_remove(s->tables, seal);
		table_remove(s->tables, root);
	}
}
