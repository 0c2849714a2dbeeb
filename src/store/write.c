/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What peers push: chunks into a temporary file, in any order within a window. No request waits
 * here: each is answered with where the transfer stands (docs/protocol.md, "WRITE").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "store/transfer.h"

#define SWEEP_NS    1000000000ull
#define BUSY_MS	    20
#define CHARGE_UNIT 4096 /* what a file takes at least */

int transfers_open(struct store *s)
{
	s->transfers = calloc(1, sizeof(*s->transfers));
	if (s->transfers == NULL)
		return ASSAY_E_NOMEM;
	pthread_mutex_init(&s->transfers->lock, NULL);
	s->transfers->next_number = 1;
	for (unsigned i = 0; i < TRANSFER_SLOTS; i++)
		s->transfers->slot[i].temp = (struct temp_files){.bytes_file = -1, .tree_file = -1};
	return 0;
}

void transfers_close(struct store *s)
{
	struct transfers *all = s->transfers;

	if (all == NULL)
		return;
	for (unsigned i = 0; i < TRANSFER_SLOTS; i++)
		temp_drop(s, &all->slot[i].temp);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

static bool is_live(const struct transfer *t)
{
	return t->number != 0 && (t->state == WRITE_OPENED || t->state == WRITE_CHECKING);
}

void transfer_end(struct store *s, struct transfer *t, enum write_state state, uint16_t code,
		  bool keeps_charge)
{
	must(is_live(t));
	if (!keeps_charge)
		s->transfers->used[t->account] -= t->charge;
	t->state = (uint8_t)state;
	t->code = code;
	t->charge = t->room = 0;
}

/* --- where a transfer stands --- */

static bool has_chunk(const struct transfer *t, uint32_t chunk)
{
	uint32_t bit = chunk % TRANSFER_WINDOW;

	return chunk < t->first_missing || (chunk - t->first_missing < TRANSFER_WINDOW &&
					    (t->set[bit / 64] >> (bit % 64) & 1) != 0);
}

static void add_chunk(struct transfer *t, uint32_t chunk)
{
	uint32_t bit = chunk % TRANSFER_WINDOW;

	t->set[bit / 64] |= 1ull << (bit % 64);
	for (; t->first_missing < t->chunks && has_chunk(t, t->first_missing); t->first_missing++) {
		bit = t->first_missing % TRANSFER_WINDOW;
		t->set[bit / 64] &= ~(1ull << (bit % 64));
	}
}

static struct write_status status_of(const struct transfer *t)
{
	struct write_status out = {
		.transfer = t->number,
		.state = t->state,
		.code = t->code,
		.first_missing = t->first_missing,
		.window = t->state == WRITE_OPENED ? TRANSFER_WINDOW : 0,
	};

	for (unsigned i = 0; t->state == WRITE_OPENED && i < 64; i++)
		out.set |= (uint64_t)has_chunk(t, t->first_missing + 1 + i) << i;
	return out;
}

/* --- WRITE_OPEN --- */

static uint64_t files_len(uint64_t size)
{
	return size + tree_outboard_len(tree_chunks(size));
}

static uint64_t charge_of(uint64_t size)
{
	return (files_len(size) + CHARGE_UNIT - 1) / CHARGE_UNIT * CHARGE_UNIT;
}

static enum assay_reason check_room(struct store *s, uint64_t size)
{
	uint64_t need = files_len(size) + s->config.reserve_bytes, free_bytes;

	for (unsigned i = 0; i < TRANSFER_SLOTS; i++)
		need += s->transfers->slot[i].room;
	if (s->disk.free_bytes(s->disk.ctx, &free_bytes) != 0)
		return ASSAY_R_BUSY;
	return free_bytes >= need ? ASSAY_R_NONE : ASSAY_R_DISK_FULL;
}

/* Limits of the node, of the session and of the account. */
static enum assay_reason check_limits(struct store *s, const struct write_job *job)
{
	const struct transfers *all = s->transfers;
	uint64_t quota = atomic_load_explicit(&s->staging_quota, memory_order_relaxed);
	unsigned live = 0, open = 0;

	for (unsigned i = 0; i < TRANSFER_SLOTS; i++) {
		const struct transfer *t = &all->slot[i];

		live += is_live(t);
		open += is_live(t) && t->state == WRITE_OPENED && t->session == job->session;
	}
	if (live >= TRANSFERS_MAX || open >= TRANSFERS_SESSION)
		return ASSAY_R_BUSY;
	if (job->size > quota || all->used[job->account] + charge_of(job->size) > quota)
		return ASSAY_R_DISK_FULL;
	return check_room(s, job->size);
}

/* A free entry, or the one that ended longest ago. */
static struct transfer *take_slot(struct transfers *all)
{
	struct transfer *oldest = NULL;

	for (unsigned i = 0; i < TRANSFER_SLOTS; i++) {
		struct transfer *t = &all->slot[i];

		if (t->number == 0)
			return t;
		if (!is_live(t) && (oldest == NULL || t->used_ns < oldest->used_ns))
			oldest = t;
	}
	must(oldest != NULL);
	return oldest;
}

static enum assay_reason reason_of(int err)
{
	return err == ASSAY_E_NOSPC ? ASSAY_R_DISK_FULL : ASSAY_R_BUSY;
}

static enum assay_reason begin(struct store *s, const struct write_job *job, struct transfer **out)
{
	struct transfers *all = s->transfers;
	enum assay_reason reason = check_limits(s, job);
	struct transfer *t;
	struct temp_files temp = {.bytes_file = -1, .tree_file = -1};

	if (reason != ASSAY_R_NONE)
		return reason;
	snprintf(temp.bytes, sizeof(temp.bytes), "artifacts/tmp/w%u", all->next_number);
	temp.bytes_file = s->disk.open(s->disk.ctx, temp.bytes, DISK_CREATE);
	if (temp.bytes_file < 0)
		return reason_of(temp.bytes_file);
	t = take_slot(all);
	*t = (struct transfer){
		.number = all->next_number++,
		.state = WRITE_OPENED,
		.account = job->account,
		.session = job->session,
		.size = job->size,
		.chunks = tree_chunks(job->size),
		.charge = charge_of(job->size),
		.room = files_len(job->size),
		.temp = temp,
	};
	if (all->next_number == 0)
		all->next_number = 1;
	memcpy(t->key, job->key, 32);
	all->used[t->account] += t->charge;
	*out = t;
	return ASSAY_R_NONE;
}

/* The account's transfer of that artifact that is still under way. */
static struct transfer *find_open(struct transfers *all, const struct write_job *job)
{
	for (unsigned i = 0; i < TRANSFER_SLOTS; i++) {
		struct transfer *t = &all->slot[i];

		if (is_live(t) && t->account == job->account && memcmp(t->key, job->key, 32) == 0)
			return t;
	}
	return NULL;
}

/* Already here and good: who asks may count on it for as long as after a write. */
static bool stored(struct store *s, struct write_job *job)
{
	struct artifact_info info;

	if (store_stat(s, job->key, &info) != 0 || info.state != ARTIFACT_STORED)
		return false;
	if (info.size != job->size) {
		job->reason = ASSAY_R_ARTIFACT_SIZE;
		job->parameter = info.size < UINT32_MAX ? (uint32_t)info.size : UINT32_MAX;
		return true;
	}
	if (!store_hold(s, job->key))
		return false;
	job->status = (struct write_status){.state = WRITE_DURABLE,
					    .first_missing = tree_chunks(info.size)};
	return true;
}

static struct transfer *write_open(struct store *s, struct write_job *job)
{
	struct transfer *t = find_open(s->transfers, job);

	if (t != NULL && t->size == job->size) {
		t->session = job->session;
		return t;
	}
	if (t != NULL || job->size == 0 || job->size > TREE_SIZE_MAX)
		job->reason = ASSAY_R_ARTIFACT_SIZE;
	else
		job->reason = (uint16_t)begin(s, job, &t);
	return job->reason == ASSAY_R_NONE ? t : NULL;
}

/* --- WRITE_DATA and WRITE_COMMIT --- */

static struct transfer *find_number(struct transfers *all, const struct write_job *job)
{
	for (unsigned i = 0; i < TRANSFER_SLOTS; i++) {
		struct transfer *t = &all->slot[i];

		if (t->number != 0 && t->number == job->transfer && t->account == job->account)
			return t;
	}
	return NULL;
}

static void fail(struct store *s, struct transfer *t, int err)
{
	temp_drop(s, &t->temp);
	transfer_end(s, t, WRITE_FAILED, (uint16_t)reason_of(err), false);
}

/* What comes twice, or too far ahead, changes nothing. */
static enum assay_reason write_data(struct store *s, struct transfer *t,
				    const struct write_job *job)
{
	int err;

	if (job->chunk >= t->chunks)
		return ASSAY_R_RANGE_END;
	if (job->length != tree_chunk_len(t->size, job->chunk))
		return ASSAY_R_LENGTH;
	if (t->state != WRITE_OPENED || has_chunk(t, job->chunk) ||
	    job->chunk - t->first_missing >= TRANSFER_WINDOW)
		return ASSAY_R_NONE;
	err = s->disk.write(s->disk.ctx, t->temp.bytes_file, job->data, job->length,
			    (uint64_t)job->chunk * TREE_CHUNK);
	if (err != 0) {
		fail(s, t, err);
		return ASSAY_R_NONE;
	}
	t->room -= job->length;
	add_chunk(t, job->chunk);
	return ASSAY_R_NONE;
}

/* True when the owner has something to do now. */
static bool write_commit(struct store *s, struct transfer *t)
{
	if (t->state != WRITE_OPENED || t->first_missing < t->chunks)
		return false;
	t->state = WRITE_CHECKING;
	atomic_fetch_add(&s->transfers->checking, 1);
	return true;
}

static struct transfer *serve(struct store *s, struct write_job *job, bool *commit)
{
	struct transfer *t;

	if (job->type == ASSAY_WRITE_OPEN)
		return write_open(s, job);
	t = find_number(s->transfers, job);
	if (t == NULL)
		job->reason = ASSAY_R_ARTIFACT_UNKNOWN;
	else if (job->type == ASSAY_WRITE_DATA)
		job->reason = (uint16_t)write_data(s, t, job);
	else
		*commit = write_commit(s, t);
	return job->reason == ASSAY_R_NONE ? t : NULL;
}

void store_write(struct store *s, struct write_job *job)
{
	struct transfers *all = s->transfers;
	struct transfer *t = NULL;
	bool commit = false;

	job->reason = ASSAY_R_NONE;
	job->wait_ms = job->parameter = 0;
	if (job->type == ASSAY_WRITE_OPEN && stored(s, job))
		return;
	pthread_mutex_lock(&all->lock);
	t = serve(s, job, &commit);
	if (t != NULL) {
		t->used_ns = clock_mono(s->config.clock);
		job->status = status_of(t);
	}
	pthread_mutex_unlock(&all->lock);
	if (job->reason == ASSAY_R_BUSY)
		job->wait_ms = BUSY_MS;
	if (commit && all->wake != NULL)
		all->wake(all->wake_ctx);
}

void store_write_sweep(struct store *s)
{
	struct transfers *all = s->transfers;
	uint64_t now = clock_mono(s->config.clock);

	if (now - all->swept_ns < SWEEP_NS)
		return;
	pthread_mutex_lock(&all->lock);
	all->swept_ns = now;
	for (unsigned i = 0; i < TRANSFER_SLOTS; i++) {
		struct transfer *t = &all->slot[i];

		if (t->number == 0 || t->state == WRITE_CHECKING ||
		    now - t->used_ns < TRANSFER_IDLE_NS)
			continue;
		if (t->state == WRITE_OPENED) {
			temp_drop(s, &t->temp);
			transfer_end(s, t, WRITE_FAILED, ASSAY_R_LATE, false);
		}
		t->number = 0;
	}
	pthread_mutex_unlock(&all->lock);
}
