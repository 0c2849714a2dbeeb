/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the control socket, inside of it only. */
#ifndef CONTROL_CONNECTION_H
#define CONTROL_CONNECTION_H

#include <event2/buffer.h>
#include <sys/queue.h>

#include "control/socket.h"

#define CONNECTION_FDS_MAX 4

struct connection {
	LIST_ENTRY(connection) entry;
	struct server *server;
	int fd;
	struct event *readable, *writable;
	struct evbuffer *out;
	char *in; /* the line so far; room for control.line_kib */
	size_t in_len, in_room;
	int fds[CONNECTION_FDS_MAX]; /* passed, not yet taken by a request */
	unsigned fd_count;
	uint64_t used_ns; /* last whole request */
	long uid, pid;
	bool doomed; /* to be closed once its callback is over */
};

struct server {
	struct control *control;
	int listen_fd;
	struct event *acceptable;
	char path[128];
	unsigned count;
	LIST_HEAD(, connection) connections;
};

/* NULL when out of memory; owns fd either way. */
struct connection *connection_new(struct server *s, int fd);
void connection_free(struct connection *conn);
/* Closes it when it is doomed. */
void connection_settle(struct connection *conn);

#endif
