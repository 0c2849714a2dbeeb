/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel UDP sockets as a port: one SO_REUSEPORT socket per worker, datagrams moved by recvmmsg and
 * sendmmsg straight into and out of mbufs. For machines without a NIC or privileges, and the
 * yardstick that shows what bypassing the kernel gains.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <rte_interrupts.h>
#include <rte_pause.h>

#include "base/must.h"
#include "base/real.h"
#include "dpdk/port_udp.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool udp_is_mapped(const uint8_t ip[16])
{
	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

socklen_t udp_name_of(struct sockaddr_in6 *out, const struct net_addr *address, bool is_v6)
{
	if (is_v6) {
		*out = (struct sockaddr_in6){.sin6_family = AF_INET6,
					     .sin6_port = htons(address->port)};
		memcpy(&out->sin6_addr, address->ip, 16);
		return sizeof(struct sockaddr_in6);
	}
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(address->port)};
	memcpy(&v4->sin_addr, address->ip + 12, 4);
	return sizeof(struct sockaddr_in);
}

void udp_address_of(struct net_addr *out, const struct sockaddr_in6 *name)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)name;

	if (name->sin6_family == AF_INET6) {
		memcpy(out->ip, &name->sin6_addr, 16);
		out->port = ntohs(name->sin6_port);
		return;
	}
	memcpy(out->ip, mapped, 12);
	memcpy(out->ip + 12, &v4->sin_addr, 4);
	out->port = ntohs(v4->sin_port);
}

/* The address a datagram was sent to. */
static void read_local(struct net_addr *out, struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(out->ip, mapped, 12);
			memcpy(out->ip + 12, &info.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(out->ip, &info.ipi6_addr, 16);
		}
	}
}

