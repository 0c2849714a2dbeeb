/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers that are whole become artifacts: the bytes are read back and must give the key, then
 * files, names and folders are made durable, for a group together, since one sync of the file
 * system before the names and one after them serve them all. Only then is any of them durable to
 * its writer, and visible to anybody.
 */
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "store/transfer.h"

#define GROUP	     32
#define SYNC_ALL_MIN 2 /* of so many on, one sync of everything costs less than one for each */

/* One transfer on its way. */
struct commit {
	struct transfer *transfer;
	struct record *old, *record;
	bool keep; /* the old artifact is good: nothing to install */
	bool loads;
	bool waits; /* for a claim */
	int err;
};

static int read_piece(struct store *s, const struct transfer *t, const struct tree_pass *pass,
		      uint32_t piece)
{
	uint32_t len = tree_pass_len(pass, piece);
	int64_t got = s->disk.read(s->disk.ctx, t->temp.bytes_file, s->piece, len,
				   (uint64_t)piece * PIECE_LEN);

	return got < 0 ? (int)got : got == len ? 0 : ASSAY_E_CORRUPT;
}

/* Reads everything, writes the outboard; CORRUPT when that is not the artifact of the key. */
static int check_bytes(struct store *s, struct transfer *t)
{
	struct temp_files tree = {.bytes_file = -1, .tree_file = -1};
	struct tree_writer writer = {s, -1, t->chunks};
	struct tree_sink sink = {NULL, NULL};
	struct tree_pass pass;
	uint8_t root[32];
	int err = t->chunks > 1 ? temp_create(s, &tree, false, true) : 0;

	if (err != 0)
		return err;
	if (t->chunks > 1) {
		memcpy(t->temp.tree, tree.tree, sizeof(t->temp.tree));
		t->temp.tree_file = writer.file = tree.tree_file;
		sink = (struct tree_sink){tree_write, &writer};
	}
	err = tree_pass_open(&pass, t->size, sink);
	if (err != 0)
		return err;
	for (uint32_t i = 0; err == 0 && i < pass.pieces; i++) {
		err = read_piece(s, t, &pass, i);
		if (err == 0)
			err = tree_pass_piece(&pass, i, s->piece);
		if (err == 0 && !progress_step(s, NULL, i, pass.pieces))
			err = ASSAY_E_CLOSED;
	}
	if (err == 0)
		err = tree_pass_end(&pass, root);
	if (err == 0 && memcmp(root, t->key, 32) != 0)
		err = ASSAY_E_CORRUPT;
	tree_pass_close(&pass);
	return err;
}

/* Memory is taken before the files get their names, for all of the group: after that nothing may
 * fail. */
static int prepare(struct store *s, struct commit *c)
{
	struct transfer *t = c->transfer;
	int err = check_bytes(s, t);

	if (err != 0)
		return err;
	c->old = index_find(s, t->key);
	if (c->old != NULL && !c->old->staged) {
		c->keep = check_record(s, c->old, NULL) == 0;
		if (c->keep)
			return 0;
		if (atomic_load(&c->old->artifact.state) != ARTIFACT_ROT)
			return ASSAY_E_IO;
	}
	c->record = record_new(s, t->key, t->size);
	if (c->record == NULL || record_reserve(s, GROUP) != 0)
		return ASSAY_E_NOMEM;
	return 0;
}

/* The same artifact twice in a group: the second finds the first when that is published. */
static bool is_twin(const struct commit *list, unsigned n, const struct transfer *t)
{
	for (unsigned i = 0; i < n; i++)
		if (memcmp(list[i].transfer->key, t->key, 32) == 0)
			return true;
	return false;
}

static unsigned take_group(struct store *s, struct commit list[GROUP])
{
	struct transfers *all = s->transfers;
	unsigned n = 0;

	pthread_mutex_lock(&all->lock);
	for (unsigned i = 0; i < TRANSFER_SLOTS && n < GROUP; i++) {
		struct transfer *t = &all->slot[i];

		if (t->number != 0 && t->state == WRITE_CHECKING && !is_twin(list, n, t))
			list[n++] = (struct commit){.transfer = t};
	}
	pthread_mutex_unlock(&all->lock);
	return n;
}

static bool installs(const struct commit *c)
{
	return c->err == 0 && !c->keep;
}

static int sync_folders(struct store *s, const struct commit *list, unsigned n)
{
	bool synced[256] = {false};
	int err = 0;

	for (unsigned i = 0; err == 0 && i < n; i++) {
		const uint8_t *key = list[i].transfer->key;

		if (!installs(&list[i]) || synced[key[0]])
			continue;
		synced[key[0]] = true;
		err = folder_sync(s, key);
	}
	return err;
}

