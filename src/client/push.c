/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE: OPEN, DATA within the node's window, COMMIT and polling, and again from OPEN when the node
 * has forgotten it. */
#include "client/push.h"

#include <stdlib.h>
#include <string.h>

#include "proof/handed.h"

#define AHEAD		 256u /* chunks that a node's window may reach */
#define POLL_NS_FIRST	 (20 * LINK_NS_PER_MS)
#define POLL_NS_MAX	 (500 * LINK_NS_PER_MS)
#define CHECKING_ANSWERS 4 /* times the longest wait for one answer */
#define RESTARTS_MAX	 8

enum push_state { PUSH_NEW, PUSH_OPENING, PUSH_SENDING, PUSH_COMMITTING, PUSH_WAITING, PUSH_DONE };
enum chunk_state { CHUNK_TO_SEND, CHUNK_SENT, CHUNK_THERE };

struct push {
	struct told told; /* first: the request's object is the push */
	struct sender *sender;
	struct assay_push params;
	enum push_state state;
	struct flight_request request; /* OPEN or COMMIT */
	uint32_t base;		       /* all chunks below are there */
	uint64_t limit;		       /* chunks below that the node takes */
	uint8_t at[AHEAD];	       /* enum chunk_state, of chunk c at c % AHEAD, from base on */
	bool checking;		       /* the node has it all ... */
	uint64_t checked_ns;	       /* ... since then */
	uint64_t moved_ns;	       /* when base rose last */
	uint64_t poll_ns, poll_interval_ns;
	unsigned restarts;
	struct assay_push_stats stats;
	struct source source;
};

static const struct flight_kind push_kind = {told_counter, told_feed, told_settled, told_wait,
					     NULL};

int push_new(struct push **out, struct sender *s, const struct assay_push *params)
{
	struct push *p;

	if (params->size == 0 || params->size > TREE_SIZE_MAX)
		return client_fail(s->client, ASSAY_E_RANGE, "no artifact has that size");
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return client_fail(s->client, ASSAY_E_NOMEM, "out of memory");
	p->sender = s;
	p->params = *params;
	p->poll_interval_ns = POLL_NS_FIRST;
	p->source = (struct source){
		.push = &p->params, .chunks = tree_chunks(params->size), .block = UINT32_MAX};
	p->stats.size = params->size;
	*out = p;
	return 0;
}

static void release_slots(struct push *p)
{
	struct sender *s = p->sender;

	for (unsigned i = 0; i < SENDER_SLOTS; i++)
		if (s->slot[i].source == &p->source)
			sender_release(s, &s->slot[i]);
	for (unsigned i = 0; i < AHEAD; i++)
		if (p->at[i] == CHUNK_SENT)
			p->at[i] = CHUNK_TO_SEND;
}

void push_free(struct push *p)
{
	if (p == NULL)
		return;
	release_slots(p);
	flight_remove(&p->sender->client->flight, &p->request);
	free(p);
}

bool push_is_open(const struct push *p)
{
	return !p->checking && p->state != PUSH_NEW && p->state != PUSH_DONE;
}

const struct assay_push_stats *push_stats(const struct push *p)
{
	return &p->stats;
}

/* --- which chunks are there --- */

static void advance(struct push *p)
{
	while (p->base < p->source.chunks && p->at[p->base % AHEAD] == CHUNK_THERE)
		p->at[p->base++ % AHEAD] = CHUNK_TO_SEND;
}

static void chunk_there(struct push *p, uint32_t chunk)
{
	if (chunk >= p->base && chunk - p->base < AHEAD && chunk < p->source.chunks)
		p->at[chunk % AHEAD] = CHUNK_THERE;
}

/* It knows of less than we thought: nothing counts but what it says. */
static void rewind_to(struct push *p, uint32_t first)
{
	release_slots(p);
	p->base = first;
	memset(p->at, CHUNK_TO_SEND, sizeof(p->at));
}

static void take_state(struct push *p, const struct assay_write_state *m)
{
	uint32_t chunks = p->source.chunks;
	uint32_t first = m->first_missing < chunks ? m->first_missing : chunks;

	while (p->base < first)
		p->at[p->base++ % AHEAD] = CHUNK_TO_SEND;
	for (unsigned i = 0; i < 64; i++)
		if ((m->set >> i & 1) != 0)
			chunk_there(p, first + 1 + i);
	p->limit = (uint64_t)m->first_missing + m->window;
	advance(p);
}

/* --- what the node says --- */

static int refused(struct push *p, unsigned code, const char *what)
{
	struct assay_client *c = p->sender->client;
	const char *node = c->flight.link.peer_account;

	if (code == ASSAY_R_ARTIFACT_ROT)
		return client_fail(c, ASSAY_E_CORRUPT,
				   "%s got bytes that are not those of the artifact", node);
	return client_fail(c, code == ASSAY_R_DISK_FULL ? ASSAY_E_NOSPC : ASSAY_E_REFUSED,
			   "%s %s: %s (%s)", node, what, assay_reason_name(code),
			   assay_reason_text(code));
}

