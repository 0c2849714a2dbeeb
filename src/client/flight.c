/* SPDX-License-Identifier: Apache-2.0 */
#include "client/flight.h"

#include <string.h>

#include "base/must.h"
#include "proof/message.h"

#define REPEAT_NS_MIN (10 * LINK_NS_PER_MS)
#define POLL_MAX      64 /* datagrams at once, so that many sessions get their share */
#define RTT_NS_GUESS  (100 * LINK_NS_PER_MS) /* until one was measured */

static uint64_t first_interval(const struct link *l)
{
	uint64_t rtt = l->rtt_ns != 0 ? l->rtt_ns : RTT_NS_GUESS;
	uint64_t late = 4 * l->rtt_var_ns > rtt ? 4 * l->rtt_var_ns : rtt;

	return rtt + late > REPEAT_NS_MIN ? rtt + late : REPEAT_NS_MIN;
}

/* Asks (again); without a session it waits for one. */
static void ask(struct flight *f, struct flight_request *r, uint64_t now)
{
	struct link *l = &f->link;
	uint64_t counter;

	r->repeat_ns = now + r->interval_ns;
	if (link_state(l) != LINK_UP || r->asked == ASSAY_CHECK_COUNTERS)
		return;
	counter = r->kind->send != NULL ? r->kind->send(r->object, l)
					: link_send(l, r->datagram, r->len);
	if (counter == 0 || r->kind->counter(r->object, counter) != 0)
		return;
	r->sent[r->asked].generation = l->session[0].generation;
	r->sent[r->asked].counter = counter;
	r->sent[r->asked].at_ns = now;
	l->stats.repeats += r->asked > 0;
	r->asked++;
}

void flight_start(struct flight *f, struct flight_request *request)
{
	uint64_t now = link_now(&f->link);

	must(f->count < FLIGHT_MAX);
	request->done = false;
	request->started_ns = now;
	request->asked = request->answered = 0;
	request->answered_bytes = 0;
	request->interval_ns = first_interval(&f->link);
	if (request->interval_ns < request->repeat_ns_min)
		request->interval_ns = request->repeat_ns_min;
	f->list[f->count++] = request;
	ask(f, request, now);
}

void flight_remove(struct flight *f, struct flight_request *request)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->list[i] == request) {
			f->list[i] = f->list[--f->count];
			return;
		}
}

/* There is a new session: asks what waited for one, and what went down with the old one. */
static void ask_anew(struct flight *f)
{
	uint64_t now = link_now(&f->link);
	bool lost = f->link.session[1].lost;

	for (unsigned i = 0; i < f->count; i++)
		if (!f->list[i]->done && (lost || f->list[i]->asked == 0))
			ask(f, f->list[i], now);
}

static void finish(struct flight_request *r, uint64_t now)
{
	r->done = true;
	r->done_ns = now;
}

static bool asked_as(const struct flight_request *r, uint32_t generation, uint64_t counter)
{
	for (unsigned i = 0; i < r->asked; i++)
		if (r->sent[i].generation == generation && r->sent[i].counter == counter)
			return true;
	return false;
}

/* The request that an answer names; a PONG names none: the newest PING takes it. */
static struct flight_request *find(struct flight *f, const struct link_session *session,
				   const struct assay_session_head *head, uint64_t counter)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct flight_request *r = f->list[i];
		bool ping = ((const struct assay_head *)r->datagram)->type == ASSAY_PING;

		if (head->head.type == ASSAY_PONG ? ping
						  : asked_as(r, session->generation, counter))
			return r;
	}
	return NULL;
}

/* An answer names the datagram that it answers, so repeats count as well: where every answer is
 * late, nothing else would tell. */
static void measure(struct flight *f, const struct flight_request *r,
		    const struct link_session *session, uint64_t counter, uint64_t now)
{
	for (unsigned i = 0; i < r->asked; i++)
		if (r->sent[i].generation == session->generation && r->sent[i].counter == counter)
			link_measured(&f->link, now - r->sent[i].at_ns);
}

static void drop(struct link *l, enum assay_reason reason)
{
	l->stats.drops[reason]++;
}

/* No request of ours waits for it. The PONG of the PING that opened the session is welcome. */
static void take_stray(struct flight *f, struct link_session *session, size_t len)
{
	const struct assay_head *head = (const struct assay_head *)f->buffer;
	enum assay_reason reason;

	if (head->type == ASSAY_PONG) {
		reason = assay_inbound_general(&session->inbound, f->buffer, len);
		if (reason != ASSAY_R_NONE)
			drop(&f->link, reason);
		return;
	}
	drop(&f->link, head->type == ASSAY_PROOF ? ASSAY_R_TAG : ASSAY_R_ROLE);
}

