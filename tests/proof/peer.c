/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/peer.h"

#include <stdio.h>
#include <stdlib.h>

void peer_init(struct peer *p, struct world *w, const char *account, unsigned host)
{
	memset(p, 0, sizeof(*p));
	p->world = w;
	strcpy(p->account, account);
	secret_generate(p->secret, &w->random);
	p->self.network_id = w->self.network_id;
	p->self.secret = p->secret;
	must(public_key(p->self.public, p->secret));
	must(noise_peer_init(&p->noise, &p->self, w->self.noise.public, true, account,
			     w->self.account));
	p->listed = world_peer(w, account, p->self.public);
	p->path = world_path(host, 5000);
	p->initiator = 100 * host;
}

void peer_hello_make(struct peer *p, const uint8_t *cookie)
{
	struct world *w = p->world;
	uint8_t e_secret[32];

	secret_generate(e_secret, &w->random);
	p->time_ns = p->time_ns >= w->time.wall_ns ? p->time_ns + 1 : w->time.wall_ns;
	noise_initiator_wipe(&p->state);
	noise_hello(&p->hello, &p->state, &p->self, &p->noise, p->account, w->self.account,
		    e_secret, ++p->initiator, p->time_ns, ASSAY_PAYLOAD_DEFAULT, cookie);
}

void peer_hello(struct peer *p, unsigned worker, const uint8_t *cookie)
{
	peer_hello_make(p, cookie);
	world_in(p->world, worker, &p->path, &p->hello, sizeof(p->hello));
}

static bool sent_to(const struct peer *p, const struct world_sent *sent)
{
	return memcmp(&sent->path, &p->path, sizeof(p->path)) == 0;
}

bool peer_welcome(struct peer *p)
{
	for (unsigned i = 0; i < p->world->sent_count; i++) {
		const struct world_sent *sent = &p->world->sent[i];

		if (sent->data[1] != ASSAY_WELCOME || sent->len != sizeof(struct assay_welcome) ||
		    !sent_to(p, sent) ||
		    noise_welcome_read(&p->welcome, &p->keys, &p->state, &p->self,
				       (const void *)sent->data) != 0)
			continue;
		p->counter = 0;
		assay_inbound_init(&p->inbound, p->keys.k_r, p->initiator, ASSAY_PAYLOAD_DEFAULT);
		return true;
	}
	return false;
}

unsigned peer_worker(const struct peer *p)
{
	return p->welcome.index >> 16 & 0xff;
}

bool peer_connect(struct peer *p, unsigned worker)
{
	peer_hello(p, worker, NULL);
	world_rest(p->world);
	if (!peer_welcome(p))
		return false;
	peer_ping(p);
	return true;
}

size_t peer_request(struct peer *p, uint8_t *payload, uint8_t type, const void *body, size_t len)
{
	message_head(payload, type, (uint16_t)(32 + len), p->welcome.index, ++p->counter);
	memcpy(payload + 32, body, len);
	message_tag_general(payload, 32 + len, p->keys.k_i);
	return 32 + len;
}

uint64_t peer_ask(struct peer *p, uint8_t type, const void *body, size_t len)
{
	uint8_t payload[ASSAY_PAYLOAD_DEFAULT];

	peer_request(p, payload, type, body, len);
	world_in(p->world, peer_worker(p), &p->path, payload, 32 + len);
	return p->counter;
}

uint64_t peer_ping(struct peer *p)
{
	uint8_t opaque[24];

	random_fill(&p->world->random, opaque, sizeof(opaque));
	return peer_ask(p, ASSAY_PING, opaque, sizeof(opaque));
}

