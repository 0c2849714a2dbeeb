/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over a real socket: what is refused and how, limits, slow and silent clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/socket.h"
#include "control/world.h"

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

static void test_table(void **state)
{
	json_t *found = rpc_discover(), *methods = json_object_get(found, "methods"), *m;
	size_t i;

	assert_int_equal(json_array_size(methods), RPC_METHOD_COUNT);
	json_array_foreach(methods, i, m)
	{
		const char *name = json_string_value(json_object_get(m, "name"));

		assert_int_equal(rpc_find(name), i);
		assert_non_null(rpc_handlers[i]);
		assert_true(strlen(json_string_value(json_object_get(m, "help"))) > 10);
		assert_true(strlen(json_string_value(json_object_get(m, "result"))) > 1);
		assert_true(json_array_size(json_object_get(m, "states")) > 0);
		for (int j = 0; j < (int)i; j++)
			assert_true(rpc_methods[i].command == NULL ||
				    rpc_methods[j].command == NULL ||
				    strcmp(rpc_methods[i].command, rpc_methods[j].command) != 0);
	}
	json_decref(found);
}

static void test_discover_is_the_table(void **state)
{
	json_t *answer = world_call(&w, "rpc.discover", NULL), *table = rpc_discover();

	assert_true(json_equal(json_object_get(answer, "result"), table));
	json_decref(table);
	json_decref(answer);
}

#define CALL(rest) "{\"jsonrpc\":\"2.0\",\"id\":7," rest "}\n"

static const struct {
	const char *line;
	int code;
	const char *message, *key, *hint;
} refused[] = {
	{"{\n", RPC_E_PARSE, "string or '}' expected near end of file", "", ""},
	{"x\n", RPC_E_PARSE, "'[' or '{' expected near 'x'", "", ""},
	{"[]\n", RPC_E_REQUEST, "batches are not supported: send one object per line", "", ""},
	{"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", RPC_E_REQUEST, "the request is nested too deeply",
	 "", ""},
	{"{\"id\":1,\"method\":\"x\"}\n", RPC_E_REQUEST, "\"jsonrpc\" must be \"2.0\"", "", ""},
	{"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}\n", RPC_E_REQUEST,
	 "\"id\" must be a text, an integer or null", "", ""},
	{CALL("\"method\":3"), RPC_E_REQUEST, "\"method\" must be a text", "", ""},
	{CALL("\"method\":\"node.status\",\"params\":[1]"), RPC_E_REQUEST,
	 "\"params\" must be an object with named parameters", "", ""},
	{CALL("\"method\":\"node.status\",\"extra\":1"), RPC_E_REQUEST,
	 "a request has \"jsonrpc\", \"id\", \"method\" and \"params\" only", "", ""},
	{CALL("\"method\":\"node.stop\""), RPC_E_METHOD, "no method \"node.stop\"", "",
	 "rpc.discover lists the methods"},
	{CALL("\"method\":\"node.status\",\"params\":{\"verbose\":true}"), RPC_E_PARAMS,
	 "unknown parameter \"verbose\"", "verbose", "node.status takes no parameters"},
	{CALL("\"method\":\"artifact.list\",\"params\":{\"aftr\":\"x\"}"), RPC_E_PARAMS,
	 "unknown parameter \"aftr\"", "aftr", "artifact.list takes after, limit"},
	{CALL("\"method\":\"artifact.list\",\"params\":{\"limit\":1001}"), RPC_E_PARAMS,
	 "\"limit\" must be a whole number within its range", "limit",
	 "at most so many (default 1000)"},
	{CALL("\"method\":\"artifact.list\",\"params\":{\"limit\":-1}"), RPC_E_PARAMS,
	 "\"limit\" must be a whole number within its range", "limit",
	 "at most so many (default 1000)"},
	{CALL("\"method\":\"artifact.stat\",\"params\":{}"), RPC_E_PARAMS,
	 "parameter \"key\" is missing", "key", "artifact key: 64 hex digits or base58"},
	{CALL("\"method\":\"artifact.stat\",\"params\":{\"key\":\"xyz\"}"), RPC_E_PARAMS,
	 "\"key\" must be an artifact key", "key", "artifact key: 64 hex digits or base58"},
	{CALL("\"method\":\"artifact.put\",\"params\":{\"name\":7}"), RPC_E_PARAMS,
	 "\"name\" must be a text, not too long and without zero bytes", "name",
	 "name of the file, for messages only"},
	{CALL("\"method\":\"artifact.put\""), RPC_E_PARAMS, "artifact.put needs a file descriptor",
	 "", "send it with the line, as SCM_RIGHTS of one sendmsg call"},
	{CALL("\"method\":\"artifact.stat\",\"params\":{\"key\":"
	      "\"0000000000000000000000000000000000000000000000000000000000000000\"}"),
	 RPC_E_BASE + ASSAY_E_NOTFOUND, "no such artifact is stored here", "key",
	 "assayctl artifact list shows what is stored"},
	{CALL("\"method\":\"job.cancel\",\"params\":{\"job\":99}"), RPC_E_BASE + ASSAY_E_NOTFOUND,
	 "no such job", "job", "it may be done already; assayctl job list shows the others"},
	{CALL("\"method\":\"sessions.close\",\"params\":{\"index\":9}"),
	 RPC_E_BASE + ASSAY_E_NOTFOUND, "no session has that index", "index",
	 "assayctl sessions list shows them"},
	{CALL("\"method\":\"log.level\",\"params\":{\"level\":\"loud\"}"), RPC_E_PARAMS,
	 "no level \"loud\"", "level", "one of error, warning, info, debug"},
};

