/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of the local tables, and how they are run. */
#ifndef NODE_LOCAL_IMPL_H
#define NODE_LOCAL_IMPL_H

#include "node/local.h"

/* X(NAME, SQL) */
#define STATEMENTS(X)                                                                              \
	X(GET_STATE, "select epoch_id from storage_challenge_state where state_key = ?1")          \
	X(SET_STATE, "insert into storage_challenge_state (state_key, epoch_id, updated_at) "      \
		     "values (?1, ?2, ?3) on conflict (state_key) do update set epoch_id = ?2, "   \
		     "updated_at = ?3")                                                            \
	X(STAGE, "insert into storage_recheck_submissions (epoch_id, ticket_id, "                  \
		 "target_account, challenged_transcript_hash, recheck_transcript_hash, "           \
		 "result_class, status, submitted_at) values (?1, ?2, ?3, ?4, ?5, ?6, "            \
		 "'pending', ?7) on conflict do nothing")                                          \
	X(RENEW, "update storage_recheck_submissions set challenged_transcript_hash = ?4, "        \
		 "recheck_transcript_hash = ?5, result_class = ?6, submitted_at = ?7 where "       \
		 "epoch_id = ?1 and ticket_id = ?2 and target_account = ?3 and status = "          \
		 "'pending'")                                                                      \
	X(MARK, "update storage_recheck_submissions set status = ?4 where epoch_id = ?1 and "      \
		"ticket_id = ?2 and target_account = ?3")                                          \
	X(DROP, "delete from storage_recheck_submissions where epoch_id = ?1 and ticket_id = "     \
		"?2 and target_account = ?3 and status = 'pending'")                               \
	X(FIND, "select status from storage_recheck_submissions where epoch_id = ?1 and "          \
		"ticket_id = ?2 and target_account in (?3, '') order by target_account desc")      \
	X(FAILURES, "select attempts from recheck_attempt_failures where epoch_id = ?1 and "       \
		    "ticket_id = ?2 and target_account = ?3 and expires_at > ?4")                  \
	X(FAIL, "insert into recheck_attempt_failures (epoch_id, ticket_id, target_account, "      \
		"attempts, last_error, expires_at) values (?1, ?2, ?3, 1, ?4, ?5) on conflict "    \
		"(epoch_id, ticket_id, target_account) do update set attempts = attempts + 1, "    \
		"last_error = ?4, expires_at = ?5")                                                \
	X(PURGE, "delete from recheck_attempt_failures where expires_at <= ?1")                    \
	X(CLAIM_PUT,                                                                               \
	  "insert into heal_claims_submitted (heal_op_id, ticket_id, manifest_hash, staging_dir, " \
	  "status, submitted_at) values (?1, ?2, ?3, ?4, 'pending', ?5) on conflict do nothing")   \
	X(CLAIM_FIND, "select heal_op_id, ticket_id, manifest_hash, status from "                  \
		      "heal_claims_submitted where heal_op_id = ?1")                               \
	X(CLAIMS, "select heal_op_id, ticket_id, manifest_hash, status from "                      \
		  "heal_claims_submitted where heal_op_id > ?1 order by heal_op_id limit ?2")      \
	X(CLAIM_COUNT, "select count(*) from heal_claims_submitted")                               \
	X(CLAIM_MARK,                                                                              \
	  "update heal_claims_submitted set status = 'submitted' where heal_op_id = ?1")           \
	X(CLAIM_DROP,                                                                              \
	  "delete from heal_claims_submitted where heal_op_id = ?1 and status in ('pending', ?2)") \
	X(VOTE_PUT, "insert into heal_verifications_submitted (heal_op_id, verifier_account, "     \
		    "verified, verification_hash, status, submitted_at) values (?1, ?2, ?3, ?4, "  \
		    "'pending', ?5) on conflict do nothing")                                       \
	X(VOTE_FIND,                                                                               \
	  "select heal_op_id, verified, verification_hash, status from "                           \
	  "heal_verifications_submitted where heal_op_id = ?1 and verifier_account = ?2")          \
	X(VOTES, "select heal_op_id, verified, verification_hash, status from "                    \
		 "heal_verifications_submitted where heal_op_id > ?1 and verifier_account = ?2 "   \
		 "order by heal_op_id limit ?3")                                                   \
	X(VOTE_MARK, "update heal_verifications_submitted set status = 'submitted' where "         \
		     "heal_op_id = ?1 and verifier_account = ?2")                                  \
	X(VOTE_DROP, "delete from heal_verifications_submitted where heal_op_id = ?1 and "         \
		     "verifier_account = ?2 and status in ('pending', ?3)")

enum statement {
#define X(name, sql) S_##name,
	STATEMENTS(X)
#undef X
		S_COUNT
};
struct local {
	sqlite3 *db;
	sqlite3_stmt *statement[S_COUNT];
};

/* Binds a text that lives until the statement has run. */
sqlite3_stmt *local_text(struct local *l, enum statement which, int at, const char *text);
void local_reset(sqlite3_stmt *s);
/* Runs what yields no row: 0 or IO. */
int local_run(sqlite3_stmt *s);

#endif
