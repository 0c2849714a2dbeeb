/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the store. Everything is the owner thread's unless it says otherwise. */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include <pthread.h>

#include "store/store.h"
#include "store/tree_pass.h"

#define PATH_LEN 128

/* What an artifact occupies in memory. */
struct resident {
	struct artifact_bytes bytes;
	void *block;
	size_t len;
	struct store_memory memory;
	struct record *record;
	uint32_t place; /* in store.residents */
};

struct record {
	struct artifact artifact; /* first: what workers see, one cache line */
	uint64_t serial;	  /* never used twice, so caches can tell records apart */
	uint32_t pass;		  /* scrub pass that checked it last */
	bool checked;		  /* since the start */
	bool staged;		  /* not an artifact of the node; as long as the record lives */
	uint64_t checked_mono_ns, checked_wall_ns; /* the last under store.lock */
	struct record *earlier, *later;		   /* by the time of the last check */
	struct {
		_Atomic uint64_t due_ns; /* 0: it waits for no claim; written under store.lock */
		uint64_t placed_wall_ns; /* claimed or held last; under store.lock */
		uint64_t charge;
		uint32_t account;
		uint32_t hour; /* of the mark in artifacts/placed; 0: none; under store.lock */
		struct record *earlier, *later;
	} claim;
	struct resident *resident;
	_Atomic bool outboard_missing; /* read by readers */
	_Atomic bool removed;	       /* read by readers */
	_Atomic uint8_t fate;	       /* enum record_fate, once it was removed */
	struct record *next_dead;
};

/* A removed record is freed when no worker can find it any more and no fetch job holds it. */
enum record_fate { FATE_WAITING, FATE_GRACE_OVER, FATE_ABANDONED };

struct index_table;

struct store {
	struct store_config config;
	struct disk disk;
	struct log log;
	_Atomic bool stopping; /* store_stop */
	bool failed;	       /* a sync failed */
	uint64_t next_temp;    /* name of the next temporary file */
	uint64_t next_serial;
	bool folder_synced[256]; /* artifacts/<2 hex> exists durably */
	uint8_t *piece;		 /* PIECE_LEN, for reading and writing */
	uint8_t *compare;	 /* 32 * PIECE_CHUNKS */

	_Atomic(struct index_table *) table; /* read by workers */
	uint64_t hash_seed[2];
	uint64_t live; /* records in the table */

	struct record *oldest, *newest; /* by the time of the last check */
	struct record *dead;
	uint32_t pass;
	bool stale_mark; /* one of a staged file could not be removed */

	struct record *claim_oldest, *claim_newest, *claim_next; /* the next to be looked at */
	uint64_t claims_swept_ns;

	struct transfers *transfers;
	_Atomic uint64_t staging_quota;

	struct resident **residents;
	uint32_t resident_count, resident_room, resident_hand;

	/* Of what follows, and of changes of state. The owner and [any] callers take it, a reader
	 * when it finds rot, other workers never. */
	pthread_mutex_t lock;
	struct record **sorted; /* by key */
	uint64_t sorted_count, sorted_room;
	struct store_stats stats; /* but free_bytes */
	struct store_claims claims;

	pthread_mutex_t readers_lock; /* of the list; taken before a reader's own lock */
	struct store_reader *readers;
};

/* --- index.c: key to record, for workers without a lock --- */
int index_open(struct store *s);
void index_close(struct store *s);
/* Room for more records; NOMEM. */
int index_reserve(struct store *s, uint64_t more);
/* With room reserved. */
void index_insert(struct store *s, struct record *r);
void index_replace(struct store *s, struct record *old, struct record *r);
void index_remove(struct store *s, const struct record *r);
struct record *index_find(struct store *s, const uint8_t key[32]);
/* NULL also for a staged file. */
struct record *index_find_artifact(struct store *s, const uint8_t key[32]);
void index_find_many(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n);

/* --- record.c: records, in order of keys and of checks --- */
struct record *record_new(struct store *s, const uint8_t key[32], uint64_t size);
void record_free(struct record *r);
/* Room for so many more; NOMEM. */
int record_reserve(struct store *s, uint64_t more);
/* Makes it visible; with room reserved. */
void record_publish(struct store *s, struct record *r);
/* That it is staged is found out when it is visible already: at the start. */
void record_stage(struct store *s, struct record *r);
/* The same key with good bytes behind it instead of rotten ones; the old one is retired. */
void record_replace(struct store *s, struct record *old, struct record *r);
/* Takes it out of sight; it is freed in time. */
void record_retire(struct store *s, struct record *r);
/* Its files go, then it; it stays when they cannot go. */
int record_remove(struct store *s, struct record *r);
/* Frees what has waited long enough. */
void record_sweep(struct store *s);
/* All bytes were looked at just now; good says that they match. */
void record_checked(struct store *s, struct record *r, bool good);
/* Position of the first key that is above key (or equal, when asked); with the lock held. */
uint64_t record_above(const struct store *s, const uint8_t key[32], bool or_equal);
/* Out of service, into service again; logged once. The first also from readers. */
void record_rot(struct store *s, struct record *r, const char *why);
void record_good_again(struct store *s, struct record *r);

