/* SPDX-License-Identifier: Apache-2.0 */
#include "log/member.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "crypto/digest.h"

struct text { /* an entry */
	char bytes[64];
	size_t len;
};

static struct text text_of(unsigned member, unsigned n)
{
	struct text t;

	t.len = (size_t)snprintf(t.bytes, sizeof(t.bytes), "member %u entry %u", member, n);
	return t;
}

struct member *member_new(const struct log_engine *engine, unsigned number, unsigned first)
{
	struct member *m = calloc(1, sizeof(*m));

	must(m != NULL && number < MEMBERS_MAX);
	m->number = number;
	atomic_store(&m->acked, first);
	m->feed = feed_new(engine, 1);
	feed_start(m->feed);
	return m;
}

void member_free(struct member *m)
{
	feed_free(m->feed);
	free(m);
}

static void on_entry(struct member *m, const struct feed_event *event)
{
	unsigned number, n;
	uint8_t digest[32];
	char text[65];
	uint64_t seen = atomic_load(&m->seen);

	digest_one(digest, NULL, event->bytes, event->len);
	if (event->seq <= seen) { /* again, after a reconnect */
		must(memcmp(digest, m->copy[event->seq], 32) == 0);
		return;
	}
	must(event->seq == seen + 1 && event->seq <= COPY_MAX && event->len < sizeof(text));
	memcpy(text, event->bytes, event->len);
	text[event->len] = '\0';
	must(sscanf(text, "member %u entry %u", &number, &n) == 2);
	must(number < MEMBERS_MAX && n < ENTRIES_MAX);
	must(m->found[number][n] == 0); /* never twice */
	m->found[number][n] = event->seq;
	memcpy(m->copy[event->seq], digest, 32);
	atomic_store(&m->seen, event->seq);
}

static void on_appended(struct member *m, const struct feed_event *event)
{
	unsigned n = atomic_load(&m->acked);

	if (event->result == LOG_APPENDED || event->result == LOG_DUPLICATE) {
		m->place[n] = event->seq;
		atomic_store(&m->acked, n + 1);
		atomic_store(&m->in_flight, false);
		return;
	}
	atomic_store(&m->in_flight, false);
	must(event->result == LOG_UNAVAILABLE || event->result == LOG_UNKNOWN ||
	     event->result == LOG_SEQUENCE);
	m->retries++;
}

static void on_event(struct member *m, const struct feed_event *event)
{
	switch (event->kind) {
	case FEED_CONNECTED:
		must(event->seq >= atomic_load(&m->seen)); /* it lost nothing */
		m->reconnects++;
		break;
	case FEED_LOST:
		break;
	case FEED_ENTRY:
		on_entry(m, event);
		break;
	case FEED_APPENDED:
		on_appended(m, event);
		break;
	default:
		must(!"hole or trimmed");
	}
}

void member_turn(struct member *m, bool append)
{
	struct pollfd fd = {.fd = feed_fd(m->feed), .events = POLLIN};
	unsigned n = atomic_load(&m->acked);
	struct feed_event event;

	if (append && !atomic_load(&m->in_flight) && n < ENTRIES_MAX) {
		struct text t = text_of(m->number, n);

		if (feed_append(m->feed, (const uint8_t *)t.bytes, t.len) == 0)
			atomic_store(&m->in_flight, true);
	}
	poll(&fd, 1, 50);
	while (feed_next(m->feed, &event)) {
		on_event(m, &event);
		free(event.bytes);
	}
}

void member_chain(const struct member *m, uint64_t n, uint8_t out[32])
{
	must(n <= atomic_load(&m->seen));
	digest_one(out, NULL, m->copy[1], n * 32);
}

void member_check(const struct member *m)
{
	for (unsigned n = 0; n < atomic_load(&m->acked); n++)
		if (m->place[n] != 0)
			must(m->found[m->number][n] == m->place[n]);
		else
			must(m->found[m->number][n] != 0); /* acknowledged to one before us */
}
