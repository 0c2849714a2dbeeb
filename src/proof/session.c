/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of one worker: slots and indices, replay window, token bucket, end of life. */
#include "proof/serve_int.h"

#define TOKENS_SHIFT  32
#define BURST_MAX_KIB ((1u << (32 - 10)) - 1) /* of bytes << 32 in 64 bits */

/* --- slots and indices --- */

static struct index_history *history_of(struct serve *s, uint32_t slot)
{
	struct index_history *h = &s->history[slot];
	uint64_t minute = s->now / INDEX_REST_NS + 1;

	if (minute != h->minute) {
		if (minute == h->minute + 1)
			memcpy(h->used[1], h->used[0], sizeof(h->used[1]));
		else
			memset(h->used[1], 0, sizeof(h->used[1]));
		memset(h->used[0], 0, sizeof(h->used[0]));
		h->minute = minute;
	}
	return h;
}

static void history_mark(struct serve *s, uint32_t index)
{
	unsigned random = index >> 24;

	history_of(s, index & 0xffff)->used[0][random / 64] |= 1ull << (random % 64);
}

/* An index for the slot that rested for a minute, or 0. */
static uint32_t history_index(struct serve *s, uint32_t slot)
{
	const struct index_history *h = history_of(s, slot);
	uint8_t first;

	random_fill(s->config.random, &first, sizeof(first));
	for (unsigned i = 0; i < 256; i++) {
		unsigned random = (first + i) % 256;
		uint32_t index = slot | (uint32_t)s->config.worker << 16 | random << 24;
		uint64_t used = h->used[0][random / 64] | h->used[1][random / 64];

		if (index != 0 && (used >> (random % 64) & 1) == 0)
			return index;
	}
	return 0;
}

uint32_t session_reserve(struct serve *s)
{
	for (uint32_t i = 0; i < SERVE_SESSIONS_MAX; i++) {
		uint32_t slot = (s->slot_next + i) % SERVE_SESSIONS_MAX;
		uint64_t *word = &s->taken[slot / 64];
		uint32_t index;

		if (*word == UINT64_MAX) {
			i += 63 - slot % 64;
			continue;
		}
		if ((*word >> (slot % 64) & 1) != 0 || (index = history_index(s, slot)) == 0)
			continue;
		*word |= 1ull << (slot % 64);
		s->slot_next = slot + 1;
		return index;
	}
	return 0;
}

static void slot_free(struct serve *s, uint32_t slot)
{
	s->taken[slot / 64] &= ~(1ull << (slot % 64));
}

void session_unreserve(struct serve *s, uint32_t index)
{
	if (index != 0)
		slot_free(s, index & 0xffff);
}

/* --- life --- */

static void session_take_rights(struct session *session, const struct view_peer *peer)
{
	uint64_t burst_kib = peer->burst_kib < BURST_MAX_KIB ? peer->burst_kib : BURST_MAX_KIB;

	session->permissions = (uint8_t)peer->permissions;
	session->burst = burst_kib << (TOKENS_SHIFT + 10);
	session->rate =
		(uint64_t)(((unsigned __int128)peer->rate_kib << (TOKENS_SHIFT + 10)) / NS_PER_S);
}

struct session *session_install(struct serve *s, const struct view_peer *peer,
				const struct session_terms *terms)
{
	uint32_t slot = terms->index & 0xffff;
	struct session *session = &s->sessions[slot];
	int place = peers_place(s->config.peer_sessions, peer->slot, terms->index);

	if (place < 0)
		return NULL;
	must(slot < SERVE_SESSIONS_MAX && session->index == 0);
	*session = (struct session){
		.index = terms->index,
		.initiator = terms->initiator,
		.remote = *terms->remote,
		.keys = *terms->keys,
		.expires_ns = s->now + s->view->life_s * NS_PER_S,
		.idle_ns = s->view->idle_s * NS_PER_S,
		.used_ns = s->now,
		.opened_ns = s->now,
		.listed_ns = s->now,
		.filled_ns = s->now,
		.peer_slot = peer->slot,
		.in_flight_max = s->view->in_flight,
		.place = (uint8_t)place,
	};
	session_take_rights(session, peer);
	session->tokens = session->burst;
	memcpy(session->pair, peer->noise.pair, sizeof(session->pair));
	memcpy(session->hint, peer->noise.hint, sizeof(session->hint));
	s->taken[slot / 64] |= 1ull << (slot % 64);
	count(&s->counters.sessions_opened, 1);
	count(&s->counters.sessions, 1);
	return session;
}

