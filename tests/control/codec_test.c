/* SPDX-License-Identifier: Apache-2.0 */
/* codec.encode, codec.decode and codec.heal through the socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/socket.h"
#include "control/world.h"

static struct world w;
static int client;

static int setup(void **state)
{
	world_open(&w);
	client = world_connect(&w);
	return 0;
}

static int teardown(void **state)
{
	close(client);
	world_pump(&w);
	world_close(&w);
	return 0;
}

static void shell(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", w.dir, command);
	assert_int_equal(system(line), 0);
}

static int at(const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static json_t *answer_to(const char *method, const char *params, int file, int folder)
{
	char line[512];
	json_t *answer;

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s}}\n", method,
		 params);
	world_send_two(&w, client, line, file, folder);
	answer = world_receive(&w, client);
	assert_non_null(answer);
	if (file >= 0)
		close(file);
	if (folder >= 0)
		close(folder);
	return answer;
}

static json_int_t start(const char *method, const char *params, int file, int folder)
{
	json_t *answer = answer_to(method, params, file, folder);
	json_int_t job =
		json_integer_value(json_object_get(json_object_get(answer, "result"), "job"));

	assert_true(job > 0);
	json_decref(answer);
	return job;
}

/* Params of the job's end; how much progress was told before. */
static json_t *finish(json_int_t job, unsigned *told)
{
	while (true) {
		json_t *event = world_receive(&w, client), *params;
		bool done;

		assert_non_null(event);
		params = json_object_get(event, "params");
		assert_int_equal(json_integer_value(json_object_get(params, "job")), job);
		done = strcmp(json_string_value(json_object_get(event, "method")), "job.done") == 0;
		if (!done) {
			assert_true(json_integer_value(json_object_get(params, "done")) <=
				    json_integer_value(json_object_get(params, "total")));
			(*told)++;
		}
		params = done ? json_incref(params) : NULL;
		json_decref(event);
		if (done)
			return params;
	}
}

static json_t *run(const char *method, int file, int folder)
{
	unsigned told = 0;

	return finish(start(method, "\"name\":\"x\"", file, folder), &told);
}

static void good(json_t *done, unsigned skipped)
{
	json_t *result = json_object_get(done, "result");

	if (!json_is_true(json_object_get(done, "ok")))
		fail_msg("%s", json_string_value(
				       json_object_get(json_object_get(done, "error"), "message")));
	assert_int_equal(json_integer_value(json_object_get(result, "skipped_count")), skipped);
	assert_int_equal(json_array_size(json_object_get(result, "skipped")), skipped);
	json_decref(done);
}

static void bad(json_t *done, const char *words)
{
	json_t *error = json_object_get(done, "error");

	assert_true(json_is_false(json_object_get(done, "ok")));
	assert_non_null(strstr(json_string_value(json_object_get(error, "message")), words));
	json_decref(done);
}

static void test_there_and_back(void **state)
{
	shell("head -c 700000 /dev/urandom > in && mkdir d");
	good(run("codec.encode", at("in", O_RDONLY), at("d", O_DIRECTORY)), 0);
	shell("cp -r d whole && ls d | head -20 | xargs -I{} rm d/{} && echo x > d/other");
	good(run("codec.decode", at("out", O_RDWR | O_CREAT), at("d", O_DIRECTORY)), 1);
	shell("cmp in out && rm d/other");
	good(run("codec.heal", at("again", O_RDWR | O_CREAT), at("d", O_DIRECTORY)), 0);
	shell("cmp in again && diff -r d whole");
	shell("ls d | head -60 | xargs -I{} rm d/{}");
	bad(run("codec.heal", at("never", O_RDWR | O_CREAT), at("d", O_DIRECTORY)), "needed");
	shell("rm d/layout.json");
	bad(run("codec.decode", at("none", O_RDWR | O_CREAT), at("d", O_DIRECTORY)), "layout.json");
}

