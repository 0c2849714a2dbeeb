/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/work.h"
#include "crypto/digest.h"

struct decoder {
	struct pipeline *p;
	const char *directory;
	struct layout layout;
	uint32_t *sorted; /* places in layout.ids, by id */
	uint8_t *state;	  /* of each symbol of the layout */
	uint32_t present, damaged, foreign;

	struct mapping out, spool; /* the file being rebuilt; repair symbols at hand */
	struct work_codec codec;
	uint32_t *known, *missing;
	const uint8_t **from;
	uint32_t known_len, missing_len, spooled;
};

enum { ABSENT, PRESENT, DAMAGED };

static int by_id(const void *a, const void *b, void *layout)
{
	const struct layout *l = layout;
	const uint32_t *x = a, *y = b;

	return memcmp(l->ids[*x], l->ids[*y], 32);
}

static void skip(struct decoder *d, const char *name, const char *why)
{
	if (d->p->skipped != NULL)
		d->p->skipped(d->p->ctx, name, why);
}

/* Place of an id in the layout, or its length. */
static uint32_t find(const struct decoder *d, const uint8_t id[32])
{
	uint32_t low = 0, high = d->layout.symbols;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = memcmp(d->layout.ids[d->sorted[middle]], id, 32);

		if (order == 0)
			return d->sorted[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return d->layout.symbols;
}

/* Names the files; what they hold is checked when they are used. */
static int scan(struct decoder *d)
{
	DIR *dir = opendir(d->directory);
	struct dirent *entry;
	uint8_t id[32];

	if (dir == NULL)
		return work_errno(d->p, "cannot read", d->directory);
	while ((entry = readdir(dir)) != NULL) {
		uint32_t place;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, PIPELINE_LAYOUT) == 0)
			continue;
		if (base58_decode(id, sizeof(id), entry->d_name) != 0) {
			d->foreign++;
			skip(d, entry->d_name, "is not named like a symbol file");
			continue;
		}
		place = find(d, id);
		if (place == d->layout.symbols) {
			d->foreign++;
			skip(d, entry->d_name, "belongs to another layout");
		} else {
			d->state[place] = PRESENT;
			d->present++;
		}
	}
	closedir(dir);
	return 0;
}

/* Maps a symbol file if its bytes are what its name says, and it carries the right payload id. */
static bool open_symbol(struct decoder *d, struct mapping *m, uint32_t esi)
{
	char name[BASE58_KEY_MAX], path[PATH_MAX];
	uint8_t digest[32], id[ASSAY_RQ_PAYLOAD_ID];
	const char *why = "cannot be read";

	base58_encode(name, sizeof(name), d->layout.ids[esi], 32);
	snprintf(path, sizeof(path), "%s/%s", d->directory, name);
	if (work_map(d->p, m, path) != 0)
		goto bad;
	why = "has the wrong length";
	if (m->len != layout_symbol_file(&d->layout))
		goto bad;
	why = "does not match its name";
	digest_one(digest, NULL, m->data, m->len);
	if (memcmp(digest, d->layout.ids[esi], 32) != 0)
		goto bad;
	why = "carries another symbol number than the layout says";
	assay_rq_payload_id_write(id, 0, esi);
	if (memcmp(m->data, id, sizeof(id)) != 0)
		goto bad;
	return true;
bad:
	work_unmap(m);
	d->state[esi] = DAMAGED;
	d->damaged++;
	d->present--;
	skip(d, name, why);
	return false;
}

/* A source symbol at its places in the file. */
static void place_source(struct decoder *d, const uint8_t *symbol, uint32_t esi)
{
	const struct layout *l = &d->layout;

	for (uint32_t j = 0; j < l->params.sub_blocks; j++) {
		struct assay_rq_piece piece;
		uint64_t at, len;

		assay_rq_piece(&piece, &l->params, &l->block, j);
		at = piece.start + (uint64_t)esi * piece.size;
		if (at >= d->out.len)
			continue;
		len = d->out.len - at < piece.size ? d->out.len - at : piece.size;
		memcpy(d->out.data + at, symbol + piece.offset, len);
	}
}

