/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of a process that stores and removes, at any moment, again and again on one real
 * directory: what it had acknowledged is there, nothing is half there, nothing is left over.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/sim_random.h"
#include "crypto/digest.h"
#include "store/world.h"

#define ROUNDS	  40
#define FILES	  12
#define NOTES_MAX 8
#define DELAY_US  5000

/* Said before a step begins, and after it was acknowledged. */
struct note {
	uint32_t file;
	bool present; /* what it is, or will be */
	bool done;
};

static uint64_t size_of(uint64_t n)
{
	return n % 4 == 3 ? (1 << 20) + n : 1 + n * 911;
}

static void say(int out, uint32_t file, bool present, bool done)
{
	struct note note;

	memset(&note, 0, sizeof(note));
	note.file = file;
	note.present = present;
	note.done = done;
	if (write(out, &note, sizeof(note)) != sizeof(note))
		_exit(1);
}

/* Never returns. */
static void child(struct world *w, uint64_t seed, int out)
{
	uint8_t key[32];

	if (world_open(w) != 0)
		_exit(1);
	for (;;) {
		uint32_t n = (uint32_t)(sim_next(&seed) % FILES);
		bool put = sim_chance(&seed, 70);
		int err;

		say(out, n, put, false);
		file_key(n, size_of(n), key);
		err = put ? put_file(w, n, size_of(n), key) : store_remove(w->store, key);
		if (err != 0 && err != ASSAY_E_EXISTS && err != ASSAY_E_NOTFOUND)
			_exit(2);
		say(out, n, put, true);
	}
}

enum fate { ABSENT, PRESENT, EITHER };

/* Up to most notes; how many steps they acknowledge. */
static unsigned follow(int in, unsigned most, enum fate fate[FILES])
{
	struct note note;
	unsigned steps = 0;

	for (unsigned i = 0; i < most && read(in, &note, sizeof(note)) == sizeof(note); i++) {
		fate[note.file] = !note.done ? EITHER : note.present ? PRESENT : ABSENT;
		steps += note.done;
	}
	return steps;
}

/* After some notes and then at any moment. */
static unsigned run_and_kill(struct world *w, uint64_t *seed, enum fate fate[FILES])
{
	int pipes[2], status;
	unsigned steps;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(w, sim_next(seed), pipes[1]);
	close(pipes[1]);
	steps = follow(pipes[0], sim_next(seed) % NOTES_MAX, fate);
	usleep((useconds_t)(sim_next(seed) % DELAY_US));
	assert_int_equal(kill(pid, SIGKILL), 0);
	steps += follow(pipes[0], ~0u, fate);
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it did not end by itself */
	return steps;
}

static void check(struct world *w, enum fate fate[FILES])
{
	unsigned files = 0;
	uint8_t key[32];

	assert_int_equal(world_open(w), 0);
	for (unsigned i = 0; i < FILES; i++) {
		file_key(i, size_of(i), key);
		int err = store_verify(w->store, key, NULL);

		assert_true(err == 0 || err == ASSAY_E_NOTFOUND);
		if (fate[i] != EITHER)
			assert_int_equal(err == 0, fate[i] == PRESENT);
		assert_int_equal(get_file(w, i, size_of(i)), err);
		files += err == 0 ? 1 + (size_of(i) > 1024) : 0;
		fate[i] = err == 0 ? PRESENT : ABSENT;
	}
	assert_int_equal(files_on_disk(w), files);
	world_close(w);
}

static void test_kill(void **state)
{
	static struct world w;
	enum fate fate[FILES] = {ABSENT};
	uint64_t seed = (uint64_t)getpid();
	unsigned steps = 0;

	print_message("seed %llu\n", (unsigned long long)seed);
	world_real(&w);
	for (unsigned round = 0; round < ROUNDS || steps <= ROUNDS; round++) {
		steps += run_and_kill(&w, &seed, fate);
		check(&w, fate);
	}
	print_message("%u steps acknowledged\n", steps);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
