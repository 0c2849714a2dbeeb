/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "codec/grid.h"
#include "codec/symbols.h"
#include "codec/work.h"
#include "crypto/digest.h"

/*
 * Good source symbols go to their places in the file, repair symbols for the missing ones behind
 * its end, from where they are cut off at last. One plan then serves for the missing source symbols
 * and, in a heal, for all others that the folder lacks.
 */
struct decoder {
	struct pipeline *p;
	struct symbols symbols;
	struct grid out, spool;
	struct codec_job job;
	struct work_batch batch;   /* heal: symbol files being made */
	struct buffer group;	   /* symbol files being read */
	uint32_t *known, *missing; /* ESIs; missing source symbols */
	uint32_t known_len, missing_len, spooled;
	uint32_t *ids; /* wanted by the solve under way, and where they go; NULL: in the file */
	uint8_t **to;
	uint32_t ids_len;
	uint64_t done, total; /* octets, for progress */
};

/* Symbols over K at first, for each further attempt, and at most: a set that does not do with 64 is
 * nothing that happens by chance. */
enum { SPARE = 2, MORE = 8, SPOOL_SPARE = 64 };

static uint8_t *group_file(const struct decoder *d, uint32_t i)
{
	return d->group.data + i * layout_symbol_file(&d->symbols.layout);
}

static int put_group(struct decoder *d, const struct grid *g, uint32_t first, uint32_t n)
{
	int e = grid_put(g, first, n, group_file(d, 0) + ASSAY_RQ_PAYLOAD_ID,
			 layout_symbol_file(&d->symbols.layout));

	return e != 0 ? work_errno(d->p, "cannot write", "the file") : 0;
}

/* Up to GRID_GROUP source symbols at once; the places of missing ones get anything. */
static int take_sources(struct decoder *d)
{
	uint32_t k = d->symbols.layout.block.symbols, t = d->symbols.layout.params.symbol_size;
	int e = 0;

	for (uint32_t first = 0; e == 0 && first < k; first += GRID_GROUP) {
		uint32_t n = k - first < GRID_GROUP ? k - first : GRID_GROUP;
		uint32_t before = d->known_len;

		for (uint32_t i = 0; i < n; i++)
			if (symbols_read(&d->symbols, group_file(d, i), first + i))
				d->known[d->known_len++] = first + i;
			else
				d->missing[d->missing_len++] = first + i;
		if (d->known_len > before)
			e = put_group(d, &d->out, first, n);
		d->done = (uint64_t)d->known_len * t;
		if (e == 0)
			e = work_progress(d->p, "reading", d->done, d->total);
	}
	return e;
}

/* Up to n good repair symbols into the spool, from symbol *next of the layout on. */
static int take_repair(struct decoder *d, uint32_t *next, uint32_t n)
{
	uint32_t fresh = 0;
	int e = 0;

	if (n > d->spool.symbols - d->spooled)
		n = d->spool.symbols - d->spooled;
	while (e == 0 && n > 0) {
		for (; fresh < n && fresh < GRID_GROUP && *next < d->symbols.layout.symbols;
		     ++*next)
			if (symbols_read(&d->symbols, group_file(d, fresh), *next)) {
				d->known[d->known_len++] = *next;
				fresh++;
			}
		if (fresh == 0)
			break;
		e = put_group(d, &d->spool, d->spooled, fresh);
		d->spooled += fresh;
		n -= fresh;
		fresh = 0;
		if (e == 0)
			e = work_progress(d->p, "reading", d->done, d->total);
	}
	return e;
}

/* Known symbols until there is a plan. */
static int gather(struct decoder *d)
{
	uint32_t k = d->symbols.layout.block.symbols, next = k, before;
	int e = take_repair(d, &next, d->missing_len + SPARE);

	while (e == 0) {
		if (d->known_len < k)
			return work_fail(d->p, ASSAY_E_NOTFOUND,
					 "too few good symbols: %u of %u, at least %u more are "
					 "needed",
					 d->known_len, k, k - d->known_len);
		e = codec_job_plan(&d->job, d->known, d->known_len);
		if (e == 0)
			e = work_job(d->p, &d->job, "planning", d->done, 0, d->total);
		if (e != ASSAY_E_NOTFOUND)
			return e;
		before = d->known_len;
		e = take_repair(d, &next, MORE);
		if (e == 0 && d->known_len == before)
			return work_fail(d->p, ASSAY_E_NOTFOUND,
					 "the %u good symbols do not determine the file: at least "
					 "%u more are needed",
					 d->known_len, codec_job_missing(&d->job));
	}
	return e;
}

static int read_window(void *ctx, const struct codec_window *w)
{
	struct decoder *d = ctx;
	int e = grid_read(&d->out, w->number, 0, d->out.symbols, w->source);

	if (e == 0)
		e = grid_read(&d->spool, w->number, 0, d->spooled, w->repair);
	return e != 0 ? work_errno(d->p, "cannot read", "the file") : 0;
}

