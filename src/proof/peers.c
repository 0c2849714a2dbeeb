/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sessions a registered key holds, over all workers of the node. The handshake worker alone
 * adds entries, so the limits of a key are exact; the worker of a session tells when it was used
 * and removes it. No locks: an entry is one word.
 */
#include <stdlib.h>

#include "proof/serve_int.h"

#define ENTRY_CONFIRMED 0x80000000u
#define ENTRY_USED	0x7fffffffu
#define USED_UNIT_NS	(100 * NS_PER_MS)
#define UNCONFIRMED_MAX 2

struct peer_sessions *peer_sessions_new(void)
{
	return calloc(1, sizeof(struct peer_sessions));
}

void peer_sessions_free(struct peer_sessions *p)
{
	free(p);
}

static uint64_t entry_make(uint32_t index, bool confirmed, uint64_t now)
{
	uint64_t used = now / USED_UNIT_NS & ENTRY_USED;

	return (uint64_t)index << 32 | (confirmed ? ENTRY_CONFIRMED : 0) | used;
}

static uint32_t entry_index(uint64_t entry)
{
	return (uint32_t)(entry >> 32);
}

/* What a look over a row finds. */
struct row_view {
	unsigned sessions, unconfirmed;
	int free;	      /* a free place, or -1 */
	int idle;	      /* longest idle, or -1 */
	int idle_unconfirmed; /* longest idle of the unconfirmed, or -1 */
	uint64_t entry[PEER_SESSIONS_MAX];
};

static bool longer_idle(const struct row_view *v, int i, int than)
{
	return than < 0 || (v->entry[i] & ENTRY_USED) < (v->entry[than] & ENTRY_USED);
}

static struct row_view row_look(struct peer_row *row)
{
	struct row_view v = {.free = -1, .idle = -1, .idle_unconfirmed = -1};

	for (int i = 0; i < PEER_SESSIONS_MAX; i++) {
		v.entry[i] = atomic_load_explicit(&row->entry[i], memory_order_acquire);
		if (v.entry[i] == 0) {
			v.free = i;
			continue;
		}
		v.sessions++;
		if (longer_idle(&v, i, v.idle))
			v.idle = i;
		if ((v.entry[i] & ENTRY_CONFIRMED) != 0)
			continue;
		v.unconfirmed++;
		if (longer_idle(&v, i, v.idle_unconfirmed))
			v.idle_unconfirmed = i;
	}
	return v;
}

unsigned peers_claim(struct peer_sessions *p, uint32_t slot, uint32_t limit, uint32_t index,
		     uint64_t now, uint32_t replaced[PEER_SESSIONS_MAX])
{
	struct peer_row *row = &p->row[slot];
	unsigned n = 0;

	if (limit < 1 || limit > PEER_SESSIONS_MAX)
		limit = limit < 1 ? 1 : PEER_SESSIONS_MAX;
	for (;;) {
		struct row_view v = row_look(row);
		int victim = v.unconfirmed >= UNCONFIRMED_MAX ? v.idle_unconfirmed
			     : v.sessions >= limit	      ? v.idle
							      : -1;

		if (victim < 0) {
			must(v.free >= 0); /* fewer than the limit, and nobody else adds */
			atomic_store_explicit(&row->entry[v.free], entry_make(index, false, now),
					      memory_order_release);
			return n;
		}
		/* Its worker may touch or remove it at the same moment: then look again. */
		if (atomic_compare_exchange_strong(&row->entry[victim], &v.entry[victim], 0))
			replaced[n++] = entry_index(v.entry[victim]);
	}
}

int peers_place(struct peer_sessions *p, uint32_t slot, uint32_t index)
{
	for (int i = 0; i < PEER_SESSIONS_MAX; i++)
		if (entry_index(atomic_load(&p->row[slot].entry[i])) == index)
			return i;
	return -1;
}

bool peers_listed(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index)
{
	return entry_index(atomic_load(&p->row[slot].entry[place])) == index;
}

bool peers_touch(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index,
		 bool confirmed, uint64_t now)
{
	_Atomic uint64_t *entry = &p->row[slot].entry[place];
	uint64_t seen = atomic_load(entry);

	/* Only the handshake worker can come between, and then the entry is another's. */
	return entry_index(seen) == index &&
	       atomic_compare_exchange_strong(entry, &seen, entry_make(index, confirmed, now));
}

void peers_release(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index)
{
	_Atomic uint64_t *entry = &p->row[slot].entry[place];
	uint64_t seen = atomic_load(entry);

	if (entry_index(seen) == index)
		atomic_compare_exchange_strong(entry, &seen, 0);
}
