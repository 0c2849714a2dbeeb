/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lane kernels of the batch verifier behind one table: three builds of the same source, over
 * plain 64-bit words (the twin that tests hold the others to), over AVX2 with FMA (4 lanes), and
 * over AVX-512 IFMA (8 lanes). All public data, so all of it is variable time.
 */
#ifndef SCHNORR_KERNELS_H
#define SCHNORR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/schnorr/scalar.h"

/* Affine, little-endian words below 2^256, not always below p; all zero is infinity (x = 0 is on no
 * point of the curve). One cache line. */
struct point {
	_Alignas(64) uint64_t x[4];
	uint64_t y[4];
};

/* A reference to a point of a pool: its index, and whether it counts negative. */
#define REF_NEGATIVE 0x80000000u
#define REF_NONE     0x7fffffffu

struct add_job { /* pool[out] = pool[a] + pool[b]; out may be a or b, and of no other job */
	uint32_t a, b, out;
	uint32_t key; /* the caller's: what the sum is for */
};

#define LANES_MAX    8
#define ADD_JOBS_MAX 512 /* of one call; more would not stay in the first-level cache */
#define LIFT_MAX     32	 /* of one call */
#define SCALARS_MAX  64	 /* of one call; a multiple of all lanes */
#define DIGITS	     64	 /* of one call, likewise */

struct add_scratch { /* running products, x2 - x1 and x1 of one call */
	_Alignas(64) uint64_t product[ADD_JOBS_MAX * 5];
	_Alignas(64) uint64_t difference[ADD_JOBS_MAX * 5];
	_Alignas(64) uint64_t x1[ADD_JOBS_MAX * 5];
};

/* Points in the middle of s G - e P, a signature each, in the order of the kernels that work on it.
 */
#define JUDGE_LANES 16
struct judge_state {
	_Alignas(64) uint64_t x[5 * JUDGE_LANES], y[5 * JUDGE_LANES], z[5 * JUDGE_LANES];
};

struct kernels {
	const char *name;
	unsigned add_stride;		/* jobs of an addition come in multiples of this */
	uint32_t add_slice, lift_slice; /* what takes some 30 us */
	uint32_t singles_max;		/* up to so many items libsecp256k1 checks each */
	uint32_t judge_max; /* up to so many each is judged; 0: judge_* lose to libsecp256k1 */
	/*
	 * out[i] = the point with x-coordinate in[i] (32 bytes, big-endian, below p) and even y;
	 * bit i of the result says that there is one, and image[i] is then lambda out[i]. image may
	 * be NULL. n <= LIFT_MAX.
	 */
	uint32_t (*lift)(struct point *out, struct point *image, const uint8_t *const *in,
			 size_t n);
	/*
	 * out[i] = a[i] b[i], a below 2^128. n <= SCALARS_MAX; what follows up to a whole vector is
	 * read and written as well.
	 */
	void (*scalar_mul)(struct scalar *out, const struct scalar *a, const struct scalar *b,
			   size_t n);
	/* k[i] = out[2 i] + out[2 i + 1] lambda; likewise. */
	void (*scalar_split)(struct half_scalar *out, const struct scalar *k, size_t n);
	/*
	 * DIGITS signed digits: `width` bits from bit `shift` of low on, which go on in high, less
	 * 2^(width - 1), as a magnitude and REF_NEGATIVE. All aligned to 64 bytes.
	 */
	void (*digits)(uint64_t *out, const uint64_t *low, const uint64_t *high, unsigned shift,
		       unsigned width);
	/*
	 * n is a multiple of add_stride, <= ADD_JOBS_MAX; shares one inversion. False, with nothing
	 * written, when some pair has equal x or an infinity: then `add_any`, which takes all
	 * pairs.
	 */
	bool (*add)(struct point *pool, const struct add_job *jobs, size_t n,
		    struct add_scratch *scratch);
	/* True when some sum is infinity. */
	bool (*add_any)(struct point *pool, const struct add_job *jobs, size_t n,
			struct add_scratch *scratch);
	/* All lanes at the point. The others work on the first lanes, rounded up to whole vectors.
	 */
	void (*judge_begin)(struct judge_state *state, const struct point *start);
	/* state = 2^doublings state. */
	void (*judge_double)(struct judge_state *state, unsigned doublings, unsigned lanes);
	/*
	 * Adds pool[ref[i]] to lane i; REF_NONE adds nothing. beta multiplies the x of all by the
	 * cube root of one. Equal or opposite points leave z = 0 in that lane for ever.
	 */
	void (*judge_add)(struct judge_state *state, const struct point *pool, const uint32_t *ref,
			  bool beta, unsigned lanes);
	/*
	 * Bit i of *same: lane i has x = r[i], which is below p, and an even y; bit i of *lost: z
	 * is zero, ask somebody else.
	 */
	void (*judge_end)(struct judge_state *state, const uint64_t (*r)[4], unsigned *same,
			  unsigned *lost, unsigned lanes);
};

/*
 * How the pieces of a kernel are defined: what a vector does (V_OP) and what is made of that. All
 * inlined into one another they are what compilers take minutes for when every step is instrumented
 * or modelled.
 */
#define V_ALWAYS static inline __attribute__((always_inline, unused))
#define V_NEVER	 static __attribute__((noinline, unused))
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define V_APART
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define V_APART
#endif
#ifdef SCHNORR_IFMA_MODEL
#define V_OP	 V_NEVER
#define V_INLINE V_NEVER
#elif defined(V_APART)
#define V_OP	 V_ALWAYS
#define V_INLINE V_NEVER
#else
#define V_OP	 V_ALWAYS
#define V_INLINE V_ALWAYS
#endif

extern const struct kernels kernels_plain, kernels_avx2, kernels_ifma;

#endif