/* Missing source symbols into the file, runs of them at once. */
static int solved_window(void *ctx, const struct codec_window *w)
{
	struct decoder *d = ctx;
	size_t size = w->to - w->from;
	uint32_t k = d->out.symbols;

	for (uint32_t i = 0, n; i < d->ids_len && d->ids[i] < k; i += n) {
		uint8_t *rows = w->source + d->ids[i] * size;

		for (n = 0;
		     i + n < d->ids_len && d->ids[i + n] == d->ids[i] + n && d->ids[i + n] < k; n++)
			if (d->to[i + n] != NULL)
				memcpy(rows + n * size, d->to[i + n] + w->from, size);
		if (grid_write(&d->out, w->number, d->ids[i], n, rows) != 0)
			return work_errno(d->p, "cannot write", "the file");
	}
	return 0;
}

static int solve(struct decoder *d, const char *what)
{
	struct codec_io io = {.read = read_window, .solved = solved_window, .ctx = d};
	uint64_t share = (uint64_t)d->ids_len * d->symbols.layout.params.symbol_size;
	int e = codec_job_solve(&d->job, d->ids, d->to, d->ids_len, &io);

	if (e == 0)
		e = work_job(d->p, &d->job, what, d->done, share, d->total);
	d->done += share;
	return e;
}

static int decode(struct decoder *d)
{
	static uint8_t *const nowhere;
	int e;

	d->ids = d->missing;
	d->ids_len = d->missing_len;
	d->to = malloc((d->missing_len + 1) * sizeof(*d->to));
	if (d->to == NULL)
		return ASSAY_E_NOMEM;
	for (uint32_t i = 0; i < d->ids_len; i++)
		d->to[i] = nowhere;
	e = d->missing_len > 0 ? solve(d, "decoding") : 0;
	free(d->to);
	return e;
}

/* Symbol files made in a batch; the layout knows what they must be. */
static int write_batch(struct decoder *d)
{
	struct coded_sink to = {d->p, d->symbols.folder};
	int e = 0;

	for (uint32_t i = 0; e == 0 && i < d->batch.n; i++) {
		uint32_t number = d->batch.ids[i];
		const uint8_t *file = work_batch_file(&d->batch, i);
		uint8_t id[32];

		digest_one(id, NULL, file, d->batch.stride);
		if (memcmp(id, d->symbols.layout.ids[number], 32) != 0)
			return work_fail(d->p, ASSAY_E_CORRUPT,
					 "rebuilt symbol %u does not have the layout's id: the "
					 "layout is wrong",
					 number);
		e = coded_take(&to, ARTIFACT_SYMBOL, number, id, file, d->batch.stride);
		if (e == 0 && i % 64 == 0)
			e = work_progress(d->p, "writing", d->done, d->total);
	}
	return e;
}

/* Everything that is not there in good order, as much at a time as memory holds. */
static int heal(struct decoder *d)
{
	struct symbols *s = &d->symbols;
	int e = work_batch_open(d->p, &d->batch, &s->layout);

	for (uint32_t next = 0; e == 0 && next < s->layout.symbols;) {
		d->batch.n = 0;
		for (; next < s->layout.symbols && d->batch.n < d->batch.max; next++)
			if (s->state[next] != SYMBOL_PRESENT)
				work_batch_add(&d->batch, next);
		d->ids = d->batch.ids;
		d->to = d->batch.to;
		d->ids_len = d->batch.n;
		if (d->batch.n == 0)
			break;
		e = solve(d, "healing");
		if (e == 0)
			e = write_batch(d);
	}
	work_batch_close(&d->batch);
	return e;
}

/* What nobody has looked at yet may be damaged as well. */
static int check_rest(struct decoder *d)
{
	struct symbols *s = &d->symbols;
	int e = 0;

	for (uint32_t i = s->layout.block.symbols; e == 0 && i < s->layout.symbols; i++) {
		symbols_read(s, group_file(d, 0), i);
		if (i % 64 == 0)
			e = work_progress(d->p, "checking", d->done, d->total);
	}
	d->total =
		d->done + (uint64_t)(s->layout.symbols - s->present) * s->layout.params.symbol_size;
	return e;
}

/* The file as it is on the disk, against the layout; then it ends where it should. */
static int check_file(struct decoder *d)
{
	const struct layout *l = &d->symbols.layout;
	struct digest_stream stream;
	struct assay_rq_piece piece;
	uint8_t digest[32];
	int e = 0;

	digest_stream_init(&stream, NULL);
	assay_rq_piece(&piece, &l->params, &l->block, 0);
	for (uint64_t at = 0, n; at < l->params.length; at += n) {
		ssize_t got = pread(d->out.fd, d->group.data,
				    l->params.length - at < d->group.room ? l->params.length - at
									  : d->group.room,
				    (off_t)at);

		if (got <= 0)
			return work_errno(d->p, "cannot read", "the file");
		digest_stream_add(&stream, d->group.data, got);
		n = got;
	}
	digest_stream_end(&stream, digest);
	if (memcmp(digest, l->hash, sizeof(digest)) != 0)
		return work_fail(
			d->p, ASSAY_E_CORRUPT,
			"the rebuilt file does not match the layout's hash: the layout is wrong");
	if (ftruncate(d->out.fd, (off_t)l->params.length) != 0 || fdatasync(d->out.fd) != 0)
		e = work_errno(d->p, "cannot write", "the file");
	return e;
}

