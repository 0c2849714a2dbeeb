/* SPDX-License-Identifier: Apache-2.0 */
/* The code of one K': its numbers and its rows (RFC 6330, 5.3). */
#ifndef RAPTORQ_CODE_H
#define RAPTORQ_CODE_H

#include <stdint.h>

#include "raptorq/tables.h"

#define RQ_ROW_MAX 33 /* columns of a received symbol */

/* A divisor with what makes its remainders out of two multiplications. */
struct rq_mod {
	uint32_t m;
	uint64_t inverse;
};

struct rq_code {
	uint32_t k;  /* source symbols */
	uint32_t kp; /* K' */
	uint32_t j, s, h, w;
	uint32_t l, p, p1, b;
	uint32_t step_a, step_b;				     /* of the tuple generator */
	struct rq_mod mod_w, mod_w1, mod_p1, mod_p11, mod_h, mod_h1; /* w, w - 1 and so on */
};

/* 0, or ASSAY_E_RANGE when k is 0 or above the largest K'. */
int rq_code(struct rq_code *code, uint32_t k);
/* The largest tabulated K' not above the bound, 0 if there is none. */
uint32_t rq_code_floor(uint64_t bound);

static inline uint32_t rq_rand_word(uint32_t y, uint32_t i)
{
	return rq_v[0][(y + i) & 255] ^ rq_v[1][((y >> 8) + i) & 255] ^
	       rq_v[2][((y >> 16) + i) & 255] ^ rq_v[3][((y >> 24) + i) & 255];
}

static inline uint32_t rq_mod(uint32_t n, const struct rq_mod *d)
{
	return (uint32_t)((unsigned __int128)(d->inverse * n) * d->m >> 64);
}

/* Columns of internal symbol x: LT columns first (*lt of them), then PI ones. Returns how many. */
unsigned rq_code_columns(const struct rq_code *code, uint32_t x, uint16_t *columns, unsigned *lt);

/* The three LDPC rows that LT column i < B is part of. */
static inline void rq_code_ldpc(const struct rq_code *code, uint32_t i, uint32_t rows[3])
{
	uint32_t q = 1 + i / code->s, r = i % code->s;

	for (int n = 0; n < 3; n++) {
		rows[n] = r;
		r += q % code->s;
		if (r >= code->s)
			r -= code->s;
	}
}

/* The two HDPC rows that running sum j < K'+S-1 is part of. */
static inline void rq_code_hdpc(const struct rq_code *code, uint32_t j, uint32_t rows[2])
{
	rows[0] = rq_mod(rq_rand_word(j + 1, 6), &code->mod_h);
	rows[1] = rows[0] + rq_mod(rq_rand_word(j + 1, 7), &code->mod_h1) + 1;
	if (rows[1] >= code->h)
		rows[1] -= code->h;
}

/* Internal id of an ESI. */
static inline uint32_t rq_code_internal(const struct rq_code *code, uint32_t esi)
{
	return esi < code->k ? esi : esi + (code->kp - code->k);
}

#endif
