/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the responder: what its files share. Each file has one stage or one table:
 *
 * - serve.c: the driver of a burst and of a turn
 * - parse.c: heads, lookup, replay window, tags
 * - admit.c: order of checks on a request
 * - work.c: artifacts and digests of admitted requests
 * - prove.c: ranges, compound digests, leaves
 * - chunks.c: CHUNK and RANGES datagrams
 * - batch.c: one seal over up to 256 answers
 * - read.c: READ and its waiting queue
 * - parked.c: requests that wait for the disk
 * - handed.c: WRITE and CALL, which other threads do
 * - reply.c: small answers, and all sending
 * - hello.c, handshake.c: from HELLO to WELCOME
 * - session.c, peers.c: see session.h
 */
#ifndef PROOF_SERVE_INT_H
#define PROOF_SERVE_INT_H

#include <string.h>

#include "base/must.h"
#include "proof/lanes.h"
#include "proof/message.h"
#include "proof/session.h"

#define LATE_NS		   (5 * NS_PER_S)
#define BATCH_NS_MAX	   50000
#define BUSY_NS_MIN	   (10 * NS_PER_MS) /* between two REFUSED(busy) for `rate` of a session */
#define READ_WAITING_MAX   64
#define READ_CHUNKS_TURN   16
#define PARKED_SESSION_MAX 8
#define HELLO_QUEUE_MAX	   64
#define PROVE_GROUP	   16
/* Datagrams of one answer: PROOF, chunks, and hashes that no chunk had room for. */
#define PARTS_MAX (1 + TREE_TOUCHED_MAX + (TREE_HASHES_MAX + 42) / ASSAY_CHUNK_HASHES_ONLY)

/*
 * One admitted PROVE or READ whose bytes are in memory: all of a resident artifact, or the chunks
 * that the fetch role brought.
 */
struct work {
	struct session *session;
	const struct path *path;
	uint64_t request;    /* its counter */
	uint64_t size;	     /* of the artifact */
	uint32_t chunks;     /* of the artifact */
	const uint8_t *data; /* resident: the artifact; fetched: touched chunks, 1024 bytes apart */
	const uint8_t *values; /* resident: the outboard; fetched: values of the touched chunks */
	const uint8_t *hashes; /* fetched: the hash list; NULL: it is in the outboard */
	uint8_t digest[32];    /* request digest of a PROVE */
	uint64_t offset[ASSAY_RANGES_MAX];
	uint32_t length; /* of a range */
	uint32_t total;	 /* bytes of all ranges */
	uint8_t k;
	bool tree;	/* with hashes: so says also a READ */
	uint64_t grant; /* of a READ; 0: by permission */
	uint32_t touched_count, node_count;
	uint32_t touched[TREE_TOUCHED_MAX];
	const struct tree_node *node; /* the hash list */
	uint32_t parts;		      /* datagrams of the answer */
	struct dgram *out;	      /* that many */
	uint64_t counter;	      /* of part 0 */
};

/* A request that waits for the fetch role. */
struct parked {
	struct fetch_job job;
	struct work work; /* session, path, data and nodes are set anew when the bytes are there */
	struct path path;
	uint32_t index; /* of the session */
	bool read;	/* READ, not PROVE */
	bool late;	/* answered already */
	uint64_t deadline_ns;
	uint8_t data[FETCH_CHUNKS_MAX * TREE_CHUNK];
	uint8_t values[FETCH_CHUNKS_MAX * DIGEST_LEN];
	uint8_t hashes[FETCH_HASHES_MAX * DIGEST_LEN];
};

/* A READ that waits for its turn. */
struct read_waiting {
	struct path path;
	uint32_t index; /* of the session */
	uint64_t request;
	uint8_t key[32];
	uint32_t first;
	uint16_t count;
	bool hashes;
	uint64_t grant; /* 0: by permission */
};

/* Answers that wait for their seal. */
struct batch {
	unsigned count;
	uint64_t first_ns; /* monotonic, of the first leaf */
	struct dgram out[ASSAY_BATCH_MAX];
	uint32_t index[ASSAY_BATCH_MAX];		  /* of the session */
	uint16_t at[ASSAY_BATCH_MAX];			  /* where in the payload the seal goes */
	_Alignas(64) uint8_t input[ASSAY_BATCH_MAX][128]; /* of the tags */
	uint8_t tag[ASSAY_BATCH_MAX][DIGEST_LEN];
	uint8_t node[SEAL_NODES_MAX][32];
};

/* Small answers of two blocks each that leave together. */
struct reply {
	struct path path;
	uint16_t code; /* of a REFUSED */
	uint16_t len;
	union {
		struct assay_refused refused;
		struct assay_pong pong;
		struct assay_write_state write_state;
		uint8_t bytes[72];
	};
};
struct replies {
	unsigned n;
	struct reply reply[SERVE_BURST_MAX];
	_Alignas(64) uint8_t input[SERVE_BURST_MAX][128];
};

