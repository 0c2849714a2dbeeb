/* SPDX-License-Identifier: Apache-2.0 */
#include "node/counters.h"

#include <stdio.h>
#include <string.h>

const char *recheck_says_name(enum recheck_says says)
{
	static const char *const names[RECHECK_SAYS] = {
		"submitted",	    "already_submitted", "stage_dedup", "stage_error",
		"submit_transient", "submit_error",	 "mark_error",	"closed",
	};

	return names[says];
}

const char *heal_message_name(enum heal_message message)
{
	static const char *const names[HEAL_MESSAGES] = {"claim", "vote", "published"};

	return names[message];
}

const char *heal_says_name(enum heal_says says)
{
	static const char *const names[HEAL_SAYS] = {
		"accepted", "transient", "past_deadline", "exists",
		"state",    "rejected",	 "kept",	  "indeterminate",
	};

	return names[says];
}

const char *heal_work_name(enum heal_work work)
{
	static const char *const names[HEAL_WORKS] = {"build", "hash", "place", "clean"};

	return names[work];
}

const char *heal_end_name(enum heal_end end)
{
	static const char *const names[HEAL_ENDS] = {
		"done", "remote", "wrong", "lost", "ours", "late", "closed",
	};

	return names[end];
}

struct listing {
	void (*each)(void *arg, const char *name, const char *labels, uint64_t value);
	void *arg;
};

static void list(const struct listing *l, const char *name, uint64_t value)
{
	l->each(l->arg, name, "", value);
}

static void list_labelled(const struct listing *l, const char *name, const char *label,
			  const char *text, uint64_t value)
{
	char labels[128];

	snprintf(labels, sizeof(labels), "%s=\"%s\"", label, text);
	l->each(l->arg, name, labels, value);
}

/* A row of PASS is signed and lost as "pass", one without a ticket as "no_eligible". */
static const char *sign_label(unsigned class)
{
	if (class == RESULT_PASS)
		return "pass";
	return class == RESULT_NO_ELIGIBLE_TICKET ? "no_eligible" : result_label(class);
}

static void list_classes(const struct listing *l, const struct counters *c)
{
	for (unsigned i = RESULT_PASS; i < RESULT_CLASSES; i++)
		list_labelled(l, "dispatch_results_total", "result_class", result_label(i),
			      c->results[i]);
	for (unsigned i = RESULT_PASS; i < RESULT_CLASSES; i++)
		list_labelled(l, "sign_failures_total", "row", sign_label(i), c->sign_failures[i]);
	for (unsigned i = EXAM_OK + 1; i < EXAM_STAGE_COUNT; i++)
		list_labelled(l, "internal_failures_total", "stage", exam_stage_name(i),
			      c->internal_failures[i]);
}

static void list_rechecks(const struct listing *l, const struct counters *c)
{
	char labels[192];

	list(l, "recheck_candidates_total", c->recheck_candidates);
	list(l, "recheck_already_submitted_total", c->recheck_already_submitted);
	list_labelled(l, "recheck_failures_total", "phase", "execute", c->recheck_execute_failures);
	list_labelled(l, "recheck_failures_total", "phase", "submit", c->recheck_submit_failures);
	for (unsigned i = RESULT_PASS; i < RESULT_CLASSES; i++)
		for (unsigned k = 0; k < RECHECK_SAYS; k++) {
			if (c->recheck_submissions[i][k] == 0)
				continue;
			snprintf(labels, sizeof(labels), "result_class=\"%s\",outcome=\"%s\"",
				 result_label(i), recheck_says_name(k));
			l->each(l->arg, "recheck_submissions_total", labels,
				c->recheck_submissions[i][k]);
		}
	list(l, "recheck_pending", c->recheck_pending);
}

static void list_heals(const struct listing *l, const struct counters *c)
{
	char labels[128];

	for (unsigned i = 0; i < HEAL_WORKS; i++)
		for (unsigned k = 0; k < HEAL_ENDS; k++) {
			if (c->heal_works[i][k] == 0)
				continue;
			snprintf(labels, sizeof(labels), "work=\"%s\",end=\"%s\"",
				 heal_work_name(i), heal_end_name(k));
			l->each(l->arg, "heal_works_total", labels, c->heal_works[i][k]);
		}
	for (unsigned i = 0; i < HEAL_MESSAGES; i++)
		for (unsigned k = 0; k < HEAL_SAYS; k++) {
			if (c->heal_messages[i][k] == 0)
				continue;
			snprintf(labels, sizeof(labels), "message=\"%s\",outcome=\"%s\"",
				 heal_message_name(i), heal_says_name(k));
			l->each(l->arg, "heal_messages_total", labels, c->heal_messages[i][k]);
		}
	list_labelled(l, "heal_votes_total", "verified", "false", c->heal_votes[0]);
	list_labelled(l, "heal_votes_total", "verified", "true", c->heal_votes[1]);
	list(l, "heal_votes_withheld_total", c->heal_withheld);
	list(l, "heal_claims", c->heal_claims);
	list(l, "heal_open", c->heal_open);
}

void counters_list(const struct counters *c,
		   void (*each)(void *arg, const char *name, const char *labels, uint64_t value),
		   void *arg)
{
	const struct listing l = {each, arg};

	list_classes(&l, c);
	list_labelled(&l, "throttled_total", "policy", "oldest-arrival-fair-by-target-bucket",
		      c->throttled);
	list_labelled(&l, "ticket_discovery_total", "outcome", "eligible", c->tickets_eligible);
	list_labelled(&l, "ticket_discovery_total", "outcome", "ineligible", c->tickets_ineligible);
	list(&l, "epochs_total", c->epochs);
	list(&l, "epoch_duration_ms_total", c->epoch_ms_total);
	list(&l, "epoch_duration_ms_max", c->epoch_ms_max);
	list(&l, "no_ticket_provider_active", c->no_ticket);
	list(&l, "reports_sent_total", c->reports_sent);
	list(&l, "reports_accepted_total", c->reports_accepted);
	list(&l, "reports_late_total", c->reports_late);
	list(&l, "reports_refused_total", c->reports_refused);
	list(&l, "ticks_sent_total", c->ticks_sent);
	list_rechecks(&l, c);
	list_heals(&l, c);
}
