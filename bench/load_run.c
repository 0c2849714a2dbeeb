/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "load.h"
#include "proof/message.h"

#define LOST_AFTER_NS \
	200000000u /* no answer for this long: lost, and its place in the window is free */
#define SWEEP_STEP 32

/* What a trial carries from turn to turn. */
struct turn {
	struct load *l;
	const struct load_trial *trial;
	struct load_result *out;
	uint64_t start_ns, end_ns, now_ns;
	uint64_t in_flight;
	unsigned next_session;
	unsigned sweep; /* position of forget_old in the rings */
};

static struct load_request *request_of(struct load *l, unsigned session, uint64_t counter)
{
	return &l->ring[session][counter % LOAD_RING];
}

/* --- receiving ------------------------------------------------------------------------------ */

static void keep(struct turn *t, unsigned session, const struct assay_answer_head *answer,
		 const uint8_t *data, uint16_t len)
{
	struct load *l = t->l;
	size_t need = (sizeof(struct load_record) + len + 7u) & ~(size_t)7;

	if (answer->request % t->trial->keep_one_in != 0)
		return;
	if (l->arena_len + need > l->arena_room) {
		t->out->arena_full = true;
		return;
	}
	struct load_record *r = (void *)(l->arena + l->arena_len);

	r->request = answer->request;
	r->session = (uint16_t)session;
	r->len = len;
	memcpy(r->data, data, len);
	l->arena_len += need;
	l->records++;
}

static void finish(struct turn *t, struct load_request *r)
{
	r->waiting = false;
	t->in_flight--;
	hist_add(&t->out->latency, t->now_ns - r->due_ns);
}

static void take_answer(struct turn *t, const uint8_t *data, uint16_t len)
{
	const struct assay_proof *p = (const void *)data;
	unsigned session;

	if (len < sizeof(p->head) + sizeof(p->answer))
		return;
	session = p->head.index & 0xff;
	if (session >= t->l->sessions)
		return;
	struct load_request *r = request_of(t->l, session, p->answer.request);

	if (!r->waiting || r->counter != p->answer.request) {
		t->out->late_parts++;
		return;
	}
	t->out->datagrams++;
	t->out->bytes += len;
	if (p->head.head.type == ASSAY_REFUSED) {
		t->out->refused++;
		t->out->refused_by[p->answer.status % ASSAY_R_MAX]++;
		finish(t, r);
		return;
	}
	keep(t, session, &p->answer, data, len);
	r->parts = p->answer.parts;
	if (++r->got == r->parts) {
		t->out->answered++;
		finish(t, r);
	}
}

static bool receive(struct turn *t)
{
	const uint8_t *data[LOAD_BURST];
	uint16_t len[LOAD_BURST];
	unsigned n = t->l->port.receive(t->l->port.ctx, data, len, LOAD_BURST);

	for (unsigned i = 0; i < n; i++)
		take_answer(t, data[i], len[i]);
	if (n > 0)
		t->l->port.release(t->l->port.ctx);
	return n > 0;
}

/* --- sending -------------------------------------------------------------------------------- */

/* How many challenges are due now, at most a burst. */
static unsigned due(const struct turn *t)
{
	uint64_t want;

	if (t->now_ns >= t->end_ns)
		return 0;
	if (t->trial->rate == 0)
		want = t->trial->window > t->in_flight ? t->trial->window - t->in_flight : 0;
	else
		want = (uint64_t)((double)(t->now_ns - t->start_ns) * 1e-9 * t->trial->rate) + 1 -
		       t->out->planned;
	return want < LOAD_BURST ? (unsigned)want : LOAD_BURST;
}

/* A request that still waits in the slot that a new one needs is lost. */
static void forget(struct turn *t, struct load_request *r)
{
	if (r->waiting) {
		t->out->lost++;
		t->in_flight--;
	}
}

/* A few slots a turn, so that a closed loop goes on after losses. */
static void forget_old(struct turn *t)
{
	for (unsigned i = 0; i < SWEEP_STEP; i++) {
		unsigned at = t->sweep++ % (t->l->sessions * LOAD_RING);
		struct load_request *r = &t->l->ring[at / LOAD_RING][at % LOAD_RING];

		if (r->waiting && t->now_ns > r->due_ns + LOST_AFTER_NS) {
			forget(t, r);
			r->waiting = false;
		}
	}
}

static void send(struct turn *t, unsigned n)
{
	struct load *l = t->l;
	struct bench_session *s = &l->session[t->next_session];
	uint8_t *data[LOAD_BURST];
	uint16_t len[LOAD_BURST], length;
	uint64_t first = s->counter + 1;
	unsigned got = l->port.alloc(l->port.ctx, data, n);

	if (got == 0)
		return;
	length = bench_requests(s, data, got, &l->plan, t->next_session);
	for (unsigned i = 0; i < got; i++) {
		struct load_request *r = request_of(l, t->next_session, first + i);
		uint64_t due_ns = t->now_ns;

		if (t->trial->rate != 0)
			due_ns = t->start_ns +
				 (uint64_t)((double)t->out->planned * 1e9 / t->trial->rate);
		if (t->now_ns - due_ns > t->out->behind_ns_max && t->now_ns > due_ns)
			t->out->behind_ns_max = t->now_ns - due_ns;
		forget(t, r);
		*r = (struct load_request){due_ns, first + i, 0, 0, true};
		t->out->planned++;
		t->in_flight++;
		len[i] = length;
	}
	/* What the port did not take stays in the ring and ends as lost: it was planned and never
	 * answered. */
	t->out->sent += l->port.send(l->port.ctx, len, got);
	t->next_session = (t->next_session + 1) % l->sessions;
}

