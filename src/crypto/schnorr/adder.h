/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of points by key. Points are put in with the key they count to; two that meet at a key
 * become a job, jobs run a batch at a time through the kernel with its one inversion, and a sum
 * goes in again with its key. No sorting, no rounds: whatever two points meet, the number of
 * additions is the same, and jobs of all keys fill the batches together.
 */
#ifndef SCHNORR_ADDER_H
#define SCHNORR_ADDER_H

#include "crypto/schnorr/kernels.h"

/* With the index: the slot belongs to the adder, which may write a sum over it. */
#define REF_OWNED   0x40000000u
#define REF_INDEX   0x3fffffffu
#define REF_EMPTY   0xffffffffu /* all ones, so that "or" makes it */

#define ADDER_BATCH ADD_JOBS_MAX /* jobs, at most; the kernels say how many */

struct adder {
	const struct kernels *kernels;
	struct point *pool;
	uint32_t *sum;	/* by key: a reference or REF_EMPTY */
	uint32_t *slot; /* stack of free slots of the pool */
	uint32_t slots;
	uint32_t unused;  /* pool index that nobody reads: where padding goes */
	uint32_t pads[2]; /* two points of different x */
	bool any;	  /* infinity has been seen: complete additions from here on */
	uint32_t jobs, freed;
	uint64_t additions; /* so far, and calls of the kernel */
	uint64_t calls;
	uint32_t free_later[ADDER_BATCH + 1];
	struct add_job job[ADDER_BATCH + 64];
	struct add_scratch scratch;
};

/* Room for one more job than a batch, so that the last store needs no branch. */
static inline bool adder_full(const struct adder *a)
{
	return a->jobs >= a->kernels->add_slice;
}

/* The index of yes, if it is 1, else no. Whether points meet is a toss: no branches here. */
static inline uint32_t adder_select(uint32_t is, uint32_t yes, uint32_t no)
{
	return ((yes & REF_INDEX) & -is) | (no & (is - 1));
}

/* Only while not full. */
static inline void adder_put(struct adder *a, uint32_t key, uint32_t ref)
{
	uint32_t old = a->sum[key], meet = old != REF_EMPTY;
	uint32_t reuse_old = old / REF_OWNED & 1, reuse_new = ref / REF_OWNED & 1;
	uint32_t fresh = a->slot[a->slots - 1];
	struct add_job *job = &a->job[a->jobs];

	job->a = old & ~REF_OWNED;
	job->b = ref & ~REF_OWNED;
	job->out = adder_select(reuse_old, old, adder_select(reuse_new, ref, fresh));
	job->key = key;
	a->free_later[a->freed] = ref & REF_INDEX;
	a->jobs += meet;
	a->freed += meet & reuse_old & reuse_new;
	a->slots -= meet & ~reuse_old & ~reuse_new;
	a->sum[key] = ref | -meet;
}

/*
 * The same many times, for points that are nobody's to write over: what changes with each is in
 * registers meanwhile.
 */
struct adder_cursor {
	uint32_t *sum;
	const uint32_t *slot; /* the next one */
	struct add_job *job, *end;
};

static inline struct adder_cursor adder_begin(struct adder *a)
{
	return (struct adder_cursor){.sum = a->sum,
				     .slot = a->slot + a->slots - 1,
				     .job = a->job + a->jobs,
				     .end = a->job + a->kernels->add_slice};
}

static inline bool cursor_full(const struct adder_cursor *c)
{
	return c->job >= c->end;
}

static inline void cursor_put(struct adder_cursor *c, uint32_t key, uint32_t ref)
{
	uint32_t old = c->sum[key], meet = old != REF_EMPTY, reuse = old / REF_OWNED & 1;

	*c->job = (struct add_job){old & ~REF_OWNED, ref, adder_select(reuse, old, *c->slot), key};
	c->sum[key] = ref | -meet;
	c->job += meet;
	c->slot -= meet & ~reuse;
}

static inline void adder_end(struct adder *a, const struct adder_cursor *c)
{
	a->jobs = (uint32_t)(c->job - a->job);
	a->slots = (uint32_t)(c->slot - a->slot) + 1;
}

/* Runs the jobs there are, and puts in their sums. Nothing left to do: jobs is 0. */
void adder_run(struct adder *a);

#endif
