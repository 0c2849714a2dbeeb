/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the daemon: one line out, lines back until the answer, or the end of the job. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"

#define LINE_MAX_BYTES (64u << 20)
#define START_WAIT_MS  10000
#define START_RETRY_MS 50

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int ctl_connect(struct ctl *ctl, struct ctl_link *link, bool quiet)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char path[200], error[CONFIG_ERROR_MAX] = "";
	int code;

	memset(link, 0, sizeof(*link));
	link->fd = link->folder = -1;
	if (ctl->option[OPT_SOCKET] != NULL) {
		snprintf(path, sizeof(path), "%s", ctl->option[OPT_SOCKET]);
	} else {
		if (ctl_run_dir(ctl, error) != CTL_OK)
			return ctl_fail(CTL_FAILED, "%s", error);
		snprintf(path, sizeof(path), "%s/control.sock", ctl->run_dir);
	}
	if (strlen(path) >= sizeof(addr.sun_path))
		return ctl_fail(CTL_USAGE, "%s: longer than a socket's path can be", path);
	memcpy(addr.sun_path, path, strlen(path));
	link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (link->fd >= 0 && connect(link->fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return CTL_OK;
	code = errno;
	ctl_disconnect(link);
	if (!quiet && error[0] != 0)
		return ctl_fail(CTL_FAILED, "%s", error);
	if (!quiet)
		ctl_fail(CTL_NO_DAEMON, "%s: %s; is assayd running?", path, strerror(code));
	return CTL_NO_DAEMON;
}

void ctl_disconnect(struct ctl_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	free(link->buffer);
	memset(link, 0, sizeof(*link));
	link->fd = link->folder = -1;
}

/* Descriptors go with the first byte. */
static bool send_line(struct ctl_link *link, const char *line, size_t len, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
	int fds[2] = {fd, link->folder};
	size_t fds_len = (link->folder >= 0 ? 2 : 1) * sizeof(int);
	struct iovec iov = {(void *)line, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fds_len);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds_len);
		memcpy(CMSG_DATA(c), fds, fds_len);
	}
	while (iov.iov_len > 0) {
		ssize_t n = sendmsg(link->fd, &msg, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return true;
}

static bool request(struct ctl_link *link, const char *method, json_t *params, int fd)
{
	json_t *call = json_pack("{s:s,s:I,s:s,s:O}", "jsonrpc", "2.0", "id",
				 (json_int_t)++link->last_id, "method", method, "params", params);
	char *text = json_dumps(call, JSON_COMPACT), *line = NULL;
	int len = text != NULL ? asprintf(&line, "%s\n", text) : -1;
	bool sent = len > 0 && send_line(link, line, (size_t)len, fd);

	free(line);
	free(text);
	json_decref(call);
	return sent;
}

static bool read_more(struct ctl_link *link)
{
	ssize_t n;

	if (link->room - link->len < 65536) {
		size_t room = link->room + 65536 + link->room / 2;
		char *buffer = room <= LINE_MAX_BYTES ? realloc(link->buffer, room) : NULL;

		if (buffer == NULL)
			return false;
		link->buffer = buffer;
		link->room = room;
	}
	n = read(link->fd, link->buffer + link->len, link->room - link->len);
	if (n > 0)
		link->len += (size_t)n;
	return n > 0 || (n < 0 && errno == EINTR);
}

/* The next message, waiting at most so long for bytes; NULL with *gone when there is nobody. */
static json_t *receive(struct ctl_link *link, int wait_ms, bool *gone)
{
	struct pollfd poll_fd = {.fd = link->fd, .events = POLLIN};
	char *end = link->len > 0 ? memchr(link->buffer, '\n', link->len) : NULL;
	json_t *message;
	size_t used;

	*gone = false;
	if (end == NULL) {
		if (poll(&poll_fd, 1, wait_ms) > 0 && !read_more(link))
			*gone = true;
		end = link->len > 0 ? memchr(link->buffer, '\n', link->len) : NULL;
	}
	if (end == NULL)
		return NULL;
	used = (size_t)(end - link->buffer) + 1;
	message = json_loadb(link->buffer, used, 0, NULL);
	link->len -= used;
	memmove(link->buffer, link->buffer + used, link->len);
	*gone = message == NULL;
	return message;
}

static void complain(json_t *error)
{
	json_t *data = json_object_get(error, "data");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(data, "hint"));

	ctl_fail(CTL_FAILED, "%s%s%s", message != NULL ? message : "the daemon refused",
		 hint != NULL ? "; " : "", hint != NULL ? hint : "");
}

/* The answer to the last request; events that come in between belong to nobody. */
static json_t *await_answer(struct ctl_link *link)
{
	bool gone = false;

	while (!gone) {
		json_t *message = receive(link, -1, &gone);
		json_t *id = json_object_get(message, "id");

		if (message != NULL &&
		    (json_is_null(id) || json_integer_value(id) == (json_int_t)link->last_id))
			return message;
		json_decref(message);
	}
	ctl_fail(CTL_FAILED, "the daemon closed the connection");
	return NULL;
}

