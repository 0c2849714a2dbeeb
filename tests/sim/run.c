/* SPDX-License-Identifier: Apache-2.0 */
/* From the seed to the end: the network is founded, runs under faults, and must then converge. */
#include "sim/run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "base/sim_random.h"
#include "ledger/state_impl.h"

#define EPOCH_HEIGHTS 12
#define OBSERVE_NS    (100 * RUN_MS)
#define CONVERGE_NS   (1200 * RUN_S) /* of simulated time, for two more epochs */
#define STUCK_NS      (3600 * RUN_S) /* faults and all: nothing takes that long */
#define FNV_PRIME     UINT64_C(0x100000001b3)
#define FNV_START     UINT64_C(0xcbf29ce484222325)

uint64_t run_random(struct run *r, uint64_t below)
{
	return sim_next(&r->random) % below;
}

static void mix(uint64_t *hash, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ ((const uint8_t *)bytes)[i]) * FNV_PRIME;
}

void run_note(struct run *r, unsigned node, const char *what, uint64_t number, const void *bytes,
	      size_t len)
{
	const uint64_t head[] = {r->now.mono_ns, node, number, len};

	mix(&r->trace, head, sizeof(head));
	mix(&r->trace, what, strlen(what));
	mix(&r->trace, bytes, len);
	if (r->options.trace && strcmp(what, "datagram") != 0)
		printf("%10.4f node %u %s %" PRIu64 " trace=%016" PRIx64 "\n",
		       (double)r->now.mono_ns / 1e9, node, what, number, r->trace);
}

