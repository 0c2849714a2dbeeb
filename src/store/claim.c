/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts that are here for others. One that a peer pushed and nothing claims yet counts against
 * its writer's quota and has an hour; then it goes, unless somebody can be asked and says
 * otherwise. One that was claimed goes when whoever claimed it says so. An empty file in
 * artifacts/pushed or artifacts/placed says of each that it is such a one, so that the rule
 * outlives the process; losing it only keeps the artifact, so it is never synced.
 */
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "store/transfer.h"

#define CLAIM_NS    (3600 * 1000000000ull)
#define GOING	    UINT64_MAX /* due: about to be removed */
#define SWEEP_NS    1000000000ull
#define SWEEP_COUNT 4096
#define NOBODY	    UINT32_MAX /* whose quota it is after a restart */
#define HOUR_NS	    (3600 * 1000000000ull)

static void path_mark(char out[PATH_LEN], const uint8_t key[32])
{
	char hex[65];

	hex_encode(hex, key, 32);
	snprintf(out, PATH_LEN, "artifacts/pushed/%s", hex);
}

void claim_mark(struct store *s, const uint8_t key[32])
{
	char path[PATH_LEN];
	int file;

	path_mark(path, key);
	file = s->disk.open(s->disk.ctx, path, DISK_CREATE);
	if (file >= 0)
		s->disk.close(s->disk.ctx, file);
}

void claim_unmark(struct store *s, const uint8_t key[32])
{
	char path[PATH_LEN];

	path_mark(path, key);
	s->disk.remove(s->disk.ctx, path);
}

/* The hour of the claim is in the name: then nothing has to be read at the start. */
static void path_placed(char out[PATH_LEN], const uint8_t key[32], uint32_t hour)
{
	char hex[65];

	hex_encode(hex, key, 32);
	snprintf(out, PATH_LEN, "artifacts/placed/%s.%u", hex, hour);
}

static void unmark_placed(struct store *s, const struct record *r)
{
	char path[PATH_LEN];

	path_placed(path, r->artifact.key, r->claim.hour);
	s->disk.remove(s->disk.ctx, path);
}

static void set_placed(struct store *s, struct record *r, uint32_t hour, uint64_t wall_ns)
{
	pthread_mutex_lock(&s->lock);
	r->claim.hour = hour;
	r->claim.placed_wall_ns = wall_ns;
	pthread_mutex_unlock(&s->lock);
}

static void set_due(struct store *s, struct record *r, uint64_t due_ns)
{
	pthread_mutex_lock(&s->lock);
	atomic_store(&r->claim.due_ns, due_ns);
	pthread_mutex_unlock(&s->lock);
}

bool claim_kept(const struct record *r)
{
	return r != NULL && !r->staged && r->claim.due_ns == 0 && r->claim.hour == 0;
}

void claim_wait(struct store *s, struct record *r, uint32_t account, uint64_t charge)
{
	r->claim.account = account;
	r->claim.charge = charge;
	r->claim.earlier = s->claim_newest;
	r->claim.later = NULL;
	*(s->claim_newest != NULL ? &s->claim_newest->claim.later : &s->claim_oldest) = r;
	s->claim_newest = r;
	set_due(s, r, clock_mono(s->config.clock) + CLAIM_NS);
}

void claim_load(struct store *s, const uint8_t key[32])
{
	struct record *r = index_find(s, key);

	if (r == NULL)
		claim_unmark(s, key);
	else if (r->claim.due_ns == 0)
		claim_wait(s, r, NOBODY, 0);
}

void claim_load_placed(struct store *s, const uint8_t key[32], uint32_t hour)
{
	struct record *r = index_find(s, key);
	char path[PATH_LEN];

	/* The later of two marks counts. */
	if (r != NULL && r->claim.hour < hour) {
		if (r->claim.hour != 0)
			unmark_placed(s, r);
		set_placed(s, r, hour, ((uint64_t)hour + 1) * HOUR_NS);
		return;
	}
	path_placed(path, key, hour);
	s->disk.remove(s->disk.ctx, path);
}

/* Out of the order in which they wait. */
static void leave(struct store *s, struct record *r)
{
	*(r->claim.earlier != NULL ? &r->claim.earlier->claim.later : &s->claim_oldest) =
		r->claim.later;
	*(r->claim.later != NULL ? &r->claim.later->claim.earlier : &s->claim_newest) =
		r->claim.earlier;
	if (s->claim_next == r)
		s->claim_next = r->claim.later;
	set_due(s, r, 0);
	if (r->claim.account != NOBODY) {
		pthread_mutex_lock(&s->transfers->lock);
		s->transfers->used[r->claim.account] -= r->claim.charge;
		pthread_mutex_unlock(&s->transfers->lock);
	}
}

void claim_end(struct store *s, struct record *r)
{
	if (r->claim.due_ns != 0 && r->claim.hour == 0) {
		leave(s, r);
		claim_unmark(s, r->artifact.key);
	}
	if (r->claim.hour != 0) {
		unmark_placed(s, r);
		set_placed(s, r, 0, 0);
		set_due(s, r, 0);
	}
}

