/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's state machine: generated logs of networks of several sizes, in which every node
 * reports every epoch and those with a target send 16 rows; entries applied per second, what the
 * state takes, and what closing an epoch costs. Times are CPU time; keys, genesis and signatures
 * are made outside of them.
 */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/must.h"
#include "base/text.h"
#include "bench.h"
#include "ledger/assign.h"
#include "ledger/net.h"
#include "ledger/placement.h"
#include "ledger/report.h"
#include "ledger/state_impl.h"

#define EPOCH_LENGTH 4
#define ROWS	     REPORT_ROWS_MAX
#define SYMBOLS	     28
#define IDS	     50
#define INDEX_TEXT   3100 /* base64 of an index of 50 layout ids */

struct options {
	unsigned nodes, epochs;
	unsigned long tickets;
	bool worn; /* every ticket has a record of deterioration */
};

struct figures {
	uint64_t entries, rows;
	double apply_s, verify_s, assign_s; /* signatures known; checked one at a time */
	uint64_t verified;
	double rules_s, hash_s;
	size_t heap, lines;
};

static bool known(void *ctx, const uint8_t sig[64], const uint8_t message[32],
		  const uint8_t key[32])
{
	return true;
}

/* CPU time: all of this is one thread that waits for nothing. */
static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* As long as the base58 of a hash. */
static void name_of(char out[48], unsigned long number)
{
	static const char digits[] = "123456789ABCDEFG";

	memset(out, '1', 44);
	for (char *at = out + 44; number > 0; number /= 16)
		*--at = digits[number % 16];
	out[44] = '\0';
}

static void fill_ids(struct ticket *t, unsigned long number)
{
	char text[INDEX_TEXT + 90], id[48];

	for (unsigned i = 0; i < IDS; i++) {
		name_of(id, number * IDS + i);
		texts_add(&t->rq_ids_ids, id);
	}
	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text_set(&t->signatures, text);
}

/* A file of 1.5 MiB as a `put` with the default parameters records it. */
static void add_ticket(struct ledger_net *n, unsigned long number)
{
	struct state *s = n->state;
	uint64_t width = s->params->placement_width, first = net_random(n);
	uint8_t hash[32];
	char id[33];
	struct ticket *t;

	digest_one(hash, NULL, &number, sizeof(number));
	hex_encode(id, hash, 16);
	t = table_put(s->tables, T_TICKETS, id);
	text_set(&t->creator, n->nodes[first % n->config.nodes].account);
	text_set(&t->data_hash, "FFWfcgj91YceU4Gd1iDEvnafpP7ByNHiwSE9T4fWwmY=");
	t->state = TICKET_OPEN;
	t->size = 1500000;
	t->ic = 1;
	t->max = IDS;
	t->ratio = 5;
	t->public = true;
	t->index_artifact_count = 2 * IDS;
	t->symbol_artifact_count = SYMBOLS;
	t->index_copies = 3;
	t->symbol_copies = 1;
	t->height = 1;
	fill_ids(t, number);
	if (width > SYMBOLS)
		width = SYMBOLS;
	for (uint64_t i = 0; i < width && i < n->config.nodes; i++)
		texts_add(&t->holders, n->nodes[(first + 7 * i) % n->config.nodes].account);
	texts_pack(&t->rq_ids_ids);
	texts_pack(&t->holders);
	ticket_index(s, t);
}

static void wear(struct ledger_net *n)
{
	struct tables *tables = n->state->tables;
	struct record *r = table_first(tables, T_TICKETS);

	for (; r != NULL; r = table_next(tables, r)) {
		struct ticket_deterioration *d = table_put(tables, T_TICKET_DETERIORATION, r->key);

		text_set(&d->ticket, r->key);
		text_set(&d->last_target, n->nodes[0].account);
		text_set(&d->last_reporter, n->nodes[1].account);
		d->deterioration_score = 1 + (int64_t)(net_random(n) % 60); /* one in six is due */
		d->last_updated_epoch = d->last_failure_epoch = 1;
		d->recent_failure_epoch_count = 2;
	}
}

struct choice {
	const char *target;
	struct ticket *tickets[ROWS];
	size_t n, skip;
};

static bool choose(void *arg, struct ticket *ticket)
{
	struct choice *c = arg;

	if (c->skip > 0)
		c->skip--;
	else
		c->tickets[c->n++] = ticket;
	return c->n < ROWS;
}

