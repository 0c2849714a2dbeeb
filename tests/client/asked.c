/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/asked.h"
#include "proof/derive.h"

const uint8_t asked_seed[18] = "seed of the tests";
const char asked_ticket[] = "ticket-1";

struct scene *asked_new(uint64_t number)
{
	struct scene *s = calloc(1, sizeof(*s));
	uint8_t secret[32], public[33];

	assert_non_null(s);
	world_init(&s->world, number, 1);
	s->stream = number + 1000;
	s->random = random_sim(&s->stream);
	s->path = world_path(2, 5000);
	secret_generate(secret, &s->random);
	assert_true(public_key(public, secret));
	s->peer = world_peer(&s->world, "node-a", public);
	world_publish(&s->world);
	random_fill(&s->random, &s->keys, sizeof(s->keys));
	world_session(&s->world, s->peer, INDEX, INITIATOR, &s->keys, &s->path.remote);
	return s;
}

void asked_free(struct scene *s)
{
	world_free(&s->world);
	free(s);
}

/* Sends a request; the answers lie in world.sent. */
uint64_t asked_send(struct scene *s, void *message, uint8_t type, size_t len)
{
	world_forget(&s->world);
	s->sent++;
	message_head(message, type, (uint16_t)len, INDEX, s->sent);
	message_tag_general(message, len, s->keys.k_i);
	world_in(&s->world, 0, &s->path, message, len);
	world_rest(&s->world);
	return s->sent;
}

/* A challenge whose offsets and derivation hash follow from the seed. */
void asked_question(struct scene *s, struct question *q, const struct world_artifact *a, unsigned k,
		    uint32_t length, bool tree)
{
	struct assay_prove *m = (void *)q->message;
	struct derive_seed from = {asked_seed, sizeof(asked_seed)};
	uint64_t offsets[ASSAY_RANGES_MAX];

	*q = (struct question){.len = sizeof(*m) + 8 * k};
	m->epoch = 7;
	random_fill(&s->random, m->nonce, sizeof(m->nonce));
	memcpy(m->key, a->record.key, 32);
	m->size = a->record.size;
	m->ordinal = (uint32_t)random_u64(&s->random);
	m->class = ASSAY_CLASS_SYMBOL;
	m->bucket = ASSAY_BUCKET_RECENT;
	m->k = (uint8_t)k;
	m->flags = tree ? ASSAY_PROVE_TREE : 0;
	m->range_length = (uint16_t)length;
	assert_int_equal(derive_offsets(offsets, from, "node-b", asked_ticket, m->class, m->ordinal,
					m->size, length, k),
			 0);
	assert_int_equal(derivation_hash(m->derivation, from, "node-b", asked_ticket, m->class,
					 m->ordinal, offsets, k, length),
			 0);
	memcpy(m + 1, offsets, 8 * k);
}

struct assay_check *asked_checker(struct scene *s, const struct question *q,
				  struct assay_seals *seals)
{
	static const struct assay_draw draw = {asked_seed, sizeof(asked_seed), asked_ticket};
	struct assay_check_params params = {
		.network_id = s->world.self.network_id,
		.identity = s->world.self.identity.public,
		.challenger = "node-a",
		.target = "node-b",
		.body = q->message + 32,
		.body_len = q->len - 32,
		.draw = &draw,
		.seals = seals,
	};
	struct assay_check *check;

	assert_int_equal(assay_check_new(&check, &params), 0);
	assert_int_equal(assay_check_counter(check, q->counter), 0);
	return check;
}

struct assay_inbound asked_inbound(const struct scene *s)
{
	struct assay_inbound session;

	assay_inbound_init(&session, s->keys.k_r, INITIATOR, ASSAY_PAYLOAD_DEFAULT);
	return session;
}
