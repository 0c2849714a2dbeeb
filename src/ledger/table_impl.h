/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by table.c and table_hash.c. */
#ifndef LEDGER_TABLE_IMPL_H
#define LEDGER_TABLE_IMPL_H

#include "ledger/buf.h"
#include "ledger/table.h"

RB_HEAD(key_tree, record);
RB_HEAD(bucket_tree, record);
RB_PROTOTYPE(key_tree, record, by_key, key_order)
RB_PROTOTYPE(bucket_tree, record, by_bucket, line_order)

struct tables {
	struct key_tree keys[TABLES];
	size_t counts[TABLES];
	struct bucket_tree buckets[BUCKETS];
	struct record *changes, **changes_end;
	uint64_t stale[BUCKETS / 64];	/* bits: buckets to be hashed again */
	uint8_t nodes[2 * BUCKETS][32]; /* the hash tree: root at 1, bucket b at BUCKETS + b */
	struct buf line;
};

#endif
