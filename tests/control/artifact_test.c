/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts through the socket: descriptors, jobs, progress, and what is refused. */
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
#include "base/text.h"
#include "control/socket.h"
#include "control/world.h"
#include "crypto/digest.h"

static struct world w;

static int setup(void **state)
{
	world_open(&w);
	return 0;
}

static int teardown(void **state)
{
	world_close(&w);
	return 0;
}

static int file_of(const char *name, size_t size, int flags)
{
	char path[256];
	uint8_t *bytes = malloc(size + 1);
	int fd;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 131 + size + i / 251);
	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	free(bytes);
	return open(path, flags);
}

static void key_of(int fd, char hex[65])
{
	struct stat st;
	uint8_t *bytes, key[32];

	fstat(fd, &st);
	bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	digest_one(key, NULL, bytes, (size_t)st.st_size);
	hex_encode(hex, key, 32);
	free(bytes);
}

/* Starts a job on the client and returns its id; 0 when it was refused (the answer is printed). */
static json_int_t start(int client, const char *method, const char *key, int fd)
{
	char line[512];
	json_t *answer;
	json_int_t job;

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s%s%s}}\n", method,
		 key != NULL ? "\"key\":\"" : "", key != NULL ? key : "", key != NULL ? "\"" : "");
	world_send(&w, client, line, fd);
	answer = world_receive(&w, client);
	assert_non_null(answer);
	job = json_integer_value(json_object_get(json_object_get(answer, "result"), "job"));
	json_decref(answer);
	return job;
}

/* Params of the job's end. */
static json_t *finish(int client, json_int_t job)
{
	while (true) {
		json_t *event = world_receive(&w, client), *params;
		const char *method;

		assert_non_null(event);
		method = json_string_value(json_object_get(event, "method"));
		params = json_object_get(event, "params");
		assert_int_equal(json_integer_value(json_object_get(params, "job")), job);
		if (strcmp(method, "job.done") == 0) {
			params = json_incref(params);
			json_decref(event);
			return params;
		}
		assert_string_equal(method, "job.progress");
		json_decref(event);
	}
}

static json_t *run(int client, const char *method, const char *key, int fd)
{
	json_int_t job = start(client, method, key, fd);

	assert_true(job > 0);
	return finish(client, job);
}

static const char *result_text(json_t *done, const char *name)
{
	assert_true(json_is_true(json_object_get(done, "ok")));
	return json_string_value(json_object_get(json_object_get(done, "result"), name));
}

static void test_round_trip(void **state)
{
	int in = file_of("in", 70000, O_RDONLY), out = file_of("out", 0, O_WRONLY), back;
	int client = world_connect(&w);
	char key[65], other[65];
	json_t *done, *answer, *list;

	key_of(in, key);
	lseek(in, 5, SEEK_SET); /* the daemon reads from the start all the same */
	done = run(client, "artifact.put", NULL, in);
	assert_string_equal(result_text(done, "key"), key);
	assert_true(json_is_false(json_object_get(json_object_get(done, "result"), "existed")));
	json_decref(done);
	done = run(client, "artifact.put", NULL, in);
	assert_true(json_is_true(json_object_get(json_object_get(done, "result"), "existed")));
	json_decref(done);
	done = run(client, "artifact.get", key, out);
	assert_string_equal(result_text(done, "key"), key);
	json_decref(done);
	back = file_of("none", 0, O_RDONLY);
	close(back);
	back = open(strcat(strcpy(other, w.dir), "/out"), O_RDONLY);
	key_of(back, other);
	assert_string_equal(other, key);
	json_decref(run(client, "artifact.verify", key, -1));
	done = run(client, "artifact.scrub", NULL, -1);
	assert_true(json_is_true(json_object_get(done, "ok")));
	json_decref(done);

	answer = world_call(&w, "artifact.list", NULL);
	list = json_object_get(json_object_get(answer, "result"), "artifacts");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "key")),
			    key);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "state")),
			    "stored");
	json_decref(answer);
	answer = world_call(&w, "artifact.stat", json_pack("{s:s}", "key", key));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "result"), "size")),
		70000);
	json_decref(answer);
	json_decref(run(client, "artifact.remove", key, -1));
	answer = world_call(&w, "artifact.stat", json_pack("{s:s}", "key", key));
	assert_int_equal(error_code(answer), RPC_E_BASE + ASSAY_E_NOTFOUND);
	json_decref(answer);
	close(in);
	close(out);
	close(back);
	close(client);
}

static void failed(json_t *done, int code, const char *words)
{
	json_t *error = json_object_get(done, "error");

	assert_true(json_is_false(json_object_get(done, "ok")));
	assert_int_equal(json_integer_value(json_object_get(error, "code")), RPC_E_BASE + code);
	assert_non_null(strstr(json_string_value(json_object_get(error, "message")), words));
	json_decref(done);
}

