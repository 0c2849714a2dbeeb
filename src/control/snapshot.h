/* SPDX-License-Identifier: Apache-2.0 */
/* One copy of all counters, taken at once; what the RPC and /metrics show is made from it. */
#ifndef CONTROL_SNAPSHOT_H
#define CONTROL_SNAPSHOT_H

#include "control/control.h"

struct snapshot {
	uint64_t now_ns, uptime_ns;
	unsigned worker_count, port_count;
	struct plane_worker *workers;
	struct plane_port *ports;
	struct store_stats store;
	struct serve_counters total;   /* sum of the workers */
	struct verify_counters verify; /* likewise */
	unsigned nodes, clients, control_clients, jobs;
};

/* 0 or ASSAY_E_NOMEM. */
int snapshot_take(struct snapshot *out, const struct control *c);
void snapshot_free(struct snapshot *s);

extern const char *const stage_names[STAGE_COUNT];
/* The scalar counters of struct serve_counters by name; what a counter that grows is, and what is a
 * level. */
struct counter_field {
	const char *name; /* NULL ends the list */
	size_t offset;
	const char *help;
};
extern const struct counter_field counter_fields[];
uint64_t counter_get(const void *base, size_t offset);
/* Sum of an array over all reasons. */
uint64_t reasons_sum(const uint64_t counts[ASSAY_R_MAX]);

#endif
