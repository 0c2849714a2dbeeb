/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state in a file (docs/ledger.md, "State files"): a header with the digest of every bucket, then
 * the buckets' lines. The header is proved by the root in a trailer, each bucket by the header; so
 * the parts may come from anybody, in any order.
 */
#ifndef LEDGER_STATEFILE_H
#define LEDGER_STATEFILE_H

#include "ledger/state.h"

#define STATEFILE_HEADER_LEN (88 + BUCKETS * 40)
#define STATEFILE_BUCKET_MAX (UINT32_C(256) << 20)

struct statefile_header {
	uint64_t epoch, seq;
	uint8_t log[32], state[32];
	struct {
		uint8_t digest[32];
		uint32_t len; /* bytes of its lines */
	} buckets[BUCKETS];
};

void statefile_header_write(uint8_t out[STATEFILE_HEADER_LEN], const struct statefile_header *h);
/*
 * ASSAY_E_CORRUPT when the bytes are no header, or the digests do not make its state hash. Whether
 * it is the right state, its root tells.
 */
int statefile_header_read(struct statefile_header *h, const uint8_t in[STATEFILE_HEADER_LEN]);
/* BLAKE3(L ‖ S): what the trailer of that epoch holds. */
void statefile_root(uint8_t out[32], const struct statefile_header *h);

/* State hash, and digest and length of every bucket; the rest stays as it is. */
void statefile_describe_tables(struct statefile_header *h, struct tables *t);
/* All but the epoch, of the state now. */
void statefile_describe(struct statefile_header *h, struct state *s);

/*
 * The lines of one bucket into a new state (state_loaded when all are in). ASSAY_E_CORRUPT when
 * they are not those of the header or could not be a bucket's.
 */
int statefile_load(struct state *s, const struct statefile_header *h, unsigned bucket,
		   const char *lines, size_t len);

#endif