static void test_refused(void **state)
{
	int client = world_connect(&w);

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		world_send(&w, client, refused[i].line, -1);
		json_t *answer = world_receive(&w, client);

		assert_non_null(answer);
		assert_int_equal(error_code(answer), refused[i].code);
		assert_string_equal(error_member(answer, "message"), refused[i].message);
		assert_string_equal(error_member(answer, "key"), refused[i].key);
		assert_string_equal(error_member(answer, "hint"), refused[i].hint);
		json_decref(answer);
	}
	close(client);
}

/* What is not UTF-8 does not reach jansson's output, and long names are cut. */
static void test_odd_names(void **state)
{
	int client = world_connect(&w);
	char line[1024], name[400];
	json_t *answer;

	for (unsigned i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa9", 3);
	snprintf(line, sizeof(line), CALL("\"method\":\"n%s\""), name);
	world_send(&w, client, line, -1);
	answer = world_receive(&w, client);
	assert_int_equal(error_code(answer), RPC_E_METHOD);
	json_decref(answer);
	close(client);
}

static void test_states(void **state)
{
	static const char line[] =
		CALL("\"method\":\"config.reload\"") CALL("\"method\":\"node.status\"");
	int client = world_connect(&w);
	json_t *answer;

	w.app.control->state = RPC_IN_START;
	world_send(&w, client, line, -1);
	answer = world_receive(&w, client);
	assert_int_equal(error_code(answer), RPC_E_STATE);
	assert_string_equal(error_member(answer, "message"),
			    "config.reload is not possible while the daemon is starting");
	json_decref(answer);
	answer = world_receive(&w, client);
	assert_int_equal(error_code(answer), 0);
	json_decref(answer);
	close(client);
}

static void test_notification(void **state)
{
	int client = world_connect(&w);
	json_t *answer;

	world_send(
		&w, client,
		"{\"jsonrpc\":\"2.0\",\"method\":\"log.level\",\"params\":{\"level\":\"error\"}}\n"
		"\r\n" CALL("\"method\":\"node.topology\""),
		-1);
	answer = world_receive(&w, client);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 7);
	assert_int_equal(w.app.log.level, LOG_ERROR_LEVEL);
	json_decref(answer);
	close(client);
}

