/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read-only endpoints for dpdk-telemetry.py: /assay/stats, /assay/workers, /assay/ports. They are
 * called on DPDK's own thread and read counters only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>

#include "base/must.h"
#include "dpdk/dataplane_int.h"

/* DPDK passes no argument to callbacks. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dataplane *plane;

static void add(struct rte_tel_data *data, const char *name, uint64_t value)
{
	rte_tel_data_add_dict_u64(data, name, value);
}

/* Counters that say why not, by name; those that are zero are left out. */
static void add_reasons(struct rte_tel_data *data, const char *prefix, const uint64_t *counts)
{
	char name[RTE_TEL_MAX_STRING_LEN];

	for (unsigned r = 1; r < ASSAY_R_MAX; r++) {
		if (counts[r] == 0)
			continue;
		snprintf(name, sizeof(name), "%s_%s", prefix, assay_reason_name(r));
		add(data, name, counts[r]);
	}
}

static void add_worker(struct rte_tel_data *data, const struct plane_worker *w)
{
	const struct serve_counters *c = &w->counters;

	add(data, "received", c->received);
	add(data, "answered", c->answered);
	add(data, "handed_over", c->handed_over);
	add(data, "proofs", c->proofs);
	add(data, "seals", c->seals);
	add(data, "chunks", c->chunks);
	add(data, "sessions", c->sessions);
	add(data, "sent_datagrams", c->sent_datagrams);
	add(data, "sent_bytes", c->sent_bytes);
	add(data, "received_bytes", c->received_bytes);
	add_reasons(data, "drop", c->drops);
	add_reasons(data, "refused", c->refused);
}

/* Every counter is a uint64_t, so sums over workers go word by word. */
static void add_up(struct serve_counters *sum, const struct serve_counters *c)
{
	for (unsigned i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		((uint64_t *)sum)[i] += ((const uint64_t *)c)[i];
}

static int tell_stats(const char *command, const char *params, struct rte_tel_data *data)
{
	struct plane_worker *one = calloc(1, sizeof(*one)), *all = calloc(1, sizeof(*all));

	must(one != NULL && all != NULL);
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; plane != NULL && i < plane->workers.count; i++) {
		calls_worker(plane->workers.worker[i], one);
		add_up(&all->counters, &one->counters);
	}
	pthread_mutex_unlock(&lock);
	add_worker(data, all);
	free(one);
	free(all);
	return 0;
}

/* Without parameter the numbers of the workers, with one that worker. */
static int tell_workers(const char *command, const char *params, struct rte_tel_data *data)
{
	struct plane_worker *w = calloc(1, sizeof(*w));
	char *end = NULL;
	unsigned long number = params != NULL ? strtoul(params, &end, 10) : 0;
	int code = 0;

	must(w != NULL);
	pthread_mutex_lock(&lock);
	if (plane == NULL || (params != NULL && (*end != '\0' || number >= plane->workers.count))) {
		code = -1;
	} else if (params == NULL) {
		rte_tel_data_start_array(data, RTE_TEL_U64_VAL);
		for (unsigned i = 0; i < plane->workers.count; i++)
			rte_tel_data_add_array_u64(data, i);
	} else {
		calls_worker(plane->workers.worker[number], w);
		rte_tel_data_start_dict(data);
		add(data, "cpu", w->cpu);
		rte_tel_data_add_dict_string(data, "roles", w->roles);
		add(data, "turns", w->turns);
		add(data, "busy_cycles", w->busy_cycles);
		add(data, "idle_cycles", w->idle_cycles);
		add_worker(data, w);
	}
	pthread_mutex_unlock(&lock);
	free(w);
	return code;
}

static void add_port(struct rte_tel_data *data, const struct plane_port *p)
{
	rte_tel_data_add_dict_string(data, "name", p->name);
	rte_tel_data_add_dict_string(data, "driver", p->driver);
	rte_tel_data_add_dict_string(data, "addresses", p->addresses);
	rte_tel_data_add_dict_string(data, "mac", p->mac);
	add(data, "link_up", p->link_up);
	add(data, "rx_packets", p->rx_packets);
	add(data, "rx_bytes", p->rx_bytes);
	add(data, "tx_packets", p->tx_packets);
	add(data, "tx_bytes", p->tx_bytes);
	add(data, "rx_missed", p->rx_missed);
	add(data, "rx_errors", p->rx_errors);
	add(data, "rx_nombuf", p->rx_nombuf);
	add(data, "tx_errors", p->tx_errors);
	add(data, "arp_answered", p->arp_answered);
	add(data, "nd_answered", p->nd_answered);
	add(data, "echo_answered", p->echo_answered);
	add_reasons(data, "drop", p->frame_drops);
}

/* Without parameter the numbers of the ports, with one that port. */
static int tell_ports(const char *command, const char *params, struct rte_tel_data *data)
{
	struct plane_port port;
	char *end = NULL;
	unsigned long number = params != NULL ? strtoul(params, &end, 10) : 0;
	unsigned count;
	int code = 0;

	pthread_mutex_lock(&lock);
	count = plane != NULL ? ports_count(plane->workers.ports) : 0;
	if (params != NULL && (*end != '\0' || number >= count)) {
		code = -1;
	} else if (params == NULL) {
		rte_tel_data_start_array(data, RTE_TEL_U64_VAL);
		for (unsigned i = 0; i < count; i++)
			rte_tel_data_add_array_u64(data, i);
	} else {
		port_info(ports_at(plane->workers.ports, (unsigned)number), &port);
		rte_tel_data_start_dict(data);
		add_port(data, &port);
	}
	pthread_mutex_unlock(&lock);
	return code;
}

void telemetry_start(struct dataplane *d)
{
	pthread_mutex_lock(&lock);
	plane = d;
	pthread_mutex_unlock(&lock);
	rte_telemetry_register_cmd("/assay/stats", tell_stats,
				   "What all workers received, answered and dropped");
	rte_telemetry_register_cmd("/assay/workers", tell_workers,
				   "Numbers of the workers; with a number that worker's counters");
	rte_telemetry_register_cmd("/assay/ports", tell_ports,
				   "Numbers of the ports; with a number that port's counters");
}

void telemetry_stop(void)
{
	pthread_mutex_lock(&lock);
	plane = NULL;
	pthread_mutex_unlock(&lock);
}
