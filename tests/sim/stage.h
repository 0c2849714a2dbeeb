/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the simulated healing. */
#ifndef TESTS_SIM_STAGE_H
#define TESTS_SIM_STAGE_H

#include "sim/run.h"

/* A staging folder; without the manifest it is not staged. */
struct run_staged {
	struct run_staged *next;
	uint64_t op;
	bool manifest, forged;
	bool known;		   /* this process has read the manifest */
	uint64_t read_ns;	   /* until when it reads it; 0: it does not */
	char hash[HEAL_HASH_ROOM]; /* as the manifest says */
};
struct run_staged *run_staged_find(const struct run_node *n, uint64_t op);

/* Both processes run, and nothing separates them. */
bool run_heal_reaches(const struct run_node *a, const struct run_node *b);
enum heal_end run_heal_because(struct heal_done *out, enum heal_end end, const char *why);
void run_pass(struct run_node *n, enum failpoint which);

/* heal_place.c */
enum heal_end run_heal_place(struct run_node *n, const struct heal_order *order, uint64_t since_ns,
			     struct heal_done *out);

/* heal_check.c */
/* It begins to bring the artifacts of an op to their holders, or has done so. */
void run_heal_placing(struct run_node *n, const struct heal_order *order);
void run_heal_placed(struct run_node *n, uint64_t op, uint64_t since_ns);
/* A staging folder goes. */
void run_heal_cleaning(struct run_node *n, const struct run_staged *staged);

#endif
