/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing a file of any size in constant memory: bytes and outboard go to temporary files as they
 * come; the key is known at the end, and only then do they get their names.
 */
#include <string.h>

#include "assay/status.h"
#include "store/store_impl.h"

/* Fills the piece; short input is a file that shrank. */
static int read_input(struct store *s, const struct store_input *input, size_t len)
{
	for (size_t done = 0; done < len;) {
		int64_t got = input->read(input->ctx, s->piece + done, len - done);

		if (got < 0)
			return (int)got;
		if (got == 0 || (uint64_t)got > len - done)
			return ASSAY_E_CHANGED;
		done += (size_t)got;
	}
	return 0;
}

static int read_end(const struct store_input *input)
{
	uint8_t more;
	int64_t got = input->read(input->ctx, &more, 1);

	return got == 0 ? 0 : got < 0 ? (int)got : ASSAY_E_CHANGED;
}

static int write_temp(struct store *s, struct temp_files *temp, struct tree_pass *pass,
		      uint8_t key[32], const struct store_input *input,
		      const struct store_progress *progress)
{
	const struct disk *d = &s->disk;
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < pass->pieces; i++) {
		uint32_t len = tree_pass_len(pass, i);
		uint64_t offset = (uint64_t)i * PIECE_LEN;

		err = read_input(s, input, len);
		if (err == 0)
			err = d->write(d->ctx, temp->bytes_file, s->piece, len, offset);
		if (err == 0)
			err = tree_pass_piece(pass, i, s->piece);
		if (err == 0 && !progress_step(s, progress, offset + len, pass->size))
			err = ASSAY_E_CLOSED;
	}
	if (err == 0)
		err = read_end(input);
	if (err == 0)
		err = tree_pass_end(pass, key);
	return err;
}

/* Memory for the record is taken before the files get their names: after that nothing may fail. */
static int install(struct store *s, struct temp_files *temp, struct record *old, struct record *r)
{
	int err = temp_sync(s, temp);

	if (err == 0)
		err = temp_install(s, temp, r->artifact.key);
	if (err == 0)
		err = stage_end(s, r->artifact.key, old);
	if (err != 0)
		return err;
	if (old != NULL)
		record_replace(s, old, r);
	else
		record_publish(s, r);
	record_checked(s, r, true);
	return 0;
}

/* The bytes are in temporary files and the key is known. */
static int settle(struct store *s, struct temp_files *temp, const uint8_t key[32], uint64_t size,
		  const struct store_progress *progress)
{
	struct record *old = index_find(s, key), *r;
	bool artifact = old != NULL && !old->staged;
	int err = artifact ? check_record(s, old, progress) : ASSAY_E_NOTFOUND;

	if (err == 0) {
		claim_end(s, old); /* who stores it here claims it */
		return ASSAY_E_EXISTS;
	}
	if (artifact && atomic_load(&old->artifact.state) != ARTIFACT_ROT)
		return err; /* the disk would not say */
	r = record_new(s, key, size);
	if (r == NULL || record_reserve(s, 1) != 0) {
		record_free(r);
		return ASSAY_E_NOMEM;
	}
	err = install(s, temp, old, r);
	if (err != 0) {
		record_free(r);
		return err;
	}
	claim_unmark(s, key);
	atomic_store(&r->artifact.used_s, (uint32_t)(clock_mono(s->config.clock) / 1000000000u));
	load_record(s, r);
	return 0;
}

int store_put(struct store *s, uint8_t key[32], const struct store_input *input,
	      const struct store_progress *progress)
{
	struct temp_files temp;
	struct tree_pass pass;
	struct tree_writer writer;
	struct tree_sink sink = {NULL, NULL};
	int err;

	if (input->size == 0)
		return ASSAY_E_INVAL;
	if (input->size > TREE_SIZE_MAX)
		return ASSAY_E_RANGE;
	if (s->failed)
		return ASSAY_E_CLOSED;
	record_sweep(s);
	err = disk_room(s, input->size + tree_outboard_len(tree_chunks(input->size)));
	if (err != 0)
		return err;
	bool tree = tree_chunks(input->size) > 1;

	err = temp_create(s, &temp, true, tree);
	if (err != 0)
		return err;
	writer = (struct tree_writer){s, temp.tree_file, tree_chunks(input->size)};
	if (tree)
		sink = (struct tree_sink){tree_write, &writer};
	err = tree_pass_open(&pass, input->size, sink);
	if (err == 0) {
		err = write_temp(s, &temp, &pass, key, input, progress);
		tree_pass_close(&pass);
	}
	if (err == 0)
		err = settle(s, &temp, key, input->size, progress);
	temp_drop(s, &temp);
	return err;
}
