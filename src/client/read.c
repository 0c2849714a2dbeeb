/* SPDX-License-Identifier: Apache-2.0 */
/* READ: whole artifacts, a window of chunks at a time, each verified before anybody sees it. */
#include <stdlib.h>
#include <string.h>

#include "client/steps.h"
#include "crypto/tree.h"

#define WINDOW_FIRST 64 /* chunks */
#define SLOTS	     64 /* READs; at most 1 MiB of chunks */
#define WINDOW_MAX   (SLOTS * ASSAY_READ_MAX)

/* One READ in flight, or done and waiting for those before it. */
struct slot {
	struct flight_request request;
	struct assay_read_check *check;
	unsigned count;	     /* chunks asked for */
	unsigned asked_seen; /* to notice repeats */
	bool verified;	     /* or whole, where nothing is checked */
};

static int slot_counter(void *object, uint64_t counter)
{
	return assay_read_counter(((struct slot *)object)->check, counter);
}

static enum assay_reason slot_feed(void *object, struct assay_inbound *session,
				   const void *datagram, size_t len)
{
	return assay_read_feed(((struct slot *)object)->check, session, datagram, len);
}

static bool slot_settled(void *object)
{
	struct assay_read_result result;

	assay_read_result(((struct slot *)object)->check, &result);
	return result.complete ||
	       (result.refused != ASSAY_R_NONE && !client_may_wait(result.refused));
}

static bool slot_wait(void *object, uint32_t *wait_ms)
{
	struct assay_read_result result;

	assay_read_result(((struct slot *)object)->check, &result);
	*wait_ms = result.wait_ms;
	return result.refused != ASSAY_R_NONE;
}

static const struct flight_kind read_kind = {slot_counter, slot_feed, slot_settled, slot_wait};

static int slot_start(struct assay_client *client, struct slot *slot,
		      const struct assay_read_params *params, uint64_t grant)
{
	struct assay_read *m;
	int error = slot->check != NULL ? assay_read_reset(slot->check, params)
					: assay_read_new(&slot->check, params);

	if (error != 0)
		return client_fail(client, error, "READ: %s", assay_error_text(error));
	slot->count = params->count;
	slot->verified = false;
	slot->request = (struct flight_request){
		.kind = &read_kind,
		.object = slot,
		.len = sizeof(*m),
		.deadline_ns = link_now(&client->flight.link) + client->answer_ns,
	};
	m = (struct assay_read *)slot->request.datagram;
	m->head.head.type = ASSAY_READ;
	memcpy(m->key, params->key, sizeof(m->key));
	m->first = params->first;
	m->count = params->count;
	m->flags = ASSAY_READ_HASHES;
	m->grant = grant;
	flight_start(&client->flight, &slot->request);
	slot->asked_seen = slot->request.asked;
	return 0;
}

/* A finished READ: 0 when its chunks are verified. */
static int slot_judge(struct assay_client *client, struct slot *slot,
		      struct assay_read_result *result, bool unchecked)
{
	const char *node = client->flight.link.peer_account;

	flight_remove(&client->flight, &slot->request);
	assay_read_result(slot->check, result);
	slot->verified = result->verified || (unchecked && result->whole);
	if (slot->verified)
		return 0;
	if (result->complete)
		return client_fail(client, ASSAY_E_CORRUPT,
				   "%s sent bytes that are not those of the artifact", node);
	if (result->refused != ASSAY_R_NONE)
		return client_fail(
			client, client_may_wait(result->refused) ? ASSAY_E_BUSY : ASSAY_E_REFUSED,
			"%s refused: %s (%s)", node, assay_reason_name(result->refused),
			assay_reason_text(result->refused));
	return client_fail(client, ASSAY_E_TIMEOUT, "%s did not answer READ in time", node);
}

struct sizing {
	struct assay_client *client;
	struct slot slot;
};

struct sizing *sizing_start(struct assay_client *client, const uint8_t key[32])
{
	return sizing_start_granted(client, key, 0);
}

struct sizing *sizing_start_granted(struct assay_client *client, const uint8_t key[32],
				    uint64_t grant)
{
	struct assay_read_params params = {
		.first = ASSAY_NO_CHUNK, .count = 1, .size = ASSAY_SIZE_UNKNOWN};
	struct sizing *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		client_fail(client, ASSAY_E_NOMEM, "out of memory");
		return NULL;
	}
	s->client = client;
	memcpy(params.key, key, 32);
	if (slot_start(client, &s->slot, &params, grant) != 0) {
		sizing_end(s);
		return NULL;
	}
	return s;
}

int sizing_result(struct sizing *s, uint64_t *size)
{
	struct assay_read_result result;
	int error;

	if (!s->slot.request.done)
		return ASSAY_E_AGAIN;
	error = slot_judge(s->client, &s->slot, &result, false);
	if (error == 0)
		*size = result.size;
	return error;
}

void sizing_end(struct sizing *s)
{
	flight_remove(&s->client->flight, &s->slot.request);
	assay_read_free(s->slot.check);
	free(s);
}

int assay_client_size(struct assay_client *client, uint64_t *size, const uint8_t key[32])
{
	struct sizing *s = sizing_start(client, key);
	int error;

	if (s == NULL)
		return ASSAY_E_NOMEM;
	error = flight_finish(&client->flight, &s->slot.request);
	if (error != 0)
		client_fail_link(client, error);
	else
		error = sizing_result(s, size);
	sizing_end(s);
	return error;
}

