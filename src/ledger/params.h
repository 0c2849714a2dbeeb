/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of the network (docs/ledger.md, "Parameters"): the current ones (table params, key
 * "-") and one snapshot per epoch (table param_snapshots). They change by the authority's entries;
 * the network's time base only in the genesis document.
 */
#ifndef LEDGER_PARAMS_H
#define LEDGER_PARAMS_H

#include <jansson.h>

#include "ledger/record.h"

#define PARAM_MAX	 ((UINT64_C(1) << 53) - 1)
#define PARAM_WINDOW_MAX 10000
#define PARAM_BASE_MAX	 UINT32_MAX
#define PARAM_PORTS_MAX	 64

/*
 * In the order of their names. NUMBER(name, default, least, most), where 0 stands for the default;
 * SWITCH(name, default); PORTS(name). Two defaults follow from the epoch's length: 3 and 30 of it.
 */
/* clang-format off */
#define PARAMS(NUMBER, SWITCH, PORTS)                                                          \
	NUMBER(action_finalization_not_in_top10_consecutive_epochs, 1, 0, PARAM_MAX)           \
	NUMBER(action_finalization_not_in_top10_evidences_per_epoch, 1, 0, PARAM_MAX)          \
	NUMBER(action_finalization_recovery_epochs, 1, 0, PARAM_MAX)                           \
	NUMBER(action_finalization_recovery_max_total_bad_evidences, 1, 0, PARAM_MAX)          \
	NUMBER(action_finalization_signature_failure_consecutive_epochs, 1, 0, PARAM_MAX)      \
	NUMBER(action_finalization_signature_failure_evidences_per_epoch, 1, 0, PARAM_MAX)     \
	NUMBER(consecutive_epochs_to_postpone, 1, 1, PARAM_MAX)                                \
	NUMBER(epoch_length_blocks, 400, 1, PARAM_BASE_MAX)                                    \
	NUMBER(epoch_zero_height, 1, 1, PARAM_BASE_MAX)                                        \
	NUMBER(index_copies, 3, 1, 16)                                                         \
	NUMBER(keep_last_epoch_entries, 200, 1, PARAM_MAX)                                     \
	NUMBER(max_probe_targets_per_epoch, 5, 1, PARAM_MAX)                                   \
	NUMBER(min_cpu_free_percent, 0, 0, 100)                                                \
	NUMBER(min_disk_free_percent, 0, 0, 100)                                               \
	NUMBER(min_mem_free_percent, 0, 0, 100)                                                \
	NUMBER(min_probe_targets_per_epoch, 3, 1, PARAM_MAX)                                   \
	NUMBER(peer_port_postpone_threshold_percent, 100, 1, 100)                              \
	NUMBER(peer_quorum_reports, 3, 1, PARAM_MAX)                                           \
	NUMBER(placement_width, 64, 1, 64)                                                     \
	NUMBER(redundancy_ratio, 5, 1, 20)                                                     \
	NUMBER(rehome_lost_percent, 20, 1, 100)                                                \
	PORTS(required_open_ports)                                                             \
	NUMBER(rq_ids_max, 50, 1, 100)                                                         \
	NUMBER(sc_challengers_per_epoch, 0, 0, PARAM_MAX)                                      \
	SWITCH(sc_enabled, true)                                                               \
	NUMBER(storage_truth_challenge_target_divisor, 3, 1, UINT32_MAX)                        \
	NUMBER(storage_truth_class_a_fault_window, 14, 1, PARAM_WINDOW_MAX)                    \
	NUMBER(storage_truth_class_b_fault_window, 7, 1, PARAM_WINDOW_MAX)                     \
	NUMBER(storage_truth_compound_range_len_bytes, 256, 1, 1024)                           \
	NUMBER(storage_truth_compound_ranges_per_artifact, 4, 1, 16)                           \
	NUMBER(storage_truth_contradiction_window_epochs, 7, 1, PARAM_WINDOW_MAX)              \
	NUMBER(storage_truth_divergence_window_epochs, 14, 1, PARAM_WINDOW_MAX)                \
	NUMBER(storage_truth_enforcement_mode, 1, 0, 3)                                        \
	NUMBER(storage_truth_heal_deadline_epochs, 3, 1, PARAM_MAX)                            \
	NUMBER(storage_truth_heal_verifier_count, 2, 1, 32)                                    \
	NUMBER(storage_truth_max_self_heal_ops_per_epoch, 5, 1, PARAM_MAX)                     \
	NUMBER(storage_truth_node_suspicion_decay_per_epoch, 920, 1, 1000)                     \
	NUMBER(storage_truth_node_suspicion_threshold_postpone, 90, 1, PARAM_MAX)              \
	NUMBER(storage_truth_node_suspicion_threshold_probation, 50, 1, PARAM_MAX)             \
	NUMBER(storage_truth_node_suspicion_threshold_strong_postpone, 140, 1, PARAM_MAX)      \
	NUMBER(storage_truth_node_suspicion_threshold_watch, 20, 1, PARAM_MAX)                 \
	NUMBER(storage_truth_old_bucket_min_blocks, 0, 0, PARAM_MAX)                           \
	NUMBER(storage_truth_old_class_a_fault_window, 21, 1, PARAM_WINDOW_MAX)                \
	NUMBER(storage_truth_pattern_escalation_window, 14, 1, PARAM_WINDOW_MAX)               \
	NUMBER(storage_truth_probation_epochs, 3, 1, PARAM_MAX)                                \
	NUMBER(storage_truth_recent_bucket_max_blocks, 0, 0, PARAM_MAX)                        \
	NUMBER(storage_truth_recovery_clean_pass_count, 3, 1, PARAM_MAX)                       \
	NUMBER(storage_truth_reporter_ineligible_duration_epochs, 7, 1, PARAM_MAX)             \
	NUMBER(storage_truth_reporter_min_reports_for_divergence, 5, 1, PARAM_MAX)             \
	NUMBER(storage_truth_reporter_reliability_decay_per_epoch, 900, 1, 1000)               \
	NUMBER(storage_truth_reporter_reliability_degraded_threshold, 50, 0, PARAM_MAX)        \
	NUMBER(storage_truth_reporter_reliability_ineligible_threshold, 90, 0, PARAM_MAX)      \
	NUMBER(storage_truth_reporter_reliability_low_trust_threshold, 20, 0, PARAM_MAX)       \
	NUMBER(storage_truth_strong_recovery_clean_pass_count, 5, 1, PARAM_MAX)                \
	NUMBER(storage_truth_ticket_deterioration_decay_per_epoch, 900, 1, 1000)               \
	NUMBER(storage_truth_ticket_deterioration_heal_threshold, 50, 1, PARAM_MAX)            \
	NUMBER(symbol_copies, 1, 1, 16)                                                        \
	NUMBER(tick_interval_ms, 6000, 1, PARAM_BASE_MAX)                                      \
	NUMBER(verdict_keep_epochs, 32, 8, 200)
/* clang-format on */

struct params {
	struct record record; /* key "-", or the epoch of a snapshot */
#define NUMBER(name, standard, least, most) uint64_t name;
#define SWITCH(name, standard)		    bool name;
#define PORTS(name)           \
	struct {              \
		uint64_t *at; \
		size_t n;     \
	} name;
	PARAMS(NUMBER, SWITCH, PORTS)
#undef NUMBER
#undef SWITCH
#undef PORTS
};

/* Makes the values those of a document that names none. */
void params_standard(struct params *p);
/*
 * The values of p with those of `set` over them, zeros made defaults, and checked. 0, or
 * ASSAY_E_INVAL with why in words; then p is as before. Unless founding, the time base of the
 * network must come out as it was.
 */
int params_merge(struct params *p, char *why, size_t why_room, const json_t *set, bool founding);
/* out becomes a copy of p's values; its place in a table stays. */
void params_copy(struct params *out, const struct params *p);

/* Without a record of that epoch the current ones. */
struct params *params_current(struct tables *t);
struct params *params_of_epoch(struct tables *t, uint64_t epoch);

#endif
