/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of protocol.json about a responder, through the responder itself (proof/serve.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "proof/world.h"
#include "vectors/runner.h"

extern const struct vector_section protocol_serve_sections[];

static const uint8_t zeros[32];

/* The world of the case, freed when the next begins. */
static struct world *world_of_case(void)
{
	static struct world world;
	static bool used;

	if (used)
		world_free(&world);
	used = true;
	world_init(&world, 1, 1);
	return &world;
}

static void take_text(char out[ASSAY_ACCOUNT_MAX + 1], const char *text)
{
	must(strlen(text) <= ASSAY_ACCOUNT_MAX);
	strcpy(out, text);
}

static void take_hex(uint8_t *out, size_t len, const json_t *object, const char *name)
{
	size_t told;
	const uint8_t *bytes = vector_hex(object, name, &told);

	must(told == len);
	memcpy(out, bytes, len);
}

/* A peer that nothing is known of but what follows from accounts and network. */
static struct view_peer *peer_any(struct world *w)
{
	uint8_t secret[32] = {[31] = 7}, public[33];

	must(public_key(public, secret));
	return world_peer(w, "node-a", public);
}

static struct path path_of(const char *ip, uint64_t port)
{
	struct path path = world_path(1, (uint16_t)port);
	char text[64];

	snprintf(text, sizeof(text), "%s:%u", ip, (unsigned)port);
	must(net_addr_parse(&path.remote, text) == 0);
	return path;
}

/* Compares a message with its hex text or with {length, head, hash}. */
static bool same_message(struct vector_case *c, const json_t *told, const struct world_sent *got)
{
	uint8_t hash[32];
	size_t len;

	if (got == NULL)
		return vector_fail(c, "a message is missing");
	if (json_is_string(told)) {
		const uint8_t *bytes = vector_hex_text(json_string_value(told), &len);

		if (len != got->len || memcmp(bytes, got->data, len) != 0)
			return vector_fail(c, "message of type %02x differs", got->data[1]);
		return true;
	}
	if (vector_u64(told, "length") != got->len)
		return vector_fail(c, "message of %u bytes", got->len);
	if (memcmp(vector_hex(told, "head", NULL), got->data, 72) != 0)
		return vector_fail(c, "head of a message of type %02x differs", got->data[1]);
	digest_one(hash, NULL, got->data, got->len);
	if (memcmp(vector_hex(told, "hash", NULL), hash, 32) != 0)
		return vector_fail(c, "bytes of a message of type %02x differ", got->data[1]);
	return true;
}

static bool same_messages(struct vector_case *c, const struct world *w, uint8_t type)
{
	const json_t *told = json_object_get(c->out, "messages");

	for (size_t i = 0; i < json_array_size(told); i++)
		if (!same_message(c, json_array_get(told, i), world_find(w, type, (unsigned)i)))
			return false;
	if (world_find(w, type, (unsigned)json_array_size(told)) != NULL)
		return vector_fail(c, "too many messages");
	return true;
}

static bool same_reason(struct vector_case *c, const char *told, const char *got)
{
	return strcmp(told, got) == 0 || vector_fail(c, "reason '%s'", got);
}

/* Name of the one reason that was counted since the last look, empty for none. */
struct drops {
	uint64_t dropped[ASSAY_R_MAX], refused[ASSAY_R_MAX];
};
static struct drops drops_now(const struct world *w)
{
	const struct serve_counters *c = serve_counters(w->worker[0].serve);
	struct drops d;

	memcpy(d.dropped, c->drops, sizeof(d.dropped));
	memcpy(d.refused, c->refused, sizeof(d.refused));
	return d;
}
static const char *counted_since(const uint64_t *before, const uint64_t *now)
{
	for (unsigned r = 0; r < ASSAY_R_MAX; r++)
		if (now[r] != before[r])
			return assay_reason_name(r);
	return "";
}

static struct noise_keys keys_of(const struct vector_case *c, bool both)
{
	struct noise_keys keys = {.k_i = {1, 2, 3}};

	take_hex(keys.k_r, 32, c->in, "K_r");
	if (both)
		take_hex(keys.k_i, 32, c->in, "K_i");
	return keys;
}

static struct world_artifact *artifact_of(struct world *w, const json_t *in, const char *name)
{
	const json_t *rule = json_object_get(in, name);

	return world_artifact(w, vector_u64(rule, "len"), (unsigned)vector_u64(rule, "mul"),
			      (unsigned)vector_u64(rule, "add"));
}

/* Sends a request with a good tag: header, then body. */
static void ask(struct world *w, const struct session *session, const struct path *path,
		uint8_t type, uint64_t counter, const uint8_t *body, size_t len)
{
	uint8_t *payload = vector_alloc(32 + len);

	message_head(payload, type, (uint16_t)(32 + len), session->index, counter);
	memcpy(payload + 32, body, len);
	message_tag_general(payload, 32 + len, session->keys.k_i);
	world_in(w, 0, path, payload, 32 + len);
}

/* --- prove_answer --- */

/* Fills the batch with leaves that are not of this case: leaf i = BK(leaf, 16 times u32 i). */
static void fill_batch(struct world *w, struct session *session, const struct path *path,
		       unsigned from, unsigned to)
{
	struct serve *s = world_serve(w, 0);

	for (unsigned i = from; i < to; i++) {
		struct dgram out;
		struct work work = {.session = session, .path = path, .parts = 1, .out = &out};
		uint32_t words[16];
		uint8_t leaf[32];

		for (unsigned j = 0; j < 16; j++)
			words[j] = i;
		digest_one(leaf, digest_label_key(DIGEST_LEAF), words, sizeof(words));
		session->in_flight++;
		must(out_alloc(s, 0, &out, 1));
		batch_add(s, &work, zeros, leaf);
	}
}

static bool run_prove_answer(struct vector_case *c)
{
	struct world *w = world_of_case();
	struct noise_keys keys = keys_of(c, false);
	struct path path = world_path(9, 5000);
	unsigned index = (unsigned)vector_u64(c->in, "batch_index");
	unsigned count = (unsigned)vector_u64(c->in, "batch_count");
	uint8_t secret[32];
	struct session *session;
	const struct world_sent *proof = NULL;
	size_t len;
	const uint8_t *body = vector_hex(c->in, "body", &len);

	w->fixed = vector_hex(c->in, "aux_rand", NULL);
	take_hex(w->self.network_id, 32, c->in, "network");
	take_text(w->self.account, vector_text(c->in, "target"));
	take_hex(secret, 32, c->in, "identity_secret");
	must(sign_key_from_secret(&w->self.identity, secret) == 0);
	take_text(peer_any(w)->account, vector_text(c->in, "challenger"));
	noise_pair(w->peer[0].noise.pair, w->self.network_id, w->peer[0].account, w->self.account);
	world_publish(w);
	artifact_of(w, c->in, "data_rule");
	session =
		world_session(w, &w->peer[0], 0x21000003,
			      (uint32_t)vector_u64(c->in, "initiator_index"), &keys, &path.remote);
	fill_batch(w, session, &path, 0, index);
	session->sent = vector_u64(c->in, "first_counter") - 1;
	w->time.wall_ns = vector_u64(c->in, "time_ms") * NS_PER_MS;
	ask(w, session, &path, ASSAY_PROVE, vector_u64(c->in, "request_counter"), body, len);
	fill_batch(w, session, &path, index + 1, count);
	world_turn(w, true);

	proof = world_find(w, ASSAY_PROOF, index);
	if (proof == NULL)
		return vector_fail(c, "no PROOF");
	return vector_same(c, "compound_hash", proof->data + 48, 32) &&
	       vector_same(c, "leaf", world_serve(w, 0)->batch.node[index], 32) &&
	       same_message(c, json_object_get(c->out, "proof"), proof) &&
	       same_messages(c, w,
			     (vector_u64(c->in, "flags") & ASSAY_PROVE_TREE) != 0 ? ASSAY_CHUNK_MSG
										  : ASSAY_RANGES);
}

/* --- read_answer --- */

static bool run_read_answer(struct vector_case *c)
{
	struct world *w = world_of_case();
	struct noise_keys keys = keys_of(c, false);
	struct path path = world_path(9, 5000);
	struct drops before = drops_now(w);
	struct session *session;
	size_t len;
	const uint8_t *body = vector_hex(c->in, "body", &len);
	const char *refused;

	peer_any(w);
	world_publish(w);
	artifact_of(w, c->in, "data_rule");
	session =
		world_session(w, &w->peer[0], 0x21000003,
			      (uint32_t)vector_u64(c->in, "initiator_index"), &keys, &path.remote);
	session->sent = vector_u64(c->in, "first_counter") - 1;
	ask(w, session, &path, ASSAY_READ, vector_u64(c->in, "request_counter"), body, len);
	world_turn(w, true);
	refused = counted_since(before.refused, drops_now(w).refused);
	return same_reason(c, vector_text(c->out, "refused"), refused) &&
	       same_messages(c, w, ASSAY_CHUNK_MSG);
}

/* --- reset, version --- */

static bool run_reset(struct vector_case *c)
{
	struct world *w = world_of_case();
	struct noise_keys keys = {.k_i = {1}};
	struct path path = world_path(9, 5000), other = world_path(10, 5000);
	size_t len;
	const uint8_t *datagram = vector_hex(c->in, "datagram", &len);
	const char *reason = vector_text(c->in, "reason");
	struct session *session;

	peer_any(w);
	world_publish(w);
	if (strcmp(reason, "session") != 0) {
		const struct assay_session_head *head = (const void *)datagram;

		session = world_session(w, &w->peer[0], head->index, 1, &keys,
					strcmp(reason, "address") == 0 ? &other.remote
								       : &path.remote);
		if (strcmp(reason, "expired") == 0)
			session->expires_ns = w->time.mono_ns - 1;
	}
	world_in(w, 0, &path, datagram, len);
	if (w->sent_count != 1)
		return vector_fail(c, "%u datagrams", w->sent_count);
	return same_reason(c, reason,
			   counted_since((uint64_t[ASSAY_R_MAX]){0}, drops_now(w).dropped)) &&
	       vector_same(c, "payload", w->sent[0].data, w->sent[0].len);
}

static bool run_version(struct vector_case *c)
{
	struct assay_version_msg message = version_message((uint8_t)vector_u64(c->in, "lowest"),
							   (uint8_t)vector_u64(c->in, "highest"));

	return vector_same(c, "payload", (const uint8_t *)&message, sizeof(message));
}

/* --- replay_window --- */

static bool run_replay_window(struct vector_case *c)
{
	struct world *w = world_of_case();
	struct noise_keys keys = {.k_i = {1}};
	struct path path = world_path(9, 5000);
	struct session *session;
	const json_t *counters = json_object_get(c->in, "counters");
	const json_t *reasons = json_object_get(c->out, "reasons");

	peer_any(w);
	world_publish(w);
	session = world_session(w, &w->peer[0], 0x21000003, 1, &keys, &path.remote);
	for (size_t i = 0; i < json_array_size(counters); i++) {
		struct drops before = drops_now(w);
		uint64_t counter =
			strtoull(json_string_value(json_array_get(counters, i)), NULL, 10);

		ask(w, session, &path, ASSAY_PING, counter, zeros, 24);
		if (!same_reason(c, json_string_value(json_array_get(reasons, i)),
				 counted_since(before.dropped, drops_now(w).dropped)))
			return false;
	}
	return json_array_size(counters) == json_array_size(reasons);
}

/* --- datagram_check --- */

static const char *type_name(uint8_t type)
{
	switch (type) {
	case ASSAY_PONG:
		return "PONG";
	case ASSAY_PROOF:
	case ASSAY_CHUNK_MSG: /* sent before the PROOF they belong to */
		return "PROOF";
	case ASSAY_RESET:
		return "RESET";
	case ASSAY_VERSION_MSG:
		return "VERSION";
	case ASSAY_WELCOME:
		return "WELCOME";
	case ASSAY_COOKIE:
		return "COOKIE";
	default:
		return "another";
	}
}

static bool same_answers(struct vector_case *c, const struct world *w)
{
	const char *told = vector_text(c->out, "answer");
	const char *got = w->sent_count > 0 ? type_name(w->sent[0].data[1]) : "";

	if (strcmp(told, got) != 0)
		return vector_fail(c, "answer is '%s'", got);
	if (vector_u64(c->out, "datagrams") != w->sent_count)
		return vector_fail(c, "%u datagrams", w->sent_count);
	return w->sent_count != 1 || strcmp(told, "PROOF") == 0 ||
	       vector_same(c, "answer_payload", w->sent[0].data, w->sent[0].len);
}

static bool run_datagram_check(struct vector_case *c)
{
	struct world *w = world_of_case();
	struct noise_keys keys = keys_of(c, true);
	struct path home =
		path_of(vector_text(c->in, "session_ip"), vector_u64(c->in, "session_port"));
	struct path path =
		path_of(vector_text(c->in, "source_ip"), vector_u64(c->in, "source_port"));
	const json_t *seen = json_object_get(c->in, "seen");
	struct session *session, before;
	bool marked;
	size_t len;
	const uint8_t *datagram = vector_hex(c->in, "datagram", &len);

	take_hex(w->self.network_id, 32, c->in, "network");
	peer_any(w);
	world_publish(w);
	artifact_of(w, c->in, "artifact");
	session =
		world_session(w, &w->peer[0], (uint32_t)vector_u64(c->in, "index"),
			      (uint32_t)vector_u64(c->in, "initiator_index"), &keys, &home.remote);
	for (size_t i = 0; i < json_array_size(seen); i++)
		window_mark(session,
			    strtoull(json_string_value(json_array_get(seen, i)), NULL, 10));
	world_advance(w, vector_u64(c->in, "session_age_s") * NS_PER_S);
	before = *session;
	world_in(w, 0, &path, datagram, len);
	world_turn(w, true);
	/* A CLOSE that was obeyed leaves no window to look at. */
	marked = session->highest != before.highest ||
		 memcmp(session->window, before.window, sizeof(before.window)) != 0 ||
		 serve_counters(world_serve(w, 0))->closes == 1;
	return same_reason(c, vector_text(c->out, "reason"),
			   counted_since((uint64_t[ASSAY_R_MAX]){0}, drops_now(w).dropped)) &&
	       same_answers(c, w) &&
	       (marked == vector_bool(c->out, "counter_marked") ||
		vector_fail(c, "counter marked: %d", marked));
}

/* --- admit --- */

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

static void admit_settings(struct world *w, const json_t *in)
{
	const json_t *params = json_object_get(in, "params"),
		     *epochs = json_object_get(in, "epochs");

	w->settings.any_epoch = false;
	for (unsigned i = 0; i < 2; i++)
		w->settings.epoch[i] =
			strtoull(json_string_value(json_array_get(epochs, i)), NULL, 10);
	w->settings.ranges_max = (uint8_t)at_most(vector_u64(params, "ranges"), ASSAY_RANGES_MAX);
	w->settings.length_max =
		(uint16_t)at_most(vector_u64(params, "length"), ASSAY_RANGE_LENGTH_MAX);
	w->settings.draining = vector_bool(in, "draining");
}

static bool run_admit(struct vector_case *c)
{
	static const char *const states[] = {"stored", "private", "rot"};
	struct world *w = world_of_case();
	struct noise_keys keys = keys_of(c, false);
	struct path path = world_path(9, 5000);
	struct session *session;
	struct world_artifact *artifact;
	size_t len;
	const uint8_t *body = vector_hex(c->in, "body", &len);
	const char *code;

	admit_settings(w, c->in);
	peer_any(w)->permissions = (uint32_t)vector_u64(c->in, "permissions");
	world_publish(w);
	artifact = artifact_of(w, c->in, "artifact");
	for (uint8_t i = 0; i < 3; i++)
		if (strcmp(states[i], vector_text(c->in, "artifact_state")) == 0)
			atomic_store(&artifact->record.state, i);
	session =
		world_session(w, &w->peer[0], 0x21000003,
			      (uint32_t)vector_u64(c->in, "initiator_index"), &keys, &path.remote);
	session->sent = vector_u64(c->in, "answer_counter") - 1;
	ask(w, session, &path, ASSAY_PROVE, vector_u64(c->in, "request_counter"), body, len);
	world_turn(w, true);
	code = counted_since((uint64_t[ASSAY_R_MAX]){0}, drops_now(w).refused);
	if (!same_reason(c, vector_text(c->out, "code"), code))
		return false;
	if (code[0] == 0)
		return world_find(w, ASSAY_PROOF, 0) != NULL || vector_fail(c, "no PROOF");
	if (w->sent_count != 1)
		return vector_fail(c, "%u datagrams", w->sent_count);
	if (((const struct assay_refused *)w->sent[0].data)->answer.status !=
	    vector_u64(c->out, "number"))
		return vector_fail(c, "another number");
	return vector_same(c, "refused", w->sent[0].data, w->sent[0].len);
}

/* --- hello_admit --- */

static bool run_hello_admit(struct vector_case *c)
{
	struct world *w = world_of_case();
	struct path path =
		path_of(vector_text(c->in, "source_ip"), vector_u64(c->in, "source_port"));
	struct peer_row *row = &w->peer_sessions->row[0];
	uint8_t public[33];
	size_t len;
	const uint8_t *datagram = vector_hex(c->in, "hello", &len);
	const struct world_sent *cookie;
	const char *got;
	bool set;

	w->fixed = vector_hex(c->in, "cookie_secret", NULL);
	w->time.wall_ns = vector_u64(c->in, "now_ns");
	take_hex(w->self.network_id, 32, c->in, "network");
	take_text(w->self.account, vector_text(c->in, "responder"));
	take_hex(w->self.session_secret, 32, c->in, "s_r");
	must(public_key(w->self.noise.public, w->self.session_secret));
	take_hex(public, 33, c->in, "S_i");
	world_peer(w, vector_text(c->in, "initiator"), public);
	world_publish(w);
	if (vector_bool(c->in, "cookies_on"))
		atomic_store(&w->peer_sessions->cookies_until_ns, UINT64_MAX);
	memcpy(row->hint, w->peer[0].noise.hint, sizeof(row->hint));
	row->hello_ns = vector_u64(c->in, "last_time_ns");
	world_in(w, 0, &path, datagram, len);
	world_rest(w);

	set = row->hello_ns != vector_u64(c->in, "last_time_ns");
	if (set != vector_bool(c->out, "key_time_set"))
		return vector_fail(c, "time of the key set: %d", set);
	got = w->sent_count > 0 ? type_name(w->sent[0].data[1]) : "";
	if (strcmp(got, vector_text(c->out, "answer")) != 0 || w->sent_count > 1)
		return vector_fail(c, "answer is '%s'", got);
	cookie = world_find(w, ASSAY_COOKIE, 0);
	return same_reason(c, vector_text(c->out, "reason"),
			   counted_since((uint64_t[ASSAY_R_MAX]){0}, drops_now(w).dropped)) &&
	       (cookie == NULL || vector_same(c, "cookie_message", cookie->data, cookie->len));
}

const struct vector_section protocol_serve_sections[] = {
	{"prove_answer", run_prove_answer},
	{"read_answer", run_read_answer},
	{"reset", run_reset},
	{"version", run_version},
	{"replay_window", run_replay_window},
	{"datagram_check", run_datagram_check},
	{"admit", run_admit},
	{"hello_admit", run_hello_admit},
	{NULL, NULL},
};
