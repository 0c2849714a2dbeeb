/* SPDX-License-Identifier: Apache-2.0 */
/* The driver: what happens in a burst and in a turn, and the life of struct serve. */
#include <stdlib.h>

#include "proof/serve_int.h"

/* Tag inputs of a burst of the longest datagrams need most. */
#define ARENA_LEN (SERVE_BURST_MAX * (ASSAY_PAYLOAD_MAX + 48 + 64))

/* What holds before the first snapshot: nobody is known. */
static const uint32_t no_peers[1];
static const struct view view_none = {.payload_limit = ASSAY_PAYLOAD_DEFAULT,
				      .hint_table = no_peers};

static void *aligned_zero(size_t len)
{
	void *p = NULL;

	if (posix_memalign(&p, 64, len) != 0)
		return NULL;
	return memset(p, 0, len);
}

struct serve *serve_new(const struct serve_config *config)
{
	struct serve *s = aligned_zero(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->view = &view_none;
	s->sessions = aligned_zero(sizeof(*s->sessions) * SERVE_SESSIONS_MAX);
	s->history = aligned_zero(sizeof(*s->history) * SERVE_SESSIONS_MAX);
	s->arena = (struct arena){.base = aligned_zero(ARENA_LEN), .len = ARENA_LEN};
	if (s->sessions == NULL || s->history == NULL || s->arena.base == NULL ||
	    !parked_start(s) || !handed_start(s)) {
		serve_free(s);
		return NULL;
	}
	return s;
}

void serve_free(struct serve *s)
{
	if (s == NULL)
		return;
	if (s->batch.count > 0)
		s->config.io.release(s->config.io.ctx, s->batch.out, s->batch.count);
	parked_stop(s);
	handed_stop(s);
	if (s->sessions != NULL)
		wipe(s->sessions, sizeof(*s->sessions) * SERVE_SESSIONS_MAX);
	free(s->sessions);
	free(s->history);
	free(s->arena.base);
	wipe(s, sizeof(*s)); /* keys are in tag inputs too */
	free(s);
}

void serve_set_view(struct serve *s, const struct view *view)
{
	s->view = view;
	session_new_view(s);
}

static void serve_datagrams(struct serve *s, struct dgram *in, unsigned n, bool handed)
{
	must(n <= SERVE_BURST_MAX);
	s->in = in;
	parse_burst(s, n, handed);
	if (s->live > 0) {
		tag_burst(s);
		admit_burst(s);
		prove_run(s, s->work, s->work_count);
		reply_flush(s);
	}
	session_close_now(s);
}

void serve_burst(struct serve *s, struct dgram *in, unsigned n, uint64_t now, uint64_t wall)
{
	s->now = now;
	s->wall = wall;
	serve_datagrams(s, in, n, false);
}

void serve_handed(struct serve *s, struct dgram *in, unsigned n, uint64_t now, uint64_t wall)
{
	s->now = now;
	s->wall = wall;
	serve_datagrams(s, in, n, true);
}

void serve_fetched(struct serve *s, struct fetch_job *job, uint64_t now, uint64_t wall)
{
	s->now = now;
	s->wall = wall;
	parked_fetched(s, job);
	reply_flush(s);
}

void serve_order(struct serve *s, const struct session_order *order, uint64_t now, uint64_t wall)
{
	s->now = now;
	s->wall = wall;
	serve_close(s, order->index);
}

void serve_turn(struct serve *s, bool empty, uint64_t now, uint64_t wall)
{
	s->now = now;
	s->wall = wall;
	if (s->batch.count > 0 && (empty || now - s->batch.first_ns >= BATCH_NS_MAX))
		batch_close(s);
	read_turn(s);
	session_sweep(s);
	parked_sweep(s);
	reply_flush(s);
}

bool serve_idle(const struct serve *s)
{
	return s->batch.count == 0 && s->read_count == 0 && s->fetched_count == 0 &&
	       s->parked_free_count == SERVE_PARKED_MAX && s->writes_free_count == WRITE_SLOTS &&
	       s->calls_free_count == CALL_SLOTS && s->replies.n == 0 && s->handshake.count == 0;
}

const struct serve_counters *serve_counters(const struct serve *s)
{
	return &s->counters;
}