/* Changes are logged with who made them, questions are not. */
static void test_log(void **state)
{
	unsigned before;
	char wanted[64];

	json_decref(world_call(&w, "node.status", NULL));
	before = w.log_count;
	json_decref(world_call(&w, "node.status", NULL));
	assert_int_equal(w.log_count, before);
	json_decref(world_call(&w, "sessions.close", json_pack("{s:i}", "index", 101)));
	assert_int_equal(w.closed, 101);
	snprintf(wanted, sizeof(wanted), "uid=%d pid=%d params={\"index\":101}", (int)getuid(),
		 (int)getpid());
	assert_int_equal(w.log_count, before + 1);
	assert_non_null(strstr(w.log_last, wanted));
}

static void test_half_line(void **state)
{
	int client = world_connect(&w);
	const char *line = CALL("\"method\":\"node.status\"");
	char piece[2] = "";
	json_t *answer;

	for (const char *p = line; *p != 0; p++) {
		piece[0] = *p;
		world_send(&w, client, piece, -1);
		world_pump(&w);
	}
	answer = world_receive(&w, client);
	assert_int_equal(error_code(answer), 0);
	json_decref(answer);
	close(client);
}

static void test_long_line(void **state)
{
	size_t limit = w.app.config.control_line_kib * 1024;
	char *line = calloc(1, limit + 3);
	int client = world_connect(&w);
	json_t *answer;

	/* As long as it may be, then one byte more. */
	memset(line, ' ', limit);
	memcpy(line, CALL("\"method\":\"node.topology\""),
	       sizeof(CALL("\"method\":\"node.topology\"")) - 2);
	line[limit] = '\n';
	world_send(&w, client, line, -1);
	answer = world_receive(&w, client);
	assert_int_equal(error_code(answer), 0);
	json_decref(answer);
	memset(line, 'x', limit + 1);
	line[limit + 1] = '\n';
	world_send(&w, client, line, -1);
	answer = world_receive(&w, client);
	assert_int_equal(error_code(answer), RPC_E_REQUEST);
	assert_string_equal(error_member(answer, "message"), "the request line is too long");
	json_decref(answer);
	assert_null(world_receive(&w, client)); /* closed */
	assert_int_equal(server_clients(w.app.control->server), 0);
	close(client);
	free(line);
}

static void test_idle(void **state)
{
	int idle = world_connect(&w), half = world_connect(&w), busy = world_connect(&w);
	uint64_t limit = w.app.config.control_idle_s * 1000000000u;

	world_send(&w, half, "{\"jsonrpc\":", -1);
	world_pump(&w);
	world_advance(&w, limit - 1);
	world_send(&w, busy, CALL("\"method\":\"node.topology\""), -1);
	json_decref(world_receive(&w, busy));
	server_sweep(w.app.control->server);
	assert_int_equal(server_clients(w.app.control->server), 3);
	world_advance(&w, 2);
	server_sweep(w.app.control->server);
	assert_int_equal(server_clients(w.app.control->server), 1);
	close(idle);
	close(half);
	close(busy);
	world_pump(&w);
	assert_int_equal(server_clients(w.app.control->server), 0);
}

static void test_many_clients(void **state)
{
	unsigned limit = (unsigned)w.app.config.control_clients;
	int clients[64 + 1];
	json_t *answer;

	assert_int_equal(limit, 64);
	for (unsigned i = 0; i < limit; i++) {
		clients[i] = world_connect(&w);
		world_send(&w, clients[i], CALL("\"method\":\"node.topology\""), -1);
	}
	clients[limit] = world_connect(&w);
	answer = world_receive(&w, clients[limit]);
	assert_int_equal(error_code(answer), RPC_E_BASE + ASSAY_E_FULL);
	assert_string_equal(error_member(answer, "hint"), "control.clients is the limit");
	json_decref(answer);
	assert_null(world_receive(&w, clients[limit]));
	for (unsigned i = 0; i < limit; i++) {
		answer = world_receive(&w, clients[i]);
		assert_int_equal(error_code(answer), 0);
		json_decref(answer);
	}
	for (unsigned i = 0; i <= limit; i++)
		close(clients[i]);
	world_pump(&w);
	assert_int_equal(server_clients(w.app.control->server), 0);
}

