/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, metrics, sessions, snapshots for the workers, reload, and the way down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/real.h"
#include "control/metrics.h"
#include "control/snapshot.h"
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

static json_t *result_of(json_t *answer)
{
	json_t *result = json_incref(json_object_get(answer, "result"));

	assert_int_equal(error_code(answer), 0);
	assert_non_null(result);
	json_decref(answer);
	return result;
}

static json_int_t number(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void some_traffic(void)
{
	struct serve_counters *c = &w.workers[1].counters;

	c->received = 100;
	c->answered = 60;
	c->handed_over = 10;
	c->drops[ASSAY_R_TAG] = 20;
	c->drops[ASSAY_R_HELLO_RATE] = 5;
	c->refused[ASSAY_R_BUSY] = 3;
	c->proofs = 33;
	c->stage_items[STAGE_SEAL] = 7;
	c->stage_cycles[STAGE_SEAL] = 700;
	w.workers[0].counters.received = 1000;
	w.workers[0].counters.answered = 1000;
	w.workers[0].verify = (struct verify_counters){.jobs = 90, .bad = 2, .sizes = {[6] = 1}};
	w.workers[1].verify = (struct verify_counters){.jobs = 3, .slices = 4, .sizes = {3}};
	w.ports[0].rx_packets = 42;
	w.ports[0].frame_drops[ASSAY_R_VLAN] = 4;
}

static void test_stats(void **state)
{
	json_t *stats, *total, *drops, *worker, *verify;

	some_traffic();
	stats = result_of(world_call(&w, "node.stats", NULL));
	total = json_object_get(stats, "total");
	assert_int_equal(number(total, "received"), 1100);
	assert_int_equal(number(total, "received"),
			 number(total, "answered") + number(total, "handed_over") +
				 number(total, "dropped") + number(total, "in_progress"));
	assert_int_equal(number(total, "in_progress"), 5);
	worker = json_array_get(json_object_get(stats, "workers"), 1);
	drops = json_object_get(worker, "drops");
	assert_int_equal(json_object_size(drops), 2);
	assert_int_equal(number(drops, "tag"), 20);
	assert_int_equal(number(drops, "hello_rate"), 5);
	assert_int_equal(number(json_object_get(worker, "refused"), "busy"), 3);
	assert_int_equal(
		number(json_object_get(json_object_get(worker, "stages"), "seal"), "cycles"), 700);
	assert_int_equal(number(json_object_get(json_array_get(json_object_get(stats, "ports"), 0),
						"frame_drops"),
				"vlan"),
			 4);
	verify = json_object_get(worker, "verify");
	assert_int_equal(number(verify, "slices"), 4);
	verify = json_object_get(total, "verify");
	assert_int_equal(number(verify, "jobs"), 93);
	assert_int_equal(number(verify, "bad"), 2);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(verify, "sizes"), 6)),
			 1);
	json_decref(stats);
}

static void test_status(void **state)
{
	json_t *status = result_of(world_call(&w, "node.status", NULL)), *warnings;

	assert_string_equal(json_string_value(json_object_get(status, "account")), "self");
	assert_string_equal(json_string_value(json_object_get(status, "state")), "running");
	assert_int_equal(json_array_size(json_object_get(status, "warnings")), 0);
	json_decref(status);
	/* Silence, a link that is down, and a registry without this node are named. */
	world_advance(&w, 6000000000);
	w.workers[0].heartbeat_ns = w.mono_ns;
	w.ports[0].link_up = false;
	w.app.registry->count = 0;
	status = result_of(world_call(&w, "node.status", NULL));
	warnings = json_object_get(status, "warnings");
	assert_int_equal(json_array_size(warnings), 3);
	assert_string_equal(json_string_value(json_array_get(warnings, 0)),
			    "worker 1 gives no sign of life");
	assert_string_equal(json_string_value(json_array_get(warnings, 1)),
			    "port p0: link is down");
	json_decref(status);
}

