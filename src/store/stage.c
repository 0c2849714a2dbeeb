/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What heals have staged: files of this node that some may read by a grant and nobody else may know
 * of. A mark says of each that it is such a one. It is durable before the file has the name of an
 * artifact, and goes after it, so no crash makes an artifact of what was only staged.
 */
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "store/store_impl.h"

#define FOLDER "artifacts/staged"

struct staging {
	struct store *store;
	const uint8_t *key;
	struct temp_files temp;
	int source; /* is temp.bytes_file when that is the file itself */
	uint64_t size;
};

static void path_mark(char out[PATH_LEN], const uint8_t key[32])
{
	char hex[65];

	hex_encode(hex, key, 32);
	snprintf(out, PATH_LEN, FOLDER "/%s", hex);
}

static int sync_marks(struct store *s)
{
	int err = s->disk.sync_dir(s->disk.ctx, FOLDER);

	return err == 0 ? 0 : store_sync_failed(s, FOLDER, err);
}

static int mark(struct store *s, const uint8_t key[32])
{
	char path[PATH_LEN];
	int file;

	path_mark(path, key);
	file = s->disk.open(s->disk.ctx, path, DISK_CREATE);
	if (file < 0 && file != ASSAY_E_EXISTS)
		return file;
	if (file >= 0)
		s->disk.close(s->disk.ctx, file);
	return sync_marks(s);
}

static int unmark(struct store *s, const uint8_t key[32])
{
	char path[PATH_LEN];
	int err;

	path_mark(path, key);
	err = s->disk.remove(s->disk.ctx, path);
	if (err != 0 && err != ASSAY_E_NOTFOUND) {
		s->stale_mark = true;
		return err;
	}
	return sync_marks(s);
}

/* A mark without a staged file could hide the artifact from the next start. */
int stage_end(struct store *s, const uint8_t key[32], const struct record *old)
{
	return s->stale_mark || (old != NULL && old->staged) ? unmark(s, key) : 0;
}

int stage_load(struct store *s, const uint8_t key[32])
{
	struct record *r = index_find(s, key);
	char path[PATH_LEN];
	int err = 0;

	if (r != NULL) {
		claim_end(s, r); /* of a push that came to nothing */
		record_stage(s, r);
		return 0;
	}
	path_mark(path, key);
	err = s->disk.remove(s->disk.ctx, path);
	if (err != 0)
		log_error(&s->log, "store",
			  "cannot remove a mark; check the disk and its permissions",
			  "path=%s error=\"%s\"", path, assay_error_text(err));
	return err;
}

/* --- the file comes in --- */

/* As a link under a temporary name; UNSUPPORTED where only a copy will do. */
static int open_link(struct staging *g, const char *path)
{
	struct store *s = g->store;
	const struct disk *d = &s->disk;
	int err;

	do {
		snprintf(g->temp.bytes, sizeof(g->temp.bytes), "artifacts/tmp/%llu",
			 (unsigned long long)s->next_temp++);
		err = d->link(d->ctx, path, g->temp.bytes);
	} while (err == ASSAY_E_EXISTS);
	if (err != 0)
		return err;
	g->source = g->temp.bytes_file = d->open(d->ctx, g->temp.bytes, DISK_READ);
	if (g->source < 0) {
		d->remove(d->ctx, g->temp.bytes);
		return g->source;
	}
	return 0;
}

static int open_copy(struct staging *g, const char *path)
{
	const struct disk *d = &g->store->disk;
	int err;

	g->source = d->open(d->ctx, path, DISK_READ);
	if (g->source < 0)
		return g->source;
	err = temp_create(g->store, &g->temp, true, false);
	if (err != 0)
		d->close(d->ctx, g->source);
	return err;
}

static int check_size(struct staging *g)
{
	const struct disk *d = &g->store->disk;
	int64_t size = d->size(d->ctx, g->source);

	if (size <= 0)
		return size < 0 ? (int)size : ASSAY_E_INVAL;
	if ((uint64_t)size > TREE_SIZE_MAX)
		return ASSAY_E_RANGE;
	g->size = (uint64_t)size;
	uint64_t need = tree_outboard_len(tree_chunks(g->size));

	return disk_room(g->store, need + (g->source == g->temp.bytes_file ? 0 : g->size));
}

static int take_piece(struct staging *g, struct tree_pass *pass, uint32_t piece)
{
	struct store *s = g->store;
	uint32_t len = tree_pass_len(pass, piece);
	uint64_t offset = (uint64_t)piece * PIECE_LEN;
	int64_t got = s->disk.read(s->disk.ctx, g->source, s->piece, len, offset);
	int err = got < 0 ? (int)got : got == len ? 0 : ASSAY_E_CORRUPT;

	if (err == 0 && g->source != g->temp.bytes_file)
		err = s->disk.write(s->disk.ctx, g->temp.bytes_file, s->piece, len, offset);
	return err == 0 ? tree_pass_piece(pass, piece, s->piece) : err;
}

