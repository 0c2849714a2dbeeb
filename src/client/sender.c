/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sender.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_FIRST 64

int source_load(struct source *s, uint32_t chunk)
{
	uint32_t block = chunk / SOURCE_BLOCK, first = block * SOURCE_BLOCK;
	uint64_t offset = (uint64_t)first * TREE_CHUNK, left = s->push->size - offset;
	size_t len = left < sizeof(s->data) ? (size_t)left : sizeof(s->data);
	size_t whole = len / TREE_CHUNK * TREE_CHUNK;

	if (s->block == block)
		return 0;
	s->block = UINT32_MAX;
	s->error = s->push->read(s->push->arg, offset, s->data, len);
	if (s->error != 0)
		return s->error;
	if (s->chunks == 1)
		whole = 0; /* the one chunk is the root */
	tree_chunk_values(s->value, s->data, whole / TREE_CHUNK, first);
	if (whole < len)
		tree_chunk_value(s->value + whole / TREE_CHUNK * 32, s->data + whole, len - whole,
				 first + (uint32_t)(whole / TREE_CHUNK), s->chunks == 1);
	s->block = block;
	return 0;
}

static uint64_t slot_send(void *object, struct link *l)
{
	const struct sender_slot *slot = object;
	struct source *s = slot->source;
	uint32_t at = slot->chunk % SOURCE_BLOCK, len;
	struct {
		struct assay_write_data head;
		uint8_t data[TREE_CHUNK];
	} m;

	if (source_load(s, slot->chunk) != 0)
		return 0;
	len = tree_chunk_len(s->push->size, slot->chunk);
	memset(&m.head, 0, sizeof(m.head));
	m.head.head.head.type = ASSAY_WRITE_DATA;
	m.head.transfer = s->transfer;
	m.head.chunk = slot->chunk;
	m.head.length = (uint16_t)len;
	memcpy(m.data, s->data + (size_t)at * TREE_CHUNK, len);
	return link_send_chunk(l, &m, sizeof(m.head) + len, s->value + (size_t)at * 32);
}

static const struct flight_kind data_kind = {told_counter, told_feed, told_settled, told_wait,
					     slot_send};

struct sender *sender_new(struct assay_client *client)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->client = client;
	s->window = WINDOW_FIRST;
	return s;
}

void sender_free(struct sender *s)
{
	free(s);
}

static struct sender_slot *free_slot(struct sender *s)
{
	for (unsigned i = 0; i < SENDER_SLOTS; i++)
		if (s->slot[i].source == NULL)
			return &s->slot[i];
	return NULL;
}

bool sender_send(struct sender *s, struct source *source, uint32_t chunk)
{
	struct flight *f = &s->client->flight;
	struct sender_slot *slot;

	if (s->in_flight >= s->window || !client_may_ask(s->client))
		return false;
	slot = free_slot(s);
	if (slot == NULL)
		return false;
	*slot = (struct sender_slot){
		.source = source,
		.chunk = chunk,
		.request = {.kind = &data_kind,
			    .object = slot,
			    .deadline_ns = link_now(&f->link) + s->client->answer_ns},
	};
	s->in_flight++;
	flight_start(f, &slot->request);
	slot->asked_seen = slot->request.asked;
	return true;
}

void sender_release(struct sender *s, struct sender_slot *slot)
{
	flight_remove(&s->client->flight, &slot->request);
	slot->source = NULL;
	s->in_flight--;
}

bool sender_adapt(struct sender *s, bool lost)
{
	const struct link *l = &s->client->flight.link;
	uint64_t now = link_now(l);

	if (lost && now >= s->halve_ns) {
		s->window = s->window > 1 ? s->window / 2 : 1;
		s->halve_ns = s->grow_ns = now + l->rtt_ns;
		return true;
	}
	if (!lost && now >= s->grow_ns && s->window < SENDER_SLOTS) {
		s->window++;
		s->grow_ns = now + l->rtt_ns;
	}
	return false;
}
