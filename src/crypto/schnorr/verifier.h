/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verifier of signatures that come from a queue: it takes what waits as one batch, works on it a
 * slice at a time, and gives the verdicts back. It never waits for a batch to fill, so that a lone
 * signature is answered at once, and a deep queue costs a fraction a signature. One thread each.
 */
#ifndef CRYPTO_SCHNORR_VERIFIER_H
#define CRYPTO_SCHNORR_VERIFIER_H

#include "assay/schnorr_batch.h"
#include "base/seam.h"

#define VERIFIER_BATCH_MAX 1024 /* what comes meanwhile waits for one of these at most */
#define VERIFIER_SIZES	   11	/* batches of 1, 2..3, 4..7, ... 1024 */
#define VERIFIER_KEYS_MAX  4096 /* of the cache */

struct verify_job {
	uint8_t key[32]; /* x-only */
	uint8_t signature[64];
	uint8_t digest[32];  /* the message when `message` is NULL */
	const void *message; /* stays in place until the verdict */
	size_t len;	     /* of it */
	bool known;	     /* the key will come again: worth a place in the cache */
	bool valid;	     /* the verdict */
	void (*done)(void *arg, bool valid); /* who waits for it */
	void *arg;
};

/* Where jobs come from and go back to. */
struct verify_queue {
	/* Up to room of those that wait; none: there are none. */
	unsigned (*take)(void *ctx, struct verify_job **out, unsigned room);
	void (*give)(void *ctx, struct verify_job **done, unsigned n);
	void *ctx;
};

/* The verifier writes, anybody reads; all uint64_t. */
struct verify_counters {
	uint64_t jobs, bad, batches, slices;
	uint64_t sizes[VERIFIER_SIZES]; /* batches by the power of two in their size */
};

struct verifier;

/* NULL when out of memory. */
struct verifier *verifier_new(const struct verify_queue *queue, const struct random *random);
void verifier_free(struct verifier *v);
/*
 * Works for about budget_ns, as assay_schnorr_run does. False when there was nothing to do.
 */
bool verifier_slice(struct verifier *v, uint64_t budget_ns);
const struct verify_counters *verifier_counters(const struct verifier *v);

#endif