static int take_sources(struct decoder *d)
{
	for (uint32_t esi = 0; esi < d->layout.block.symbols; esi++) {
		struct mapping m;
		int e = work_progress(d->p, "reading", esi, d->layout.block.symbols);

		if (e != 0)
			return e;
		if (d->state[esi] != PRESENT || !open_symbol(d, &m, esi)) {
			d->missing[d->missing_len++] = esi;
			continue;
		}
		place_source(d, m.data + ASSAY_RQ_PAYLOAD_ID, esi);
		work_unmap(&m);
		d->from[d->known_len] = NULL;
		d->known[d->known_len++] = esi;
	}
	return 0;
}

/* Symbols over K at first, for each further attempt, and at most: a set that does not do with 64 is
 * nothing that happens by chance. */
enum { SPARE = 2, MORE = 8, SPOOL_SPARE = 64 };

/* Up to n good repair symbols into the spool, from symbol *next of the layout on. */
static int take_repair(struct decoder *d, uint32_t *next, uint32_t n)
{
	uint32_t t = d->layout.params.symbol_size;

	for (; n > 0 && *next < d->layout.symbols; ++*next) {
		uint8_t *to = d->spool.data + (size_t)d->spooled * t;
		struct mapping m;
		int e;

		if ((size_t)(d->spooled + 1) * t > d->spool.len)
			break;
		if (d->state[*next] != PRESENT || !open_symbol(d, &m, *next))
			continue;
		memcpy(to, m.data + ASSAY_RQ_PAYLOAD_ID, t);
		work_unmap(&m);
		d->from[d->known_len] = to;
		d->known[d->known_len++] = *next;
		d->spooled++;
		n--;
		e = work_progress(d->p, "reading", d->known_len,
				  d->layout.block.symbols + SPOOL_SPARE);
		if (e != 0)
			return e;
	}
	return 0;
}

/* Known symbols until there is a plan. */
static int gather(struct decoder *d)
{
	uint32_t next = d->layout.block.symbols, before;
	int e = take_repair(d, &next, d->missing_len + SPARE);

	while (e == 0) {
		if (d->known_len < d->layout.block.symbols)
			return work_fail(
				d->p, ASSAY_E_NOTFOUND,
				"too few good symbols: %u of %u, at least %u more are needed",
				d->known_len, d->layout.block.symbols,
				d->layout.block.symbols - d->known_len);
		e = work_plan(d->p, &d->codec, d->layout.block.symbols, d->known, d->known_len);
		if (e != ASSAY_E_NOTFOUND)
			return e;
		before = d->known_len;
		e = take_repair(d, &next, MORE);
		if (e == 0 && d->known_len == before)
			return work_fail(d->p, ASSAY_E_NOTFOUND,
					 "the %u good symbols do not determine the file: at least "
					 "%u more are needed",
					 d->known_len, assay_rq_plan_missing(d->codec.plan));
	}
	return e;
}

/* An unlinked file for the repair symbols that take the missing ones' place. */
static int make_spool(struct decoder *d, const char *part)
{
	size_t repair = d->layout.symbols - d->layout.block.symbols,
	       want = d->missing_len + SPOOL_SPARE;
	char path[PATH_MAX + 8];
	int e;

	snprintf(path, sizeof(path), "%s.spool", part);
	e = work_map_new(d->p, &d->spool, path,
			 (want < repair ? want : repair) * d->layout.params.symbol_size);
	unlink(path);
	return e;
}