static void test_sessions(void **state)
{
	json_t *result = result_of(world_call(&w, "sessions.list", NULL)), *list;

	list = json_object_get(result, "sessions");
	assert_int_equal(json_array_size(list), WORLD_SESSIONS);
	assert_int_equal(number(json_array_get(list, 2), "index"), 102);
	assert_int_equal(json_array_size(json_object_get(result, "silent_workers")), 0);
	json_decref(result);
	w.silent = true;
	result = result_of(world_call(&w, "sessions.list", NULL));
	assert_int_equal(json_array_size(json_object_get(result, "sessions")), WORLD_SESSIONS);
	assert_int_equal(
		json_integer_value(json_array_get(json_object_get(result, "silent_workers"), 0)),
		1);
	json_decref(result);
	json_decref(result_of(world_call(&w, "sessions.close", json_pack("{s:i}", "index", 102))));
	assert_int_equal(w.closed, 102);
}

static void test_plane_tables(void **state)
{
	json_t *result = result_of(world_call(&w, "node.topology", NULL));

	assert_int_equal(json_array_size(json_object_get(result, "rows")), 2);
	json_decref(result);
	result = result_of(world_call(&w, "node.doctor", NULL));
	assert_string_equal(json_string_value(json_object_get(result, "verdict")), "warning");
	json_decref(result);
}