/* CHUNKs that wait for their tags. */
struct chunk_queue {
	unsigned n;
	struct dgram out[LANES_MAX];
	struct lanes lanes;
	_Alignas(64) uint8_t input[LANES_MAX][24 * 64];
};

/* Memory of one stage, taken piece by piece and given back as a whole. */
struct arena {
	uint8_t *base;
	size_t used, len;
};
static inline uint8_t *arena_take(struct arena *a, size_t len)
{
	uint8_t *p = a->base + a->used;

	a->used += (len + 63) & ~(size_t)63;
	must(a->used <= a->len);
	return p;
}

/* --- the worker's responder --- */

enum hello_phase { HELLO_START, HELLO_READ, HELLO_WRITE, HELLO_RETURN };

struct handshake {
	unsigned head, count;
	struct hello_job queue[HELLO_QUEUE_MAX];
	enum hello_phase phase; /* of the first in the queue */
	struct noise_responder state;
	struct assay_welcome_payload payload;
	uint8_t e_secret[32];
};

struct cookies {
	uint64_t made_ns;
	bool made, previous_good;
	uint8_t secret[2][32]; /* current, previous */
};

struct serve {
	struct serve_config config;
	const struct view *view;
	uint64_t now, wall; /* of this call */

	/* The burst being worked on. */
	struct dgram *in;
	unsigned live;				  /* datagrams still in the race ... */
	uint8_t item[SERVE_BURST_MAX];		  /* ... as positions in the burst */
	struct session *session[SERVE_BURST_MAX]; /* by position */
	struct lanes lanes;
	struct arena arena;
	unsigned prove_count;
	uint8_t prove[SERVE_BURST_MAX]; /* admitted PROVEs, as positions */
	unsigned work_count;
	struct work work[SERVE_BURST_MAX]; /* those whose bytes are in memory */
	struct tree_node node[PROVE_GROUP * TREE_HASHES_MAX];
	struct dgram out[PROVE_GROUP * PARTS_MAX];
	unsigned closing_count;
	struct session *closing[SERVE_BURST_MAX];

	struct batch batch;
	struct replies replies;
	struct chunk_queue chunk_queue;

	struct session *sessions; /* SERVE_SESSIONS_MAX */
	struct index_history *history;
	uint64_t taken[SERVE_SESSIONS_MAX / 64]; /* bit: slot reserved or in use */
	uint32_t slot_next;			 /* where the search for a free slot goes on */
	uint64_t swept_ns;
	uint32_t sweep_next;

	struct read_waiting reading[READ_WAITING_MAX];
	unsigned read_head, read_count;

	struct parked *parked; /* SERVE_PARKED_MAX */
	uint16_t parked_free[SERVE_PARKED_MAX];
	unsigned parked_free_count;
	uint64_t parked_bits[SERVE_PARKED_MAX / 64]; /* handed to the fetch role */
	uint64_t parked_swept_ns;
	uint16_t fetched[SERVE_PARKED_MAX]; /* READs whose bytes came, in order */
	unsigned fetched_head, fetched_count;

	struct write_slot *writes; /* WRITE_SLOTS */
	struct call_slot *calls;   /* CALL_SLOTS */
	uint16_t writes_free[WRITE_SLOTS], calls_free[CALL_SLOTS];
	unsigned writes_free_count, calls_free_count;

	struct limiter resets, versions;
	struct cookies cookies;
	struct handshake handshake;
	struct serve_counters counters;
};

/* Counters have one writer; readers on other threads get each value whole. */
static inline void count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void drop(struct serve *s, enum assay_reason reason)
{
	count(&s->counters.drops[reason], 1);
}

static inline uint64_t stage_begin(void)
{
	return __builtin_ia32_rdtsc();
}

static inline void stage_end(struct serve *s, enum serve_stage stage, uint64_t begin,
			     unsigned items)
{
	count(&s->counters.stage_cycles[stage], __builtin_ia32_rdtsc() - begin);
	count(&s->counters.stage_items[stage], items);
	count(&s->counters.stage_calls[stage], 1);
}

/* gcc 12 deletes calls of a function that has nothing but the builtin in it. */
static inline void prefetch_line(const void *p)
{
	__asm__ volatile("prefetcht0 %0" : : "m"(*(const char *)p));
}

/* parse.c: stages PARSE and TAG. Leaves the good ones in s->item. */
void parse_burst(struct serve *s, unsigned n, bool handed);
void tag_burst(struct serve *s);