static int count_restart(struct push *p)
{
	if (++p->restarts <= RESTARTS_MAX)
		return 0;
	return client_fail(p->sender->client, ASSAY_E_REFUSED,
			   "%s forgets the transfer again and again",
			   p->sender->client->flight.link.peer_account);
}

/* From the beginning. */
static int restart(struct push *p)
{
	rewind_to(p, 0);
	flight_remove(&p->sender->client->flight, &p->request);
	p->state = PUSH_NEW;
	p->checking = false;
	return count_restart(p);
}

static void poll_later(struct push *p)
{
	release_slots(p);
	p->state = PUSH_WAITING;
	p->poll_ns = link_now(&p->sender->client->flight.link) + p->poll_interval_ns;
	p->poll_interval_ns = p->poll_interval_ns * 3 / 2 < POLL_NS_MAX
				      ? p->poll_interval_ns * 3 / 2
				      : POLL_NS_MAX;
}

/* All of it is there, and the node makes it durable; that may take several times as long as an
 * answer, but not for ever. */
static int take_checking(struct push *p, const struct assay_write_state *m)
{
	struct assay_client *c = p->sender->client;
	uint64_t now = link_now(&c->flight.link);

	p->source.transfer = m->transfer;
	p->base = p->source.chunks;
	if (!p->checking)
		p->checked_ns = now;
	p->checking = true;
	poll_later(p);
	if (now - p->checked_ns < CHECKING_ANSWERS * c->answer_ns)
		return 0;
	return client_fail(c, ASSAY_E_TIMEOUT, "%s did not make the artifact durable in time",
			   c->flight.link.peer_account);
}

static int take_opened(struct push *p, const struct assay_write_state *m)
{
	/* It had been told that all is there. */
	bool undecided = p->state == PUSH_COMMITTING && p->base == p->source.chunks;

	p->checking = false;
	p->source.transfer = m->transfer;
	if (undecided && m->first_missing < p->base)
		rewind_to(p, m->first_missing);
	take_state(p, m);
	p->state = PUSH_SENDING;
	if (p->base < p->limit)
		p->poll_interval_ns = POLL_NS_FIRST;
	return undecided ? count_restart(p) : 0;
}

/* An answer to OPEN, DATA or COMMIT. */
static int take_told(struct push *p, const struct told *told)
{
	struct assay_client *c = p->sender->client;

	if (told->there) {
		switch (told->state.state) {
		case WRITE_OPENED:
			return take_opened(p, &told->state);
		case WRITE_CHECKING:
			return take_checking(p, &told->state);
		case WRITE_DURABLE:
			p->stats.was_there = p->state == PUSH_OPENING && p->stats.opened == 1;
			p->base = p->source.chunks;
			p->state = PUSH_DONE;
			release_slots(p);
			return 0;
		default:
			return refused(p, told->state.code, "could not store it");
		}
	}
	if (told->refused == ASSAY_R_ARTIFACT_UNKNOWN && p->state != PUSH_OPENING)
		return restart(p);
	if (told->refused != ASSAY_R_NONE)
		return refused(p, told->refused, "refused");
	return client_fail(c, ASSAY_E_TIMEOUT, "%s did not answer WRITE in time",
			   c->flight.link.peer_account);
}

/* A chunk whose answer came: there, unless it lay beyond what the node takes. */
static int reap_slot(struct push *p, struct sender_slot *slot)
{
	struct told told = slot->told;
	uint32_t chunk = slot->chunk;
	int error;

	sender_release(p->sender, slot);
	error = take_told(p, &told);
	if (error != 0 || p->state != PUSH_SENDING || chunk < p->base)
		return error;
	if (chunk < (uint64_t)told.state.first_missing + told.state.window)
		chunk_there(p, chunk);
	else if (p->at[chunk % AHEAD] == CHUNK_SENT)
		p->at[chunk % AHEAD] = CHUNK_TO_SEND;
	advance(p);
	return 0;
}

static int reap_slots(struct push *p)
{
	struct sender *s = p->sender;
	bool lost = false;
	int error = 0;

	for (unsigned i = 0; error == 0 && i < SENDER_SLOTS; i++) {
		struct sender_slot *slot = &s->slot[i];

		if (slot->source != &p->source)
			continue;
		if (slot->request.asked > slot->asked_seen) {
			lost |= slot->asked_seen > 0;
			p->stats.repeats += slot->request.asked - slot->asked_seen;
			slot->asked_seen = slot->request.asked;
		}
		if (slot->request.done)
			error = reap_slot(p, slot);
		else if (slot->chunk < p->base || p->at[slot->chunk % AHEAD] == CHUNK_THERE)
			sender_release(s, slot); /* another answer said so */
	}
	if (p->state == PUSH_SENDING)
		p->stats.halved += sender_adapt(s, lost);
	return error;
}

