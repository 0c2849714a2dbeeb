/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start: leftovers are removed, every name of an artifact becomes a record. Nothing is read:
 * what the bytes are worth is for the scrub to find out. All folders are synced, so that whatever
 * is in the index from now on is durable, also what a killed process had renamed and not synced.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "store/store_impl.h"

#define NAME_LEN 80 /* 64 digits, ".tree" or an hour, terminator */

struct names {
	char (*name)[NAME_LEN];
	size_t count, room;
	uint64_t strange; /* names that cannot be an artifact's, and are left alone */
	int err;
};

static int add_name(void *arg, const char *name)
{
	struct names *n = arg;

	if (strlen(name) >= NAME_LEN) {
		n->strange++;
		return 0;
	}
	if (n->count == n->room) {
		size_t room = n->room > 0 ? 2 * n->room : 256;
		void *more = realloc(n->name, room * sizeof(n->name[0]));

		if (more == NULL) {
			n->err = ASSAY_E_NOMEM;
			return 1;
		}
		n->name = more;
		n->room = room;
	}
	strcpy(n->name[n->count++], name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Sorted: an artifact comes right before its outboard. */
static int list_names(struct store *s, struct names *n, const char *path)
{
	n->count = 0;
	n->err = 0;
	int err = s->disk.list(s->disk.ctx, path, add_name, n);

	if (err == 0)
		err = n->err;
	if (err != 0)
		log_error(&s->log, "store",
			  "cannot list a folder; check the disk and its permissions",
			  "path=%s error=\"%s\"", path, assay_error_text(err));
	else if (n->count > 0)
		qsort(n->name, n->count, sizeof(n->name[0]), by_name);
	return err;
}

/* Lower-case hex only: one artifact has one name. */
static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

static void remove_leftover(struct store *s, const char *folder, const char *name)
{
	char path[2 * PATH_LEN];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int err = s->disk.remove(s->disk.ctx, path);

	log_info(&s->log, "store", err == 0 ? "removed a leftover" : "cannot remove a leftover",
		 "path=%s", path);
}

static int clear_temp(struct store *s, struct names *n)
{
	int err = list_names(s, n, "artifacts/tmp");

	for (size_t i = 0; err == 0 && i < n->count; i++)
		remove_leftover(s, "artifacts/tmp", n->name[i]);
	return err;
}

/* The outboard cannot be the right one when its length is not. */
static bool outboard_fits(struct store *s, const struct record *r)
{
	char path[PATH_LEN];

	path_tree(path, r->artifact.key);
	return s->disk.size_of(s->disk.ctx, path) == (int64_t)tree_outboard_len(r->artifact.chunks);
}

/* 0 also when the name turns out to be no artifact. */
static int load_one(struct store *s, struct names *n, const char *name)
{
	uint8_t key[32];
	char path[PATH_LEN];

	hex_decode(key, 32, name);
	path_bytes(path, key);
	int64_t size = s->disk.size_of(s->disk.ctx, path);

	if (size == ASSAY_E_CLOSED)
		return ASSAY_E_CLOSED;
	if (size == ASSAY_E_INVAL || size == ASSAY_E_NOTFOUND) {
		n->strange++;
		return 0;
	}
	struct record *r = record_new(s, key, size > 0 ? (uint64_t)size : 0);

	if (r == NULL || record_reserve(s, 1) != 0) {
		record_free(r);
		return ASSAY_E_NOMEM;
	}
	record_publish(s, r);
	if (size < 0)
		record_rot(s, r, "the disk cannot tell its size");
	else if (size == 0 || (uint64_t)size > TREE_SIZE_MAX)
		record_rot(s, r, "no artifact has that size");
	else if (r->artifact.chunks > 1)
		atomic_store(&r->outboard_missing, !outboard_fits(s, r));
	return 0;
}

static int load_names(struct store *s, struct names *n, const char *folder, const char *path)
{
	const char *last = ""; /* name of the last artifact */
	int err = 0;

	for (size_t i = 0; err == 0 && i < n->count; i++) {
		const char *name = n->name[i];
		bool key = strncmp(name, folder, 2) == 0 && is_hex(name, 64);

		if (key && name[64] == '\0') {
			err = load_one(s, n, name);
			last = name;
		} else if (key && strcmp(name + 64, ".tree") == 0) {
			if (strncmp(name, last, 64) != 0)
				remove_leftover(s, path, name);
		} else {
			n->strange++;
		}
	}
	return err;
}

static int sync_folder(struct store *s, const char *path)
{
	int err = s->disk.sync_dir(s->disk.ctx, path);

	return err == 0 ? 0 : store_sync_failed(s, path, err);
}

static int load_folder(struct store *s, struct names *n, const char *folder)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "artifacts/%s", folder);
	int err = list_names(s, n, path);

	if (err == ASSAY_E_INVAL || err == ASSAY_E_NOTFOUND)
		return 0; /* not a folder */
	if (err == 0)
		err = load_names(s, n, folder, path);
	if (err == 0)
		err = sync_folder(s, path);
	s->folder_synced[strtoul(folder, NULL, 16)] = err == 0;
	return err;
}

