/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the responder: what its files share. Each file has one stage or one table:
 *
 *   serve.c      the driver of a burst and of a turn       session.c  table of sessions, life,
 * limits parse.c      heads, lookup, replay window, tags        hello.c, handshake.c   HELLO to
 * WELCOME admit.c      order of checks on a request              parked.c   requests that wait for
 * the disk work.c       artifacts of admitted requests            read.c     READ and its waiting
 * queue prove.c      ranges, compound digests, leaves          peers.c    sessions of a key over
 * all workers chunks.c     CHUNK and RANGES datagrams                batch.c    one seal over up to
 * 256 answers reply.c      small answers, and all sending            view.c     what control lets
 * workers know
 */
#ifndef PROOF_SERVE_INT_H
#define PROOF_SERVE_INT_H

#include <stdatomic.h>
#include <string.h>

#include "base/must.h"
#include "proof/lanes.h"
#include "proof/message.h"
#include "proof/serve.h"

#define NS_PER_MS	   1000000ull
#define NS_PER_S	   1000000000ull

#define CONFIRM_NS_MAX	   (5 * NS_PER_S)  /* until the first good datagram of a new session */
#define LINGER_NS	   (60 * NS_PER_S) /* a session past its life still knows that it was one */
#define INDEX_REST_NS	   (60 * NS_PER_S)
#define LATE_NS		   (5 * NS_PER_S)
#define BATCH_NS_MAX	   50000
#define HINTS_PER_S	   100		    /* RESET, and VERSION, per worker */
#define BUSY_NS_MIN	   (10 * NS_PER_MS) /* between two REFUSED(busy) for `rate` of a session */
#define READ_WAITING_MAX   64
#define READ_CHUNKS_TURN   16
#define PARKED_SESSION_MAX 8
#define HELLO_QUEUE_MAX	   64
#define PROVE_GROUP	   16
/* Datagrams of one answer: PROOF, chunks, and hashes that no chunk had room for. */
#define PARTS_MAX (1 + TREE_TOUCHED_MAX + (TREE_HASHES_MAX + 42) / ASSAY_CHUNK_HASHES_ONLY)

/* --- sessions ----------------------------------------------------------------------------------
 */

#define WINDOW_BITS  2048
#define WINDOW_WORDS (WINDOW_BITS / 64)

/* One session, 9 lines: an odd number, so that equal parts of sessions spread over all cache sets.
 */
struct session {
	/* Looked at for every datagram. */
	_Alignas(64) uint32_t index; /* 0: none */
	uint32_t initiator;	     /* I's own index, which goes into answers */
	struct net_addr remote;
	uint16_t in_flight;
	uint8_t permissions;
	bool confirmed;
	bool closing; /* ends after this burst */
	uint8_t parked;
	uint64_t expires_ns; /* end of life */
	uint64_t used_ns;    /* last good datagram */
	uint64_t highest;    /* counter of I seen with a good tag */
	uint64_t busy_ns;    /* last REFUSED(busy) for `rate` */
	/* Keys. */
	_Alignas(64) struct noise_keys keys;
	/* Used by requests. */
	_Alignas(64) uint8_t pair[32];
	uint64_t sent;	    /* last counter of R */
	uint64_t tokens;    /* bytes << 32 */
	uint64_t filled_ns; /* when tokens were last added */
	uint64_t rate;	    /* (bytes << 32) per ns */
	/* The rest. */
	_Alignas(64) uint64_t burst; /* bytes << 32 */
	uint64_t idle_ns, opened_ns, listed_ns;
	uint64_t received, answered;
	uint32_t peer_slot;
	uint16_t in_flight_max;
	uint8_t place; /* in the row of its key in struct peer_sessions */
	uint8_t hint[16];
	_Alignas(64) uint64_t window[WINDOW_WORDS];
};

static_assert(sizeof(struct session) == 9 * 64, "");

/* Random parts of indices a slot used in this minute and in the one before. */
struct index_history {
	uint64_t minute;
	uint64_t used[2][4];
};

/* What makes a session. */
struct session_terms {
	uint32_t index;	    /* reserved */
	uint32_t initiator; /* I's index */
	const struct noise_keys *keys;
	const struct net_addr *remote;
};