/* --- files.c: names and durable steps --- */
void path_folder(char out[PATH_LEN], const uint8_t key[32]);
void path_bytes(char out[PATH_LEN], const uint8_t key[32]);
void path_tree(char out[PATH_LEN], const uint8_t key[32]);
struct temp_files {
	char bytes[PATH_LEN], tree[PATH_LEN];
	int bytes_file, tree_file; /* -1: not there */
};
/* Creates the wanted ones. */
int temp_create(struct store *s, struct temp_files *t, bool bytes, bool tree);
/* Makes the contents durable and closes. */
int temp_sync(struct store *s, struct temp_files *t);
/* Renames to what the key says, the tree first. Without sync the folder's own name may be new, and
 * is durable after store_sync only. */
int temp_rename(struct store *s, struct temp_files *t, const uint8_t key[32], bool sync);
/* ... and makes the names durable. */
int temp_install(struct store *s, struct temp_files *t, const uint8_t key[32]);
/* Closes and removes what is left. */
void temp_drop(struct store *s, struct temp_files *t);
int files_remove(struct store *s, const uint8_t key[32]);
/* NOSPC when so many bytes more would touch the reserve. */
int disk_room(struct store *s, uint64_t need);
/* Makes the names in the folder of that key durable. */
int folder_sync(struct store *s, const uint8_t key[32]);
/* Everything that was written and named before. */
int store_sync(struct store *s);
/* Reports a failed sync to the operator and stops; the code again if that returns. */
int store_sync_failed(struct store *s, const char *path, int code);
/* Offset of a node in the outboard. */
uint64_t tree_offset(uint32_t chunks, struct tree_node node);
/* A sink that writes to the outboard file of ctx. */
struct tree_writer {
	struct store *store;
	int file;
	uint32_t chunks;
};
int tree_write(void *ctx, struct tree_node first, const uint8_t *values, uint32_t count);

/* --- load.c: the index from the names at start --- */
int load_all(struct store *s);

/* --- check.c --- */
/* Reads and compares everything, loads it when there is room: 0, CORRUPT, IO, CLOSED, NOMEM ... */
int check_record(struct store *s, struct record *r, const struct store_progress *progress);
/* Into memory, if there is room, what was just written. */
void load_record(struct store *s, struct record *r);
/* False when the work is to end. */
bool progress_step(struct store *s, const struct store_progress *progress, uint64_t done,
		   uint64_t total);

/* --- resident.c --- */
/* Memory for an artifact, or NULL when it should stay cold. */
struct resident *resident_new(struct store *s, struct record *r);
void resident_free(struct resident *res);
/* Puts bytes, or values of the outboard, in their place. */
void resident_fill(struct resident *res, uint64_t offset, const uint8_t *data, size_t len);
void resident_fill_values(struct resident *res, struct tree_node first, const uint8_t *values,
			  uint32_t count);
/* Workers see it from now on. */
void resident_publish(struct store *s, struct resident *res);
/* Out of sight; freed after a grace period. */
void resident_retire(struct store *s, struct record *r);

/* --- claim.c: pushed artifacts that nothing claims yet --- */
/* Says on the disk that the artifact of that key is one, before it gets its name; takes it back. */
void claim_mark(struct store *s, const uint8_t key[32]);
void claim_unmark(struct store *s, const uint8_t key[32]);
/* There is such an artifact, and an operator has stored it; r may be NULL. */
bool claim_kept(const struct record *r);
/* Its hour begins, and it counts against the account's quota. */
void claim_wait(struct store *s, struct record *r, uint32_t account, uint64_t charge);
/* It stays, or it is gone. */
void claim_end(struct store *s, struct record *r);
/* A mark that was found at the start. */
void claim_load(struct store *s, const uint8_t key[32]);
void claim_load_placed(struct store *s, const uint8_t key[32], uint32_t hour);

/* --- stage.c: what heals have staged --- */
/* An artifact's files are in place: what was staged under its key, old, makes way durably. */
int stage_end(struct store *s, const uint8_t key[32], const struct record *old);
/* A mark that was found at the start. */
int stage_load(struct store *s, const uint8_t key[32]);

/* --- reader.c --- */
/* No reader keeps the files of that record open. */
void readers_forget(struct store *s, const struct record *r);

#endif
