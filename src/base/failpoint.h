/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points at which a test lets the process die, or lets it see a wrong answer: so that every crash
 * that docs/healing.md names can be had on purpose. Always compiled in, off unless the environment
 * names one: ASSAY_FAILPOINT=name[:k], the k-th time it is passed. A simulator brings its own.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>
#include <stddef.h>

/* constant, name, what happens there */
#define FAILPOINTS(X)                                                                              \
	X(HEAL_MKDIR, "heal.mkdir", "dies after an op's staging folder is made")                   \
	X(HEAL_STAGED, "heal.staged", "dies after the manifest is in place")                       \
	X(HEAL_PENDING, "heal.pending", "dies after the claim's pending row is written")           \
	X(HEAL_SUBMITTED, "heal.submitted",                                                        \
	  "dies when the claim is answered, the row not yet marked")                               \
	X(HEAL_MARKED, "heal.marked", "dies after the claim's row is marked")                      \
	X(HEAL_PUBLISH_PARTIAL, "heal.publish_partial", "dies after the first artifact is stored") \
	X(HEAL_PLACED, "heal.placed",                                                              \
	  "dies when all artifacts are stored and heal_published is not sent")                     \
	X(HEAL_PUBLISHED, "heal.published", "dies after heal_published is accepted")               \
	X(HEAL_ROW_DELETED, "heal.row_deleted", "dies after a published op's row is deleted")      \
	X(HEAL_CLEAN_REMOVED, "heal.clean_removed",                                                \
	  "dies after the staging folder of an op is removed")                                     \
	X(VOTE_FETCHED, "vote.fetched", "dies after a verifier has hashed the staged file")        \
	X(VOTE_PENDING, "vote.pending", "dies after the vote's pending row is written")            \
	X(VOTE_SUBMITTED, "vote.submitted",                                                        \
	  "dies when the vote is answered, the row not yet marked")                                \
	X(LEDGER_APPLY, "ledger.apply", "dies with an entry applied and not committed")            \
	X(HEAL_ACK_LOST, "heal.submit_ack_lost", "the claim's answer is lost")                     \
	X(HEAL_GARBLED, "heal.submit_garbled", "the claim's answer is an unknown error")           \
	X(HEAL_UNSENT, "heal.submit_unsent", "the claim is not sent, and looks unanswered")        \
	X(VOTE_ACK_LOST, "vote.submit_ack_lost", "the vote's answer is lost")                      \
	X(VOTE_GARBLED, "vote.submit_garbled", "the vote's answer is an unknown error")            \
	X(VOTE_UNSENT, "vote.submit_unsent", "the vote is not sent, and looks unanswered")

enum failpoint {
#define X(constant, name, text) FAIL_##constant,
	FAILPOINTS(X)
#undef X
		FAIL_COUNT
};
const char *failpoint_name(enum failpoint which);
const char *failpoint_text(enum failpoint which);

/*
 * What is asked where such a point is passed. Those up to LEDGER_APPLY do not return when it is
 * their time; of the others true says that the wrong answer is to be seen. Any thread.
 */
struct failpoints {
	bool (*pass)(void *ctx, enum failpoint which);
	void *ctx;
};
static inline bool failpoint(const struct failpoints *f, enum failpoint which)
{
	return f->pass != NULL && f->pass(f->ctx, which);
}

/*
 * Of the process, as the environment says; SIGKILL is how it dies. Call it once, before threads.
 * 0, or INVAL with why in words.
 */
int failpoints_env(struct failpoints *out, char *why, size_t why_room);

#endif
