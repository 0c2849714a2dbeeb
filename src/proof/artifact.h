/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker sees of the store: records that are found by key and never freed while a worker may
 * hold them. One writer (the store, on control's side), many readers (workers). A worker keeps no
 * pointer to a record or to resident bytes across its quiescent report, except in fetch jobs, which
 * pin their record.
 */
#ifndef PROOF_ARTIFACT_H
#define PROOF_ARTIFACT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/tree.h"

enum artifact_state {
	ARTIFACT_STORED,  /* registered: may be proved and read */
	ARTIFACT_PRIVATE, /* staged: bytes are there, PROVE is refused */
	ARTIFACT_ROT,	  /* bytes no longer match the key; never served */
};

/* Bytes and outboard in memory, checked against the key before they were published. */
struct artifact_bytes {
	const uint8_t *data;	 /* size bytes, 64-byte aligned */
	const uint8_t *outboard; /* tree_outboard_len(chunks) bytes */
};

struct artifact {
	uint8_t key[32];
	uint64_t size;
	uint32_t chunks;
	_Atomic uint8_t state;	 /* enum artifact_state; written by the store */
	_Atomic uint32_t used_s; /* last use, monotonic seconds; written by workers */
	_Atomic uint32_t pins;	 /* fetch jobs that hold the record */
	_Atomic(const struct artifact_bytes *)
		bytes; /* NULL when cold; freed after a grace period */
};

#define FETCH_CHUNKS_MAX TREE_TOUCHED_MAX
#define FETCH_HASHES_MAX TREE_HASHES_MAX

/*
 * One cold read: a fixed slot owned by a worker, filled by the fetch role, handed back on a ring.
 * In: artifact, chunks, nodes. Out: reason (NONE, or ARTIFACT_ROT when the bytes do not verify up
 * to the key, BUSY on an I/O error), bytes, values, hashes.
 */
struct fetch_job {
	struct artifact *artifact; /* pinned by the worker before it hands the job over */
	uint32_t chunk[FETCH_CHUNKS_MAX];
	uint32_t chunk_count;
	uint32_t node_count; /* the whole hash list of these chunks, always complete */
	struct tree_node node[FETCH_HASHES_MAX];
	uint16_t reason;
	uint16_t worker; /* who gets it back */
	uint64_t owner;	 /* the worker's own note */
	uint8_t *data;	 /* FETCH_CHUNKS_MAX * 1024 bytes */
	uint8_t *values; /* FETCH_CHUNKS_MAX * 32: value of each chunk */
	uint8_t *hashes; /* FETCH_HASHES_MAX * 32 */
};

/* How a worker reaches the store. Thread-safe for any number of workers. */
struct artifact_source {
	/* out[i] = the record of keys[i] or NULL; prefetches, so callers ask for a burst at once.
	 */
	void (*find_many)(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n);
	void *ctx;
};

#endif
