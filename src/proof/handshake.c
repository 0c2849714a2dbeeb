/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one worker that owns handshakes: a queue of 64 for the node, worked on in slices of one curve
 * operation. It alone judges time and rate of a key's HELLOs and its number of sessions.
 */
#include "proof/serve_int.h"

#define HELLO_AHEAD_NS (3600 * NS_PER_S)
#define HELLO_BURST    8

void handshake_add(struct serve *s, const struct hello_job *job)
{
	struct handshake *h = &s->handshake;

	must(h->count < HELLO_QUEUE_MAX); /* hello_enter counts for all workers */
	h->queue[(h->head + h->count++) % HELLO_QUEUE_MAX] = *job;
}

const struct view_peer *hello_peer(const struct serve *s, const struct hello_job *job)
{
	const struct view_peer *peer = view_peer_at(s->view, job->peer_slot);

	if (peer == NULL || memcmp(peer->noise.hint, job->hello.hint, 16) != 0)
		return NULL;
	return peer;
}

/* What is remembered of the key; a slot that went to another key starts anew. */
static struct peer_row *hello_row(struct serve *s, const struct hello_job *job)
{
	struct peer_row *row = &s->config.peer_sessions->row[job->peer_slot];

	if (memcmp(row->hint, job->hello.hint, sizeof(row->hint)) != 0) {
		memcpy(row->hint, job->hello.hint, sizeof(row->hint));
		row->hello_ns = 0;
		row->next_ns = 0;
	}
	return row;
}

static enum assay_reason hello_start(struct serve *s, const struct hello_job *job,
				     const struct view_peer *peer)
{
	struct peer_row *row = hello_row(s, job);

	if (job->hello.time_ns <= row->hello_ns || job->hello.time_ns > s->wall + HELLO_AHEAD_NS)
		return ASSAY_R_HELLO_REPLAY;
	/* 1 per second, up to 8 at once. */
	if (row->next_ns > s->now + (HELLO_BURST - 1) * NS_PER_S)
		return ASSAY_R_HELLO_RATE;
	row->next_ns = (row->next_ns > s->now ? row->next_ns : s->now) + NS_PER_S;
	noise_responder_start(&s->handshake.state, &job->hello, &s->config.self->noise,
			      peer->account, s->config.self->account);
	return ASSAY_R_NONE;
}

static uint16_t hello_limit(const struct serve *s, uint16_t offered)
{
	uint16_t limit = offered < s->view->payload_limit ? offered : s->view->payload_limit;

	return limit > ASSAY_PAYLOAD_DEFAULT ? limit : ASSAY_PAYLOAD_DEFAULT;
}

static void hello_terms(struct serve *s, struct hello_job *job, const struct view_peer *peer)
{
	s->handshake.payload = (struct assay_welcome_payload){
		.index = job->index,
		.permissions = peer->permissions,
		.rate_kib = peer->rate_kib,
		.burst_kib = peer->burst_kib,
		.limit = hello_limit(s, s->handshake.state.limit),
		.in_flight = s->view->in_flight,
		.idle_s = s->view->idle_s,
		.life_s = s->view->life_s,
		.time_ms = s->wall / NS_PER_MS,
	};
	secret_generate(s->handshake.e_secret, s->config.random);
}

/* Message 1, one curve operation. */
static enum assay_reason hello_read(struct serve *s, struct hello_job *job,
				    const struct view_peer *peer)
{
	struct handshake *h = &s->handshake;
	enum assay_reason reason =
		noise_responder_read(&h->state, &s->config.self->noise, &peer->noise);

	/* It came from the key itself, whatever is wrong with the rest. */
	if (reason == ASSAY_R_NONE || reason == ASSAY_R_RESERVED)
		hello_row(s, job)->hello_ns = job->hello.time_ns;
	if (reason != ASSAY_R_NONE)
		return reason;
	if (job->index == 0)
		return ASSAY_R_SESSION_FULL;
	hello_terms(s, job, peer);
	h->phase = HELLO_WRITE;
	return ASSAY_R_NONE;
}

/* Ends the sessions that made room for the new one. */
static void hello_replace(struct serve *s, const uint32_t *index, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct session_order order = {.index = index[i]};
		unsigned worker = index[i] >> 16 & 0xff;

		/* Should the order be lost, the session's worker sees that it is not listed. */
		if (worker == s->config.worker)
			serve_close(s, index[i]);
		else
			s->config.io.order(s->config.io.ctx, worker, &order);
	}
}

/* Message 2, at most one curve operation. */
static void hello_write(struct serve *s, struct hello_job *job, const struct view_peer *peer)
{
	struct handshake *h = &s->handshake;
	uint32_t replaced[PEER_SESSIONS_MAX];

	if (!noise_responder_write(&job->welcome, &job->keys, &h->state, &s->config.self->noise,
				   &peer->noise, h->e_secret, &h->payload))
		return;
	wipe(h->e_secret, sizeof(h->e_secret));
	hello_replace(s, replaced,
		      peers_claim(s->config.peer_sessions, peer->slot, peer->session_limit,
				  job->index, s->now, replaced));
	h->phase = HELLO_RETURN;
}

static void hello_step(struct serve *s, struct hello_job *job)
{
	struct handshake *h = &s->handshake;
	const struct view_peer *peer = hello_peer(s, job);
	enum assay_reason reason = peer == NULL ? ASSAY_R_HELLO_UNKNOWN : ASSAY_R_NONE;

	if (reason == ASSAY_R_NONE && h->phase == HELLO_START) {
		reason = hello_start(s, job, peer);
		if (reason == ASSAY_R_NONE)
			h->phase = HELLO_READ;
	}
	if (reason == ASSAY_R_NONE && h->phase == HELLO_READ)
		reason = hello_read(s, job, peer);
	else if (reason == ASSAY_R_NONE)
		hello_write(s, job, peer);
	if (reason != ASSAY_R_NONE) {
		noise_responder_wipe(&h->state);
		wipe(h->e_secret, sizeof(h->e_secret));
		job->reason = (uint16_t)reason;
		h->phase = HELLO_RETURN;
	}
}

/* Back to the worker that received it; when its ring is full it stays first in the queue. */
static void hello_return(struct serve *s, struct hello_job *job)
{
	struct handshake *h = &s->handshake;

	job->finished = true;
	if (job->worker == s->config.worker)
		hello_finish(s, job);
	else if (!s->config.io.hello(s->config.io.ctx, job->worker, job))
		return;
	wipe(job, sizeof(*job));
	h->head = (h->head + 1) % HELLO_QUEUE_MAX;
	h->count--;
	h->phase = HELLO_START;
}

bool serve_handshake_slice(struct serve *s, uint64_t now, uint64_t wall)
{
	struct handshake *h = &s->handshake;
	uint64_t begin = stage_begin();

	if (h->count == 0)
		return false;
	s->now = now;
	s->wall = wall;
	if (h->phase != HELLO_RETURN)
		hello_step(s, &h->queue[h->head]);
	if (h->phase == HELLO_RETURN)
		hello_return(s, &h->queue[h->head]);
	stage_end(s, STAGE_HANDSHAKE, begin, 1);
	return true;
}

void serve_hello(struct serve *s, const struct hello_job *job, uint64_t now, uint64_t wall)
{
	s->now = now;
	s->wall = wall;
	if (job->finished)
		hello_finish(s, job);
	else
		handshake_add(s, job);
}
