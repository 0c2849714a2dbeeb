/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single field operations of one set of kernels, for field_test.c: field_probe.c is compiled once a
 * set. Arrays are limbs[5][8], as eight lanes see them.
 */
#ifndef TESTS_SCHNORR_FIELD_PROBE_H
#define TESTS_SCHNORR_FIELD_PROBE_H

#include <stdint.h>

typedef uint64_t probe_lanes[5][8];

struct field_probe {
	const char *name;
	void (*mul)(probe_lanes out, probe_lanes a, probe_lanes b, probe_lanes term);
	void (*sqr)(probe_lanes out, probe_lanes a, probe_lanes term);
	void (*sub)(probe_lanes out, probe_lanes a, probe_lanes b);
	void (*tighten)(probe_lanes out, probe_lanes a);
	void (*canonical)(probe_lanes out, probe_lanes a);
	/* To four words and back. */
	void (*pack)(probe_lanes out, probe_lanes a);
};

extern const struct field_probe probe_plain, probe_bounds, probe_avx2, probe_model;

#endif
