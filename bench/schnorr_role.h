/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCHNORR_ROLE_H
#define BENCH_SCHNORR_ROLE_H

#include "crypto/schnorr/verifier.h"

/* The role verify on so many workers, one a CPU from 0 on, with jobs from this thread. */
int bench_schnorr_role(const struct verify_job *jobs, unsigned count, unsigned workers);

#endif
