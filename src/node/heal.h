/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Self-healing, as this node decides it (docs/healing.md): the healer rebuilds and claims, the
 * verifier hashes what was staged and votes, the finalizer publishes what was verified and removes
 * what was not. What the node knows across a restart is its rows and its copy of the ledger; the
 * work itself is ordered by EFFECT_HEAL (node/heal_port.h).
 */
#ifndef NODE_HEAL_H
#define NODE_HEAL_H

#include <sys/queue.h>

#include "node/ctx.h"
#include "node/heal_port.h"
#include "node/heal_store.h"

struct heal_settings {		   /* 0: the standard value */
	bool on;		   /* self_healing.enabled */
	uint64_t poll_interval_ms; /* 30000; in short epochs more often */
	unsigned reconstructs_max, verifications_max, publishes_max; /* at once: 2, 4, 2 */
	unsigned fetch_timeout_ms;  /* of one attempt of a verifier: 60000 */
	unsigned fetch_attempts;    /* 3 */
	unsigned fetch_backoff_ms;  /* before the second attempt, then doubled: 2000 */
	uint64_t op_timeout_ms;	    /* of any work: 900000 */
	uint64_t reconstructed_max; /* octets a verifier reads of one file: 4 GiB */
};
void heal_settings_standard(struct heal_settings *s);

enum heal_role { HEAL_ROLE_HEALER, HEAL_ROLE_VERIFIER, HEAL_ROLE_FINALIZER };
const char *heal_role_name(enum heal_role role);

/* What a verifier may read: an op's staged bytes, until that epoch begins. */
struct heal_grant {
	uint64_t op;
	char account[ACCOUNT_ROOM];
	uint8_t key[32]; /* identity, of the registry */
	uint64_t until_epoch;
};

/* This node's part in an op, for the operator. */
struct heal_standing {
	uint64_t op;
	enum heal_role role;
	const char *phase;    /* static words: "rebuilding", "serving verifiers", "voting", ... */
	uint64_t cookie;      /* of the work under way, for heal_port.progress; 0: none */
	unsigned attempts;    /* that failed */
	char why[160];	      /* of the last one, or why nothing is done, or "" */
	char waiting_for[96]; /* or "" */
};

#define HEAL_PAST 64

struct heal_job;
TAILQ_HEAD(heal_jobs, heal_job);
struct heal {
	struct node_ctx *ctx;
	struct heal_store store;
	struct heal_port port; /* begin and cancel go by effects, so only its questions are used */
	struct failpoints failpoints;
	struct heal_settings settings;
	struct heal_jobs jobs;	  /* in the order in which they came */
	uint64_t due_ns, tick_ns; /* of the next tick, of the last one */
	uint64_t generation;
	bool stopping;
	struct heal_standing past[HEAL_PAST]; /* parts that ended with a reason, the newest */
	unsigned past_n;		      /* how many there were */
};

void heal_init(struct heal *h, struct node_ctx *ctx, const struct heal_store *store,
	       const struct heal_port *port, const struct failpoints *failpoints,
	       const struct heal_settings *settings);
void heal_free(struct heal *h);

/* When due: a tick (docs/healing.md, "Ticks"). The copy of the ledger is caught up. */
void heal_turn(struct heal *h, struct moment now, struct effects *out);
/* Heal ops changed on the ledger: the next tick comes soon. */
void heal_changed(struct heal *h, struct moment now);
/* An outcome; without a cookie: more is known of what is staged. */
void heal_healed(struct heal *h, uint64_t cookie, const struct heal_done *done, struct moment now,
		 struct effects *out);
void heal_verdict(struct heal *h, uint64_t cookie, const struct entry_outcome *outcome,
		  struct moment now, struct effects *out);
/* Nothing is begun any more, and what is under way is cancelled. */
void heal_stop(struct heal *h, struct effects *out);
/* Work is under way, or an entry has no verdict yet. */
bool heal_working(const struct heal *h);
bool heal_sending(const struct heal *h);
/* Monotonic time of the next heal_turn that has something to do. */
uint64_t heal_due(const struct heal *h);

/*
 * Who may read what: of the ops that this node healed and reported, whose staged manifest has the
 * reported hash, all verifiers. Returns how many there are, of which `room` are given.
 */
unsigned heal_grants(const struct heal *h, struct heal_grant *out, unsigned room);
/* The parts of this node in ops that go on, in order; returns how many there are, of which `room`
 * are given. */
size_t heal_list(const struct heal *h, struct heal_standing *out, size_t room);
/* Of an op that is over: what the last parts in it came to, if that was not what was wanted. */
size_t heal_past(const struct heal *h, struct heal_standing *out, size_t room, uint64_t op);

#endif