static int solve(struct decoder *d, const char *part)
{
	const struct assay_rq_params *q = &d->layout.params;
	struct assay_rq_io io = {.source = d->out.data,
				 .source_len = d->out.len,
				 .known = d->from,
				 .sink = d->out.data,
				 .sink_len = d->out.len,
				 .symbol_size = q->symbol_size,
				 .sub_blocks = q->sub_blocks,
				 .alignment = q->alignment};
	uint8_t digest[32];
	int e = 0;

	if (d->missing_len > 0) {
		e = make_spool(d, part);
		if (e == 0)
			e = gather(d);
		if (e == 0)
			e = work_solve(d->p, &d->codec, d->missing, d->missing_len, &io, "decoding",
				       d->known_len, d->layout.block.symbols + d->missing_len);
	}
	if (e != 0)
		return e;
	digest_one(digest, NULL, d->out.data, d->out.len);
	if (memcmp(digest, d->layout.hash, sizeof(digest)) != 0)
		return work_fail(
			d->p, ASSAY_E_CORRUPT,
			"the rebuilt file does not match the layout's hash: the layout is wrong");
	return 0;
}

static int prepare(struct decoder *d)
{
	int e = work_read_layout(d->p, &d->layout, d->directory);
	uint32_t n = d->layout.symbols;

	if (e != 0)
		return e;
	d->sorted = malloc(n * sizeof(*d->sorted));
	d->state = calloc(n, 1);
	d->known = malloc(n * sizeof(*d->known));
	d->missing = malloc(n * sizeof(*d->missing));
	d->from = malloc(n * sizeof(*d->from));
	if (d->sorted == NULL || d->state == NULL || d->known == NULL || d->missing == NULL ||
	    d->from == NULL)
		return work_fail(d->p, ASSAY_E_NOMEM, "no memory for %u symbols", n);
	for (uint32_t i = 0; i < n; i++)
		d->sorted[i] = i;
	qsort_r(d->sorted, n, sizeof(*d->sorted), by_id, &d->layout);
	return scan(d);
}

static void finish(struct decoder *d)
{
	work_codec_free(&d->codec);
	work_unmap(&d->out);
	work_unmap(&d->spool);
	layout_free(&d->layout);
	free(d->sorted);
	free(d->state);
	free(d->known);
	free(d->missing);
	free(d->from);
}

int pipeline_decode(struct pipeline *p, const char *directory, const char *path)
{
	struct decoder d = {.p = p, .directory = directory};
	char part[PATH_MAX];
	int e;

	p->message[0] = '\0';
	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return work_fail(p, ASSAY_E_INVAL, "the path %s is too long", path);
	e = prepare(&d);
	if (e == 0) {
		e = work_map_new(p, &d.out, part, d.layout.params.length);
		if (e == 0)
			e = take_sources(&d);
		if (e == 0)
			e = solve(&d, part);
		if (e == 0 && rename(part, path) != 0)
			e = work_errno(p, "cannot rename", part);
		if (e != 0)
			unlink(part);
	}
	finish(&d);
	return e;
}

int pipeline_inspect(struct pipeline *p, struct pipeline_facts *f, const char *directory)
{
	struct decoder d = {.p = p, .directory = directory};
	int e;

	p->message[0] = '\0';
	e = prepare(&d);
	for (uint32_t i = 0; e == 0 && i < d.layout.symbols; i++) {
		struct mapping m;

		if (d.state[i] == PRESENT && open_symbol(&d, &m, i))
			work_unmap(&m);
		e = work_progress(p, "checking", i + 1, d.layout.symbols);
	}
	if (e == 0) {
		*f = (struct pipeline_facts){.length = d.layout.params.length,
					     .source = d.layout.block.symbols,
					     .repair = d.layout.symbols - d.layout.block.symbols,
					     .present = d.present,
					     .damaged = d.damaged,
					     .foreign = d.foreign,
					     .sub_blocks = d.layout.params.sub_blocks,
					     .symbol_size = d.layout.params.symbol_size};
		memcpy(f->hash, d.layout.hash, sizeof(f->hash));
	}
	finish(&d);
	return e;
}
