/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of protocol.json about digests, trees, handshakes, tags and seals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "crypto/digest.h"
#include "crypto/noise.h"
#include "crypto/sign.h"
#include "crypto/tree.h"
#include "proof/message.h"
#include "vectors/runner.h"

extern const struct vector_section protocol_crypto_sections[];

static void setup(void)
{
	struct random random = random_real();

	digest_init();
	sign_init(&random);
}

static bool run_hash(struct vector_case *c)
{
	struct digest_stream stream;
	uint8_t out[32], streamed[32];
	size_t len;
	const uint8_t *data = vector_data(c->in, "data_rule", &len);

	digest_one(out, NULL, data, len);
	digest_stream_init(&stream, NULL);
	for (size_t i = 0; i < len; i += 100)
		digest_stream_add(&stream, data + i, len - i < 100 ? len - i : 100);
	digest_stream_end(&stream, streamed);
	if (memcmp(out, streamed, 32) != 0)
		return vector_fail(c, "the stream's digest is another");
	return vector_same(c, "hash", out, 32);
}

static bool run_keyed_hash(struct vector_case *c)
{
	const char *label = vector_text(c->in, "label");
	uint8_t key[32], out[32];
	size_t len;
	const uint8_t *data = vector_data(c->in, "data_rule", &len);

	digest_one(key, NULL, label, strlen(label));
	digest_one(out, key, data, len);
	return vector_same(c, "key", key, 32) && vector_same(c, "hash", out, 32);
}

static bool run_pair(struct vector_case *c)
{
	uint8_t out[32];

	setup();
	noise_pair(out, vector_hex(c->in, "network", NULL), vector_text(c->in, "challenger"),
		   vector_text(c->in, "target"));
	return vector_same(c, "pair", out, 32);
}

/* --- handshake */
struct trace_check {
	struct vector_case *c;
	size_t next;
	bool good;
};

static void check_trace(void *arg, const char *name, const uint8_t value[32])
{
	struct trace_check *t = arg;
	const json_t *told = json_array_get(json_object_get(t->c->out, "trace"), t->next++);
	const char *told_name = json_string_value(json_array_get(told, 0));
	const char *told_value = json_string_value(json_array_get(told, 1));

	if (!t->good || told_name == NULL || told_value == NULL) {
		t->good = t->good && vector_fail(t->c, "%s is one step too many", name);
		return;
	}
	if (strcmp(name, told_name) != 0 ||
	    memcmp(vector_hex_text(told_value, NULL), value, 32) != 0)
		t->good = vector_fail(t->c, "step %zu: %s instead of %s, or another value",
				      t->next - 1, name, told_name);
}

static bool trace_done(struct trace_check *t, const char *side)
{
	size_t steps = json_array_size(json_object_get(t->c->out, "trace"));

	if (t->good && t->next != steps)
		return vector_fail(t->c, "%s made %zu steps of %zu", side, t->next, steps);
	return t->good;
}

struct party {
	struct noise_self self;
	struct noise_peer peer;
};

/* self from its secret, and its view of the other one. */
static bool make_party(struct party *p, const json_t *in, const char *secret,
		       const uint8_t remote[33], bool initiator)
{
	p->self.network_id = vector_hex(in, "network", NULL);
	p->self.secret = vector_hex(in, secret, NULL);
	return public_key(p->self.public, p->self.secret) &&
	       noise_peer_init(&p->peer, &p->self, remote, initiator, vector_text(in, "initiator"),
			       vector_text(in, "responder"));
}

static bool make_parties(struct vector_case *c, struct party *i, struct party *r)
{
	uint8_t s_i[33], s_r[33];

	setup();
	if (!public_key(s_i, vector_hex(c->in, "s_i", NULL)) ||
	    !public_key(s_r, vector_hex(c->in, "s_r", NULL)) ||
	    !make_party(i, c->in, "s_i", s_r, true) || !make_party(r, c->in, "s_r", s_i, false))
		return vector_fail(c, "keys refused");
	return true;
}

static bool same_peer(struct vector_case *c, const struct noise_peer *p)
{
	return vector_same(c, "dh_static", p->dh_static, 32) &&
	       vector_same(c, "hint", p->hint, 16) && vector_same(c, "M", p->m, 32);
}