static int make_root(struct store *s)
{
	int err = s->disk.make_dir(s->disk.ctx, "artifacts");

	if (err == 0)
		err = s->disk.make_dir(s->disk.ctx, "artifacts/tmp");
	if (err == 0)
		err = s->disk.make_dir(s->disk.ctx, "artifacts/pushed");
	if (err == 0)
		err = s->disk.make_dir(s->disk.ctx, "artifacts/placed");
	if (err == 0)
		err = s->disk.make_dir(s->disk.ctx, "artifacts/staged");
	if (err != 0)
		log_error(&s->log, "store",
			  "cannot make the folder of the artifacts; check the state directory",
			  "path=artifacts error=\"%s\"", assay_error_text(err));
	return err;
}

static int load_claim(struct store *s, const uint8_t key[32])
{
	claim_load(s, key);
	return 0;
}

static int load_marks(struct store *s, struct names *n, const char *path,
		      int (*load)(struct store *s, const uint8_t key[32]))
{
	int err = list_names(s, n, path);
	uint8_t key[32];

	for (size_t i = 0; err == 0 && i < n->count; i++)
		if (is_hex(n->name[i], 64) && n->name[i][64] == '\0') {
			hex_decode(key, 32, n->name[i]);
			err = load(s, key);
		} else {
			n->strange++;
		}
	return err;
}

/* <key>.<hour> */
static int load_placed(struct store *s, struct names *n)
{
	int err = list_names(s, n, "artifacts/placed");
	uint8_t key[32];

	for (size_t i = 0; err == 0 && i < n->count; i++) {
		const char *name = n->name[i], *digits = name + 65;

		if (!is_hex(name, 64) || name[64] != '.' || *digits < '1' || *digits > '9' ||
		    digits[strspn(digits, "0123456789")] != '\0') {
			n->strange++;
			continue;
		}
		hex_decode(key, 32, name);
		claim_load_placed(s, key, (uint32_t)strtoul(digits, NULL, 10));
	}
	return err;
}

int load_all(struct store *s)
{
	struct names folders = {NULL}, files = {NULL};
	int err = make_root(s);

	if (err == 0)
		err = clear_temp(s, &files);
	if (err == 0)
		err = list_names(s, &folders, "artifacts");
	for (size_t i = 0; err == 0 && i < folders.count; i++) {
		const char *name = folders.name[i];

		if (strlen(name) == 2 && is_hex(name, 2))
			err = load_folder(s, &files, name);
		else if (strcmp(name, "tmp") != 0 && strcmp(name, "pushed") != 0 &&
			 strcmp(name, "placed") != 0 && strcmp(name, "staged") != 0)
			folders.strange++;
	}
	if (err == 0)
		err = load_marks(s, &files, "artifacts/pushed", load_claim);
	if (err == 0)
		err = load_placed(s, &files);
	if (err == 0)
		err = load_marks(s, &files, "artifacts/staged", stage_load);
	if (err == 0)
		err = sync_folder(s, "artifacts/staged");
	if (err == 0)
		err = sync_folder(s, "artifacts");
	if (err == 0)
		err = sync_folder(s, ".");
	if (err == 0 && folders.strange + files.strange > 0)
		log_warning(&s->log, "store", "files that are no artifacts are left alone",
			    "path=artifacts count=%llu",
			    (unsigned long long)(folders.strange + files.strange));
	free(folders.name);
	free(files.name);
	return err;
}