/* With them the folders' own names are durable. */
static int sync_everything(struct store *s, const struct commit *list, unsigned n)
{
	int err = store_sync(s);

	for (unsigned i = 0; err == 0 && i < n; i++)
		if (installs(&list[i]))
			s->folder_synced[list[i].transfer->key[0]] = true;
	return err;
}

static void sync_contents(struct store *s, struct commit *list, unsigned n, bool all)
{
	int err = all ? store_sync(s) : 0;

	for (unsigned i = 0; i < n; i++)
		if (installs(&list[i]))
			list[i].err = all ? err : temp_sync(s, &list[i].transfer->temp);
}

/* Each step for all before the next one for any. */
static void install(struct store *s, struct commit *list, unsigned n)
{
	unsigned count = 0;
	bool all;
	int err;

	for (unsigned i = 0; i < n; i++)
		count += installs(&list[i]);
	all = count >= SYNC_ALL_MIN;
	sync_contents(s, list, n, all);
	for (unsigned i = 0; i < n; i++)
		if (installs(&list[i]) && !claim_kept(list[i].old))
			claim_mark(s, list[i].transfer->key);
	for (unsigned i = 0; i < n; i++)
		if (installs(&list[i]))
			list[i].err = temp_rename(s, &list[i].transfer->temp, list[i].transfer->key,
						  !all);
	err = all ? sync_everything(s, list, n) : sync_folders(s, list, n);
	for (unsigned i = 0; err != 0 && i < n; i++)
		if (installs(&list[i]))
			list[i].err = err;
	for (unsigned i = 0; i < n; i++)
		if (installs(&list[i]))
			list[i].err = stage_end(s, list[i].transfer->key, list[i].old);
}

static void publish(struct store *s, struct commit *c)
{
	struct transfer *t = c->transfer;
	struct record *r = c->record;

	c->waits = !claim_kept(c->old);
	if (c->old != NULL)
		record_replace(s, c->old, r);
	else
		record_publish(s, r);
	/* What an operator has stored stays that. */
	if (c->waits && c->old != NULL)
		claim_mark(s, t->key); /* the old one took its own along */
	record_checked(s, r, true);
	atomic_store(&r->artifact.used_s, (uint32_t)(clock_mono(s->config.clock) / 1000000000u));
	if (c->waits)
		claim_wait(s, r, t->account, t->charge);
	c->record = NULL;
	c->loads = true;
}

static uint16_t code_of(int err)
{
	switch (err) {
	case 0:
		return ASSAY_R_NONE;
	case ASSAY_E_CORRUPT:
		return ASSAY_R_ARTIFACT_ROT;
	case ASSAY_E_NOSPC:
		return ASSAY_R_DISK_FULL;
	default:
		return ASSAY_R_BUSY;
	}
}

static void finish(struct store *s, struct commit *c)
{
	struct transfer *t = c->transfer;

	if (c->keep)
		store_hold(s, t->key);
	else if (c->err != 0 && (c->old == NULL || c->old->staged))
		claim_unmark(s, t->key); /* nobody claims what a heal has staged */
	temp_drop(s, &t->temp);
	record_free(c->record);
	pthread_mutex_lock(&s->transfers->lock);
	transfer_end(s, t, c->err == 0 ? WRITE_DURABLE : WRITE_FAILED, code_of(c->err), c->waits);
	t->used_ns = clock_mono(s->config.clock);
	pthread_mutex_unlock(&s->transfers->lock);
	atomic_fetch_sub(&s->transfers->checking, 1);
}

unsigned store_commit(struct store *s)
{
	struct commit list[GROUP];
	uint8_t loads[GROUP][32];
	unsigned n, load_count = 0;

	if (!store_commit_waits(s))
		return 0;
	record_sweep(s);
	n = take_group(s, list);
	for (unsigned i = 0; i < n; i++)
		list[i].err = s->failed ? ASSAY_E_CLOSED : prepare(s, &list[i]);
	install(s, list, n);
	for (unsigned i = 0; i < n; i++) {
		if (installs(&list[i]))
			publish(s, &list[i]);
		if (list[i].loads)
			memcpy(loads[load_count++], list[i].transfer->key, 32);
		finish(s, &list[i]);
	}
	/* The writers know; into memory takes its time. */
	for (unsigned i = 0; i < load_count; i++)
		load_record(s, index_find(s, loads[i]));
	return n;
}

bool store_commit_waits(const struct store *s)
{
	return atomic_load(&s->transfers->checking) > 0;
}

void store_on_commit(struct store *s, void (*wake)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&s->transfers->lock);
	s->transfers->wake = wake;
	s->transfers->wake_ctx = ctx;
	pthread_mutex_unlock(&s->transfers->lock);
}