static struct assay_welcome_payload welcome_payload(const json_t *w)
{
	return (struct assay_welcome_payload){
		.index = (uint32_t)vector_u64(w, "index"),
		.permissions = (uint32_t)vector_u64(w, "permissions"),
		.rate_kib = (uint32_t)vector_u64(w, "rate"),
		.burst_kib = (uint32_t)vector_u64(w, "burst"),
		.limit = (uint16_t)vector_u64(w, "limit"),
		.in_flight = (uint16_t)vector_u64(w, "in_flight"),
		.idle_s = (uint16_t)vector_u64(w, "idle"),
		.life_s = (uint16_t)vector_u64(w, "life"),
		.time_ms = vector_u64(w, "time_ms"),
	};
}

static bool same_keys(struct vector_case *c, const struct noise_keys *keys)
{
	return vector_same(c, "K_i", keys->k_i, 32) && vector_same(c, "K_r", keys->k_r, 32);
}

/* The responder's half: reads the told HELLO, writes the WELCOME. */
static bool respond(struct vector_case *c, const struct party *r, const struct assay_hello *hello,
		    struct assay_welcome *welcome)
{
	struct trace_check trace = {c, 0, true};
	struct noise_responder state = {.symmetric = {.trace = check_trace, .trace_arg = &trace}};
	struct assay_welcome_payload payload = welcome_payload(json_object_get(c->in, "welcome"));
	struct noise_keys keys;
	enum assay_reason reason;

	noise_responder_start(&state, hello, &r->self, vector_text(c->in, "initiator"),
			      vector_text(c->in, "responder"));
	reason = noise_responder_read(&state, &r->self, &r->peer);
	if (reason != ASSAY_R_NONE)
		return vector_fail(c, "responder: %s", assay_reason_name(reason));
	if (state.limit != vector_u64(c->in, "limit"))
		return vector_fail(c, "responder read limit %u", state.limit);
	while (!noise_responder_write(welcome, &keys, &state, &r->self, &r->peer,
				      vector_hex(c->in, "e_r", NULL), &payload))
		;
	return trace_done(&trace, "responder") && vector_same(c, "E_r", welcome->ephemeral, 33) &&
	       vector_same(c, "welcome_payload", (const uint8_t *)&payload, sizeof(payload)) &&
	       vector_same(c, "welcome", (const uint8_t *)welcome, sizeof(*welcome)) &&
	       same_keys(c, &keys);
}

static bool run_handshake(struct vector_case *c)
{
	struct trace_check trace = {c, 0, true};
	struct noise_initiator state = {.symmetric = {.trace = check_trace, .trace_arg = &trace}};
	struct assay_welcome_payload payload;
	struct assay_welcome welcome;
	struct assay_hello hello;
	struct noise_keys keys;
	struct party i, r;

	if (!make_parties(c, &i, &r) || !same_peer(c, &i.peer) || !same_peer(c, &r.peer) ||
	    !vector_same(c, "S_i", i.self.public, 33) || !vector_same(c, "S_r", r.self.public, 33))
		return false;
	noise_hello(&hello, &state, &i.self, &i.peer, vector_text(c->in, "initiator"),
		    vector_text(c->in, "responder"), vector_hex(c->in, "e_i", NULL),
		    (uint32_t)vector_u64(c->in, "initiator_index"), vector_u64(c->in, "time_ns"),
		    (uint16_t)vector_u64(c->in, "limit"), NULL);
	if (!vector_same(c, "E_i", hello.ephemeral, 33) ||
	    !vector_same(c, "hello", (const uint8_t *)&hello, sizeof(hello)) ||
	    !respond(c, &r, &hello, &welcome))
		return false;
	if (noise_welcome_read(&payload, &keys, &state, &i.self, &welcome) != 0)
		return vector_fail(c, "initiator refuses the WELCOME");
	return trace_done(&trace, "initiator") &&
	       vector_same(c, "welcome_payload", (const uint8_t *)&payload, sizeof(payload)) &&
	       same_keys(c, &keys);
}

