/* SPDX-License-Identifier: Apache-2.0 */
#include "client/liar.h"

#include <stdlib.h>

struct liar *liar_new(uint64_t seed, uint64_t size, const char *client, const uint8_t secret[32])
{
	struct liar *liar = calloc(1, sizeof(*liar));
	uint8_t public[33], stranger[32];

	must(liar != NULL);
	world_init(&liar->world, seed, 1);
	world_artifact(&liar->world, size, 13, 1);
	world_artifact(&liar->world, size, 7, 5);
	must(public_key(public, secret));
	liar->peer = world_peer(&liar->world, client, public);
	world_publish(&liar->world);
	secret_generate(stranger, &liar->world.random);
	must(sign_key_from_secret(&liar->stranger, stranger) == 0);
	return liar;
}

void liar_free(struct liar *liar)
{
	world_free(&liar->world);
	free(liar);
}

void liar_config(const struct liar *liar, struct assay_client_config *config, const char *address)
{
	const struct world *w = &liar->world;

	config->account = liar->peer->account;
	config->peer.account = w->self.account;
	config->peer.address = address;
	memcpy(config->network_id, w->self.network_id, 32);
	memcpy(config->peer.session_key, w->self.noise.public, 33);
	memcpy(config->peer.identity, w->self.identity.public, 32);
}

/* --- tags and seals ------------------------------------------------------------------------- */

/* The session whose initiator has this index. */
static const struct session *session_of(struct liar *liar, uint32_t initiator)
{
	const struct serve *s = world_serve(&liar->world, 0);

	for (unsigned i = 0; i < SERVE_SESSIONS_MAX; i++)
		if (s->sessions[i].index != 0 && s->sessions[i].initiator == initiator)
			return &s->sessions[i];
	return NULL;
}

static void leaf_of(struct liar *liar, const struct answer *answer, uint8_t leaf[32])
{
	const struct assay_proof *m = (const void *)answer->data;
	uint8_t digest[32];

	request_digest(digest, liar->peer->noise.pair, answer->asked->data + 32,
		       answer->asked->len - 32u);
	seal_leaf(leaf, m->compound, digest);
}

static struct assay_seal *seal_of(struct answer *answer)
{
	const struct assay_proof *m = (const void *)answer->data;

	return (void *)(answer->data + sizeof(*m) + m->answer.n);
}

/* The PROOF becomes the first of a batch of three. */
void liar_seal(struct liar *liar, struct answer *answer, const struct sign_key *identity,
	       const uint8_t network_id[32])
{
	struct assay_proof *m = (void *)answer->data;
	struct assay_seal *seal = seal_of(answer);
	uint8_t nodes[SEAL_NODES_MAX][32], root[32];

	leaf_of(liar, answer, nodes[0]);
	memset(nodes[1], 0x5a, 64);
	memcpy(root, seal_tree(nodes, 3), 32);
	seal->index = 0;
	seal->count = 3;
	seal_path((uint8_t *)(seal + 1), nodes, 3, 0);
	seal_sign(seal->signature, identity, network_id, root, seal->time_ms, 3, root);
	answer->len = sizeof(*m) + m->answer.n + sizeof(*seal) + 64;
	m->head.head.length = (uint16_t)answer->len;
}

static void retag_proof(struct liar *liar, struct answer *answer, const uint8_t key[32])
{
	struct assay_proof *m = (void *)answer->data;
	const struct assay_seal *seal = seal_of(answer);
	const uint8_t *path = (const uint8_t *)(seal + 1);
	unsigned depth = (unsigned)((answer->data + answer->len - path) / 32);
	uint8_t leaf[32], root[32], d[32], compound[32], input[128];

	leaf_of(liar, answer, leaf);
	seal_climb(root, leaf, seal->index, path, depth);
	seal_digest(d, root, seal->time_ms, seal->count, seal->signature);
	if (m->answer.n > 0)
		digest_one(compound, NULL, m + 1, m->answer.n);
	else
		memcpy(compound, m->compound, 32);
	tag_of(m->head.tag, input, tag_input_seal(input, key, answer->data, compound, d));
}

