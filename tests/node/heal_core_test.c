/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Healing in the core: what a start does with what an earlier one left, an op from the log to the
 * log, and the crash between an entry applied and its commit.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/replica_world.h"

#include "assay/status.h"
#include "ledger/heal.h"
#include "node/core.h"

#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SELF "n00000"

/* A ticket, and an op of which this node is the healer. */
static const char state_of_genesis[] =
	"{\"tickets\":{\"old\":{\"creator\":\"n00003\",\"data_hash\":\"" HASH "\",\"ic\":1,"
	"\"max\":50,\"ratio\":5,\"rq_ids_ids\":[\"a\",\"b\",\"c\"],\"size\":300000,\"state\":1}},"
	"\"heal_ops\":{\"00000000000000000007\":{\"created_height\":0,\"deadline_epoch_id\":3,"
	"\"heal_op_id\":7,\"healer_supernode_account\":\"" SELF "\",\"status\":1,"
	"\"ticket_id\":\"old\",\"verifier_supernode_accounts\":[\"n00001\",\"n00002\"]}}}";

struct place {
	struct ledger_net net;
	struct engine_sim *sim;
	struct feed *feed;
	char dir[64];
	sqlite3 *db;
	struct core *core;
	struct core_config config;
	struct sim_log log;
	struct sim_clock time;
	struct moment now;
	uint64_t random;
	/* The port. */
	uint64_t folder[4];
	unsigned folders, sweeps, begun, cancelled;
	int sweep_error;
	struct heal_order order;
	uint64_t cookie;
	bool ended;
	enum heal_end end;
	/* Of entries that the test put. */
	unsigned outcomes;
	struct entry_outcome outcome;
};
static struct place p;

/* --- a port that does what the test says */

static void begin(void *ctx, uint64_t cookie, const struct heal_order *order)
{
	p.begun++;
	p.order = *order;
	p.cookie = cookie;
}

static void cancel(void *ctx, uint64_t cookie)
{
	assert_int_equal(cookie, p.cookie);
	p.cancelled++;
}

static bool next(void *ctx, struct heal_done *out)
{
	if (!p.ended)
		return false;
	p.ended = false;
	*out = (struct heal_done){.cookie = p.cookie, .end = p.end, .hash = HASH};
	if (p.end == HEAL_END_DONE && p.order.work == HEAL_BUILD)
		p.folder[p.folders++] = p.order.op;
	return true;
}

static int staged(void *ctx, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	for (unsigned i = 0; i < p.folders; i++)
		if (p.folder[i] == op) {
			strcpy(hash, HASH);
			return 0;
		}
	return ASSAY_E_NOTFOUND;
}

static int sweep(void *ctx, unsigned *left, heal_keep keep, void *arg)
{
	char hash[HEAL_HASH_ROOM] = "";

	p.sweeps++;
	assert_int_equal(p.begun, 0);
	if (p.sweep_error != 0)
		return p.sweep_error;
	for (unsigned i = p.folders; i-- > 0;)
		if (!keep(arg, hash, p.folder[i]))
			p.folder[i] = p.folder[--p.folders];
		else if (hash[0] != '\0') /* of the row */
			assert_string_equal(hash, HASH);
	*left = p.folders;
	return 0;
}

static void on_outcome(void *ctx, uint64_t cookie, const uint8_t id[32],
		       const struct entry_outcome *outcome)
{
	p.outcomes += outcome->end != ENTRY_OPEN;
	p.outcome = *outcome;
}

/* --- the place */

