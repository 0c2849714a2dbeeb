/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a simulated node: the daemon's core with its database in a file that survives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/real.h"
#include "node/node_db.h"
#include "sim/run.h"

#define POLL_MS	   20		 /* the log, at least; the rest is by chance */
#define TURN_NS	   (RUN_MS / 10) /* a turn takes that long at least */
#define RESTART_NS (2 * RUN_S)	 /* after a failure of its database */

/* --- clock --- */

static void look_at_clock(struct run_node *n)
{
	n->time = n->run->now;
	n->time.wall_ns += (uint64_t)n->skew_ns;
}

static struct moment moment_of(const struct run_node *n)
{
	return (struct moment){n->time.mono_ns, n->time.wall_ns / RUN_MS};
}

/* --- the log, as this node reaches it --- */

static bool cut(const struct run_node *n)
{
	return n->cut_ns > n->run->now.mono_ns;
}

static enum log_result engine_append(void *ctx, uint64_t *seq, const uint8_t *entry, size_t len)
{
	struct run_node *n = ctx;
	enum log_result result;

	if (cut(n) || n->frozen)
		return LOG_UNAVAILABLE;
	run_heal_sends(n, entry, len);
	result = n->engine.append(n->engine.ctx, seq, entry, len);
	if (result == LOG_APPENDED || result == LOG_DUPLICATE)
		run_check_acked(n->run, *seq, entry, len);
	run_note(n->run, n->number, "append", (uint64_t)result, entry, len);
	return result;
}

static int engine_read(void *ctx, uint64_t from, unsigned max, log_each each, void *arg)
{
	struct run_node *n = ctx;

	return cut(n) ? ASSAY_E_IO : n->engine.read(n->engine.ctx, from, max, each, arg);
}

static int engine_wait(void *ctx, unsigned timeout_ms, bool hurry)
{
	return 0;
}

static int engine_head(void *ctx, uint64_t *floor, uint64_t *head)
{
	struct run_node *n = ctx;

	return cut(n) ? ASSAY_E_IO : n->engine.head(n->engine.ctx, floor, head);
}

static int engine_trim(void *ctx, uint64_t upto)
{
	struct run_node *n = ctx;

	return cut(n) ? ASSAY_E_IO : n->engine.trim(n->engine.ctx, upto);
}

static void engine_health(void *ctx, struct log_health *out)
{
	struct run_node *n = ctx;

	n->engine.health(n->engine.ctx, out);
}

static void engine_wake(void *ctx, bool stop)
{
	struct run_node *n = ctx;

	n->engine.wake(n->engine.ctx, stop);
}

static void engine_close(void *ctx)
{
	struct run_node *n = ctx;

	n->engine.close(n->engine.ctx);
}

static void follow(struct run_node *n)
{
	const struct log_engine engine = {engine_append, engine_read,  engine_wait,
					  engine_head,	 engine_trim,  engine_health,
					  engine_wake,	 engine_close, n};

	must(engine_sim_open(&n->engine, n->run->log) == 0);
	n->feed = feed_new(&engine, core_seq(n->core) + 1);
	core_attach(n->core, n->feed);
}

/* --- what the core asks and tells --- */

static void on_applied(void *ctx, uint64_t seq, const struct entry_result *result)
{
	const struct run_node *n = ctx;

	if (!n->frozen)
		run_check_applied(ctx, seq, result);
}

static void on_outcome(void *ctx, uint64_t cookie, const uint8_t id[32],
		       const struct entry_outcome *outcome)
{
	struct run_node *n = ctx;

	if (n->frozen)
		return;
	run_note(n->run, n->number, "outcome", cookie << 16 | outcome->code, id, 32);
	run_check_told(n->run, id, outcome);
}

static int own_size(void *ctx, uint64_t *size, const uint8_t key[32])
{
	struct run_node *n = ctx;
	const struct run_item *item = run_item_find(n->run, key);

	if (item == NULL || !run_item_there(n, item) || !run_serves(n))
		return ASSAY_E_NOTFOUND;
	*size = item->size;
	return 0;
}

static int own_read(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		    uint64_t size_max)
{
	uint64_t size;
	int error = own_size(ctx, &size, key);

	if (error != 0 || size > size_max)
		return error != 0 ? error : ASSAY_E_RANGE;
	*data = malloc(size);
	must(*data != NULL);
	memcpy(*data, run_item_find(((struct run_node *)ctx)->run, key)->data, size);
	*len = (size_t)size;
	return 0;
}

