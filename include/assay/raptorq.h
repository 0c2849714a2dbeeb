/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RaptorQ (RFC 6330): parameters and ids of an object, and the codec of one source block.
 *
 * Work with a block has three steps, each in memory that the caller gives and each resumable:
 *
 *   plan    from K and the known symbols (ESIs): in which order to solve. Depends on no data, so an
 *           encoder's plan serves every block of the same K.
 *   wanted  the symbols to compute: source or repair ESIs, or intermediate symbols. Any number of
 *           them comes out of one solve: a heal wants what is missing and all repair symbols.
 *   solve   the numbers, over a range of the symbols' octets: several workers may share one job by
 *           ranges, with one plan and one wanted between them.
 *
 * A `run` returns 0 when done, ASSAY_E_AGAIN when the budget is spent (call it again; nothing is
 * computed twice) and other errors as told. One unit of budget is about 64 octets read or written,
 * some 2 to 5 ns; a run may overshoot by a few thousand units. Nothing is allocated and nothing is
 * global but constant tables.
 */
#ifndef ASSAY_RAPTORQ_H
#define ASSAY_RAPTORQ_H

#include <stddef.h>
#include <stdint.h>

#define ASSAY_RQ_SYMBOLS_MAX 56403 /* K */
#define ASSAY_RQ_LENGTH_MAX  942574504275ull
#define ASSAY_RQ_SYMBOL_MAX  65535
#define ASSAY_RQ_ESI_MAX     0xffffffu
#define ASSAY_RQ_OTI	     12
#define ASSAY_RQ_PAYLOAD_ID  4
#define ASSAY_RQ_FOREVER     UINT64_MAX /* a budget without end */

struct assay_rq_params {
	uint64_t length;      /* F, octets of the object */
	uint32_t symbol_size; /* T */
	uint32_t blocks;      /* Z */
	uint32_t sub_blocks;  /* N */
	uint32_t alignment;   /* Al */
};

/* 0, or ASSAY_E_INVAL with the reason in *why (a constant text; why may be NULL). */
int assay_rq_params_check(const struct assay_rq_params *p, const char **why);
/* From a length, the largest payload of a packet and the decoder's memory (RFC 6330, 4.3). */
int assay_rq_params_derive(struct assay_rq_params *p, const char **why, uint64_t length,
			   uint32_t packet_max, uint64_t memory);
void assay_rq_oti_write(uint8_t oti[ASSAY_RQ_OTI], const struct assay_rq_params *p);
int assay_rq_oti_read(struct assay_rq_params *p, const char **why, const uint8_t oti[ASSAY_RQ_OTI]);
int assay_rq_payload_id_write(uint8_t id[ASSAY_RQ_PAYLOAD_ID], uint32_t sbn, uint32_t esi);
void assay_rq_payload_id_read(uint32_t *sbn, uint32_t *esi, const uint8_t id[ASSAY_RQ_PAYLOAD_ID]);

struct assay_rq_block {
	uint32_t symbols;  /* K */
	uint32_t extended; /* K', the tabulated number of symbols the code works with */
	uint64_t offset;   /* in the object */
	uint64_t length;   /* octets of the object in the block, without padding */
};

int assay_rq_block(struct assay_rq_block *b, const struct assay_rq_params *p, uint32_t sbn);

/* Part of every symbol that lies in one sub-block. */
struct assay_rq_piece {
	uint32_t offset; /* in the symbol */
	uint32_t size;
	uint64_t start; /* of the sub-block in the block; symbol i's piece is at start + i * size */
};

int assay_rq_piece(struct assay_rq_piece *piece, const struct assay_rq_params *p,
		   const struct assay_rq_block *b, uint32_t number);
/* One source symbol out of a block that lies in memory as in the object, zero padded. */
void assay_rq_source_symbol(uint8_t *symbol, const struct assay_rq_params *p,
			    const struct assay_rq_block *b, const uint8_t *block, uint32_t esi);

/* ---- plan ---- */
struct assay_rq_plan;

/* Enough for all but contrived sets of known symbols. 0 when symbols is 0 or above the maximum. */
size_t assay_rq_plan_size(uint32_t symbols, size_t known_len);
/*
 * known: ESIs in order of preference, unchanged until the plan is done; NULL for the encoder's plan
 * (all source symbols). Symbols named twice count once. memory: 64-octet aligned, in use as long as
 * the plan.
 */
