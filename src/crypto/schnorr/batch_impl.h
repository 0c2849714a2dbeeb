/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a batch, shared by its phases. */
#ifndef SCHNORR_BATCH_IMPL_H
#define SCHNORR_BATCH_IMPL_H

/* Contexts of the caller: see crypto/sha256.c. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "assay/schnorr_batch.h"
#include "crypto/digest.h"
#include "crypto/schnorr/judge.h"
#include "crypto/schnorr/msm.h"

/* Places in the pool of points. */
enum {
	POOL_G,
	POOL_LAMBDA_G,
	POOL_UNUSED,
	POOL_ITEMS = 8, /* then a point R for each item, two for each key, and the slots of sums */
};

struct item {
	struct scalar a;      /* the coefficient, below 2^128 */
	struct scalar as, ae; /* times s, and e */
	const uint8_t *message;
	size_t len;
	uint8_t signature[64];
	uint32_t key; /* index into the batch's keys */
	bool failed;  /* its verdict is no, whatever the others say */
};

/* What the coefficients are drawn from. */
struct transcript {
	struct scalar e, s;
};

struct batch_key {
	uint8_t bytes[32];
	bool lifted, good;
	bool keep;	   /* goes to the cache once it is lifted */
	uint32_t used_in;  /* number of the check that last met it */
	struct scalar sum; /* of a e over its items in this check */
};

/* A key that outlives batches. */
struct cached_key {
	uint8_t bytes[32];
	struct point p, lambda_p;
	uint32_t generation;   /* of the slot; a handle carries it */
	uint32_t older, newer; /* ring by last use; slot 0 is its head */
	uint32_t next;	       /* of the same hash bucket */
};

/* A range of the order in which items are checked. */
struct segment {
	uint32_t from, to;
	bool bad;	  /* the check of it failed, with this sum */
	struct point sum; /* below p */
	bool has_twin; /* the one below it on the stack is its other half, and `sum` is of both */
	bool judge;    /* each item by itself */
	bool sample;   /* judged to see whether much is bad: the rest lies below it on the stack */
};
#define SEGMENTS_MAX 40

enum phase {
	PHASE_OPEN, /* items are added */
	PHASE_SINGLES,
	PHASE_HASH,
	PHASE_LIFT,
	PHASE_SETTLE,
	PHASE_SEED,
	PHASE_COEFFICIENTS,
	PHASE_PRODUCTS,
	PHASE_SEGMENT,
	PHASE_COLLECT,
	PHASE_NONCE_TERMS,
	PHASE_KEY_TERMS,
	PHASE_MSM,
	PHASE_JUDGE,
	PHASE_DONE
};

struct assay_schnorr {
	struct assay_schnorr_config config;
	const struct kernels *kernels;
	uint8_t secret[32];
	uint64_t hash_key[4]; /* of the key tables, so that nobody can choose collisions */
	uint64_t counter;     /* of batches */
	enum phase phase;
	uint32_t at;	 /* progress inside the phase */
	uint64_t hashed; /* bytes of the message at `at` */
	SHA256_CTX challenge, running;
	struct digest_stream transcript_hash;
	uint8_t seed[32];

	uint32_t items_count, keys_count;
	struct item *items;
	struct transcript *transcripts;
	struct batch_key *keys;
	uint32_t *key_table; /* open addressing; key index + 1 */
	uint32_t key_table_mask;
	struct point *pool;
	uint8_t *verdicts;

	struct cached_key *cache;
	uint32_t *cache_table; /* first slot of each hash bucket */
	uint32_t cache_mask, cache_count;

	uint32_t *order, order_count; /* items that are not decided yet */
	struct segment stack[SEGMENTS_MAX];
	unsigned depth;
	struct segment now;
	uint32_t *used_keys, used_count, check_number;
	struct scalar g_sum;
	struct msm msm;
	struct judge judge;
	bool judging;	/* the lanes are in the middle of it */
	bool judge_all; /* nothing is summed */
	/* Of the batches lately, each counting half of the next. */
	uint64_t items_lately, bad_lately;
	struct assay_schnorr_stats stats;
};

static inline uint32_t pool_item(uint32_t item)
{
	return POOL_ITEMS + item;
}

static inline uint32_t pool_key(const struct assay_schnorr *b, uint32_t key)
{
	return POOL_ITEMS + b->config.items_max + 2 * key;
}

/* Hash of a key for the tables. */
uint64_t key_hash(const struct assay_schnorr *b, const uint8_t key[32]);
/* The slot of a handle, or 0. */
uint32_t cache_slot(const struct assay_schnorr *b, uint64_t handle);
/* Marks it as used last. */
void cache_touch(struct assay_schnorr *b, uint32_t slot);
/* The slot of a key, marked so, or 0. */
uint32_t cache_find(struct assay_schnorr *b, const uint8_t key[32]);
/* Puts a key in that is not there; its slot. The cache has room for some. */
uint32_t cache_insert(struct assay_schnorr *b, const uint8_t key[32], const struct point *p,
		      const struct point *image);

/* Each does one step of its phase, at most some 30 us, and moves `phase` on. */
void hash_step(struct assay_schnorr *b);
void lift_step(struct assay_schnorr *b);
void settle_step(struct assay_schnorr *b);
void seed_step(struct assay_schnorr *b);
void coefficients_step(struct assay_schnorr *b);
void products_step(struct assay_schnorr *b);
void segment_step(struct assay_schnorr *b);
void collect_step(struct assay_schnorr *b);
void nonce_terms_step(struct assay_schnorr *b);
void key_terms_step(struct assay_schnorr *b);
void msm_phase_step(struct assay_schnorr *b);
void judge_step(struct assay_schnorr *b);
void singles_step(struct assay_schnorr *b);

/* x < p of 32 big-endian bytes. */
bool key_in_range(const uint8_t bytes[32]);
/* By libsecp256k1 alone. */
bool single_valid(const struct assay_schnorr *b, uint32_t item);

static inline void phase_next(struct assay_schnorr *b, enum phase phase)
{
	b->phase = phase;
	b->at = 0;
}

static inline void verdict_good(struct assay_schnorr *b, uint32_t item)
{
	b->verdicts[item / 8] |= (uint8_t)(1u << (item % 8));
}

#endif
