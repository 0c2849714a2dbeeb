/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who examines whom in an epoch (docs/scores.md, "Assignment"), from its anchor, its snapshot of
 * the parameters and the reporters that may not challenge.
 */
#ifndef LEDGER_ASSIGN_H
#define LEDGER_ASSIGN_H

#include "ledger/rules.h"
#include "proof/derive.h"

struct assign_input {
	uint64_t mode, divisor, peer_quorum, probe_min, probe_max;
	const char *const *active; /* who may challenge, sorted */
	size_t active_count;
	const char *const *candidates; /* who may be challenged, sorted */
	size_t candidate_count;
	struct derive_seed seed;
};

/* All pairs of an epoch in a mode other than 0; out has room for active_count. */
void assign_pairs(struct derive_pair *out, size_t *count, const struct assign_input *in);
/*
 * The targets of one reporter; out has room for candidate_count + 1. In a mode other than 0 by the
 * pairs given. 0, or INVAL without a reporter's name or with a seed of less than 8 bytes.
 */
int assign_targets(const char **out, size_t *count, bool *prober, const struct assign_input *in,
		   const struct derive_pair *pairs, size_t pair_count, const char *reporter);

/* The pairs of one epoch, kept while they hold. Starts as {0}. */
struct assignment {
	bool made;
	uint64_t epoch;
	struct assign_input in;
	const char **active;
	struct derive_pair *pairs;
	size_t pair_count;
	uint8_t seed[32];
};
void assignment_forget(struct assignment *a);

/* The targets of an account in the current epoch or one whose anchor is there. */
struct assigned {
	const char **targets; /* names of the anchor; assigned_free */
	size_t n;
	bool prober;
};
/* 0, or NOTFOUND without an anchor. Nobody is assigned anything in epoch 0. */
int assigned_of(struct state *s, struct assigned *out, const char *account, uint64_t epoch);
void assigned_free(struct assigned *assigned);
/* The anchor's active list without those who may not challenge; names of the anchor. */
const char **eligible_challengers(struct state *s, size_t *count, const struct texts *active,
				  const struct params *p, uint64_t epoch);

#endif
