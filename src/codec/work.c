/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/work.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"

struct task_pool work_pool(const struct pipeline *p, struct task_inline *own)
{
	return p->pool != NULL && p->pool->workers > 0 ? *p->pool : task_pool_inline(own);
}

int work_job(struct pipeline *p, struct codec_job *j, const char *what, uint64_t base,
	     uint64_t share, uint64_t total)
{
	uint64_t all = (uint64_t)j->block.symbols * j->params.symbol_size;
	int e;

	while ((e = codec_job_step(j)) == ASSAY_E_AGAIN) {
		struct task *t = j->pool->take(j->pool->ctx, true);

		if (t != NULL)
			codec_job_back(j, t);
		if (work_progress(p, what, base + codec_job_done(j) * share / all, total) != 0)
			atomic_store(&j->cancel, true);
	}
	if (e != 0 && e != ASSAY_E_NOTFOUND && p->message[0] == '\0')
		work_fail(p, e, "%s failed: %s", what, assay_error_text(e));
	return e;
}

/* Symbols at a time. */
static uint32_t batch_max(const struct pipeline *p, const struct layout *l)
{
	size_t memory = p->memory_max != 0 ? p->memory_max : PIPELINE_MEMORY;
	size_t max = memory / layout_symbol_file(l);

	return max == 0 ? 1 : max < l->symbols ? (uint32_t)max : l->symbols;
}

int pipeline_reserve(struct pipeline *p, const struct layout *l)
{
	return buffer_reserve(p->memory, batch_max(p, l) * layout_symbol_file(l));
}

int work_batch_open(struct pipeline *p, struct work_batch *b, const struct layout *l)
{
	b->stride = layout_symbol_file(l);
	b->max = batch_max(p, l);
	b->n = 0;
	b->data = p->memory != NULL ? p->memory : &b->own;
	b->ids = malloc(b->max * sizeof(*b->ids));
	b->to = malloc(b->max * sizeof(*b->to));
	if (b->ids != NULL && b->to != NULL && buffer_reserve(b->data, b->max * b->stride) == 0)
		return 0;
	return work_fail(p, ASSAY_E_NOMEM, "no memory (%zu bytes)", b->max * b->stride);
}

void work_batch_close(struct work_batch *b)
{
	buffer_free(&b->own);
	free(b->ids);
	free(b->to);
}

uint8_t *work_batch_file(const struct work_batch *b, uint32_t i)
{
	return b->data->data + i * b->stride;
}

void work_batch_add(struct work_batch *b, uint32_t esi)
{
	uint8_t *file = work_batch_file(b, b->n);

	must(b->n < b->max);
	assay_rq_payload_id_write(file, 0, esi);
	b->ids[b->n] = esi;
	b->to[b->n++] = file + ASSAY_RQ_PAYLOAD_ID;
}
