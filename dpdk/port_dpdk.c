/* SPDX-License-Identifier: Apache-2.0 */
/* Any ethdev of DPDK as a port: physical NIC, af_xdp, af_packet, tap, memif, ring, pcap. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_pci.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "base/must.h"
#include "base/real.h"
#include "dpdk/port.h"

#define DESCRIPTORS 1024 /* wanted per queue; the device may have less */
#define RELAY_SLOTS 1024

static const uint64_t rx_wanted = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
static const uint64_t tx_wanted = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

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

static void close_port(struct port *port)
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

static const struct port_ops dpdk_ops = {
	.receive = receive,
	.prepare = prepare,
	.flush = flush,
	.wait_add = wait_add,
	.wait_arm = wait_arm,
	.info = info,
	.close = close_port,
};

/* --- opening -------------------------------------------------------------------------------- */

static int fail(const struct port *port, struct finding *trouble, const char *what, int code)
{
	finding_set(trouble, FINDING_BLOCKS, "port %s: %s: %s", port->config.name, what,
		    rte_strerror(-code));
	finding_remedy(trouble, "assayd --doctor says what a device needs; --log-level debug shows "
				"what DPDK says");
	return ASSAY_E_IO;
}

/* Plugs the device in ("name,args" of a virtual one) or finds it (PCI, probed by EAL). */
static int plug(struct port *port, struct finding *trouble)
{
	const char *device = port->config.device + strlen("dpdk:");
	struct rte_pci_addr pci;
	char name[sizeof(port->dev_name)];
	const char *args = strchr(device, ',');
	size_t len = args != NULL ? (size_t)(args - device) : strlen(device);
	int code;

	if (len >= sizeof(name))
		return fail(port, trouble, "name of the device is too long", -ENAMETOOLONG);
	memcpy(name, device, len);
	name[len] = '\0';
	if (rte_pci_addr_parse(name, &pci) == 0) {
		code = rte_eth_dev_get_port_by_name(name, &port->dev);
		return code == 0 ? 0
				 : fail(port, trouble,
					"DPDK has no driver for the device, or it is not bound to "
					"vfio-pci",
					code);
	}
	code = rte_eal_hotplug_add("vdev", name, args != NULL ? args + 1 : "");
	if (code != 0)
		return fail(port, trouble, "DPDK cannot make the device", code);
	memcpy(port->dev_name, name, len + 1);
	code = rte_eth_dev_get_port_by_name(name, &port->dev);
	return code == 0 ? 0 : fail(port, trouble, "device gives no port", code);
}

static unsigned count_serving(const struct port *port)
{
	unsigned n = 0;

	for (unsigned i = 0; i < port->workers; i++)
		n += port->queue[i].serves;
	return n;
}

