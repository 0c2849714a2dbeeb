/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which folders are staged. A manifest has half a KiB for each symbol, so it is read by a thread,
 * one at a time, and not again unless it has changed; until that is done nobody knows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/heal_stage.h"
#include "control/heals_impl.h"

struct staged_op *staged_known(const struct heals *h, uint64_t op)
{
	struct staged_op *s;

	TAILQ_FOREACH(s, &h->staged, entry)
	if (s->op == op)
		break;
	return s;
}

void staged_forget(struct heals *h, uint64_t op)
{
	struct staged_op *s = staged_known(h, op);

	if (s == NULL)
		return;
	TAILQ_REMOVE(&h->staged, s, entry);
	free(s);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct staged_op *note(struct heals *h, uint64_t op, const char *hash)
{
	struct staged_op *s;

	staged_forget(h, op);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->op = op;
	snprintf(s->hash, sizeof(s->hash), "%s", hash);
	TAILQ_INSERT_TAIL(&h->staged, s, entry);
	return s;
}

bool staged_keep(struct heals *h, uint64_t op, const char *hash)
{
	return note(h, op, hash) != NULL;
}

/* 0, NOTFOUND or IO */
static int stat_manifest(const struct heals *h, struct stat *out, uint64_t op)
{
	char path[400];

	stage_path(path, sizeof(path), h->root, op, STAGE_MANIFEST);
	if (lstat(path, out) == 0)
		return 0;
	return errno == ENOENT || errno == ENOTDIR ? ASSAY_E_NOTFOUND : ASSAY_E_IO;
}

/* What was written just now need not be read. */
void staged_built(struct heals_job *j)
{
	const struct heal_task *t = &j->task;
	struct stat file;
	struct staged_op *s;

	staged_forget(j->heals, t->order.op);
	if (stat_manifest(j->heals, &file, t->order.op) != 0)
		return;
	s = note(j->heals, t->order.op, t->hash);
	if (s == NULL)
		return;
	s->manifest = file;
	s->state = STAGED_WELL;
}

/* More is known of what is staged: that is told with the next outcome. */
static void changed(struct heals *h)
{
	h->changed = true;
	work_thread_poke(h->thread);
}

/* --- reading --- */

static struct staged_op *read_by(const struct heals *h, const struct heals_job *j)
{
	struct staged_op *s;

	TAILQ_FOREACH(s, &h->staged, entry)
	if (s->reader == j)
		break;
	return s;
}

/* The next one that nobody has read, unless one is being read. */
static void read_next(struct heals *h)
{
	const struct heal_order order = {.work = HEAL_WORKS};
	struct staged_op *s;

	if (h->reading)
		return;
	TAILQ_FOREACH(s, &h->staged, entry)
	if (s->state == STAGED_WANTED && s->reader == NULL)
		break;
	if (s == NULL)
		return;
	h->reading = true;
	s->reader = heals_job_new(h, 0, &order);
	s->reader->task.order.op = s->op;
	heals_job_submit(s->reader, HEAL_STEP_LOOK);
}

void staged_read(struct heals_job *j)
{
	struct heals *h = j->heals;
	struct staged_op *s = read_by(h, j);
	const struct heal_task *t = &j->task;

	h->reading = false;
	if (s != NULL && t->end == HEAL_END_DONE) {
		snprintf(s->hash, sizeof(s->hash), "%s", t->hash);
		s->state = STAGED_WELL;
	} else if (s != NULL && t->end == HEAL_END_LOST) {
		s->state = STAGED_NOT;
	} else if (s != NULL) {
		s->state = STAGED_SEEN; /* whoever asks again has it read again */
	}
	if (s != NULL)
		s->reader = NULL;
	if (t->end != HEAL_END_DONE)
		log_warning(&h->config.app->log, "heal", "a staging folder is not staged",
			    "op=%lu why=\"%s\"", t->order.op, t->why);
	if (t->end == HEAL_END_DONE || t->end == HEAL_END_LOST)
		changed(h);
	heals_job_drop(j);
	read_next(h);
}

void staged_spoil(struct heals *h, uint64_t op)
{
	struct staged_op *s = staged_known(h, op);

	if (s == NULL || stat_manifest(h, &s->manifest, op) != 0)
		return;
	s->state = STAGED_NOT;
	s->reader = NULL; /* what it reads does not count */
	changed(h);
}

/* --- the store's side */

/* The folder is being filled or emptied, and the store with it. */
static bool is_changing(const struct heals *h, uint64_t op)
{
	const struct heals_job *j;

	TAILQ_FOREACH(j, &h->jobs, entry)
	if (j->task.order.op == op &&
	    (j->task.order.work == HEAL_BUILD || j->task.order.work == HEAL_CLEAN))
		return true;
	return false;
}

/*
 * Why nobody could read the file although its folder is whole, or NULL. It goes from the store with
 * an artifact of the same bytes that somebody has put and removed, and it rots like any.
 */
static const char *why_unreadable(const struct heals *h, const struct staged_op *s)
{
	struct store *store = h->config.app->store;
	struct artifact_info info;
	uint8_t key[32];

	if (!h->followed || store == NULL || !base64_read(key, 32, s->hash, strlen(s->hash)))
		return NULL;
	if (store_stat(store, key, &info) != 0)
		return "the store has it no more";
	return info.state == ARTIFACT_ROT ? "its bytes have changed on the disk" : NULL;
}

static int well(struct heals *h, char hash[HEAL_HASH_ROOM], const struct staged_op *s)
{
	const char *why = why_unreadable(h, s);

	memcpy(hash, s->hash, HEAL_HASH_ROOM);
	if (why == NULL)
		return 0;
	if (is_changing(h, s->op))
		return ASSAY_E_AGAIN;
	log_warning(&h->config.app->log, "heal", "a rebuilt file is not readable any more",
		    "op=%lu why=\"%s\"", s->op, why);
	staged_spoil(h, s->op);
	return ASSAY_E_NOTFOUND;
}

int staged_hash(struct heals *h, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	struct staged_op *s = staged_known(h, op);
	struct stat file;
	int error = stat_manifest(h, &file, op);

	if (error != 0)
		return error;
	if (s == NULL)
		s = note(h, op, "");
	if (s == NULL)
		return ASSAY_E_IO;
	if (s->state != STAGED_SEEN && !is_same(&s->manifest, &file)) {
		s->state = STAGED_SEEN;
		s->reader = NULL; /* what it reads is of the file before */
	}
	if (s->state == STAGED_WELL)
		return well(h, hash, s);
	if (s->state == STAGED_NOT)
		return ASSAY_E_NOTFOUND;
	s->manifest = file;
	s->state = STAGED_WANTED;
	read_next(h);
	return ASSAY_E_AGAIN;
}
