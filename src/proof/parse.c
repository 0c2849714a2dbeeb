/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages PARSE and TAG: from bytes to datagrams of a session with a good tag, in the order of
 * docs/protocol.md, "Order of checks". Before the tag nothing changes and no artifact is touched.
 */
#include "crypto/tree.h"
#include "proof/serve_int.h"

#define PREFETCH_AHEAD 8

static bool type_known(uint8_t type)
{
	static const uint32_t known[8] = {
		[0] = 1u << ASSAY_HELLO | 1u << ASSAY_WELCOME | 1u << ASSAY_COOKIE |
		      1u << ASSAY_RESET | 1u << ASSAY_VERSION_MSG | 1u << ASSAY_PING |
		      1u << ASSAY_PROVE | 1u << ASSAY_READ | 1u << ASSAY_WRITE_OPEN |
		      1u << ASSAY_WRITE_DATA | 1u << ASSAY_WRITE_COMMIT | 1u << ASSAY_CALL |
		      1u << ASSAY_CLOSE,
		[4] = 1u << (ASSAY_PONG - 0x80) | 1u << (ASSAY_PROOF - 0x80) |
		      1u << (ASSAY_RANGES - 0x80) | 1u << (ASSAY_CHUNK_MSG - 0x80) |
		      1u << (ASSAY_WRITE_STATE - 0x80) | 1u << (ASSAY_RESULT - 0x80) |
		      1u << (ASSAY_REFUSED - 0x80),
	};

	return (known[type / 32] >> (type % 32) & 1) != 0;
}

/* What can be told from the datagram alone. HELLOs have checks of their own. */
static enum assay_reason parse_head(const struct serve *s, const struct dgram *d)
{
	const struct assay_head *head = (const void *)d->data;

	if (d->len < 8)
		return ASSAY_R_SHORT;
	if (head->version != ASSAY_VERSION_WIRE)
		return ASSAY_R_VERSION;
	if (head->type == ASSAY_HELLO)
		return ASSAY_R_NONE;
	if (!type_known(head->type))
		return ASSAY_R_TYPE;
	if (head->length != d->len ||
	    !message_length_legal(head->type, d->len, s->view->payload_limit))
		return ASSAY_R_LENGTH;
	/* Answers to handshakes: nobody here waits for any. */
	return head->type < ASSAY_PING ? ASSAY_R_ROLE : ASSAY_R_NONE;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}

static bool reserved_zero(const struct dgram *d)
{
	const struct assay_session_head *head = (const void *)d->data;

	switch (head->head.type) {
	case ASSAY_PROVE:
		return ((const struct assay_prove *)head)->zero == 0;
	case ASSAY_CLOSE:
		return all_zero(((const struct assay_ping *)head)->opaque, 24);
	case ASSAY_WRITE_DATA:
		return all_zero(((const struct assay_write_data *)head)->zero, 14);
	case ASSAY_WRITE_COMMIT:
		return all_zero(((const struct assay_write_commit *)head)->zero, 20);
	case ASSAY_CALL:
		return all_zero(((const struct assay_call *)head)->zero, 6);
	default:
		return true;
	}
}

static enum assay_reason parse_session(const struct serve *s, const struct dgram *d,
				       const struct session *session)
{
	const struct assay_session_head *head = (const void *)d->data;

	if (head->index == 0 || session->index != head->index ||
	    (!session->confirmed && s->now - session->opened_ns > CONFIRM_NS_MAX))
		return ASSAY_R_SESSION;
	if (head->head.type >= 0x80)
		return ASSAY_R_ROLE;
	if (memcmp(&session->remote, &d->path.remote, sizeof(session->remote)) != 0)
		return ASSAY_R_ADDRESS;
	/* The last counter is never used: a session that came so far ends. */
	if (session_expired(session, s->now) || head->counter >> 63 != 0)
		return ASSAY_R_EXPIRED;
	if (!reserved_zero(d))
		return ASSAY_R_RESERVED;
	return window_check(session, head->counter);
}

/* Drops, and says why where the protocol lets a stranger know. */
static void parse_drop(struct serve *s, const struct dgram *d, enum assay_reason reason)
{
	drop(s, reason);
	if (reason == ASSAY_R_SESSION || reason == ASSAY_R_ADDRESS || reason == ASSAY_R_EXPIRED)
		reply_reset(s, d, reason);
	else if (reason == ASSAY_R_VERSION)
		reply_version(s, d);
}

/* True when the datagram belongs to another worker and is gone. */
static bool parse_handover(struct serve *s, struct dgram *d, bool handed)
{
	uint32_t index = ((const struct assay_session_head *)d->data)->index;
	unsigned worker = index >> 16 & 0xff;

	if (worker == s->config.worker || worker >= s->config.workers || handed)
		return false;
	if (s->config.io.handover(s->config.io.ctx, worker, d)) {
		d->buffer = NULL;
		count(&s->counters.handed_over, 1);
	} else {
		drop(s, ASSAY_R_HANDOVER_FULL);
	}
	return true;
}

