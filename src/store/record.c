/* SPDX-License-Identifier: Apache-2.0 */
/* Records: their order by key and by last check, their end, and what happens when bytes rot. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "store/store_impl.h"

static_assert(sizeof(struct artifact) <= 64, "what workers read is one cache line");

struct record *record_new(struct store *s, const uint8_t key[32], uint64_t size)
{
	size_t len = (sizeof(struct record) + 63) & ~(size_t)63;
	struct record *r = aligned_alloc(64, len);

	if (r == NULL)
		return NULL;
	memset(r, 0, len);
	memcpy(r->artifact.key, key, 32);
	r->artifact.size = size;
	r->artifact.chunks = size <= TREE_SIZE_MAX ? tree_chunks(size) : 1;
	r->serial = s->next_serial++;
	r->pass = s->pass;
	return r;
}

void record_free(struct record *r)
{
	free(r);
}

/* --- by last check: oldest first --- */
static void checks_append(struct store *s, struct record *r)
{
	r->later = NULL;
	r->earlier = s->newest;
	*(s->newest != NULL ? &s->newest->later : &s->oldest) = r;
	s->newest = r;
}

static void checks_unlink(struct store *s, struct record *r)
{
	*(r->earlier != NULL ? &r->earlier->later : &s->oldest) = r->later;
	*(r->later != NULL ? &r->later->earlier : &s->newest) = r->earlier;
}

