/* SPDX-License-Identifier: Apache-2.0 */
/* A file into artifacts in the staging folder, named by their keys. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/folder.h"
#include "base/text.h"
#include "codec/artifact.h"
#include "codec/files.h"
#include "control/codec_thread.h"
#include "control/ticket_work.h"

struct encoding {
	struct ticket_work *w;
	struct coded_sink files;
	uint32_t room[3];
};

static int take(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
		const void *data, size_t len)
{
	struct encoding *e = ctx;
	unsigned c = class == ARTIFACT_INDEX ? 1 : 2;

	if (ordinal >= e->room[c])
		return ASSAY_E_RANGE;
	memcpy(e->w->keys[c][ordinal], id, 32);
	return coded_take(&e->files, class, ordinal, id, data, len);
}

/* What the ledger records, as it records it. */
static int keep_ticket(struct ticket_work *w, const struct ticket *t)
{
	struct ticket_facts *f = &w->facts;
	char *hash = artifact_base64(t->data_hash, 32);

	f->index_ids = calloc(t->max, sizeof(*f->index_ids));
	f->signatures = strdup(t->signatures);
	if (hash == NULL || f->index_ids == NULL || f->signatures == NULL) {
		free(hash);
		return ticket_fail(w, ASSAY_E_NOMEM, "out of memory");
	}
	snprintf(f->data_hash, sizeof(f->data_hash), "%s", hash);
	free(hash);
	f->size = t->size;
	for (uint32_t i = 0; i < t->max; i++)
		base58_encode(f->index_ids[i], sizeof(f->index_ids[i]), t->index_ids[i], 32);
	w->deal.counts[1] = 2 * t->max;
	w->deal.counts[2] = t->symbols;
	return 0;
}

int ticket_encode(struct ticket_work *w, const struct task_pool *pool)
{
	struct pipeline p = {.pool = pool, .progress = ticket_progress, .ctx = w};
	struct ticket_terms terms = {w->creator, w->random, w->facts.ic, w->facts.max,
				     w->facts.ratio};
	struct encoding e = {.w = w, .files = {.p = &p, .folder = -1}};
	struct artifact_sink sink = {take, &e};
	struct layout sizes;
	struct ticket ticket;
	struct stat st;
	const char *why;
	int error;

	if (fstat(w->file, &st) != 0 || st.st_size <= 0)
		return ticket_fail(w, ASSAY_E_INVAL, "an empty file cannot be stored");
	if (layout_init(&sizes, &why, (uint64_t)st.st_size, w->facts.ratio) != 0)
		return ticket_fail(w, ASSAY_E_RANGE, "%s", why);
	e.room[1] = 2 * w->facts.max;
	e.room[2] = sizes.symbols;
	layout_free(&sizes);
	for (unsigned c = 1; c <= 2; c++)
		w->keys[c] = calloc(e.room[c], 32);
	if (folder_make_apart(w->folder) == 0)
		e.files.folder = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e.files.folder < 0 || w->keys[1] == NULL || w->keys[2] == NULL)
		return ticket_fail(w, ASSAY_E_IO, "%s: the staging folder cannot be made",
				   w->folder);
	error = codec_pool_hold(&p);
	if (error == 0) {
		error = pipeline_put(&p, w->file, &terms, &sink, &ticket);
		codec_pool_release();
	}
	close(e.files.folder);
	if (error != 0)
		return ticket_fail(w, error, "%s", p.message);
	error = keep_ticket(w, &ticket);
	ticket_free(&ticket);
	return error;
}