/* The slot of the session that the datagram names; whether it is that session is seen later. */
static struct session *parse_slot(struct serve *s, const struct dgram *d)
{
	const struct assay_session_head *head = (const void *)d->data;
	struct session *session;

	if ((head->index >> 16 & 0xff) != s->config.worker ||
	    (head->index & 0xffff) >= SERVE_SESSIONS_MAX)
		return NULL;
	session = &s->sessions[head->index & 0xffff];
	prefetch_line(session);
	prefetch_line(&session->keys);
	prefetch_line(session->pair);
	prefetch_line(&session->burst);
	prefetch_line(&session->window[head->counter / 64 % WINDOW_WORDS]);
	return session;
}

void parse_burst(struct serve *s, unsigned n, bool handed)
{
	uint64_t begin = stage_begin(), bytes = 0;
	unsigned live = 0;

	for (unsigned i = 0; i < n && i < PREFETCH_AHEAD; i++)
		prefetch_line(s->in[i].data);
	for (unsigned i = 0; i < n; i++) {
		struct dgram *d = &s->in[i];
		enum assay_reason reason;

		if (i + PREFETCH_AHEAD < n)
			prefetch_line(s->in[i + PREFETCH_AHEAD].data);
		bytes += d->len;
		reason = parse_head(s, d);
		if (reason != ASSAY_R_NONE) {
			parse_drop(s, d, reason);
		} else if (d->data[1] == ASSAY_HELLO) {
			hello_receive(s, d);
		} else if (!parse_handover(s, d, handed)) {
			s->session[i] = parse_slot(s, d);
			s->item[live++] = (uint8_t)i;
		}
	}
	s->live = 0;
	for (unsigned j = 0; j < live; j++) {
		unsigned i = s->item[j];
		enum assay_reason reason = s->session[i] == NULL
						   ? ASSAY_R_SESSION
						   : parse_session(s, &s->in[i], s->session[i]);

		if (reason != ASSAY_R_NONE)
			parse_drop(s, &s->in[i], reason);
		else
			s->item[s->live++] = (uint8_t)i;
	}
	count(&s->counters.received, n);
	count(&s->counters.received_bytes, bytes);
	stage_end(s, STAGE_PARSE, begin, n);
}

/* --- tags --- */

static bool tag_same(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/*
 * Its tag is over the value of the chunk. No transfer is open here that would tell whether chunk 0
 * is the only one; so either value will do.
 */
static bool tag_write_data(const struct session *session, const struct dgram *d)
{
	const struct assay_write_data *w = (const void *)d->data;
	uint8_t input[128], value[32], tag[16];

	if (w->length != d->len - sizeof(*w))
		return false;
	for (int only = 0; only <= (w->chunk == 0); only++) {
		tree_chunk_value(value, d->data + sizeof(*w), w->length, w->chunk, only);
		tag_of(tag, input,
		       tag_input_chunk(input, session->keys.k_i, d->data, 24, value, NULL, 0));
		if (tag_same(tag, w->head.tag))
			return true;
	}
	return false;
}

/* Only now the session learns of the datagram. An earlier one of the burst may be its twin, or have
 * closed the session. */
static enum assay_reason tag_accept(struct serve *s, struct session *session, const struct dgram *d)
{
	uint64_t counter = ((const struct assay_session_head *)d->data)->counter;
	enum assay_reason reason;

	if (session->closing)
		return ASSAY_R_SESSION;
	reason = window_check(session, counter);
	if (reason != ASSAY_R_NONE)
		return reason;
	window_mark(session, counter);
	session_used(s, session);
	if (d->data[1] == ASSAY_CLOSE && !session->closing)
		session_close_later(s, session);
	return ASSAY_R_NONE;
}

void tag_burst(struct serve *s)
{
	uint64_t begin = stage_begin();
	bool good[SERVE_BURST_MAX];
	uint8_t lane[SERVE_BURST_MAX];
	unsigned n = s->live;

	s->arena.used = 0;
	for (unsigned j = 0; j < n; j++) {
		const struct dgram *d = &s->in[s->item[j]];
		const struct session *session = s->session[s->item[j]];
		uint8_t *input;

		if (d->data[1] == ASSAY_WRITE_DATA) {
			good[j] = tag_write_data(session, d);
			continue;
		}
		input = arena_take(&s->arena, 48u + d->len);
		lane[j] = (uint8_t)lanes_add(
			&s->lanes, input,
			tag_input_general(input, session->keys.k_i, d->data, d->len));
	}
	lanes_run(&s->lanes, NULL);
	s->live = 0;
	for (unsigned j = 0; j < n; j++) {
		unsigned i = s->item[j];
		const struct dgram *d = &s->in[i];
		enum assay_reason reason = ASSAY_R_TAG;

		if (d->data[1] != ASSAY_WRITE_DATA)
			good[j] = tag_same(lanes_digest(&s->lanes, lane[j]), d->data + 16);
		if (good[j])
			reason = tag_accept(s, s->session[i], d);
		if (reason != ASSAY_R_NONE)
			parse_drop(s, d, reason);
		else
			s->item[s->live++] = (uint8_t)i;
	}
	stage_end(s, STAGE_TAG, begin, n);
}