/* Refused for the moment: asks again when the node said, unless that is after the deadline. */
static void heed_wait(struct flight_request *r, uint64_t now)
{
	uint32_t wait_ms;

	if (r->kind->wait(r->object, &wait_ms) && r->repeat_ns < now + wait_ms * LINK_NS_PER_MS)
		r->repeat_ns = now + wait_ms * LINK_NS_PER_MS;
}

static void take_answer(struct flight *f, struct link_session *session, size_t len)
{
	const struct assay_session_head *head = (const struct assay_session_head *)f->buffer;
	uint64_t counter, now = link_now(&f->link);
	enum assay_reason reason = assay_inbound_head(&session->inbound, &counter, f->buffer, len);
	struct flight_request *r;

	if (reason != ASSAY_R_NONE) {
		drop(&f->link, reason);
		return;
	}
	r = find(f, session, head, counter);
	if (r == NULL || r->done) {
		take_stray(f, session, len);
		return;
	}
	reason = r->kind->feed(r->object, &session->inbound, f->buffer, len);
	if (reason != ASSAY_R_NONE) {
		drop(&f->link, reason);
		return;
	}
	if (r->answered++ == 0)
		measure(f, r, session, counter, now);
	r->answered_bytes += len;
	if (r->kind->settled(r->object))
		finish(r, now);
	else
		heed_wait(r, now);
}

/* Repeats and deadlines. */
static void turn(struct flight *f)
{
	uint64_t now = link_now(&f->link);

	for (unsigned i = 0; i < f->count; i++) {
		struct flight_request *r = f->list[i];

		if (r->done)
			continue;
		if (now >= r->deadline_ns) {
			finish(r, now);
			continue;
		}
		if (now >= r->repeat_ns) {
			if (r->asked > 0)
				r->interval_ns *= 2;
			ask(f, r, now);
		}
	}
}

uint64_t flight_due(const struct flight *f)
{
	uint64_t next = link_timer(&f->link);

	for (unsigned i = 0; i < f->count; i++) {
		const struct flight_request *r = f->list[i];

		if (r->done)
			continue;
		if (r->repeat_ns < next)
			next = r->repeat_ns;
		if (r->deadline_ns < next)
			next = r->deadline_ns;
	}
	return next;
}

static bool any_done(const struct flight *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->list[i]->done)
			return true;
	return false;
}

/* Handshakes, repeats and deadlines: what is due is sent. */
static int send_due(struct flight *f, uint64_t *due_ns)
{
	struct link *l = &f->link;
	bool opening = l->opening;

	link_turn(l);
	if (link_state(l) == LINK_DOWN) {
		if (opening)
			return ASSAY_E_TIMEOUT;
		link_start(l);
	}
	turn(f);
	*due_ns = flight_due(f);
	return 0;
}

static void take(struct flight *f, const struct net_addr *from, size_t len)
{
	struct link_session *session;

	switch (link_take(&f->link, &session, from, f->buffer, len)) {
	case LINK_OPENED:
		ask_anew(f);
		break;
	case LINK_ANSWER:
		take_answer(f, session, len);
		break;
	case LINK_NOTHING:
		break;
	}
}

int flight_step_until(struct flight *f, uint64_t limit_ns)
{
	struct link *l = &f->link;
	struct net_addr from;
	uint64_t until;
	int got = send_due(f, &until);

	if (got != 0 || any_done(f))
		return got;
	if (limit_ns < until)
		until = limit_ns;
	got = l->net.receive(l->net.ctx, &from, f->buffer, sizeof(f->buffer), until);
	if (got >= 0)
		take(f, &from, (size_t)got);
	return got >= 0 || got == ASSAY_E_TIMEOUT ? 0 : got;
}

int flight_step(struct flight *f)
{
	return flight_step_until(f, UINT64_MAX);
}

int flight_poll(struct flight *f, uint64_t *due_ns)
{
	struct link *l = &f->link;
	struct net_addr from;
	unsigned n;
	int got;

	for (n = 0; n < POLL_MAX; n++) {
		got = l->net.receive(l->net.ctx, &from, f->buffer, sizeof(f->buffer), 0);
		if (got == ASSAY_E_TIMEOUT)
			break;
		if (got < 0)
			return got;
		take(f, &from, (size_t)got);
	}
	got = send_due(f, due_ns);
	if (n == POLL_MAX)
		*due_ns = 0;
	return got;
}

int flight_connect(struct flight *f)
{
	int error = 0;

	while (error == 0 && link_state(&f->link) != LINK_UP)
		error = flight_step(f);
	return error;
}

void flight_settle(struct flight *f)
{
	const struct link *l = &f->link;
	int error = 0;

	while (error == 0 && l->opening && link_now(l) < l->hello_ns + first_interval(l))
		error = flight_step_until(f, l->hello_ns + first_interval(l));
}

int flight_finish(struct flight *f, struct flight_request *request)
{
	int error = 0;

	while (error == 0 && !request->done)
		error = flight_step(f);
	flight_remove(f, request);
	flight_settle(f);
	return error;
}
