/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log engines: what orders and stores the ledger's entries (docs/ledger.md, "Engines"). Sequence
 * numbers start at 1 and have no holes. An engine is not trusted: entries carry signatures, and
 * whoever reads keeps the running hash.
 *
 * The calls block, so a thread of its own (log/feed.h) makes them; only wake may come from another.
 * Every handle is a reader and a writer of its own.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seam.h"

#define LOG_ENTRY_MAX 65536
#define LOG_PAGE_MAX  256

enum log_result {
	LOG_APPENDED = 1, /* durable, as *seq */
	LOG_DUPLICATE,	  /* the same bytes are there already, as *seq */
	LOG_TOO_LARGE,
	LOG_UNAVAILABLE, /* certainly not appended */
	LOG_UNKNOWN,	 /* perhaps: append the same bytes again, or look for them */
	LOG_SEQUENCE,	 /* lost every race, or refused with nothing new to read; not appended */
};

struct log_health {
	bool reachable;
	char where[256];   /* file, or endpoint in use */
	char trouble[256]; /* the last one, in words; empty when there was none since it was reached
			    */
};

typedef void (*log_each)(void *arg, uint64_t seq, const uint8_t *entry, size_t len);

struct log_engine {
	enum log_result (*append)(void *ctx, uint64_t *seq, const uint8_t *entry, size_t len);
	/*
	 * Up to max (<= LOG_PAGE_MAX) entries from `from` on, in order: how many were given, 0 when
	 * there is none yet. IO: out of reach. RANGE: from is trimmed. CORRUPT: from is missing
	 * though later ones are there. CHANGED: the store is not the one it was; ask head first.
	 */
	int (*read)(void *ctx, uint64_t from, unsigned max, log_each each, void *arg);
	/*
	 * After a read gave 0: returns when there may be more, when the time is over or after wake.
	 * 0, IO or CHANGED as above. hurry: an own entry is open, so look more often.
	 */
	int (*wait)(void *ctx, unsigned timeout_ms, bool hurry);
	/* Lowest sequence number kept and highest there is; 1 and 0 for an empty log. To be asked
	 * once before anything else and again after a failure. */
	int (*head)(void *ctx, uint64_t *floor, uint64_t *head);
	/* Drops entries up to and with upto, never the newest. */
	int (*trim)(void *ctx, uint64_t upto);
	void (*health)(void *ctx, struct log_health *out);
	/* From any thread: ends a wait; with stop also the call in progress and all later ones. */
	void (*wake)(void *ctx, bool stop);
	void (*close)(void *ctx);
	void *ctx;
};

/*
 * One SQLite file on a local file system, shared by any number of processes. net is L_0 of the
 * network: the file of another network is refused. Error code, with why in words.
 */
int engine_sqlite_open(struct log_engine *out, char *why, size_t why_room, const char *path,
		       const uint8_t net[32]);

/* Texts are copied. Zero numbers stand for the defaults. */
struct engine_etcd_params {
	const char *const *endpoints;		    /* "http://127.0.0.1:2379", "https://..." */
	size_t endpoint_count;			    /* 1..ENGINE_ETCD_ENDPOINTS */
	const char *prefix;			    /* of all keys, at most 64 bytes, ends in "/" */
	const char *ca_file, *cert_file, *key_file; /* PEM, for https; NULL: none */
	unsigned request_ms;			    /* one request: 5000 */
	unsigned idle_ms;			 /* a silent watch is checked after this: 10000 */
	unsigned backoff_ms_min, backoff_ms_max; /* of an endpoint in trouble: 1000, 30000 */
	struct clock clock;
	struct random random;
};
#define ENGINE_ETCD_ENDPOINTS 16
int engine_etcd_open(struct log_engine *out, char *why, size_t why_room,
		     const struct engine_etcd_params *params);
/* The usual prefix: "assay/<first 16 hex of L_0>/". */
void engine_etcd_prefix(char out[32], const uint8_t net[32]);

/* --- simulated: one log in memory, any number of handles, faults by a seed --- */
struct engine_sim;
struct engine_sim_faults { /* percent of the calls */
	uint8_t unavailable;
	uint8_t lost_ack; /* append says UNKNOWN; half of them were appended */
	uint8_t lag;	  /* a read does not see the newest entries yet */
	uint8_t races;	  /* append lost every one */
};
struct engine_sim *engine_sim_new(uint64_t seed);
void engine_sim_free(struct engine_sim *s);
int engine_sim_open(struct log_engine *out, struct engine_sim *s);
void engine_sim_set_faults(struct engine_sim *s, struct engine_sim_faults faults);
/* Nobody reaches it while down. */
void engine_sim_down(struct engine_sim *s, bool down);
/* How often append was called while it was not down. */
uint64_t engine_sim_appends(const struct engine_sim *s);
/* An entry that no handle appended, also one that is there already. */
void engine_sim_put(struct engine_sim *s, const uint8_t *entry, size_t len);
/* What an engine must not do. The handles see CHANGED once, as after a reconnect. */
void engine_sim_lose(struct engine_sim *s, uint64_t newest); /* that many entries */
void engine_sim_swap(struct engine_sim *s, uint64_t seq);    /* with the next one */
void engine_sim_punch(struct engine_sim *s, uint64_t seq);   /* a hole */
void engine_sim_rewrite(struct engine_sim *s, uint64_t seq, const uint8_t *entry, size_t len);

#endif
