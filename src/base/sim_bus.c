/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/sim.h"
#include "base/sim_random.h"

#define QUEUE_MAX 64

struct frame {
	size_t len;
	uint8_t *bytes;
};

struct member {
	struct sim_bus *bus;
	struct frame queue[QUEUE_MAX]; /* ring */
	unsigned first, count;
};

struct sim_bus {
	uint64_t seed;
	uint8_t loss_percent, duplicate_percent;
	unsigned count;
	struct member member[];
};

struct sim_bus *sim_bus_new(uint64_t seed, unsigned members)
{
	struct sim_bus *b = calloc(1, sizeof(*b) + members * sizeof(b->member[0]));

	if (b == NULL)
		return NULL;
	b->seed = seed;
	b->count = members;
	for (unsigned i = 0; i < members; i++)
		b->member[i].bus = b;
	return b;
}

static struct frame take(struct member *m)
{
	struct frame frame = m->queue[m->first];

	m->first = (m->first + 1) % QUEUE_MAX;
	m->count--;
	return frame;
}

void sim_bus_free(struct sim_bus *b)
{
	if (b == NULL)
		return;
	for (unsigned i = 0; i < b->count; i++)
		while (b->member[i].count > 0)
			free(take(&b->member[i]).bytes);
	free(b);
}

/* A full queue drops the newest, as real engines do: losing a frame must be harmless. */
static void put(struct member *m, const void *frame, size_t len)
{
	if (m->count == QUEUE_MAX)
		return;
	uint8_t *bytes = malloc(len);

	must(bytes != NULL);
	memcpy(bytes, frame, len);
	m->queue[(m->first + m->count++) % QUEUE_MAX] = (struct frame){len, bytes};
}

static int sim_bus_send(void *ctx, const void *frame, size_t len)
{
	struct member *self = ctx;
	struct sim_bus *b = self->bus;

	if (len == 0 || len > BUS_FRAME_MAX)
		return ASSAY_E_RANGE;
	for (unsigned i = 0; i < b->count; i++) {
		if (&b->member[i] == self || sim_chance(&b->seed, b->loss_percent))
			continue;
		put(&b->member[i], frame, len);
		if (sim_chance(&b->seed, b->duplicate_percent))
			put(&b->member[i], frame, len);
	}
	return 0;
}

/* A frame longer than room is dropped. */
static int sim_bus_receive(void *ctx, void *out, size_t room)
{
	struct member *self = ctx;

	while (self->count > 0) {
		struct frame frame = take(self);
		bool fits = frame.len <= room;

		if (fits)
			memcpy(out, frame.bytes, frame.len);
		free(frame.bytes);
		if (fits)
			return (int)frame.len;
	}
	return ASSAY_E_AGAIN;
}

struct bus bus_sim(struct sim_bus *b, unsigned member)
{
	must(member < b->count);
	return (struct bus){sim_bus_send, sim_bus_receive, &b->member[member]};
}

void sim_bus_set_faults(struct sim_bus *b, uint8_t loss_percent, uint8_t duplicate_percent)
{
	b->loss_percent = loss_percent;
	b->duplicate_percent = duplicate_percent;
}