/* Every line of the text is a comment of a known family or a sample of one with a number. */
static void test_metrics_text(void **state)
{
	char *text, *line, *rest, family[128] = "", name[128];
	unsigned samples = 0;
	double value;

	some_traffic();
	text = metrics_text(w.app.control);
	assert_non_null(text);
	assert_non_null(strstr(text, "\nassay_dropped_datagrams_total{worker=\"1\","
				     "reason=\"tag\"} 20\n"));
	assert_non_null(
		strstr(text, "\nassay_stage_cycles_total{worker=\"1\",stage=\"seal\"} 700\n"));
	assert_non_null(strstr(text, "\nassay_port_dropped_frames_total{port=\"p0\","
				     "reason=\"vlan\"} 4\n"));
	assert_non_null(strstr(text, "\nassay_verify_batches_total{worker=\"0\",size=\"64\"} 1\n"));
	assert_non_null(strstr(text, "\nassay_registry_entries{kind=\"node\"} 1\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL && strcmp(line, "# EOF") != 0) {
		if (sscanf(line, "# TYPE %127s", name) == 1) {
			strcpy(family, name);
			continue;
		}
		if (strncmp(line, "# HELP ", 7) == 0)
			continue;
		assert_int_equal(strncmp(line, family, strlen(family)), 0);
		assert_int_equal(sscanf(strrchr(line, ' '), "%lf", &value), 1);
		samples++;
	}
	assert_in_range(samples, 200, 2000);
	free(text);
}

static void add(const char *account, bool node)
{
	struct registry_entry e;
	char why[REGISTRY_WHY_MAX];

	world_entry(&w, &e, account, node);
	assert_int_equal(registry_add(w.app.registry, &e, why), 0);
}

static const struct view_peer *peer(const char *account)
{
	for (uint32_t i = 0; i < w.view->peer_count; i++)
		if (strcmp(w.view->peers[i].account, account) == 0)
			return &w.view->peers[i];
	return NULL;
}

/* A key keeps its slot, a slot that came free waits, and the node itself is no peer. */
static void test_publish(void **state)
{
	char why[REGISTRY_WHY_MAX];
	uint32_t slot_b, slot_a;

	assert_int_equal(w.view->peer_count, 0);
	add("a", true);
	add("b", false);
	assert_int_equal(publish_view(w.app.control), 0);
	assert_int_equal(w.view->generation, 2);
	assert_int_equal(w.view->peer_count, 2);
	assert_null(peer("self"));
	assert_true(w.view->any_epoch);
	assert_int_equal(w.view->length_max, 256);
	assert_int_equal(peer("a")->rate_kib, w.app.config.rate_kib);
	assert_int_equal(peer("a")->permissions, ASSAY_MAY_PROVE | ASSAY_MAY_READ);
	assert_memory_equal(peer("a")->noise.remote_static,
			    registry_find(w.app.registry, "a")->session_key, 33);
	assert_ptr_equal(view_find(w.view, peer("b")->noise.hint), peer("b"));
	slot_a = peer("a")->slot;
	slot_b = peer("b")->slot;
	assert_int_not_equal(slot_a, slot_b);
	registry_remove(w.app.registry, "a", why);
	add("c", true);
	w.app.registry->entries[w.app.registry->count - 1].rate_kib = 99;
	assert_int_equal(publish_view(w.app.control), 0);
	assert_null(peer("a"));
	assert_int_equal(peer("b")->slot, slot_b);
	assert_int_not_equal(peer("c")->slot, slot_a);
	assert_int_equal(peer("c")->rate_kib, 99);
	/* The same account with another key is another peer. */
	registry_remove(w.app.registry, "b", why);
	add("b", false);
	assert_int_equal(publish_view(w.app.control), 0);
	assert_int_not_equal(peer("b")->slot, slot_b);
	w.app.control->state = RPC_IN_DRAIN;
	assert_int_equal(publish_view(w.app.control), 0);
	assert_true(w.view->draining);
}

static void save_registry(const struct registry *r)
{
	char why[REGISTRY_WHY_MAX];

	assert_int_equal(registry_save(r, &w.app.disk, why), 0);
}

static void test_reload(void **state)
{
	unsigned published = w.published;
	struct registry_entry e;
	char why[REGISTRY_WHY_MAX];
	struct registry r;
	json_t *answer, *result;

	/* One wrong key: nothing happens, not even to the others. */
	world_config(&w, "log {\n\tlevel = error\n}\nprove {\n\tranges_max = 17\n}\n");
	answer = world_call(&w, "config.reload", NULL);
	assert_int_equal(error_code(answer), RPC_E_BASE + ASSAY_E_INVAL);
	assert_non_null(strstr(error_member(answer, "message"),
			       "assay.conf:12: 'ranges_max' must be 1..16, got 17"));
	json_decref(answer);
	assert_int_equal(w.app.log.level, LOG_INFO_LEVEL);
	assert_int_equal(w.published, published);

	/* A registry that is not right, with a configuration that is. */
	world_config(&w, "log {\n\tlevel = error\n}\nprove {\n\tranges_max = 16\n}\n"
			 "store {\n\tresident_mib = 7\n}\n");
	world_write(&w, "registry.json", "{\"v\":1}");
	answer = world_call(&w, "config.reload", NULL);
	assert_non_null(strstr(error_member(answer, "message"), "registry.json"));
	json_decref(answer);
	assert_int_equal(w.app.log.level, LOG_INFO_LEVEL);
	assert_int_equal(w.published, published);
	assert_int_equal(w.app.registry->count, 1);

	/* Both right. */
	registry_init(&r, "net");
	assert_int_equal(registry_add(&r, registry_find(w.app.registry, "self"), why), 0);
	world_entry(&w, &e, "new", true);
	assert_int_equal(registry_add(&r, &e, why), 0);
	save_registry(&r);
	result = result_of(world_call(&w, "config.reload", NULL));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(result, "applied"), 0)),
		"log.level");
	assert_int_equal(json_array_size(json_object_get(result, "applied")), 2);
	assert_int_equal(json_array_size(json_object_get(result, "restart")), 1);
	assert_int_equal(number(json_object_get(result, "registry"), "added"), 1);
	json_decref(result);
	assert_int_equal(w.app.log.level, LOG_ERROR_LEVEL);
	assert_int_equal(w.view->ranges_max, 16);
	assert_int_equal(w.view->peer_count, 1);

	/* The registry of another network, and one that has other keys for this node. */
	strcpy(r.network, "other");
	save_registry(&r);
	answer = world_call(&w, "registry.reload", NULL);
	assert_non_null(strstr(error_member(answer, "message"), "is of network other"));
	json_decref(answer);
	strcpy(r.network, "net");
	assert_int_equal(registry_remove(&r, "self", why), 0);
	world_entry(&w, &e, "self", true);
	assert_int_equal(registry_add(&r, &e, why), 0);
	save_registry(&r);
	answer = world_call(&w, "registry.reload", NULL);
	assert_non_null(strstr(error_member(answer, "message"), "has other keys for self"));
	json_decref(answer);
	assert_int_equal(w.view->peer_count, 1);
	registry_free(&r);
}

