/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's copy of the ledger in its database: every entry with the running hash, the state's
 * records, and the place up to which they go. Written within a transaction of the caller's.
 */
#ifndef NODE_COPY_H
#define NODE_COPY_H

#include <sqlite3.h>

#include "ledger/state.h"

#define COPY_HEIGHTS 4096 /* state hashes kept */

struct copy;

int copy_open(struct copy **out, sqlite3 *db);
void copy_close(struct copy *c);

/* 0, NOTFOUND, CORRUPT or IO. Bytes are valid until the next call. */
int copy_entry(struct copy *c, uint64_t seq, const uint8_t **bytes, size_t *len, uint8_t log[32]);
/* L after seq; of seq 0 and of a place where a snapshot was loaded it is in the origin. */
int copy_log(struct copy *c, uint64_t seq, uint8_t log[32]);
int copy_put_entry(struct copy *c, uint64_t seq, const uint8_t *bytes, size_t len,
		   const uint8_t log[32]);
/* All changes since the last call, and the place. */
int copy_put_state(struct copy *c, struct state *s);
/* The same of every record, into an empty copy. */
int copy_put_all(struct copy *c, struct state *s);
int copy_put_height(struct copy *c, struct state *s);
/* State hash after the tick to that height. */
int copy_height(struct copy *c, uint64_t height, uint8_t hash[32]);
/* Into a new state. NOTFOUND: there is none yet. */
int copy_load(struct copy *c, struct state *s);
/* Nothing of the ledger is left; the outbox is. */
int copy_clear(struct copy *c);

/* Small values by name; get: NOTFOUND or the length, at most room. put with NULL removes. */
int copy_get(struct copy *c, const char *name, void *out, size_t room);
int copy_put(struct copy *c, const char *name, const void *value, size_t len);

#endif