/* Makes the answer leave from the address the request came to. */
static void write_local(struct msghdr *header, union control *control, const struct net_addr *local,
			bool is_v6)
{
	header->msg_control = control;
	header->msg_controllen = sizeof(*control);
	struct cmsghdr *c = CMSG_FIRSTHDR(header);

	if (is_v6) {
		struct in6_pktinfo info = {.ipi6_ifindex = 0};

		memcpy(&info.ipi6_addr, local->ip, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in_pktinfo info = {.ipi_ifindex = 0};

		memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

/* Gives every receive slot a buffer; fewer when the pool is empty. */
static void fill_slots(struct port_queue *queue, uint16_t payload_max)
{
	struct udp_queue *udp = queue->udp;
	unsigned missing = PORT_BURST - udp->filled;

	if (missing == 0)
		return;
	if (rte_pktmbuf_alloc_bulk(queue->pool, &udp->slot[udp->filled], missing) != 0) {
		count(&queue->counters.rx_nombuf, 1);
		return;
	}
	for (; udp->filled < PORT_BURST; udp->filled++) {
		struct rte_mbuf *mbuf = udp->slot[udp->filled];
		struct iovec *iov = &udp->rx.iov[udp->filled];

		iov->iov_base = rte_pktmbuf_mtod(mbuf, void *);
		/* one byte more than is legal, so that longer ones show */
		iov->iov_len = payload_max + 1u;
	}
}

/* One received datagram; false when it is not one to pass on. */
static bool take(struct port *port, struct port_queue *queue, unsigned i, struct dgram *out)
{
	struct udp_queue *udp = queue->udp;
	struct mmsghdr *message = &udp->rx.message[i];
	struct rte_mbuf *mbuf = udp->slot[i];

	count(&queue->counters.rx_packets, 1);
	count(&queue->counters.rx_bytes, message->msg_len);
	if (message->msg_len > port->payload_max) {
		count(&queue->counters.drops[ASSAY_R_UDP_LENGTH], 1);
		rte_pktmbuf_free(mbuf);
		return false;
	}
	mbuf->data_len = (uint16_t)message->msg_len;
	mbuf->pkt_len = message->msg_len;
	dgram_of(out, mbuf);
	memset(&out->path, 0, sizeof(out->path));
	out->path.port = port->index;
	udp_address_of(&out->path.remote, &udp->rx.name[i]);
	out->path.local = udp->local;
	if (udp->any)
		read_local(&out->path.local, &message->msg_hdr);
	return true;
}

static unsigned receive(struct port *port, unsigned worker, struct dgram *out, unsigned room,
			uint64_t now, unsigned *frames)
{
	struct port_queue *queue = &port->queue[worker];
	struct udp_queue *udp = queue->udp;
	unsigned taken = 0;

	fill_slots(queue, port->payload_max);
	for (unsigned i = 0; i < udp->filled; i++) {
		struct msghdr *header = &udp->rx.message[i].msg_hdr;

		header->msg_namelen = sizeof(udp->rx.name[i]);
		header->msg_controllen = udp->any ? sizeof(udp->rx.control[i]) : 0;
	}
	int n = recvmmsg(udp->fd, udp->rx.message, RTE_MIN(room, udp->filled), MSG_DONTWAIT, NULL);

	if (n <= 0) {
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			count(&queue->counters.rx_errors, 1);
		return 0;
	}
	*frames += (unsigned)n;
	for (unsigned i = 0; i < (unsigned)n; i++)
		taken += take(port, queue, i, &out[taken]);
	/* the buffers of the rest move to the front, with their iovecs */
	udp->filled -= (unsigned)n;
	for (unsigned i = 0; i < udp->filled; i++) {
		udp->slot[i] = udp->slot[i + (unsigned)n];
		udp->rx.iov[i] = udp->rx.iov[i + (unsigned)n];
	}
	return taken;
}

static void prepare(struct port *port, struct rte_mbuf *mbuf, const struct dgram *in)
{
	*mbuf_path(mbuf) = in->path;
}

static void fill_message(struct udp_queue *udp, unsigned i, struct rte_mbuf *mbuf)
{
	struct msghdr *header = &udp->tx.message[i].msg_hdr;
	const struct path *path = mbuf_path(mbuf);

	header->msg_namelen = udp_name_of(&udp->tx.name[i], &path->remote, udp->is_v6);
	udp->tx.iov[i] = (struct iovec){rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len};
	if (udp->any)
		write_local(header, &udp->tx.control[i], &path->local, udp->is_v6);
}

/* At most PORT_BURST of them. A full socket is tried again for a moment; a datagram that the
 * kernel refuses is dropped. */
static void send_some(struct port_queue *queue, struct rte_mbuf **mbuf, unsigned n)
{
	struct udp_queue *udp = queue->udp;
	unsigned done = 0, tries = 0;

	for (unsigned i = 0; i < n; i++)
		fill_message(udp, i, mbuf[i]);
	while (done < n) {
		int sent = sendmmsg(udp->fd, &udp->tx.message[done], n - done, MSG_DONTWAIT);

		if (sent > 0) {
			for (int i = 0; i < sent; i++)
				count(&queue->counters.tx_bytes,
				      mbuf[done + (unsigned)i]->data_len);
			count(&queue->counters.tx_packets, (unsigned)sent);
			done += (unsigned)sent;
		} else if (errno == EINTR ||
			   ((errno == EAGAIN || errno == ENOBUFS) && tries++ < PORT_RETRIES)) {
			rte_pause();
		} else {
			count(&queue->counters.tx_dropped, 1);
			done++;
		}
	}
	rte_pktmbuf_free_bulk(mbuf, n);
}

static void flush(struct port *port, unsigned worker)
{
	struct port_queue *queue = &port->queue[worker];

	for (unsigned i = 0; i < queue->out_count; i += PORT_BURST)
		send_some(queue, &queue->out[i],
			  RTE_MIN(queue->out_count - i, (unsigned)PORT_BURST));
	queue->out_count = 0;
}

static bool wait_add(struct port *port, unsigned worker)
{
	struct udp_queue *udp = port->queue[worker].udp;

	udp->event.epdata.event = EPOLLIN;
	return rte_epoll_ctl(RTE_EPOLL_PER_THREAD, EPOLL_CTL_ADD, udp->fd, &udp->event) == 0;
}

static void wait_arm(struct port *port, unsigned worker, bool on)
{
	/* a socket is always armed */
}

static void info(struct port *port, struct plane_port *out)
{
	net_addr_format(out->addresses, &port->config.listen);
	snprintf(out->driver, sizeof(out->driver), "kernel socket");
	out->link_up = true;
}

static void close_queue(struct port_queue *queue)
{
	struct udp_queue *udp = queue->udp;

	if (udp == NULL)
		return;
	rte_pktmbuf_free_bulk(udp->slot, udp->filled);
	if (udp->fd >= 0)
		close(udp->fd);
	free(udp);
	queue->udp = NULL;
}

void port_udp_close(struct port *port)
{
	for (unsigned i = 0; i < port->workers; i++)
		close_queue(&port->queue[i]);
}

const struct port_ops port_udp_ops = {
	.receive = receive,
	.prepare = prepare,
	.flush = flush,
	.wait_add = wait_add,
	.wait_arm = wait_arm,
	.info = info,
	.close = port_udp_close,
};