static void test_config_show(void **state)
{
	json_t *result = result_of(world_call(&w, "config.show", NULL));
	json_t *control = json_object_get(result, "control");

	assert_string_equal(json_string_value(json_object_get(result, "network")), "net");
	assert_int_equal(number(control, "mode"), 0660);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(result, "ports"), 0), "name")),
			    "p0");
	json_decref(result);
}

/* A second daemon on the same folder is told who has it. */
static void test_lock(void **state)
{
	static struct app other;
	char pid[32];

	app_init(&other, w.config_path);
	assert_int_equal(app_config_start(&other), 0);
	assert_int_equal(app_lock_start(&other), ASSAY_E_BUSY);
	snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
	assert_non_null(strstr(other.error, pid));
	assert_int_equal(other.exit_code, 75);
	app_lock_stop(&other);
}

static unsigned turns;

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	turns++;
	if (turns < 3)
		assert_int_equal(w.app.control->state, RPC_IN_START);
	if (turns == 3)
		w.workers[1].heartbeat_ns = clock_mono(&w.app.clock);
	if (turns == 6) {
		assert_int_equal(w.app.control->state, RPC_IN_RUN);
		raise(SIGTERM);
	}
	if (turns == 25)
		w.idle = true;
}

/* Ready only when every worker beats; SIGTERM drains, waits for work in progress, and returns 0. */
static void test_run(void **state)
{
	const struct timeval often = {0, 20000};
	struct event *turn;
	uint64_t start;

	control_free(w.app.control);
	w.app.clock = clock_real();
	w.app.config.metrics_listen[0] = 0;
	assert_int_equal(app_loop_start(&w.app), 0);
	assert_int_equal(app_rpc_start(&w.app), 0);
	assert_int_equal(app_metrics_start(&w.app), 0);
	w.workers[0].heartbeat_ns = clock_mono(&w.app.clock);
	w.workers[1].heartbeat_ns = 0;
	w.idle = false;
	turns = 0;
	turn = event_new(w.app.control->base, -1, EV_PERSIST, on_turn, NULL);
	event_add(turn, &often);
	start = clock_mono(&w.app.clock);
	assert_int_equal(app_run(&w.app), 0);
	assert_in_range(turns, 25, 200);
	assert_true(clock_mono(&w.app.clock) - start < 5000000000u);
	assert_true(w.view->draining);
	event_free(turn);
	app_metrics_stop(&w.app);
	app_rpc_stop(&w.app);
}

/* A node whose workers tell good signatures from bad ones wrongly does not start. */
static void test_wrong_verdicts(void **state)
{
	control_free(w.app.control);
	w.app.clock = clock_real();
	w.verifies_wrong = true;
	assert_int_equal(app_loop_start(&w.app), 0);
	for (unsigned i = 0; i < 2; i++)
		w.workers[i].heartbeat_ns = clock_mono(&w.app.clock);
	assert_int_equal(app_run(&w.app), ASSAY_E_CRYPTO);
	assert_non_null(strstr(w.app.error, "wrong answer"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_stats),	      T(test_status),  T(test_sessions),       T(test_plane_tables),
		T(test_metrics_text), T(test_publish), T(test_reload),	       T(test_config_show),
		T(test_lock),	      T(test_run),     T(test_wrong_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
