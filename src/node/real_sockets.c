/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of the kernel for node/peers.h, all under one epoll descriptor. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/real.h"
#include "node/peers.h"

struct real_sockets {
	int epoll;
};

int real_sockets_new(struct real_sockets **out)
{
	struct real_sockets *s = calloc(1, sizeof(*s));

	must(s != NULL);
	*out = NULL;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0) {
		free(s);
		return ASSAY_E_FULL;
	}
	*out = s;
	return 0;
}

void real_sockets_free(struct real_sockets *s)
{
	if (s == NULL)
		return;
	close(s->epoll);
	free(s);
}

int real_sockets_fd(const struct real_sockets *s)
{
	return s->epoll;
}

static int watch(const struct real_sockets *s, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : ASSAY_E_FULL;
}

static int sockets_open(void *ctx, struct net *out, const struct net_addr *remote)
{
	int error = net_real_open(out, remote);

	if (error != 0)
		return error;
	error = watch(ctx, net_real_fd(out), EPOLLIN);
	if (error != 0)
		net_real_close(out);
	return error;
}

/* The kernel takes a closed descriptor out of the epoll set. */
static void sockets_close(void *ctx, struct net *net)
{
	net_real_close(net);
}

/* --- probes */

static bool is_v4(const struct net_addr *a)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(a->ip, prefix, sizeof(prefix)) == 0;
}

static int begin_connect(int fd, const struct net_addr *to)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(to->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(to->port)};

	memcpy(&v4.sin_addr, to->ip + 12, 4);
	memcpy(&v6.sin6_addr, to->ip, 16);
	return is_v4(to) ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
			 : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
}

/* Nothing but a refusal says that nobody listens. */
static enum port_state state_of(int error)
{
	return error == ECONNREFUSED ? PORT_CLOSED : PORT_UNKNOWN;
}

static int sockets_probe(void *ctx, int *handle, enum port_state *state, const struct net_addr *to)
{
	int fd = socket(is_v4(to) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);

	*state = PORT_UNKNOWN;
	if (fd < 0)
		return 0;
	/* Within one machine a refusal can come at once. */
	if (begin_connect(fd, to) != 0 && errno != EINPROGRESS)
		*state = state_of(errno);
	else if (watch(ctx, fd, EPOLLOUT) == 0) {
		*handle = fd;
		return ASSAY_E_AGAIN;
	}
	close(fd);
	return 0;
}

static int sockets_probed(void *ctx, enum port_state *state, int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int), peer_len = sizeof(peer);
	int error = 0;

	*state = PORT_UNKNOWN;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		*state = state_of(error);
		return 0;
	}
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0)
		return ASSAY_E_AGAIN;
	*state = PORT_OPEN;
	return 0;
}

static void sockets_probe_close(void *ctx, int fd)
{
	close(fd);
}

struct peer_sockets real_sockets_seam(struct real_sockets *s)
{
	return (struct peer_sockets){
		.open = sockets_open,
		.close = sockets_close,
		.probe = sockets_probe,
		.probed = sockets_probed,
		.probe_close = sockets_probe_close,
		.ctx = s,
	};
}
