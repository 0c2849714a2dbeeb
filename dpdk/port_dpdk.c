/* SPDX-License-Identifier: Apache-2.0 */
/* Any ethdev of DPDK as a port: physical NIC, af_xdp, af_packet, tap, memif, ring, pcap. */
#include <string.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "base/must.h"
#include "base/real.h"
#include "dpdk/port.h"

/* --- receive -------------------------------------------------------------------------------- */

static void answer_neighbour(struct port *port, struct port_queue *queue, unsigned worker,
			     struct rte_mbuf *mbuf, const struct frame *frame, uint64_t now)
{
	struct neighbour_limit *limit = frame->kind == FRAME_ARP  ? &port->arp
					: frame->kind == FRAME_ND ? &port->nd
								  : &port->echo;
	struct port_counters *c = &queue->counters;

	if (!neighbour_allow(limit, now)) {
		count(&c->drops[ASSAY_R_RATE], 1);
		rte_pktmbuf_free(mbuf);
		return;
	}
	count(frame->kind == FRAME_ARP	? &c->arp_answered
	      : frame->kind == FRAME_ND ? &c->nd_answered
					: &c->echo_answered,
	      1);
	mbuf->data_len =
		(uint16_t)neighbour_answer(rte_pktmbuf_mtod(mbuf, uint8_t *), frame, &port->self);
	mbuf->pkt_len = mbuf->data_len;
	mbuf->ol_flags = 0;
	queue->out[queue->out_count++] = mbuf;
	if (queue->out_count == PORT_OUT_MAX)
		port->ops->flush(port, worker);
}

static unsigned receive(struct port *port, unsigned worker, struct dgram *out, unsigned room,
			uint64_t now, unsigned *frames)
{
	struct port_queue *queue = &port->queue[worker];
	struct port_counters *c = &queue->counters;
	struct rte_mbuf *mbuf[PORT_BURST];
	uint64_t bytes = 0;
	unsigned taken = 0, n;
	struct frame frame;

	if (queue->rx < 0)
		return 0;
	n = rte_eth_rx_burst(port->dev, (uint16_t)queue->rx, mbuf,
			     (uint16_t)RTE_MIN(room, (unsigned)PORT_BURST));
	if (n == 0)
		return 0;
	*frames += n;
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbuf[i], void *));
	for (unsigned i = 0; i < n; i++) {
		uint8_t *data = rte_pktmbuf_mtod(mbuf[i], uint8_t *);

		bytes += mbuf[i]->pkt_len;
		frame_parse(&frame, data, mbuf[i]->data_len, &port->self);
		if (mbuf[i]->nb_segs > 1 && frame.kind != FRAME_DROP) {
			frame.kind = FRAME_DROP; /* longer than any datagram we offer */
			frame.reason = ASSAY_R_IP_LENGTH;
		}
		if (frame.kind == FRAME_UDP) {
			out[taken].data = data + frame.offset;
			out[taken].len = frame.len;
			out[taken].room =
				(uint16_t)(mbuf[i]->buf_len - mbuf[i]->data_off - frame.offset);
			out[taken].path = frame.path;
			out[taken].path.port = port->index;
			out[taken++].buffer = mbuf[i];
		} else if (frame.kind == FRAME_DROP) {
			count(&c->drops[frame.reason], 1);
			rte_pktmbuf_free(mbuf[i]);
		} else {
			answer_neighbour(port, queue, worker, mbuf[i], &frame, now);
		}
	}
	count(&c->rx_packets, n);
	count(&c->rx_bytes, bytes);
	return taken;
}

/* --- transmit ------------------------------------------------------------------------------- */

static void prepare(struct port *port, struct rte_mbuf *mbuf, const struct dgram *in)
{
	unsigned headers = frame_headers_len(&in->path);
	bool is_v4 = headers != FRAME_HEADERS_MAX;
	uint8_t *payload = rte_pktmbuf_mtod(mbuf, uint8_t *);

	must(rte_pktmbuf_prepend(mbuf, (uint16_t)headers) != NULL);
	frame_build(payload, in->len, &in->path, port->self.mac, port->sums);
	if (port->tx_flags == 0)
		return;
	mbuf->l2_len = FRAME_ETHER_LEN;
	mbuf->l3_len = is_v4 ? FRAME_IPV4_LEN : FRAME_IPV6_LEN;
	mbuf->ol_flags = is_v4 ? port->tx_flags | RTE_MBUF_F_TX_IPV4
			       : (port->tx_flags & ~RTE_MBUF_F_TX_IP_CKSUM) | RTE_MBUF_F_TX_IPV6;
}