/* --- a trial -------------------------------------------------------------------------------- */

static void collect_lost(struct turn *t)
{
	for (unsigned s = 0; s < t->l->sessions; s++)
		for (unsigned i = 0; i < LOAD_RING; i++)
			if (t->l->ring[s][i].waiting) {
				t->l->ring[s][i].waiting = false;
				t->out->lost++;
			}
}

void load_run(struct load *l, struct load_result *out, const struct load_trial *trial)
{
	uint64_t start = clock_mono(&l->clock);
	struct turn t = {.l = l,
			 .trial = trial,
			 .out = out,
			 .start_ns = start,
			 .end_ns = start + (uint64_t)(trial->seconds * 1e9)};
	uint64_t last_ns = 0;

	memset(out, 0, sizeof(*out));
	hist_reset(&out->latency);
	l->arena_len = 0;
	l->records = 0;
	for (;;) {
		t.now_ns = clock_mono(&l->clock);
		unsigned n = due(&t);

		if (receive(&t))
			last_ns = t.now_ns;
		if (n > 0)
			send(&t, n);
		forget_old(&t);
		if (t.now_ns < t.end_ns)
			continue;
		if (t.in_flight == 0 || t.now_ns > t.end_ns + LOST_AFTER_NS)
			break;
	}
	collect_lost(&t);
	out->seconds = 1e-9 * (double)((last_ns > t.end_ns ? last_ns : t.end_ns) - start);
}

/* --- sessions ------------------------------------------------------------------------------- */

static bool send_hello(struct load *l, struct bench_session *s, const uint8_t *cookie)
{
	uint8_t *data;
	uint16_t len = sizeof(s->hello);

	bench_session_hello(s, clock_wall(&l->clock), cookie);
	if (l->port.alloc(l->port.ctx, &data, 1) != 1)
		return false;
	memcpy(data, &s->hello, sizeof(s->hello));
	return l->port.send(l->port.ctx, &len, 1) == 1;
}

static void take_handshake(struct load *l, struct bench_session *s, const uint8_t *data,
			   uint16_t len)
{
	if (len == sizeof(struct assay_welcome) && data[1] == ASSAY_WELCOME)
		bench_session_welcome(s, (const void *)data);
	else if (len == sizeof(struct assay_cookie) && data[1] == ASSAY_COOKIE &&
		 noise_cookie_check((const void *)data, &s->peer, &s->hello))
		send_hello(l, s, ((const struct assay_cookie *)data)->cookie);
}

/* A key may hold only two sessions that have not shown a good datagram: so each shows one at once.
 */
static void send_ping(struct load *l, struct bench_session *s)
{
	uint8_t *data;
	uint16_t len = sizeof(struct assay_ping);

	if (l->port.alloc(l->port.ctx, &data, 1) != 1)
		return;
	memset(data, 0, len);
	message_head(data, ASSAY_PING, len, s->remote_index, ++s->counter);
	message_tag_general(data, len, s->keys.k_i);
	l->port.send(l->port.ctx, &len, 1);
}

/* One step of HELLO -> WELCOME -> PING -> PONG with what came in. */
static bool take_opening(struct load *l, struct bench_session *s, const uint8_t *data, uint16_t len)
{
	if (s->open)
		return len == sizeof(struct assay_pong) && data[1] == ASSAY_PONG;
	take_handshake(l, s, data, len);
	if (s->open)
		send_ping(l, s);
	return false;
}

static int open_session(struct load *l, struct bench_session *s)
{
	uint64_t start = clock_mono(&l->clock), sent = 0;

	for (bool confirmed = false; !confirmed;) {
		uint64_t now = clock_mono(&l->clock);
		const uint8_t *data;
		uint16_t len;

		if (now - start > 5000000000u)
			return ASSAY_E_TIMEOUT;
		if (sent == 0 || now - sent > 500000000u) {
			if (s->open)
				send_ping(l, s);
			else
				send_hello(l, s, NULL);
			sent = now;
		}
		if (l->port.receive(l->port.ctx, &data, &len, 1) == 1) {
			confirmed = take_opening(l, s, data, len);
			l->port.release(l->port.ctx);
		}
	}
	return 0;
}

int load_connect(struct load *l, unsigned sessions, const uint8_t client_secret[32])
{
	must(sessions >= 1 && sessions <= LOAD_SESSIONS_MAX);
	l->sessions = sessions;
	for (unsigned i = 0; i < sessions; i++) {
		int error = bench_session_init(&l->session[i], l->target.network_id, l->account,
					       client_secret, l->target.account,
					       l->target.session_key, 0x01000000u + i);

		if (error == 0)
			error = open_session(l, &l->session[i]);
		if (error != 0)
			return error;
		l->ring[i] = calloc(LOAD_RING, sizeof(l->ring[i][0]));
		if (l->ring[i] == NULL)
			return ASSAY_E_NOMEM;
	}
	return 0;
}