/* Claimed: it stays until it is collected. */
static void place(struct store *s, struct record *r)
{
	uint64_t now = clock_wall(s->config.clock);
	uint32_t hour = (uint32_t)(now / HOUR_NS);
	char from[PATH_LEN], to[PATH_LEN];

	hour += hour == 0;
	path_mark(from, r->artifact.key);
	path_placed(to, r->artifact.key, hour);
	if (s->disk.rename(s->disk.ctx, from, to) != 0)
		claim_unmark(s, r->artifact.key); /* kept for good from the next start on */
	leave(s, r);
	set_placed(s, r, hour, now);
}

int store_put_placed(struct store *s, const uint8_t key[32], const struct store_input *input)
{
	struct record *r = index_find_artifact(s, key);
	bool kept = claim_kept(r);
	uint8_t stored[32];
	int err = store_put(s, stored, input, NULL);

	if ((err != 0 && err != ASSAY_E_EXISTS) || memcmp(stored, key, 32) != 0)
		return err != 0 && err != ASSAY_E_EXISTS ? err : ASSAY_E_CORRUPT;
	r = index_find(s, key);
	if (!kept && r != NULL && r->claim.due_ns == 0) {
		claim_mark(s, key);
		claim_wait(s, r, NOBODY, 0);
	}
	return 0;
}

bool store_hold(struct store *s, const uint8_t key[32])
{
	uint64_t due_ns = clock_mono(s->config.clock) + CLAIM_NS;
	bool stays = false;

	pthread_mutex_lock(&s->lock);
	uint64_t at = record_above(s, key, true);

	if (at < s->sorted_count && memcmp(s->sorted[at]->artifact.key, key, 32) == 0) {
		struct record *r = s->sorted[at];

		stays = r->claim.due_ns != GOING;
		if (stays && r->claim.due_ns != 0)
			r->claim.due_ns = due_ns;
		if (stays && r->claim.hour != 0)
			r->claim.placed_wall_ns = clock_wall(s->config.clock);
	}
	pthread_mutex_unlock(&s->lock);
	return stays;
}

/* From here on nobody may count on it. */
static bool mark_going(struct store *s, struct record *r, uint64_t now)
{
	bool goes;

	pthread_mutex_lock(&s->lock);
	goes = now >= r->claim.due_ns;
	if (goes)
		r->claim.due_ns = GOING;
	pthread_mutex_unlock(&s->lock);
	return goes;
}

static void remove_unclaimed(struct store *s, struct record *r)
{
	char hex[65];
	int err;

	hex_encode(hex, r->artifact.key, 32);
	err = record_remove(s, r);
	if (err == 0) {
		log_info(&s->log, "store", "pushed artifact that nothing claims is removed",
			 "key=%s", hex);
		pthread_mutex_lock(&s->lock);
		s->stats.unclaimed++;
		pthread_mutex_unlock(&s->lock);
		return;
	}
	log_warning(&s->log, "store", "pushed artifact that nothing claims cannot be removed",
		    "key=%s error=\"%s\"", hex, assay_error_text(err));
	set_due(s, r, clock_mono(s->config.clock) + CLAIM_NS);
}

static void look(struct store *s, struct record *r, uint64_t now)
{
	struct store_claims claims;
	enum store_claim verdict = STORE_CLAIM_NONE;

	pthread_mutex_lock(&s->lock);
	claims = s->claims;
	pthread_mutex_unlock(&s->lock);
	if (claims.claimed != NULL)
		verdict = claims.claimed(claims.ctx, r->artifact.key);
	if (verdict == STORE_CLAIMED)
		place(s, r);
	else if (verdict == STORE_UNCLAIMED && mark_going(s, r, now))
		remove_unclaimed(s, r);
	else if (claims.claimed == NULL && mark_going(s, r, now))
		claim_end(s, r);
}

int store_collect(struct store *s, const uint8_t key[32], uint64_t before_wall_ns)
{
	struct record *r = index_find_artifact(s, key);
	bool goes = false;
	int err;

	if (r == NULL)
		return ASSAY_E_NOTFOUND;
	if (s->failed)
		return ASSAY_E_CLOSED;
	record_sweep(s);
	pthread_mutex_lock(&s->lock);
	goes = r->claim.hour != 0 && r->claim.placed_wall_ns <= before_wall_ns;
	if (goes)
		r->claim.due_ns = GOING;
	pthread_mutex_unlock(&s->lock);
	if (!goes)
		return ASSAY_E_BUSY;
	err = record_remove(s, r);
	if (err != 0)
		set_due(s, r, 0);
	return err;
}

bool store_claims_sweep(struct store *s)
{
	uint64_t now = clock_mono(s->config.clock);

	if (s->failed || now - s->claims_swept_ns < SWEEP_NS)
		return false;
	if (s->claim_next == NULL) {
		s->claims_swept_ns = now;
		s->claim_next = s->claim_oldest;
	}
	for (unsigned i = 0; i < SWEEP_COUNT && s->claim_next != NULL; i++) {
		struct record *r = s->claim_next;

		s->claim_next = r->claim.later;
		look(s, r, now);
	}
	return s->claim_next != NULL;
}

void store_claims_set(struct store *s, const struct store_claims *claims)
{
	pthread_mutex_lock(&s->lock);
	s->claims = *claims;
	pthread_mutex_unlock(&s->lock);
}

void store_staging_quota(struct store *s, uint64_t bytes)
{
	atomic_store_explicit(&s->staging_quota, bytes, memory_order_relaxed);
}
