/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking answers without any network (docs/protocol.md, "PROVE", "Tree", "READ"). A checker is
 * made for one request, is fed datagrams as received, says for each why it was dropped or NONE, and
 * gives a verdict. Its memory is set by the request and never by the answer. One checker belongs to
 * one thread.
 *
 *   assay_init();
 *   assay_inbound_init(&session, k_r, index, limit);
 *   assay_check_new(&check, &params);
 *   assay_check_counter(check, counter_of_the_request);
 *   while (assay_check_verdict(check) == ASSAY_INCOMPLETE)
 *           assay_check_feed(check, &session, datagram, len);
 */
#ifndef ASSAY_CHECK_H
#define ASSAY_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"
#include "assay/wire.h"

/* Prepares the digests and the curve; before anything else, before any thread; idempotent. */
void assay_init(void);

enum assay_verdict {
	ASSAY_INCOMPLETE,	  /* parts are missing: as if never received */
	ASSAY_PASS,		  /* tree, compound hash and seal verify */
	ASSAY_PLAIN,		  /* all right, but no tree was asked for: proves no artifact */
	ASSAY_HASH_MISMATCH,	  /* tree or compound hash wrong under a good tag */
	ASSAY_INVALID_TRANSCRIPT, /* wrong shape or seal under a good tag */
	ASSAY_REFUSED_VERDICT,	  /* the target said no */
};
/* "PASS", "HASH_MISMATCH", ... */
const char *assay_verdict_name(enum assay_verdict verdict);

/* The steps of a check, in the order in which they are judged. */
enum assay_step {
	ASSAY_STEP_TAG,	       /* every part came with a good tag */
	ASSAY_STEP_DERIVATION, /* offsets and derivation hash follow from seed and ticket */
	ASSAY_STEP_SHAPE,      /* parts, sizes, indices, numbers of hashes */
	ASSAY_STEP_TREE,       /* chunks and hashes give the artifact key */
	ASSAY_STEP_COMPOUND,   /* the ranges' bytes give the compound hash */
	ASSAY_STEP_PATH,       /* the Merkle path leads to the root that is sealed */
	ASSAY_STEP_SIGNATURE,  /* the target's identity signed that root */
	ASSAY_STEP_TRANSCRIPT, /* transcript hash of all of it */
	ASSAY_STEP_COUNT
};
enum assay_outcome { ASSAY_NOT_CHECKED, ASSAY_GOOD, ASSAY_BAD };
/* "tag", "derivation", ... */
const char *assay_step_name(enum assay_step step);

/* --- what arrives on a session -------------------------------------------------------------- */
#define ASSAY_WINDOW 2048

/* The initiator's receiving side: key, index and replay window. Copy it, and it may be reused. */
struct assay_inbound {
	uint8_t key[32]; /* K_r */
	uint32_t index;	 /* the initiator's */
	uint16_t limit;	 /* datagram limit */
	uint64_t highest;
	uint64_t seen[ASSAY_WINDOW / 64];
};
void assay_inbound_init(struct assay_inbound *s, const uint8_t key[32], uint32_t index,
			uint16_t limit);
/*
 * All that shows before the tag, in the order of the protocol. *request = counter of the request
 * that an answer names; 0 for PONG, which names none.
 */
enum assay_reason assay_inbound_head(const struct assay_inbound *s, uint64_t *request,
				     const void *datagram, size_t len);
/* The whole check of PONG, RANGES, REFUSED, RESULT and WRITE_STATE: head, tag, window. */
enum assay_reason assay_inbound_general(struct assay_inbound *s, const void *datagram, size_t len);

/* --- seal verdicts -------------------------------------------------------------------------- */
/*
 * Up to 256 answers share one signature: a table of (identity, network, root, time, count,
 * signature) -> verdict saves the repeated verification. Fixed size, forgets by overwriting.
 */
struct assay_seals;
struct assay_seals *assay_seals_new(unsigned entries);
void assay_seals_free(struct assay_seals *seals);
struct assay_seals_stats {
	uint64_t hits, misses;
};
struct assay_seals_stats assay_seals_stats(const struct assay_seals *seals);

/* --- PROVE ---------------------------------------------------------------------------------- */
/* What the offsets were drawn from; lets a checker judge derivation and transcript. */
struct assay_draw {
	const void *seed;
	size_t seed_len;
	const char *ticket;
};

/* Everything is copied, except seals. */
struct assay_check_params {
	const uint8_t *network_id; /* 32 */
	const uint8_t *identity;   /* 32, the target's x-only key */
	const char *challenger, *target;
	/* PROVE p[32..length): the key and the size in it are what is known beforehand. */
	const void *body;
	size_t body_len;
	const struct assay_draw *draw; /* NULL: derivation and transcript are not checked */
	struct assay_seals *seals;     /* NULL: every seal is verified */
};

struct assay_check;
/*
 * 0, INVAL (body is not a legal request), RANGE (ranges past the end), CORRUPT (offsets or
 * derivation hash do not follow from draw), or NOMEM.
 */