static bool run_cookie(struct vector_case *c)
{
	struct noise_initiator state = {0};
	struct assay_hello hello, second;
	struct assay_cookie message;
	struct party i, r;
	struct net_addr source;
	uint8_t cookie[16];
	char text[128];
	const char *ip = vector_text(c->in, "source_ip");

	snprintf(text, sizeof(text), strchr(ip, ':') != NULL ? "[%s]:%u" : "%s:%u", ip,
		 (unsigned)vector_u64(c->in, "source_port"));
	if (!make_parties(c, &i, &r) || net_addr_parse(&source, text) != 0)
		return vector_fail(c, "keys or address refused");
	memcpy(&hello, vector_hex(c->in, "hello", NULL), sizeof(hello));
	noise_cookie(cookie, vector_hex(c->in, "secret", NULL), source.ip, source.port);
	noise_cookie_message(&message, &r.peer, &hello, cookie);
	if (!noise_cookie_check(&message, &i.peer, &hello))
		return vector_fail(c, "initiator refuses the COOKIE");
	noise_hello(&second, &state, &i.self, &i.peer, vector_text(c->in, "initiator"),
		    vector_text(c->in, "responder"), vector_hex(c->in, "second_e_i", NULL),
		    (uint32_t)vector_u64(c->in, "second_index"),
		    vector_u64(c->in, "second_time_ns"), (uint16_t)vector_u64(c->in, "limit"),
		    message.cookie);
	return vector_same(c, "source_address_16", source.ip, 16) &&
	       vector_same(c, "cookie", cookie, 16) &&
	       vector_same(c, "cookie_message", (const uint8_t *)&message, sizeof(message)) &&
	       vector_same(c, "second_hello", (const uint8_t *)&second, sizeof(second));
}

/* --- messages */
static bool same_number(struct vector_case *c, const json_t *fields, const char *name, uint64_t got)
{
	if (json_object_get(fields, name) != NULL && vector_u64(fields, name) != got)
		return vector_fail(c, "field %s is %llu", name, (unsigned long long)got);
	return true;
}

static bool same_bytes(struct vector_case *c, const json_t *fields, const char *name,
		       const uint8_t *got, size_t len)
{
	if (json_object_get(fields, name) != NULL &&
	    memcmp(vector_hex(fields, name, NULL), got, len) != 0)
		return vector_fail(c, "field %s differs", name);
	return true;
}

static bool same_prove(struct vector_case *c, const json_t *f, const struct assay_prove *p)
{
	const json_t *offsets = json_object_get(f, "offsets");

	if (json_array_size(offsets) != p->k)
		return vector_fail(c, "k is %u", p->k);
	for (unsigned i = 0; i < p->k; i++)
		if (p->offsets[i] !=
		    strtoull(json_string_value(json_array_get(offsets, i)), NULL, 10))
			return vector_fail(c, "offset %u differs", i);
	return same_number(c, f, "epoch", p->epoch) && same_bytes(c, f, "nonce", p->nonce, 16) &&
	       same_bytes(c, f, "artifact", p->key, 32) &&
	       same_bytes(c, f, "derivation", p->derivation, 32) &&
	       same_number(c, f, "size", p->size) && same_number(c, f, "ordinal", p->ordinal) &&
	       same_number(c, f, "class", p->class) && same_number(c, f, "bucket", p->bucket) &&
	       same_number(c, f, "flags", p->flags) &&
	       same_number(c, f, "range_length", p->range_length);
}

static bool same_read(struct vector_case *c, const json_t *f, const struct assay_read *p)
{
	return same_bytes(c, f, "artifact", p->key, 32) && same_number(c, f, "first", p->first) &&
	       same_number(c, f, "count", p->count) && same_number(c, f, "flags", p->flags) &&
	       same_number(c, f, "grant", p->grant);
}

static bool same_refused(struct vector_case *c, const json_t *f, const struct assay_refused *p)
{
	uint64_t parameter = vector_u64(f, "parameter");

	if (strcmp(assay_reason_name(p->answer.status), vector_text(f, "name")) != 0)
		return vector_fail(c, "code is named %s", assay_reason_name(p->answer.status));
	if (p->parameter != (parameter > UINT32_MAX ? UINT32_MAX : parameter))
		return vector_fail(c, "parameter is %u", p->parameter);
	return same_number(c, f, "request", p->answer.request) &&
	       same_number(c, f, "code", p->answer.status) &&
	       same_number(c, f, "wait_ms", p->wait_ms);
}