size_t peer_prove_body(struct peer *p, uint8_t body[PEER_BODY_MAX], const struct world_artifact *a,
		       unsigned k, unsigned length, unsigned flags)
{
	uint8_t whole[32 + PEER_BODY_MAX] = {0};
	struct assay_prove *prove = (void *)whole;

	prove->epoch = 7;
	random_fill(&p->world->random, prove->nonce, sizeof(prove->nonce));
	memcpy(prove->key, a->record.key, 32);
	prove->size = a->record.size;
	prove->class = ASSAY_CLASS_SYMBOL;
	prove->bucket = ASSAY_BUCKET_RECENT;
	prove->k = (uint8_t)k;
	prove->flags = (uint8_t)flags;
	prove->range_length = (uint16_t)length;
	for (unsigned i = 0; i < k; i++)
		prove->offsets[i] = random_u64(&p->world->random) % (a->record.size - length + 1);
	memcpy(body, whole + 32, sizeof(*prove) - 32 + 8 * k);
	return sizeof(*prove) - 32 + 8 * k;
}

enum assay_verdict peer_judge(struct peer *p, const uint8_t *body, size_t len, uint64_t counter,
			      struct assay_report *report)
{
	struct assay_inbound inbound = p->inbound;
	struct assay_check *check;
	struct assay_report mine;
	struct assay_check_params params = {.network_id = p->world->self.network_id,
					    .identity = p->world->self.identity.public,
					    .challenger = p->account,
					    .target = p->world->self.account,
					    .body = body,
					    .body_len = len};

	must(assay_check_new(&check, &params) == 0);
	must(assay_check_counter(check, counter) == 0);
	for (unsigned i = 0; i < p->world->sent_count; i++) {
		const struct world_sent *sent = &p->world->sent[i];

		if (sent_to(p, sent))
			assay_check_feed(check, &inbound, sent->data, sent->len);
	}
	assay_check_report(check, &mine);
	assay_check_free(check);
	if (report != NULL)
		*report = mine;
	return mine.verdict;
}

uint64_t peer_read(struct peer *p, const struct world_artifact *a, uint32_t first, unsigned count,
		   unsigned flags, uint64_t grant)
{
	struct assay_read read = {
		.first = first, .count = (uint16_t)count, .flags = (uint16_t)flags, .grant = grant};

	memcpy(read.key, a->record.key, 32);
	return peer_ask(p, ASSAY_READ, (const uint8_t *)&read + 32, sizeof(read) - 32);
}

struct assay_read_result peer_judge_read(struct peer *p, const struct world_artifact *a,
					 uint32_t first, unsigned count, uint64_t counter)
{
	struct assay_inbound inbound = p->inbound;
	struct assay_read_params params = {
		.first = first, .count = (uint16_t)count, .size = ASSAY_SIZE_UNKNOWN};
	struct assay_read_result result;
	struct assay_read_check *check;

	memcpy(params.key, a->record.key, 32);
	must(assay_read_new(&check, &params) == 0);
	must(assay_read_counter(check, counter) == 0);
	for (unsigned i = 0; i < p->world->sent_count; i++) {
		const struct world_sent *sent = &p->world->sent[i];

		if (sent_to(p, sent))
			assay_read_feed(check, &inbound, sent->data, sent->len);
	}
	assay_read_result(check, &result);
	for (unsigned i = 0; result.verified && i < result.count; i++) {
		size_t len;
		const uint8_t *chunk = assay_read_chunk(check, i, &len);

		must(memcmp(chunk, a->data + (size_t)(result.first + i) * TREE_CHUNK, len) == 0);
	}
	assay_read_free(check);
	return result;
}

unsigned peer_refused(struct peer *p, struct assay_refused *out)
{
	for (unsigned i = p->world->sent_count; i-- > 0;) {
		const struct world_sent *sent = &p->world->sent[i];
		const struct assay_refused *refused = (const void *)sent->data;
		struct assay_inbound inbound = p->inbound;

		if (sent->data[1] != ASSAY_REFUSED || !sent_to(p, sent) ||
		    assay_inbound_general(&inbound, sent->data, sent->len) != ASSAY_R_NONE)
			continue;
		if (out != NULL)
			*out = *refused;
		return refused->answer.status;
	}
	return 0;
}

