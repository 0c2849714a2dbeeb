/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/status.h"
#include "client/keys.h"
#include "control/socket.h"
#include "control/world.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

static void pass_hold(struct world *w)
{
	if (pthread_equal(pthread_self(), w->owner))
		return;
	pthread_mutex_lock(&w->hold);
	pthread_mutex_unlock(&w->hold);
}

static uint64_t mono_now(void *ctx)
{
	struct world *w = ctx;

	pass_hold(w);
	return w->mono_ns;
}

static uint64_t wall_now(void *ctx)
{
	struct world *w = ctx;

	pass_hold(w);
	return w->wall_ns;
}

void world_advance(struct world *w, uint64_t ns)
{
	w->mono_ns += ns;
	w->wall_ns += ns;
}

static unsigned fake_workers(void *ctx, struct plane_worker *out, unsigned room)
{
	struct world *w = ctx;

	assert_true(room >= 2);
	memcpy(out, w->workers, sizeof(w->workers));
	return 2;
}

static unsigned fake_ports(void *ctx, struct plane_port *out, unsigned room)
{
	struct world *w = ctx;

	assert_true(room >= 1);
	out[0] = w->ports[0];
	return 1;
}

static unsigned fake_topology(void *ctx, struct plane_row *out, unsigned room)
{
	out[0] = (struct plane_row){0, "control", "first of the allowed CPUs"};
	out[1] = (struct plane_row){1, "serve verify", "the other core"};
	return 2;
}

static unsigned fake_doctor(void *ctx, struct plane_check *out, unsigned room)
{
	out[0] = (struct plane_check){PLANE_GOOD, "cores", "2", ""};
	out[1] = (struct plane_check){PLANE_WARNING, "huge pages", "none", "dpdk-hugepages.py"};
	return 2;
}

static void fake_publish(void *ctx, struct view *view)
{
	struct world *w = ctx;

	view_free(w->view);
	w->view = view;
	w->published++;
}

/* Worker 0 has all the sessions and gives one at a time. */
static int fake_sessions(void *ctx, unsigned worker, uint32_t *cursor, struct session_info *out,
			 unsigned room)
{
	struct world *w = ctx;

	if (worker != 0)
		return w->silent ? ASSAY_E_TIMEOUT : 0;
	out[0] = w->sessions[*cursor];
	*cursor = (*cursor + 1) % WORLD_SESSIONS;
	return 1;
}

static int fake_close(void *ctx, uint32_t index)
{
	struct world *w = ctx;

	for (unsigned i = 0; i < WORLD_SESSIONS; i++)
		if (w->sessions[i].index == index) {
			w->closed = index;
			return 0;
		}
	return ASSAY_E_NOTFOUND;
}

static bool fake_idle(void *ctx)
{
	return ((struct world *)ctx)->idle;
}

static void take_log(void *ctx, enum log_level level, const char *component, const char *message,
		     const char *fields)
{
	struct world *w = ctx;

	pthread_mutex_lock(&w->log_lock);
	w->log_count++;
	snprintf(w->log_last, sizeof(w->log_last), "%s: %s %s", component, message,
		 fields != NULL ? fields : "");
	pthread_mutex_unlock(&w->log_lock);
}

/* The verdict is there at once, and told when control asks. */
static unsigned fake_verify(void *ctx, const struct verify_job *jobs, unsigned n)
{
	struct world *w = ctx;
	uint64_t one = 1;

	for (unsigned i = 0; i < n && w->verified < WORLD_JOBS; i++) {
		struct verify_job *job = &w->job[w->verified++];

		*job = jobs[i];
		job->valid = verify_message(job->signature, job->key, job->digest, 32) !=
			     w->verifies_wrong;
	}
	assert_int_equal(write(w->verify_fd, &one, sizeof(one)), sizeof(one));
	return n;
}

static unsigned fake_verified(void *ctx)
{
	struct world *w = ctx;
	unsigned n = w->verified;
	uint64_t told;

	assert_int_equal(read(w->verify_fd, &told, sizeof(told)), sizeof(told));
	w->verified = 0;
	for (unsigned i = 0; i < n; i++)
		w->job[i].done(w->job[i].arg, w->job[i].valid);
	return n;
}

static int fake_verify_fd(void *ctx)
{
	struct world *w = ctx;

	return w->verify_fd;
}

static int fake_calls_fd(void *ctx)
{
	return ((struct world *)ctx)->calls_fd;
}

