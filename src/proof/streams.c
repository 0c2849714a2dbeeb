/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/streams.h"

#include "proof/view.h"

#define UNIT_NS	   100000000ull
#define IDLE_UNITS (int32_t)(STREAM_IDLE_NS / UNIT_NS)

static uint64_t use_of(uint32_t session, uint64_t now)
{
	return (uint64_t)session << 32 | (uint32_t)(now / UNIT_NS);
}

static uint32_t session_of(uint64_t use)
{
	return (uint32_t)(use >> 32);
}

static bool idle(uint64_t use, uint64_t now)
{
	/* Another worker's clock may be a little ahead. */
	return use == 0 || (int32_t)((uint32_t)(now / UNIT_NS) - (uint32_t)use) > IDLE_UNITS;
}

/* Takes the place when nobody has changed it since it was looked at. */
static bool claim(struct stream_place *place, uint64_t seen, uint64_t whose, uint64_t use)
{
	if (!atomic_compare_exchange_strong(&place->use, &seen, use))
		return false;
	atomic_store(&place->whose, whose);
	return true;
}

bool streams_take(struct streams *s, unsigned max, uint64_t op, uint32_t key_slot, uint32_t session,
		  uint64_t now)
{
	uint64_t whose = op << 12 | key_slot, mine = use_of(session, now), free_use = 0;
	struct stream_place *free_place = NULL;

	static_assert(VIEW_PEERS_MAX == 1 << 12, "a slot has 12 bits");
	if (max > STREAMS_MAX)
		max = STREAMS_MAX;
	for (unsigned i = 0; i < max; i++) {
		struct stream_place *place = &s->place[i];
		uint64_t use = atomic_load(&place->use);

		if (use != 0 && atomic_load(&place->whose) == whose) {
			if (session_of(use) != session && !idle(use, now))
				return false;
			return use == mine || claim(place, use, whose, mine);
		}
		if (free_place == NULL && idle(use, now)) {
			free_place = place;
			free_use = use;
		}
	}
	return free_place != NULL && claim(free_place, free_use, whose, mine);
}

void streams_release(struct streams *s, uint32_t session)
{
	for (unsigned i = 0; i < STREAMS_MAX; i++) {
		uint64_t use = atomic_load(&s->place[i].use);

		if (use != 0 && session_of(use) == session)
			atomic_compare_exchange_strong(&s->place[i].use, &use, 0);
	}
}
