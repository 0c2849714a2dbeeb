/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One storage challenge as an operator runs it: what to ask follows from seed, ticket and artifact
 * (docs/challenge.md), the answer is checked in every step, and its evidence is checked once more
 * as a third party would.
 */
#ifndef CLIENT_CHALLENGE_H
#define CLIENT_CHALLENGE_H

#include "assay/client.h"

#define CHALLENGE_TICKET_MAX 256
#define CHALLENGE_SEED_MAX   64
#define CHALLENGE_K	     4
#define CHALLENGE_LENGTH     256

struct challenge_question {
	uint64_t epoch;	     /* not 0 */
	const uint8_t *seed; /* NULL: 32 random bytes */
	size_t seed_len;
	const char *ticket; /* NULL: "artifact:<key in base58>" */
	uint8_t class, bucket;
	uint32_t ordinal;
	uint8_t key[32];
	uint64_t size;	       /* ASSAY_SIZE_UNKNOWN: proved first, by a READ of the last chunk */
	uint8_t k;	       /* 0: CHALLENGE_K */
	uint16_t range_length; /* 0: CHALLENGE_LENGTH; never more than the size */
	bool tree;
};

struct challenge_answer {
	/* The question as it was asked. */
	uint8_t seed[CHALLENGE_SEED_MAX];
	size_t seed_len;
	char ticket[CHALLENGE_TICKET_MAX];
	bool size_proved;		    /* by reading, not told */
	struct assay_prove_request request; /* its draw points to seed and ticket above */
	struct assay_draw draw;
	uint8_t challenge_id[32];

	struct assay_prove_result proof;
	/* The evidence as a third party judges it; all NOT_CHECKED when no seal came. */
	enum assay_outcome evidence[ASSAY_STEP_COUNT];
	bool evidence_good;
};

/* What follows from a question whose size is known; pure. INVAL or RANGE with a sentence in why. */
int challenge_derive(struct challenge_answer *out, const struct challenge_question *question,
		     const char *target, char *why, size_t why_room);

/* Asks over an open session. 0 whenever there is a verdict; on an error see assay_client_why. */
int challenge_run(struct assay_client *client, struct challenge_answer *out,
		  const struct challenge_question *question);

#endif
