/* SPDX-License-Identifier: Apache-2.0 */
/* Small answers, and the one way out for all datagrams. */
#include "proof/serve_int.h"

bool out_alloc(struct serve *s, uint16_t port, struct dgram *out, unsigned n)
{
	return s->config.io.alloc(s->config.io.ctx, port, out, n);
}

void out_send(struct serve *s, struct dgram *out, unsigned n)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += out[i].len;
	count(&s->counters.sent_datagrams, n);
	count(&s->counters.sent_bytes, bytes);
	for (unsigned at = 0; at < n; at += SERVE_BURST_MAX) {
		unsigned left = n - at;

		s->config.io.send(s->config.io.ctx, out + at,
				  left < SERVE_BURST_MAX ? left : SERVE_BURST_MAX);
	}
}

bool out_send_bytes(struct serve *s, const struct path *path, const void *data, size_t len)
{
	struct dgram out;

	if (!out_alloc(s, path->port, &out, 1))
		return false;
	memcpy(out.data, data, len);
	out_fill(&out, path, len);
	out_send(s, &out, 1);
	return true;
}

bool limiter_allow(struct limiter *l, uint64_t now)
{
	uint64_t *oldest = &l->at[l->next];

	if (*oldest != 0 && now - *oldest < NS_PER_S)
		return false;
	*oldest = now != 0 ? now : 1;
	l->next = (l->next + 1) % HINTS_PER_S;
	return true;
}

void reply_reset(struct serve *s, const struct dgram *d, enum assay_reason reason)
{
	const struct assay_session_head *head = (const void *)d->data;
	struct assay_reset reset = {
		.head = {ASSAY_VERSION_WIRE, ASSAY_RESET, sizeof(reset)},
		.index = head->index,
		.counter = head->counter,
		.reason = (uint16_t)reason,
	};

	/* Only requests, and these are all longer than a RESET. */
	if (head->head.type >= 0x80 || !limiter_allow(&s->resets, s->now))
		return;
	if (out_send_bytes(s, &d->path, &reset, sizeof(reset)))
		count(&s->counters.resets, 1);
}

struct assay_version_msg version_message(uint8_t lowest, uint8_t highest)
{
	return (struct assay_version_msg){
		.head = {ASSAY_VERSION_WIRE, ASSAY_VERSION_MSG, sizeof(struct assay_version_msg)},
		.lowest = lowest,
		.highest = highest,
	};
}

void reply_version(struct serve *s, const struct dgram *d)
{
	struct assay_version_msg version = version_message(ASSAY_VERSION_WIRE, ASSAY_VERSION_WIRE);
	uint8_t type = d->data[1];
	bool answer = type >= 0x80 || (type >= ASSAY_WELCOME && type <= ASSAY_VERSION_MSG);

	if (answer || d->len <= 32 || !limiter_allow(&s->versions, s->now))
		return;
	if (out_send_bytes(s, &d->path, &version, sizeof(version)))
		count(&s->counters.versions, 1);
}

/* The tag input takes the session's key with it: a reply outlives its session. */
static void reply_tag(struct replies *r, struct session *session)
{
	struct reply *reply = &r->reply[r->n];

	reply->len = ((const struct assay_head *)reply->bytes)->length;
	must(tag_input_general(r->input[r->n], session->keys.k_r, reply->bytes, reply->len) == 2);
	r->n++;
	session->answered++;
}

static struct reply *reply_next(struct serve *s, const struct path *path)
{
	struct reply *reply;

	if (s->replies.n == SERVE_BURST_MAX)
		reply_flush(s);
	reply = &s->replies.reply[s->replies.n];
	reply->path = *path;
	return reply;
}

void reply_pong(struct serve *s, struct session *session, const struct dgram *d)
{
	const struct assay_ping *ping = (const void *)d->data;
	struct reply *reply = reply_next(s, &d->path);

	reply->code = ASSAY_R_NONE;
	message_head(reply->bytes, ASSAY_PONG, sizeof(reply->pong), session->initiator,
		     ++session->sent);
	memcpy(reply->pong.opaque, ping->opaque, sizeof(ping->opaque));
	reply_tag(&s->replies, session);
}

void reply_refuse(struct serve *s, struct session *session, const struct path *path,
		  uint64_t request, enum assay_reason code, uint32_t wait_ms, uint32_t parameter)
{
	struct reply *reply = reply_next(s, path);

	reply->code = code;
	message_head(reply->bytes, ASSAY_REFUSED, sizeof(reply->refused), session->initiator,
		     ++session->sent);
	reply->refused.answer = (struct assay_answer_head){
		.request = request, .parts = 1, .status = (uint16_t)code};
	reply->refused.wait_ms = wait_ms;
	reply->refused.parameter = parameter;
	reply_tag(&s->replies, session);
}

void reply_write_state(struct serve *s, struct session *session, const struct path *path,
		       uint64_t request, const struct write_status *status)
{
	struct reply *reply = reply_next(s, path);
	struct assay_write_state *m = &reply->write_state;

	reply->code = ASSAY_R_NONE;
	message_head(reply->bytes, ASSAY_WRITE_STATE, sizeof(*m), session->initiator,
		     ++session->sent);
	m->answer = (struct assay_answer_head){.request = request, .parts = 1};
	m->transfer = status->transfer;
	m->state = status->state;
	m->code = status->code;
	m->first_missing = status->first_missing;
	m->window = status->window;
	m->set = status->set;
	reply_tag(&s->replies, session);
}

static void reply_sent(struct serve *s, const struct reply *reply)
{
	count(&s->counters.answered, 1);
	if (reply->code != ASSAY_R_NONE)
		count(&s->counters.refused[reply->code], 1);
}

/* Sends replies [from, to), all of one port. */
static void reply_send(struct serve *s, unsigned from, unsigned to, const uint8_t tag[][DIGEST_LEN])
{
	struct dgram out[SERVE_BURST_MAX];
	unsigned n = to - from;

	if (!out_alloc(s, s->replies.reply[from].path.port, out, n)) {
		if (n == 1) {
			drop(s, ASSAY_R_TX_FULL);
			return;
		}
		for (unsigned i = from; i < to; i++)
			reply_send(s, i, i + 1, tag);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct reply *reply = &s->replies.reply[from + i];

		memcpy(out[i].data, reply->bytes, reply->len);
		memcpy(out[i].data + 16, tag[from + i], 16);
		out_fill(&out[i], &reply->path, reply->len);
		reply_sent(s, reply);
	}
	out_send(s, out, n);
}

void reply_flush(struct serve *s)
{
	struct replies *r = &s->replies;
	const uint8_t *input[SERVE_BURST_MAX];
	uint8_t tag[SERVE_BURST_MAX][DIGEST_LEN];

	if (r->n == 0)
		return;
	for (unsigned i = 0; i < r->n; i++)
		input[i] = r->input[i];
	digest_many(tag[0], NULL, input, r->n, 2);
	for (unsigned from = 0, to; from < r->n; from = to) {
		for (to = from + 1; to < r->n; to++)
			if (r->reply[to].path.port != r->reply[from].path.port)
				break;
		reply_send(s, from, to, tag);
	}
	r->n = 0;
}
