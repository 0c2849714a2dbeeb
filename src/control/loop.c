/* SPDX-License-Identifier: Apache-2.0 */
/* The control core's loop: signals, the clock, readiness, and the way down. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "assay/status.h"
#include "control/calls.h"
#include "control/control.h"
#include "control/garbage.h"
#include "control/metrics.h"
#include "control/receipts.h"
#include "control/network_impl.h"
#include "control/socket.h"
#include "control/tickets.h"

#define SECOND_NS 1000000000ull
#define START_NS  (10 * SECOND_NS) /* for the first heartbeat of every worker */
#define DRAIN_NS  (5 * SECOND_NS)
#define SILENT_NS (5 * SECOND_NS)
#define LINGER_NS \
	(SECOND_NS / 4) /* answers of the last turns leave, late requests hear `draining` */

static const struct timeval every_second = {1, 0};
static const struct timeval shortly = {0, 10000};

struct control *control_new(struct app *app)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	signal(SIGPIPE, SIG_IGN); /* a client that goes away is no reason to die */
	c->app = app;
	c->state = RPC_IN_START;
	c->started_ns = clock_mono(&app->clock);
	c->base = event_base_new();
	c->publisher = publisher_new();
	if (c->base != NULL && app->network != NULL)
		app->tickets = tickets_new(c);
	if (c->base != NULL)
		c->jobs = jobs_new(c);
	c->server = server_new(c);
	if (c->base != NULL)
		c->calls = calls_new(c);
	if (c->calls != NULL)
		c->receipts = receipts_new(c);
	if (c->base == NULL || c->publisher == NULL || c->jobs == NULL || c->server == NULL ||
	    c->calls == NULL || c->receipts == NULL) {
		control_free(c);
		return NULL;
	}
	return c;
}

static void free_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

void control_free(struct control *c)
{
	for (unsigned i = 0; i < 3; i++)
		free_event(&c->signals[i]);
	free_event(&c->tick);
	free_event(&c->soon);
	free_event(&c->verdicts);
	server_free(c->server);
	receipts_free(c->receipts);
	calls_free(c->calls);
	jobs_free(c->jobs);
	tickets_free(c->app->tickets);
	c->app->tickets = NULL;
	publisher_free(c->publisher);
	if (c->base != NULL)
		event_base_free(c->base);
	free(c);
}

/* The worker that gave no sign of life since then, or -1. */
static int silent_worker(const struct control *c, uint64_t max_age_ns)
{
	const struct plane *plane = &c->app->plane;
	struct plane_worker *workers = calloc(SERVE_WORKERS_MAX, sizeof(*workers));
	uint64_t now = clock_mono(&c->app->clock);
	unsigned n = workers != NULL ? plane->workers(plane->ctx, workers, SERVE_WORKERS_MAX) : 0;
	int silent = -1;

	for (unsigned w = 0; w < n && silent < 0; w++)
		if (workers[w].heartbeat_ns == 0 ||
		    (now > workers[w].heartbeat_ns && now - workers[w].heartbeat_ns > max_age_ns))
			silent = (int)workers[w].worker;
	free(workers);
	return silent;
}

static void begin_drain(struct control *c)
{
	uint64_t now = clock_mono(&c->app->clock);

	sd_notify(0, "STOPPING=1");
	log_info(&c->app->log, "control", "draining", NULL);
	c->state = RPC_IN_DRAIN;
	c->drain_until_ns = now + DRAIN_NS;
	server_stop_listening(c->server);
	jobs_drain(c->jobs);
	network_drain(c);
	publish_view(c);
	event_add(c->soon, &shortly);
}

static void on_stop(evutil_socket_t number, short what, void *arg)
{
	struct control *c = arg;

	c->stop_signals++;
	if (c->stop_signals == 1 && c->state == RPC_IN_RUN)
		begin_drain(c);
	else
		event_base_loopbreak(c->base);
}

static void on_hangup(evutil_socket_t number, short what, void *arg)
{
	struct control *c = arg;
	struct rpc_error error = {0};
	json_t *result = NULL;
	char *text;

	if (c->state != RPC_IN_RUN)
		return;
	sd_notify(0, "RELOADING=1");
	if (reload_config(c, &result, &error) != 0) {
		log_error(&c->app->log, "control", error.message, "hint=\"%s\"", error.hint);
	} else {
		text = json_dumps(result, JSON_COMPACT);
		log_info(&c->app->log, "control", "configuration reloaded", "result=%s",
			 text != NULL ? text : "");
		free(text);
		json_decref(result);
	}
	sd_notify(0, "READY=1");
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	int silent = silent_worker(c, SILENT_NS);

	server_sweep(c->server);
	calls_sweep(c->calls);
	if (c->app->garbage != NULL)
		garbage_turn(c->app->garbage);
	if (silent >= 0)
		log_warning(&c->app->log, "control", "a worker gives no sign of life", "worker=%d",
			    silent);
	else
		sd_notify(0, "WATCHDOG=1"); /* fed only while all workers beat */
}