int assay_rq_plan_init(struct assay_rq_plan **plan, void *memory, size_t size, uint32_t symbols,
		       const uint32_t *known, size_t known_len);
/*
 * ASSAY_E_NOTFOUND: the known symbols do not determine the block; assay_rq_plan_missing says how
 * many more it takes at least. ASSAY_E_NOMEM: start again with assay_rq_plan_need octets.
 */
int assay_rq_plan_run(struct assay_rq_plan *plan, uint64_t budget);
uint32_t assay_rq_plan_missing(const struct assay_rq_plan *plan);
size_t assay_rq_plan_need(const struct assay_rq_plan *plan);

struct assay_rq_plan_facts {
	uint32_t intermediate;	/* L */
	uint32_t inactive;	/* u */
	uint32_t hdpc_unknowns; /* unknowns left to the GF(256) rows; 0: solved with XOR alone */
	uint32_t rows_used;	/* known symbols that became rows */
	size_t plan_bytes;	/* memory in use */
	size_t list_len;	/* entries of the gather lists */
};
void assay_rq_plan_facts(struct assay_rq_plan_facts *facts, const struct assay_rq_plan *plan);

/* ---- wanted ---- */
struct assay_rq_wanted;

/* Names intermediate symbol number i in a list of wanted symbols. */
#define ASSAY_RQ_INTERMEDIATE(i) (0x80000000u | (i))

enum assay_rq_way {
	ASSAY_RQ_BEST,	 /* what is estimated to be fastest */
	ASSAY_RQ_BACK,	 /* all intermediate symbols, then each output from them */
	ASSAY_RQ_SHORT,	 /* outputs from the forward pass, without the intermediate symbols */
	ASSAY_RQ_DIRECT, /* outputs as products of the known symbols with a dense matrix */
};

size_t assay_rq_wanted_size(const struct assay_rq_plan *plan, size_t wanted_len);
/* ids: ESIs or ASSAY_RQ_INTERMEDIATE, unchanged until done. symbol_size helps to choose the way. */
int assay_rq_wanted_init(struct assay_rq_wanted **wanted, void *memory, size_t size,
			 const struct assay_rq_plan *plan, const uint32_t *ids, size_t ids_len,
			 uint32_t symbol_size, enum assay_rq_way way);
int assay_rq_wanted_run(struct assay_rq_wanted *wanted, uint64_t budget);
enum assay_rq_way assay_rq_wanted_way(const struct assay_rq_wanted *wanted);

/* ---- solve ---- */
struct assay_rq_solve;

/*
 * Where the octets are. The block's source, as it lies in the object (sub-block by sub-block), may
 * end before K*T: what lies behind reads as zero and is not written. A known symbol whose pointer
 * is NULL (or all, when known is NULL) is a source symbol in that source; a wanted one likewise in
 * sink. Other pointers lead to symbol_size octets. source and sink may
 * be the same memory; a known symbol is not wanted at the same place.
 */
struct assay_rq_io {
	const uint8_t *source;
	uint64_t source_len;
	const uint8_t *const *known; /* by place in the plan's list */
	uint8_t *sink;
	uint64_t sink_len;
	uint8_t *const *wanted; /* by place in the list of wanted symbols */
	uint32_t symbol_size;
	uint32_t sub_blocks;
	uint32_t alignment;
};

/* width 0: the stripe width that measured best; else 32, 64, 128 or 256 octets. */
size_t assay_rq_solve_size(const struct assay_rq_plan *plan, const struct assay_rq_wanted *wanted,
			   uint32_t symbol_size, uint32_t width);
/* Octets [from, to) of every symbol; 0 and symbol_size for all. */
int assay_rq_solve_init(struct assay_rq_solve **solve, void *memory, size_t size,
			const struct assay_rq_plan *plan, const struct assay_rq_wanted *wanted,
			const struct assay_rq_io *io, uint32_t from, uint32_t to, uint32_t width);
int assay_rq_solve_run(struct assay_rq_solve *solve, uint64_t budget);
/* Octets of every symbol that are done, out of to - from. */
uint32_t assay_rq_solve_done(const struct assay_rq_solve *solve);

/* ---- kernels ---- */
/* Names of the kernels this CPU can run, the preferred one first; NULL after the last. */
const char *assay_rq_kernel_name(unsigned number);
/* Uses a kernel by name from now on, for tests and measurements; ASSAY_E_NOTFOUND if there is none.
 * Not while any job is under way. */
int assay_rq_kernel_use(const char *name);

#endif
