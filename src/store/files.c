/* SPDX-License-Identifier: Apache-2.0 */
/* Names on the disk, and the steps in which an artifact comes to be there. */
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/text.h"
#include "store/store_impl.h"

#define TEMP_TRIES 64 /* names that a crash left and that could not be removed */

static void path_of(char out[PATH_LEN], const uint8_t key[32], const char *suffix)
{
	char hex[65];

	hex_encode(hex, key, 32);
	snprintf(out, PATH_LEN, "artifacts/%.2s/%s%s", hex, hex, suffix);
}

void path_folder(char out[PATH_LEN], const uint8_t key[32])
{
	snprintf(out, PATH_LEN, "artifacts/%02x", key[0]);
}

void path_bytes(char out[PATH_LEN], const uint8_t key[32])
{
	path_of(out, key, "");
}

void path_tree(char out[PATH_LEN], const uint8_t key[32])
{
	path_of(out, key, ".tree");
}

uint64_t tree_offset(uint32_t chunks, struct tree_node node)
{
	return 32 * (tree_level_offset(chunks, node.level) + node.index);
}

int tree_write(void *ctx, struct tree_node first, const uint8_t *values, uint32_t count)
{
	const struct tree_writer *w = ctx;
	const struct disk *d = &w->store->disk;

	return d->write(d->ctx, w->file, values, 32 * (size_t)count, tree_offset(w->chunks, first));
}

/* After a failed sync nobody knows what is on the disk, and asking again may lie. */
int store_sync_failed(struct store *s, const char *path, int code)
{
	s->failed = true;
	log_error(&s->log, "store",
		  code == ASSAY_E_FULL
			  ? "no file descriptor is left to make data durable; stopping, allow the "
			    "process more open files"
			  : "the disk failed to make data durable; stopping, start again when the "
			    "disk is sound",
		  "path=%s error=\"%s\"", path, assay_error_text(code));
	if (s->config.fatal == NULL)
		abort();
	s->config.fatal(s->config.fatal_ctx);
	return code;
}

static int create(struct store *s, char path[PATH_LEN], const char *suffix, uint64_t number)
{
	snprintf(path, PATH_LEN, "artifacts/tmp/%llu%s", (unsigned long long)number, suffix);
	return s->disk.open(s->disk.ctx, path, DISK_CREATE);
}

int temp_create(struct store *s, struct temp_files *t, bool bytes, bool tree)
{
	t->bytes_file = t->tree_file = -1;
	for (unsigned i = 0; i < TEMP_TRIES; i++) {
		uint64_t number = s->next_temp++;
		int err = 0;

		if (bytes && (t->bytes_file = create(s, t->bytes, "", number)) < 0)
			err = t->bytes_file;
		if (err == 0 && tree && (t->tree_file = create(s, t->tree, ".tree", number)) < 0)
			err = t->tree_file;
		if (err == 0)
			return 0;
		temp_drop(s, t);
		if (err != ASSAY_E_EXISTS)
			return err;
	}
	return ASSAY_E_EXISTS;
}

static int sync_file(struct store *s, const char *path, int file)
{
	int err = s->disk.sync(s->disk.ctx, file);

	return err == 0 ? 0 : store_sync_failed(s, path, err);
}

int temp_sync(struct store *s, struct temp_files *t)
{
	int err = 0;

	if (t->tree_file >= 0)
		err = sync_file(s, t->tree, t->tree_file);
	if (err == 0 && t->bytes_file >= 0)
		err = sync_file(s, t->bytes, t->bytes_file);
	return err;
}

static int sync_folder(struct store *s, const char *path)
{
	int err = s->disk.sync_dir(s->disk.ctx, path);

	return err == 0 ? 0 : store_sync_failed(s, path, err);
}

int store_sync(struct store *s)
{
	int err = s->disk.sync_all(s->disk.ctx, "artifacts");

	return err == 0 ? 0 : store_sync_failed(s, "artifacts", err);
}

static int make_folder(struct store *s, const uint8_t key[32], bool sync)
{
	char path[PATH_LEN];
	int err;

	if (s->folder_synced[key[0]])
		return 0;
	path_folder(path, key);
	err = s->disk.make_dir(s->disk.ctx, path);
	if (err == 0 && sync)
		err = sync_folder(s, "artifacts");
	s->folder_synced[key[0]] = err == 0 && sync;
	return err;
}

/* Once it has its name the file is no longer temporary. */
static int rename_temp(struct store *s, int *file, const char *from, const char *to)
{
	int err = s->disk.rename(s->disk.ctx, from, to);

	if (err == 0) {
		s->disk.close(s->disk.ctx, *file);
		*file = -1;
	}
	return err;
}

int folder_sync(struct store *s, const uint8_t key[32])
{
	char path[PATH_LEN];

	path_folder(path, key);
	return sync_folder(s, path);
}

int temp_rename(struct store *s, struct temp_files *t, const uint8_t key[32], bool sync)
{
	char path[PATH_LEN];
	int err = make_folder(s, key, sync);

	if (err == 0 && t->tree_file >= 0) {
		path_tree(path, key);
		err = rename_temp(s, &t->tree_file, t->tree, path);
	}
	if (err == 0 && t->bytes_file >= 0) {
		path_bytes(path, key);
		err = rename_temp(s, &t->bytes_file, t->bytes, path);
		if (err != 0 && index_find(s, key) == NULL) { /* an outboard of nothing */
			path_tree(path, key);
			s->disk.remove(s->disk.ctx, path);
		}
	}
	return err;
}

int temp_install(struct store *s, struct temp_files *t, const uint8_t key[32])
{
	int err = temp_rename(s, t, key, true);

	return err == 0 ? folder_sync(s, key) : err;
}

static void drop_one(struct store *s, int *file, const char *path)
{
	if (*file < 0)
		return;
	s->disk.close(s->disk.ctx, *file);
	*file = -1;
	if (s->disk.remove(s->disk.ctx, path) != 0)
		log_warning(&s->log, "store", "temporary file stays until the next start",
			    "path=%s", path);
}

void temp_drop(struct store *s, struct temp_files *t)
{
	drop_one(s, &t->bytes_file, t->bytes);
	drop_one(s, &t->tree_file, t->tree);
}

/* The bytes first: their name is what makes the artifact exist. */
int files_remove(struct store *s, const uint8_t key[32])
{
	char path[PATH_LEN];
	int err;

	path_bytes(path, key);
	err = s->disk.remove(s->disk.ctx, path);
	if (err == ASSAY_E_NOTFOUND)
		return 0; /* somebody else did; what is left of it goes at the next start */
	if (err != 0)
		return err;
	path_tree(path, key);
	err = s->disk.remove(s->disk.ctx, path);
	if (err != 0 && err != ASSAY_E_NOTFOUND)
		log_warning(&s->log, "store", "outboard stays until the next start", "path=%s",
			    path);
	return folder_sync(s, key);
}

int disk_room(struct store *s, uint64_t need)
{
	uint64_t free_bytes;
	int err = s->disk.free_bytes(s->disk.ctx, &free_bytes);

	if (err != 0)
		return err;
	return free_bytes >= need && free_bytes - need >= s->config.reserve_bytes ? 0
										  : ASSAY_E_NOSPC;
}
