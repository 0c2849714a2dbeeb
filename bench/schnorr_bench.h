/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of `assay-bench schnorr`: what is signed, the baseline, and the modes beside the table. */
#ifndef BENCH_SCHNORR_H
#define BENCH_SCHNORR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/schnorr_batch.h"

struct signed_item {
	uint8_t message[32], key[32], signature[64];
	uint64_t handle; /* in the cache of the batch that is measured */
};

/* n signatures of as many keys. */
struct signed_item *items_make(uint32_t n);
/* A batch in memory of its own; NULL and a message when this processor or build lacks the code. */
struct assay_schnorr *batch_make(const struct assay_schnorr_config *config);
/* Adds the first n, by the handles when cached, and runs. */
void batch_run(struct assay_schnorr *batch, const struct signed_item *items, uint32_t n,
	       bool cached);

/* Another libsecp256k1 than the one this program is linked with; 0 or a message and INVAL. */
int singles_use(const char *library);
/* Seconds of one signature by libsecp256k1, parsing the key included unless it is cached. */
double singles_seconds(const struct signed_item *items, bool cached);
/* What this thread has computed, in seconds: not what others computed meanwhile. */
double own_seconds(void);

/* Cycles of one multiplication, and one squaring, of a whole vector, four of them side by side. */
struct field_cycles {
	unsigned lanes;
	double mul, sqr;
};
struct field_cycles field_plain(void);
struct field_cycles field_avx2(void);
struct field_cycles field_ifma(void);

/* What each method costs by the number of items, and where they cross. */
int bench_schnorr_methods(const struct assay_schnorr_config *config,
			  const struct signed_item *items, unsigned rounds);
/* Batches of n on one core, two, ... at once. */
int bench_schnorr_cores(const struct assay_schnorr_config *config, const struct signed_item *items,
			uint32_t n, unsigned cores);

#endif
