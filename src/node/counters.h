/* SPDX-License-Identifier: Apache-2.0 */
/* What the epoch's work counts (docs/epochs.md, "Metrics"). One thread; no labels that name nodes
 * or tickets. */
#ifndef NODE_COUNTERS_H
#define NODE_COUNTERS_H

#include "node/classify.h"
#include "node/heal_port.h"
#include "node/stage.h"

/* How the submission of a recheck ended. */
enum recheck_says {
	RECHECK_SUBMITTED,
	RECHECK_ALREADY_SUBMITTED,
	RECHECK_STAGE_DEDUP,
	RECHECK_STAGE_ERROR,
	RECHECK_SUBMIT_TRANSIENT,
	RECHECK_SUBMIT_ERROR,
	RECHECK_MARK_ERROR,
	RECHECK_FOREIGN, /* somebody else's recheck was first */
	RECHECK_SAYS
};
const char *recheck_says_name(enum recheck_says says);

/* What a node says of a heal op. */
enum heal_message { HEAL_CLAIM, HEAL_VOTE, HEAL_PUBLISHED, HEAL_MESSAGES };
const char *heal_message_name(enum heal_message message);
const char *heal_says_name(enum heal_says says);
const char *heal_work_name(enum heal_work work);
const char *heal_end_name(enum heal_end end);

struct counters {
	uint64_t results[RESULT_CLASSES];
	uint64_t sign_failures[RESULT_CLASSES];
	uint64_t internal_failures[EXAM_STAGE_COUNT];
	uint64_t throttled; /* rows, by the buffer's one policy */
	uint64_t tickets_eligible, tickets_ineligible;
	uint64_t epochs, epoch_ms_total, epoch_ms_max;
	uint64_t reports_sent, reports_accepted, reports_late, reports_refused;
	uint64_t recheck_candidates, recheck_already_submitted;
	uint64_t recheck_submissions[RESULT_CLASSES][RECHECK_SAYS];
	uint64_t recheck_execute_failures, recheck_submit_failures;
	uint64_t ticks_sent;
	uint64_t heal_works[HEAL_WORKS][HEAL_ENDS];
	uint64_t heal_messages[HEAL_MESSAGES][HEAL_SAYS];
	uint64_t heal_votes[2]; /* against, for */
	uint64_t heal_withheld; /* votes that were not cast, for reasons of this node */
	/* Gauges. */
	bool no_ticket; /* a listing failed or a bucket was empty in this run */
	uint64_t recheck_pending;
	uint64_t heal_claims, heal_open; /* rows; ops with work or an entry under way */
};

/*
 * All of them for a metrics page: name without prefix, labels ("" or `name="value",...`), value.
 * Counters end in _total; the others are gauges.
 */
void counters_list(const struct counters *c,
		   void (*each)(void *arg, const char *name, const char *labels, uint64_t value),
		   void *arg);

#endif
