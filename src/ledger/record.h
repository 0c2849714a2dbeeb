/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of the ledger's state (docs/ledger.md, "State"). Each begins with its place in the
 * tables (ledger/table.h) and is written as one canonical JSON line by the field list of its table
 * (ledger/field.h). Texts are owned by the record; NULL is the empty text. Hashes, keys and
 * signatures are kept as the lower-case hex text that the line holds. Members that stand right
 * behind the key's comment and repeat its parts are set by table_put and never change.
 */
#ifndef LEDGER_RECORD_H
#define LEDGER_RECORD_H

#include <sys/queue.h>

#include "ledger/table.h"

struct meta {
	struct record record; /* key "-" */
	uint64_t height, time;
	char *beacon;
	struct texts tick_authors; /* oldest first */
	char *authority;
	uint64_t next_heal_op_id;
};

/* Parameters and their snapshots: struct params of ledger/params.h. */

enum node_state {
	NODE_ACTIVE = 1,
	NODE_DISABLED,
	NODE_STOPPED,
	NODE_PENALIZED,
	NODE_POSTPONED,
	NODE_STORAGE_FULL,
};
struct node {
	struct record record; /* key: account */
	char *key, *session_key, *session_pop, *enc_key, *address, *operator;
	uint64_t state, added_epoch;
	uint64_t absent_epoch; /* epoch whose missing report postponed it; 0 none */
};

struct presence_event {
	uint64_t t, kind;
};
struct presence {
	struct record record; /* key: account */
	uint64_t first_seen, status, status_epoch;
	char *boot;
	uint64_t start_height, base_starts, base_uptime, base_online;
	struct presence_event *events;
	size_t event_count;
};

enum committee_state {
	COMMITTEE_PROPOSED = 1,
	COMMITTEE_ACKNOWLEDGED,
	COMMITTEE_IN_FORCE,
	COMMITTEE_PAST
};
struct committee_member {
	char *account, *tip;
	uint64_t id;
};
struct committee {
	struct record record; /* key: key_group_id */
	char *output_key;
	uint64_t t, state, first_epoch;
	struct committee_member *members;
	size_t member_count;
	uint64_t *acks; /* ids, ascending */
	size_t ack_count;
};

struct anchor {
	struct record record; /* key: epoch */
	uint64_t epoch;
	uint64_t start, end;
	char *seed;
	struct texts active, targets; /* sorted, unique */
	char *active_commitment, *targets_commitment;
};

struct node_suspicion {
	struct record record; /* key: account */
	char *account;
	int64_t suspicion_score;
	uint64_t last_updated_epoch, last_recent_fail_epoch, last_old_fail_epoch;
	uint64_t distinct_ticket_fail_window, window_start_epoch;
	uint64_t class_a_count_window, last_class_a_epoch;
	uint64_t class_b_count_window, last_class_b_epoch;
	uint64_t clean_pass_count, last_clean_pass_epoch, last_index_fail_epoch;
	uint64_t clean_pass_count_at_postpone;
};

struct reporter_reliability {
	struct record record; /* key: account */
	char *account;
	int64_t reliability_score;
	uint64_t last_updated_epoch, trust_band, contradiction_count, ineligible_until_epoch;
	uint64_t window_positive_count, window_negative_count, window_start_epoch;
};

struct ticket_deterioration {
	struct record record; /* key: ticket */
	char *ticket;
	int64_t deterioration_score;
	uint64_t last_updated_epoch, active_heal_op_id, probation_until_epoch, last_heal_epoch;
	uint64_t last_failure_epoch, recent_failure_epoch_count, contradiction_count;
	char *last_target, *last_reporter;
	uint64_t last_result_class, last_result_epoch, distinct_holder_failure_count;
	uint64_t last_index_failure_epoch, recent_bucket_failure_epoch, old_bucket_failure_epoch;
};

enum heal_status {
	HEAL_SCHEDULED = 1,
	HEAL_IN_PROGRESS,
	HEAL_HEALER_REPORTED,
	HEAL_VERIFIED,
	HEAL_FAILED,
	HEAL_EXPIRED,
};
struct heal_op {
	struct record record;			/* key: id */
	RB_ENTRY(heal_op) by_status, by_ticket; /* ledger/index.h */
	uint64_t id;
	char *ticket, *healer;
	struct texts verifiers; /* in the order drawn */
	uint64_t scheduled_epoch, status, created_height, updated_height, deadline_epoch;
	char *result_hash, *notes;
	bool published;
};
struct heal_vote {
	struct record record; /* key: heal_op_id/verifier */
	uint64_t heal_op_id;
	char *verifier;
	bool verified;
};
struct postponement {
	struct record record; /* key: account; storage-truth postponements only */
	uint64_t epoch;
	bool strong;
};

enum ticket_state { TICKET_OPEN = 1, TICKET_CLOSED };
struct ticket {
	struct record record; /* key: ticket id */
	char *creator;
	uint64_t state;
	char *data_hash;
	uint64_t size, ic, max, ratio;
	struct texts rq_ids_ids;
	char *signatures;
	bool public;
	uint64_t index_artifact_count, symbol_artifact_count, placement_epoch;
	uint64_t symbol_copies, index_copies;
	struct texts holders; /* in placement order */
	uint64_t ready_epoch, height;
	bool rehome;
	uint64_t rehome_after, closed_epoch;
	/* Indexes, not state (ticket_index.c). */
	RB_ENTRY(ticket) by_gone;
	LIST_ENTRY(ticket) closed;
	uint32_t gone; /* holders in no challengeable state */
	bool listed;   /* in the order of tickets to rehome */
};

struct transcript_record {
	struct record record;		       /* key: hash */
	RB_ENTRY(transcript_record) by_target; /* ledger/index.h */
	uint64_t epoch;
	char *reporter, *target, *ticket;
	uint64_t result_class, bucket, artifact_class;
	char *artifact_key;
	uint64_t ordinal, count;
	char *derivation, *sig;
	bool recheck_eligible, confirmed, contradicted;
	char *recheck_transcript, *challenged_transcript;
};
struct node_failure {
	struct record record; /* key: target/epoch/ticket/reporter */
	char *target, *ticket, *reporter;
	uint64_t epoch;
	uint64_t result_class, bucket, artifact_class;
};
struct reporter_result {
	struct record record;		     /* key: reporter/epoch/ticket/target */
	RB_ENTRY(reporter_result) by_ticket; /* ledger/index.h */
	char *reporter, *ticket, *target;
	uint64_t epoch;
	uint64_t result_class;
	bool confirmed, overturned;
};
struct failed_heal {
	struct record record; /* key: account/epoch/ticket */
	char *account, *ticket;
	uint64_t epoch;
};
struct recheck_done {
	struct record record; /* key: epoch/ticket/target/creator */
	char *ticket, *target, *creator;
	uint64_t epoch;
};
struct report {
	struct record record; /* key: epoch/account */
	uint64_t epoch;
	char *account;
	char *host, *observations, *rows; /* canonical JSON, as in the entry */
};
struct verdict {
	struct record record; /* key: message id */
	uint64_t epoch, seq, height, code;
	char *reason;
	struct verdict *next_of_epoch; /* an index, not state */
};
struct epoch_root {
	struct record record; /* key: epoch */
	uint64_t epoch;
	uint64_t seq;
	char *root;
	uint64_t time;
	char *next_key;
};
struct seal {
	struct record record; /* key: epoch */
	uint64_t epoch;
	uint64_t *attests; /* member ids, ascending */
	size_t attest_count;
	char *body, *sig; /* body: hex of bytes 0..191 once fixed */
};

#endif