size_t peer_write_data(struct peer *p, uint8_t *payload, uint32_t transfer, uint32_t chunk,
		       const void *bytes, size_t len, bool only)
{
	struct assay_write_data *w = (void *)payload;
	uint8_t value[32], input[128];

	memset(w, 0, sizeof(*w));
	message_head(w, ASSAY_WRITE_DATA, (uint16_t)(sizeof(*w) + len), p->welcome.index,
		     ++p->counter);
	w->transfer = transfer;
	w->chunk = chunk;
	w->length = (uint16_t)len;
	memcpy(w + 1, bytes, len);
	tree_chunk_value(value, bytes, len, chunk, only);
	tag_of(w->head.tag, input,
	       tag_input_chunk(input, p->keys.k_i, payload, 24, value, NULL, 0));
	return sizeof(*w) + len;
}

uint64_t peer_write(struct peer *p, uint32_t transfer, uint32_t chunk, const void *bytes,
		    size_t len, bool only)
{
	uint8_t payload[sizeof(struct assay_write_data) + ASSAY_CHUNK];
	size_t n = peer_write_data(p, payload, transfer, chunk, bytes, len, only);

	world_in(p->world, peer_worker(p), &p->path, payload, n);
	return p->counter;
}

uint64_t peer_write_open(struct peer *p, const uint8_t key[32], uint64_t size, uint64_t grant)
{
	struct assay_write_open m = {.size = size, .grant = grant};

	memcpy(m.key, key, 32);
	return peer_ask(p, ASSAY_WRITE_OPEN, (const uint8_t *)&m + 32, sizeof(m) - 32);
}

uint64_t peer_write_commit(struct peer *p, uint32_t transfer)
{
	struct assay_write_commit m = {.transfer = transfer};

	return peer_ask(p, ASSAY_WRITE_COMMIT, (const uint8_t *)&m + 32, sizeof(m) - 32);
}

/* The first datagram of that type under a good tag that answers the request. */
static const struct world_sent *answer_to(struct peer *p, uint8_t type, uint64_t counter)
{
	for (unsigned i = 0; i < p->world->sent_count; i++) {
		const struct world_sent *sent = &p->world->sent[i];
		const struct assay_ranges *m = (const void *)sent->data;
		struct assay_inbound inbound = p->inbound;

		if (sent->data[1] == type && sent_to(p, sent) && m->answer.request == counter &&
		    assay_inbound_general(&inbound, sent->data, sent->len) == ASSAY_R_NONE)
			return sent;
	}
	return NULL;
}

bool peer_write_state(struct peer *p, uint64_t counter, struct assay_write_state *out)
{
	const struct world_sent *sent = answer_to(p, ASSAY_WRITE_STATE, counter);

	if (sent != NULL)
		memcpy(out, sent->data, sizeof(*out));
	return sent != NULL;
}

unsigned peer_refused_to(struct peer *p, uint64_t counter)
{
	const struct world_sent *sent = answer_to(p, ASSAY_REFUSED, counter);

	return sent != NULL ? ((const struct assay_refused *)sent->data)->answer.status : 0;
}

size_t peer_result(struct peer *p, uint64_t counter, void *out)
{
	const struct world_sent *sent = answer_to(p, ASSAY_RESULT, counter);

	if (sent != NULL)
		memcpy(out, sent->data, sent->len);
	return sent != NULL ? sent->len : 0;
}

unsigned peer_pongs(struct peer *p)
{
	struct assay_inbound inbound = p->inbound;
	unsigned n = 0;

	for (unsigned i = 0; i < p->world->sent_count; i++) {
		const struct world_sent *sent = &p->world->sent[i];

		n += sent->data[1] == ASSAY_PONG && sent_to(p, sent) &&
		     assay_inbound_general(&inbound, sent->data, sent->len) == ASSAY_R_NONE;
	}
	return n;
}
