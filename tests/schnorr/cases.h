/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures to check, and the check of a whole batch against libsecp256k1, for the tests and the
 * fuzz target. */
#ifndef TESTS_SCHNORR_CASES_H
#define TESTS_SCHNORR_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/schnorr_batch.h"

/* Rounds under sanitizers, which take their time: the ordinary build has them all. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CASES_FEWER
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define CASES_FEWER
#endif
#ifdef CASES_FEWER
#define CASES_ROUNDS(all, fewer) (fewer)
#else
#define CASES_ROUNDS(all, fewer) (all)
#endif

struct sig_case {
	uint8_t message[128];
	size_t len;
	uint8_t key[32];
	uint8_t signature[64];
};

uint64_t cases_random(uint64_t *state);
void cases_fill(uint64_t *state, void *out, size_t len);
/* A valid signature; the key follows from number, the rest from the state. */
void case_sign(struct sig_case *c, uint64_t *state, uint32_t number);
/* The same with the nonce that secret_nonce names: equal numbers give equal R. */
void case_sign_nonce(struct sig_case *c, uint64_t *state, const uint8_t secret[32],
		     const uint8_t nonce[32]);
/* Key and nonce, 0 to CASES_RELATED - 1, of a few whose points meet: 1, lambda, lambda^2, 2^128, 2
 * and -1 times G. */
#define CASES_RELATED 6
void case_sign_related(struct sig_case *c, uint64_t *state, unsigned key, unsigned nonce);
bool case_valid(const struct sig_case *c);

/*
 * A batch in memory of its own, which takes each as if it was the first; NULL when this processor
 * lacks the code.
 */
struct assay_schnorr *cases_batch(uint32_t items_max, uint32_t keys_max,
				  enum assay_schnorr_code code);
/* The same for any configuration. */
struct assay_schnorr *cases_batch_of(const struct assay_schnorr_config *config);
void cases_free(struct assay_schnorr *b);
/*
 * Checks n cases as one batch, in slices of budget_ns; every third with a cached key when cached.
 * The number of the first whose verdict is not libsecp256k1's, or -1. told, if any, are the
 * verdicts known before.
 */
int cases_differ(struct assay_schnorr *b, const struct sig_case *cases, size_t n, bool cached,
		 uint64_t budget_ns, const bool *told);

#endif
