/* SPDX-License-Identifier: Apache-2.0 */
/* Listening, who may come in, and who stayed too long. */
#include "control/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/connection.h"

#define BACKLOG	   64
#define GROUPS_MAX 256

struct server *server_new(struct control *c)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->control = c;
	s->listen_fd = -1;
	LIST_INIT(&s->connections);
	return s;
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	server_stop_listening(s);
	while (!LIST_EMPTY(&s->connections))
		connection_free(LIST_FIRST(&s->connections));
	free(s);
}

static bool in_group(int fd, gid_t primary, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (primary == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return false;
	for (unsigned i = 0; i < len / sizeof(gid_t); i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

/* Same user, root, or the socket's group; anybody when its mode says so. */
static bool may_connect(const struct server *s, int fd, const struct ucred *peer)
{
	uint64_t mode = s->control->app->config.control_mode;
	struct stat st;

	if (peer->uid == 0 || peer->uid == geteuid() || (mode & 0006) == 0006)
		return true;
	return (mode & 0060) == 0060 && s->path[0] != 0 && stat(s->path, &st) == 0 &&
	       in_group(fd, peer->gid, st.st_gid);
}

static void turn_away(struct server *s, int fd, int code, const struct ucred *peer,
		      const char *message, const char *hint)
{
	struct rpc_error error = {0};
	json_t *reply;
	char *text;

	log_warning(&s->control->app->log, "control", message, "uid=%ld gid=%ld pid=%ld",
		    (long)peer->uid, (long)peer->gid, (long)peer->pid);
	rpc_fail(&error, code, NULL, hint, "%s", message);
	reply = rpc_error_json(NULL, &error);
	text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	if (text != NULL)
		(void)!send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)!send(fd, "\n", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	free(text);
	close(fd);
}

bool server_adopt(struct server *s, int fd)
{
	struct ucred peer = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof(peer);
	struct connection *conn;

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	if (!may_connect(s, fd, &peer)) {
		turn_away(s, fd, ASSAY_E_PERM, &peer, "client has no right to connect",
			  "use the daemon's user, its group, or root");
		return false;
	}
	if (s->count >= s->control->app->config.control_clients) {
		turn_away(s, fd, ASSAY_E_FULL, &peer, "too many clients are connected",
			  "control.clients is the limit");
		return false;
	}
	conn = connection_new(s, fd);
	if (conn == NULL)
		return false;
	conn->uid = (long)peer.uid;
	conn->pid = (long)peer.pid;
	log_debug(&s->control->app->log, "control", "client connected", "uid=%ld gid=%ld pid=%ld",
		  conn->uid, (long)peer.gid, conn->pid);
	return true;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct server *s = arg;

	if (client >= 0) {
		server_adopt(s, client);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		/* They stay in the queue; without a pause the loop would spin on them. */
		log_warning(&s->control->app->log, "control", "clients have to wait", "why=\"%s\"",
			    strerror(errno));
		event_del(s->acceptable);
	}
}

/* True when somebody answers on the path: then it is not ours to replace. */
static bool is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

/*
 * The mode is right from the first moment on, whatever the umask: bind takes it from the socket's
 * inode, so it starts closed and is opened afterwards.
 */
static int bind_path(struct server *s, int fd, const struct sockaddr_un *addr)
{
	struct app *app = s->control->app;

	if (is_alive(addr))
		return app_fail(app, ASSAY_E_BUSY,
				"%s: another daemon answers there; give this one its own run_dir",
				s->path);
	unlink(s->path);
	if (fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 ||
	    chmod(s->path, (mode_t)app->config.control_mode) != 0 || listen(fd, BACKLOG) != 0)
		return app_fail(app, ASSAY_E_IO, "%s: %s", s->path, strerror(errno));
	return 0;
}

int server_listen(struct server *s)
{
	struct app *app = s->control->app;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, result;

	snprintf(s->path, sizeof(s->path), "%s/control.sock", app->config.run_dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.107s", s->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return app_fail(app, ASSAY_E_IO, "socket: %s", strerror(errno));
	result = bind_path(s, fd, &addr);
	if (result != 0) {
		close(fd);
		return result;
	}
	s->listen_fd = fd;
	s->acceptable = event_new(s->control->base, fd, EV_READ | EV_PERSIST, on_acceptable, s);
	if (s->acceptable == NULL)
		return app_fail(app, ASSAY_E_NOMEM, "%s", assay_error_text(ASSAY_E_NOMEM));
	event_add(s->acceptable, NULL);
	return 0;
}

void server_stop_listening(struct server *s)
{
	if (s->acceptable != NULL)
		event_free(s->acceptable);
	s->acceptable = NULL;
	if (s->listen_fd >= 0) {
		unlink(s->path);
		close(s->listen_fd);
	}
	s->listen_fd = -1;
}

void server_sweep(struct server *s)
{
	const struct app *app = s->control->app;
	uint64_t now = clock_mono(&app->clock);
	uint64_t idle_ns = app->config.control_idle_s * 1000000000u;
	struct connection *conn = LIST_FIRST(&s->connections), *next;

	if (s->acceptable != NULL)
		event_add(s->acceptable, NULL); /* after a pause */
	for (; conn != NULL; conn = next) {
		next = LIST_NEXT(conn, entry);
		if (now - conn->used_ns > idle_ns && jobs_count(s->control->jobs, conn) == 0)
			conn->doomed = true;
		connection_settle(conn);
	}
}

unsigned server_clients(const struct server *s)
{
	return s->count;
}