/* The fields as the structs of assay/wire.h show them. */
static bool same_fields(struct vector_case *c, uint8_t type, const void *payload)
{
	const json_t *fields = json_object_get(c->in, "fields");

	if (fields == NULL)
		return true;
	if (type == ASSAY_PROVE)
		return same_prove(c, fields, payload);
	if (type == ASSAY_READ)
		return same_read(c, fields, payload);
	if (type == ASSAY_REFUSED)
		return same_refused(c, fields, payload);
	if (type == ASSAY_RANGES) {
		const struct assay_ranges *p = payload;

		return same_number(c, fields, "request", p->answer.request) &&
		       same_number(c, fields, "part", p->answer.part) &&
		       same_number(c, fields, "parts", p->answer.parts);
	}
	return vector_fail(c, "no struct for the fields of type %u", type);
}

static bool run_message(struct vector_case *c)
{
	size_t body_len;
	const uint8_t *body = vector_hex(c->in, "body", &body_len);
	const uint8_t *key = vector_hex(c->in, "key", NULL);
	uint8_t type = (uint8_t)vector_u64(c->in, "type");
	size_t len = sizeof(struct assay_session_head) + body_len;
	uint8_t *payload = vector_alloc(len);

	setup();
	message_head(payload, type, (uint16_t)len, (uint32_t)vector_u64(c->in, "index"),
		     vector_u64(c->in, "counter"));
	memcpy(payload + sizeof(struct assay_session_head), body, body_len);
	message_tag_general(payload, len, key);
	if (!message_check_general(payload, len, key))
		return vector_fail(c, "own tag refused");
	if (!message_length_legal(type, len, ASSAY_PAYLOAD_DEFAULT))
		return vector_fail(c, "length %zu refused", len);
	return vector_same(c, "payload", payload, len) && same_fields(c, type, payload);
}

static bool run_write_data(struct vector_case *c)
{
	uint64_t size = vector_u64(c->in, "size_of_transfer");
	uint32_t chunk = (uint32_t)vector_u64(c->in, "chunk");
	uint8_t value[32], hash[32], input[128];
	size_t len;
	const uint8_t *data = vector_data(c->in, "data_rule", &len);
	struct assay_write_data *message = vector_alloc(sizeof(*message) + len);
	uint8_t *payload = (uint8_t *)message;

	setup();
	message_head(message, ASSAY_WRITE_DATA, (uint16_t)(sizeof(*message) + len),
		     (uint32_t)vector_u64(c->in, "index"), vector_u64(c->in, "counter"));
	message->transfer = (uint32_t)vector_u64(c->in, "transfer");
	message->chunk = chunk;
	message->length = (uint16_t)len;
	memcpy(message + 1, data, len);
	tree_chunk_value(value, data, len, chunk, tree_chunks(size) == 1);
	tag_of(message->head.tag, input,
	       tag_input_chunk(input, vector_hex(c->in, "key", NULL), payload, 24, value, NULL, 0));
	digest_one(hash, NULL, payload, sizeof(*message) + len);
	return vector_same(c, "cv", value, 32) &&
	       vector_same(c, "head", payload, sizeof(*message)) &&
	       vector_same(c, "payload_hash", hash, 32);
}

static bool run_request_digest(struct vector_case *c)
{
	uint8_t digest[32], leaf[32];
	size_t len;
	const uint8_t *body = vector_hex(c->in, "body", &len);

	setup();
	request_digest(digest, vector_hex(c->in, "pair", NULL), body, len);
	seal_leaf(leaf, vector_hex(c->in, "compound_hash", NULL), digest);
	return vector_same(c, "digest", digest, 32) && vector_same(c, "leaf", leaf, 32);
}