static void become_ready(struct control *c)
{
	c->state = RPC_IN_RUN;
	sd_notifyf(0, "READY=1\nSTATUS=%s on %s", c->app->config.account, c->app->config.network);
	log_info(&c->app->log, "control", "ready", "account=%s network=%s socket=%s/control.sock",
		 c->app->config.account, c->app->config.network, c->app->config.run_dir);
}

static void give_up(struct control *c, int silent)
{
	c->failed = true;
	if (c->verify_test.wrong > 0)
		app_fail(c->app, ASSAY_E_CRYPTO,
			 "self test: the workers' batch verification gives a wrong answer on this "
			 "machine");
	else if (silent >= 0)
		app_fail(c->app, ASSAY_E_TIMEOUT,
			 "worker %d did not start within 10 s; see assayd --doctor", silent);
	else
		app_fail(c->app, ASSAY_E_TIMEOUT,
			 "self test: no verdicts of the workers within 10 s; see what else runs on "
			 "their CPUs: assayctl topology");
	event_base_loopbreak(c->base);
}

/* Until every worker beats, and their first verdicts are right. */
static void start(struct control *c, uint64_t now)
{
	int silent = silent_worker(c, UINT64_MAX);

	if (c->verify_test.wrong > 0 || now - c->started_ns > START_NS) {
		give_up(c, silent);
	} else if (silent < 0 && c->verify_test.waiting == 0) {
		become_ready(c);
		event_del(c->soon);
	}
}

/* While draining: until nothing is in progress. */
static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	uint64_t now = clock_mono(&c->app->clock);

	if (c->state == RPC_IN_START) {
		start(c, now);
		return;
	}
	if (now >= c->drain_until_ns) {
		log_warning(&c->app->log, "control", "work was left in progress", NULL);
		event_base_loopbreak(c->base);
	} else if (now + DRAIN_NS >= c->drain_until_ns + LINGER_NS &&
		   c->app->plane.idle(c->app->plane.ctx) && network_drained(c)) {
		event_base_loopbreak(c->base);
	}
}

int app_loop_start(struct app *app)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct control *c = control_new(app);

	app->control = c;
	if (c == NULL)
		return app_fail(app, ASSAY_E_NOMEM, "control: out of memory");
	for (unsigned i = 0; i < 3; i++)
		c->signals[i] = evsignal_new(c->base, numbers[i], i < 2 ? on_stop : on_hangup, c);
	c->tick = event_new(c->base, -1, EV_PERSIST, on_tick, c);
	c->soon = event_new(c->base, -1, EV_PERSIST, on_soon, c);
	for (unsigned i = 0; i < 3; i++)
		if (c->signals[i] == NULL || event_add(c->signals[i], NULL) != 0)
			return app_fail(app, ASSAY_E_IO, "control: signals cannot be caught");
	if (c->tick == NULL || c->soon == NULL || event_add(c->tick, &every_second) != 0 ||
	    publish_view(c) != 0 || verify_start(c) != 0)
		return app_fail(app, ASSAY_E_NOMEM, "control: out of memory");
	return network_follow(c);
}

void app_loop_stop(struct app *app)
{
	if (app->network != NULL)
		network_unfollow(app->network);
	if (app->control != NULL)
		control_free(app->control);
	app->control = NULL;
}

int app_rpc_start(struct app *app)
{
	return server_listen(app->control->server);
}

void app_rpc_stop(struct app *app)
{
	server_stop_listening(app->control->server);
}

int app_metrics_start(struct app *app)
{
	return http_start(&app->control->http, app->control);
}

void app_metrics_stop(struct app *app)
{
	http_stop(app->control->http);
	app->control->http = NULL;
}

int app_run(struct app *app)
{
	struct control *c = app->control;

	event_add(c->soon, &shortly);
	event_base_dispatch(c->base);
	if (c->failed)
		return c->verify_test.wrong > 0 ? ASSAY_E_CRYPTO : ASSAY_E_TIMEOUT;
	log_info(&app->log, "control", "stopping", NULL);
	return 0;
}
