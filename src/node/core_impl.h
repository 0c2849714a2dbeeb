/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CORE_IMPL_H
#define NODE_CORE_IMPL_H

#include "node/core.h"
#include "node/statewriter.h"

/* An outcome of an own entry, until the turn is done with the replica. */
struct ended {
	uint64_t cookie;
	uint8_t id[32];
	struct entry_outcome outcome;
};

struct core {
	struct core_config config;
	struct replica *replica;
	struct runner *runner;
	struct local *local;
	struct statewriter *states; /* NULL: none are written */
	struct peers *peers;
	struct peer_port port;
	struct effects effects;
	struct ended *ended;
	size_t ended_n, ended_room;
	uint64_t seq;	 /* that the runner was told of */
	bool caught_up;	 /* likewise */
	uint64_t last_n; /* of entries */
	uint64_t due;	 /* of the runner's next turn */
	struct ledger_view view;
	bool heals_changed;	/* since the runner was told */
	uint64_t nodes_changed; /* how often */
};

/* Tells the runner, and carries out what it wants. */
void core_step(struct core *c, const struct node_event *event, struct moment now);

/* --- core_heal.c --- */
/* Carries out an effect that is about heals; false for the others. */
bool core_carry_heal(struct core *c, const struct effect *effect);
/* Outcomes of heals, with those of what is ordered upon them. */
void core_turn_heal(struct core *c, struct moment now);
/*
 * Before anything is begun or served: folders without a claim are of heals that a crash ended.
 * left: how many stay. 0, or a code with why in words.
 */
int core_sweep_staging(struct core *c, unsigned *left, char *why, size_t why_room);

#endif