/* Asks a thousand times before it reads: memory stays bounded, no answer is lost. */
static void test_slow_reader(void **state)
{
	static const char line[] = CALL("\"method\":\"rpc.discover\"");
	int client = world_connect(&w);
	unsigned asked = 0, answered = 0;
	ssize_t n;

	for (unsigned stuck = 0; asked < 1000 && stuck < 50;) {
		n = send(client, line, sizeof(line) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			world_pump(&w);
			stuck++;
			continue;
		}
		assert_int_equal(n, sizeof(line) - 1);
		asked++;
	}
	/* The daemon has stopped reading, so the socket filled up long before the last one. */
	assert_in_range(asked, 10, 999);
	assert_int_equal(server_clients(w.app.control->server), 1);
	for (json_t *answer; answered < asked && (answer = world_receive(&w, client)) != NULL;
	     answered++)
		json_decref(answer);
	assert_int_equal(answered, asked);
	close(client);
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Descriptors nobody asked for are closed, with a whole line, a half one, or without any. */
static void test_stray_descriptors(void **state)
{
	unsigned before = open_descriptors();
	int client = world_connect(&w);

	for (unsigned i = 0; i < 3; i++)
		world_send(&w, client, CALL("\"method\":\"node.topology\""), STDIN_FILENO);
	for (unsigned i = 0; i < 3; i++)
		json_decref(world_receive(&w, client));
	assert_int_equal(open_descriptors(), before + 2); /* the two ends */
	for (unsigned i = 0; i < 8; i++)
		world_send(&w, client, "{", STDIN_FILENO);
	world_pump(&w);
	assert_in_range(open_descriptors(), before + 2, before + 2 + 4);
	close(client);
	world_pump(&w);
	assert_int_equal(open_descriptors(), before);
}

static void test_listen(void **state)
{
	struct server *server = w.app.control->server;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	json_t *answer;
	int client;

	umask(0077);
	assert_int_equal(server_listen(server), 0);
	umask(0022);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/control.sock", w.dir);
	assert_int_equal(stat(addr.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	world_send(&w, client, CALL("\"method\":\"node.topology\""), -1);
	answer = world_receive(&w, client);
	assert_int_equal(error_code(answer), 0);
	json_decref(answer);
	/* A second daemon leaves it alone; a dead one's socket is replaced. */
	struct server *second = server_new(w.app.control);

	assert_int_equal(server_listen(second), ASSAY_E_BUSY);
	assert_non_null(strstr(w.app.error, "another daemon answers there"));
	server_free(second);
	assert_int_equal(stat(addr.sun_path, &st), 0);
	server_stop_listening(server);
	assert_int_not_equal(stat(addr.sun_path, &st), 0);
	close(client);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(client);
	assert_int_equal(server_listen(server), 0);
}

/* No descriptor left: the client waits, the loop does not spin, and later it is let in. */
static void test_no_descriptors(void **state)
{
	struct server *server = w.app.control->server;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct rlimit before, few = {0, 0};
	unsigned count;
	int client;

	assert_int_equal(server_listen(server), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/control.sock", w.dir);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	count = w.log_count;
	world_pump(&w);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(w.log_count, count + 1);
	assert_non_null(strstr(w.log_last, "clients have to wait"));
	world_pump(&w);
	assert_int_equal(server_clients(server), 0);
	server_sweep(server);
	world_pump(&w);
	assert_int_equal(server_clients(server), 1);
	close(client);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		T(test_discover_is_the_table),
		T(test_refused),
		T(test_odd_names),
		T(test_states),
		T(test_notification),
		T(test_log),
		T(test_half_line),
		T(test_long_line),
		T(test_idle),
		T(test_many_clients),
		T(test_slow_reader),
		T(test_stray_descriptors),
		T(test_listen),
		T(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
