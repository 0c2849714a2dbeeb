/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an artifact from the disk and compares all of it: the bytes with the key, the outboard and
 * what is in memory with the bytes. Good bytes are loaded when there is room, and a missing or
 * wrong outboard is built again.
 */
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "store/store_impl.h"

struct check {
	struct store *store;
	struct record *record;
	const struct store_progress *progress;
	bool medium; /* read what the disk has, not what a cache remembers */
	struct tree_pass pass;
	int bytes_file, tree_file; /* -1: not there */
	struct resident *fresh;	   /* being filled, or NULL */
	bool outboard_bad, memory_bad;
	const char *why; /* it is rot */
};

bool progress_step(struct store *s, const struct store_progress *progress, uint64_t done,
		   uint64_t total)
{
	if (atomic_load_explicit(&s->stopping, memory_order_relaxed))
		return false;
	return progress == NULL || progress->step(progress->ctx, done, total);
}

/* The outboard is what follows from the bytes, so it is never the bytes that give way to it. */
static int compare_values(void *ctx, struct tree_node first, const uint8_t *values, uint32_t count)
{
	struct check *c = ctx;
	const struct disk *d = &c->store->disk;
	const struct resident *old = c->record->resident;
	size_t len = 32 * (size_t)count;

	if (c->fresh != NULL)
		resident_fill_values(c->fresh, first, values, count);
	if (old != NULL &&
	    memcmp(tree_value(old->bytes.outboard, c->pass.chunks, first), values, len) != 0)
		c->memory_bad = true;
	if (c->tree_file < 0 || c->outboard_bad)
		return 0;
	int64_t got = d->read(d->ctx, c->tree_file, c->store->compare, len,
			      tree_offset(c->pass.chunks, first));

	if (got == ASSAY_E_CLOSED)
		return ASSAY_E_CLOSED;
	if (got != (int64_t)len || memcmp(c->store->compare, values, len) != 0)
		c->outboard_bad = true;
	return 0;
}

static int open_files(struct check *c)
{
	const struct disk *d = &c->store->disk;
	char path[PATH_LEN];

	path_bytes(path, c->record->artifact.key);
	c->bytes_file = d->open(d->ctx, path, DISK_READ);
	if (c->bytes_file == ASSAY_E_NOTFOUND || c->bytes_file == ASSAY_E_INVAL) {
		c->why = "the file is gone";
		return ASSAY_E_CORRUPT;
	}
	if (c->bytes_file < 0)
		return c->bytes_file;
	if (c->medium)
		d->forget(d->ctx, c->bytes_file);
	if (c->pass.chunks == 1)
		return 0;
	path_tree(path, c->record->artifact.key);
	c->tree_file = d->open(d->ctx, path, DISK_READ);
	if (c->tree_file == ASSAY_E_CLOSED)
		return ASSAY_E_CLOSED;
	c->outboard_bad = c->tree_file < 0 || d->size(d->ctx, c->tree_file) !=
						      (int64_t)tree_outboard_len(c->pass.chunks);
	if (c->tree_file >= 0 && c->medium)
		d->forget(d->ctx, c->tree_file);
	return 0;
}

static void close_files(struct check *c)
{
	const struct disk *d = &c->store->disk;

	if (c->bytes_file >= 0) {
		if (c->medium)
			d->forget(d->ctx, c->bytes_file); /* nor push other things out */
		d->close(d->ctx, c->bytes_file);
	}
	if (c->tree_file >= 0)
		d->close(d->ctx, c->tree_file);
}

static int read_piece(struct check *c, uint32_t piece)
{
	const struct disk *d = &c->store->disk;
	uint32_t len = tree_pass_len(&c->pass, piece);
	int64_t got =
		d->read(d->ctx, c->bytes_file, c->store->piece, len, (uint64_t)piece * PIECE_LEN);

	if (got == ASSAY_E_IO)
		c->why = "the disk cannot read it";
	if (got < 0)
		return (int)got;
	if (got != len) {
		c->why = "the file is shorter than it was";
		return ASSAY_E_CORRUPT;
	}
	return 0;
}

static int check_piece(struct check *c, uint32_t piece)
{
	const struct resident *old = c->record->resident;
	uint64_t offset = (uint64_t)piece * PIECE_LEN;
	uint32_t len = tree_pass_len(&c->pass, piece);
	int err = read_piece(c, piece);

	if (err != 0)
		return err;
	if (c->fresh != NULL)
		resident_fill(c->fresh, offset, c->store->piece, len);
	if (old != NULL && memcmp(old->bytes.data + offset, c->store->piece, len) != 0)
		c->memory_bad = true;
	err = tree_pass_piece(&c->pass, piece, c->store->piece);
	if (err == 0 && !progress_step(c->store, c->progress, offset + len, c->pass.size))
		err = ASSAY_E_CLOSED;
	return err;
}