static int reap(struct push *p)
{
	struct told told = p->told;

	if (p->state == PUSH_SENDING)
		return reap_slots(p);
	if ((p->state != PUSH_OPENING && p->state != PUSH_COMMITTING) || !p->request.done)
		return 0;
	flight_remove(&p->sender->client->flight, &p->request);
	return take_told(p, &told);
}

/* --- what goes out --- */

static void ask(struct push *p, uint8_t type)
{
	struct assay_client *c = p->sender->client;
	struct assay_write_open *open = (void *)p->request.datagram;
	struct assay_write_commit *commit = (void *)p->request.datagram;

	p->told = (struct told){.there = false};
	p->request = (struct flight_request){
		.kind = &push_kind,
		.object = p,
		.deadline_ns = link_now(&c->flight.link) + c->answer_ns,
	};
	open->head.head.type = type;
	if (type == ASSAY_WRITE_OPEN) {
		memcpy(open->key, p->params.key, sizeof(open->key));
		open->size = p->params.size;
		open->grant = p->params.grant;
		p->request.len = sizeof(*open);
		p->stats.opened++;
	} else {
		commit->transfer = p->source.transfer;
		p->request.len = sizeof(*commit);
	}
	flight_start(&c->flight, &p->request);
}

static bool any_sent(const struct push *p)
{
	return memchr(p->at, CHUNK_SENT, sizeof(p->at)) != NULL;
}

static int send_chunks(struct push *p)
{
	uint32_t chunks = p->source.chunks;

	for (uint32_t c = p->base; c < chunks && c < p->limit && c - p->base < AHEAD; c++) {
		if (p->at[c % AHEAD] != CHUNK_TO_SEND)
			continue;
		if (source_load(&p->source, c) != 0)
			break;
		if (!sender_send(p->sender, &p->source, c))
			break;
		p->at[c % AHEAD] = CHUNK_SENT;
		p->stats.chunks++;
	}
	if (p->source.error == 0 && p->base >= p->limit && !any_sent(p))
		poll_later(p); /* it takes none at the moment */
	if (p->source.error == 0)
		return 0;
	return client_fail(p->sender->client, p->source.error, "the artifact cannot be read");
}

static int go_on(struct push *p)
{
	struct assay_client *c = p->sender->client;
	bool polls = p->state == PUSH_WAITING && link_now(&c->flight.link) >= p->poll_ns;

	if (p->state == PUSH_SENDING && p->base < p->source.chunks)
		return send_chunks(p);
	if (p->state == PUSH_NEW && client_may_ask(c)) {
		p->state = PUSH_OPENING;
		ask(p, ASSAY_WRITE_OPEN);
	} else if ((p->state == PUSH_SENDING || polls) && client_may_ask(c)) {
		release_slots(p);
		p->state = PUSH_COMMITTING;
		ask(p, ASSAY_WRITE_COMMIT);
	}
	return 0;
}

/* Progress, or the end of patience with a node that answers and takes nothing. */
static int tell(struct push *p)
{
	struct assay_client *c = p->sender->client;
	uint64_t done = (uint64_t)p->base * TREE_CHUNK, now = link_now(&c->flight.link);

	if (done > p->params.size)
		done = p->params.size;
	if (done != p->stats.done || p->moved_ns == 0 || p->base == p->source.chunks)
		p->moved_ns = now;
	if (now - p->moved_ns > c->answer_ns)
		return client_fail(c, ASSAY_E_TIMEOUT, "%s takes no more chunks",
				   c->flight.link.peer_account);
	if (done == p->stats.done)
		return 0;
	p->stats.done = done;
	if (p->params.progress == NULL ||
	    p->params.progress(p->params.arg, done, p->params.size) == 0)
		return 0;
	return client_fail(c, ASSAY_E_CLOSED, "cancelled");
}

int push_step(struct push *p, uint64_t *due_ns)
{
	int error = reap(p);

	if (error == 0 && p->state != PUSH_DONE)
		error = go_on(p);
	if (error == 0)
		error = tell(p);
	*due_ns = p->state == PUSH_WAITING ? p->poll_ns : UINT64_MAX;
	return error != 0 || p->state == PUSH_DONE ? error : ASSAY_E_AGAIN;
}

int assay_client_push(struct assay_client *client, struct assay_push_stats *stats,
		      const struct assay_push *push)
{
	struct sender *s = sender_new(client);
	struct push *p = NULL;
	uint64_t due_ns;
	int error;

	if (s == NULL)
		return client_fail(client, ASSAY_E_NOMEM, "out of memory");
	error = push_new(&p, s, push);
	while (error == 0) {
		error = push_step(p, &due_ns);
		if (error != ASSAY_E_AGAIN)
			break;
		error = flight_step_until(&client->flight, due_ns);
		if (error != 0)
			client_fail_link(client, error);
	}
	if (p != NULL && stats != NULL)
		*stats = *push_stats(p);
	push_free(p);
	sender_free(s);
	flight_settle(&client->flight);
	return error;
}
