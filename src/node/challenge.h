/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenges of one epoch: each target that the ledger assigned to this node is examined once
 * for a recent and once for an old ticket. Such a (target, bucket) is a slot. A slot is filled when
 * a row of it is in the buffer; until then it is tried again, round after round, to the end of the
 * epoch (docs/epochs.md, "Slots").
 */
#ifndef NODE_CHALLENGE_H
#define NODE_CHALLENGE_H

#include "node/buffer.h"
#include "node/ctx.h"
#include "node/exam.h"

struct challenge_settings {
	unsigned targets_at_once; /* 0: 4 */
	unsigned timeout_ms;	  /* of one call; 0: 30000 */
};

struct examinee;
struct challenge {
	struct node_ctx *ctx;
	struct challenge_settings settings;
	struct row_buffer *buffer;
	bool running;
	struct epoch_facts facts; /* of the epoch that is run */
	struct examinee *list;	  /* in the order of the assignment */
	size_t n;
	uint64_t begun_ns;
	bool done; /* was complete, and counted */
};

/* ctx and buffer outlive it. */
void challenge_init(struct challenge *c, struct node_ctx *ctx, struct row_buffer *buffer,
		    const struct challenge_settings *settings);
void challenge_free(struct challenge *c);

/*
 * Begins the run of an epoch, forgetting the one before. A code when the assignment cannot be had:
 * there is no run then, and the next turn begins it anew.
 */
int challenge_begin(struct challenge *c, const struct epoch_facts *facts, struct moment now);
/* No epoch is run any more; outcomes that still come are ignored. */
void challenge_end(struct challenge *c);
/* A round: every open slot is tried once more. */
void challenge_round(struct challenge *c, struct moment now, struct effects *out);

void challenge_resolved(struct challenge *c, uint64_t cookie, enum resolve_end end,
			const struct resolved *artifact, struct moment now, struct effects *out);
void challenge_asked(struct challenge *c, uint64_t cookie, const struct ask_result *result,
		     struct moment now, struct effects *out);

/* Is there a run, and has it filled every slot? */
bool challenge_complete(const struct challenge *c);
size_t challenge_filled(const struct challenge *c); /* slots, of 2 for each target */
/*
 * Before a report: the assignment as it is now, and the buffer without the rows that the ledger
 * would refuse by now (a ticket closed or placed anew, a target no longer assigned); their slots
 * are open again. 0 or a code.
 */
int challenge_review(struct challenge *c);
/* Targets of the run, in order; NULL after the last. */
const char *challenge_target(const struct challenge *c, size_t i);

/* How long one call may take in an epoch of that many ms: never so long that two fill half of it.
 */
uint64_t challenge_call_ns(unsigned timeout_ms, uint64_t epoch_ms);

#endif
