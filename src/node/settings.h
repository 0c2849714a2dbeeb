/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the epoch's services this node runs, and how. Everything that is left out is off: a node
 * does not begin to examine others because its software was updated.
 */
#ifndef NODE_SETTINGS_H
#define NODE_SETTINGS_H

#include "base/log.h"
#include "node/challenge.h"
#include "node/heal.h"
#include "node/recheck.h"

struct settings {
	bool challenges;	   /* storage_challenge.enabled */
	uint64_t poll_interval_ms; /* 0: 5000 */
	bool lep6;		   /* lep6.enabled: examine others */
	struct challenge_settings challenge;
	bool recheck_on; /* recheck.enabled */
	struct recheck_settings recheck;
	struct heal_settings heal; /* heal.on: self_healing.enabled */
};

/* NULL, or what is wrong: a service that is on without those it needs. */
const char *settings_wrong(const struct settings *s);
/* What an earlier start left to heal. */
struct heal_left {
	uint64_t claims;  /* rows */
	unsigned folders; /* of staging */
};
/*
 * One warning that names every service that is off, and what that leaves undone; none when all are
 * on.
 */
void settings_warn(const struct settings *s, const struct heal_left *left, const struct log *log);

#endif
