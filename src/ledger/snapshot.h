/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state in a file (docs/ledger.md, "Snapshots"): a header with the digest of every bucket, then
 * the buckets' lines. The header is proved by the root in a trailer, each bucket by the header; so
 * the parts may come from anybody, in any order.
 */
#ifndef LEDGER_SNAPSHOT_H
#define LEDGER_SNAPSHOT_H

#include "ledger/state.h"

#define SNAPSHOT_HEADER_LEN (88 + BUCKETS * 40)
#define SNAPSHOT_BUCKET_MAX (UINT32_C(256) << 20)

struct snapshot_header {
	uint64_t epoch, seq;
	uint8_t log[32], state[32];
	struct {
		uint8_t digest[32];
		uint32_t len; /* bytes of its lines */
	} buckets[BUCKETS];
};

void snapshot_header_write(uint8_t out[SNAPSHOT_HEADER_LEN], const struct snapshot_header *h);
/*
 * ASSAY_E_CORRUPT when the bytes are no header, or the digests do not make its state hash. Whether
 * it is the right state, its root tells.
 */
int snapshot_header_read(struct snapshot_header *h, const uint8_t in[SNAPSHOT_HEADER_LEN]);
/* BLAKE3(L ‖ S): what the trailer of that epoch holds. */
void snapshot_root(uint8_t out[32], const struct snapshot_header *h);

/* State hash, and digest and length of every bucket; the rest stays as it is. */
void snapshot_describe_tables(struct snapshot_header *h, struct tables *t);
/* All but the epoch, of the state now. */
void snapshot_describe(struct snapshot_header *h, struct state *s);

/*
 * The lines of one bucket into a new state (state_loaded when all are in). ASSAY_E_CORRUPT when
 * they are not those of the header or could not be a bucket's.
 */
int snapshot_load(struct state *s, const struct snapshot_header *h, unsigned bucket,
		  const char *lines, size_t len);

#endif
