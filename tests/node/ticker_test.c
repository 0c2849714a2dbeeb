/* SPDX-License-Identifier: Apache-2.0 */
/* Ticks: turns, times, the chain of values and its file; start and stop. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/text.h"
#include "node/desk.h"
#include "node/presence.h"
#include "node/ticker.h"

#define LINKS	 600 /* of a chain: more than two marks */
#define INTERVAL 6000
#define MS	 NS_PER_MS

static struct desk desk;
static struct ticker ticker;
static struct reveal *reveal;
static struct sim_disk *files;
static struct disk disk;
static struct random rng;
static uint64_t seed;
static char why[256];

static void open_chain(uint32_t links)
{
	assert_int_equal(reveal_open(&reveal, why, sizeof(why), &disk, &rng, links), 0);
}

static void begin(uint32_t links)
{
	uint8_t tip[32];

	desk_init(&desk);
	seed = 5;
	rng = random_sim(&seed);
	files = sim_disk_new(7);
	disk = disk_sim(files);
	open_chain(links);
	desk.tick = (struct tick_facts){
		.height = 10,
		.time_ms = desk.now.wall_ms,
		.interval_ms = INTERVAL,
		.seq = 77,
		.member_count = 4,
		.self = 3,
	};
	reveal_tip(reveal, tip);
	hex_encode(desk.tick.tip, tip, 32);
	ticker_init(&ticker, &desk.ctx, reveal);
}

static void end(void)
{
	reveal_close(reveal);
	sim_disk_free(files);
	desk_free(&desk);
}

static void pass(uint64_t ms)
{
	desk.now.mono_ns += ms * MS;
	desk.now.wall_ms += ms;
	ticker_turn(&ticker, desk.now, &desk.out);
}

static json_t *entry(void)
{
	struct effect e = desk_take(&desk, EFFECT_ENTRY);
	json_t *json = json_loads(e.entry.data, 0, NULL);

	assert_int_equal(e.entry.class, ENTRY_TICK);
	assert_string_equal(e.entry.type, "tick");
	free(e.entry.data);
	assert_non_null(json);
	return json;
}

static uint64_t number(const json_t *json, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(json, name));
}

/* The ledger takes it: as it would do. */
static void accept(const json_t *json)
{
	const char *tip = json_string_value(json_object_get(json, "new_tip"));

	if (tip == NULL)
		tip = json_string_value(json_object_get(json, "reveal"));
	strcpy(desk.tick.tip, tip);
	desk.tick.height = number(json, "height");
	desk.tick.time_ms = number(json, "time");
}

/* Its hash is the tip that was there. */
static void check_reveal(const json_t *json)
{
	uint8_t value[32], link[32];
	char text[65];

	assert_int_equal(hex_decode(value, 32, json_string_value(json_object_get(json, "reveal"))),
			 0);
	beacon_link(link, value);
	hex_encode(text, link, 32);
	assert_string_equal(text, desk.tick.tip);
}

static void test_places(void **state)
{
	struct tick_facts f = {.height = 10, .member_count = 4};
	static const int places[] = {1, 2, 3, 0}; /* 11 mod 4 is member 3 */

	for (int i = 0; i < 4; i++) {
		f.self = i;
		assert_int_equal(ticker_place(&f), places[i]);
	}
	f.excluded[3] = true; /* who ticked last */
	f.self = 3;
	assert_int_equal(ticker_place(&f), -1);
	f.self = 0;
	assert_int_equal(ticker_place(&f), 0);
	f.self = -1;
	assert_int_equal(ticker_place(&f), -1);
	f = (struct tick_facts){.height = 10, .member_count = 0, .self = 0};
	assert_int_equal(ticker_place(&f), -1);
}

