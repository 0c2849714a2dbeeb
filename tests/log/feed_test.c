/* SPDX-License-Identifier: Apache-2.0 */
/* The feed over the simulated engine, step by step. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/sim_random.h"
#include "crypto/digest.h"
#include "log/feed.h"

#define STEPS 2000

struct world {
	struct engine_sim *sim;
	struct log_engine writer;
	struct feed *feed;
	uint64_t seen; /* entries, in order */
	bool lost, trimmed, hole;
	unsigned connects, again;
	enum log_result result; /* of the last append */
	uint64_t place, head, floor;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct log_engine e;
	uint64_t floor, head;

	w->sim = engine_sim_new(1);
	engine_sim_open(&w->writer, w->sim);
	w->writer.head(w->writer.ctx, &floor, &head);
	engine_sim_open(&e, w->sim);
	w->feed = feed_new(&e, 1);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	feed_free(w->feed);
	w->writer.close(w->writer.ctx);
	engine_sim_free(w->sim);
	free(w);
	return 0;
}

static size_t text_of(char out[64], uint64_t n)
{
	return (size_t)snprintf(out, 64, "entry %llu", (unsigned long long)n);
}

static void write_some(struct world *w, uint64_t from, uint64_t upto)
{
	char text[64];
	uint64_t seq;

	for (uint64_t n = from; n <= upto; n++) {
		size_t len = text_of(text, n);

		assert_int_equal(w->writer.append(w->writer.ctx, &seq, (uint8_t *)text, len),
				 LOG_APPENDED);
		assert_int_equal(seq, n);
	}
}

static void take(struct world *w, const struct feed_event *event)
{
	char text[64];

	switch (event->kind) {
	case FEED_CONNECTED:
		w->connects++;
		w->lost = false;
		w->head = event->seq;
		w->floor = event->floor;
		break;
	case FEED_LOST:
		w->lost = true;
		break;
	case FEED_ENTRY:
		assert_int_equal(event->len, text_of(text, event->seq));
		assert_memory_equal(event->bytes, text, event->len);
		if (event->seq <= w->seen) {
			w->again++;
			break;
		}
		assert_int_equal(event->seq, ++w->seen);
		break;
	case FEED_APPENDED:
		w->result = event->result;
		w->place = event->seq;
		break;
	case FEED_TRIMMED:
		w->trimmed = true;
		w->floor = event->floor;
		break;
	case FEED_HOLE:
		w->hole = true;
		w->place = event->seq;
		break;
	}
}

static void drain(struct world *w)
{
	struct feed_event event;

	while (feed_next(w->feed, &event)) {
		take(w, &event);
		free(event.bytes);
	}
}

/* Until there is nothing to do at once. */
static void run(struct world *w)
{
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned ms = feed_step(w->feed);

		drain(w);
		if (ms > 0)
			return;
	}
	fail_msg("it never rests");
}

