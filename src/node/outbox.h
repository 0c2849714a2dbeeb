/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of this node on their way into the log (docs/ledger.md, "Outbox"): written down before
 * they are sent, sent one at a time and always as the same bytes, until the node's own copy says
 * what became of them. No clock of its own: the moment comes with each call.
 */
#ifndef NODE_OUTBOX_H
#define NODE_OUTBOX_H

#include <sqlite3.h>

#include "ledger/state.h"
#include "log/feed.h"
#include "node/effect.h"

#define OUTBOX_MAX	1024 /* beyond it, tickets and what operators want is refused */
#define OUTBOX_MAX_HARD 2048 /* and everything */

struct outbox;

/*
 * Tells what became of the entry that was put with that cookie; 0: of before the start. The
 * outcome's reason stays as long as the outbox.
 */
typedef void (*outbox_tell)(void *ctx, uint64_t cookie, const uint8_t id[32],
			    const struct entry_outcome *outcome);

/* Those of before the start are in it. */
int outbox_open(struct outbox **out, sqlite3 *db, outbox_tell tell, void *tell_ctx);
void outbox_close(struct outbox *o);

/*
 * The signed bytes of an entry. Durable when this returns, or when the transaction that the caller
 * has open is. EXISTS: it waits already, and its outcome comes with the new cookie. FULL; INVAL: no
 * entry; NOSPC, IO.
 */
int outbox_put(struct outbox *o, uint64_t cookie, enum entry_class class, const uint8_t *bytes,
	       size_t len, struct moment now);
size_t outbox_count(const struct outbox *o);
/*
 * How often an entry that lost the race for its place is sent, each time after a longer pause,
 * before the log counts as unavailable to it: its caller hears that there is no verdict, and it
 * waits as long as it does for a log that is out of reach. 0: OUTBOX_RACES; at most
 * OUTBOX_RACES_MAX.
 */
#define OUTBOX_RACES	 3
#define OUTBOX_RACES_MAX 10
void outbox_races(struct outbox *o, unsigned max);

/*
 * Sends what is next, if its time has come. May be called when the copy, state, is caught up. A
 * claim or a vote whose op's deadline epoch has begun leaves instead, as EXPIRED. 0, or a code when
 * that cannot be written.
 */
int outbox_send(struct outbox *o, struct feed *feed, struct state *state, struct moment now);
/* The feed's answer. state: for entries that were in the log before. */
int outbox_sent(struct outbox *o, const struct feed_event *event, struct state *state,
		struct moment now);
/* Tells callers that waited for long that there is no verdict yet; once. */
void outbox_remind(struct outbox *o, struct moment now);
/* Monotonic time at which one of the two has something to do; may_send: sending is one of them. */
uint64_t outbox_due(const struct outbox *o, bool may_send);

/* Within the transaction that applies it: an entry of the log, perhaps one of these. */
int outbox_applied(struct outbox *o, struct state *state, const uint8_t *bytes, size_t len,
		   const struct entry_result *result);
/* Likewise: entries of that long ago are never accepted any more. */
int outbox_expire(struct outbox *o, struct state *state);
/* After the commit: outcomes leave. */
void outbox_committed(struct outbox *o);

#endif
