/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE and CALL of the client library over a simulated wire, against the real responder and store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/site.h"

static struct scene scene;
static struct site site;

static int setup(void **state)
{
	wired_open(&scene, 21, 5000);
	site_init(&site, 4, &scene.liar->world.time);
	site_behind(&site, &scene.liar->world);
	return 0;
}

static int teardown(void **state)
{
	wired_close(&scene);
	site_free(&site);
	return 0;
}

static int push(struct goods *g, struct assay_push_stats *stats)
{
	struct assay_push params = goods_push(g);

	return assay_client_push(scene.client, stats, &params);
}

static void expect(int error, int want)
{
	if (error != want)
		fail_msg("%d: %s", error, assay_client_why(scene.client));
}

static void test_push(void **state)
{
	static const uint64_t sizes[] = {1, 1023, 1024, 1025, 16384, 65532, 700001};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct goods g = {i, sizes[i]};
		struct assay_push_stats stats;

		expect(push(&g, &stats), 0);
		assert_true(site_has(&site, &g));
		assert_int_equal(g.told, g.size);
		assert_int_equal(stats.done, g.size);
		assert_int_equal(stats.chunks, tree_chunks(g.size));
		assert_int_equal(stats.repeats, 0);
		assert_int_equal(stats.opened, 1);
		assert_false(stats.was_there);
		/* Bytes are read once, 16 KiB at a time. */
		assert_int_equal(g.reads, (g.size + 16383) / 16384);
		expect(push(&g, &stats), 0);
		assert_true(stats.was_there);
		assert_int_equal(stats.chunks, 0);
	}
}

/* Whatever the wire does, the bytes arrive whole or the call says so. */
static void test_bad_wire(void **state)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct random random = random_sim(&seed);
		struct assay_push_stats stats;
		struct goods g = {seed, 1};

		teardown(state);
		wired_open(&scene, 100 + seed, 5000);
		site_init(&site, seed, &scene.liar->world.time);
		site_behind(&site, &scene.liar->world);
		g.size = 1 + (seed * 7919 * 61) % 400000;
		site.commits_late = seed % 4;
		sim_net_set_faults(scene.wire,
				   (struct sim_net_faults){.loss = (uint8_t)(seed % 21),
							   .duplicate = (uint8_t)(seed % 11),
							   .reorder = (uint8_t)(seed % 31),
							   .delay_ns_min = 50000,
							   .delay_ns_max = 2000000});
		(void)random;
		expect(push(&g, &stats), 0);
		assert_true(site_has(&site, &g));
	}
}

/* A node that was started again knows nothing of the transfer: it begins anew, by itself. */
static void test_node_forgets(void **state)
{
	struct assay_push_stats stats;
	struct goods g = {1, 300000};

	site.restart_at = 100;
	expect(push(&g, &stats), 0);
	assert_true(site_has(&site, &g));
	assert_int_equal(stats.opened, 2);
	assert_true(stats.chunks > 293);
}

/* The session is gone, too: a new one goes on with the same transfer. */
static void test_session_lost(void **state)
{
	struct world *w = &scene.liar->world;
	struct assay_push_stats stats;
	struct goods g = {1, 300000, .stop_at = 100000};
	struct session_info info[4];
	uint32_t cursor = 0;

	expect(push(&g, &stats), ASSAY_E_CLOSED);
	assert_int_equal(serve_sessions(world_serve(w, 0), &cursor, info, 4), 1);
	serve_close(world_serve(w, 0), info[0].index);
	g.stop_at = 0;
	expect(push(&g, &stats), 0);
	assert_true(site_has(&site, &g));
	/* What was there was not sent again. */
	assert_in_range(stats.chunks, 293 - 256, 293 - 90);
	assert_int_equal(assay_client_stats(scene.client)->handshakes, 2);
}

static void test_refusals(void **state)
{
	struct goods g = {1, 100000}, other = {2, 100000};
	struct assay_push params = goods_push(&g);

	params.key[0] ^= 1;
	expect(assay_client_push(scene.client, NULL, &params), ASSAY_E_CORRUPT);
	params = goods_push(&g);
	params.size = 0;
	expect(assay_client_push(scene.client, NULL, &params), ASSAY_E_RANGE);
	params.size = UINT64_MAX;
	expect(assay_client_push(scene.client, NULL, &params), ASSAY_E_RANGE);
	store_staging_quota(site.store, 50000);
	expect(push(&g, NULL), ASSAY_E_NOSPC);
	assert_non_null(strstr(assay_client_why(scene.client), "disk_full"));
	store_staging_quota(site.store, 1 << 20);
	sim_disk_fail(site.sim, 20, SIM_WRITE, ASSAY_E_NOSPC);
	expect(push(&g, NULL), ASSAY_E_NOSPC);
	expect(push(&g, NULL), 0);
	params = goods_push(&other);
	params.grant = 5;
	expect(assay_client_push(scene.client, NULL, &params), ASSAY_E_REFUSED);
	assert_non_null(strstr(assay_client_why(scene.client), "grant"));
	scene.liar->peer->permissions = 0;
	world_publish(&scene.liar->world);
	expect(push(&other, NULL), ASSAY_E_REFUSED);
	assert_non_null(strstr(assay_client_why(scene.client), "permission"));
	assert_false(site_has(&site, &other));
}

