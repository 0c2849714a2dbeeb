/* SPDX-License-Identifier: Apache-2.0 */
/* OTI, derivation and payload ids from any octets; then a plan and a solve from any list of ESIs.
 */
#include <stdlib.h>
#include <string.h>

#include "assay/raptorq.h"
#include "assay/status.h"
#include "base/bytes.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void params(struct reader *r)
{
	uint8_t oti[ASSAY_RQ_OTI], again[ASSAY_RQ_OTI];
	struct assay_rq_params p;
	const uint8_t *in = read_bytes(r, sizeof(oti));
	uint64_t length, memory;
	uint32_t packet;

	if (in != NULL && assay_rq_oti_read(&p, NULL, memcpy(oti, in, sizeof(oti))) == 0) {
		struct assay_rq_block b;
		struct assay_rq_piece piece;

		assay_rq_oti_write(again, &p);
		must(memcmp(oti, again, sizeof(oti)) == 0);
		must(assay_rq_block(&b, &p, p.blocks - 1) == 0 && b.symbols > 0);
		must(b.offset + b.length == p.length);
		must(assay_rq_piece(&piece, &p, &b, p.sub_blocks - 1) == 0);
		must(piece.offset + piece.size == p.symbol_size);
	}
	length = read_u64le(r) >> 24;
	memory = read_u64le(r);
	packet = read_u16le(r);
	if (assay_rq_params_derive(&p, NULL, length, packet, memory) == 0)
		must(assay_rq_params_check(&p, NULL) == 0 && p.length == length);
}

static int run_plan(struct assay_rq_plan **plan, void **memory, uint32_t k, const uint32_t *esis,
		    size_t len, uint64_t budget)
{
	size_t size = assay_rq_plan_size(k, len);
	int e = ASSAY_E_NOMEM;

	for (int i = 0; i < 4 && e == ASSAY_E_NOMEM; i++) {
		free(*memory);
		*memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
		must(*memory != NULL);
		e = assay_rq_plan_init(plan, *memory, size, k, esis, len);
		while (e == 0 && (e = assay_rq_plan_run(*plan, budget)) == ASSAY_E_AGAIN)
			e = 0;
		if (e == ASSAY_E_NOMEM)
			size = assay_rq_plan_need(*plan);
		if (e == 0)
			return 0;
	}
	must(e != ASSAY_E_NOMEM);
	return e;
}

/* All zeros in must give all zeros out, whatever was received. */
static void solve(const struct assay_rq_plan *plan, uint32_t k, size_t len)
{
	static const uint8_t zero[64];
	const uint8_t **known = malloc((len + 1) * sizeof(*known));
	uint8_t out[64], *to = out;
	uint32_t id = k / 2;
	struct assay_rq_io io = {
		.known = known, .wanted = &to, .symbol_size = 40, .sub_blocks = 3, .alignment = 8};
	struct assay_rq_wanted *wanted;
	struct assay_rq_solve *job;
	size_t wanted_size = assay_rq_wanted_size(plan, 1), size;
	void *wanted_memory = aligned_alloc(64, (wanted_size + 63) & ~(size_t)63), *memory;

	memset(out, 1, sizeof(out));
	for (size_t i = 0; i < len; i++)
		known[i] = zero;
	must(assay_rq_wanted_init(&wanted, wanted_memory, wanted_size, plan, &id, 1, 40,
				  ASSAY_RQ_BEST) == 0);
	must(assay_rq_wanted_run(wanted, ASSAY_RQ_FOREVER) == 0);
	size = assay_rq_solve_size(plan, wanted, 40, 0);
	memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
	must(assay_rq_solve_init(&job, memory, size, plan, wanted, &io, 0, 40, 0) == 0);
	must(assay_rq_solve_run(job, ASSAY_RQ_FOREVER) == 0);
	must(memcmp(out, zero, 40) == 0);
	free(known);
	free(wanted_memory);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	struct assay_rq_plan *plan = NULL;
	uint32_t k, esis[300], sbn;
	void *memory = NULL;
	uint64_t budget;
	size_t len = 0;

	params(&r);
	k = 1 + read_u8(&r);
	budget = 1 + read_u16le(&r);
	while (!r.bad && r.left >= 4 && len < 300)
		assay_rq_payload_id_read(&sbn, &esis[len++], read_bytes(&r, 4));
	for (uint32_t i = 0; len < 300 && i < k; i += 2)
		esis[len++] = i; /* or hardly any set would do */
	if (run_plan(&plan, &memory, k, esis, len, budget) == 0)
		solve(plan, k, len);
	free(memory);
	return 0;
}
