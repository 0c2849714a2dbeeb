/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "store/transfer.h"

static void free_records(struct store *s)
{
	for (uint64_t i = 0; i < s->sorted_count; i++) {
		resident_free(s->sorted[i]->resident);
		record_free(s->sorted[i]);
	}
	for (struct record *r = s->dead, *next; r != NULL; r = next) {
		next = r->next_dead;
		if (atomic_exchange(&r->fate, FATE_ABANDONED) == FATE_GRACE_OVER)
			record_free(r);
	}
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	must(s->readers == NULL);
	transfers_close(s);
	free_records(s);
	index_close(s);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->readers_lock);
	free(s->sorted);
	free(s->residents);
	free(s->piece);
	free(s->compare);
	free(s);
}

int store_open(struct store **out, const struct store_config *config)
{
	struct store *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL)
		return ASSAY_E_NOMEM;
	s->config = *config;
	s->disk = *config->disk;
	s->log = *config->log;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->readers_lock, NULL);
	s->piece = malloc(PIECE_LEN);
	s->compare = malloc(32 * PIECE_CHUNKS);
	atomic_store(&s->staging_quota, config->staging_bytes);
	err = s->piece == NULL || s->compare == NULL ? ASSAY_E_NOMEM : transfers_open(s);
	if (err == 0)
		err = index_open(s);
	if (err == 0)
		err = load_all(s);
	if (err != 0) {
		store_close(s);
		return err;
	}
	s->stats.scrub_left = s->sorted_count;
	s->pass = 1; /* every record is of pass 0: not checked */
	log_info(&s->log, "store", "artifacts found", "count=%llu bytes=%llu",
		 (unsigned long long)s->stats.artifacts, (unsigned long long)s->stats.bytes);
	*out = s;
	return 0;
}

void store_stop(struct store *s)
{
	atomic_store_explicit(&s->stopping, true, memory_order_relaxed);
}

struct artifact_source store_source(struct store *s)
{
	return (struct artifact_source){index_find_many, s};
}

int store_verify(struct store *s, const uint8_t key[32], const struct store_progress *progress)
{
	struct record *r = index_find_artifact(s, key);

	record_sweep(s);
	return r != NULL ? check_record(s, r, progress) : ASSAY_E_NOTFOUND;
}

int store_remove(struct store *s, const uint8_t key[32])
{
	struct record *r = index_find_artifact(s, key);

	if (r == NULL)
		return ASSAY_E_NOTFOUND;
	if (s->failed)
		return ASSAY_E_CLOSED;
	record_sweep(s);
	return record_remove(s, r);
}

/* --- [any] --- */
static void fill_info(const struct record *r, struct artifact_info *out)
{
	memcpy(out->key, r->artifact.key, 32);
	out->origin = r->claim.hour != 0     ? ARTIFACT_PLACED
		      : r->claim.due_ns != 0 ? ARTIFACT_PUSHED
					     : ARTIFACT_KEPT;
	out->placed_wall_ns = r->claim.placed_wall_ns;
	out->size = r->artifact.size;
	out->state = atomic_load(&r->artifact.state);
	out->resident = atomic_load(&r->artifact.bytes) != NULL;
	out->checked_wall_ns = r->checked_wall_ns;
}

int store_stat(struct store *s, const uint8_t key[32], struct artifact_info *out)
{
	int err = ASSAY_E_NOTFOUND;

	pthread_mutex_lock(&s->lock);
	uint64_t at = record_above(s, key, true);

	if (at < s->sorted_count && memcmp(s->sorted[at]->artifact.key, key, 32) == 0) {
		fill_info(s->sorted[at], out);
		err = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

unsigned store_list(struct store *s, const uint8_t *after, struct artifact_info *out, unsigned room)
{
	unsigned n = 0;

	pthread_mutex_lock(&s->lock);
	uint64_t at = after != NULL ? record_above(s, after, false) : 0;

	for (; n < room && at < s->sorted_count; at++)
		if (!s->sorted[at]->staged)
			fill_info(s->sorted[at], &out[n++]);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void store_stats(struct store *s, struct store_stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	pthread_mutex_unlock(&s->lock);
	if (s->disk.free_bytes(s->disk.ctx, &out->free_bytes) != 0)
		out->free_bytes = 0;
}