static int configure(struct port *port, const struct ports_config *config,
		     const struct rte_eth_dev_info *device, struct finding *trouble)
{
	unsigned serving = count_serving(port);
	unsigned mtu = RTE_MAX(config->payload_max + FRAME_IPV6_LEN + FRAME_UDP_LEN, 1500);
	struct rte_eth_conf conf = {
		.rxmode = {.mtu = mtu, .offloads = rx_wanted & device->rx_offload_capa},
		.txmode = {.offloads = tx_wanted & device->tx_offload_capa},
		.intr_conf = {.rxq = config->interrupts},
	};
	int code;

	port->rx_queues = RTE_MIN(serving, device->max_rx_queues);
	port->tx_queues = RTE_MIN(serving, device->max_tx_queues);
	if (port->rx_queues > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP) & device->flow_type_rss_offloads;
		if (conf.rx_adv_conf.rss_conf.rss_hf == 0)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	}
	code = rte_eth_dev_configure(port->dev, (uint16_t)port->rx_queues,
				     (uint16_t)port->tx_queues, &conf);
	if (code != 0 && config->interrupts) { /* many virtual devices have none */
		conf.intr_conf.rxq = 0;
		code = rte_eth_dev_configure(port->dev, (uint16_t)port->rx_queues,
					     (uint16_t)port->tx_queues, &conf);
	}
	if (code != 0)
		return fail(port, trouble, "device takes no configuration", code);
	port->interrupts = conf.intr_conf.rxq != 0;
	/* offered and accepted: the device does it; IPv6 needs the UDP sum only */
	if ((conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0)
		port->tx_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	else
		port->sums |= FRAME_SUM_IP;
	if ((conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0) {
		port->tx_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
		port->sums |= FRAME_SUM_PSEUDO;
	}
	return 0;
}

static int setup_queues(struct port *port, struct finding *trouble)
{
	uint16_t rx_slots = DESCRIPTORS, tx_slots = DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(port->dev), rank = 0;
	int code = rte_eth_dev_adjust_nb_rx_tx_desc(port->dev, &rx_slots, &tx_slots);

	for (unsigned i = 0; i < port->workers && code == 0; i++) {
		struct port_queue *queue = &port->queue[i];

		if (!queue->serves)
			continue;
		queue->rx = rank < (int)port->rx_queues ? rank : -1;
		queue->tx = rank < (int)port->tx_queues ? rank : -1;
		rank++;
		if (queue->rx >= 0)
			code = rte_eth_rx_queue_setup(port->dev, (uint16_t)queue->rx, rx_slots,
						      (unsigned)socket, NULL, queue->pool);
		if (queue->tx >= 0 && code == 0)
			code = rte_eth_tx_queue_setup(port->dev, (uint16_t)queue->tx, tx_slots,
						      (unsigned)socket, NULL);
	}
	if (code != 0)
		return fail(port, trouble, "device gives no queues", code);
	if (rank <= (int)port->tx_queues)
		return 0;
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "assay_relay_%u", port->index);
	port->relay = rte_ring_create(name, RELAY_SLOTS, socket, RING_F_SC_DEQ);
	return port->relay != NULL ? 0 : fail(port, trouble, "no memory for a ring", -ENOMEM);
}

static bool has_ipv6(const struct port *port)
{
	for (unsigned i = 0; i < port->self.address_count; i++)
		if (port->self.address[i].ip[10] != 0xff || port->self.address[i].ip[0] != 0)
			return true;
	return false;
}

static int start(struct port *port, struct finding *trouble)
{
	struct rte_ether_addr mac;
	int code = rte_eth_dev_start(port->dev);

	if (code != 0)
		return fail(port, trouble, "device does not start", code);
	port->started = true;
	code = rte_eth_macaddr_get(port->dev, &mac);
	if (code != 0)
		return fail(port, trouble, "device has no MAC address", code);
	memcpy(port->self.mac, mac.addr_bytes, sizeof(port->self.mac));
	/* neighbour solicitations are sent to groups; devices without a filter refuse both calls */
	if (has_ipv6(port) && rte_eth_allmulticast_enable(port->dev) != 0)
		rte_eth_promiscuous_enable(port->dev);
	return 0;
}

int port_dpdk_open(struct port *port, const struct ports_config *config, struct finding *trouble)
{
	struct rte_eth_dev_info device;
	int code;

	port->ops = &dpdk_ops;
	port->dev = RTE_MAX_ETHPORTS;
	port->self.address_count = (uint8_t)port->config.address_count;
	memcpy(port->self.address, port->config.address, sizeof(port->self.address));
	code = plug(port, trouble);
	if (code == 0 && rte_eth_dev_info_get(port->dev, &device) != 0)
		code = fail(port, trouble, "device says nothing about itself", -EIO);
	if (code == 0)
		code = configure(port, config, &device, trouble);
	if (code == 0)
		code = setup_queues(port, trouble);
	if (code == 0)
		code = start(port, trouble);
	if (code != 0)
		close_port(port);
	else
		log_info(port->log, "port", "device started",
			 "port=%s driver=%s rx_queues=%u tx_queues=%u checksums=%s",
			 port->config.name, device.driver_name, port->rx_queues, port->tx_queues,
			 port->tx_flags != 0 ? "device" : "software");
	return code;
}