static struct call_job *fake_call_take(void *ctx)
{
	struct world *w = ctx;
	uint64_t told;

	if (w->calling_count == 0) {
		(void)!read(w->calls_fd, &told, sizeof(told));
		return NULL;
	}
	struct call_job *job = w->calling[0];

	memmove(w->calling, w->calling + 1, --w->calling_count * sizeof(w->calling[0]));
	return job;
}

static void fake_call_answer(void *ctx, struct call_job *job)
{
	struct world *w = ctx;

	assert_true(w->called_count < WORLD_CALLS);
	w->called[w->called_count++] = job;
}

void world_ask(struct world *w, struct call_job *job)
{
	uint64_t one = 1;

	assert_true(w->calling_count < WORLD_CALLS);
	w->calling[w->calling_count++] = job;
	assert_int_equal(write(w->calls_fd, &one, sizeof(one)), sizeof(one));
}

static void fake_plane(struct world *w)
{
	w->app.plane = (struct plane){
		.workers = fake_workers,
		.ports = fake_ports,
		.topology = fake_topology,
		.doctor = fake_doctor,
		.publish = fake_publish,
		.sessions = fake_sessions,
		.close_session = fake_close,
		.verify = fake_verify,
		.verified = fake_verified,
		.verify_fd = fake_verify_fd,
		.calls_fd = fake_calls_fd,
		.call_take = fake_call_take,
		.call_answer = fake_call_answer,
		.idle = fake_idle,
		.ctx = w,
	};
	for (unsigned i = 0; i < 2; i++)
		w->workers[i] = (struct plane_worker){.worker = i,
						      .lcore = i + 1,
						      .cpu = i + 1,
						      .roles = "serve",
						      .heartbeat_ns = w->mono_ns};
	strcpy(w->ports[0].name, "p0");
	strcpy(w->ports[0].device, "udp:127.0.0.1:4600");
	w->ports[0].link_up = true;
	for (unsigned i = 0; i < WORLD_SESSIONS; i++) {
		w->sessions[i] = (struct session_info){.index = 100 + i,
						       .opened_ns = w->mono_ns,
						       .used_ns = w->mono_ns,
						       .permissions = ASSAY_MAY_PROVE,
						       .confirmed = true};
		snprintf(w->sessions[i].account, sizeof(w->sessions[i].account), "peer%u", i);
	}
}

void world_write(struct world *w, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	fclose(out);
}

void world_config(struct world *w, const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "account = \"self\"\nnetwork = \"net\"\nstate_dir = \"%s\"\nrun_dir = \"%s\"\n"
		 "port \"p0\" {\n\tdevice = \"udp:127.0.0.1:4600\"\n}\n%s",
		 w->dir, w->dir, more);
	world_write(w, "assay.conf", text);
}

void world_entry(struct world *w, struct registry_entry *out, const char *account, bool node)
{
	char why[REGISTRY_WHY_MAX];
	struct keys keys;

	keys_generate(&keys, node, &w->app.random);
	assert_int_equal(registry_entry_make(out, &keys, account, &w->app.random, why), 0);
	if (node) {
		strcpy(out->address, "127.0.0.1:4601");
		strcpy(out->operator_name, "somebody");
	}
}

static void make_state(struct world *w)
{
	char path[128], why[KEYS_WHY_MAX];
	struct registry registry;
	struct registry_entry own;
	struct disk disk;

	keys_generate(&w->keys, true, &w->app.random);
	snprintf(path, sizeof(path), "%s/node-keys.json", w->dir);
	assert_int_equal(keys_save(path, &w->keys, why), 0);
	assert_int_equal(registry_entry_make(&own, &w->keys, "self", &w->app.random, why), 0);
	strcpy(own.address, "127.0.0.1:4600");
	strcpy(own.operator_name, "self");
	registry_init(&registry, "net");
	assert_int_equal(registry_add(&registry, &own, why), 0);
	assert_int_equal(disk_real_open(&disk, w->dir), 0);
	assert_int_equal(registry_save(&registry, &disk, why), 0);
	disk_real_close(&disk);
	registry_free(&registry);
}

