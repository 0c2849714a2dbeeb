/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include "base/must.h"
#include "dpdk/eal.h"
#include "dpdk/port.h"

#define POOL_CACHE   512  /* mbufs that a worker keeps: the last freed are used first */
#define DEVICE_RINGS 2048 /* descriptors of one queue, both directions */

static_assert(sizeof(struct path) <= RTE_CACHE_LINE_SIZE, "the private area of an mbuf");

struct ports {
	unsigned count;
	struct port port[PORTS_MAX];
	struct rte_mempool *pool[RTE_MAX_NUMA_NODES];
};

/*
 * Enough for every place that can hold buffers at once. The caches hand the last freed buffer out
 * first, so what a worker really touches stays small however many there are.
 */
static unsigned pool_size(const struct ports_config *config)
{
	unsigned per_worker = 2 * POOL_CACHE + PORT_BURST + ASSAY_BATCH_MAX;

	return config->workers * (per_worker + config->count * (PORT_OUT_MAX + PORT_BURST)) +
	       config->count * config->workers * DEVICE_RINGS + 1024;
}

/*
 * rte_pktmbuf_pool_create, but without gaps at page borders where no device needs them: af_xdp
 * takes the pool for one piece of count * element bytes, and the kernel refuses what lies behind
 * that.
 */
static struct rte_mempool *make_pool(const char *name, unsigned count, uint16_t room, int socket)
{
	struct rte_pktmbuf_pool_private info = {.mbuf_data_room_size = room,
						.mbuf_priv_size = RTE_CACHE_LINE_SIZE};
	unsigned flags = rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
	struct rte_mempool *pool = rte_mempool_create_empty(
		name, count, sizeof(struct rte_mbuf) + RTE_CACHE_LINE_SIZE + room, POOL_CACHE,
		sizeof(info), socket, flags);