/* A worker without transmit queue passes its frames to the worker that has one. */
static void pass_on(struct port *port, struct port_queue *queue)
{
	unsigned n =
		rte_ring_mp_enqueue_burst(port->relay, (void **)queue->out, queue->out_count, NULL);

	count(&queue->counters.tx_dropped, queue->out_count - n);
	rte_pktmbuf_free_bulk(&queue->out[n], queue->out_count - n);
	queue->out_count = 0;
}

static void transmit(struct port *port, struct port_queue *queue, struct rte_mbuf **mbuf,
		     unsigned n)
{
	struct port_counters *c = &queue->counters;
	unsigned done = 0, tries = 0;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += mbuf[i]->pkt_len;
	while (done < n && tries < PORT_RETRIES) {
		unsigned sent = rte_eth_tx_burst(port->dev, (uint16_t)queue->tx, &mbuf[done],
						 (uint16_t)(n - done));

		done += sent;
		if (sent == 0) {
			tries++;
			rte_pause();
		}
	}
	for (unsigned i = done; i < n; i++)
		bytes -= mbuf[i]->pkt_len;
	count(&c->tx_packets, done);
	count(&c->tx_bytes, bytes);
	count(&c->tx_dropped, n - done);
	rte_pktmbuf_free_bulk(&mbuf[done], n - done);
}

static void flush(struct port *port, unsigned worker)
{
	struct port_queue *queue = &port->queue[worker];
	struct rte_mbuf *mbuf[PORT_BURST];
	unsigned n;

	if (queue->tx < 0) {
		pass_on(port, queue);
		return;
	}
	transmit(port, queue, queue->out, queue->out_count);
	queue->out_count = 0;
	if (port->relay == NULL || queue->tx != 0)
		return;
	n = rte_ring_sc_dequeue_burst(port->relay, (void **)mbuf, PORT_BURST, NULL);
	transmit(port, queue, mbuf, n);
}

/* --- sleeping ------------------------------------------------------------------------------- */

static bool wait_add(struct port *port, unsigned worker)
{
	int rx = port->queue[worker].rx;

	/* frames on the relay ring wake nobody: worth polling for */
	return rx >= 0 && port->interrupts && port->relay == NULL &&
	       rte_eth_dev_rx_intr_ctl_q(port->dev, (uint16_t)rx, RTE_EPOLL_PER_THREAD,
					 RTE_INTR_EVENT_ADD, NULL) == 0;
}

static void wait_arm(struct port *port, unsigned worker, bool on)
{
	int rx = port->queue[worker].rx;

	if (rx < 0 || !port->interrupts)
		return;
	if (on)
		rte_eth_dev_rx_intr_enable(port->dev, (uint16_t)rx);
	else
		rte_eth_dev_rx_intr_disable(port->dev, (uint16_t)rx);
}

/* --- state ---------------------------------------------------------------------------------- */

static void info(struct port *port, struct plane_port *out)
{
	struct rte_eth_dev_info device;
	struct rte_eth_link link;
	struct rte_eth_stats stats;
	size_t used = 0;

	for (unsigned i = 0; i < port->self.address_count; i++) {
		char text[64];

		net_addr_format(text, &port->self.address[i]);
		used += (size_t)snprintf(out->addresses + used, sizeof(out->addresses) - used,
					 "%s%s", i > 0 ? " " : "", text);
		if (used >= sizeof(out->addresses))
			break;
	}
	rte_ether_format_addr(out->mac, sizeof(out->mac), (struct rte_ether_addr *)port->self.mac);
	if (rte_eth_dev_info_get(port->dev, &device) == 0)
		snprintf(out->driver, sizeof(out->driver), "%s", device.driver_name);
	out->link_up = rte_eth_link_get_nowait(port->dev, &link) == 0 &&
		       link.link_status == RTE_ETH_LINK_UP;
	if (rte_eth_stats_get(port->dev, &stats) == 0) {
		out->rx_missed += stats.imissed;
		out->rx_errors += stats.ierrors;
		out->rx_nombuf += stats.rx_nombuf;
	}
}

void port_dpdk_close(struct port *port)
{
	if (port->started)
		rte_eth_dev_stop(port->dev);
	if (port->relay != NULL) {
		void *mbuf;

		while (rte_ring_dequeue(port->relay, &mbuf) == 0)
			rte_pktmbuf_free(mbuf);
		rte_ring_free(port->relay);
	}
	if (port->dev != RTE_MAX_ETHPORTS)
		rte_eth_dev_close(port->dev);
	if (port->dev_name[0] != '\0')
		rte_eal_hotplug_remove("vdev", port->dev_name);
}

const struct port_ops port_dpdk_ops = {
	.receive = receive,
	.prepare = prepare,
	.flush = flush,
	.wait_add = wait_add,
	.wait_arm = wait_arm,
	.info = info,
	.close = port_dpdk_close,
};