/* admit.c: stage ADMIT. Answers PING and CLOSE, refuses, queues READs, makes work of PROVEs. */
void admit_burst(struct serve *s);
/* Why a stored artifact cannot be proved or read; NONE when it can. A grant opens staged ones. */
enum assay_reason admit_artifact(const struct artifact *artifact, bool granted);

/* work.c: the second half of ADMIT. */
/* Looks up the artifacts of the admitted PROVEs; leaves those in memory in s->work, parks others.
 */
void work_burst(struct serve *s);
/* The chunks that the ranges touch, their hash list written to node. */
void work_plan(struct work *w, struct tree_node *node);
/* The artifact's bytes as material. */
void work_resident(struct work *w, const struct artifact *a, const struct artifact_bytes *bytes);
/* Bytes of touched chunk i. */
static inline const uint8_t *work_chunk(const struct work *w, unsigned i)
{
	return w->data + (size_t)TREE_CHUNK * (w->hashes != NULL ? i : w->touched[i]);
}
/* A range of the artifact's bytes. */
void work_copy(uint8_t *out, const struct work *w, uint64_t offset, uint32_t len);
void artifact_used(struct serve *s, struct artifact *a);
/* Ends an admitted request that cannot be answered after all. */
void work_refuse(struct serve *s, const struct work *w, enum assay_reason code, uint32_t parameter);

/* prove.c: stage PROVE. */
void prove_run(struct serve *s, struct work *work, unsigned n);

/* chunks.c: stage CHUNKS. */
/* Datagrams that carry the chunks and hashes of the work. */
unsigned chunks_parts(const struct work *w);
/* Writes them to w->out from part number first on. */
void chunks_write(struct serve *s, struct work *w, unsigned first);
void ranges_write(struct serve *s, struct work *w, const uint8_t *bytes);
/* Sends what chunks_write left waiting. */
void chunks_flush(struct serve *s);

/* batch.c: stage SEAL. */
void batch_add(struct serve *s, const struct work *w, const uint8_t compound[32],
	       const uint8_t leaf[32]);
void batch_close(struct serve *s);

/* read.c */
enum assay_reason read_admit(struct serve *s, struct session *session, const struct dgram *d);
/* Whether a request that has waited may still have the artifact; NULL: there is none of that key.
 */
enum assay_reason read_allowed(const struct serve *s, const struct session *session,
			       const struct artifact *artifact, const uint8_t key[32],
			       uint64_t grant);
void read_turn(struct serve *s);

/* parked.c */
bool parked_start(struct serve *s);
void parked_stop(struct serve *s);
/* Hands the work to the fetch role; BUSY when it cannot wait. */
enum assay_reason park(struct serve *s, const struct work *w, struct artifact *artifact, bool read);
/* A job came back: the PROVE is answered, the READ waits for its turn. */
void parked_fetched(struct serve *s, struct fetch_job *job);
/* The first READ whose bytes are there, or NULL; parked_done removes it. */
struct parked *parked_next(struct serve *s);
void parked_done(struct serve *s);
void parked_sweep(struct serve *s);

/* handed.c */
bool handed_start(struct serve *s);
void handed_stop(struct serve *s);
/* Hands the request on, or says why not. */
enum assay_reason write_admit(struct serve *s, struct session *session, const struct dgram *d);
enum assay_reason call_admit(struct serve *s, struct session *session, const struct dgram *d);

/* reply.c */
/* n buffers on a port: all or none. */
bool out_alloc(struct serve *s, uint16_t port, struct dgram *out, unsigned n);
static inline void out_fill(struct dgram *out, const struct path *path, size_t len)
{
	out->len = (uint16_t)len;
	out->path = *path;
}
void out_send(struct serve *s, struct dgram *out, unsigned n);
/* One datagram without a session; false when there is no buffer. */
bool out_send_bytes(struct serve *s, const struct path *path, const void *data, size_t len);
void reply_pong(struct serve *s, struct session *session, const struct dgram *d);
void reply_refuse(struct serve *s, struct session *session, const struct path *path,
		  uint64_t request, enum assay_reason code, uint32_t wait_ms, uint32_t parameter);
void reply_write_state(struct serve *s, struct session *session, const struct path *path,
		       uint64_t request, const struct write_status *status);
void reply_flush(struct serve *s);
void reply_reset(struct serve *s, const struct dgram *d, enum assay_reason reason);
struct assay_version_msg version_message(uint8_t lowest, uint8_t highest);
void reply_version(struct serve *s, const struct dgram *d);

/* hello.c: HELLOs in the worker that received them. */
void hello_receive(struct serve *s, const struct dgram *d);
void hello_finish(struct serve *s, const struct hello_job *job);

/* handshake.c: in the worker that owns them. */
void handshake_add(struct serve *s, const struct hello_job *job);
/* The key of the job, or NULL when it is no longer registered. */
const struct view_peer *hello_peer(const struct serve *s, const struct hello_job *job);

#endif