void session_end(struct serve *s, struct session *session)
{
	uint32_t index = session->index;

	peers_release(s->config.peer_sessions, session->peer_slot, session->place, index);
	streams_release(&s->config.peer_sessions->streams, index);
	history_mark(s, index);
	wipe(session, sizeof(*session));
	slot_free(s, index & 0xffff);
	count(&s->counters.sessions_closed, 1);
	count(&s->counters.sessions, -1ull);
}

struct session *session_find(struct serve *s, uint32_t index)
{
	uint32_t slot = index & 0xffff;

	if (index == 0 || slot >= SERVE_SESSIONS_MAX || s->sessions[slot].index != index)
		return NULL;
	return &s->sessions[slot];
}

void session_used(struct serve *s, struct session *session)
{
	bool first = !session->confirmed;

	session->confirmed = true;
	session->used_ns = s->now;
	session->received++;
	if (!first && s->now - session->listed_ns < 100 * NS_PER_MS)
		return;
	session->listed_ns = s->now;
	/* No longer listed: a newer session of the key has taken its place. */
	if (!peers_touch(s->config.peer_sessions, session->peer_slot, session->place,
			 session->index, true, s->now))
		session_close_later(s, session);
}

void session_close_later(struct serve *s, struct session *session)
{
	must(!session->closing && s->closing_count < SERVE_BURST_MAX);
	session->closing = true;
	s->closing[s->closing_count++] = session;
}

void session_close_now(struct serve *s)
{
	while (s->closing_count > 0)
		session_end(s, s->closing[--s->closing_count]);
}

/* Monotonic time of its last moment. */
static uint64_t session_last_ns(const struct session *session)
{
	uint64_t idle = session->used_ns + session->idle_ns;

	return idle < session->expires_ns ? idle : session->expires_ns;
}

bool session_expired(const struct session *session, uint64_t now)
{
	return now > session_last_ns(session) || session->sent >> 63 != 0;
}

/* Its peer no longer needs to hear why, or a newer one of the key has taken its place. */
static bool session_over(const struct serve *s, const struct session *session)
{
	if (!session->confirmed && s->now - session->opened_ns > CONFIRM_NS_MAX)
		return true;
	return s->now > session_last_ns(session) + LINGER_NS ||
	       !peers_listed(s->config.peer_sessions, session->peer_slot, session->place,
			     session->index);
}

/* Every 4 ms one word of the table: all of it 4 times a second. */
void session_sweep(struct serve *s)
{
	uint32_t word = s->sweep_next;

	if (s->now - s->swept_ns < 4 * NS_PER_MS)
		return;
	s->swept_ns = s->now;
	s->sweep_next = (word + 1) % (SERVE_SESSIONS_MAX / 64);
	for (uint64_t bits = s->taken[word]; bits != 0; bits &= bits - 1) {
		struct session *session = &s->sessions[word * 64 + (unsigned)__builtin_ctzll(bits)];

		if (session->index != 0 && session_over(s, session))
			session_end(s, session);
	}
}

