/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the codec's bench report. */
#ifndef BENCH_RQ_REPORT_H
#define BENCH_RQ_REPORT_H

#include "rq_case.h"

/* Rows that one core adds up out of its L2, in octets a second: seven random ones into one. */
double rq_gather_rate(double seconds);
/* Own kernels beside ISA-L's, in L1 and in L2. */
void rq_kernels_print(double seconds);

/* Two CPUs of the process' set; the caller runs on the first from here on. -1: there is none. */
struct rq_cpus {
	int first, second;
};
struct rq_cpus rq_cpus_take(void);

/* Of a case whose plan and lists are made. */
void rq_phases_print(struct rq_case *c);
/* In slices of 50 us, as a worker gives them, against one go; how long the longest was. */
void rq_slices_print(struct rq_case *c);
void rq_two_workers_print(struct rq_case *c, struct rq_cpus cpus);

#endif