static bool book_find(void *ctx, struct peer_facts *out, const char *account)
{
	struct run_node *n = ctx;

	for (unsigned i = 0; i < n->run->nodes; i++) {
		const struct net_node *who = n->run->node[i].who;
		const struct net_addr at = run_addr(i, 4000);

		if (strcmp(who->account, account) != 0)
			continue;
		net_addr_format(out->address, &at);
		memcpy(out->session_key, who->session_key, 33);
		memcpy(out->identity, who->key.public, 32);
		return true;
	}
	return false;
}

static void write_line(void *ctx, enum log_level level, const char *component, const char *message,
		       const char *fields)
{
	const struct run_node *n = ctx;

	if (n->run->options.trace)
		printf("%10.4f %s %s: %s %s\n", (double)n->time.mono_ns / 1e9, n->who->account,
		       component, message, fields != NULL ? fields : "");
}

/* --- life --- */

static struct core_config config_of(struct run_node *n)
{
	const bool examines = n->run->options.light == 0;
	struct core_config config = {
		.identity = &n->who->key,
		.db = n->db,
		.genesis = n->run->net.document.at,
		.genesis_len = n->run->net.document.len,
		.settings = {.challenges = examines,
			     .poll_interval_ms = 500,
			     .lep6 = examines,
			     .recheck_on = examines,
			     .recheck = {.interval_ms = 2000},
			     .heal = {.on = n->run->options.heal && n->vice != RUN_MUTE,
				      .poll_interval_ms = 500,
				      .fetch_backoff_ms = 1500}},
		.reveal = n->reveal,
		.heal = run_heal_port(n),
		.failpoints = run_failpoints(n),
		.peers = {.book = {book_find, n},
			  .sockets = run_sockets(n),
			  .own = {.read = own_read, .size = own_size, .ctx = n},
			  .clock = clock_sim(&n->time),
			  .random = random_sim(&n->seed),
			  .log = {write_line, LOG_INFO_LEVEL, n}},
		.listener = {.applied = on_applied, .outcome = on_outcome, .ctx = n},
	};

	strcpy(config.peers.account, n->who->account);
	run_session_secret(config.peers.session_secret, n->number);
	memcpy(config.peers.network_id, n->run->net.net, 32);
	return config;
}

static int open_parts(struct run_node *n, char *why, size_t why_room)
{
	struct disk disk = disk_sim(n->disk);
	struct random random = random_sim(&n->seed);
	struct core_config config;
	int error = node_db_open(&n->db, why, why_room, n->path);

	if (error == 0)
		error = node_db_exec(n->db, "pragma synchronous = off");
	if (error == 0 && n->number < RUN_MEMBERS)
		error = reveal_open(&n->reveal, why, why_room, &disk, &random, NET_CHAIN);
	if (error != 0)
		return error;
	config = config_of(n);
	return core_new(&n->core, why, why_room, &config);
}

static void copy_file(const char *to, const char *from)
{
	FILE *in = fopen(from, "re"), *out = in != NULL ? fopen(to, "we") : NULL;
	char buffer[65536];
	size_t len;

	while (out != NULL && (len = fread(buffer, 1, sizeof(buffer), in)) > 0)
		must(fwrite(buffer, 1, len, out) == len);
	if (in != NULL)
		fclose(in);
	if (out != NULL)
		must(fclose(out) == 0);
}

static void remove_files(const char *path)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	char name[160];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, tails[i]);
		unlink(name);
	}
}

/* The database as it is now: closing would tidy up. */
static void copy_database(char left[128], const struct run_node *n)
{
	char wal[160], left_wal[160];

	snprintf(left, 128, "%s/%u-%u.db", n->run->dir, n->number, n->starts);
	snprintf(left_wal, sizeof(left_wal), "%s-wal", left);
	snprintf(wal, sizeof(wal), "%s-wal", n->path);
	copy_file(left, n->path);
	copy_file(left_wal, wal);
}

/* As the process leaves it behind. */
static void leave_database(struct run_node *n)
{
	char left[128];

	if (n->frozen)
		strcpy(left, n->frozen_path);
	else
		copy_database(left, n);
	remove_files(n->path);
	strcpy(n->path, left);
}

static void close_parts(struct run_node *n)
{
	run_heal_stop(n);
	if (n->core != NULL)
		core_attach(n->core, NULL);
	if (n->feed != NULL)
		feed_free(n->feed);
	core_free(n->core);
	reveal_close(n->reveal);
	node_db_close(n->db);
	n->core = NULL;
	n->feed = NULL;
	n->reveal = NULL;
	n->db = NULL;
}