static void retag_chunk(struct liar *liar, struct answer *answer, const uint8_t key[32])
{
	struct assay_chunk *m = (void *)answer->data;
	const uint8_t *bytes = (const uint8_t *)(m + 1);
	bool only = liar->world.artifact[0].record.chunks == 1;
	uint8_t value[32], input[2048];

	tree_chunk_value(value, bytes, m->length, m->chunk, only && m->chunk == 0);
	tag_of(m->head.tag, input,
	       tag_input_chunk(input, key, answer->data, 40,
			       m->chunk == ASSAY_NO_CHUNK ? NULL : value, bytes + m->length,
			       m->answer.n));
}

void liar_retag(struct liar *liar, struct answer *answer)
{
	const struct assay_session_head *head = (const void *)answer->data;
	const struct session *session = session_of(liar, head->index);

	must(session != NULL);
	if (head->head.type == ASSAY_PROOF)
		retag_proof(liar, answer, session->keys.k_r);
	else if (head->head.type == ASSAY_CHUNK_MSG)
		retag_chunk(liar, answer, session->keys.k_r);
	else
		message_tag_general(answer->data, answer->len, session->keys.k_r);
}

/* --- the way in and out --------------------------------------------------------------------- */

static const struct asked *asked_find(const struct liar *liar, uint64_t counter)
{
	for (unsigned i = 1; i <= LIAR_ASKED_MAX; i++) {
		const struct asked *a =
			&liar->asked[(liar->asked_next + LIAR_ASKED_MAX - i) % LIAR_ASKED_MAX];

		if (a->counter == counter)
			return a;
	}
	return NULL;
}

static void keep_asked(struct liar *liar, const void *data, size_t len)
{
	const struct assay_session_head *head = data;
	struct asked *a = &liar->asked[liar->asked_next];

	if (len < 56 || len > sizeof(a->data) || head->head.type < ASSAY_PING)
		return;
	a->counter = head->counter;
	a->len = (uint16_t)len;
	memcpy(a->data, data, len);
	liar->asked_next = (liar->asked_next + 1) % LIAR_ASKED_MAX;
}

/* The same request for the other artifact, under a good tag. */
static void turn_request(struct liar *liar, uint8_t *data, size_t len)
{
	struct assay_prove *m = (void *)data;
	struct session *session = session_find(world_serve(&liar->world, 0), m->head.index);

	if (m->head.head.type != ASSAY_PROVE || session == NULL)
		return;
	memcpy(m->key, liar->world.artifact[1].record.key, 32);
	message_tag_general(data, len, session->keys.k_i);
}

static void send_answer(struct liar *liar, const struct world_sent *sent)
{
	const struct assay_ranges *m = (const void *)sent->data;
	struct answer answer = {.len = sent->len};
	bool session = m->head.head.type >= 0x80;

	memcpy(answer.data, sent->data, sent->len);
	if (session && m->head.head.type != ASSAY_PONG)
		answer.asked = asked_find(liar, m->answer.request);
	if (answer.asked != NULL && m->head.head.type == ASSAY_PROOF) {
		liar_seal(liar, &answer, &liar->world.self.identity, liar->world.self.network_id);
		liar_retag(liar, &answer);
	}
	if (answer.asked != NULL && liar->lie != NULL && liar->lie->tell(liar, &answer)) {
		liar->told++;
		if (liar->lie->retag && !answer.withheld)
			liar_retag(liar, &answer);
	}
	if (!answer.withheld)
		liar->send(liar->ctx, &sent->path.remote, answer.data, answer.len);
}

void liar_take(struct liar *liar, const struct net_addr *from, const void *data, size_t len)
{
	struct world *w = &liar->world;
	struct path path = world_path(1, 1);
	uint8_t copy[ASSAY_PAYLOAD_MAX];

	path.remote = *from;
	memcpy(copy, data, len);
	keep_asked(liar, data, len);
	if (liar->lie != NULL && liar->lie->other && len >= sizeof(struct assay_prove))
		turn_request(liar, copy, len);
	world_in(w, 0, &path, copy, len);
	world_rest(w);
	for (unsigned i = 0; i < w->sent_count; i++)
		send_answer(liar, &w->sent[i]);
	world_forget(w);
}
