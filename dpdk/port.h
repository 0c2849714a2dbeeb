/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the ports: what ports.c, port_dpdk.c and port_udp.c share. */
#ifndef DPDK_PORT_H
#define DPDK_PORT_H

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dpdk/neighbour.h"
#include "dpdk/ports.h"

#define PORT_BURST   SERVE_BURST_MAX
#define PORT_OUT_MAX 256 /* frames that wait for one flush */
#define PORT_RETRIES 64	 /* tries to hand frames to a device that takes none */

/* Written by the queue's worker, read by control at any time. */
struct port_counters {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, tx_dropped, rx_nombuf, rx_errors;
	uint64_t arp_answered, nd_answered, echo_answered;
	uint64_t drops[ASSAY_R_MAX];
};

struct udp_queue;

/* One worker's side of a port. */
struct port_queue {
	struct rte_mempool *pool; /* of the worker's NUMA node */
	struct udp_queue *udp;	  /* udp ports: the socket and its vectors */
	bool serves;
	int rx, tx; /* DPDK ports: queue of the device, -1 when the worker has none */
	unsigned out_count;
	struct rte_mbuf *out[PORT_OUT_MAX];
	struct port_counters counters;
} __rte_cache_aligned;

struct port_ops {
	/* Up to PORT_BURST frames as datagrams. */
	unsigned (*receive)(struct port *port, unsigned worker, struct dgram *out, unsigned room,
			    uint64_t now, unsigned *frames);
	/* Makes a datagram ready to be sent: headers, addresses. */
	void (*prepare)(struct port *port, struct rte_mbuf *mbuf, const struct dgram *in);
	/* Hands queue->out to the device; what it does not take is dropped and counted. */
	void (*flush)(struct port *port, unsigned worker);
	bool (*wait_add)(struct port *port, unsigned worker);
	void (*wait_arm)(struct port *port, unsigned worker, bool on);
	void (*info)(struct port *port, struct plane_port *out);
	void (*close)(struct port *port);
};

struct port {
	struct port_config config;
	const struct port_ops *ops;
	const struct log *log;
	uint16_t index;
	unsigned workers;
	uint16_t payload_max;
	struct port_queue *queue; /* one per worker */
	/* DPDK ports. */
	uint16_t dev;
	bool started;
	bool interrupts;   /* the device can wake a worker, and was told to */
	char dev_name[64]; /* for unplugging; empty when it was there before */
	unsigned rx_queues, tx_queues;
	unsigned sums;	   /* FRAME_SUM_* */
	uint64_t tx_flags; /* RTE_MBUF_F_TX_*, what the device computes */
	struct frame_self self;
	struct neighbour_limit arp, nd, echo;
	/* Frames of workers without a transmit queue of their own, to the worker that has queue 0.
	 */
	struct rte_ring *relay;
};

/* port_dpdk.c, for port_dpdk_open.c. */
extern const struct port_ops port_dpdk_ops;
void port_dpdk_close(struct port *port);

/* Both fill ops and queues; on failure they have undone all. */
int port_dpdk_open(struct port *port, const struct ports_config *config, struct finding *trouble);
int port_udp_open(struct port *port, const struct ports_config *config, struct finding *trouble);

/* Where a datagram keeps its path while it is only an mbuf. */
static inline struct path *mbuf_path(struct rte_mbuf *mbuf)
{
	return (struct path *)rte_mbuf_to_priv(mbuf);
}

static inline void dgram_of(struct dgram *out, struct rte_mbuf *mbuf)
{
	out->data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	out->len = mbuf->data_len;
	out->room = (uint16_t)(mbuf->buf_len - mbuf->data_off);
	out->buffer = mbuf;
}

/* Counters have one writer; readers must not see half a value. */
static inline void count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

#endif
