/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a udp: port: a socket for each worker that serves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "base/real.h"
#include "dpdk/port_udp.h"

#define SOCKET_BUFFER (4 * 1024 * 1024)

static const uint8_t zero[16];

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int set_options(const struct udp_queue *udp)
{
	int fd = udp->fd;

	/* as much as the kernel grants; without privileges that is net.core.[rw]mem_max */
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) != 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) != 0)
		set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
	if (set(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
		return -1;
	if (udp->is_v6)
		return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) |
		       set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO) |
		       (udp->any ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : 0);
	return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO) |
	       (udp->any ? set(fd, IPPROTO_IP, IP_PKTINFO, 1) : 0);
}

static void set_vector(struct udp_vector *v, bool any)
{
	for (unsigned i = 0; i < PORT_BURST; i++)
		v->message[i].msg_hdr = (struct msghdr){
			.msg_name = &v->name[i],
			.msg_iov = &v->iov[i],
			.msg_iovlen = 1,
			.msg_control = any ? &v->control[i] : NULL,
		};
}

static int open_queue(struct port_queue *queue, const struct net_addr *listen)
{
	struct udp_queue *udp = calloc(1, sizeof(*udp));
	struct sockaddr_in6 name;
	socklen_t len = sizeof(name);

	must(udp != NULL);
	queue->udp = udp;
	udp->is_v6 = !udp_is_mapped(listen->ip);
	udp->any = memcmp(listen->ip + (udp->is_v6 ? 0 : 12), zero, udp->is_v6 ? 16 : 4) == 0;
	set_vector(&udp->rx, udp->any);
	set_vector(&udp->tx, udp->any);
	udp->fd = socket(udp->is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			 0);
	if (udp->fd < 0 || set_options(udp) != 0)
		return -errno;
	len = udp_name_of(&name, listen, udp->is_v6);
	if (bind(udp->fd, (struct sockaddr *)&name, len) != 0)
		return -errno;
	len = sizeof(name);
	if (getsockname(udp->fd, (struct sockaddr *)&name, &len) != 0)
		return -errno;
	udp_address_of(&udp->local, &name);
	return 0;
}

static void explain(const struct port *port, int code, struct finding *trouble)
{
	char text[64];

	net_addr_format(text, &port->config.listen);
	finding_set(trouble, FINDING_BLOCKS, "port %s: cannot listen on %s: %s", port->config.name,
		    text, strerror(-code));
	if (code == -EADDRNOTAVAIL)
		finding_remedy(trouble, "name an address of this machine (ip -br address)");
	else if (code == -EADDRINUSE)
		finding_remedy(trouble, "find who has the port: ss -ulpn 'sport = :%u'",
			       port->config.listen.port);
	else if (code == -EACCES)
		finding_remedy(trouble, "choose a port above 1023");
}

/*
 * SO_REUSEPORT would let a second daemon of this user share the port unseen: without it, a socket
 * that is there already makes the bind fail.
 */
static int probe(const struct net_addr *listen)
{
	struct sockaddr_in6 name;
	bool is_v6 = !udp_is_mapped(listen->ip);
	socklen_t len = udp_name_of(&name, listen, is_v6);
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int code = 0;

	if (fd < 0)
		return -errno;
	if (is_v6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, (struct sockaddr *)&name, len) != 0)
		code = -errno;
	close(fd);
	return code;
}

int port_udp_open(struct port *port, const struct ports_config *config, struct finding *trouble)
{
	struct net_addr *listen = &port->config.listen;
	int code = probe(listen);

	port->ops = &port_udp_ops;
	for (unsigned i = 0; i < port->workers && code == 0; i++) {
		if (!port->queue[i].serves)
			continue;
		code = open_queue(&port->queue[i], listen);
		if (code == 0)
			*listen = port->queue[i].udp->local; /* the port number, if it was 0 */
	}
	if (code == 0)
		return 0;
	explain(port, code, trouble);
	port_udp_close(port);
	return code == -EADDRINUSE ? ASSAY_E_EXISTS : ASSAY_E_IO;
}
