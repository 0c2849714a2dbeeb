/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/work.h"
#include "crypto/digest.h"

struct encoder {
	struct pipeline *p;
	const char *directory;
	struct layout layout;
	struct mapping file;
	struct work_codec codec;
	uint8_t *batch; /* symbol files being made */
	uint32_t batch_max;
	uint32_t *ids;
	uint8_t **to;
};

/* Hashes the batch's symbol files and writes them under their ids. */
static int put(struct encoder *n, uint32_t first, uint32_t len)
{
	size_t size = layout_symbol_file(&n->layout);
	char name[BASE58_KEY_MAX];

	for (uint32_t i = 0; i < len; i++) {
		uint8_t *id = n->layout.ids[first + i];
		int e;

		digest_one(id, NULL, n->batch + i * size, size);
		base58_encode(name, sizeof(name), id, 32);
		e = work_write(n->p, n->directory, name, n->batch + i * size, size);
		if (e == 0 && i % 64 == 0)
			e = work_progress(n->p, "writing", first + i, n->layout.symbols);
		if (e != 0)
			return e;
	}
	return 0;
}

/* Symbols first .. first+len-1 into the batch; all are source symbols or none is. */
static int make(struct encoder *n, uint32_t first, uint32_t len)
{
	const struct layout *l = &n->layout;
	struct assay_rq_io io = {.source = n->file.data,
				 .source_len = n->file.len,
				 .wanted = n->to,
				 .symbol_size = l->params.symbol_size,
				 .sub_blocks = l->params.sub_blocks,
				 .alignment = l->params.alignment};

	for (uint32_t i = 0; i < len; i++) {
		uint8_t *file = n->batch + i * layout_symbol_file(l);

		assay_rq_payload_id_write(file, 0, first + i);
		n->ids[i] = first + i;
		n->to[i] = file + ASSAY_RQ_PAYLOAD_ID;
		if (first < l->block.symbols)
			assay_rq_source_symbol(n->to[i], &l->params, &l->block, n->file.data,
					       first + i);
	}
	if (first < l->block.symbols)
		return 0;
	return work_solve(n->p, &n->codec, n->ids, len, &io, "encoding", first, l->symbols);
}

static int run(struct encoder *n)
{
	const struct layout *l = &n->layout;
	int e = work_plan(n->p, &n->codec, l->block.symbols, NULL, l->block.symbols);

	for (uint32_t first = 0, end; e == 0 && first < l->symbols; first = end) {
		end = first < l->block.symbols ? l->block.symbols : l->symbols;
		end = end - first > n->batch_max ? first + n->batch_max : end;
		e = make(n, first, end - first);
		if (e == 0)
			e = put(n, first, end - first);
	}
	return e;
}

static int prepare(struct encoder *n, const char *path)
{
	size_t memory = n->p->memory_max != 0 ? n->p->memory_max : 256 << 20, size;
	const char *why = "";
	int e = work_map(n->p, &n->file, path);

	if (e != 0)
		return e;
	e = layout_init(&n->layout, &why, n->file.len,
			n->p->ratio != 0 ? n->p->ratio : LAYOUT_RATIO);
	if (e != 0)
		return work_fail(n->p, e, "%s: %s", path, why);
	size = layout_symbol_file(&n->layout);
	n->batch_max = memory / size > 0 ? memory / size : 1;
	if (n->batch_max > n->layout.symbols)
		n->batch_max = n->layout.symbols;
	n->batch = malloc(n->batch_max * size);
	n->ids = malloc(n->batch_max * sizeof(*n->ids));
	n->to = malloc(n->batch_max * sizeof(*n->to));
	if (n->batch == NULL || n->ids == NULL || n->to == NULL)
		return work_fail(n->p, ASSAY_E_NOMEM, "no memory (%zu bytes)", n->batch_max * size);
	return 0;
}

int pipeline_encode(struct pipeline *p, const char *path, const char *directory)
{
	struct encoder n = {.p = p, .directory = directory};
	char *text = NULL;
	size_t len;
	int e = prepare(&n, path);

	p->message[0] = e != 0 ? p->message[0] : '\0';
	if (e == 0) {
		digest_one(n.layout.hash, NULL, n.file.data, n.file.len);
		e = run(&n);
	}
	/* the layout last: a directory without it is no coded file */
	if (e == 0)
		e = layout_write(&text, &len, &n.layout);
	if (e == 0)
		e = work_write(p, directory, PIPELINE_LAYOUT, text, len);
	free(text);
	free(n.batch);
	free(n.ids);
	free(n.to);
	work_codec_free(&n.codec);
	layout_free(&n.layout);
	work_unmap(&n.file);
	return e;
}
