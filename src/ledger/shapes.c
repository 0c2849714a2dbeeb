/* SPDX-License-Identifier: Apache-2.0 */
/* The members of every table, in the order of their names, and the parts of its key. */
#include "ledger/field.h"
#include "ledger/params.h"

#define FIELD(type, record, name, member)                              \
	{                                                              \
		name, FIELD_##type, offsetof(struct record, member), 0 \
	}
#define LIST(record, name, member, item)                                      \
	{                                                                     \
		name, FIELD_OBJECTS, offsetof(struct record, member), &(item) \
	}
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define SHAPE(record, fields)                                \
	{                                                    \
		fields, COUNT(fields), sizeof(struct record) \
	}
/* A list is a pointer with its length right behind. */
#define ADJACENT(record, member, count)                                          \
	_Static_assert(offsetof(struct record, count) ==                         \
			       offsetof(struct record, member) + sizeof(void *), \
		       "length right behind the list")
ADJACENT(presence, events, event_count);
ADJACENT(committee, members, member_count);
ADJACENT(committee, acks, ack_count);
ADJACENT(seal, attests, attest_count);

static const struct field anchor[] = {
	FIELD(TEXTS, anchor, "active", active),
	FIELD(TEXT, anchor, "active_commitment", active_commitment),
	FIELD(NUMBER, anchor, "end", end),
	FIELD(TEXT, anchor, "seed", seed),
	FIELD(NUMBER, anchor, "start", start),
	FIELD(TEXTS, anchor, "targets", targets),
	FIELD(TEXT, anchor, "targets_commitment", targets_commitment),
};

static const struct field committee_member_fields[] = {
	FIELD(TEXT, committee_member, "account", account),
	FIELD(NUMBER, committee_member, "id", id),
	FIELD(TEXT, committee_member, "tip", tip),
};
static const struct shape committee_member_shape = SHAPE(committee_member, committee_member_fields);
static const struct field committee[] = {
	FIELD(NUMBERS, committee, "acks", acks),
	FIELD(NUMBER, committee, "first_epoch", first_epoch),
	LIST(committee, "members", members, committee_member_shape),
	FIELD(TEXT, committee, "output_key", output_key),
	FIELD(NUMBER, committee, "state", state),
	FIELD(NUMBER, committee, "t", t),
};

static const struct field heal_op[] = {
	FIELD(NUMBER, heal_op, "created_height", created_height),
	FIELD(NUMBER, heal_op, "deadline_epoch_id", deadline_epoch),
	FIELD(NUMBER, heal_op, "heal_op_id", id),
	FIELD(TEXT, heal_op, "healer_supernode_account", healer),
	FIELD(TEXT, heal_op, "notes", notes),
	FIELD(BOOL, heal_op, "published", published),
	FIELD(TEXT, heal_op, "result_hash", result_hash),
	FIELD(NUMBER, heal_op, "scheduled_epoch_id", scheduled_epoch),
	FIELD(NUMBER, heal_op, "status", status),
	FIELD(TEXT, heal_op, "ticket_id", ticket),
	FIELD(NUMBER, heal_op, "updated_height", updated_height),
	FIELD(TEXTS, heal_op, "verifier_supernode_accounts", verifiers),
};

static const struct field heal_vote[] = {
	FIELD(BOOL, heal_vote, "verified", verified),
};

static const struct field meta[] = {
	FIELD(TEXT, meta, "authority", authority),
	FIELD(TEXT, meta, "beacon", beacon),
	FIELD(NUMBER, meta, "height", height),
	FIELD(NUMBER, meta, "next_heal_op_id", next_heal_op_id),
	FIELD(TEXTS, meta, "tick_authors", tick_authors),
	FIELD(NUMBER, meta, "time", time),
};

static const struct field node_failure[] = {
	FIELD(NUMBER, node_failure, "artifact_class", artifact_class),
	FIELD(NUMBER, node_failure, "bucket", bucket),
	FIELD(NUMBER, node_failure, "result_class", result_class),
};