void run_node_start(struct run_node *n)
{
	struct run *r = n->run;
	char why[400] = "";
	int error;

	look_at_clock(n);
	n->starts++;
	error = open_parts(n, why, sizeof(why));
	run_note(r, n->number, "start", (uint64_t)(-error), NULL, 0);
	if (error != 0) {
		/* Only a failing disk may keep it from starting. */
		if (r->faults.over)
			run_wrong(r, "%s does not start: %s", n->who->account, why);
		close_parts(n);
		n->start_ns = r->now.mono_ns + RESTART_NS;
		return;
	}
	run_server_start(n);
	follow(n);
	n->start_ns = RUN_NEVER;
	n->turn_ns = n->feed_ns = r->now.mono_ns;
	run_heal_started(n);
	if (n->frozen)
		run_node_crash(n, RESTART_NS);
}

void run_node_freeze(struct run_node *n)
{
	n->frozen = true;
	copy_database(n->frozen_path, n);
	sim_disk_stop_at(n->disk, 1);
}

void run_node_crash(struct run_node *n, uint64_t down_ns)
{
	if (n->core == NULL)
		return;
	run_note(n->run, n->number, "crash", 0, NULL, 0);
	n->run->crashes++;
	run_server_stop(n);
	leave_database(n);
	close_parts(n);
	sim_disk_crash(n->disk);
	n->frozen = false;
	n->start_ns = n->run->now.mono_ns + down_ns;
}

struct run_node *run_node_find(struct run *r, const char *account)
{
	for (unsigned i = 0; i < r->nodes; i++)
		if (strcmp(r->node[i].who->account, account) == 0)
			return &r->node[i];
	return NULL;
}

void run_node_init(struct run_node *n, struct run *r, unsigned number)
{
	struct disk disk;

	n->run = r;
	n->number = number;
	n->who = &r->net.nodes[number];
	n->seed = r->options.seed * 77 + number;
	n->disk = sim_disk_new(n->seed);
	snprintf(n->path, sizeof(n->path), "%s/%u.db", r->dir, number);
	disk = disk_sim(n->disk);
	net_write_secret(&disk, REVEAL_FILE, number);
	run_server_listen(n);
}

void run_node_free(struct run_node *n)
{
	if (n->core != NULL) {
		run_server_stop(n);
		close_parts(n);
	}
	run_sockets_free(n);
	run_heal_free(n);
	sim_disk_free(n->disk);
	remove_files(n->path);
}

/* --- turns --- */

static void feed_go(struct run_node *n)
{
	unsigned wait_ms = 0;

	for (unsigned i = 0; i < 64 && wait_ms == 0; i++)
		wait_ms = feed_step(n->feed);
	n->feed_ns = n->run->now.mono_ns + POLL_MS * RUN_MS + run_random(n->run, 20 * RUN_MS);
	n->turn_ns = n->run->now.mono_ns;
}

static void turn(struct run_node *n)
{
	struct replica_status status;
	uint64_t seq = core_seq(n->core), due = core_turn(n->core, moment_of(n));

	n->turn_ns = due > n->time.mono_ns + TURN_NS ? due : n->time.mono_ns + TURN_NS;
	if (n->frozen) {
		run_node_crash(n, RESTART_NS);
		return;
	}
	replica_status(core_replica(n->core), &status);
	if (status.condition == REPLICA_FAILED) {
		run_node_crash(n, RESTART_NS);
		return;
	}
	if (status.condition == REPLICA_MISMATCH)
		run_wrong(n->run, "%s sees a mismatch: %s", n->who->account, status.mismatch);
	if (core_seq(n->core) == seq)
		return;
	run_check_state(n->run, n->number, core_state(n->core));
	run_server_epoch(n);
}

void run_node_put(struct run_node *n, json_t *data)
{
	int error;

	look_at_clock(n);
	error = core_put(n->core, n->run->files, ENTRY_TICKET, "ticket", data, 0, moment_of(n));
	run_note(n->run, n->number, "put", (uint64_t)(-error), NULL, 0);
	if (error == 0)
		json_object_set_new(n->run->promised,
				    json_string_value(json_object_get(data, "ticket")),
				    json_true());
	json_decref(data);
	n->turn_ns = n->run->now.mono_ns;
}

uint64_t run_node_due(const struct run_node *n)
{
	uint64_t due = n->feed_ns < n->turn_ns ? n->feed_ns : n->turn_ns, work = run_heal_due(n);

	if (n->core == NULL)
		return n->start_ns;
	return due < work ? due : work;
}

void run_node_go(struct run_node *n)
{
	uint64_t now = n->run->now.mono_ns;

	if (n->core == NULL) {
		if (n->start_ns <= now)
			run_node_start(n);
		return;
	}
	look_at_clock(n);
	if (n->feed_ns <= now)
		feed_go(n);
	if (n->turn_ns <= now || run_heal_due(n) <= now)
		turn(n);
}
