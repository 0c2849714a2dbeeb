/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops, on stripes: every symbol is a row of `width` octets, rows lie one behind
 * another. One source (kernel.inc) is compiled for plain C, AVX2 and AVX-512 with GFNI; the first
 * serves as the oracle of the others.
 */
#ifndef RAPTORQ_KERNEL_H
#define RAPTORQ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef RQ_AHEAD
#define RQ_AHEAD 16 /* steps that prefetching of symbols looks ahead */
#endif
#define RQ_NONE	     UINT32_MAX
#define RQ_WIDTH_MAX 256
#define RQ_LINE	     64 /* octets of a cache line */
#define RQ_TABLES    4	/* tables that one pass of `lookup` reads */

/* One gather: row dst = symbol + n rows of the list (forward), or + n + m rows (back). */
struct rq_step {
	uint32_t start; /* in the list */
	uint32_t place; /* of the symbol in the caller's list; RQ_NONE: zero */
	uint32_t esi;	/* of the symbol, where it is to be found in the object */
	uint16_t dst;
	uint8_t n, m; /* m is padded to a multiple of RQ_PAD with the zero row */
};
#define RQ_PAD 4

/* Where symbols lie: either behind their own pointer, or in the object at esi * stride. */
struct rq_port {
	uint8_t *const *symbol; /* may be NULL; its entries too */
	size_t offset;		/* of the stripe in a symbol */
	uint8_t *object;	/* the stripe of symbol 0 */
	size_t stride;
	uint8_t *end;	/* of the object */
	size_t row;	/* octets of a row of the working area */
	size_t width;	/* of these, octets that the stripe has; fewer in tiny symbols */
	bool careful;	/* some access may go over width or end */
	uint8_t *spare; /* a row for accesses with care */
};

struct rq_gather {
	uint8_t *rows;
	size_t width; /* of rows, a multiple of the kernel's unit */
	const uint16_t *list;
	const uint8_t *zero; /* a row of zeros */
	const struct rq_port *port;
};

struct rq_kernel {
	const char *name;
	bool (*usable)(void);
	size_t unit; /* rows are a multiple of it */
	/* rows[dst] = symbol + rows of the list */
	void (*gather)(const struct rq_gather *g, const struct rq_step *steps, size_t n, bool back);
	/* out row i = rows of the list of step i */
	void (*emit)(uint8_t *out, const struct rq_gather *g, const struct rq_step *steps,
		     size_t n);
	/* One row after the other into the same memory, past the caches, in whole lines. What does
	 * not fill a line waits in carry (RQ_LINE octets) for the next row, which goes on at to +
	 * width; with first there is none yet. Reads RQ_LINE octets behind the row. */
	void (*stream)(uint8_t *to, const uint8_t *row, size_t width, uint8_t *carry, bool first);
	/* t = 2t + row; bucket[map[i]] += t */
	void (*hdpc)(uint8_t *t, uint8_t *buckets, const uint8_t *rows, const uint8_t *map,
		     size_t n, size_t width);
	/* the same on 8 bit planes of width octets; adds to two of the rows (each 8 planes) */
	void (*planes)(uint8_t *t, uint8_t *out, const uint8_t *bits, size_t stride,
		       const uint8_t (*pairs)[2], size_t n, size_t width);
	/* table[i] = sum of the rows whose bit is set in i, for the given k rows */
	void (*table)(uint8_t *table, const uint8_t *rows, const uint16_t *list, unsigned k,
		      size_t width);
	/* row i += sum of RQ_TABLES lookups of k bits each, from bit `at` of bits + i * stride */
	void (*lookup)(uint8_t *rows, const uint16_t *list, size_t n, const uint8_t *bits,
		       size_t stride, size_t at, const uint8_t *tables, unsigned k, size_t width);
	/* out row o += sum of coef[i * coef_stride + o] * src[i] */
	void (*dot)(uint8_t *out, size_t n_out, const uint8_t *const *src, size_t n_src,
		    const uint8_t *coef, size_t coef_stride, size_t width);
	void (*add)(uint8_t *to, const uint8_t *from, size_t width);
	/* gather and hdpc the other way round, the last step or row first: rows of the list +=
	 * rows[dst]; t = 2t + bucket[map[i]], row i += t */
	void (*scatter)(uint8_t *rows, const uint16_t *list, const struct rq_step *steps, size_t n,
			size_t width);
	void (*hdpc_back)(uint8_t *t, const uint8_t *buckets, uint8_t *rows, const uint8_t *map,
			  size_t n, size_t width);
};

extern const struct rq_kernel rq_kernel_plain, rq_kernel_avx2, rq_kernel_avx512;
const struct rq_kernel *rq_kernel(void);

/* The row of a symbol at the port when it may be short or narrow: in place, or copied to spare. */
const uint8_t *rq_port_read(const struct rq_port *port, const struct rq_step *step);
void rq_port_write(const struct rq_port *port, const struct rq_step *step, const uint8_t *row);
/* Where the symbol's octets of the stripe go, when it is not careful. */
uint8_t *rq_port_at(const struct rq_port *port, const struct rq_step *step);

#endif