static const struct field node_suspicion[] = {
	FIELD(NUMBER, node_suspicion, "class_a_count_window", class_a_count_window),
	FIELD(NUMBER, node_suspicion, "class_b_count_window", class_b_count_window),
	FIELD(NUMBER, node_suspicion, "clean_pass_count", clean_pass_count),
	FIELD(NUMBER, node_suspicion, "clean_pass_count_at_postpone", clean_pass_count_at_postpone),
	FIELD(NUMBER, node_suspicion, "distinct_ticket_fail_window", distinct_ticket_fail_window),
	FIELD(NUMBER, node_suspicion, "last_class_a_epoch", last_class_a_epoch),
	FIELD(NUMBER, node_suspicion, "last_class_b_epoch", last_class_b_epoch),
	FIELD(NUMBER, node_suspicion, "last_clean_pass_epoch", last_clean_pass_epoch),
	FIELD(NUMBER, node_suspicion, "last_index_fail_epoch", last_index_fail_epoch),
	FIELD(NUMBER, node_suspicion, "last_old_fail_epoch", last_old_fail_epoch),
	FIELD(NUMBER, node_suspicion, "last_recent_fail_epoch", last_recent_fail_epoch),
	FIELD(NUMBER, node_suspicion, "last_updated_epoch", last_updated_epoch),
	FIELD(TEXT, node_suspicion, "supernode_account", account),
	FIELD(SIGNED, node_suspicion, "suspicion_score", suspicion_score),
	FIELD(NUMBER, node_suspicion, "window_start_epoch", window_start_epoch),
};

static const struct field node[] = {
	FIELD(NUMBER, node, "absent_epoch", absent_epoch),
	FIELD(NUMBER, node, "added_epoch", added_epoch),
	FIELD(TEXT, node, "address", address),
	FIELD(TEXT, node, "enc_key", enc_key),
	FIELD(TEXT, node, "key", key),
	FIELD(TEXT, node, "operator", operator),
	FIELD(TEXT, node, "session_key", session_key),
	FIELD(TEXT, node, "session_pop", session_pop),
	FIELD(NUMBER, node, "state", state),
};

static const struct field params[] = {
#define NUMBER(name, standard, least, most) FIELD(NUMBER, params, #name, name),
#define SWITCH(name, standard)		    FIELD(BOOL, params, #name, name),
#define PORTS(name)			    FIELD(NUMBERS, params, #name, name),
	PARAMS(NUMBER, SWITCH, PORTS)
#undef NUMBER
#undef SWITCH
#undef PORTS
};

static const struct field postponement[] = {
	FIELD(NUMBER, postponement, "epoch", epoch),
	FIELD(BOOL, postponement, "strong", strong),
};

static const struct field presence_event_fields[] = {
	FIELD(NUMBER, presence_event, "kind", kind),
	FIELD(NUMBER, presence_event, "t", t),
};
static const struct shape presence_event_shape = SHAPE(presence_event, presence_event_fields);
static const struct field presence[] = {
	FIELD(NUMBER, presence, "base_online", base_online),
	FIELD(NUMBER, presence, "base_starts", base_starts),
	FIELD(NUMBER, presence, "base_uptime", base_uptime),
	FIELD(TEXT, presence, "boot", boot),
	LIST(presence, "events", events, presence_event_shape),
	FIELD(NUMBER, presence, "first_seen", first_seen),
	FIELD(NUMBER, presence, "start_height", start_height),
	FIELD(NUMBER, presence, "status", status),
	FIELD(NUMBER, presence, "status_epoch", status_epoch),
};

static const struct field reporter_reliability[] = {
	FIELD(NUMBER, reporter_reliability, "contradiction_count", contradiction_count),
	FIELD(NUMBER, reporter_reliability, "ineligible_until_epoch", ineligible_until_epoch),
	FIELD(NUMBER, reporter_reliability, "last_updated_epoch", last_updated_epoch),
	FIELD(SIGNED, reporter_reliability, "reliability_score", reliability_score),
	FIELD(TEXT, reporter_reliability, "reporter_supernode_account", account),
	FIELD(NUMBER, reporter_reliability, "trust_band", trust_band),
	FIELD(NUMBER, reporter_reliability, "window_negative_count", window_negative_count),
	FIELD(NUMBER, reporter_reliability, "window_positive_count", window_positive_count),
	FIELD(NUMBER, reporter_reliability, "window_start_epoch", window_start_epoch),
};

static const struct field reporter_result[] = {
	FIELD(BOOL, reporter_result, "confirmed", confirmed),
	FIELD(BOOL, reporter_result, "overturned", overturned),
	FIELD(NUMBER, reporter_result, "result_class", result_class),
};

static const struct field report[] = {
	FIELD(JSON, report, "host", host),
	FIELD(JSON, report, "observations", observations),
	FIELD(JSON, report, "rows", rows),
};

