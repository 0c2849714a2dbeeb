/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lying node as a process of its own: liar SEED SIZE CLIENT SECRET [tree|plain|read LIE]. Prints
 * the port it has on 127.0.0.1, serves until its standard input closes.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/real.h"
#include "base/text.h"
#include "client/liar.h"

static void send_real(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(to->port)};

	memcpy(&sa.sin_addr, to->ip + 12, 4);
	if (sendto(*(const int *)ctx, data, len, 0, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		perror("sendto");
}

static int open_socket(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
	     getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	printf("%u\n", ntohs(sa.sin_port));
	fflush(stdout);
	return fd;
}

static void take_one(struct liar *liar, int fd)
{
	struct clock clock = clock_real();
	struct net_addr from = {.ip = {[10] = 0xff, [11] = 0xff}};
	struct sockaddr_in sa;
	socklen_t sa_len = sizeof(sa);
	uint8_t data[ASSAY_PAYLOAD_MAX];
	ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&sa, &sa_len);

	if (len < 0)
		return;
	memcpy(from.ip + 12, &sa.sin_addr, 4);
	from.port = ntohs(sa.sin_port);
	liar->world.time.mono_ns = clock_mono(&clock);
	liar->world.time.wall_ns = clock_wall(&clock);
	liar_take(liar, &from, data, (size_t)len);
}

int main(int argc, char **argv)
{
	uint64_t seed, size;
	uint8_t secret[32];
	struct liar *liar;
	int fd;

	if ((argc != 5 && argc != 7) || u64_parse(&seed, argv[1]) != 0 ||
	    u64_parse(&size, argv[2]) != 0 || hex_decode(secret, 32, argv[4]) != 0) {
		fputs("usage: liar SEED SIZE CLIENT SECRET [tree|plain|read LIE]\n", stderr);
		return 2;
	}
	/* First, so that the node's keys follow from SEED alone. */
	assay_init();
	liar = liar_new(seed, size, argv[3], secret);
	if (argc == 7) {
		liar->lie = lie_find(strcmp(argv[5], "tree") == 0    ? lies_tree
				     : strcmp(argv[5], "plain") == 0 ? lies_plain
								     : lies_read,
				     argv[6]);
		must(liar->lie != NULL);
	}
	fd = open_socket();
	liar->send = send_real;
	liar->ctx = &fd;
	for (;;) {
		struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};

		if (poll(p, 2, -1) < 0 || p[1].revents != 0)
			break;
		take_one(liar, fd);
	}
	close(fd);
	liar_free(liar);
	return 0;
}
