/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the run of an epoch. */
#ifndef NODE_CHALLENGE_IMPL_H
#define NODE_CHALLENGE_IMPL_H

#include "node/challenge.h"

enum slot_state {
	SLOT_OPEN,
	SLOT_RESOLVING,
	SLOT_ASKING,
	SLOT_FILLED,
};
struct slot {
	enum slot_state state;
	bool tried; /* in this round */
	uint64_t cookie;
	struct exam exam; /* of RESOLVING and ASKING */
};

#define SLOTS 2 /* of a target: RECENT, OLD */
struct examinee {
	char account[ACCOUNT_ROOM];
	struct slot slot[SLOTS];
};

static inline unsigned slot_bucket(unsigned slot)
{
	return slot == 0 ? ASSAY_BUCKET_RECENT : ASSAY_BUCKET_OLD;
}

/* The target's place in the list, or NULL. */
struct examinee *challenge_find(const struct challenge *c, const char *account);
/* Reads the assignment into a list of its own; 0 or a code. */
int challenge_assignment(struct challenge *c, struct examinee **list, size_t *n);
/* Height at which the ages of tickets are judged: equal for all challengers of the epoch. */
uint64_t challenge_height(const struct epoch_facts *facts);

/* The ticket of the bucket to challenge, "" when it has none; 0 or a code. */
int challenge_pick(const struct challenge *c, char out[TICKET_ROOM], const char *target,
		   unsigned bucket);

#endif
