/* SPDX-License-Identifier: Apache-2.0 */
/* What a bus must promise, asked of every version of it; then what each can do besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/sim.h"

#define MEMBERS 3
#define FLOOD	1000

struct kind {
	const char *name;
	bool real;
};

struct scene {
	struct bus bus[MEMBERS];
	struct sim_bus *sim;
	char dir[32];
};

static uint8_t room[BUS_FRAME_MAX];

static void member_open(struct scene *s, unsigned member)
{
	char name[8];

	snprintf(name, sizeof(name), "m%u", member);
	assert_int_equal(bus_real_open(&s->bus[member], s->dir, name), 0);
}

static void scene_open(struct scene *s, const struct kind *kind)
{
	memset(s, 0, sizeof(*s));
	if (kind->real) {
		strcpy(s->dir, "/tmp/assay-bus-XXXXXX");
		assert_non_null(mkdtemp(s->dir));
	} else {
		s->sim = sim_bus_new(3, MEMBERS);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		if (kind->real)
			member_open(s, i);
		else
			s->bus[i] = bus_sim(s->sim, i);
}

static void scene_close(struct scene *s)
{
	for (unsigned i = 0; i < MEMBERS && s->sim == NULL; i++)
		if (s->bus[i].ctx != NULL)
			bus_real_close(&s->bus[i]);
	if (s->sim == NULL)
		assert_int_equal(rmdir(s->dir), 0); /* nothing is left in it */
	sim_bus_free(s->sim);
}

static int send_bytes(struct scene *s, unsigned from, const void *frame, size_t len)
{
	return s->bus[from].send(s->bus[from].ctx, frame, len);
}

static int receive(struct scene *s, unsigned member, size_t len)
{
	return s->bus[member].receive(s->bus[member].ctx, room, len);
}

static void expect(struct scene *s, unsigned member, const char *frame)
{
	assert_int_equal(receive(s, member, sizeof(room)), strlen(frame));
	assert_memory_equal(room, frame, strlen(frame));
}

static void expect_silence(struct scene *s)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_int_equal(receive(s, i, sizeof(room)), ASSAY_E_AGAIN);
}

/* All others get each frame, whole, in order where nothing disturbs; nobody his own. */
static void check_broadcast(struct scene *s)
{
	expect_silence(s);
	assert_int_equal(send_bytes(s, 0, "one", 3), 0);
	assert_int_equal(send_bytes(s, 0, "second", 6), 0);
	assert_int_equal(send_bytes(s, 1, "x", 1), 0);
	expect(s, 0, "x");
	expect(s, 1, "one");
	expect(s, 1, "second");
	expect(s, 2, "one");
	expect(s, 2, "second");
	expect(s, 2, "x");
	expect_silence(s);
}

static void check_lengths(struct scene *s)
{
	static uint8_t frame[BUS_FRAME_MAX + 1];

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i % 251);
	assert_int_equal(send_bytes(s, 0, frame, 0), ASSAY_E_RANGE);
	assert_int_equal(send_bytes(s, 0, frame, BUS_FRAME_MAX + 1), ASSAY_E_RANGE);
	assert_int_equal(send_bytes(s, 0, frame, BUS_FRAME_MAX), 0);
	assert_int_equal(send_bytes(s, 0, "after", 5), 0);
	assert_int_equal(receive(s, 1, sizeof(room)), BUS_FRAME_MAX);
	assert_memory_equal(room, frame, BUS_FRAME_MAX);
	expect(s, 1, "after");
	/* Too long for the room: lost, and the next one comes. */
	assert_int_equal(receive(s, 2, BUS_FRAME_MAX - 1), 5);
	assert_memory_equal(room, "after", 5);
	expect_silence(s);
}

/* A member that does not read costs nobody anything: his queue is full at some time, the newest are
 * lost, the sender goes on, the others get everything. */
static void check_flood(struct scene *s)
{
	static uint8_t frame[BUS_FRAME_MAX];
	uint32_t number;

	for (uint32_t i = 0; i < FLOOD; i++) {
		memcpy(frame, &i, sizeof(i));
		assert_int_equal(send_bytes(s, 0, frame, i < 32 ? sizeof(frame) : sizeof(i)), 0);
		assert_true(receive(s, 1, sizeof(room)) >= (int)sizeof(i));
		memcpy(&number, room, sizeof(number));
		assert_int_equal(number, i);
	}
	for (number = 0; receive(s, 2, sizeof(room)) > 0; number++)
		assert_memory_equal(room, &number, sizeof(number));
	assert_in_range(number, BUS_QUEUE_MIN, FLOOD - 1);
	expect_silence(s);
}

static void test_contract(void **state)
{
	static const struct kind kinds[] = {{"simulated", false}, {"real", true}};
	struct scene s;

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		print_message("%s\n", kinds[i].name);
		scene_open(&s, &kinds[i]);
		check_broadcast(&s);
		check_lengths(&s);
		check_flood(&s);
		check_broadcast(&s);
		scene_close(&s);
	}
}

/* Lost and repeated as the seed says; nobody may rely on anything. */
static void test_sim_faults(void **state)
{
	struct sim_bus *bus = sim_bus_new(3, 2);
	struct bus one = bus_sim(bus, 0), two = bus_sim(bus, 1);
	unsigned got = 0;

	sim_bus_set_faults(bus, 30, 30);
	for (unsigned i = 0; i < 200; i++) {
		one.send(one.ctx, "abc", 3);
		while (two.receive(two.ctx, room, 8) == 3)
			got++;
	}
	assert_in_range(got, 150, 220);
	sim_bus_free(bus);
}

/* Members come and go, also by dying. */
static void test_real_members(void **state)
{
	struct scene s;
	struct bus other;
	char dir[120];
	int status;
	pid_t pid;

	scene_open(&s, &(struct kind){"real", true});
	assert_int_equal(bus_real_open(&other, s.dir, "m0"), ASSAY_E_BUSY);
	memset(dir, 'd', sizeof(dir) - 1);
	dir[sizeof(dir) - 1] = 0;
	assert_int_equal(bus_real_open(&other, dir, "m3"), ASSAY_E_RANGE);
	assert_int_equal(bus_real_open(&other, "/nonexistent", "m3"), ASSAY_E_IO);
	bus_real_close(&s.bus[2]);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) { /* another process: it sends, and dies without a word */
		bool good = bus_real_open(&other, s.dir, "m2") == 0 &&
			    other.send(other.ctx, "from afar", 9) == 0;

		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect(&s, 0, "from afar");
	expect(&s, 1, "from afar");
	assert_int_equal(send_bytes(&s, 0, "x", 1), 0); /* its socket is still there */
	expect(&s, 1, "x");
	member_open(&s, 2);
	check_broadcast(&s);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract),
		cmocka_unit_test(test_sim_faults),
		cmocka_unit_test(test_real_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