int assay_check_new(struct assay_check **out, const struct assay_check_params *params);
void assay_check_free(struct assay_check *check);

/* A datagram with this counter asked the request: the first one and each repeat. 0 or FULL. */
#define ASSAY_CHECK_COUNTERS 32
int assay_check_counter(struct assay_check *check, uint64_t counter);
bool assay_check_holds(const struct assay_check *check, uint64_t counter);

enum assay_reason assay_check_feed(struct assay_check *check, struct assay_inbound *session,
				   const void *datagram, size_t len);
enum assay_verdict assay_check_verdict(struct assay_check *check);
/* True when no further datagram can change the verdict. A refusal can still be followed by an
 * answer to a repeat. */
bool assay_check_settled(struct assay_check *check);
/* Parts received and expected, the PROOF included. */
void assay_check_progress(const struct assay_check *check, unsigned *have, unsigned *want);

struct assay_report {
	enum assay_verdict verdict;
	enum assay_outcome step[ASSAY_STEP_COUNT];
	const char *why;	   /* of a verdict that is not PASS; static text */
	enum assay_reason refused; /* of REFUSED_VERDICT */
	uint32_t wait_ms, parameter;
	unsigned parts, parts_want, tags_bad;
	uint8_t compound[32]; /* as recomputed from the bytes; zero while incomplete */
	uint8_t digest[32];   /* request digest */
	uint8_t root[32];     /* that the path gives */
	uint64_t time_ms;     /* of the seal */
	uint16_t index, count;
	bool seal_cached;	/* verdict came from the table of seals */
	uint8_t transcript[32]; /* valid when its step is GOOD */
};
void assay_check_report(struct assay_check *check, struct assay_report *out);

/* Bytes of range i after PASS or PLAIN: range length bytes. False otherwise. */
bool assay_check_range(const struct assay_check *check, unsigned i, void *out);

/* --- evidence ------------------------------------------------------------------------------- */
#define ASSAY_EVIDENCE_MAX 572
/* What a third party needs: the request's body, the seal and its path. Length, or AGAIN before the
 * PROOF is there. */
int assay_check_evidence(const struct assay_check *check, uint8_t out[ASSAY_EVIDENCE_MAX]);

/* True when digest, leaf, path and signature of a record fit together. */
bool assay_evidence_valid(const void *record, size_t len, const uint8_t compound[32],
			  const uint8_t network_id[32], const char *challenger, const char *target,
			  const uint8_t identity[32]);

/* A transcript as somebody claims it. */
struct assay_claim {
	const uint8_t *network_id, *identity, *compound, *key; /* 32 bytes each */
	const uint8_t *transcript;			       /* 32 */
	const char *challenger, *target;
	struct assay_draw draw;
	uint64_t epoch, size;
	uint32_t ordinal;
	uint8_t class, bucket, k;
	uint16_t range_length;
};
/*
 * Judges a claim by its evidence: fields, derivation, path, signature, transcript. True when all
 * are good; step tells them apart (SHAPE = the record and its fields).
 */
bool assay_evidence_check(enum assay_outcome step[ASSAY_STEP_COUNT], const void *record, size_t len,
			  const struct assay_claim *claim);

/* --- READ ----------------------------------------------------------------------------------- */
#define ASSAY_SIZE_UNKNOWN UINT64_MAX

/* A READ with hashes. */
struct assay_read_params {
	uint8_t key[32];
	uint32_t first; /* ASSAY_NO_CHUNK: the last one */
	uint16_t count;
	uint64_t size; /* or ASSAY_SIZE_UNKNOWN */
};
struct assay_read_check;
/* 0, INVAL (count), RANGE (first is past the end), or NOMEM. Memory is the same for every READ. */
int assay_read_new(struct assay_read_check **out, const struct assay_read_params *params);
/* The same memory for another READ. */
int assay_read_reset(struct assay_read_check *check, const struct assay_read_params *params);
void assay_read_free(struct assay_read_check *check);
int assay_read_counter(struct assay_read_check *check, uint64_t counter);
bool assay_read_holds(const struct assay_read_check *check, uint64_t counter);
enum assay_reason assay_read_feed(struct assay_read_check *check, struct assay_inbound *session,
				  const void *datagram, size_t len);

struct assay_read_result {
	bool complete;	  /* every part is there, or one was wrong under a good tag */
	bool whole;	  /* every part is there, each of its right form */
	bool verified;	  /* the chunks and hashes give the key */
	bool proves_size; /* verified, and the last chunk was among them */
	uint64_t size;	  /* as stated; proved only if proves_size says so */
	uint32_t first;	  /* chunks that the answer has */
	unsigned count;
	enum assay_reason refused;
	uint32_t wait_ms;
};
void assay_read_result(struct assay_read_check *check, struct assay_read_result *out);
/* Bytes of the i-th chunk after verification, or NULL. */
const uint8_t *assay_read_chunk(const struct assay_read_check *check, unsigned i, size_t *len);
/* Of a whole answer, whether they are the key's or not. */
const uint8_t *assay_read_unchecked(const struct assay_read_check *check, unsigned i, size_t *len);

#endif