static int check_bytes(struct check *c)
{
	const struct disk *d = &c->store->disk;
	uint8_t root[32];
	int err = open_files(c);

	for (uint32_t i = 0; err == 0 && i < c->pass.pieces; i++)
		err = check_piece(c, i);
	if (err == 0)
		err = tree_pass_end(&c->pass, root);
	if (err != 0)
		return err;
	int64_t size = d->size(d->ctx, c->bytes_file);

	if (size < 0)
		return (int)size;
	if (size != (int64_t)c->pass.size || memcmp(root, c->record->artifact.key, 32) != 0) {
		c->why = "its bytes do not match its key";
		return ASSAY_E_CORRUPT;
	}
	return 0;
}

/* Builds the outboard from bytes that were just found good, and that must give the same root. */
static int build_outboard(struct check *c)
{
	struct store *s = c->store;
	struct temp_files temp;
	struct tree_writer writer = {s, -1, c->pass.chunks};
	uint8_t root[32];
	int err = temp_create(s, &temp, false, true);

	writer.file = temp.tree_file;
	c->pass.sink = (struct tree_sink){tree_write, &writer};
	for (uint32_t i = 0; err == 0 && i < c->pass.pieces; i++) {
		err = read_piece(c, i);
		if (err == 0)
			err = tree_pass_piece(&c->pass, i, s->piece);
		if (err == 0 && !progress_step(s, NULL, i, c->pass.pieces))
			err = ASSAY_E_CLOSED;
	}
	if (err == 0)
		err = tree_pass_end(&c->pass, root);
	if (err == 0 && memcmp(root, c->record->artifact.key, 32) != 0) {
		c->why = "its bytes change from one reading to the next";
		err = ASSAY_E_CORRUPT;
	}
	if (err == 0)
		err = temp_sync(s, &temp);
	if (err == 0)
		err = temp_install(s, &temp, c->record->artifact.key);
	temp_drop(s, &temp);
	return err;
}

static int repair_outboard(struct check *c)
{
	struct store *s = c->store;
	char key[65];
	int err = s->failed ? ASSAY_E_CLOSED : build_outboard(c);

	hex_encode(key, c->record->artifact.key, 32);
	atomic_store(&c->record->outboard_missing, err != 0);
	readers_forget(s, c->record);
	if (err == 0)
		log_warning(&s->log, "store", "outboard was missing or wrong and is built again",
			    "key=%s", key);
	else
		log_error(&s->log, "store", "cannot build an outboard; the artifact stays slow",
			  "key=%s error=\"%s\"", key, assay_error_text(err));
	return err;
}

/* Everything agrees with the key: back to service, into memory. */
static void accept(struct check *c)
{
	if (c->memory_bad) {
		char key[65];

		hex_encode(key, c->record->artifact.key, 32);
		log_error(&c->store->log, "store",
			  "memory changed by itself; test this machine's memory", "key=%s", key);
		resident_retire(c->store, c->record);
	}
	record_good_again(c->store, c->record);
	if (c->fresh != NULL)
		resident_publish(c->store, c->fresh);
	c->fresh = NULL;
}

static void reject(struct check *c)
{
	record_rot(c->store, c->record, c->why);
	resident_retire(c->store, c->record);
}

static int check(struct check *c)
{
	struct store *s = c->store;
	int err = check_bytes(c);

	if (err == 0 && c->outboard_bad)
		err = repair_outboard(c);
	if (err == 0)
		accept(c);
	else if (c->why != NULL)
		reject(c);
	close_files(c);
	if (err != ASSAY_E_CLOSED)
		record_checked(s, c->record, err == 0);
	return err;
}

int check_record(struct store *s, struct record *r, const struct store_progress *progress)
{
	struct check c = {s, r, progress, .medium = true, .bytes_file = -1, .tree_file = -1};
	int err;

	if (r->artifact.size == 0 || r->artifact.size > TREE_SIZE_MAX) {
		record_checked(s, r, false); /* marked as rot when it was found */
		return ASSAY_E_CORRUPT;
	}
	err = tree_pass_open(&c.pass, r->artifact.size, (struct tree_sink){compare_values, &c});
	if (err != 0)
		return err;
	c.fresh = r->resident == NULL ? resident_new(s, r) : NULL;
	err = check(&c);
	resident_free(c.fresh);
	tree_pass_close(&c.pass);
	return err;
}

void load_record(struct store *s, struct record *r)
{
	struct check c = {s, r, .bytes_file = -1, .tree_file = -1};

	c.fresh = resident_new(s, r);
	if (c.fresh == NULL)
		return;
	if (tree_pass_open(&c.pass, r->artifact.size, (struct tree_sink){compare_values, &c}) ==
	    0) {
		check(&c);
		tree_pass_close(&c.pass);
	}
	resident_free(c.fresh);
}
