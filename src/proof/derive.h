/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The derivations of the storage challenge (docs/challenge.md): pure functions from a seed and
 * names to targets, tickets, artifacts, offsets and hashes. Names are NUL-terminated UTF-8 unless
 * given with a length. Errors are ASSAY_E_INVAL (unsupported enum, zero count or length) and
 * ASSAY_E_RANGE (past the end or overflow).
 */
#ifndef PROOF_DERIVE_H
#define PROOF_DERIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct derive_part {
	const void *data;
	size_t len;
};
struct derive_seed {
	const uint8_t *data;
	size_t len;
};

/* H(seed; parts) = SHA-256(seed ‖ 00 ‖ p1 ‖ 00 ‖ p2 ...). 0, or NOMEM with more than 8 parts. */
int derive_rank(uint8_t out[32], struct derive_seed seed, const struct derive_part *parts,
		size_t n);

/*
 * The first ceil(n / divisor) ids in rank order; divisor 0 means 3. out gets indices into ids and
 * has room for n; *count is their number. 0 or NOMEM.
 */
int derive_targets(size_t *out, size_t *count, const char *const *ids, size_t n,
		   struct derive_seed seed, uint32_t divisor);
/* The target with the smallest pair rank that is neither challenger nor in assigned; NULL if none.
 */
const char *derive_pair(const char *challenger, const char *const *targets, size_t n,
			const char *const *assigned, size_t assigned_count,
			struct derive_seed seed);
struct derive_pair {
	const char *challenger, *target;
};
/* The whole assignment, sorted by challenger; out has room for active_count. 0 or NOMEM. */
int derive_pairs(struct derive_pair *out, size_t *count, const char *const *active,
		 size_t active_count, const char *const *selected, size_t selected_count,
		 const char *const *candidates, size_t candidate_count, struct derive_seed seed);

/* Epochs: the chain's rule; zero parameters take their defaults (1, 400). */
uint64_t epoch_at_height(uint64_t height, uint64_t zero, uint64_t length);
void epoch_bounds(uint64_t *start, uint64_t *end, uint64_t epoch, uint64_t zero, uint64_t length);
/* The client's stricter rule: false when height is before zero or length is 0. */
bool epoch_client(uint64_t *epoch, uint64_t height, uint64_t zero, uint64_t length);
void epoch_seed(uint8_t out[32], const uint8_t *header_hash, size_t header_hash_len, uint64_t epoch,
		uint64_t start_height);
void commit_list(uint8_t out[32], const char *const *list, size_t n);

/* 0 none, ASSAY_BUCKET_RECENT or _OLD. */
unsigned derive_bucket(int64_t current, int64_t anchor, uint64_t recent_max, uint64_t old_min);
/* Index of the chosen ticket, or -1. */
int64_t derive_ticket(const char *const *eligible, size_t n, const char *const *excluded,
		      size_t excluded_count, struct derive_seed seed, const char *target,
		      unsigned bucket);
/* Class of the artifact (0 none); *roll is 0..9. */
unsigned derive_class(unsigned *roll, struct derive_seed seed, const char *target,
		      const char *ticket, uint32_t index_count, uint32_t symbol_count);
int derive_ordinal(uint32_t *out, struct derive_seed seed, const char *target, const char *ticket,
		   unsigned class, uint32_t count);
int derive_offsets(uint64_t *out, struct derive_seed seed, const char *target, const char *ticket,
		   unsigned class, uint32_t ordinal, uint64_t size, uint64_t length, int64_t k);
/* BLAKE3 of the ranges' bytes in the given order. */
int compound_hash(uint8_t out[32], const uint8_t *data, uint64_t size, const uint64_t *offsets,
		  size_t k, uint64_t length);
int derivation_hash(uint8_t out[32], struct derive_seed seed, const char *target,
		    const char *ticket, unsigned class, uint32_t ordinal, const uint64_t *offsets,
		    size_t k, uint64_t length);

struct transcript {
	uint64_t epoch;
	const char *challenger, *target, *ticket, *artifact_key; /* key as base58 text */
	const char *derivation_hex, *compound_hex;		 /* texts, may be empty */
	unsigned bucket, class;
	uint32_t ordinal;
	const char *const *observers;
	size_t observer_count;
};
int transcript_hash(uint8_t out[32], const struct transcript *t);
void challenge_id(uint8_t out[32], struct derive_seed seed, uint64_t epoch, const char *target,
		  const char *ticket, unsigned class, uint32_t ordinal);

/* "INDEX", "RECENT", ...; NULL for numbers without a name. */
const char *class_name(unsigned class);
const char *bucket_name(unsigned bucket);

#endif
