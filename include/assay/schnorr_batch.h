/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch verification of BIP-340 signatures: many at once for a fraction of what each costs alone,
 * and still a verdict for each that is always the one of secp256k1_schnorrsig_verify. Method,
 * bounds and figures: docs/schnorr.md. Everything here is public data; no secret but the seed of
 * the coefficients enters, and nothing is constant time.
 *
 *   size = assay_schnorr_size(&config);
 *   assay_schnorr_init(&batch, memory, size, &config, random_32_bytes);
 *   assay_schnorr_add(batch, message, len, key, signature);	as often as there is room
 *   while (assay_schnorr_run(batch, 50000) == ASSAY_E_AGAIN)
 *           serve_something_else();
 *   if (assay_schnorr_valid(batch, 0)) ...
 *   assay_schnorr_reset(batch);
 *
 * One batch belongs to one thread. Nothing allocates, locks or waits; the only calls to the system
 * are those that read the clock.
 */
#ifndef ASSAY_SCHNORR_BATCH_H
#define ASSAY_SCHNORR_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"

#define ASSAY_SCHNORR_ITEMS_MAX 65536u
#define ASSAY_SCHNORR_KEYS_MAX	65536u
#define ASSAY_SCHNORR_ALIGN	64

enum assay_schnorr_code {
	ASSAY_SCHNORR_BEST,  /* the fastest that this processor has */
	ASSAY_SCHNORR_PLAIN, /* 64-bit words */
	ASSAY_SCHNORR_AVX2,  /* AVX2 and FMA */
	ASSAY_SCHNORR_IFMA,  /* AVX-512 with IFMA */
};

enum assay_schnorr_method {
	ASSAY_SCHNORR_FASTEST, /* by the number of items, and by how much was bad lately */
	ASSAY_SCHNORR_SINGLES, /* libsecp256k1 for each */
	ASSAY_SCHNORR_JUDGE,   /* each by itself, in lanes where the code has some */
	ASSAY_SCHNORR_SUM,     /* one sum of all first, however few */
};

struct assay_schnorr_config {
	uint32_t items_max;		  /* of one batch, 1..65536 */
	uint32_t keys_max;		  /* of the key cache, 0..65536 */
	enum assay_schnorr_code code;	  /* other than BEST for tests and figures */
	bool forgets;			  /* likewise: how much was bad lately does not matter */
	enum assay_schnorr_method method; /* likewise, other than FASTEST */
};

struct assay_schnorr;

/* Bytes of memory a batch takes; 0 when the configuration is out of range. */
size_t assay_schnorr_size(const struct assay_schnorr_config *config);
/*
 * Makes a batch in memory, which is aligned to ASSAY_SCHNORR_ALIGN and stays the caller's. secret
 * is 32 random bytes that nobody else knows. 0, INVAL (configuration, alignment), NOMEM (len), or
 * UNSUPPORTED (this processor lacks the code that was asked for).
 */
int assay_schnorr_init(struct assay_schnorr **out, void *memory, size_t len,
		       const struct assay_schnorr_config *config, const uint8_t secret[32]);
/* "plain", "avx2" or "ifma": what BEST is on this processor; what a batch has. */
const char *assay_schnorr_best(void);
const char *assay_schnorr_code_name(const struct assay_schnorr *batch);

/*
 * Puts a key (32 bytes, x-only) into the cache, or finds it there. *handle is never 0. When the
 * cache is full, the key that was used longest ago makes room, and its handle is void. One square
 * root for a new key. 0, CRYPTO (no such point), or FULL (the cache has no room at all).
 */
int assay_schnorr_key(struct assay_schnorr *batch, uint64_t *handle, const uint8_t key[32]);

/*
 * Adds a signature of 64 bytes; message and nothing else must stay in place until the verdict. 0,
 * FULL, or BUSY (run has begun: reset first). The n-th call is item n - 1.
 */
int assay_schnorr_add(struct assay_schnorr *batch, const void *message, size_t len,
		      const uint8_t key[32], const uint8_t signature[64]);
/* The same with a key of the cache; NOTFOUND when the handle is void: add it again. */
int assay_schnorr_add_cached(struct assay_schnorr *batch, const void *message, size_t len,
			     uint64_t handle, const uint8_t signature[64]);
/*
 * The same with a key that will come again: it is taken from the cache, or lifted with the others
 * of the batch, if that needs lifts, and kept. 0, FULL or BUSY.
 */
int assay_schnorr_add_known(struct assay_schnorr *batch, const void *message, size_t len,
			    const uint8_t key[32], const uint8_t signature[64]);
uint32_t assay_schnorr_items(const struct assay_schnorr *batch);

/*
 * Works on the batch until there are verdicts (0), or for about budget_ns (AGAIN: call again,
 * nothing is done twice). 0 is no limit. A call does one step at least, which takes up to some 30
 * us, a signature by libsecp256k1 45, and no further one that would be late if it took as long as
 * the longest before.
 */
int assay_schnorr_run(struct assay_schnorr *batch, uint64_t budget_ns);
/* After run has returned 0. */
bool assay_schnorr_valid(const struct assay_schnorr *batch, uint32_t item);
/* All of them: bit i % 8 of byte i / 8 is item i. */
const uint8_t *assay_schnorr_verdicts(const struct assay_schnorr *batch);
/* Empties the batch; cached keys stay. Also in the middle of a run. */
void assay_schnorr_reset(struct assay_schnorr *batch);

/* Where the time went, in ticks of the time-stamp counter, and how much was done; since init. */
struct assay_schnorr_stats {
	uint64_t hash_ticks;	   /* challenges */
	uint64_t lift_ticks;	   /* of R and of keys */
	uint64_t randomizer_ticks; /* the seed, and the coefficients drawn from it */
	uint64_t scalar_ticks;	   /* a s, a e, their sums by key, and the halves of these */
	uint64_t digit_ticks;	   /* cutting digits, and putting points to their buckets */
	uint64_t add_ticks;	   /* buckets */
	uint64_t pyramid_ticks;	   /* the buckets' weighted sums */
	uint64_t final_ticks;	   /* the sums of all bits */
	uint64_t judge_ticks;	   /* items by themselves, also by libsecp256k1 */
	uint64_t items, singles, judged, lifts, checks, additions, addition_calls;
};
void assay_schnorr_stats(const struct assay_schnorr *batch, struct assay_schnorr_stats *out);

#endif