/* Room for the file and, behind it, for as many repair symbols as may be needed. */
static int make_room(struct decoder *d)
{
	const struct layout *l = &d->symbols.layout;
	uint32_t repair = l->symbols - l->block.symbols, want = d->missing_len + SPOOL_SPARE;
	uint64_t t = l->params.symbol_size;

	d->spool = d->out;
	d->spool.symbols = want < repair ? want : repair;
	d->spool.base = (d->out.len + 4095) / 4096 * 4096;
	d->spool.len = d->spool.symbols * t;
	if (d->missing_len == 0 && d->symbols.present == l->symbols)
		return 0;
	errno = posix_fallocate(d->out.fd, 0, (off_t)(d->spool.base + d->spool.len));
	return errno == 0 ? 0 : work_errno(d->p, "no room for", "the file");
}

static int prepare(struct decoder *d, int folder, int file)
{
	uint32_t n;
	int e = symbols_open(&d->symbols, d->p, folder);

	if (e != 0)
		return e;
	n = d->symbols.layout.symbols;
	d->out = (struct grid){.fd = file,
			       .len = d->symbols.layout.params.length,
			       .symbols = d->symbols.layout.block.symbols,
			       .params = d->symbols.layout.params};
	d->total = (uint64_t)d->out.symbols * d->out.params.symbol_size;
	d->known = malloc(n * sizeof(*d->known));
	d->missing = malloc(d->out.symbols * sizeof(*d->missing));
	if (d->known == NULL || d->missing == NULL ||
	    buffer_reserve(&d->group, GRID_GROUP * layout_symbol_file(&d->symbols.layout)) != 0)
		return work_fail(d->p, ASSAY_E_NOMEM, "no memory for %u symbols", n);
	errno = posix_fallocate(file, 0, (off_t)d->out.len);
	return errno == 0 ? 0 : work_errno(d->p, "no room for", "the file");
}

static int rebuild(struct decoder *d, bool all)
{
	int e = take_sources(d);

	if (e == 0)
		e = make_room(d);
	if (e == 0 && all)
		e = check_rest(d);
	if (e == 0 &&
	    (d->missing_len > 0 || (all && d->symbols.present < d->symbols.layout.symbols)))
		e = gather(d);
	if (e == 0 && !all)
		d->total += (uint64_t)d->missing_len * d->symbols.layout.params.symbol_size;
	if (e == 0)
		e = all ? heal(d) : decode(d);
	if (e == 0)
		e = check_file(d);
	if (e == 0 && all)
		e = coded_sync(d->p, d->symbols.folder);
	return e;
}

static int run(struct pipeline *p, int folder, int file, bool all)
{
	struct decoder d = {.p = p};
	struct task_inline own;
	struct task_pool pool = work_pool(p, &own);
	int e;

	p->message[0] = '\0';
	e = prepare(&d, folder, file);
	if (e == 0) {
		codec_job_init(&d.job, &pool, &d.symbols.layout.params, &d.symbols.layout.block);
		e = rebuild(&d, all);
		codec_job_free(&d.job);
	}
	if (e != 0 && p->message[0] == '\0')
		work_fail(p, e, "%s", assay_error_text(e));
	symbols_close(&d.symbols);
	buffer_free(&d.group);
	free(d.known);
	free(d.missing);
	return e;
}

int pipeline_decode(struct pipeline *p, int folder, int file)
{
	return run(p, folder, file, false);
}

int pipeline_heal(struct pipeline *p, int folder, int file)
{
	return run(p, folder, file, true);
}

int pipeline_inspect(struct pipeline *p, struct pipeline_facts *f, int folder)
{
	struct symbols s;
	uint8_t *file = NULL;
	int e;

	p->message[0] = '\0';
	e = symbols_open(&s, p, folder);
	if (e == 0) {
		file = malloc(layout_symbol_file(&s.layout));
		e = file != NULL ? 0 : ASSAY_E_NOMEM;
	}
	for (uint32_t i = 0; e == 0 && i < s.layout.symbols; i++) {
		symbols_read(&s, file, i);
		e = work_progress(p, "checking", i + 1, s.layout.symbols);
	}
	if (e == 0) {
		*f = (struct pipeline_facts){.length = s.layout.params.length,
					     .source = s.layout.block.symbols,
					     .repair = s.layout.symbols - s.layout.block.symbols,
					     .present = s.present,
					     .damaged = s.damaged,
					     .foreign = s.foreign,
					     .sub_blocks = s.layout.params.sub_blocks,
					     .symbol_size = s.layout.params.symbol_size};
		memcpy(f->hash, s.layout.hash, sizeof(f->hash));
	}
	free(file);
	symbols_close(&s);
	return e;
}
