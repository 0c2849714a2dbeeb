/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/check.h"
#include "base/real.h"
#include "bench.h"
#include "client/keys.h"
#include "load_options.h"

static void print_text(const struct load_trial *t, const struct load_result *r,
		       const struct load_verdicts *v)
{
	char kind[48];

	if (t->rate > 0)
		snprintf(kind, sizeof(kind), "rate %.0f", t->rate);
	else
		snprintf(kind, sizeof(kind), "window %u", t->window);
	printf("%-14s %10.0f proofs/s  %9.0f datagrams/s  %7.3f Gbit/s  planned %llu answered %llu "
	       "refused %llu "
	       "lost %llu\n",
	       kind, (double)r->answered / r->seconds, (double)r->datagrams / r->seconds,
	       8e-9 * (double)r->bytes / r->seconds, (unsigned long long)r->planned,
	       (unsigned long long)r->answered, (unsigned long long)r->refused,
	       (unsigned long long)r->lost);
	printf("               latency us p50 %.1f p90 %.1f p99 %.1f p99.9 %.1f max %.1f; "
	       "generator behind by at "
	       "most %.1f us\n",
	       1e-3 * (double)hist_quantile(&r->latency, 0.5),
	       1e-3 * (double)hist_quantile(&r->latency, 0.9),
	       1e-3 * (double)hist_quantile(&r->latency, 0.99),
	       1e-3 * (double)hist_quantile(&r->latency, 0.999), 1e-3 * (double)r->latency.max,
	       1e-3 * (double)r->behind_ns_max);
	printf("               checked %llu (one in %u%s): good %llu, bad %llu, incomplete %llu; "
	       "%llu seals\n",
	       (unsigned long long)v->checked, t->keep_one_in,
	       r->arena_full ? ", until the arena was full" : "", (unsigned long long)v->good,
	       (unsigned long long)v->bad, (unsigned long long)v->incomplete,
	       (unsigned long long)v->seals);
	for (unsigned i = 0; i < ASSAY_R_MAX; i++)
		if (r->refused_by[i] > 0)
			printf("               refused %s: %llu\n", assay_reason_name(i),
			       (unsigned long long)r->refused_by[i]);
}

static void print_json(const struct load_trial *t, const struct load_result *r,
		       const struct load_verdicts *v)
{
	printf("{\"rate\":%.0f,\"window\":%u,\"seconds\":%.6f,\"proofs_per_s\":%.0f,\"planned\":%"
	       "llu,"
	       "\"answered\":%llu,\"refused\":%llu,\"lost\":%llu,\"datagrams\":%llu,\"bytes\":%llu,"
	       "\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},"
	       "\"behind_us_max\":%.1f,\"checked\":%llu,\"good\":%llu,\"bad\":%llu,\"incomplete\":%"
	       "llu,"
	       "\"one_in\":%u,\"arena_full\":%s,\"seals\":%llu}\n",
	       t->rate, t->window, r->seconds, (double)r->answered / r->seconds,
	       (unsigned long long)r->planned, (unsigned long long)r->answered,
	       (unsigned long long)r->refused, (unsigned long long)r->lost,
	       (unsigned long long)r->datagrams, (unsigned long long)r->bytes,
	       1e-3 * (double)hist_quantile(&r->latency, 0.5),
	       1e-3 * (double)hist_quantile(&r->latency, 0.9),
	       1e-3 * (double)hist_quantile(&r->latency, 0.99),
	       1e-3 * (double)hist_quantile(&r->latency, 0.999), 1e-3 * (double)r->latency.max,
	       1e-3 * (double)r->behind_ns_max, (unsigned long long)v->checked,
	       (unsigned long long)v->good, (unsigned long long)v->bad,
	       (unsigned long long)v->incomplete, t->keep_one_in, r->arena_full ? "true" : "false",
	       (unsigned long long)v->seals);
}

struct session {
	struct load *load;
	const struct load_options *options;
	struct load_result result;
	struct load_verdicts verdicts;
	bool bad; /* an answer did not verify */
};