/* All of it once, the outboard written on the way; CORRUPT when it is not the key's. */
static int take_bytes(struct staging *g, const struct store_progress *progress)
{
	struct store *s = g->store;
	struct tree_writer writer = {s, g->temp.tree_file, tree_chunks(g->size)};
	struct tree_sink sink = {g->temp.tree_file >= 0 ? tree_write : NULL, &writer};
	struct tree_pass pass;
	uint8_t root[32];
	int err = tree_pass_open(&pass, g->size, sink);

	if (err != 0)
		return err;
	for (uint32_t i = 0; err == 0 && i < pass.pieces; i++) {
		err = take_piece(g, &pass, i);
		if (err == 0 && !progress_step(s, progress, (uint64_t)i * PIECE_LEN, g->size))
			err = ASSAY_E_CLOSED;
	}
	if (err == 0)
		err = tree_pass_end(&pass, root);
	if (err == 0 && memcmp(root, g->key, 32) != 0)
		err = ASSAY_E_CORRUPT;
	tree_pass_close(&pass);
	return err;
}

static int create_tree(struct staging *g)
{
	struct temp_files tree;
	int err;

	if (tree_chunks(g->size) == 1)
		return 0;
	err = temp_create(g->store, &tree, false, true);
	if (err != 0)
		return err;
	g->temp.tree_file = tree.tree_file;
	memcpy(g->temp.tree, tree.tree, sizeof(g->temp.tree));
	return 0;
}

/* Memory is taken before the files get their names: after that nothing may fail. */
static int install(struct staging *g, struct record *old)
{
	struct store *s = g->store;
	bool staged = old == NULL || old->staged;
	struct record *r = record_new(s, g->key, g->size);
	int err = r == NULL || record_reserve(s, 1) != 0 ? ASSAY_E_NOMEM : 0;

	if (err == 0)
		err = temp_sync(s, &g->temp);
	if (err == 0 && old == NULL)
		err = mark(s, g->key);
	if (err == 0) {
		err = temp_install(s, &g->temp, g->key);
		if (err != 0 && old == NULL && g->temp.bytes_file >= 0) /* not renamed */
			unmark(s, g->key);
	}
	if (err != 0) {
		record_free(r);
		return err;
	}
	if (staged)
		atomic_store(&r->artifact.state, ARTIFACT_PRIVATE);
	r->staged = staged;
	if (old != NULL)
		record_replace(s, old, r);
	else
		record_publish(s, r);
	record_checked(s, r, true);
	return staged ? 0 : ASSAY_E_EXISTS;
}

static int bring_in(struct staging *g, struct record *old, const struct store_progress *progress)
{
	int err = check_size(g);

	if (err == 0)
		err = create_tree(g);
	if (err == 0)
		err = take_bytes(g, progress);
	if (err == 0)
		err = install(g, old);
	return err;
}

/* Rotten files of that key are replaced, whatever they are. */
int store_stage(struct store *s, const uint8_t key[32], const char *path,
		const struct store_progress *progress)
{
	struct staging g = {s, key, .temp = {.bytes_file = -1, .tree_file = -1}};
	struct record *old = index_find(s, key);
	int err;

	record_sweep(s);
	if (s->failed)
		return ASSAY_E_CLOSED;
	if (old != NULL) {
		err = check_record(s, old, progress);
		if (err == 0)
			return old->staged ? 0 : ASSAY_E_EXISTS;
		if (atomic_load(&old->artifact.state) != ARTIFACT_ROT)
			return err;
	}
	err = open_link(&g, path);
	if (err == ASSAY_E_UNSUPPORTED)
		err = open_copy(&g, path);
	if (err != 0)
		return err;
	bool copies = g.source != g.temp.bytes_file;

	err = bring_in(&g, old, progress);
	if (copies)
		s->disk.close(s->disk.ctx, g.source);
	temp_drop(s, &g.temp);
	return err;
}

int store_unstage(struct store *s, const uint8_t key[32])
{
	struct record *r = index_find(s, key);
	int err;

	record_sweep(s);
	if (r == NULL || !r->staged)
		return 0;
	if (s->failed)
		return ASSAY_E_CLOSED;
	err = files_remove(s, key);
	if (err == 0)
		err = unmark(s, key);
	if (err == 0)
		record_retire(s, r);
	return err;
}

unsigned store_staged(struct store *s, const uint8_t *after, uint8_t (*keys)[32], unsigned room)
{
	unsigned n = 0;

	pthread_mutex_lock(&s->lock);
	uint64_t at = after != NULL ? record_above(s, after, false) : 0;

	for (; n < room && at < s->sorted_count; at++)
		if (s->sorted[at]->staged)
			memcpy(keys[n++], s->sorted[at]->artifact.key, 32);
	pthread_mutex_unlock(&s->lock);
	return n;
}