static const struct field root[] = {
	FIELD(TEXT, epoch_root, "next_key", next_key),
	FIELD(TEXT, epoch_root, "root", root),
	FIELD(NUMBER, epoch_root, "seq", seq),
	FIELD(NUMBER, epoch_root, "time", time),
};

static const struct field seal[] = {
	FIELD(NUMBERS, seal, "attests", attests),
	FIELD(TEXT, seal, "body", body),
	FIELD(TEXT, seal, "sig", sig),
};

static const struct field ticket_deterioration[] = {
	FIELD(NUMBER, ticket_deterioration, "active_heal_op_id", active_heal_op_id),
	FIELD(NUMBER, ticket_deterioration, "contradiction_count", contradiction_count),
	FIELD(SIGNED, ticket_deterioration, "deterioration_score", deterioration_score),
	FIELD(NUMBER, ticket_deterioration, "distinct_holder_failure_count",
	      distinct_holder_failure_count),
	FIELD(NUMBER, ticket_deterioration, "last_failure_epoch", last_failure_epoch),
	FIELD(NUMBER, ticket_deterioration, "last_heal_epoch", last_heal_epoch),
	FIELD(NUMBER, ticket_deterioration, "last_index_failure_epoch", last_index_failure_epoch),
	FIELD(TEXT, ticket_deterioration, "last_reporter_supernode_account", last_reporter),
	FIELD(NUMBER, ticket_deterioration, "last_result_class", last_result_class),
	FIELD(NUMBER, ticket_deterioration, "last_result_epoch", last_result_epoch),
	FIELD(TEXT, ticket_deterioration, "last_target_supernode_account", last_target),
	FIELD(NUMBER, ticket_deterioration, "last_updated_epoch", last_updated_epoch),
	FIELD(NUMBER, ticket_deterioration, "old_bucket_failure_epoch", old_bucket_failure_epoch),
	FIELD(NUMBER, ticket_deterioration, "probation_until_epoch", probation_until_epoch),
	FIELD(NUMBER, ticket_deterioration, "recent_bucket_failure_epoch",
	      recent_bucket_failure_epoch),
	FIELD(NUMBER, ticket_deterioration, "recent_failure_epoch_count",
	      recent_failure_epoch_count),
	FIELD(TEXT, ticket_deterioration, "ticket_id", ticket),
};

static const struct field ticket[] = {
	FIELD(NUMBER, ticket, "closed_epoch", closed_epoch),
	FIELD(TEXT, ticket, "creator", creator),
	FIELD(TEXT, ticket, "data_hash", data_hash),
	FIELD(NUMBER, ticket, "height", height),
	FIELD(TEXTS, ticket, "holders", holders),
	FIELD(NUMBER, ticket, "ic", ic),
	FIELD(NUMBER, ticket, "index_artifact_count", index_artifact_count),
	FIELD(NUMBER, ticket, "index_copies", index_copies),
	FIELD(NUMBER, ticket, "max", max),
	FIELD(NUMBER, ticket, "placement_epoch", placement_epoch),
	FIELD(BOOL, ticket, "public", public),
	FIELD(NUMBER, ticket, "ratio", ratio),
	FIELD(NUMBER, ticket, "ready_epoch", ready_epoch),
	FIELD(BOOL, ticket, "rehome", rehome),
	FIELD(NUMBER, ticket, "rehome_after", rehome_after),
	FIELD(TEXTS, ticket, "rq_ids_ids", rq_ids_ids),
	FIELD(TEXT, ticket, "signatures", signatures),
	FIELD(NUMBER, ticket, "size", size),
	FIELD(NUMBER, ticket, "state", state),
	FIELD(NUMBER, ticket, "symbol_artifact_count", symbol_artifact_count),
	FIELD(NUMBER, ticket, "symbol_copies", symbol_copies),
};

static const struct field transcript[] = {
	FIELD(NUMBER, transcript_record, "artifact_class", artifact_class),
	FIELD(TEXT, transcript_record, "artifact_key", artifact_key),
	FIELD(NUMBER, transcript_record, "bucket", bucket),
	FIELD(TEXT, transcript_record, "challenged_transcript", challenged_transcript),
	FIELD(BOOL, transcript_record, "confirmed", confirmed),
	FIELD(BOOL, transcript_record, "contradicted", contradicted),
	FIELD(NUMBER, transcript_record, "count", count),
	FIELD(TEXT, transcript_record, "derivation", derivation),
	FIELD(NUMBER, transcript_record, "epoch", epoch),
	FIELD(NUMBER, transcript_record, "ordinal", ordinal),
	FIELD(BOOL, transcript_record, "recheck_eligible", recheck_eligible),
	FIELD(TEXT, transcript_record, "recheck_transcript", recheck_transcript),
	FIELD(TEXT, transcript_record, "reporter", reporter),
	FIELD(NUMBER, transcript_record, "result_class", result_class),
	FIELD(TEXT, transcript_record, "sig", sig),
	FIELD(TEXT, transcript_record, "target", target),
	FIELD(TEXT, transcript_record, "ticket", ticket),
};

