/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of udp: ports: the queue that port_udp.c moves datagrams with and port_udp_open.c makes.
 */
#ifndef DPDK_PORT_UDP_H
#define DPDK_PORT_UDP_H

#include <netinet/in.h>
#include <sys/socket.h>

#include <rte_epoll.h>

#include "dpdk/port.h"

union control { /* one IP_PKTINFO or IPV6_PKTINFO */
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct udp_vector {
	struct mmsghdr message[PORT_BURST];
	struct iovec iov[PORT_BURST];
	struct sockaddr_in6 name[PORT_BURST]; /* also holds a sockaddr_in */
	union control control[PORT_BURST];
};

struct udp_queue {
	int fd;
	bool is_v6;
	bool any;	       /* bound to a wildcard: answers say which address they leave from */
	struct net_addr local; /* as bound */
	unsigned filled;       /* rx slots that have a buffer, from the front */
	struct rte_mbuf *slot[PORT_BURST];
	struct udp_vector rx, tx;
	struct rte_epoll_event event;
};

extern const struct port_ops port_udp_ops;
void port_udp_close(struct port *port);

bool udp_is_mapped(const uint8_t ip[16]);
/* To and from a socket's name; IPv4 addresses are v4-mapped outside. */
socklen_t udp_name_of(struct sockaddr_in6 *out, const struct net_addr *address, bool is_v6);
void udp_address_of(struct net_addr *out, const struct sockaddr_in6 *name);

#endif
