/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which artifacts the ledger places on this node, so that what nobody wants any more can go
 * (docs/ledger.md, "Garbage"). Pure: who asks brings the ledger's state, the keys and the epoch.
 *
 * An epoch is told with every release. What was placed here until epoch e is free once e + 2 is
 * settled: then neither the state that is settled nor the one two epochs earlier places it here.
 */
#ifndef NODE_GARBAGE_H
#define NODE_GARBAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/state.h"

#define GARBAGE_EPOCHS	 2
#define GARBAGE_AGE_NS	 UINT64_C(86400000000000) /* since it was claimed, at least */
#define GARBAGE_SWEEP_NS UINT64_C(3600000000000)  /* from one look at all artifacts to the next */

/*
 * The newest epoch that is settled: sealed, or ended where the network has no committee keys.
 * False when there is none.
 */
bool garbage_settled(uint64_t *epoch, struct state *s);

/* This node's place among a ticket's holders; holders 0: none. */
struct garbage_place {
	uint32_t position, holders;
};
/* t NULL: there is no such ticket. */
struct garbage_place garbage_place_of(const struct ticket *t, const char *self);

struct garbage;
struct garbage *garbage_new(void);
void garbage_free(struct garbage *g);
/* Nothing is known any more: another state took the place of the ledger. */
void garbage_forget(struct garbage *g);

/* The keys of the ticket's artifacts at that place are known. */
bool garbage_knows(struct garbage *g, const char *ticket, struct garbage_place place);
/* These are the keys; they take the place of others that were known of the ticket. */
void garbage_place(struct garbage *g, const char *ticket, struct garbage_place place,
		   const uint8_t (*keys)[32], size_t n, uint64_t epoch);
/* The ticket has no place here any more, and that is so since that epoch. */
void garbage_release(struct garbage *g, const char *ticket, uint64_t epoch);
/*
 * Every ticket of the ledger is known. What no ticket has named until now is judged as if it was
 * placed here until the epoch in which that is said first.
 */
void garbage_complete(struct garbage *g, uint64_t epoch);
void garbage_incomplete(struct garbage *g);
/* Releases that are too long ago to matter are forgotten. */
void garbage_prune(struct garbage *g, uint64_t settled);

enum garbage_verdict {
	GARBAGE_UNKNOWN,  /* not every ticket is known */
	GARBAGE_PLACED,	  /* an open ticket places it here */
	GARBAGE_RELEASED, /* none does, but one may have so a moment ago */
	GARBAGE_FREE,
};
/* any: settled is no epoch yet, then nothing is free. */
enum garbage_verdict garbage_judge(const struct garbage *g, const uint8_t key[32], bool any,
				   uint64_t settled);

struct garbage_counts {
	uint64_t tickets, artifacts; /* that are placed here */
};
struct garbage_counts garbage_counts(const struct garbage *g);

#endif