	if (pool == NULL)
		return NULL;
	rte_pktmbuf_pool_init(pool, &info);
	if (rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

/* Every node shares pool 0 where memory has no node (no huge pages). */
static struct rte_mempool *pool_of(struct ports *ports, const struct ports_config *config, int numa)
{
	unsigned slot = numa < 0 || !eal_has_hugepages() ? 0 : (unsigned)numa;
	size_t room = RTE_PKTMBUF_HEADROOM + FRAME_HEADERS_MAX + config->payload_max;
	char name[RTE_MEMPOOL_NAMESIZE];

	must(slot < RTE_MAX_NUMA_NODES);
	if (ports->pool[slot] != NULL)
		return ports->pool[slot];
	snprintf(name, sizeof(name), "assay_mbufs_%u", slot);
	room = RTE_MAX(RTE_ALIGN_CEIL(room, RTE_CACHE_LINE_SIZE), RTE_MBUF_DEFAULT_BUF_SIZE);
	ports->pool[slot] = make_pool(name, pool_size(config), (uint16_t)room,
				      eal_has_hugepages() && numa >= 0 ? numa : SOCKET_ID_ANY);
	return ports->pool[slot];
}

static int open_one(struct ports *ports, unsigned index, const struct ports_config *config,
		    struct finding *trouble)
{
	struct port *port = &ports->port[index];

	port->config = config->port[index];
	port->log = config->log;
	port->index = (uint16_t)index;
	port->workers = config->workers;
	port->payload_max = config->payload_max;
	port->queue = rte_zmalloc("assay_queues", config->workers * sizeof(*port->queue),
				  RTE_CACHE_LINE_SIZE);
	if (port->queue == NULL)
		goto no_memory;
	for (unsigned i = 0; i < config->workers; i++) {
		port->queue[i].serves = config->serves[i];
		port->queue[i].rx = port->queue[i].tx = -1;
		port->queue[i].pool = pool_of(ports, config, config->worker_numa[i]);
		if (port->queue[i].pool == NULL)
			goto no_memory;
	}
	int code = port->config.is_udp ? port_udp_open(port, config, trouble)
				       : port_dpdk_open(port, config, trouble);

	if (code != 0)
		rte_free(port->queue);
	return code;
no_memory:
	rte_free(port->queue);
	finding_set(trouble, FINDING_BLOCKS,
		    "no memory for the packet buffers of port %s (%u of them)", port->config.name,
		    pool_size(config));
	finding_remedy(trouble, "raise memory { eal_mib } in the config");
	return ASSAY_E_NOMEM;
}

int ports_open(struct ports **out, const struct ports_config *config, struct finding *trouble)
{
	struct ports *ports = calloc(1, sizeof(*ports));

	must(ports != NULL && config->count <= PORTS_MAX);
	must(config->workers > 0 && config->workers <= SERVE_WORKERS_MAX);
	for (unsigned i = 0; i < config->count; i++) {
		int code = open_one(ports, i, config, trouble);

		if (code != 0) {
			ports_close(ports);
			return code;
		}
		ports->count++;
	}
	*out = ports;
	return 0;
}

void ports_close(struct ports *ports)
{
	while (ports->count > 0) {
		struct port *port = &ports->port[--ports->count];

		for (unsigned i = 0; i < port->workers; i++)
			rte_pktmbuf_free_bulk(port->queue[i].out, port->queue[i].out_count);
		port->ops->close(port);
		rte_free(port->queue);
	}
	for (unsigned i = 0; i < RTE_MAX_NUMA_NODES; i++)
		rte_mempool_free(ports->pool[i]);
	free(ports);
}

unsigned ports_count(const struct ports *ports)
{
	return ports->count;
}

struct port *ports_at(struct ports *ports, unsigned index)
{
	must(index < ports->count);
	return &ports->port[index];
}

const char *port_name(const struct port *port)
{
	return port->config.name;
}

static uint64_t read_counter(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void port_info(struct port *port, struct plane_port *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", port->config.name);
	snprintf(out->device, sizeof(out->device), "%s", port->config.device);
	for (unsigned i = 0; i < port->workers; i++) {
		const struct port_counters *c = &port->queue[i].counters;

		out->rx_packets += read_counter(&c->rx_packets);
		out->rx_bytes += read_counter(&c->rx_bytes);
		out->tx_packets += read_counter(&c->tx_packets);
		out->tx_bytes += read_counter(&c->tx_bytes);
		out->tx_errors += read_counter(&c->tx_dropped);
		out->rx_nombuf += read_counter(&c->rx_nombuf);
		out->rx_errors += read_counter(&c->rx_errors);
		out->arp_answered += read_counter(&c->arp_answered);
		out->nd_answered += read_counter(&c->nd_answered);
		out->echo_answered += read_counter(&c->echo_answered);
		for (unsigned r = 0; r < ASSAY_R_MAX; r++)
			out->frame_drops[r] += read_counter(&c->drops[r]);
	}
	port->ops->info(port, out);
}

unsigned port_receive(struct port *port, unsigned worker, struct dgram *out, unsigned room,
		      uint64_t now, unsigned *frames)
{
	return port->ops->receive(port, worker, out, room, now, frames);
}

bool port_alloc(struct port *port, unsigned worker, struct dgram *out, unsigned n)
{
	struct rte_mbuf *mbuf[PORT_BURST];

	for (unsigned done = 0; done < n;) {
		unsigned some = RTE_MIN(n - done, (unsigned)PORT_BURST);

		if (rte_pktmbuf_alloc_bulk(port->queue[worker].pool, mbuf, some) != 0) {
			ports_release(out, done);
			return false;
		}
		for (unsigned i = 0; i < some; i++) {
			dgram_of(&out[done + i], mbuf[i]);
			out[done + i].room = RTE_MIN(out[done + i].room, port->payload_max);
		}
		done += some;
	}
	return true;
}

void port_send(struct port *port, unsigned worker, struct dgram *out, unsigned n)
{
	struct port_queue *queue = &port->queue[worker];

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = out[i].buffer;

		mbuf->data_len = out[i].len;
		mbuf->pkt_len = out[i].len;
		port->ops->prepare(port, mbuf, &out[i]);
		queue->out[queue->out_count++] = mbuf;
		if (queue->out_count == PORT_OUT_MAX)
			port->ops->flush(port, worker);
	}
}

void port_flush(struct port *port, unsigned worker)
{
	if (port->queue[worker].out_count > 0 || port->relay != NULL)
		port->ops->flush(port, worker);
}

void ports_release(struct dgram *in, unsigned n)
{
	struct rte_mbuf *mbuf[PORT_BURST];
	unsigned some = 0;

	for (unsigned i = 0; i < n; i++) {
		if (in[i].buffer != NULL)
			mbuf[some++] = in[i].buffer;
		if (some == PORT_BURST || (i + 1 == n && some > 0)) {
			rte_pktmbuf_free_bulk(mbuf, some);
			some = 0;
		}
	}
}

void *dgram_pack(const struct dgram *in)
{
	struct rte_mbuf *mbuf = in->buffer;

	mbuf->data_off = (uint16_t)(in->data - (uint8_t *)mbuf->buf_addr);
	mbuf->data_len = in->len;
	mbuf->pkt_len = in->len;
	*mbuf_path(mbuf) = in->path;
	return mbuf;
}

void dgram_unpack(struct dgram *out, void *packed)
{
	dgram_of(out, packed);
	out->path = *mbuf_path(packed);
}

bool port_wait_add(struct port *port, unsigned worker)
{
	return port->ops->wait_add(port, worker);
}

void port_wait_arm(struct port *port, unsigned worker, bool on)
{
	port->ops->wait_arm(port, worker, on);
}