static int setup(void **state)
{
	const struct net_config net = {
		.nodes = 5, .members = 4, .epoch_length = 10, .state = state_of_genesis};
	struct log_engine engine;
	uint64_t floor, head;
	char path[96], why[256];

	p = (struct place){.random = 7, .now = {NS_PER_MS, NET_GENESIS_MS}};
	net_new(&p.net, &net);
	p.sim = engine_sim_new(3);
	engine_sim_open(&engine, p.sim);
	engine.head(engine.ctx, &floor, &head);
	engine.close(engine.ctx);
	snprintf(p.dir, sizeof(p.dir), "%s/assay-heal-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(p.dir));
	snprintf(path, sizeof(path), "%s/node.db", p.dir);
	assert_int_equal(node_db_open(&p.db, why, sizeof(why), path), 0);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	core_free(p.core);
	feed_free(p.feed);
	node_db_close(p.db);
	engine_sim_free(p.sim);
	snprintf(command, sizeof(command), "rm -rf %s", p.dir);
	assert_int_equal(system(command), 0);
	net_free(&p.net);
	return 0;
}

static int open_core(char *why, size_t why_room, bool on)
{
	struct log_engine engine;
	int error;

	p.config = (struct core_config){
		.identity = &p.net.nodes[0].key,
		.db = p.db,
		.genesis = p.net.document.at,
		.genesis_len = p.net.document.len,
		.settings.heal.on = on,
		.listener = {.outcome = on_outcome},
		.heal = {begin, cancel, next, NULL, staged, sweep, NULL},
		.peers = {.account = SELF,
			  .clock = clock_sim(&p.time),
			  .random = random_sim(&p.random),
			  .log = log_sim(&p.log)},
	};
	error = core_new(&p.core, why, why_room, &p.config);
	if (error != 0)
		return error;
	engine_sim_open(&engine, p.sim);
	p.feed = feed_new(&engine, core_seq(p.core) + 1);
	core_attach(p.core, p.feed);
	return 0;
}

static void open_well(bool on)
{
	char why[256] = "";

	if (open_core(why, sizeof(why), on) != 0)
		fail_msg("%s", why);
}

static void run(void)
{
	for (unsigned i = 0; i < 200; i++) {
		p.now.mono_ns += 50 * NS_PER_MS;
		p.now.wall_ms += 50;
		p.time.mono_ns = p.now.mono_ns;
		feed_step(p.feed);
		core_turn(p.core, p.now);
	}
}

static void network_ticks(void)
{
	net_tick(&p.net);
	engine_sim_put(p.sim, (const uint8_t *)p.net.entry.at, p.net.entry.len);
}

static void put_claim(uint64_t op)
{
	struct local *local;
	struct heal_store s;
	struct heal_claim_row row = {.op = op, .ticket = "old", .hash = HASH};
	char why[256];

	assert_int_equal(local_open(&local, p.db, why, sizeof(why)), 0);
	s = local_heals(local);
	assert_int_equal(s.claim_put(s.ctx, &row, 1), 0);
	local_close(local);
}

static bool logged(const char *text)
{
	for (unsigned i = 0; i < p.log.count && i < 64; i++)
		if (strstr(p.log.line[i], text) != NULL)
			return true;
	return false;
}

/* --- starts */

/* Off: one warning with what is left undone, nothing begun, nothing sent, nothing deleted. */
static void test_c1_off_does_nothing(void **state)
{
	put_claim(7);
	p.folder[0] = 7;
	p.folder[1] = 9;
	p.folders = 2;
	open_well(false);
	assert_true(logged("off=\"storage_challenge lep6 recheck self_healing\" heal_claims=1 "
			   "staging_folders=2"));
	network_ticks();
	run();
	assert_int_equal(p.begun, 0);
	assert_int_equal(p.folders, 2);
	assert_int_equal(core_heal_grants(p.core, NULL, 0), 0);
	assert_int_equal(core_heal_list(p.core, NULL, 0), 0);
	assert_int_equal(heal_op_find(core_state(p.core), 7)->status, HEAL_SCHEDULED);
}

static void test_on_says_nothing_of_itself(void **state)
{
	open_well(true);
	assert_true(logged("off=\"storage_challenge lep6 recheck\""));
	assert_false(logged("self_healing"));
}

static void test_sweep_keeps_what_a_claim_names(void **state)
{
	put_claim(7);
	p.folder[0] = 7;
	p.folder[1] = 9;
	p.folder[2] = 8;
	p.folders = 3;
	open_well(true);
	assert_int_equal(p.sweeps, 1);
	assert_int_equal(p.folders, 1);
	assert_int_equal(p.folder[0], 7);
}

static void test_sweep_keeps_what_cannot_be_read(void **state)
{
	put_claim(9);
	assert_int_equal(sqlite3_exec(p.db, "update heal_claims_submitted set status = 'odd'", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	p.folder[0] = 9;
	p.folders = 1;
	open_well(true);
	assert_int_equal(p.folders, 1);
}

static void test_sweep_that_fails_stops_the_start(void **state)
{
	char why[256] = "";

	p.sweep_error = ASSAY_E_PERM;
	assert_int_equal(open_core(why, sizeof(why), true), ASSAY_E_PERM);
	assert_non_null(strstr(why, "staging folder"));
	assert_null(p.core);
}

/* --- from the log to the log */

static void test_op_is_healed_through_the_core(void **state)
{
	uint64_t generation;
	struct heal_grant g[4];
	struct heal_standing s;
	const struct heal_op *op;

	open_well(true);
	network_ticks();
	run();
	assert_int_equal(p.begun, 1);
	assert_int_equal(p.order.work, HEAL_BUILD);
	assert_int_equal(p.order.op, 7);
	assert_string_equal(p.order.ticket, "old");
	assert_int_equal(core_heal_list(p.core, &s, 1), 1);
	assert_string_equal(s.phase, "rebuilding");
	generation = core_heal_generation(p.core);
	p.end = HEAL_END_DONE;
	p.ended = true;
	run();
	op = heal_op_find(core_state(p.core), 7);
	assert_int_equal(op->status, HEAL_HEALER_REPORTED);
	assert_string_equal(op->result_hash, HASH);
	assert_int_not_equal(core_heal_generation(p.core), generation);
	assert_int_equal(core_heal_grants(p.core, g, 4), 2);
	assert_string_equal(g[0].account, "n00001");
	assert_memory_equal(g[1].key, p.net.nodes[2].key.public, 32);
	assert_int_equal(core_heal_list(p.core, &s, 1), 1);
	assert_string_equal(s.phase, "serving verifiers");
}

/*
 * A claim that waits for the log until its deadline epoch has begun does not go out any more; nor
 * does a vote. The ledger itself would still take it.
 */
static void test_h1_what_waited_too_long_is_not_sent(void **state)
{
	json_t *vote = json_pack("{sIsbssss}", "heal_op_id", (json_int_t)7, "verified", 1,
				 "verification_hash", HASH, "details", "");
	const struct engine_sim_faults away = {.races = 100}; /* of what it appends */
	struct heal_standing s;

	engine_sim_set_faults(p.sim, away);
	open_well(true);
	network_ticks();
	run();
	assert_int_equal(p.order.work, HEAL_BUILD);
	p.end = HEAL_END_DONE;
	p.ended = true;
	assert_int_equal(core_put(p.core, 5, ENTRY_HEAL, "heal_vote", vote, CORE_FRESH, p.now), 0);
	json_decref(vote);
	run();
	while (state_epoch(p.net.state) < 3)
		network_ticks();
	assert_int_equal(p.outcomes, 0);
	run();
	assert_int_equal(state_epoch(core_state(p.core)), 3);
	engine_sim_set_faults(p.sim, (struct engine_sim_faults){0});
	run();
	assert_int_equal(heal_op_find(core_state(p.core), 7)->status, HEAL_SCHEDULED);
	assert_int_equal(p.outcomes, 1);
	assert_int_equal(p.outcome.end, ENTRY_EXPIRED);
	/* The claim may still be in the log for all that the node knows: it stays until the op
	 * ends. */
	assert_int_equal(p.folders, 1);
	assert_int_equal(core_heal_list(p.core, &s, 1), 1);
	assert_non_null(strstr(s.waiting_for, "too late to claim"));
}

static void test_m3_core_waits_for_cancelled_work(void **state)
{
	open_well(true);
	network_ticks();
	run();
	assert_int_equal(p.begun, 1);
	core_stop(p.core, p.now);
	assert_int_equal(p.cancelled, 1);
	run(); /* 10 s, more than what is waited for verdicts */
	assert_false(core_stopped(p.core, p.now));
	p.end = HEAL_END_CLOSED;
	p.ended = true;
	run();
	assert_true(core_stopped(p.core, p.now));
	assert_int_equal(p.begun, 1);
}

/* Work that never ends does not keep a node from stopping for ever. */
static void test_m3_core_does_not_wait_for_ever(void **state)
{
	open_well(true);
	network_ticks();
	run();
	core_stop(p.core, p.now);
	for (unsigned i = 0; i < 4; i++)
		run();
	assert_true(core_stopped(p.core, p.now));
}

/* --- L1 */

/* The child dies with an entry applied and its transaction open; the log is a copy of its own. */
static void die_applying(struct replica_world *w, unsigned count)
{
	char why[256], value[32];
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		snprintf(value, sizeof(value), "ledger.apply:%u", count);
		setenv("ASSAY_FAILPOINT", value, 1);
		if (failpoints_env(&w->failpoints, why, sizeof(why)) == 0) {
			world_open(w);
			world_run(w);
		}
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_l1_applied_and_not_committed(void **state)
{
	struct replica_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_new(w, 21, 300);
	for (unsigned i = 0, had = 0; i < 5; i++) {
		world_write(w, 60 * (i + 1));
		die_applying(w, 1);
		world_open(w);
		/* Nothing of what was being applied is there. */
		world_check(w, had);
		world_run(w);
		had = 60 * (i + 1);
		world_check(w, had);
		world_close(w);
	}
	world_free(w);
	free(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_c1_off_does_nothing),
		TEST(test_on_says_nothing_of_itself),
		TEST(test_sweep_keeps_what_a_claim_names),
		TEST(test_sweep_keeps_what_cannot_be_read),
		TEST(test_sweep_that_fails_stops_the_start),
		TEST(test_op_is_healed_through_the_core),
		TEST(test_h1_what_waited_too_long_is_not_sent),
		TEST(test_m3_core_waits_for_cancelled_work),
		TEST(test_m3_core_does_not_wait_for_ever),
		cmocka_unit_test(test_l1_applied_and_not_committed),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
