/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the report: its probes and its text. */
#ifndef NODE_REPORT_IMPL_H
#define NODE_REPORT_IMPL_H

#include "node/report.h"

#define PROBES_AT_ONCE 8
#define PROBE_MS       2000
#define PROBES_MS      30000 /* all of them */

enum probe_state { PROBE_WAITING, PROBE_RUNNING, PROBE_DONE };
struct probe {
	char account[ACCOUNT_ROOM];
	uint16_t port;
	enum probe_state state;
	uint64_t cookie;
	enum port_state result;
};

/* One for each port of each target; none when no port is asked for. */
void report_probes_make(struct reporting *r, const struct epoch_facts *facts);
/* Starts as many as may run. */
void report_probes_start(struct reporting *r, struct moment now, struct effects *out);
bool report_probes_done(const struct reporting *r, struct moment now);
void report_probes_free(struct reporting *r);

/* The data of the entry, malloc'd. */
char *report_text(const struct reporting *r, const struct epoch_facts *facts);

#endif
