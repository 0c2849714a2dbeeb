/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an ethdev: plugging it in, what is asked of it, queues, start. */
#include <errno.h>
#include <string.h>

#include <rte_bus_pci.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "dpdk/port.h"

#define DESCRIPTORS 1024 /* wanted per queue; the device may have less */
#define RELAY_SLOTS 1024
#define MTU_DEFAULT 1500

static const uint64_t rx_wanted = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
static const uint64_t tx_wanted = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

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

static int refuse_limit(const struct port *port, const struct ports_config *config,
			const struct rte_eth_dev_info *device, struct finding *trouble)
{
	unsigned most = device->max_rx_pktlen - RTE_ETHER_CRC_LEN - FRAME_HEADERS_MAX;

	finding_set(trouble, FINDING_BLOCKS,
		    "port %s: its device carries datagrams of %u bytes at most, the config says %u",
		    port->config.name, most, config->payload_max);
	finding_remedy(trouble, "session { datagram_limit = %u }",
		       RTE_MAX(most, (unsigned)ASSAY_PAYLOAD_DEFAULT));
	return ASSAY_E_RANGE;
}

static int configure(struct port *port, const struct ports_config *config,
		     const struct rte_eth_dev_info *device, struct finding *trouble)
{
	unsigned serving = count_serving(port);
	unsigned mtu = RTE_MAX(config->payload_max + FRAME_IPV6_LEN + FRAME_UDP_LEN, MTU_DEFAULT);
	struct rte_eth_conf conf = {
		.rxmode = {.mtu = mtu, .offloads = rx_wanted & device->rx_offload_capa},
		.txmode = {.offloads = tx_wanted & device->tx_offload_capa},
		.intr_conf = {.rxq = config->interrupts},
	};
	int code;

	if (mtu > MTU_DEFAULT &&
	    mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN > device->max_rx_pktlen)
		return refuse_limit(port, config, device, trouble);
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
	if (mtu > MTU_DEFAULT) {
		code = rte_eth_dev_set_mtu(port->dev, (uint16_t)mtu);
		if (code != 0 && code != -ENOTSUP)
			return fail(port, trouble,
				    "device does not carry datagrams of session { datagram_limit }",
				    code);
	}
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

	port->ops = &port_dpdk_ops;
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
		port_dpdk_close(port);
	else
		log_info(port->log, "port", "device started",
			 "port=%s driver=%s rx_queues=%u tx_queues=%u checksums=%s",
			 port->config.name, device.driver_name, port->rx_queues, port->tx_queues,
			 port->tx_flags != 0 ? "device" : "software");
	return code;
}
