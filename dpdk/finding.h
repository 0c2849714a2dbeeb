/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, and what to do about it: for operators. */
#ifndef DPDK_FINDING_H
#define DPDK_FINDING_H

enum finding_severity {
	FINDING_GOOD,	 /* looked at, nothing wrong */
	FINDING_NOTE,	 /* works; could be better */
	FINDING_WARNING, /* works, worse than the operator may expect */
	FINDING_BLOCKS,	 /* the node does not start like this */
};

struct finding {
	enum finding_severity severity;
	char what[256];
	char remedy[256]; /* a command to run or a line to change; empty when there is none */
};

/* Fills one without remedy; then the remedy. */
__attribute__((format(printf, 3, 4))) void finding_set(struct finding *f,
						       enum finding_severity severity,
						       const char *what, ...);
__attribute__((format(printf, 2, 3))) void finding_remedy(struct finding *f, const char *remedy,
							  ...);
const char *finding_severity_name(enum finding_severity severity);

#endif
