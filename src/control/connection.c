/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading lines and descriptors, writing answers. libevent's bufferevents carry no descriptors, so
 * the socket is read with recvmsg here.
 */
#include "control/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"

#define LINES_PER_TURN 16
#define OUT_PAUSE      (64 * 1024) /* waiting bytes above which nothing more is read */

static void drop_fds(struct connection *conn)
{
	for (unsigned i = 0; i < conn->fd_count; i++)
		close(conn->fds[i]);
	conn->fd_count = 0;
}

static void flush(struct connection *conn)
{
	while (evbuffer_get_length(conn->out) > 0) {
		int n = evbuffer_write(conn->out, conn->fd);

		if (n >= 0)
			continue;
		if (errno != EAGAIN && errno != EINTR)
			conn->doomed = true;
		break;
	}
	if (evbuffer_get_length(conn->out) > 0)
		event_add(conn->writable, NULL);
	else
		event_del(conn->writable);
}

void connection_send(struct connection *conn, json_t *message, bool lossy)
{
	size_t waiting = evbuffer_get_length(conn->out);
	size_t max = conn->server->control->app->config.control_output_kib * 1024;
	char *text = NULL;

	if (!conn->doomed && (!lossy || waiting < OUT_PAUSE))
		text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (text == NULL)
		return;
	if (waiting > 0 && waiting + strlen(text) + 1 > max) { /* one answer may be longer */
		log_warning(&conn->server->control->app->log, "control",
			    "client reads too slowly, closed", "pid=%ld", conn->pid);
		conn->doomed = true;
	} else {
		evbuffer_add(conn->out, text, strlen(text));
		evbuffer_add(conn->out, "\n", 1);
		flush(conn);
	}
	free(text);
}

static void fatal(struct connection *conn, int code, const char *hint, const char *message)
{
	struct rpc_error error = {0};

	rpc_fail(&error, code, NULL, hint, "%s", message);
	connection_send(conn, rpc_error_json(NULL, &error), false);
	conn->doomed = true;
}

static void answer(struct connection *conn, const char *line, size_t len)
{
	struct control *c = conn->server->control;
	struct rpc_context ctx = {
		.control = c,
		.connection = conn,
		.state = c->state,
		.depth_max = (unsigned)c->app->config.control_depth,
		.fd = conn->fd_count > 0 ? conn->fds[0] : -1,
		.folder = conn->fd_count > 1 ? conn->fds[1] : -1,
		.uid = conn->uid,
		.pid = conn->pid,
	};
	unsigned kept;
	int fd = ctx.fd, folder = ctx.folder;
	json_t *reply;

	conn->used_ns = clock_mono(&c->app->clock);
	reply = rpc_answer(&ctx, line, len);
	/* what the handler keeps: none, the first, or both */
	kept = (fd >= 0 && ctx.fd < 0) + (folder >= 0 && ctx.folder < 0);
	conn->fd_count -= kept;
	memmove(conn->fds, conn->fds + kept, conn->fd_count * sizeof(conn->fds[0]));
	if (reply != NULL)
		connection_send(conn, reply, false);
}

/* Whole lines of the input, at most a turn's worth; true when there may be more. */
static bool take_lines(struct connection *conn)
{
	unsigned lines = 0;
	size_t start = 0;
	char *end;

	while (!conn->doomed && lines < LINES_PER_TURN &&
	       evbuffer_get_length(conn->out) < OUT_PAUSE &&
	       (end = memchr(conn->in + start, '\n', conn->in_len - start)) != NULL) {
		size_t len = (size_t)(end - conn->in) - start;

		if (len > 0 && conn->in[start + len - 1] == '\r')
			len--;
		if (len > 0)
			answer(conn, conn->in + start, len);
		start = (size_t)(end - conn->in) + 1;
		lines++;
	}
	conn->in_len -= start;
	memmove(conn->in, conn->in + start, conn->in_len);
	if (conn->in_len == 0)
		drop_fds(conn); /* nobody can ask for them any more */
	return memchr(conn->in, '\n', conn->in_len) != NULL;
}

static void take_fds(struct connection *conn, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		unsigned n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (unsigned i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (conn->fd_count < CONNECTION_FDS_MAX)
				conn->fds[conn->fd_count++] = fd;
			else
				close(fd);
		}
	}
	if ((msg->msg_flags & MSG_CTRUNC) != 0)
		fatal(conn, RPC_E_REQUEST, "one descriptor a request, two where a folder is wanted",
		      "too many descriptors");
}

/* One recvmsg; false when there is nothing to read or nobody there. */
static bool receive(struct connection *conn)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(CONNECTION_FDS_MAX * sizeof(int))];
	struct iovec iov = {conn->in + conn->in_len, conn->in_room - conn->in_len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(conn->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		conn->doomed = true;
		return false;
	}
	take_fds(conn, &msg);
	conn->in_len += (size_t)n;
	return true;
}

/* Reads and answers; waits for the reader of the answers when there are many. */
static void work(struct connection *conn)
{
	bool more = take_lines(conn);

	if (!more && !conn->doomed && evbuffer_get_length(conn->out) < OUT_PAUSE) {
		if (conn->in_len == conn->in_room)
			fatal(conn, RPC_E_REQUEST, "control.line_kib is the limit",
			      "the request line is too long");
		else if (receive(conn))
			more = take_lines(conn);
	}
	if (conn->doomed)
		return;
	if (evbuffer_get_length(conn->out) >= OUT_PAUSE) {
		event_del(conn->readable);
		return;
	}
	event_add(conn->readable, NULL);
	if (more) /* the rest in the next turn, so that others get theirs */
		event_active(conn->readable, EV_READ, 0);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *conn = arg;

	work(conn);
	connection_settle(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *conn = arg;

	flush(conn);
	if (!conn->doomed && evbuffer_get_length(conn->out) < OUT_PAUSE)
		work(conn);
	connection_settle(conn);
}

struct connection *connection_new(struct server *s, int fd)
{
	struct connection *conn = calloc(1, sizeof(*conn));
	struct event_base *base = s->control->base;

	if (conn == NULL) {
		close(fd);
		return NULL;
	}
	conn->server = s;
	conn->fd = fd;
	conn->in_room = s->control->app->config.control_line_kib * 1024 + 1;
	conn->in = malloc(conn->in_room);
	conn->out = evbuffer_new();
	conn->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, conn);
	conn->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, conn);
	conn->used_ns = clock_mono(&s->control->app->clock);
	LIST_INSERT_HEAD(&s->connections, conn, entry);
	s->count++;
	if (conn->in == NULL || conn->out == NULL || conn->readable == NULL ||
	    conn->writable == NULL) {
		connection_free(conn);
		return NULL;
	}
	event_add(conn->readable, NULL);
	return conn;
}

void connection_free(struct connection *conn)
{
	jobs_forget(conn->server->control->jobs, conn);
	LIST_REMOVE(conn, entry);
	conn->server->count--;
	if (conn->readable != NULL)
		event_free(conn->readable);
	if (conn->writable != NULL)
		event_free(conn->writable);
	if (conn->out != NULL)
		evbuffer_free(conn->out);
	drop_fds(conn);
	close(conn->fd);
	free(conn->in);
	free(conn);
}

void connection_settle(struct connection *conn)
{
	if (conn->doomed)
		connection_free(conn);
}