void run_wrong(struct run *r, const char *format, ...)
{
	va_list args;

	if (r->wrong[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(r->wrong, sizeof(r->wrong), format, args);
	va_end(args);
}

/* --- the founding --- */

/* What was just made and accepted goes into the log. */
static void publish(struct run *r)
{
	const uint8_t *bytes = (const uint8_t *)r->net.entry.at;
	size_t len = r->net.entry.len;
	struct entry_result result = {.kind = ENTRY_VERDICT};
	struct entry e;

	must(entry_parse(&e, bytes, len));
	memcpy(result.id, e.id, 32);
	entry_free(&e);
	engine_sim_put(r->log, bytes, len);
	run_observed(r, bytes, len, &result);
}

static void first_tick(struct run *r)
{
	unsigned member;
	json_t *data = net_tick_data(&r->net, &member);
	const struct meta *meta = r->net.state->meta;

	json_object_set_new(data, "time", json_integer((json_int_t)(meta->time + RUN_TICK_MS)));
	net_accept(&r->net, r->net.nodes[member].account, "tick", data);
	publish(r);
}

static void put_first(struct run *r)
{
	unsigned creator = (unsigned)run_random(r, r->nodes);
	json_t *data =
		r->options.light > 0 ? run_file_light(r, creator) : run_file_make(r, creator);
	uint64_t n = r->net.next_n;

	r->net.next_n = 0;
	net_accept(&r->net, r->net.nodes[creator].account, "ticket", data);
	r->net.next_n = n;
	publish(r);
}

static void found(struct run *r)
{
	unsigned drawn = 1 + (unsigned)run_random(r, 3);
	unsigned mode = r->options.mode != 0 ? r->options.mode : drawn;
	unsigned deadline = r->options.calm ? 6 : 2 + (unsigned)run_random(r, 2);
	unsigned verifiers = r->options.calm ? 2 : 1 + (unsigned)run_random(r, 3);
	char params[1024];
	struct net_config config = {.nodes = r->nodes,
				    .members = RUN_MEMBERS,
				    .epoch_length = EPOCH_HEIGHTS,
				    .params = params};

	snprintf(params, sizeof(params),
		 "{\"rq_ids_max\":6,\"storage_truth_challenge_target_divisor\":%u,"
		 "\"storage_truth_enforcement_mode\":%u,"
		 "\"storage_truth_heal_deadline_epochs\":%u,"
		 "\"storage_truth_heal_verifier_count\":%u,"
		 "\"storage_truth_max_self_heal_ops_per_epoch\":%u,"
		 "\"storage_truth_old_bucket_min_blocks\":%u,"
		 "\"storage_truth_probation_epochs\":1,"
		 "\"storage_truth_recent_bucket_max_blocks\":%u,"
		 "\"storage_truth_ticket_deterioration_heal_threshold\":10,"
		 "\"tick_interval_ms\":%u}",
		 1 + (unsigned)run_random(r, 3), mode, deadline, verifiers, RUN_FILES_MAX,
		 EPOCH_HEIGHTS + 7, EPOCH_HEIGHTS + 6, RUN_TICK_MS);
	r->options.mode = mode;
	net_new(&r->net, &config);
	for (unsigned i = 0; i < r->nodes; i++)
		r->node[i].who = &r->net.nodes[i];
	for (unsigned i = 0; i < 2; i++)
		first_tick(r);
	for (unsigned i = 0; i < (r->options.light > 0 ? r->options.light : 3); i++)
		put_first(r);
}

static void give_vices(struct run *r)
{
	unsigned liars = (unsigned)run_random(r, 3);

	for (unsigned i = 0; i < liars; i++)
		r->node[run_random(r, r->nodes)].vice =
			RUN_EMPTY + run_random(r, r->options.heal ? RUN_VICES - RUN_EMPTY : 2);
}

/* In memory where that can be had: what outlives a process here need not outlive the machine. */
static void make_dir(struct run *r)
{
	strcpy(r->dir, "/dev/shm/assay-sim-XXXXXX");
	if (mkdtemp(r->dir) != NULL)
		return;
	strcpy(r->dir, "/tmp/assay-sim-XXXXXX");
	must(mkdtemp(r->dir) != NULL);
}

void run_begin(struct run *r, const struct run_options *options)
{
	const struct net_addr nowhere = run_addr(RUN_NODES_MAX, 1);

	*r = (struct run){.options = *options,
			  .random = options->seed,
			  .trace = FNV_START,
			  .now = {1000 * RUN_S, (NET_GENESIS_MS + 3000) * RUN_MS},
			  .reports = json_object(),
			  .accepted = json_object(),
			  .promised = json_object(),
			  .arrived = json_object(),
			  .heals = json_object()};
	make_dir(r);
	r->nodes = options->calm ? RUN_NODES_MAX : 5 + (unsigned)run_random(r, RUN_NODES_MAX - 4);
	r->wire = sim_net_new(options->seed + 1, &r->now);
	r->idle = net_sim(r->wire, &nowhere, NULL, NULL);
	r->log = engine_sim_new(options->seed + 2);
	must(engine_sim_open(&r->observer, r->log) == 0);
	found(r);
	for (unsigned i = 0; i < r->nodes; i++)
		run_node_init(&r->node[i], r, i);
	r->put_ns = options->calm ? RUN_NEVER : r->now.mono_ns;
	run_faults_init(r);
	if (options->calm)
		run_faults_stop(r);
	else
		give_vices(r);
	for (unsigned i = 0; i < r->nodes; i++)
		run_node_start(&r->node[i]);
}

void run_free(struct run *r)
{
	for (unsigned i = 0; i < r->nodes; i++)
		run_node_free(&r->node[i]);
	rmdir(r->dir);
	r->observer.close(r->observer.ctx);
	engine_sim_free(r->log);
	sim_net_free(r->wire);
	run_files_free(r);
	net_free(&r->net);
	json_decref(r->reports);
	json_decref(r->accepted);
	json_decref(r->promised);
	json_decref(r->arrived);
	json_decref(r->heals);
	free(r->told);
	free(r->seen);
	free(r->acked);
}

/* --- the queue of moments --- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_ns(const struct run *r)
{
	uint64_t next = least(sim_net_due(r->wire),
			      least(r->faults.next_ns, least(r->observer_ns, r->put_ns)));

	for (unsigned i = 0; i < r->nodes; i++)
		next = least(next, run_node_due(&r->node[i]));
	return next > r->now.mono_ns ? next : r->now.mono_ns;
}

/* Somebody puts a file, now and then. */
static void put_file(struct run *r)
{
	unsigned creator = (unsigned)run_random(r, r->nodes);

	r->put_ns = r->now.mono_ns + 5 * RUN_S + run_random(r, 10 * RUN_S);
	if (r->files >= RUN_REAL_MAX || r->options.light > 0 || r->node[creator].core == NULL)
		return;
	run_node_put(&r->node[creator], run_file_make(r, creator));
	if (run_random(r, 3) == 0)
		run_node_crash(&r->node[creator], RUN_S); /* only its outbox knows of it */
	for (unsigned i = 0; i < r->nodes; i++)
		if (r->node[i].core != NULL)
			run_server_fill(&r->node[i]);
}

/* What is due at the next moment at which anything is. */
void run_step(struct run *r)
{
	struct net_addr from;
	uint8_t byte;

	r->idle.receive(r->idle.ctx, &from, &byte, 1, next_ns(r));
	run_faults_go(r);
	for (unsigned i = 0; i < r->nodes; i++)
		run_node_go(&r->node[i]);
	if (r->put_ns <= r->now.mono_ns)
		put_file(r);
	if (r->observer_ns <= r->now.mono_ns) {
		run_observe(r);
		r->observer_ns = r->now.mono_ns + OBSERVE_NS;
	}
}

static uint64_t height(const struct run *r)
{
	return state_height(r->net.state);
}

/* Everybody has applied what the observer has. */
static bool together(struct run *r)
{
	struct replica_status status;

	for (unsigned i = 0; i < r->nodes; i++) {
		struct run_node *n = &r->node[i];

		if (n->core == NULL || core_seq(n->core) != state_seq(r->net.state))
			return false;
		replica_status(core_replica(n->core), &status);
		if (status.condition != REPLICA_CURRENT)
			return false;
	}
	return true;
}

void run_end(struct run *r)
{
	uint64_t upto = height(r) + 2 * EPOCH_HEIGHTS, until = r->now.mono_ns + CONVERGE_NS;

	while (r->wrong[0] == '\0' && (height(r) < upto || !together(r))) {
		run_step(r);
		if (r->now.mono_ns > until)
			run_wrong(r, "does not converge: height %" PRIu64 " of %" PRIu64, height(r),
				  upto);
	}
	if (r->options.heal)
		run_heal_end(r);
	run_check_log(r);
}

void run_to_height(struct run *r, uint64_t upto)
{
	uint64_t until = r->now.mono_ns + STUCK_NS;

	while (r->wrong[0] == '\0' && height(r) < upto) {
		run_step(r);
		if (r->now.mono_ns > until)
			run_wrong(r, "stuck at height %" PRIu64, height(r));
	}
}

void run_put(struct run *r, const char *author, const char *type, json_t *data)
{
	net_sign(&r->net, author, type, data);
	engine_sim_put(r->log, (const uint8_t *)r->net.entry.at, r->net.entry.len);
}

void run_play(struct run *r, const struct run_options *options)
{
	run_begin(r, options);
	run_to_height(r, options->ticks);
	run_faults_stop(r);
	run_end(r);
}
