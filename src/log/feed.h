/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between an engine, whose calls block, and the control core, which must not: one append in flight
 * and the entries in order, as events. A thread of the feed makes the engine's calls
 * (feed_start), or whoever simulates time does (feed_step). All other calls are the owner's.
 *
 * What the owner sees: CONNECTED; then every entry from there on, each once, until LOST; and so on.
 * After a reconnect the last FEED_COMPARE entries come again: the owner compares them with its
 * copy.
 */
#ifndef LOG_FEED_H
#define LOG_FEED_H

#include "log/log.h"

#define FEED_ENTRIES_MAX 1024
#define FEED_BYTES_MAX	 (4u << 20)
#define FEED_COMPARE	 256

enum feed_kind {
	FEED_CONNECTED, /* floor, seq = head */
	FEED_LOST,	/* out of reach */
	FEED_ENTRY,	/* seq, bytes, len */
	FEED_APPENDED,	/* result of the append, seq */
	FEED_TRIMMED,	/* what comes next is below floor; nothing more until feed_restart */
	FEED_HOLE,	/* seq is missing; nothing more until feed_restart */
};
struct feed_event {
	enum feed_kind kind;
	uint64_t seq, floor;
	enum log_result result;
	uint8_t *bytes; /* the receiver frees it */
	size_t len;
};

struct feed;

/* Takes the engine over. next: the first entry the owner does not have yet. */
struct feed *feed_new(const struct log_engine *engine, uint64_t next);
/* Ends the thread and closes the engine. */
void feed_free(struct feed *f);
void feed_start(struct feed *f);
/*
 * A turn of the engine's work. 0 when there is more to do at once, else the milliseconds to wait.
 * Not with feed_start.
 */
unsigned feed_step(struct feed *f);

/* Readable while feed_next has something. */
int feed_fd(const struct feed *f);
bool feed_next(struct feed *f, struct feed_event *out);
/* 0; AGAIN: not connected, BUSY: one is in flight. Its FEED_APPENDED always comes. */
int feed_append(struct feed *f, const uint8_t *entry, size_t len);
/* An own entry is open: look more often. */
void feed_hurry(struct feed *f, bool hurry);
/* In the background, as soon as it can be; the highest one asked for. */
void feed_trim(struct feed *f, uint64_t upto);
/* Forgets what is queued and connects anew, to go on with `next`. */
void feed_restart(struct feed *f, uint64_t next);
void feed_health(struct feed *f, struct log_health *out);

#endif
