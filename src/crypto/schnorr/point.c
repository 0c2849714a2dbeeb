/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/point.h"

#include <string.h>

#include "crypto/schnorr/inverse.h"
#include "crypto/schnorr/vec_plain.h"
#include "crypto/schnorr/fe.h"

const struct point point_g = {
	{0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac},
	{0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465}};

struct point point_endomorphism(const struct point *p)
{
	struct point r = *p;

	fe_pack(r.x, fe_canonical(fe_mul(fe_unpack(p->x), fe_set(fe_beta_words))));
	return r;
}

static struct fe times(struct fe a, int shift)
{
	for (int i = 0; i < 5; i++)
		a.v[i] = v_shl(a.v[i], shift);
	return a;
}

/* Bounds: kernel_judge.h, which does the same in lanes. */
void point_double(struct point_sum *s)
{
	struct fe x = fe_load(s->x), y = fe_load(s->y), xx, yy, m, xy, term;

	if (s->none)
		return;
	xx = fe_sqr(x);
	yy = fe_sqr(y);
	m = fe_carry(fe_raw_add(times(xx, 1), xx)); /* a = 0, and no point has y = 0 */
	xy = fe_carry(times(fe_mul(x, yy), 2));
	term = fe_raw_neg(times(xy, 1), 8);
	x = fe_mul_add(m, m, &term);
	fe_store(s->x, x);
	fe_store(s->z, fe_carry(times(fe_mul(y, fe_load(s->z)), 1)));
	term = fe_raw_neg(times(fe_sqr(yy), 3), 8);
	fe_store(s->y, fe_mul_add(m, fe_carry(fe_raw_add(xy, fe_raw_neg(x, 1))), &term));
}

void point_add(struct point_sum *s, const struct point *p)
{
	struct fe x = fe_load(s->x), y = fe_load(s->y), z = fe_load(s->z);
	struct fe px = fe_unpack(p->x), py = fe_unpack(p->y), zz, h, r, hh, hhh, v, term;

	if ((p->x[0] | p->x[1] | p->x[2] | p->x[3]) == 0)
		return;
	if (s->none) {
		fe_store(s->x, px);
		fe_store(s->y, py);
		fe_store(s->z, fe_small(1));
		s->none = false;
		return;
	}
	zz = fe_sqr(z);
	h = fe_sub(fe_mul(px, zz), x);
	r = fe_sub(fe_mul(fe_mul(py, zz), z), y);
	if (fe_is_zero(h)) {
		if (fe_is_zero(r))
			point_double(s);
		else
			s->none = true;
		return;
	}
	hh = fe_sqr(h);
	hhh = fe_mul(hh, h);
	v = fe_mul(x, hh);
	term = fe_raw_neg(fe_raw_add(hhh, times(v, 1)), 4);
	x = fe_mul_add(r, r, &term);
	fe_store(s->x, x);
	term = fe_raw_neg(fe_mul(y, hhh), 1);
	fe_store(s->y, fe_mul_add(r, fe_sub(v, x), &term));
	fe_store(s->z, fe_mul(z, h));
}

void point_negate(struct point *p)
{
	fe_pack(p->y, fe_canonical(fe_tighten(fe_raw_neg(fe_unpack(p->y), 1))));
}

void point_affine(struct point *out, const struct point_sum *s)
{
	uint64_t words[4];
	struct fe inverse, square;

	if (s->none) {
		memset(out, 0, sizeof(*out));
		return;
	}
	fe_pack(words, fe_canonical(fe_tighten(fe_load(s->z))));
	inverse_words(words, words);
	inverse = fe_unpack(words);
	square = fe_sqr(inverse);
	fe_pack(out->x, fe_canonical(fe_mul(fe_load(s->x), square)));
	fe_pack(out->y, fe_canonical(fe_mul(fe_load(s->y), fe_mul(square, inverse))));
}