static int read_nothing(void *arg, uint64_t offset, void *out, size_t len)
{
	return ASSAY_E_IO;
}

static void test_unreadable(void **state)
{
	struct goods g = {1, 100000};
	struct assay_push params = goods_push(&g);

	params.read = read_nothing;
	expect(assay_client_push(scene.client, NULL, &params), ASSAY_E_IO);
	assert_non_null(strstr(assay_client_why(scene.client), "cannot be read"));
}

static void test_silent_node(void **state)
{
	struct goods g = {1, 100000};
	uint64_t before = scene.liar->world.time.mono_ns;

	scene.mode = WIRE_DEAD;
	expect(push(&g, NULL), ASSAY_E_TIMEOUT);
	assert_in_range(scene.liar->world.time.mono_ns - before, 29000 * MS, 62000 * MS);
}

/* --- nodes that say what is not so: the call ends, in time and memory that are bounded --- */

static void lie_nothing_there(struct site *s, struct write_job *job)
{
	if (job->status.state == WRITE_OPENED)
		job->status.first_missing = job->status.set = 0;
}
static void lie_all_there(struct site *s, struct write_job *job)
{
	if (job->status.state == WRITE_OPENED)
		job->status.first_missing = UINT32_MAX;
}
static void lie_window(struct site *s, struct write_job *job)
{
	if (job->status.state == WRITE_OPENED)
		job->status.window = UINT32_MAX;
}
static void lie_small_window(struct site *s, struct write_job *job)
{
	if (job->status.state == WRITE_OPENED)
		job->status.window = s->jobs % 3;
}
static void lie_state(struct site *s, struct write_job *job)
{
	job->status.state = (uint16_t)(s->jobs % 7);
}
static void lie_unknown(struct site *s, struct write_job *job)
{
	if (job->type != ASSAY_WRITE_OPEN)
		job->reason = ASSAY_R_ARTIFACT_UNKNOWN;
}
static void lie_checking(struct site *s, struct write_job *job)
{
	job->status.state = WRITE_CHECKING;
}
static void lie_noise(struct site *s, struct write_job *job)
{
	struct random random = random_sim(&s->random);

	random_fill(&random, &job->status, sizeof(job->status));
	job->status.state %= 5;
}

static void test_lies(void **state)
{
	static void (*const lies[])(struct site * s, struct write_job * job) = {
		lie_nothing_there, lie_all_there, lie_window,	lie_small_window,
		lie_state,	   lie_unknown,	  lie_checking, lie_noise};
	unsigned good = 0;

	for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct goods g = {i, 300000};
		struct assay_push_stats stats = {0};
		uint64_t before = scene.liar->world.time.mono_ns;
		struct assay_push params = goods_push(&g);

		site.lie = lies[i];
		if (lies[i] == lie_checking) {
			g.stop_at = 1;
			params.progress = NULL;
			scene.client->answer_ns = 100 * MS;
		}
		if (assay_client_push(scene.client, &stats, &params) == 0)
			good++;
		assert_true(stats.chunks < 10 * 293);
		assert_true(scene.liar->world.time.mono_ns - before < 300000 * MS);
	}
	assert_true(good >= 2); /* the harmless ones */
}

/* --- CALL --- */

static void test_call(void **state)
{
	struct assay_reply reply;
	uint8_t body[ASSAY_CALL_MAX];
	struct assay_question q = {.method = 9, .body = body};

	for (unsigned i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 11);
	for (q.len = 0; q.len <= ASSAY_CALL_MAX; q.len += 336) {
		expect(assay_client_call(scene.client, &reply, &q), 0);
		assert_int_equal(reply.status, CALL_DONE);
		assert_int_equal(reply.len, q.len);
		for (size_t i = 0; i < q.len; i++)
			assert_int_equal(reply.body[i], body[q.len - 1 - i]);
	}
	expect(assay_client_call(scene.client, &reply, &q), ASSAY_E_RANGE);
	q.len = 100;
	sim_net_set_faults(scene.wire, (struct sim_net_faults){30, 10, 10, 50000, 2000000});
	for (unsigned i = 0; i < 20; i++)
		expect(assay_client_call(scene.client, &reply, &q), 0);
	sim_net_set_faults(scene.wire, (struct sim_net_faults){0, 0, 0, 50000, 200000});
	scene.liar->world.call_room = 0; /* busy, to the end */
	expect(assay_client_call(scene.client, &reply, &q), ASSAY_E_REFUSED);
	assert_non_null(strstr(assay_client_why(scene.client), "busy"));
	scene.liar->peer->permissions = 0;
	world_publish(&scene.liar->world);
	expect(assay_client_call(scene.client, &reply, &q), ASSAY_E_REFUSED);
	scene.mode = WIRE_DEAD;
	expect(assay_client_call(scene.client, &reply, &q), ASSAY_E_TIMEOUT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_push),	      T(test_bad_wire), T(test_node_forgets),
		T(test_session_lost), T(test_refusals), T(test_unreadable),
		T(test_silent_node),  T(test_lies),	T(test_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
