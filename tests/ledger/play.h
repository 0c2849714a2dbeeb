/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network that does anything: from one seed, reports, rechecks, claims, votes, states, flags and
 * epochs in random order, below the entry layer and with signatures taken as good. The same seed
 * gives the same messages, whatever the state is made of.
 */
#ifndef TESTS_LEDGER_PLAY_H
#define TESTS_LEDGER_PLAY_H

#include "ledger/bare.h"

struct play {
	struct bare bare;
	uint64_t random;
	unsigned nodes, tickets, serial;
	uint64_t epoch;
	json_t *seen; /* how often each event and each accepted kind of message came */
};

/* What one step did. */
struct play_step {
	const char *what;
	unsigned code; /* verdict, 0 for what is no message */
};

void play_new(struct play *p, uint64_t seed, unsigned nodes, unsigned tickets);
void play_free(struct play *p);
unsigned play_seen(const struct play *p, const char *name);
void play_step(struct play *p, struct play_step *out);
/* The state is thrown away and made anew from the lines of its dump. */
void play_reload(struct play *p);

#endif