struct reading {
	struct assay_client *client;
	struct assay_read_params params; /* key and size */
	uint64_t grant;
	bool unchecked;
	uint32_t chunks, next;	     /* of the artifact; first one not asked for */
	unsigned head, count;	     /* of the ring of slots */
	unsigned in_flight, window;  /* chunks */
	unsigned asking, asking_max; /* READs in flight, as many as the node allows */
	uint64_t grow_ns, halve_ns;  /* not before */
	uint64_t offset;	     /* that the sink gets next */
	struct assay_read_stats stats;
	assay_sink sink;
	void *arg;
	struct slot slot[SLOTS];
};

static struct slot *slot_at(struct reading *r, unsigned i)
{
	return &r->slot[(r->head + i) % SLOTS];
}

static int fill_window(struct reading *r)
{
	while (r->next < r->chunks && r->count < SLOTS && r->in_flight < r->window &&
	       r->asking < r->asking_max && client_may_ask(r->client)) {
		uint32_t left = r->chunks - r->next;
		unsigned n = r->window - r->in_flight;
		int error;

		if (n > ASSAY_READ_MAX)
			n = ASSAY_READ_MAX;
		if (n > left)
			n = left;
		r->params.first = r->next;
		r->params.count = (uint16_t)n;
		error = slot_start(r->client, slot_at(r, r->count), &r->params, r->grant);
		if (error != 0)
			return error;
		r->count++;
		r->next += n;
		r->in_flight += n;
		r->asking++;
		r->stats.reads++;
	}
	return 0;
}

/* Half on loss, one more chunk per round trip without. */
static void adapt_window(struct reading *r, bool lost)
{
	uint64_t now = link_now(&r->client->flight.link), rtt = r->client->flight.link.rtt_ns;

	if (lost && now >= r->halve_ns) {
		r->window = r->window > 1 ? r->window / 2 : 1;
		r->halve_ns = now + rtt;
		r->grow_ns = now + rtt;
		r->stats.halved++;
	} else if (!lost && now >= r->grow_ns && r->window < WINDOW_MAX) {
		r->window++;
		r->grow_ns = now + rtt;
	}
	if (r->window > r->stats.window_max)
		r->stats.window_max = r->window;
}

static int reap(struct reading *r)
{
	bool lost = false;

	for (unsigned i = 0; i < r->count; i++) {
		struct slot *slot = slot_at(r, i);
		struct assay_read_result result;
		int error;

		if (slot->verified)
			continue;
		if (slot->request.asked > slot->asked_seen) {
			lost |= slot->asked_seen > 0;
			r->stats.repeats += slot->request.asked - slot->asked_seen;
			slot->asked_seen = slot->request.asked;
		}
		if (!slot->request.done)
			continue;
		error = slot_judge(r->client, slot, &result, r->unchecked);
		if (error != 0)
			return error;
		r->in_flight -= slot->count;
		r->asking--;
	}
	adapt_window(r, lost);
	return 0;
}

/* What is verified and next goes to the sink. */
static int deliver(struct reading *r)
{
	while (r->count > 0 && slot_at(r, 0)->verified) {
		struct slot *slot = slot_at(r, 0);

		for (unsigned i = 0; i < slot->count; i++) {
			size_t len;
			const uint8_t *data = assay_read_unchecked(slot->check, i, &len);
			int stop = len > 0 ? r->sink(r->arg, r->offset, data, len) : 0;

			if (stop != 0)
				return stop;
			r->offset += len;
		}
		r->head = (r->head + 1) % SLOTS;
		r->count--;
	}
	return 0;
}

int reading_start(struct reading **out, struct assay_client *client, const uint8_t key[32],
		  uint64_t size, assay_sink sink, void *arg)
{
	struct reading *r;

	*out = NULL;
	if (size > TREE_SIZE_MAX)
		return client_fail(client, ASSAY_E_RANGE, "no artifact is that large");
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return client_fail(client, ASSAY_E_NOMEM, "out of memory");
	r->client = client;
	r->params.size = size;
	memcpy(r->params.key, key, 32);
	r->chunks = tree_chunks(size);
	r->window = WINDOW_FIRST;
	r->asking_max = client_in_flight(client, SLOTS);
	r->sink = sink;
	r->arg = arg;
	r->stats.size = size;
	*out = r;
	return 0;
}

void reading_grant(struct reading *r, uint64_t grant)
{
	r->grant = grant;
}

void reading_unchecked(struct reading *r)
{
	r->unchecked = true;
}

int reading_step(struct reading *r)
{
	int error = reap(r);

	if (error == 0)
		error = deliver(r);
	if (error != 0 || r->offset >= r->params.size)
		return error;
	/* Without a session the limits were not known yet. */
	r->asking_max = client_in_flight(r->client, SLOTS);
	error = fill_window(r);
	return error != 0 ? error : ASSAY_E_AGAIN;
}

const struct assay_read_stats *reading_stats(const struct reading *r)
{
	return &r->stats;
}

void reading_end(struct reading *r)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		flight_remove(&r->client->flight, &r->slot[i].request);
		assay_read_free(r->slot[i].check);
	}
	free(r);
}

static int read_all(struct reading *r)
{
	int error;

	for (;;) {
		error = reading_step(r);
		if (error != ASSAY_E_AGAIN)
			return error;
		error = flight_step(&r->client->flight);
		if (error != 0)
			return client_fail_link(r->client, error);
	}
}

int assay_client_read(struct assay_client *client, struct assay_read_stats *stats,
		      const uint8_t key[32], uint64_t size, assay_sink sink, void *arg)
{
	struct reading *r;
	int error = 0;

	if (size == ASSAY_SIZE_UNKNOWN)
		error = assay_client_size(client, &size, key);
	if (error == 0)
		error = reading_start(&r, client, key, size, sink, arg);
	if (error != 0)
		return error;
	error = read_all(r);
	if (stats != NULL)
		*stats = *reading_stats(r);
	reading_end(r);
	flight_settle(&client->flight);
	return error;
}