static void test_failures(void **state)
{
	int client = world_connect(&w), out = file_of("out", 0, O_WRONLY);
	int in = file_of("in", 5000, O_RDONLY);
	char key[65], path[256];

	memset(key, '0', 64);
	key[64] = 0;
	failed(run(client, "artifact.get", key, out), ASSAY_E_NOTFOUND, "no such artifact");
	failed(run(client, "artifact.verify", key, -1), ASSAY_E_NOTFOUND, "no such artifact");
	failed(run(client, "artifact.remove", key, -1), ASSAY_E_NOTFOUND, "no such artifact");

	/* Rot: said, marked, and not given out. */
	key_of(in, key);
	json_decref(run(client, "artifact.put", NULL, in));
	snprintf(path, sizeof(path), "%s/artifacts/%.2s/%s", w.dir, key, key);
	chmod(path, 0600);
	int stored = open(path, O_WRONLY);

	assert_true(stored >= 0);
	assert_int_equal(pwrite(stored, "x", 1, 100), 1);
	close(stored);
	failed(run(client, "artifact.verify", key, -1), ASSAY_E_CORRUPT, "rot");
	failed(run(client, "artifact.get", key, out), ASSAY_E_CORRUPT, "rot");
	json_t *answer = world_call(&w, "artifact.stat", json_pack("{s:s}", "key", key));

	assert_string_equal(
		json_string_value(json_object_get(json_object_get(answer, "result"), "state")),
		"rot");
	json_decref(answer);
	answer = world_call(&w, "node.status", NULL);
	json_t *warnings = json_object_get(json_object_get(answer, "result"), "warnings");

	assert_int_equal(json_array_size(warnings), 1);
	assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)), "rotten"));
	json_decref(answer);
	close(in);
	close(out);
	close(client);
}

/* Descriptors that could hold the store thread up, or are open for the wrong thing. */
static void test_descriptors(void **state)
{
	int client = world_connect(&w), ends[2];
	int readable = file_of("r", 100, O_RDONLY), writable = file_of("w", 100, O_WRONLY);
	int folder = open(w.dir, O_RDONLY);
	char key[65];

	memset(key, '0', 64);
	key[64] = 0;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(start(client, "artifact.put", NULL, ends[0]), 0);
	assert_int_equal(start(client, "artifact.put", NULL, folder), 0);
	assert_int_equal(start(client, "artifact.put", NULL, writable), 0);
	assert_int_equal(start(client, "artifact.get", key, readable), 0);
	assert_int_equal(start(client, "artifact.get", key, ends[1]), 0);
	close(ends[0]);
	close(ends[1]);
	close(readable);
	close(writable);
	close(folder);
	close(client);
}

static int sparse(const char *name, off_t size)
{
	int fd = file_of(name, 0, O_RDWR);

	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static size_t listed(const char *method, const char *name)
{
	json_t *answer = world_call(&w, method, NULL);
	size_t n = json_array_size(json_object_get(json_object_get(answer, "result"), name));

	json_decref(answer);
	return n;
}

/* Stores it, and cancels at the first sign of progress; false when the job was faster. */
static bool cancel_in_the_middle(int client, int big)
{
	json_int_t job = start(client, "artifact.put", NULL, big);
	json_t *event = world_receive(&w, client), *params;
	char key[65];

	if (strcmp(json_string_value(json_object_get(event, "method")), "job.progress") == 0) {
		json_decref(world_call(&w, "job.cancel", json_pack("{s:I}", "job", job)));
		params = finish(client, job);
	} else {
		params = json_incref(json_object_get(event, "params"));
	}
	json_decref(event);
	if (json_is_false(json_object_get(params, "ok"))) {
		failed(params, ASSAY_E_CLOSED, "cancelled");
		return true;
	}
	snprintf(key, sizeof(key), "%s", result_text(params, "key"));
	json_decref(params);
	json_decref(run(client, "artifact.remove", key, -1));
	return false;
}

static void test_progress_and_cancel(void **state)
{
	int client = world_connect(&w), big = sparse("big", 512 << 20);
	unsigned tries = 0;

	while (!cancel_in_the_middle(client, big))
		assert_true(++tries < 20);
	assert_int_equal(listed("artifact.list", "artifacts"), 0);
	close(client);
	close(big);
}

static void wait_for_jobs(void)
{
	unsigned waited_ms = 0;

	while (jobs_count(w.app.control->jobs, NULL) > 0)
		assert_true(world_wait(&w, &waited_ms));
}

/* A client that goes away cancels its jobs: the one that runs has done its work already, the other
 * waits behind it. */
static void test_gone_client(void **state)
{
	int client = world_connect(&w), one = file_of("one", 1, O_RDONLY),
	    two = file_of("two", 2, O_RDONLY);

	pthread_mutex_lock(&w.hold);
	assert_true(start(client, "artifact.put", NULL, one) > 0);
	assert_true(start(client, "artifact.put", NULL, two) > 0);
	assert_int_equal(listed("job.list", "jobs"), 2);
	close(client);
	world_pump(&w);
	pthread_mutex_unlock(&w.hold);
	wait_for_jobs();
	assert_in_range(listed("artifact.list", "artifacts"), 0, 1);
	close(one);
	close(two);
}

/* More jobs than one connection may have, then all of them end; stopping with jobs leaks nothing.
 */
static void test_many_jobs(void **state)
{
	int client = world_connect(&w), big = sparse("big", 1 << 20);
	unsigned started = 0;

	pthread_mutex_lock(&w.hold);
	while (start(client, "artifact.put", NULL, big) > 0)
		started++;
	assert_int_equal(started, 16);
	assert_int_equal(jobs_count(w.app.control->jobs, NULL), 16);
	pthread_mutex_unlock(&w.hold);
	close(client);
	close(big);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_round_trip),	     T(test_failures),	  T(test_descriptors),
		T(test_progress_and_cancel), T(test_gone_client), T(test_many_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