static bool is_starting(json_t *error)
{
	const char *message = json_string_value(json_object_get(error, "message"));

	return json_integer_value(json_object_get(error, "code")) == RPC_E_STATE &&
	       message != NULL && strstr(message, "starting") != NULL;
}

json_t *ctl_call(struct ctl_link *link, const char *method, json_t *params, int fd)
{
	int64_t give_up = now_ms() + START_WAIT_MS;
	json_t *message, *result = NULL;
	bool again = true;

	params = params != NULL ? params : json_object();
	while (again) {
		again = false;
		/* The daemon may have answered and closed before it read anything. */
		request(link, method, params, fd);
		message = await_answer(link);
		json_t *error = json_object_get(message, "error");

		if (error != NULL && is_starting(error) && now_ms() < give_up) {
			again = true;
			poll(NULL, 0, START_RETRY_MS);
		} else if (error != NULL) {
			complain(error);
		} else {
			result = json_incref(json_object_get(message, "result"));
		}
		json_decref(message);
	}
	json_decref(params);
	return result;
}

/* A bar on a terminal; on anything else a line now and then, for work that takes long. */
static void show_progress(json_t *params, const char *name, int64_t *shown)
{
	json_int_t done = json_integer_value(json_object_get(params, "done"));
	json_int_t total = json_integer_value(json_object_get(params, "total"));
	unsigned percent = total > 0 ? (unsigned)(100.0 * (double)done / (double)total) : 0;
	char bar[31];

	if (isatty(STDERR_FILENO)) {
		for (unsigned i = 0; i < 30; i++)
			bar[i] = i < percent * 30 / 100 ? '#' : '.';
		bar[30] = 0;
		fprintf(stderr, "\r%.40s [%s] %3u%% of %s ", name, bar, percent,
			human_bytes((uint64_t)total));
		*shown = 1;
	} else if (now_ms() - *shown >= 5000) {
		fprintf(stderr, "%s: %u%% of %s\n", name, percent, human_bytes((uint64_t)total));
		*shown = now_ms();
	}
}

static void clear_progress(int64_t shown)
{
	if (shown != 0 && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static json_t *job_result(json_t *params)
{
	if (json_is_true(json_object_get(params, "ok")))
		return json_incref(json_object_get(params, "result"));
	complain(json_object_get(params, "error"));
	return NULL;
}

static json_t *follow(struct ctl_link *link, json_int_t job, const char *name)
{
	int64_t shown = isatty(STDERR_FILENO) ? 0 : now_ms();
	bool gone = false, cancelled = false;
	json_t *result = NULL;

	while (!gone) {
		json_t *message = receive(link, 500, &gone);
		json_t *params = json_object_get(message, "params");
		const char *method = json_string_value(json_object_get(message, "method"));

		if (interrupted && !cancelled) {
			json_t *which = json_pack("{s:I}", "job", job);

			cancelled = request(link, "job.cancel", which, -1);
			json_decref(which);
		}
		if (method == NULL || json_integer_value(json_object_get(params, "job")) != job) {
			json_decref(message);
			continue;
		}
		if (strcmp(method, "job.done") == 0) {
			clear_progress(shown);
			result = job_result(params);
			json_decref(message);
			return result;
		}
		show_progress(params, name, &shown);
		json_decref(message);
	}
	clear_progress(shown);
	ctl_fail(CTL_FAILED, "the daemon closed the connection before %s was done", name);
	return NULL;
}

json_t *ctl_job(struct ctl_link *link, const char *method, json_t *params, int fd, const char *name)
{
	struct sigaction action = {.sa_handler = on_interrupt}, before;
	json_t *answer, *result;

	answer = ctl_call(link, method, params, fd);
	if (answer == NULL)
		return NULL;
	sigaction(SIGINT, &action, &before);
	result = follow(link, json_integer_value(json_object_get(answer, "job")), name);
	sigaction(SIGINT, &before, NULL);
	json_decref(answer);
	return result;
}

json_t *ctl_call_pages(struct ctl_link *link, const char *method, json_t *params, const char *list,
		       const char *key)
{
	json_t *all = json_array(), *page, *items;
	bool more = true;

	if (params == NULL)
		params = json_object();
	while (more) {
		page = ctl_call(link, method, json_copy(params), -1);
		if (page == NULL) {
			json_decref(params);
			json_decref(all);
			return NULL;
		}
		items = json_object_get(page, list);
		more = json_is_true(json_object_get(page, "more")) && json_array_size(items) > 0;
		if (more)
			json_object_set(
				params, "after",
				json_object_get(json_array_get(items, json_array_size(items) - 1),
						key));
		json_array_extend(all, items);
		json_decref(page);
	}
	json_decref(params);
	return all;
}