/* A free slot and an index for it that rested; 0 when the table is full. */
uint32_t session_reserve(struct serve *s);
/* Gives back a reserved index that was not installed. */
void session_unreserve(struct serve *s, uint32_t index);
/* Makes the session of a listed index (peers_claim); NULL when another one has replaced it. */
struct session *session_install(struct serve *s, const struct view_peer *peer,
				const struct session_terms *terms);
void session_end(struct serve *s, struct session *session);
/* The session with that index, or NULL. */
struct session *session_find(struct serve *s, uint32_t index);
/* Ends it when the burst is done: until then its keys are needed for answers. */
void session_close_later(struct serve *s, struct session *session);
void session_close_now(struct serve *s);
/* A good datagram came: marks use. */
void session_used(struct serve *s, struct session *session);
bool session_expired(const struct session *session, uint64_t now);
/* Takes the cost in bytes; false when the bucket has less, *wait_ms is then when it will. */
bool session_pay(struct session *session, uint64_t now, uint64_t bytes, uint32_t *wait_ms);
/* Looks a counter up in the window: NONE, REPLAY_OLD or REPLAY_SEEN. */
enum assay_reason window_check(const struct session *session, uint64_t counter);
void window_mark(struct session *session, uint64_t counter);
/* Ends what is past its life or no longer listed, bit by bit. */
void session_sweep(struct serve *s);
void session_new_view(struct serve *s);

/* --- sessions of a key over all workers ---------------------------------------------------------
 */

struct peer_row {
	/*
	 * index << 32 | confirmed << 31 | last use in units of 100 ms; 0: free. Added by the
	 * handshake worker, changed and removed by the session's worker.
	 */
	_Atomic uint64_t entry[PEER_SESSIONS_MAX];
	/* The rest: handshake worker only. */
	uint8_t hint[16];  /* whose row this is */
	uint64_t hello_ns; /* time of the last accepted HELLO */
	uint64_t next_ns;  /* rate of HELLOs: theoretical time of arrival */
	uint64_t zero[4];
};

struct peer_sessions {
	struct peer_row row[VIEW_PEERS_MAX];
	_Atomic uint32_t hellos;	   /* HELLOs queued or worked on; any worker */
	_Atomic uint64_t cookies_until_ns; /* any worker */
};

/* Lists a new session of the key; replaced gets the indices of those that made room. */
unsigned peers_claim(struct peer_sessions *p, uint32_t slot, uint32_t limit, uint32_t index,
		     uint64_t now, uint32_t replaced[PEER_SESSIONS_MAX]);
/* Place of a listed index in its row, or -1. */
int peers_place(struct peer_sessions *p, uint32_t slot, uint32_t index);
bool peers_listed(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index);
/* Tells that the session was used; false when it is no longer listed. */
bool peers_touch(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index,
		 bool confirmed, uint64_t now);
void peers_release(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index);

/* --- answers ------------------------------------------------------------------------------------
 */

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
	bool tree; /* with hashes: so says also a READ */
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

/* Small answers, 56 bytes each, that leave together. */
struct reply {
	struct path path;
	uint16_t code; /* of a REFUSED; 0: PONG */
	union {
		struct assay_refused refused;
		struct assay_pong pong;
		uint8_t bytes[56];
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

/* At most 100 in any second. */
struct limiter {
	unsigned next;
	uint64_t at[HINTS_PER_S]; /* 0: never */
};
bool limiter_allow(struct limiter *l, uint64_t now);

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

/* --- the worker's responder ----------------------------------------------------------------------
 */

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
/* Why a stored artifact cannot be proved or read; NONE when it can. */
enum assay_reason admit_artifact(const struct artifact *artifact);

/* work.c: the second half of ADMIT. */
/* Looks up the artifacts of the admitted PROVEs; leaves those in memory in s->work, parks others.
 */
void work_burst(struct serve *s);
/* The chunks that the ranges touch, their hash list written to node. */
void work_plan(struct work *w, struct tree_node *node);
/* The artifact's bytes as material. */
void work_resident(struct work *w, const struct artifact *a, const struct artifact_bytes *bytes);
/* Value of touched chunk i and hash i of the list. */
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
