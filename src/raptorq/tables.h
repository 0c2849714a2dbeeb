/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers RFC 6330 fixes and nobody can derive (sections 5.3.5.2, 5.5 and 5.6). */
#ifndef RAPTORQ_TABLES_H
#define RAPTORQ_TABLES_H

#include <stdint.h>

#define RQ_TABLE_ROWS 477
#define RQ_DEGREE_MAX 30

struct rq_table_row {
	uint16_t kp, j, s, h, w;
};

extern const struct rq_table_row rq_table[RQ_TABLE_ROWS]; /* K' ascending */
extern const uint32_t rq_v[4][256];
extern const uint32_t rq_degree[RQ_DEGREE_MAX + 1];

#endif
