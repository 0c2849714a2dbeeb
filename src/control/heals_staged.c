/* SPDX-License-Identifier: Apache-2.0 */
/* The store's part of what is staged: verifiers read the rebuilt file from it, by grant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/heal_stage.h"
#include "control/heals_impl.h"

#define KEYS_PAGE 64

/* Another op has staged the same file, or is about to. */
static bool is_shared(const struct heals_job *j, const char *hash)
{
	const struct heals *h = j->heals;
	const struct staged_op *s;
	const struct heals_job *other;
	uint64_t op = j->task.order.op;

	TAILQ_FOREACH(s, &h->staged, entry)
	if (s->op != op && s->state != STAGED_NOT && strcmp(s->hash, hash) == 0)
		return true;
	TAILQ_FOREACH(other, &h->jobs, entry)
	if (other->task.order.work == HEAL_BUILD && memcmp(other->key, j->key, 32) == 0)
		return true;
	return false;
}

/* --- the store --- */

static bool goes_on(void *ctx, uint64_t done, uint64_t total)
{
	return !heal_stopped(ctx);
}

static void stage(struct store_task *task, struct store *store)
{
	struct heals_job *j = heals_job_of(task);
	struct store_progress progress = {goes_on, &j->task};
	char path[400];

	stage_path(path, sizeof(path), j->task.root, j->task.order.op, STAGE_FILE);
	task->result = store_stage(store, j->key, path, &progress);
	/* Somebody has put that very file: then all may read it. */
	if (task->result == ASSAY_E_EXISTS)
		task->result = 0;
	/* What nobody could verify is not staged. */
	if (task->result != 0)
		heal_build_failed(&j->task);
}

static void on_staged(struct store_task *task)
{
	struct heals_job *j = heals_job_of(task);

	if (task->result == 0) {
		staged_built(j);
		heals_job_end(j);
		return;
	}
	heal_finish(&j->task, HEAL_END_OURS, "the rebuilt file cannot be made readable: %s",
		    assay_error_text(task->result));
	heals_job_end(j);
}

void staged_open(struct heals_job *j)
{
	if (base64_read(j->key, 32, j->task.hash, strlen(j->task.hash)))
		heals_job_store(j, stage, on_staged);
	else
		heals_job_fail(j, HEAL_END_OURS, "the hash cannot be read");
}

static void unstage(struct store_task *task, struct store *store)
{
	task->result = store_unstage(store, heals_job_of(task)->key);
}

static void on_unstaged(struct store_task *task)
{
	struct heals_job *j = heals_job_of(task);

	if (task->result == 0)
		heals_job_submit(j, HEAL_STEP_REMOVE);
	else
		heals_job_fail(j, HEAL_END_OURS, "the rebuilt file stays readable: %s",
			       assay_error_text(task->result));
}

/* The hash of what an op may have staged: as its manifest says, or its row, or its ticket. */
static const char *hash_of(struct heals_job *j)
{
	struct state *s = heals_state(j);
	const struct ticket *t = s != NULL ? ticket_find(s, j->task.order.ticket) : NULL;
	const struct staged_op *staged = staged_known(j->heals, j->task.order.op);

	if (staged != NULL && staged->hash[0] != '\0')
		return staged->hash;
	return t != NULL ? text_of(t->data_hash) : "";
}

void staged_close(struct heals_job *j)
{
	char hash[45];

	snprintf(hash, sizeof(hash), "%s", hash_of(j));
	staged_forget(j->heals, j->task.order.op);
	if (base64_read(j->key, 32, hash, strlen(hash)) && !is_shared(j, hash))
		heals_job_store(j, unstage, on_unstaged);
	else
		heals_job_submit(j, HEAL_STEP_REMOVE);
}

/* --- at start --- */

struct restaging {
	struct store_task task; /* first */
	struct heals *heals;
	bool all; /* what is not in the list is of no folder */
	unsigned n;
	struct kept {
		uint64_t op;
		char path[400];
		uint8_t key[32];
		int error;
	} kept[];
};

static bool is_kept(const struct restaging *r, const uint8_t key[32])
{
	for (unsigned i = 0; i < r->n; i++)
		if (memcmp(r->kept[i].key, key, 32) == 0)
			return true;
	return false;
}

static void unstage_others(struct restaging *r, struct store *store)
{
	uint8_t keys[KEYS_PAGE][32], after[32];
	unsigned n = store_staged(store, NULL, keys, KEYS_PAGE);

	while (n > 0) {
		memcpy(after, keys[n - 1], 32);
		for (unsigned i = 0; i < n; i++)
			if (!is_kept(r, keys[i]))
				store_unstage(store, keys[i]);
		n = store_staged(store, after, keys, KEYS_PAGE);
	}
}

/* The store remembers what was staged; the folders that stay say what still is. */
static void restage(struct store_task *task, struct store *store)
{
	struct restaging *r = (struct restaging *)task;

	if (r->all)
		unstage_others(r, store);
	for (unsigned i = 0; i < r->n; i++)
		r->kept[i].error = store_stage(store, r->kept[i].key, r->kept[i].path, NULL);
}

/* A folder whose file is gone or has other bytes is not staged, whatever its manifest says. */
static void on_restaged(struct store_task *task)
{
	struct restaging *r = (struct restaging *)task;

	r->heals->followed = true;
	for (unsigned i = 0; i < r->n; i++) {
		const struct kept *k = &r->kept[i];

		if (k->error == 0 || k->error == ASSAY_E_EXISTS)
			continue;
		log_warning(&r->heals->config.app->log, "heal",
			    "a rebuilt file is not readable any more", "path=%s error=\"%s\"",
			    k->path, assay_error_text(k->error));
		if (k->error == ASSAY_E_NOTFOUND || k->error == ASSAY_E_CORRUPT)
			staged_spoil(r->heals, k->op);
	}
	free(r);
}

static void on_dropped(struct store_task *task)
{
	free(task);
}

void heals_follow(struct heals *h)
{
	struct app *app = h->config.app;
	const struct staged_op *s;
	struct restaging *r;
	unsigned n = 0;

	work_thread_beside(h->thread);
	TAILQ_FOREACH(s, &h->staged, entry)
	n++;
	r = calloc(1, sizeof(*r) + n * sizeof(r->kept[0]));
	if (r == NULL || app->store_thread == NULL) {
		free(r);
		return;
	}
	r->task = (struct store_task){.kind = STORE_ERRAND,
				      .fd = -1,
				      .errand = restage,
				      .finished = on_restaged,
				      .dropped = on_dropped};
	r->heals = h;
	r->all = true;
	TAILQ_FOREACH(s, &h->staged, entry)
	{
		struct kept *k = &r->kept[r->n];

		k->op = s->op;
		stage_path(k->path, sizeof(k->path), h->root, s->op, STAGE_FILE);
		if (base64_read(k->key, 32, s->hash, strlen(s->hash)))
			r->n++;
		else
			r->all = false; /* whose folder that is nobody knows */
	}
	store_thread_submit(app->store_thread, &r->task);
}
