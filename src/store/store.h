/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts on disk and in memory. The key of an artifact is the BLAKE3 root of its bytes.
 *
 *   artifacts/<2 hex>/<64 hex>        the bytes, written once
 *   artifacts/<2 hex>/<64 hex>.tree   the outboard (crypto/tree.h), when there are more chunks than
 *                                     one; missing or wrong, it is built again
 *   artifacts/tmp/<n>, <n>.tree       writes in progress, removed at start; w<n>: of peers
 *   artifacts/pushed/<64 hex>         empty: a peer pushed that artifact, and nothing claims it yet
 *   artifacts/placed/<64 hex>.<hour>  empty: it was claimed, in that hour since 1970
 *   artifacts/staged/<64 hex>         empty: that artifact is a heal's, to be read by grant only
 *
 * Write order: bytes and outboard under temporary names, fdatasync of both, outboard renamed, bytes
 * renamed (the name of the bytes is what makes an artifact exist), directory synced, and only then
 * the record is published. A failed sync stops the process. The index is rebuilt from the names at
 * start.
 *
 * Threads: the functions marked [any] may be called from any thread, those marked [fetch] from one
 * thread at a time (the fetch role's), the rest from the store's owner (the control side's store
 * thread). Workers use the artifact_source only.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/seam.h"
#include "proof/artifact.h"
#include "proof/handed.h"

struct store;

/*
 * Frees memory once no worker can still see it (QSBR): defer(ctx, free_fn, pointer). Given by the
 * data plane, or grace_immediate() where there are no workers.
 */
struct grace {
	void (*defer)(void *ctx, void (*release)(void *pointer), void *pointer);
	void *ctx;
};
struct grace grace_immediate(void);

/* Where resident bytes live: huge pages where there are any, else ordinary memory. */
struct store_memory {
	void *(*alloc)(void *ctx, size_t len); /* 64-byte aligned; NULL when there is none left */
	void (*release)(void *ctx, void *p, size_t len);
	void *ctx;
};
struct store_memory store_memory_heap(void);

struct store_config {
	const struct disk *disk; /* rooted at the state directory */
	const struct clock *clock;
	const struct log *log;
	const struct random *random; /* so that nobody can choose keys that collide in the index;
					NULL: they could */
	struct grace grace;
	struct store_memory memory;
	uint64_t resident_max;	/* bytes of artifacts and outboards kept in memory */
	uint64_t reserve_bytes; /* free disk space that a put leaves alone */
	uint64_t staging_bytes; /* see store_staging_quota; 0: peers can push nothing */
	/* A sync failed: what reached the disk is unknown. NULL: abort(), the only sane thing
	 * outside of a simulator. If it returns, the store changes nothing any more. */
	void (*fatal)(void *ctx);
	void *fatal_ctx;
};

/* Opens or creates artifacts/ and rebuilds the index from names and sizes; nothing is read yet. */
int store_open(struct store **out, const struct store_config *config);
/* [any] Ends long work soon: it returns CLOSED, and so does what comes after it. */
void store_stop(struct store *s);
/* Once no worker runs and every reader is freed. */
void store_close(struct store *s);

/* [any] For the workers. */
struct artifact_source store_source(struct store *s);

/* Long work reports here; returning false cancels it (ASSAY_E_CLOSED). [called on the working
 * thread] */
struct store_progress {
	bool (*step)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/* Bytes of a put, in order; short only at the end. */
struct store_input {
	int64_t (*read)(void *ctx, void *out,
			size_t len); /* bytes, 0 at the end, or a negative code */
	void *ctx;
	uint64_t size; /* what the whole must have; else ASSAY_E_CHANGED */
};
/*
 * Stores and publishes; key out. EXISTS (key is set) when it is there and its bytes are good;
 * rotten ones are replaced. INVAL for an empty input, RANGE for one above TREE_SIZE_MAX, NOSPC, or
 * what the input's read returned. Whatever fails leaves nothing behind.
 */
int store_put(struct store *s, uint8_t key[32], const struct store_input *input,
	      const struct store_progress *progress);

/* Writes out bytes that were checked before; CORRUPT when some do not match (the artifact is marked
 * as rot). */
struct store_output {
	int (*write)(void *ctx, const void *data, size_t len);
	void *ctx;
};
int store_get(struct store *s, const uint8_t key[32], const struct store_output *output,
	      const struct store_progress *progress);
/*
 * Reads everything again: 0, NOTFOUND, or CORRUPT (then marked as rot, never served); IO when the
 * disk could not read them (rot as well). Good bytes of an artifact marked as rot make it whole
 * again.
 */
int store_verify(struct store *s, const uint8_t key[32], const struct store_progress *progress);
/* The key is gone from the index and from the disk. NOTFOUND: none, or a staged file. */
int store_remove(struct store *s, const uint8_t key[32]);

/* Why it is here: an operator stored it, a peer pushed it, or it was pushed and then claimed. */
enum artifact_origin { ARTIFACT_KEPT, ARTIFACT_PUSHED, ARTIFACT_PLACED };
struct artifact_info {
	uint8_t key[32];
	enum artifact_origin origin;
	uint64_t placed_wall_ns; /* PLACED: when it was claimed or held last */
	uint64_t size;
	enum artifact_state state;
	bool resident;
	uint64_t checked_wall_ns; /* when all bytes were last found good; 0 = not since start */
};
/* [any] One artifact, or a staged file; NOTFOUND. */
int store_stat(struct store *s, const uint8_t key[32], struct artifact_info *out);
/* [any] Up to room artifacts with keys above after (NULL: from the first), in key order; returns
 * how many. */
unsigned store_list(struct store *s, const uint8_t *after, struct artifact_info *out,
		    unsigned room);

/*
 * Scrub: checks the artifact that was not checked for the longest time and makes it resident while
 * there is room. Returns 1 when it checked one, 0 when all are fresher than max_age_ns, or a
 * negative code of the disk.
 */
int store_scrub_one(struct store *s, uint64_t max_age_ns);

/* --- what peers push (docs/protocol.md, "WRITE") --- */
/* [fetch] Does the job, a few disk operations at most, and fills its answer. */
void store_write(struct store *s, struct write_job *job);
/* [fetch] Now and then: drops transfers to which nobody wrote for a minute. */
void store_write_sweep(struct store *s);
/* Makes a group of whole transfers durable and publishes them; how many it took. */
unsigned store_commit(struct store *s);
/* [any] There is work for store_commit. wake is called by the fetch thread when that becomes so. */
bool store_commit_waits(const struct store *s);
void store_on_commit(struct store *s, void (*wake)(void *ctx), void *ctx);
/*
 * [any] Bytes that an account may have on their way: in transfers, and pushed within the last hour
 * without a claim.
 */
void store_staging_quota(struct store *s, uint64_t bytes);

/*
 * Whether somebody needs an artifact that was pushed: asked about each of them once a second or
 * less often, on the owner's thread, until it is claimed. One that is unclaimed an hour after it
 * came is removed; while the answer is NONE (not known yet) it stays. Without anybody to ask,
 * claimed is NULL, everything that was pushed stays.
 */
enum store_claim { STORE_CLAIM_NONE, STORE_CLAIMED, STORE_UNCLAIMED };
struct store_claims {
	enum store_claim (*claimed)(void *ctx, const uint8_t key[32]);
	void *ctx;
};
/* [any] */
void store_claims_set(struct store *s, const struct store_claims *claims);
/* Looks at some of them; true when more wait to be looked at. */
bool store_claims_sweep(struct store *s);
/*
 * [any] Gives an artifact another hour from now, or a claimed one another day; false when it is not
 * here, or about to go.
 */
bool store_hold(struct store *s, const uint8_t key[32]);
/*
 * Stores the artifact of that key as if a peer had pushed it, unless an operator has stored it. 0,
 * CORRUPT when it is another one, or the codes of store_put.
 */
int store_put_placed(struct store *s, const uint8_t key[32], const struct store_input *input);
/*
 * Removes an artifact that was claimed and is claimed no longer: NOTFOUND, BUSY when it is none
 * (any more), or was claimed or held after that time.
 */
int store_collect(struct store *s, const uint8_t key[32], uint64_t before_wall_ns);

/* --- what a heal has staged (docs/healing.md, "Staging") --- */
/*
 * Makes a file of this node's readable by grant, in no list and never proved (ARTIFACT_PRIVATE),
 * until it is unstaged, also by the next process. The path is below the disk's root, or absolute;
 * the file is linked, or copied where it cannot be, and does not change any more. 0, also when it
 * is staged already; EXISTS when it is an artifact anyhow; CORRUPT when these are not the bytes of
 * the key, INVAL for an empty file, RANGE, NOTFOUND, NOSPC. Whatever fails leaves nothing behind. A
 * put or a write of the same bytes makes an artifact of it.
 */
int store_stage(struct store *s, const uint8_t key[32], const char *path,
		const struct store_progress *progress);
/* 0 also when it is not staged; what is an artifact stays one. */
int store_unstage(struct store *s, const uint8_t key[32]);
/* [any] Up to room keys of staged files above after (NULL: from the first), in order; how many. */
unsigned store_staged(struct store *s, const uint8_t *after, uint8_t (*keys)[32], unsigned room);

struct store_stats {
	uint64_t artifacts, bytes, staged, staged_bytes, resident, resident_bytes, rot;
	uint64_t scrubbed, scrub_bytes, scrub_passes; /* since start */
	uint64_t scrub_left;			      /* artifacts not yet checked in this pass */
	uint64_t unclaimed;			      /* pushed, never claimed, removed */
	uint64_t free_bytes;			      /* of the disk */
};
/* [any] */
void store_stats(struct store *s, struct store_stats *out);

/*
 * A reader of cold artifacts for one fetch thread: io_uring where the kernel has it, pread
 * elsewhere. Reads the chunks and the hash list of each job, checks them up to the key (so that
 * nothing unchecked is served) and sets its reason: NONE, ARTIFACT_ROT, ARTIFACT_UNKNOWN (removed
 * meanwhile) or BUSY (the disk failed, or the outboard is still to be built).
 */
struct store_reader;
int store_reader_new(struct store_reader **out, struct store *s);
void store_reader_free(struct store_reader *r);
void store_read_cold(struct store_reader *r, struct fetch_job **jobs, unsigned n);

#endif