/* --- seals */
static bool same_paths(struct vector_case *c, uint8_t nodes[SEAL_NODES_MAX][32], unsigned count,
		       const uint8_t *root)
{
	const json_t *told;
	size_t i;

	json_array_foreach(json_object_get(c->out, "paths"), i, told)
	{
		unsigned index = (unsigned)vector_u64(told, "index"), depth = seal_depth(count);
		const json_t *path = json_object_get(told, "path");
		uint8_t got[ASSAY_PATH_MAX * 32], climbed[32];

		seal_path(got, nodes, count, index);
		if (json_array_size(path) != depth)
			return vector_fail(c, "path of %u has %u hashes", index, depth);
		for (unsigned j = 0; j < depth; j++)
			if (memcmp(got + 32 * j,
				   vector_hex_text(json_string_value(json_array_get(path, j)),
						   NULL),
				   32) != 0)
				return vector_fail(c, "path of %u differs at %u", index, j);
		seal_climb(climbed, nodes[index], index, got, depth);
		if (memcmp(climbed, root, 32) != 0)
			return vector_fail(c, "path of %u does not lead to the root", index);
	}
	return true;
}

static bool run_seal(struct vector_case *c)
{
	const uint8_t *network = vector_hex(c->in, "network", NULL), *root;
	uint8_t nodes[SEAL_NODES_MAX][32], signature[64], sealed[32], digest[32];
	uint16_t count = (uint16_t)vector_u64(c->in, "count");
	uint64_t time_ms = vector_u64(c->in, "time_ms");
	struct sign_key identity;

	setup();
	if (sign_key_from_secret(&identity, vector_hex(c->in, "identity_secret", NULL)) != 0)
		return vector_fail(c, "secret refused");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t words[16];

		for (unsigned j = 0; j < 16; j++)
			words[j] = i;
		digest_one(nodes[i], digest_label_key(DIGEST_LEAF), words, sizeof(words));
	}
	root = seal_tree(nodes, count);
	seal_sign(signature, &identity, network, root, time_ms, count,
		  vector_hex(c->in, "aux_rand", NULL));
	if (!seal_verify(signature, identity.public, network, root, time_ms, count))
		return vector_fail(c, "own signature refused");
	if (seal_verify(signature, identity.public, network, root, time_ms + 1, count))
		return vector_fail(c, "signature also good for another time");
	seal_digest(sealed, root, time_ms, count, signature);
	sha256_tagged(
		digest, TAG_BATCH_SEAL,
		(const struct sha256_part[]){{network, 32}, {root, 32}, {&time_ms, 8}, {&count, 2}},
		4);
	return vector_same(c, "identity", identity.public, 32) &&
	       vector_same(c, "root", root, 32) && vector_same(c, "digest", digest, 32) &&
	       vector_same(c, "signature", signature, 64) && vector_same(c, "D", sealed, 32) &&
	       same_paths(c, nodes, count, root);
}

static bool run_tree(struct vector_case *c)
{
	size_t size, i;
	const uint8_t *data = vector_data(c->in, "data_rule", &size);
	uint32_t chunks = tree_chunks(size);
	uint8_t *outboard = vector_alloc(tree_outboard_len(chunks));
	const json_t *told;

	setup();
	if (chunks != vector_u64(c->out, "chunks"))
		return vector_fail(c, "%u chunks", chunks);
	tree_build(outboard, data, size);
	if (!vector_same(c, "key", outboard + tree_outboard_len(chunks) - 32, 32))
		return false;
	json_array_foreach(json_object_get(c->out, "values"), i, told)
	{
		uint32_t chunk = (uint32_t)vector_u64(told, "chunk");

		if (memcmp(tree_value(outboard, chunks, (struct tree_node){chunk, 0}),
			   vector_hex(told, "value", NULL), 32) != 0)
			return vector_fail(c, "value of chunk %u differs", chunk);
	}
	return true;
}

const struct vector_section protocol_crypto_sections[] = {
	{"hash", run_hash},
	{"keyed_hash", run_keyed_hash},
	{"pair", run_pair},
	{"handshake", run_handshake},
	{"cookie", run_cookie},
	{"message", run_message},
	{"write_data", run_write_data},
	{"request_digest", run_request_digest},
	{"seal", run_seal},
	{"tree", run_tree},
	{NULL, NULL},
};
