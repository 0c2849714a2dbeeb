/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/text.h"

#define BUFFER_BYTES (4 << 20) /* asked for; the kernel gives what its limit allows */

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct real_net {
	int fd;
};

static bool addr_is_v4(const struct net_addr *addr)
{
	return memcmp(addr->ip, v4_prefix, sizeof(v4_prefix)) == 0;
}

static socklen_t to_sockaddr(struct sockaddr_storage *out, const struct net_addr *addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (addr_is_v4(addr)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(addr->port);
		memcpy(&v4->sin_addr, addr->ip + 12, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(addr->port);
	memcpy(&v6->sin6_addr, addr->ip, 16);
	return sizeof(*v6);
}

static void from_sockaddr(struct net_addr *out, const struct sockaddr_storage *in)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;

	if (in->ss_family == AF_INET) {
		memcpy(out->ip, v4_prefix, sizeof(v4_prefix));
		memcpy(out->ip + 12, &v4->sin_addr, 4);
		out->port = ntohs(v4->sin_port);
	} else {
		memcpy(out->ip, &v6->sin6_addr, 16);
		out->port = ntohs(v6->sin6_port);
	}
}

static int real_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	const struct real_net *n = ctx;
	struct sockaddr_storage sa;
	socklen_t sa_len = to_sockaddr(&sa, to);
	ssize_t sent;

	do
		sent = sendto(n->fd, data, len, MSG_DONTWAIT, (struct sockaddr *)&sa, sa_len);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? ASSAY_E_AGAIN
									   : ASSAY_E_IO;
}

/* Waits until the socket is readable: 0, TIMEOUT or IO. */
static int wait_readable(int fd, uint64_t deadline_ns)
{
	struct clock clock = clock_real();

	for (;;) {
		uint64_t now = clock_mono(&clock);
		uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
		struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = ppoll(&p, 1, &wait, NULL);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return ASSAY_E_IO;
		if (ready == 0 && left == 0)
			return ASSAY_E_TIMEOUT;
	}
}

static int real_receive(void *ctx, struct net_addr *from, void *out, size_t room,
			uint64_t deadline_ns)
{
	const struct real_net *n = ctx;

	for (;;) {
		struct sockaddr_storage sa;
		struct iovec part = {out, room};
		struct msghdr message = {
			.msg_name = &sa,
			.msg_namelen = sizeof(sa),
			.msg_iov = &part,
			.msg_iovlen = 1,
		};
		ssize_t got = recvmsg(n->fd, &message, MSG_DONTWAIT);

		if (got >= 0 && (message.msg_flags & MSG_TRUNC) == 0) {
			from_sockaddr(from, &sa);
			return (int)got;
		}
		if (got >= 0 || errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return ASSAY_E_IO;
		int err = wait_readable(n->fd, deadline_ns);

		if (err != 0)
			return err;
	}
}

int net_real_open(struct net *out, const struct net_addr *remote)
{
	struct real_net *n = malloc(sizeof(*n));
	int bytes = BUFFER_BYTES;

	if (n == NULL)
		return ASSAY_E_NOMEM;
	n->fd = socket(addr_is_v4(remote) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd < 0) {
		free(n);
		return errno == EAFNOSUPPORT ? ASSAY_E_UNSUPPORTED : ASSAY_E_IO;
	}
	setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(n->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	*out = (struct net){real_send, real_receive, n};
	return 0;
}

void net_real_close(struct net *net)
{
	struct real_net *n = net->ctx;

	close(n->fd);
	free(n);
	net->ctx = NULL;
}

int net_real_fd(const struct net *net)
{
	return ((const struct real_net *)net->ctx)->fd;
}

int net_addr_parse(struct net_addr *out, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':'), *first = text, *end = colon;
	struct net_addr addr;
	uint64_t port;

	if (colon == NULL || strlen(colon + 1) > 5 || u64_parse(&port, colon + 1) != 0 ||
	    port > 65535)
		return ASSAY_E_INVAL;
	bool v6 = text[0] == '[';

	if (v6) {
		first++;
		if (--end <= first || *end != ']')
			return ASSAY_E_INVAL;
	}
	size_t len = (size_t)(end - first);

	if (len >= sizeof(host))
		return ASSAY_E_INVAL;
	memcpy(host, first, len);
	host[len] = '\0';
	if (!v6)
		memcpy(addr.ip, v4_prefix, sizeof(v4_prefix));
	if (inet_pton(v6 ? AF_INET6 : AF_INET, host, v6 ? addr.ip : addr.ip + 12) != 1)
		return ASSAY_E_INVAL;
	addr.port = (uint16_t)port;
	*out = addr;
	return 0;
}

void net_addr_format(char out[64], const struct net_addr *addr)
{
	char host[INET6_ADDRSTRLEN];

	if (addr_is_v4(addr)) {
		inet_ntop(AF_INET, addr->ip + 12, host, sizeof(host));
		snprintf(out, 64, "%s:%u", host, addr->port);
	} else {
		inet_ntop(AF_INET6, addr->ip, host, sizeof(host));
		snprintf(out, 64, "[%s]:%u", host, addr->port);
	}
}