static json_t *row(struct ledger_net *n, const char *author, const struct choice *c, unsigned i)
{
	static const unsigned results[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 6};
	const struct ticket *t = c->tickets[i % c->n];
	unsigned bucket = 1 + i / (unsigned)c->n % 4;
	uint64_t ordinal = placement_ordinal(0, t->symbol_copies, t->holders.n,
					     (uint64_t)ticket_position(t, c->target));
	struct report_row r = {.result = results[net_random(n) % 16]};
	struct sha256_part parts[3];
	uint8_t class, sig[64], hash[32];
	char hash_hex[65], sig_hex[129], key[48];
	const uint8_t aux[32] = {0};

	for (int j = 0; j < 4; j++)
		((uint64_t *)hash)[j] = net_random(n);
	hex_encode(hash_hex, hash, 32);
	r.transcript = hash_hex;
	report_row_parts(parts, &class, &r);
	sign_tagged(sig, &net_find(n, author)->key, TAG_ROW, parts, 3, aux);
	hex_encode(sig_hex, sig, 64);
	name_of(key, i);
	return json_pack("{ss ss ss si si sI si ss si ss ss ss ss}", "target", c->target,
			 "challenger", author, "ticket", t->record.key, "bucket", bucket, "class",
			 2, "ordinal", (json_int_t)ordinal, "count", SYMBOLS, "key", key, "result",
			 (int)r.result, "derivation", hash_hex, "transcript", hash_hex, "sig",
			 sig_hex, "details", "");
}

static json_t *report(struct ledger_net *n, const char *author, uint64_t *rows_made)
{
	json_t *rows = json_array(), *observations = json_array();
	struct assigned assigned;

	must(assigned_of(n->state, &assigned, author, state_epoch(n->state)) == 0);
	for (size_t i = 0; i < assigned.n; i++) {
		struct choice c = {.target = assigned.targets[i], .skip = net_random(n) % 16};

		tickets_of_holder(n->state, c.target, choose, &c);
		for (unsigned j = 0; j < ROWS && c.n > 0; j++, ++*rows_made)
			json_array_append_new(rows, row(n, author, &c, j));
		json_array_append_new(observations,
				      json_pack("{ss s[]}", "target", c.target, "ports"));
	}
	assigned_free(&assigned);
	return json_pack("{sI s{si si si s[] si sI} so so}", "epoch",
			 (json_int_t)state_epoch(n->state), "host", "cpu", 1000, "mem", 2000,
			 "disk", 3000, "ports", "failed_actions", 0, "stored_bytes",
			 (json_int_t)1 << 40, "observations", observations, "rows", rows);
}

static void apply(struct ledger_net *n, double *seconds)
{
	struct entry_result result;
	double start = now_s();

	state_apply(n->state, &result, (const uint8_t *)n->entry.at, n->entry.len);
	*seconds += now_s() - start;
	if (result.kind != ENTRY_VERDICT || result.code != 0) {
		fprintf(stderr, "entry refused: kind %d, code %u %s\n", result.kind, result.code,
			result.reason);
		exit(1);
	}
}

/* All nodes report; returns after the last one. */
static void report_epoch(struct ledger_net *n, struct figures *f, bool checked)
{
	double start = now_s(), *seconds = checked ? &f->verify_s : &f->apply_s;
	struct assigned first;
	uint64_t rows = 0;

	must(assigned_of(n->state, &first, n->nodes[0].account, state_epoch(n->state)) == 0);
	assigned_free(&first);
	f->assign_s = now_s() - start;
	n->state->config.verifier.verify = checked ? NULL : known;
	for (unsigned i = 0; i < n->config.nodes; i++) {
		net_sign(n, n->nodes[i].account, "report", report(n, n->nodes[i].account, &rows));
		apply(n, seconds);
	}
	*(checked ? &f->verified : &f->entries) += n->config.nodes;
	f->rows += rows;
}

static void count_line(void *arg, const char *text, size_t len)
{
	*(size_t *)arg += len;
}