void session_new_view(struct serve *s)
{
	for (uint32_t slot = 0; slot < SERVE_SESSIONS_MAX; slot++) {
		struct session *session = &s->sessions[slot];
		const struct view_peer *peer;

		if (session->index == 0)
			continue;
		peer = view_peer_at(s->view, session->peer_slot);
		if (peer == NULL || memcmp(peer->noise.hint, session->hint, 16) != 0 ||
		    memcmp(peer->noise.pair, session->pair, 32) != 0)
			session_end(s, session);
		else
			session_take_rights(session, peer);
	}
}

/* --- token bucket --- */

bool session_pay(struct session *session, uint64_t now, uint64_t bytes, uint32_t *wait_ms)
{
	unsigned __int128 tokens = session->tokens;
	uint64_t cost = bytes << TOKENS_SHIFT;

	tokens += (unsigned __int128)(now - session->filled_ns) * session->rate;
	session->tokens = tokens < session->burst ? (uint64_t)tokens : session->burst;
	session->filled_ns = now;
	if (session->tokens >= cost) {
		session->tokens -= cost;
		return true;
	}
	uint64_t wait_ns =
		session->rate == 0 ? UINT64_MAX : (cost - session->tokens) / session->rate;

	wait_ns = wait_ns / NS_PER_MS + 1;
	*wait_ms = wait_ns < UINT32_MAX ? (uint32_t)wait_ns : UINT32_MAX;
	return false;
}

/* --- replay window --- */

enum assay_reason window_check(const struct session *session, uint64_t counter)
{
	if (counter > session->highest)
		return ASSAY_R_NONE;
	if (counter == 0 || session->highest - counter >= WINDOW_BITS)
		return ASSAY_R_REPLAY_OLD;
	if ((session->window[counter / 64 % WINDOW_WORDS] >> (counter % 64) & 1) != 0)
		return ASSAY_R_REPLAY_SEEN;
	return ASSAY_R_NONE;
}

/* Forgets n counters from the given one on: their bits belonged to those 2048 below. */
static void window_clear(uint64_t *window, uint64_t counter, uint64_t n)
{
	if (n >= WINDOW_BITS) {
		memset(window, 0, WINDOW_BITS / 8);
		return;
	}
	while (n > 0) {
		unsigned bit = counter % 64;
		uint64_t take = n < 64 - bit ? n : 64 - bit;
		uint64_t mask = (take == 64 ? UINT64_MAX : (1ull << take) - 1) << bit;

		window[counter / 64 % WINDOW_WORDS] &= ~mask;
		counter += take;
		n -= take;
	}
}

void window_mark(struct session *session, uint64_t counter)
{
	if (counter > session->highest) {
		window_clear(session->window, session->highest + 1, counter - session->highest);
		session->highest = counter;
	}
	session->window[counter / 64 % WINDOW_WORDS] |= 1ull << (counter % 64);
}

/* --- for the operator --- */

unsigned serve_sessions(const struct serve *s, uint32_t *cursor, struct session_info *out,
			unsigned room)
{
	unsigned n = 0;
	uint32_t slot = *cursor;

	for (; slot < SERVE_SESSIONS_MAX && n < room; slot++) {
		const struct session *session = &s->sessions[slot];
		const struct view_peer *peer;

		if (session->index == 0)
			continue;
		peer = view_peer_at(s->view, session->peer_slot);
		must(peer != NULL); /* sessions of other keys ended with the snapshot */
		out[n] = (struct session_info){
			.index = session->index,
			.peer_slot = session->peer_slot,
			.remote = session->remote,
			.opened_ns = session->opened_ns,
			.used_ns = session->used_ns,
			.received = session->received,
			.answered = session->answered,
			.permissions = session->permissions,
			.confirmed = session->confirmed,
		};
		memcpy(out[n++].account, peer->account, sizeof(peer->account));
	}
	*cursor = slot < SERVE_SESSIONS_MAX ? slot : 0;
	return n;
}

bool serve_close(struct serve *s, uint32_t index)
{
	struct session *session = session_find(s, index);

	if (session == NULL)
		return false;
	session_end(s, session);
	return true;
}
