/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/must.h"
#include "ledger/field.h"
#include "ledger/params.h"

#define SHAPE (&table_shapes[T_PARAMS].shape)

struct limits {
	const char *name;
	uint64_t standard, least, most;
	size_t offset;
};
static const struct limits limits[] = {
#define NUMBER(name, standard, least, most) \
	{#name, standard, least, most, offsetof(struct params, name)},
#define IGNORE(...)
	PARAMS(NUMBER, IGNORE, IGNORE)
#undef NUMBER
#undef IGNORE
};
#define LIMITS (sizeof(limits) / sizeof(limits[0]))

static uint64_t *value_of(struct params *p, size_t i)
{
	return (uint64_t *)((char *)p + limits[i].offset);
}

void params_standard(struct params *p)
{
	static const uint64_t ports[] = {4444, 4445, 8002};

	shape_free(p, SHAPE);
#define IGNORE(...)
#define SWITCH(name, standard) p->name = standard;
	PARAMS(IGNORE, SWITCH, IGNORE)
#undef SWITCH
#undef IGNORE
	p->storage_truth_enforcement_mode = 1;
	p->required_open_ports.at = malloc(sizeof(ports));
	must(p->required_open_ports.at != NULL);
	memcpy(p->required_open_ports.at, ports, sizeof(ports));
	p->required_open_ports.n = sizeof(ports) / sizeof(ports[0]);
}

static void fill_zeros(struct params *p)
{
	for (size_t i = 0; i < LIMITS; i++)
		if (*value_of(p, i) == 0 && value_of(p, i) != &p->storage_truth_enforcement_mode)
			*value_of(p, i) = limits[i].standard;
	if (p->storage_truth_recent_bucket_max_blocks == 0)
		p->storage_truth_recent_bucket_max_blocks = 3 * p->epoch_length_blocks;
	if (p->storage_truth_old_bucket_min_blocks == 0)
		p->storage_truth_old_bucket_min_blocks = 30 * p->epoch_length_blocks;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t longest_window(const struct params *p)
{
	uint64_t w = p->storage_truth_class_a_fault_window;

	w = max_u64(w, p->storage_truth_class_b_fault_window);
	w = max_u64(w, p->storage_truth_old_class_a_fault_window);
	w = max_u64(w, p->storage_truth_pattern_escalation_window);
	w = max_u64(w, p->storage_truth_divergence_window_epochs);
	w = max_u64(w, p->storage_truth_contradiction_window_epochs);
	return max_u64(w, p->storage_truth_heal_deadline_epochs);
}

/* What the values must be to each other; NULL, or the rule that is broken. */
static const char *broken_rule(const struct params *p)
{
	if (p->storage_truth_node_suspicion_threshold_watch >
		    p->storage_truth_node_suspicion_threshold_probation ||
	    p->storage_truth_node_suspicion_threshold_probation >
		    p->storage_truth_node_suspicion_threshold_postpone ||
	    p->storage_truth_node_suspicion_threshold_postpone >=
		    p->storage_truth_node_suspicion_threshold_strong_postpone)
		return "node suspicion thresholds must be watch <= probation <= postpone < strong";
	if (p->storage_truth_reporter_reliability_low_trust_threshold >
		    p->storage_truth_reporter_reliability_degraded_threshold ||
	    p->storage_truth_reporter_reliability_degraded_threshold >
		    p->storage_truth_reporter_reliability_ineligible_threshold)
		return "reporter thresholds must be low_trust <= degraded <= ineligible";
	if (p->storage_truth_strong_recovery_clean_pass_count <
	    p->storage_truth_recovery_clean_pass_count)
		return "strong recovery must need at least as many passes as recovery";
	if (p->storage_truth_old_class_a_fault_window < p->storage_truth_class_a_fault_window)
		return "the old class A window must not be shorter than the class A window";
	if (p->storage_truth_recent_bucket_max_blocks >= p->storage_truth_old_bucket_min_blocks)
		return "recent_bucket_max_blocks must be below old_bucket_min_blocks";
	if (p->keep_last_epoch_entries < longest_window(p))
		return "keep_last_epoch_entries must cover every window and the heal deadline";
	if (p->verdict_keep_epochs <= p->storage_truth_heal_deadline_epochs)
		return "verdict_keep_epochs must exceed heal_deadline_epochs";
	if (p->epoch_length_blocks * p->tick_interval_ms < 2000)
		return "an epoch must last 2 s or longer";
	return NULL;
}

static int check(char *why, size_t why_room, struct params *p)
{
	const char *rule;

	for (size_t i = 0; i < LIMITS; i++) {
		const struct limits *l = &limits[i];

		if (*value_of(p, i) >= l->least && *value_of(p, i) <= l->most)
			continue;
		snprintf(why, why_room, "parameter %s must be %" PRIu64 " to %" PRIu64, l->name,
			 l->least, l->most);
		return ASSAY_E_INVAL;
	}
	for (size_t i = 0; i < p->required_open_ports.n; i++) {
		uint64_t port = p->required_open_ports.at[i];

		if (port >= 1 && port <= 65535 && p->required_open_ports.n <= PARAM_PORTS_MAX)
			continue;
		snprintf(why, why_room, "required_open_ports must be at most %d ports",
			 PARAM_PORTS_MAX);
		return ASSAY_E_INVAL;
	}
	rule = broken_rule(p);
	if (rule != NULL)
		snprintf(why, why_room, "%s", rule);
	return rule != NULL ? ASSAY_E_INVAL : 0;
}

static bool same_time_base(const struct params *a, const struct params *b)
{
	return a->epoch_length_blocks == b->epoch_length_blocks &&
	       a->epoch_zero_height == b->epoch_zero_height &&
	       a->tick_interval_ms == b->tick_interval_ms &&
	       a->verdict_keep_epochs == b->verdict_keep_epochs;
}

int params_merge(struct params *p, char *why, size_t why_room, const json_t *set, bool founding)
{
	struct params merged = {0};
	const char *fault;
	int status;

	params_copy(&merged, p);
	status = shape_update(&merged, &fault, SHAPE, set);
	if (status != 0) {
		snprintf(why, why_room, "parameter %s does not exist or has another type",
			 text_of(fault));
		goto out;
	}
	fill_zeros(&merged);
	status = check(why, why_room, &merged);
	if (status != 0)
		goto out;
	if (!founding && !same_time_base(&merged, p)) {
		snprintf(why, why_room,
			 "epoch length, zero height, tick interval and "
			 "verdict_keep_epochs are fixed at genesis");
		status = ASSAY_E_INVAL;
		goto out;
	}
	params_copy(p, &merged);
out:
	shape_free(&merged, SHAPE);
	return status;
}

void params_copy(struct params *out, const struct params *p)
{
	struct record place = out->record;
	size_t ports = p->required_open_ports.n;

	shape_free(out, SHAPE);
	*out = *p;
	out->record = place;
	out->required_open_ports.at = NULL;
	if (ports == 0)
		return;
	out->required_open_ports.at = malloc(ports * sizeof(uint64_t));
	must(out->required_open_ports.at != NULL);
	memcpy(out->required_open_ports.at, p->required_open_ports.at, ports * sizeof(uint64_t));
}

struct params *params_current(struct tables *t)
{
	return table_find(t, T_PARAMS, "-");
}

struct params *params_of_epoch(struct tables *t, uint64_t epoch)
{
	char key[KEY_ROOM];
	struct params *p = table_find(t, T_PARAM_SNAPSHOTS, key_epoch(key, epoch));

	return p != NULL ? p : params_current(t);
}