static void refused(const char *method, int file, int folder, const char *words)
{
	json_t *answer = answer_to(method, "", file, folder);

	assert_non_null(strstr(error_member(answer, "message"), words));
	json_decref(answer);
}

static void test_descriptors(void **state)
{
	json_t *answer;

	shell("echo x > in && mkdir d && touch empty");
	refused("codec.encode", -1, -1, "descriptors of a file and a folder");
	refused("codec.encode", at("in", O_RDONLY), -1, "descriptors of a file and a folder");
	refused("codec.encode", at("in", O_RDONLY), at("in", O_RDONLY), "not a folder");
	refused("codec.encode", at("d", O_DIRECTORY), at("d", O_DIRECTORY), "not a regular file");
	refused("codec.encode", at("in", O_WRONLY), at("d", O_DIRECTORY), "not open for reading");
	refused("codec.decode", at("empty", O_WRONLY), at("d", O_DIRECTORY), "reading and writing");
	refused("codec.decode", at("in", O_RDWR), at("d", O_DIRECTORY), "empty file");
	answer = answer_to("codec.encode", "\"ratio\":0", at("in", O_RDONLY), at("d", O_DIRECTORY));
	assert_string_equal(error_member(answer, "key"), "ratio");
	json_decref(answer);
	answer =
		answer_to("codec.encode", "\"ratio\":65", at("in", O_RDONLY), at("d", O_DIRECTORY));
	assert_string_equal(error_member(answer, "key"), "ratio");
	json_decref(answer);
	/* those that nobody took are closed with the line; the next request has its own */
	good(run("codec.encode", at("in", O_RDONLY), at("d", O_DIRECTORY)), 0);
}

static void test_bad_input(void **state)
{
	shell("mkdir d && touch empty");
	bad(run("codec.encode", at("empty", O_RDONLY), at("d", O_DIRECTORY)), "empty");
	shell("truncate -s 2G huge");
	bad(run("codec.encode", at("huge", O_RDONLY), at("d", O_DIRECTORY)), "1280 MiB");
	shell("rm huge");
}

/* A job in its work, one that waits, and one whose connection goes. */
static void test_cancel(void **state)
{
	char line[128];
	json_int_t running, waiting;
	json_t *done[2], *message;
	unsigned ended = 0, waited_ms = 0;

	shell("truncate -s 300M in && mkdir d e f");
	running = start("codec.encode", "", at("in", O_RDONLY), at("d", O_DIRECTORY));
	waiting = start("codec.encode", "", at("in", O_RDONLY), at("e", O_DIRECTORY));
	for (json_int_t job = waiting; job >= running; job--) {
		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"job.cancel\","
			 "\"params\":{\"job\":%lld}}\n",
			 job);
		world_send(&w, client, line, -1);
	}
	while (ended < 2) {
		message = world_receive(&w, client);
		assert_non_null(message);
		if (json_is_string(json_object_get(message, "method")) &&
		    strcmp(json_string_value(json_object_get(message, "method")), "job.done") == 0)
			done[ended++] = json_incref(json_object_get(message, "params"));
		json_decref(message);
	}
	bad(done[0], "cancelled");
	bad(done[1], "cancelled");
	shell("! ls d/layout.json e/layout.json d/*.part 2>/dev/null");
	start("codec.encode", "", at("in", O_RDONLY), at("f", O_DIRECTORY));
	close(client);
	while (jobs_count(w.app.control->jobs, NULL) > 0)
		assert_true(world_wait(&w, &waited_ms));
	shell("! ls f/layout.json f/*.part 2>/dev/null");
	client = world_connect(&w);
}

/* The node ends with a job under way and one that waits: nothing is left behind. */
static void test_stop(void **state)
{
	shell("truncate -s 100M in && mkdir d e");
	start("codec.encode", "", at("in", O_RDONLY), at("d", O_DIRECTORY));
	start("codec.encode", "", at("in", O_RDONLY), at("e", O_DIRECTORY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
