/* SPDX-License-Identifier: Apache-2.0 */
/* Counters for people: totals since the start, or what changed between two looks as rates. */

#include "ctl/ctl.h"

/* A look, and the one before when rates are wanted. */
struct look {
	json_t *now, *before; /* of the same object */
	double seconds;	      /* between them; 0: totals */
};

static double value(const struct look *l, const char *name)
{
	double now = (double)json_integer_value(json_object_get(l->now, name));

	if (l->seconds <= 0)
		return now;
	return (now - (double)json_integer_value(json_object_get(l->before, name))) / l->seconds;
}

static struct look inside(const struct look *l, const char *name)
{
	return (struct look){json_object_get(l->now, name), json_object_get(l->before, name),
			     l->seconds};
}

static struct look element(const struct look *l, size_t i)
{
	return (struct look){json_array_get(l->now, i), json_array_get(l->before, i), l->seconds};
}

static void show_workers(const struct look *workers)
{
	struct table *t = table_new(
		">WORKER >CPU ROLES >RECEIVED >ANSWERED >HANDED >DROPPED >PROOFS >CHUNKS >SEALS "
		">SESSIONS >BUSY");

	for (size_t i = 0; i < json_array_size(workers->now); i++) {
		struct look w = element(workers, i);
		double busy = value(&w, "busy_cycles"), idle = value(&w, "idle_cycles");

		table_cell(t, "%lld", json_integer_value(json_object_get(w.now, "worker")));
		table_cell(t, "%lld", json_integer_value(json_object_get(w.now, "cpu")));
		table_cell(t, "%s", json_string_value(json_object_get(w.now, "roles")));
		table_cell(t, "%.0f", value(&w, "received"));
		table_cell(t, "%.0f", value(&w, "answered"));
		table_cell(t, "%.0f", value(&w, "handed_over"));
		table_cell(t, "%.0f", value(&w, "dropped"));
		table_cell(t, "%.0f", value(&w, "proofs"));
		table_cell(t, "%.0f", value(&w, "chunks"));
		table_cell(t, "%.0f", value(&w, "seals"));
		table_cell(t, "%lld", json_integer_value(json_object_get(w.now, "sessions")));
		table_cell(t, "%.1f%%", busy + idle > 0 ? 100 * busy / (busy + idle) : 0);
	}
	table_print(t);
}

static void show_stages(const struct look *total)
{
	struct look stages = inside(total, "stages");
	struct table *t = table_new("STAGE >ITEMS >ITEMS/BURST >CYCLES/ITEM");
	const char *name;
	json_t *unused;

	json_object_foreach(stages.now, name, unused)
	{
		struct look s = inside(&stages, name);
		double items = value(&s, "items"), calls = value(&s, "calls");

		table_cell(t, "%s", name);
		table_cell(t, "%.0f", items);
		table_cell(t, "%.1f", calls > 0 ? items / calls : 0);
		table_cell(t, "%.0f", items > 0 ? value(&s, "cycles") / items : 0);
	}
	table_print(t);
}

/* Signatures that were verified in batches. */
static void show_verify(const struct look *total)
{
	struct look v = inside(total, "verify");
	struct table *t = table_new(">SIGNATURES >BAD >BATCHES >SIGNATURES/BATCH >SLICES");
	double jobs = value(&v, "jobs"), batches = value(&v, "batches");

	table_cell(t, "%.0f", jobs);
	table_cell(t, "%.0f", value(&v, "bad"));
	table_cell(t, "%.0f", batches);
	table_cell(t, "%.1f", batches > 0 ? jobs / batches : 0);
	table_cell(t, "%.0f", value(&v, "slices"));
	table_print(t);
}

static void show_reasons(const struct look *total, const char *member, const char *title)
{
	struct look reasons = inside(total, member);
	const char *name;
	json_t *unused;

	json_object_foreach(reasons.now, name, unused)
		printf("  %-9s %-18s %15.0f\n", title, name, value(&reasons, name));
}

/* The table that adds up. */
static void show_account(const struct look *total)
{
	printf("  %-28s %15.0f\n", "received", value(total, "received"));
	printf("= %-28s %15.0f\n", "answered", value(total, "answered"));
	printf("+ %-28s %15.0f\n", "handed over", value(total, "handed_over"));
	printf("+ %-28s %15.0f\n", "dropped", value(total, "dropped"));
	printf("+ %-28s %15.0f\n", "in progress", value(total, "in_progress"));
	show_reasons(total, "drops", "dropped");
	show_reasons(total, "refused", "refused");
}

static void show_ports(const struct look *ports)
{
	struct table *t = table_new(
		"PORT >RX_PACKETS >RX_BYTES >TX_PACKETS >TX_BYTES >MISSED >ERRORS >NOBUF LINK");

	for (size_t i = 0; i < json_array_size(ports->now); i++) {
		struct look p = element(ports, i);

		table_cell(t, "%s", json_string_value(json_object_get(p.now, "name")));
		table_cell(t, "%.0f", value(&p, "rx_packets"));
		table_cell(t, "%.0f", value(&p, "rx_bytes"));
		table_cell(t, "%.0f", value(&p, "tx_packets"));
		table_cell(t, "%.0f", value(&p, "tx_bytes"));
		table_cell(t, "%.0f", value(&p, "rx_missed"));
		table_cell(t, "%.0f", value(&p, "rx_errors") + value(&p, "tx_errors"));
		table_cell(t, "%.0f", value(&p, "rx_nombuf"));
		table_cell(t, "%s", json_is_true(json_object_get(p.now, "link")) ? "up" : "down");
	}
	table_print(t);
	for (size_t i = 0; i < json_array_size(ports->now); i++) {
		struct look p = element(ports, i);

		show_reasons(&p, "frame_drops", json_string_value(json_object_get(p.now, "name")));
	}
}

static void show_stats(json_t *stats, json_t *before)
{
	struct look all = {stats, before, 0}, total, workers, ports;

	if (before != NULL)
		all.seconds = (double)(json_integer_value(json_object_get(stats, "time_ns")) -
				       json_integer_value(json_object_get(before, "time_ns"))) /
			      1e9;
	total = inside(&all, "total");
	workers = inside(&all, "workers");
	ports = inside(&all, "ports");
	puts(before != NULL ? "per second:" : "since the start:");
	show_workers(&workers);
	puts("");
	show_account(&total);
	puts("");
	show_stages(&total);
	puts("");
	show_verify(&total);
	puts("");
	show_ports(&ports);
}

static json_t *stats_now(struct ctl *ctl, struct ctl_link *link)
{
	return ctl_call(link, "node.stats", NULL, -1);
}

int command_stats(struct ctl *ctl, char **arguments, unsigned count)
{
	return ctl_watch(ctl, &(struct ctl_watch){stats_now, show_stats, true});
}