/* First in line: one interval after it saw the last tick. */
static void test_own_turn(void **state)
{
	json_t *json;

	begin(LINKS);
	pass(0);
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(ticker_due(&ticker), desk.now.mono_ns + INTERVAL * MS);
	pass(INTERVAL - 1);
	assert_int_equal(desk.out.n, 0);
	pass(1);
	json = entry();
	assert_int_equal(number(json, "height"), 11);
	assert_int_equal(number(json, "time"), desk.now.wall_ms);
	assert_int_equal(number(json, "at_seq"), 77);
	assert_null(json_object_get(json, "new_tip"));
	check_reveal(json);
	pass(INTERVAL); /* it is under way: no second one */
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(ticker_due(&ticker), UINT64_MAX);
	accept(json);
	json_decref(json);
	end();
}

/* One silent member costs one interval. */
static void test_second_in_line(void **state)
{
	begin(LINKS);
	desk.tick.self = 0;
	pass(0);
	pass(INTERVAL);
	assert_int_equal(desk.out.n, 0);
	pass(INTERVAL);
	json_decref(entry());
	end();
}

/* Refused, the same value may go into another tick. */
static void test_refused_tick(void **state)
{
	const struct entry_outcome refused = {ENTRY_VERDICT_CAME, 21, "TIME"};
	json_t *first, *second;

	begin(LINKS);
	pass(0);
	pass(INTERVAL);
	first = entry();
	ticker_verdict(&ticker, ticker.cookie, &refused);
	pass(1);
	second = entry();
	assert_true(
		json_equal(json_object_get(first, "reveal"), json_object_get(second, "reveal")));
	json_decref(first);
	json_decref(second);
	end();
}

/* After an outage a tick makes up three intervals of time, not more; a slow clock waits. */
static void test_times(void **state)
{
	json_t *json;

	begin(LINKS);
	desk.now.wall_ms += 100 * INTERVAL;
	pass(0);
	pass(INTERVAL);
	json = entry();
	assert_int_equal(number(json, "time"), desk.tick.time_ms + 3 * INTERVAL);
	json_decref(json);
	end();

	begin(LINKS);
	desk.now.wall_ms -= INTERVAL;
	pass(0);
	pass(INTERVAL); /* wall clock: as the last tick's time */
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(ticker_due(&ticker), desk.now.mono_ns + INTERVAL / 2 * MS);
	pass(INTERVAL / 2 - 1);
	assert_int_equal(desk.out.n, 0);
	pass(1);
	json_decref(entry());
	end();
}

/* All values of a chain, one tick each, then the next chain; restarts do not matter. */
static void test_whole_chain_and_the_next(void **state)
{
	unsigned renewals = 0;

	begin(40);
	for (unsigned i = 0; i < 100; i++) {
		json_t *json;

		pass(0);
		pass(4 * INTERVAL);
		json = entry();
		check_reveal(json);
		renewals += json_object_get(json, "new_tip") != NULL;
		if (i % 7 == 3) { /* before the ledger has it */
			reveal_close(reveal);
			open_chain(40);
			ticker_init(&ticker, &desk.ctx, reveal);
		}
		accept(json);
		json_decref(json);
	}
	assert_int_equal(renewals, 2);
	end();
}

/* The new chain is on the disk before its tip goes out. */
static void test_new_chain_survives_power_loss(void **state)
{
	json_t *json;

	begin(1);
	pass(0);
	pass(4 * INTERVAL);
	json = entry();
	assert_non_null(json_object_get(json, "new_tip"));
	reveal_close(reveal);
	sim_disk_crash(files);
	open_chain(1);
	ticker_init(&ticker, &desk.ctx, reveal);
	accept(json);
	json_decref(json);
	pass(0);
	pass(4 * INTERVAL);
	json = entry();
	check_reveal(json);
	json_decref(json);
	end();
}

/* A full disk: no tip goes out that nobody could follow. */
static void test_no_new_chain_without_a_disk(void **state)
{
	begin(1);
	sim_disk_fail(files, 1, SIM_SYNC, ASSAY_E_IO);
	pass(0);
	pass(4 * INTERVAL);
	assert_int_equal(desk.out.n, 0);
	pass(4 * INTERVAL); /* it works again */
	json_decref(entry());
	end();
}