/* --- by key --- */
uint64_t record_above(const struct store *s, const uint8_t key[32], bool or_equal)
{
	uint64_t low = 0, high = s->sorted_count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		int order = memcmp(s->sorted[middle]->artifact.key, key, 32);

		if (order < 0 || (order == 0 && !or_equal))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int sorted_reserve(struct store *s, uint64_t more)
{
	uint64_t room = s->sorted_room > 0 ? s->sorted_room : 64;
	struct record **sorted;

	if (s->sorted_count + more <= s->sorted_room)
		return 0;
	while (room < s->sorted_count + more)
		room *= 2;
	sorted = realloc(s->sorted, room * sizeof(*sorted));
	if (sorted == NULL)
		return ASSAY_E_NOMEM;
	s->sorted = sorted;
	s->sorted_room = room;
	return 0;
}

int record_reserve(struct store *s, uint64_t more)
{
	int err = index_reserve(s, more);

	if (err != 0)
		return err;
	pthread_mutex_lock(&s->lock);
	err = sorted_reserve(s, more);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* In the counts, or out of them; with the lock held. */
static void count(struct store *s, const struct record *r, int by)
{
	uint64_t bytes = by > 0 ? r->artifact.size : -r->artifact.size;

	*(r->staged ? &s->stats.staged : &s->stats.artifacts) += (uint64_t)by;
	*(r->staged ? &s->stats.staged_bytes : &s->stats.bytes) += bytes;
}

void record_publish(struct store *s, struct record *r)
{
	uint64_t at;

	pthread_mutex_lock(&s->lock);
	must(s->sorted_count < s->sorted_room);
	at = record_above(s, r->artifact.key, true);
	memmove(&s->sorted[at + 1], &s->sorted[at], (s->sorted_count - at) * sizeof(s->sorted[0]));
	s->sorted[at] = r;
	s->sorted_count++;
	count(s, r, 1);
	pthread_mutex_unlock(&s->lock);
	checks_append(s, r);
	index_insert(s, r);
}

/* Of good bytes. */
static enum artifact_state state_of(const struct record *r)
{
	return r->staged ? ARTIFACT_PRIVATE : ARTIFACT_STORED;
}

void record_stage(struct store *s, struct record *r)
{
	pthread_mutex_lock(&s->lock);
	count(s, r, -1);
	r->staged = true;
	count(s, r, 1);
	if (atomic_load(&r->artifact.state) != ARTIFACT_ROT)
		atomic_store(&r->artifact.state, state_of(r));
	pthread_mutex_unlock(&s->lock);
}

/* A record leaves the pass that has not come to it yet. */
static void leave_pass(struct store *s, const struct record *r)
{
	if (r->pass != s->pass && s->stats.scrub_left > 0 && --s->stats.scrub_left == 0)
		s->stats.scrub_passes++;
}

static void release_record(void *pointer)
{
	struct record *r = pointer;

	if (atomic_exchange(&r->fate, FATE_GRACE_OVER) == FATE_ABANDONED)
		record_free(r);
}

/* It is out of the index: what remains is to wait. */
static void bury(struct store *s, struct record *r)
{
	pthread_mutex_lock(&s->lock);
	atomic_store(&r->removed, true);
	s->stats.rot -= atomic_load(&r->artifact.state) == ARTIFACT_ROT;
	pthread_mutex_unlock(&s->lock);
	checks_unlink(s, r);
	claim_end(s, r);
	readers_forget(s, r);
	r->next_dead = s->dead;
	s->dead = r;
	s->config.grace.defer(s->config.grace.ctx, release_record, r);
}

void record_replace(struct store *s, struct record *old, struct record *r)
{
	resident_retire(s, old);
	pthread_mutex_lock(&s->lock);
	s->sorted[record_above(s, r->artifact.key, true)] = r;
	count(s, old, -1);
	count(s, r, 1);
	leave_pass(s, old);
	pthread_mutex_unlock(&s->lock);
	checks_append(s, r);
	index_replace(s, old, r);
	bury(s, old);
}

void record_retire(struct store *s, struct record *r)
{
	uint64_t at;

	index_remove(s, r);
	/* Before it leaves the counts, which never say that more is in memory than there is. */
	resident_retire(s, r);
	pthread_mutex_lock(&s->lock);
	at = record_above(s, r->artifact.key, true);
	must(s->sorted[at] == r);
	s->sorted_count--;
	memmove(&s->sorted[at], &s->sorted[at + 1], (s->sorted_count - at) * sizeof(s->sorted[0]));
	count(s, r, -1);
	leave_pass(s, r);
	pthread_mutex_unlock(&s->lock);
	bury(s, r);
}

int record_remove(struct store *s, struct record *r)
{
	int err = files_remove(s, r->artifact.key);

	if (err == 0)
		record_retire(s, r);
	return err;
}

void record_sweep(struct store *s)
{
	for (struct record **at = &s->dead, *r; (r = *at) != NULL;) {
		if (atomic_load(&r->fate) == FATE_GRACE_OVER &&
		    atomic_load(&r->artifact.pins) == 0) {
			*at = r->next_dead;
			record_free(r);
		} else {
			at = &r->next_dead;
		}
	}
}

void record_checked(struct store *s, struct record *r, bool good)
{
	r->checked = true;
	r->checked_mono_ns = clock_mono(s->config.clock);
	checks_unlink(s, r);
	checks_append(s, r);
	pthread_mutex_lock(&s->lock);
	if (good)
		r->checked_wall_ns = clock_wall(s->config.clock);
	leave_pass(s, r);
	pthread_mutex_unlock(&s->lock);
	r->pass = s->pass;
}

/* Into rot, or out of it; true when that changed something. */
static bool set_rot(struct store *s, struct record *r, bool rot)
{
	enum artifact_state state;
	bool changed;

	pthread_mutex_lock(&s->lock);
	state = atomic_load(&r->artifact.state);
	changed = !atomic_load(&r->removed) && (state == ARTIFACT_ROT) != rot;
	if (changed) {
		atomic_store(&r->artifact.state, rot ? ARTIFACT_ROT : state_of(r));
		s->stats.rot += rot ? 1 : -1;
	}
	pthread_mutex_unlock(&s->lock);
	return changed;
}

void record_rot(struct store *s, struct record *r, const char *why)
{
	char key[65];

	if (!set_rot(s, r, true))
		return;
	hex_encode(key, r->artifact.key, 32);
	log_error(&s->log, "store",
		  r->staged ? "the rebuilt file of a heal has rotted and is not served; the heal "
			      "builds it again while its deadline allows"
			    : "artifact has rotted and is not served; put the same file again to "
			      "repair it",
		  "key=%s size=%llu why=\"%s\"", key, (unsigned long long)r->artifact.size, why);
}

void record_good_again(struct store *s, struct record *r)
{
	char key[65];

	if (!set_rot(s, r, false))
		return;
	hex_encode(key, r->artifact.key, 32);
	log_warning(&s->log, "store", "artifact marked as rot is whole again", "key=%s", key);
}