static const struct field verdict[] = {
	FIELD(NUMBER, verdict, "code", code),	  FIELD(NUMBER, verdict, "epoch", epoch),
	FIELD(NUMBER, verdict, "height", height), FIELD(TEXT, verdict, "reason", reason),
	FIELD(NUMBER, verdict, "seq", seq),
};

#define PART(kind, record, member)                          \
	{                                                   \
		KEY_##kind, offsetof(struct record, member) \
	}
#define CHECKED(kind)         \
	{                     \
		KEY_##kind, 0 \
	}
#define TABLE(id, name, record, fields, ...) [id] = {name, SHAPE(record, fields), {__VA_ARGS__}}
const struct table_shape table_shapes[TABLES] = {
	TABLE(T_ANCHORS, "anchors", anchor, anchor, PART(NUMBER, anchor, epoch)),
	TABLE(T_COMMITTEES, "committees", committee, committee),
	[T_FAILED_HEALS] = {"failed_heals",
			    {NULL, 0, sizeof(struct failed_heal)},
			    {PART(TEXT, failed_heal, account), PART(NUMBER, failed_heal, epoch),
			     PART(REST, failed_heal, ticket)}},
	TABLE(T_HEAL_OPS, "heal_ops", heal_op, heal_op, CHECKED(NUMBER)),
	TABLE(T_HEAL_VOTES, "heal_votes", heal_vote, heal_vote, PART(NUMBER, heal_vote, heal_op_id),
	      PART(TEXT, heal_vote, verifier)),
	TABLE(T_META, "meta", meta, meta),
	TABLE(T_NODE_FAILURES, "node_failures", node_failure, node_failure,
	      PART(TEXT, node_failure, target), PART(NUMBER, node_failure, epoch),
	      PART(REST, node_failure, ticket), PART(TEXT, node_failure, reporter)),
	TABLE(T_NODE_SUSPICION, "node_suspicion", node_suspicion, node_suspicion, CHECKED(TEXT)),
	TABLE(T_NODES, "nodes", node, node, CHECKED(TEXT)),
	TABLE(T_PARAM_SNAPSHOTS, "param_snapshots", params, params, CHECKED(NUMBER)),
	TABLE(T_PARAMS, "params", params, params),
	TABLE(T_POSTPONEMENTS, "postponements", postponement, postponement, CHECKED(TEXT)),
	TABLE(T_PRESENCE, "presence", presence, presence, CHECKED(TEXT)),
	[T_RECHECKS] = {"rechecks",
			{NULL, 0, sizeof(struct recheck_done)},
			{PART(NUMBER, recheck_done, epoch), PART(REST, recheck_done, ticket),
			 PART(TEXT, recheck_done, target), PART(TEXT, recheck_done, creator)}},
	TABLE(T_REPORTER_RELIABILITY, "reporter_reliability", reporter_reliability,
	      reporter_reliability, CHECKED(TEXT)),
	TABLE(T_REPORTER_RESULTS, "reporter_results", reporter_result, reporter_result,
	      PART(TEXT, reporter_result, reporter), PART(NUMBER, reporter_result, epoch),
	      PART(REST, reporter_result, ticket), PART(TEXT, reporter_result, target)),
	TABLE(T_REPORTS, "reports", report, report, PART(NUMBER, report, epoch),
	      PART(TEXT, report, account)),
	TABLE(T_ROOTS, "roots", epoch_root, root, PART(NUMBER, epoch_root, epoch)),
	TABLE(T_SEALS, "seals", seal, seal, PART(NUMBER, seal, epoch)),
	TABLE(T_TICKET_DETERIORATION, "ticket_deterioration", ticket_deterioration,
	      ticket_deterioration),
	TABLE(T_TICKETS, "tickets", ticket, ticket),
	TABLE(T_TRANSCRIPTS, "transcripts", transcript_record, transcript),
	TABLE(T_VERDICTS, "verdicts", verdict, verdict),
};
