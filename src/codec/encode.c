/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "codec/grid.h"
#include "codec/work.h"
#include "crypto/digest.h"

/*
 * A pass over the file makes as many symbols as memory holds; small files take one pass. Each pass
 * reads all of the file, window by window, and digests it: a file that changes is noticed.
 */
struct encoder {
	struct pipeline *p;
	const struct artifact_sink *sink;
	struct layout layout;
	struct grid file;
	struct codec_job job;
	struct buffer rows; /* of passes without a solve */
	struct work_batch batch;
	struct digest_stream digest; /* of the pass under way */
	bool digested;
	uint32_t made; /* symbols of earlier passes */
};

/* A window's rows, and out of them the source symbols of the batch. */
static int read_window(void *ctx, const struct codec_window *w)
{
	struct encoder *n = ctx;
	uint32_t k = n->layout.block.symbols, size = w->to - w->from;
	uint64_t start = (uint64_t)w->from * k, all = n->layout.params.length;
	int e = grid_read(&n->file, w->number, 0, k, w->source);

	if (e != 0)
		return e == ASSAY_E_CHANGED
			       ? work_fail(n->p, e, "the file became shorter while it was read")
			       : work_errno(n->p, "cannot read", "the file");
	if (start < all)
		digest_stream_add(&n->digest, w->source,
				  all - start < (uint64_t)k * size ? all - start
								   : k * (size_t)size);
	for (uint32_t i = 0; i < n->batch.n && n->batch.ids[i] < k; i++)
		memcpy(n->batch.to[i] + w->from, w->source + n->batch.ids[i] * (size_t)size, size);
	return 0;
}

/* A pass that wants source symbols only. */
static int copy(struct encoder *n)
{
	const struct layout *l = &n->layout;
	struct assay_rq_piece piece;
	int e;

	assay_rq_piece(&piece, &l->params, &l->block, 0);
	e = buffer_reserve(&n->rows, (size_t)l->block.symbols * piece.size);
	for (uint32_t j = 0; e == 0 && j < l->params.sub_blocks; j++) {
		assay_rq_piece(&piece, &l->params, &l->block, j);
		e = read_window(n, &(struct codec_window){.number = j,
							  .from = piece.offset,
							  .to = piece.offset + piece.size,
							  .source = n->rows.data});
	}
	return e;
}

/* The repair symbols of the batch. */
static int solve(struct encoder *n)
{
	static const struct codec_io io = {.read = read_window};
	const struct layout *l = &n->layout;
	struct codec_io mine = io;
	uint64_t t = l->params.symbol_size, base = n->made * t;
	uint32_t source = 0;
	int e = 0;

	mine.ctx = n;
	while (source < n->batch.n && n->batch.ids[source] < l->block.symbols)
		source++;
	if (source == n->batch.n)
		return copy(n);
	if (n->job.plan == NULL)
		e = codec_job_plan(&n->job, NULL, 0);
	if (e == 0)
		e = work_job(n->p, &n->job, "planning", base, 0, l->symbols * t);
	if (e == 0)
		e = codec_job_solve(&n->job, n->batch.ids + source, n->batch.to + source,
				    n->batch.n - source, &mine);
	if (e == 0)
		e = work_job(n->p, &n->job, "encoding", base, n->batch.n * t, l->symbols * t);
	return e;
}

/* The file's digest by this pass; every other pass must have seen the same. */
static int end_pass(struct encoder *n)
{
	uint8_t digest[32];

	digest_stream_end(&n->digest, digest);
	if (n->digested && memcmp(digest, n->layout.hash, 32) != 0)
		return work_fail(n->p, ASSAY_E_CHANGED, "the file changed while it was read");
	memcpy(n->layout.hash, digest, 32);
	n->digested = true;
	return 0;
}

static int hand_out(struct encoder *n)
{
	uint64_t t = n->layout.params.symbol_size;
	int e = 0;

	for (uint32_t i = 0; e == 0 && i < n->batch.n; i++) {
		uint32_t number = n->batch.ids[i];
		const uint8_t *data = work_batch_file(&n->batch, i);

		digest_one(n->layout.ids[number], NULL, data, n->batch.stride);
		e = n->sink->take(n->sink->ctx, ARTIFACT_SYMBOL, number, n->layout.ids[number],
				  data, n->batch.stride);
		if (e == 0 && i % 64 == 0)
			e = work_progress(n->p, "writing", number * t, n->layout.symbols * t);
	}
	return e;
}

static int run(struct encoder *n)
{
	int e = 0;

	while (e == 0 && n->made < n->layout.symbols) {
		n->batch.n = 0;
		for (uint32_t i = n->made; i < n->layout.symbols && n->batch.n < n->batch.max; i++)
			work_batch_add(&n->batch, i);
		digest_stream_init(&n->digest, NULL);
		e = solve(n);
		if (e == 0)
			e = end_pass(n);
		if (e == 0)
			e = hand_out(n);
		n->made += n->batch.n;
	}
	return e;
}

/* All symbols into the sink; the layout is complete then, and the caller's to free. */
static int encode(struct pipeline *p, struct layout *l, int file, uint32_t ratio,
		  const struct artifact_sink *sink)
{
	struct encoder n = {.p = p, .sink = sink};
	struct task_inline own;
	struct task_pool pool = work_pool(p, &own);
	const char *why = "no memory";
	int64_t len = file_length(p, file);
	int e;

	p->message[0] = '\0';
	if (len < 0)
		return (int)len;
	e = layout_init(&n.layout, &why, len, ratio);
	if (e != 0)
		return work_fail(p, e, "%s", why);
	n.file = (struct grid){.fd = file,
			       .len = len,
			       .symbols = n.layout.block.symbols,
			       .params = n.layout.params};
	codec_job_init(&n.job, &pool, &n.layout.params, &n.layout.block);
	e = work_batch_open(p, &n.batch, &n.layout);
	if (e == 0)
		e = run(&n);
	if (e != 0 && p->message[0] == '\0')
		work_fail(p, e, "%s", assay_error_text(e));
	work_batch_close(&n.batch);
	buffer_free(&n.rows);
	codec_job_free(&n.job);
	if (e != 0)
		layout_free(&n.layout);
	*l = n.layout;
	return e;
}

/* The layout last, and only when the symbols are on the disk: a folder without it is no coded file.
 */
static int write_layout(struct pipeline *p, int folder, const struct layout *l)
{
	char *text = NULL;
	size_t len;
	int e = coded_sync(p, folder);

	if (e == 0)
		e = layout_write(&text, &len, l);
	if (e == 0)
		e = coded_write(p, folder, PIPELINE_LAYOUT, text, len);
	if (e == 0)
		e = coded_sync(p, folder);
	free(text);
	return e;
}

int pipeline_encode(struct pipeline *p, int file, int folder)
{
	struct coded_sink to = {p, folder};
	struct artifact_sink sink = {coded_take, &to};
	struct layout l;
	int e = encode(p, &l, file, p->ratio != 0 ? p->ratio : LAYOUT_RATIO, &sink);

	if (e != 0)
		return e;
	e = write_layout(p, folder, &l);
	layout_free(&l);
	return e;
}

int pipeline_put(struct pipeline *p, int file, const struct ticket_terms *terms,
		 const struct artifact_sink *sink, struct ticket *ticket)
{
	struct layout l;
	int e = encode(p, &l, file, terms->ratio, sink);

	if (e != 0)
		return e;
	e = ticket_make(ticket, &l, terms, sink);
	if (e != 0 && p->message[0] == '\0')
		work_fail(p, e, "no layout and index files: %s", assay_error_text(e));
	layout_free(&l);
	return e;
}
