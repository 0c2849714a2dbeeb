/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving out a whole artifact without ever giving out a wrong byte: the values of the pieces are
 * read from the outboard and checked up to the key first; each piece must then match its own.
 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "store/store_impl.h"

struct get {
	struct store *store;
	struct record *record;
	struct tree_pass pass;
	uint8_t *trusted; /* values of the pieces */
	int file;
};

static int read_exactly(struct store *s, int file, void *out, size_t len, uint64_t offset)
{
	int64_t got = s->disk.read(s->disk.ctx, file, out, len, offset);

	return got < 0 ? (int)got : got == (int64_t)len ? 0 : ASSAY_E_CORRUPT;
}

/* A small artifact needs none: its one piece gives the root. */
static int load_trusted(struct get *g)
{
	struct store *s = g->store;
	uint32_t pieces = g->pass.pieces;
	struct tree_node first = {0, PIECE_LEVEL};
	char path[PATH_LEN];
	uint8_t root[32];
	int file, err;

	if (pieces == 1) {
		memcpy(g->trusted, g->record->artifact.key, 32);
		return 0;
	}
	path_tree(path, g->record->artifact.key);
	file = s->disk.open(s->disk.ctx, path, DISK_READ);
	if (file < 0)
		return file;
	err = read_exactly(s, file, g->trusted, 32 * (size_t)pieces,
			   tree_offset(g->pass.chunks, first));
	s->disk.close(s->disk.ctx, file);
	if (err != 0)
		return err;
	memcpy(g->pass.tops, g->trusted, 32 * (size_t)pieces);
	err = tree_pass_end(&g->pass, root);
	if (err == 0 && memcmp(root, g->record->artifact.key, 32) != 0)
		err = ASSAY_E_CORRUPT;
	return err;
}

/* Without a good outboard: everything is read once more. */
static int compute_trusted(struct get *g)
{
	struct store *s = g->store;
	uint8_t root[32];
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < g->pass.pieces; i++) {
		err = read_exactly(s, g->file, s->piece, tree_pass_len(&g->pass, i),
				   (uint64_t)i * PIECE_LEN);
		if (err == 0)
			err = tree_pass_piece(&g->pass, i, s->piece);
		if (err == 0 && !progress_step(s, NULL, i, g->pass.pieces))
			err = ASSAY_E_CLOSED;
	}
	if (err != 0)
		return err;
	memcpy(g->trusted, g->pass.tops, 32 * (size_t)g->pass.pieces);
	err = tree_pass_end(&g->pass, root);
	if (err == 0 && memcmp(root, g->record->artifact.key, 32) != 0)
		err = ASSAY_E_CORRUPT;
	return err;
}

static int write_pieces(struct get *g, const struct store_output *output,
			const struct store_progress *progress)
{
	struct store *s = g->store;
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < g->pass.pieces; i++) {
		uint32_t len = tree_pass_len(&g->pass, i);
		uint64_t offset = (uint64_t)i * PIECE_LEN;

		err = read_exactly(s, g->file, s->piece, len, offset);
		if (err == 0)
			err = tree_pass_piece(&g->pass, i, s->piece);
		if (err == 0 && memcmp(g->pass.tops + 32ull * i, g->trusted + 32ull * i, 32) != 0)
			err = ASSAY_E_CORRUPT;
		if (err == 0)
			err = output->write(output->ctx, s->piece, len);
		if (err == 0 && !progress_step(s, progress, offset + len, g->pass.size))
			err = ASSAY_E_CLOSED;
	}
	return err;
}

static int get_record(struct store *s, struct record *r, const struct store_output *output,
		      const struct store_progress *progress)
{
	struct get g = {.store = s, .record = r};
	struct tree_sink none = {NULL, NULL};
	char path[PATH_LEN];
	int err = tree_pass_open(&g.pass, r->artifact.size, none);

	if (err != 0)
		return err;
	path_bytes(path, r->artifact.key);
	g.file = s->disk.open(s->disk.ctx, path, DISK_READ);
	g.trusted = malloc(32 * (size_t)g.pass.pieces);
	err = g.trusted == NULL ? ASSAY_E_NOMEM : g.file < 0 ? g.file : 0;
	if (err == 0 && load_trusted(&g) != 0)
		err = compute_trusted(&g);
	if (err == 0)
		err = write_pieces(&g, output, progress);
	if (g.file >= 0)
		s->disk.close(s->disk.ctx, g.file);
	free(g.trusted);
	tree_pass_close(&g.pass);
	return err;
}

int store_get(struct store *s, const uint8_t key[32], const struct store_output *output,
	      const struct store_progress *progress)
{
	struct record *r = index_find_artifact(s, key);
	int err;

	record_sweep(s);
	if (r == NULL)
		return ASSAY_E_NOTFOUND;
	if (atomic_load(&r->artifact.state) == ARTIFACT_ROT)
		return ASSAY_E_CORRUPT;
	err = get_record(s, r, output, progress);
	if (err == ASSAY_E_NOTFOUND)
		err = ASSAY_E_CORRUPT; /* it is in the index and not on the disk */
	if (err == ASSAY_E_CORRUPT)
		check_record(s, r, NULL); /* says what is wrong, and marks it */
	return err;
}
