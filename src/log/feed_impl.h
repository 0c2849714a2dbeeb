/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a feed. */
#ifndef LOG_FEED_IMPL_H
#define LOG_FEED_IMPL_H

#include <pthread.h>

#include "log/feed.h"

#define FEED_PAGE_FIRST 16 /* until the size of entries is known */

struct queued;

struct feed {
	struct log_engine engine; /* its calls are the thread's, or the stepper's */
	uint64_t next;		  /* stepper: to be read next */
	unsigned page;		  /* stepper: entries asked for at once */
	size_t page_bytes;	  /* stepper: of the page being read */
	bool halted, said_lost;	  /* stepper */
	int fd;

	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t changed;
	struct queued *first, **tail;
	unsigned entries; /* queued */
	size_t bytes;
	uint8_t *own; /* the append in flight */
	size_t own_len;
	uint64_t trim_upto, restart_next;
	bool connected, restart, hurry, stop;
	struct log_health health;

	pthread_t thread;
	bool threaded;
};

/* Under the lock. */
void feed_push(struct feed *f, const struct feed_event *event);
/* The stepper's: the engine is out of reach, or not what it was. */
void feed_lose(struct feed *f);
/* Ends the thread, if there is one. */
void feed_stop(struct feed *f);

#endif
