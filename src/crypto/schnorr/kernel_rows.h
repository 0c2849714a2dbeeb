/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: up to ROWS vectors of field elements side by side. Part of kernels_*.c. A stage does its
 * step for the whole row before the next begins, so that what one vector waits for, the others
 * compute; and it is a function, so that a product is there once and stays where the processor
 * keeps decoded instructions.
 */
#ifndef SCHNORR_KERNEL_ROWS_H
#define SCHNORR_KERNEL_ROWS_H

#define V_STAGE V_NEVER
/* Said where a compiler could think that a row is empty. */
#define ROW_NOT_EMPTY(n)                         \
	do {                                     \
		if ((n) == 0)                    \
			__builtin_unreachable(); \
	} while (0)

/* r = a b + term, if there is one; r may be any of them. */
V_STAGE void row_mul(struct fe *r, const struct fe *a, const struct fe *b, const struct fe *term,
		     unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		r[i] = fe_mul_add(a[i], b[i], term != NULL ? &term[i] : NULL);
}

/* r = a^2 + term */
V_STAGE void row_sqr(struct fe *r, const struct fe *a, const struct fe *term, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct fe_operand x = fe_operand_of(a[i]);

		r[i] = fe_sqr_operand(&x, term != NULL ? &term[i] : NULL);
	}
}

/* r = a^(2^times) b */
V_STAGE void row_power(struct fe *r, const struct fe *a, unsigned times, const struct fe *b,
		       unsigned n)
{
	struct fe t[ROWS];

	memcpy(t, a, n * sizeof(t[0]));
	for (unsigned k = 0; k < times; k++)
		for (unsigned i = 0; i < n; i++)
			t[i] = fe_sqr(t[i]);
	row_mul(r, t, b, NULL, n);
}

/* r = a - b, all tight; an operand. */
V_STAGE void row_sub(struct fe *r, const struct fe *a, const struct fe *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		r[i] = fe_sub(a[i], b[i]);
}

/* Each to its inverse, all tight; false when one of all lanes is zero. */
V_STAGE bool row_invert(struct fe *a, unsigned n)
{
	_Alignas(64) uint64_t lanes[LANES * 5];
	struct fe before[ROWS], all = a[0];

	for (unsigned i = 1; i < n; i++) {
		before[i] = all;
		row_mul(&all, &all, &a[i], NULL, 1);
	}
	fe_store(lanes, all);
	if (!inverse_lanes(lanes, LANES))
		return false;
	all = fe_load(lanes);
	for (unsigned i = n - 1; i > 0; i--) {
		struct fe one = all;

		row_mul(&all, &all, &a[i], NULL, 1);
		row_mul(&a[i], &one, &before[i], NULL, 1);
	}
	a[0] = all;
	return true;
}

/* Vectors of the row that begins at this one. */
static inline unsigned row_of(size_t at, size_t vectors)
{
	return vectors - at < ROWS ? (unsigned)(vectors - at) : ROWS;
}

#endif