/* The tick that ends the epoch; the hash before it is timed on its own. */
static void close_epoch(struct ledger_net *n, struct figures *f)
{
	double start, seconds = 0;
	uint8_t hash[32];
	unsigned member;
	json_t *data;

	while (state_height(n->state) < state_epoch_last(n->state, state_epoch(n->state)))
		net_tick(n);
	start = now_s();
	state_hash(n->state, hash);
	f->hash_s = now_s() - start;
	data = net_tick_data(n, &member);
	net_sign(n, n->nodes[member].account, "tick", data);
	apply(n, &seconds);
	n->reveals_left[member]--;
	f->rules_s = seconds;
}

/* As the replica does after each entry: what changed goes to the database. */
static void clear_changes(struct ledger_net *n)
{
	tables_changes(n->state->tables, NULL, NULL);
}

static void run(const struct options *o, struct figures *f)
{
	struct ledger_net n;
	struct mallinfo2 before = mallinfo2(), after;

	net_new(&n, &(struct net_config){
			    .nodes = o->nodes, .members = 2, .epoch_length = EPOCH_LENGTH});
	for (unsigned long i = 0; i < o->tickets; i++)
		add_ticket(&n, i);
	net_to_epoch(&n, 1);
	if (o->worn)
		wear(&n);
	clear_changes(&n);
	for (unsigned e = 1; e <= o->epochs; e++) {
		report_epoch(&n, f, e == o->epochs && e > 1);
		close_epoch(&n, f);
		clear_changes(&n);
	}
	after = mallinfo2();
	f->heap = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
	state_dump(n.state, count_line, &f->lines);
	net_free(&n);
	malloc_trim(0);
}

static void print_head(void)
{
	printf("%7s %9s %9s %9s %9s %9s %10s %9s %9s %10s\n", "nodes", "tickets", "entries", "rows",
	       "entry/s", "checked/s", "assign ms", "close ms", "hash ms", "state MiB");
}

static void print_figures(const struct options *o, const struct figures *f)
{
	printf("%7u %9lu %9" PRIu64 " %9" PRIu64 " %9.0f ", o->nodes, o->tickets,
	       f->entries + f->verified, f->rows, (double)f->entries / f->apply_s);
	if (f->verified > 0)
		printf("%9.0f", (double)f->verified / f->verify_s);
	else
		printf("%9s", "-");
	printf(" %10.1f %9.1f %9.1f %10.1f\n", 1e3 * f->assign_s, 1e3 * f->rules_s, 1e3 * f->hash_s,
	       (double)f->heap / (1 << 20));
	printf("%7s lines %.1f MiB\n", "", (double)f->lines / (1 << 20));
	fflush(stdout);
}

static int usage(FILE *out)
{
	fprintf(out,
		"usage: assay-bench ledger [--nodes N --tickets N] [--epochs N] [--worn]\n\n"
		"Without --nodes: 10, 100, 1000 and 10000 nodes with ten tickets each.\n"
		"  --epochs N   epochs reported and closed (4); in the last one signatures are\n"
		"               checked one at a time, before it they are taken as known\n"
		"  --worn       every ticket has a record of deterioration, one in six due\n");
	return out == stdout ? 0 : 2;
}

int bench_ledger(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"nodes", required_argument, NULL, 'n'},  {"tickets", required_argument, NULL, 't'},
		{"epochs", required_argument, NULL, 'e'}, {"worn", no_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},	  {0},
	};
	static const unsigned sizes[] = {10, 100, 1000, 10000};
	struct options o = {.epochs = 4};
	struct rusage usage_now;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'n')
			o.nodes = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 't')
			o.tickets = strtoul(optarg, NULL, 10);
		else if (c == 'e')
			o.epochs = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'w')
			o.worn = true;
		else
			return usage(c == 'h' ? stdout : stderr);
	}
	if (o.epochs == 0 || (o.nodes != 0 && (o.nodes < 2 || o.nodes > 99990)))
		return usage(stderr);
	print_head();
	for (size_t i = 0; i < (o.nodes != 0 ? 1 : sizeof(sizes) / sizeof(sizes[0])); i++) {
		struct options one = o;
		struct figures f = {0};

		if (o.nodes == 0)
			one.nodes = sizes[i], one.tickets = 10 * sizes[i];
		run(&one, &f);
		print_figures(&one, &f);
	}
	getrusage(RUSAGE_SELF, &usage_now);
	printf("peak memory %.1f GiB\n", (double)usage_now.ru_maxrss / (1 << 20));
	return 0;
}
