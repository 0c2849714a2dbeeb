/* SPDX-License-Identifier: Apache-2.0 */
/* PROBE: name of the table. VEC: the vec_*.h under test. */
#include <string.h>

#include VEC
#include "crypto/schnorr/fe.h"
#include "schnorr/field_probe.h"

static struct fe get(probe_lanes a, int from)
{
	struct fe r;

	for (int k = 0; k < 5; k++)
		r.v[k] = v_load(a[k] + from);
	return r;
}

static void put(probe_lanes out, int from, struct fe a)
{
	for (int k = 0; k < 5; k++)
		v_store(out[k] + from, a.v[k]);
}

#define EVERY(expression)                  \
	v_enter();                         \
	for (int i = 0; i < 8; i += LANES) \
		put(out, i, expression);   \
	v_leave()

static void mul(probe_lanes out, probe_lanes a, probe_lanes b, probe_lanes term)
{
	struct fe t;

	EVERY((t = get(term, i), fe_mul_add(get(a, i), get(b, i), &t)));
}

static void sqr(probe_lanes out, probe_lanes a, probe_lanes term)
{
	struct fe_operand o;
	struct fe t;

	EVERY((t = get(term, i), o = fe_operand_of(get(a, i)), fe_sqr_operand(&o, &t)));
}

static void sub(probe_lanes out, probe_lanes a, probe_lanes b)
{
	EVERY(fe_sub(get(a, i), get(b, i)));
}

static void tighten(probe_lanes out, probe_lanes a)
{
	EVERY(fe_tighten(get(a, i)));
}

static void canonical(probe_lanes out, probe_lanes a)
{
	EVERY(fe_canonical(get(a, i)));
}

static void pack(probe_lanes out, probe_lanes a)
{
	vec w[4];

	EVERY((fe_pack(w, get(a, i)), fe_unpack(w)));
}

const struct field_probe PROBE = {NAME, mul, sqr, sub, tighten, canonical, pack};