/* One trial, checked and printed. Share of planned challenges that got no good answer. */
static double run_trial(struct session *s, double rate, double seconds, bool print)
{
	struct load_trial trial = {rate, s->options->window, seconds, s->options->keep_one_in};

	load_run(s->load, &s->result, &trial);
	load_check(s->load, &s->verdicts);
	if (s->verdicts.bad > 0)
		s->bad = true;
	if (print && s->options->json)
		print_json(&trial, &s->result, &s->verdicts);
	else if (print)
		print_text(&trial, &s->result, &s->verdicts);
	fflush(stdout);
	if (s->result.planned == 0)
		return 1;
	return 1.0 - (double)s->result.answered / (double)s->result.planned;
}

/*
 * Bisection between a rate that passes and one that fails, until they are 2 % apart; a rate fails
 * only when two trials in a row lose too much, since a shared machine drops a trial now and then.
 */
static void search(struct session *s)
{
	double low = 0, high;

	run_trial(s, 0, s->options->seconds, true);
	high = 1.3 * (double)s->result.answered / s->result.seconds;
	for (int step = 0; step < 16 && high - low > 0.02 * high; step++) {
		double rate = step == 0 ? 0.75 * high : (low + high) / 2;
		bool passes =
			run_trial(s, rate, s->options->seconds, true) <= s->options->search_loss ||
			run_trial(s, rate, s->options->seconds, true) <= s->options->search_loss;

		if (passes)
			low = rate;
		else
			high = rate;
	}
	printf("highest rate with at most %g lost: between %.0f and %.0f proofs/s\n",
	       s->options->search_loss, low, high);
}

static void print_histogram(const struct session *s)
{
	FILE *out = fopen(s->options->hgrm_file, "w");

	if (out == NULL) {
		perror(s->options->hgrm_file);
		return;
	}
	hist_print(&s->result.latency, out, 1000.0);
	fclose(out);
}

static int run(struct load *l, const struct load_options *o)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return 1;
	s->load = l;
	s->options = o;
	run_trial(s, o->rate, 0.2, false); /* warm-up: caches, page tables, frequency */
	if (o->search) {
		search(s);
	} else {
		for (unsigned i = 0; i < o->rounds; i++)
			run_trial(s, o->rate, o->seconds, true);
	}
	if (o->hgrm_file != NULL)
		print_histogram(s);
	if (s->bad)
		fprintf(stderr, "assay-bench: answers that do not verify\n");
	int status = s->bad || s->verdicts.good == 0;

	free(s);
	return status;
}

int bench_load(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof(*l));
	struct bench_artifact *artifacts;
	struct load_options o;
	struct load_port *port;
	char why[KEYS_WHY_MAX];
	struct keys keys;
	int status = load_options_read(&o, argc, argv);

	if (status != 0 || l == NULL)
		return status != 0 ? status : 1;
	assay_init();
	if (load_target_read(&l->target, o.node_file) != 0 ||
	    load_artifacts_read(&artifacts, &l->plan.artifact_count, o.artifact_file, o.length) !=
		    0)
		return 1;
	if (keys_load(&keys, o.key_file, why) != 0) {
		fprintf(stderr, "assay-bench: %s\n", why);
		return 1;
	}
	snprintf(l->account, sizeof(l->account), "%s", o.account);
	l->plan.artifacts = artifacts;
	l->plan.epoch = 1;
	l->plan.k = (uint8_t)o.ranges;
	l->plan.range_length = (uint16_t)o.length;
	l->plan.tree = o.tree;
	l->clock = clock_real();
	l->plan.seed = clock_wall(&l->clock);
	l->arena_room = o.arena_mib << 20;
	l->arena = bench_memory(l->arena_room);
	port = load_port_open(&o);
	if (port == NULL)
		return 1;
	l->port = *port;
	if (o.cpu < 4096)
		bench_pin(o.cpu);
	status = load_connect(l, o.sessions, keys.session);
	if (status == 0) {
		status = run(l, &o);
	} else {
		fprintf(stderr,
			"assay-bench: no session with %s at %s: %s; is %s in its client list?\n",
			l->target.account, o.server, assay_error_text(status), l->account);
		status = 1;
	}
	load_port_close(port);
	return status;
}