void world_open(struct world *w)
{
	int (*const parts[])(struct app *) = {app_config_start, app_lock_start, app_self_start,
					      app_registry_start, app_store_start};

	memset(w, 0, sizeof(*w));
	strcpy(w->dir, "/tmp/assay-control-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->config_path, sizeof(w->config_path), "%s/assay.conf", w->dir);
	w->mono_ns = 1000000000;
	w->wall_ns = 1700000000000000000;
	w->seed = 7;
	w->idle = true;
	app_init(&w->app, w->config_path);
	w->app.random = random_sim(&w->seed);
	sign_init(&w->app.random);
	make_state(w);
	world_config(w, "");
	w->app.clock = (struct clock){mono_now, wall_now, w};
	w->owner = pthread_self();
	pthread_mutex_init(&w->hold, NULL);
	pthread_mutex_init(&w->log_lock, NULL);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i](&w->app) != 0)
			fail_msg("%s", w->app.error);
		w->app.log = (struct log){take_log, LOG_INFO_LEVEL, w};
	}
	w->verify_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(w->verify_fd >= 0);
	w->calls_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(w->calls_fd >= 0);
	fake_plane(w);
	assert_int_equal(app_codec_start(&w->app), 0);
	w->app.control = control_new(&w->app);
	assert_non_null(w->app.control);
	assert_int_equal(publish_view(w->app.control), 0);
	w->app.control->state = RPC_IN_RUN;
}

void world_close(struct world *w)
{
	char command[128];

	control_free(w->app.control);
	app_codec_stop(&w->app);
	app_store_stop(&w->app);
	app_registry_stop(&w->app);
	app_self_stop(&w->app);
	app_lock_stop(&w->app);
	view_free(w->view);
	close(w->verify_fd);
	close(w->calls_fd);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
}

void world_pump(struct world *w)
{
	for (unsigned i = 0; i < 64; i++)
		event_base_loop(w->app.control->base, EVLOOP_NONBLOCK);
}

bool world_wait(struct world *w, unsigned *waited_ms)
{
	world_pump(w);
	poll(NULL, 0, 1);
	return ++*waited_ms < 60000;
}

int world_connect(struct world *w)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	server_adopt(w->app.control->server, ends[1]);
	return ends[0];
}

void world_send(struct world *w, int client, const char *text, int fd)
{
	world_send_two(w, client, text, fd, -1);
}

void world_send_two(struct world *w, int client, const char *text, int fd, int folder)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
	int fds[2] = {fd, folder};
	size_t fds_len = (folder >= 0 ? 2 : 1) * sizeof(int);
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
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
		ssize_t n = sendmsg(client, &msg, MSG_NOSIGNAL);

		if (n < 0 && errno == EPIPE)
			return;
		if (n < 0 && errno == EAGAIN) {
			world_pump(w);
			continue;
		}
		assert_true(n > 0);
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
}

/* Length of the line that waits, its newline included; 0 when there is none yet, -1 at the end. */
static ssize_t line_waiting(int client, char *room, size_t len)
{
	ssize_t n = recv(client, room, len, MSG_DONTWAIT | MSG_PEEK);
	char *end = n > 0 ? memchr(room, '\n', (size_t)n) : NULL;

	if (n == 0)
		return -1;
	return end != NULL ? end - room + 1 : 0;
}

json_t *world_receive(struct world *w, int client)
{
	static char line[1 << 20];
	unsigned waited_ms = 0;
	json_t *message;
	ssize_t len;

	do
		len = line_waiting(client, line, sizeof(line));
	while (len == 0 && world_wait(w, &waited_ms));
	if (len <= 0)
		return NULL;
	assert_int_equal(recv(client, line, (size_t)len, 0), len);
	message = json_loadb(line, (size_t)len, 0, NULL);
	assert_non_null(message);
	return message;
}

json_t *world_call(struct world *w, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s,s:i,s:s,s:o}", "jsonrpc", "2.0", "id", 1, "method",
				    method, "params", params != NULL ? params : json_object());
	char *text = json_dumps(request, JSON_COMPACT), *line = NULL;
	int client = world_connect(w);
	json_t *answer;

	assert_true(asprintf(&line, "%s\n", text) > 0);
	world_send(w, client, line, -1);
	answer = world_receive(w, client);
	assert_non_null(answer);
	close(client);
	world_pump(w);
	free(line);
	free(text);
	json_decref(request);
	return answer;
}

int error_code(json_t *answer)
{
	return (int)json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
}

const char *error_member(json_t *answer, const char *name)
{
	json_t *error = json_object_get(answer, "error");
	const char *text = json_string_value(json_object_get(error, name));

	if (text == NULL)
		text = json_string_value(json_object_get(json_object_get(error, "data"), name));
	return text != NULL ? text : "";
}