static bool readable(struct world *w)
{
	struct pollfd fd = {.fd = feed_fd(w->feed), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void test_follow(void **state)
{
	struct world *w = *state;

	assert_int_equal(feed_append(w->feed, (const uint8_t *)"x", 1), ASSAY_E_AGAIN);
	write_some(w, 1, 700);
	assert_false(readable(w));
	feed_step(w->feed);
	assert_true(readable(w));
	run(w);
	assert_false(readable(w));
	assert_int_equal(w->seen, 700);
	assert_int_equal(w->connects, 1);
	assert_int_equal(w->head, 700);
	write_some(w, 701, 710);
	run(w);
	assert_int_equal(w->seen, 710);
	assert_int_equal(w->again, 0);
}

static void test_append(void **state)
{
	struct world *w = *state;
	char text[64];
	size_t len = text_of(text, 1);

	run(w);
	assert_int_equal(feed_append(w->feed, (uint8_t *)text, len), 0);
	assert_int_equal(feed_append(w->feed, (uint8_t *)text, len), ASSAY_E_BUSY);
	run(w);
	assert_int_equal(w->result, LOG_APPENDED);
	assert_int_equal(w->place, 1);
	assert_int_equal(w->seen, 1); /* it came back as an entry, too */
	assert_int_equal(feed_append(w->feed, (uint8_t *)text, len), 0);
	run(w);
	assert_int_equal(w->result, LOG_DUPLICATE);
	assert_int_equal(w->place, 1);
}

/* Never more in the queue than there is room for, and all of it in the end. */
static void test_room(void **state)
{
	struct world *w = *state;
	struct feed_event event;
	unsigned queued = 0;

	write_some(w, 1, 3000);
	for (unsigned i = 0; i < STEPS; i++)
		feed_step(w->feed);
	while (feed_next(w->feed, &event)) {
		queued += event.kind == FEED_ENTRY;
		take(w, &event);
		free(event.bytes);
	}
	assert_true(queued > 0 && queued <= FEED_ENTRIES_MAX);
	run(w);
	assert_int_equal(w->seen, 3000);
}

static void test_lost(void **state)
{
	struct world *w = *state;

	write_some(w, 1, 400);
	run(w);
	engine_sim_down(w->sim, true);
	run(w);
	assert_true(w->lost);
	assert_int_equal(feed_append(w->feed, (const uint8_t *)"x", 1), ASSAY_E_AGAIN);
	engine_sim_down(w->sim, false);
	write_some(w, 401, 410);
	run(w);
	assert_false(w->lost);
	assert_int_equal(w->seen, 410);
	assert_int_equal(w->connects, 2);
	assert_int_equal(w->again, FEED_COMPARE); /* what the owner compares */
}

/* An append that waited while the log went away is not sent into whatever comes back. */
static void test_append_lost(void **state)
{
	struct world *w = *state;

	write_some(w, 1, 3);
	run(w);
	assert_int_equal(feed_append(w->feed, (const uint8_t *)"entry 4", 7), 0);
	engine_sim_down(w->sim, true);
	run(w);
	assert_int_equal(w->result, LOG_UNAVAILABLE);
	engine_sim_down(w->sim, false);
	run(w);
	assert_int_equal(w->head, 3);
}

static void test_trimmed(void **state)
{
	struct world *w = *state;

	write_some(w, 1, 100);
	assert_int_equal(w->writer.trim(w->writer.ctx, 60), 0);
	run(w);
	assert_true(w->trimmed);
	assert_int_equal(w->floor, 61);
	assert_int_equal(w->seen, 0);
	/* The owner got the state of entry 80 elsewhere. */
	w->seen = 80;
	feed_restart(w->feed, 81);
	run(w);
	assert_int_equal(w->seen, 100);
	assert_int_equal(w->again, 20);
}

static void test_own_trim(void **state)
{
	struct world *w = *state;
	uint64_t floor, head;

	write_some(w, 1, 100);
	run(w);
	feed_trim(w->feed, 40);
	feed_trim(w->feed, 30);
	run(w);
	assert_int_equal(w->writer.head(w->writer.ctx, &floor, &head), 0);
	assert_int_equal(floor, 41);
}

static void test_hole(void **state)
{
	struct world *w = *state;

	write_some(w, 1, 10);
	engine_sim_punch(w->sim, 6);
	run(w);
	assert_true(w->hole);
	assert_int_equal(w->place, 6);
	assert_int_equal(w->seen, 5);
}

/* A restart while an append is on its way: its outcome still comes, old entries do not. */
static void test_restart(void **state)
{
	struct world *w = *state;

	write_some(w, 1, 50);
	run(w);
	write_some(w, 51, 60);
	assert_int_equal(feed_append(w->feed, (const uint8_t *)"entry 61", 8), 0);
	feed_step(w->feed);
	feed_restart(w->feed, 51);
	assert_true(readable(w));
	drain(w);
	assert_int_equal(w->result, LOG_APPENDED);
	assert_int_equal(w->seen, 50);
	assert_false(readable(w));
	run(w);
	assert_int_equal(w->seen, 61);
}

/* Faults of all kinds: everything is seen, in order, and every own entry is there once. */
static void test_faults(void **state)
{
	struct world *w = *state;
	uint64_t seed = 7, seq;
	char text[64];
	size_t len;

	engine_sim_set_faults(
		w->sim, (struct engine_sim_faults){.unavailable = 10, .lost_ack = 20, .lag = 30});
	for (uint64_t n = 1; n <= 300; n++) {
		enum log_result result = LOG_UNAVAILABLE;

		len = text_of(text, n);
		for (unsigned i = 0; i < 100; i++) {
			if (sim_chance(&seed, 50)) {
				result =
					w->writer.append(w->writer.ctx, &seq, (uint8_t *)text, len);
			} else {
				w->result = 0;
				feed_append(w->feed, (uint8_t *)text, len);
				run(w);
				result = w->result;
			}
			if (result == LOG_APPENDED || result == LOG_DUPLICATE)
				break;
		}
		assert_true(result == LOG_APPENDED || result == LOG_DUPLICATE);
	}
	engine_sim_set_faults(w->sim, (struct engine_sim_faults){0});
	for (unsigned i = 0; i < 4; i++)
		run(w);
	assert_int_equal(w->seen, 300);
	assert_true(w->connects > 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_follow),	CASE(test_append),  CASE(test_room),	 CASE(test_lost),
		CASE(test_append_lost), CASE(test_trimmed), CASE(test_own_trim), CASE(test_hole),
		CASE(test_restart),	CASE(test_faults),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
