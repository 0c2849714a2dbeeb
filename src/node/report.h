/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one report that a node makes of an epoch: when it goes out, what is in it, and until when its
 * rows are kept (docs/epochs.md, "Report").
 */
#ifndef NODE_REPORT_H
#define NODE_REPORT_H

#include "node/challenge.h"
#include "node/local.h"

struct host_facts {
	uint32_t cpu, mem, disk; /* hundredths of a percent; 0: unknown */
	uint32_t failed_actions;
	uint64_t stored_bytes;
};

enum report_state {
	REPORT_WAITING, /* for the moment, or for rows */
	REPORT_PROBING, /* the targets' ports */
	REPORT_SENT,	/* rows are kept until the verdict */
	REPORT_OVER,	/* on the ledger, or never to be: nothing more to do in this epoch */
};

struct probe;
struct reporting {
	struct node_ctx *ctx;
	struct challenge *challenge;
	struct local *local; /* NULL: nothing is remembered */
	struct host_facts host;
	bool challenges; /* this node dispatches challenges */

	uint64_t epoch;
	bool any_epoch; /* epoch is valid */
	enum report_state state;
	bool due_known;
	uint64_t due; /* height */
	uint64_t cookie;
	struct row rows[BUFFER_ROWS_MAX]; /* of SENT */
	size_t n;
	struct probe *probes; /* of PROBING */
	size_t probe_count, probe_next;
	uint64_t probe_end_ns;
	bool told; /* what keeps a report from going out was logged for this epoch */
};

void report_init(struct reporting *r, struct node_ctx *ctx, struct challenge *challenge,
		 struct local *local);
void report_free(struct reporting *r);

/*
 * Is the report of this epoch on the ledger, by its tables or by what this node remembers? Then
 * nothing is to be challenged either.
 */
bool report_is_over(struct reporting *r, const struct epoch_facts *facts, struct moment now);
void report_turn(struct reporting *r, const struct epoch_facts *facts, struct moment now,
		 struct effects *out);
void report_probed(struct reporting *r, uint64_t cookie, enum port_state state, struct moment now,
		   struct effects *out);
void report_verdict(struct reporting *r, uint64_t cookie, const struct entry_outcome *outcome,
		    uint64_t height, struct moment now);

/* Height from which on a report may go out that became ready at `ready`. */
uint64_t report_moment(const struct epoch_facts *facts, const char *account, uint64_t ready);

#endif