static void test_lost_chain_says_so_once(void **state)
{
	unsigned lines;

	begin(LINKS);
	memset(desk.tick.tip, 'a', 64);
	pass(0);
	pass(4 * INTERVAL);
	lines = (unsigned)desk.log.count;
	assert_true(desk_logged(&desk, "the authority has to set the chain's tip"));
	pass(4 * INTERVAL);
	pass(4 * INTERVAL);
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(desk.log.count, lines);
	end();
}

static void test_damaged_file_is_not_replaced(void **state)
{
	begin(LINKS);
	reveal_close(reveal);
	assert_int_equal(sim_disk_flip(files, REVEAL_FILE, 3), 0);
	assert_int_equal(reveal_open(&reveal, why, sizeof(why), &disk, &rng, LINKS),
			 ASSAY_E_CORRUPT);
	assert_non_null(strstr(why, REVEAL_FILE));
	assert_null(reveal);
	end();
}

static void test_clocks_apart(void **state)
{
	begin(LINKS);
	desk.tick.self = -1; /* not a matter of the committee alone */
	pass(0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(desk_logged(&desk, "wall clock and ledger time"), i >= 3);
		desk.tick.height++;
		desk.tick.time_ms = desk.now.wall_ms - 31000;
		pass(0);
	}
	end();
}

/* --- presence */

static struct presence_part presence;

static void turn_presence(void)
{
	presence_turn(&presence, desk.now, &desk.out);
}

static void presence_says(const char *type)
{
	struct effect e = desk_take(&desk, EFFECT_ENTRY);

	assert_string_equal(e.entry.type, type);
	assert_string_equal(e.entry.data, "{\"boot\":\"000102030405060708090a0b0c0d0e0f\"}");
	free(e.entry.data);
}

static void verdict(unsigned code)
{
	const struct entry_outcome outcome = {ENTRY_VERDICT_CAME, code, ""};

	presence_verdict(&presence, presence.cookie, &outcome);
}

static void test_start_and_stop(void **state)
{
	begin(LINKS);
	presence_init(&presence, &desk.ctx, "000102030405060708090a0b0c0d0e0f");
	turn_presence(); /* not in the registry yet */
	assert_int_equal(desk.out.n, 0);
	desk_node(&desk, DESK_SELF);
	desk.tick.time_ms -= 4 * INTERVAL; /* the network is elsewhere, or stands still */
	turn_presence();
	assert_int_equal(desk.out.n, 0);
	desk.tick.time_ms += 4 * INTERVAL;
	turn_presence();
	presence_says("start");
	turn_presence();
	assert_int_equal(desk.out.n, 0);
	verdict(23); /* two starts at one height */
	turn_presence();
	assert_int_equal(desk.out.n, 0);
	desk.tick.height++;
	turn_presence();
	presence_says("start");
	verdict(0);
	assert_int_equal(presence.state, PRESENCE_STARTED);
	presence_stop(&presence, &desk.out);
	presence_says("stop");
	assert_int_equal(presence.state, PRESENCE_STOPPING);
	verdict(0);
	assert_int_equal(presence.state, PRESENCE_GONE);
	end();
}

/* Who never said that it is there does not say that it goes. */
static void test_stop_without_start(void **state)
{
	begin(LINKS);
	presence_init(&presence, &desk.ctx, "000102030405060708090a0b0c0d0e0f");
	presence_stop(&presence, &desk.out);
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(presence.state, PRESENCE_GONE);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_own_turn),
		cmocka_unit_test(test_second_in_line),
		cmocka_unit_test(test_refused_tick),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_whole_chain_and_the_next),
		cmocka_unit_test(test_new_chain_survives_power_loss),
		cmocka_unit_test(test_no_new_chain_without_a_disk),
		cmocka_unit_test(test_lost_chain_says_so_once),
		cmocka_unit_test(test_damaged_file_is_not_replaced),
		cmocka_unit_test(test_clocks_apart),
		cmocka_unit_test(test_start_and_stop),
		cmocka_unit_test(test_stop_without_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
