/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the control core: what its files share. All of it belongs to the control thread. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <event2/event.h>
#include <jansson.h>

#include "control/app.h"
#include "control/jobs.h"
#include "control/registry.h"
#include "control/rpc.h"
#include "control/store_thread.h"

struct publisher;
struct server;
struct jobs;
struct http;
struct calls;
struct receipts;

/* The known answer of the workers. */
struct verify_test {
	unsigned waiting, wrong; /* verdicts */
};

struct control {
	struct app *app;
	struct event_base *base;
	unsigned state; /* RPC_IN_START, _RUN, _DRAIN */
	uint64_t started_ns;
	unsigned stop_signals;
	struct publisher *publisher;
	struct jobs *jobs;
	struct calls *calls;
	struct receipts *receipts;
	struct server *server;
	struct http *http;
	struct event *signals[3]; /* TERM, INT, HUP */
	struct event *tick;	  /* once a second */
	struct event *soon;	  /* while starting or draining */
	struct event *verdicts;	  /* the workers have some */
	struct verify_test verify_test;
	uint64_t drain_until_ns;
	bool failed; /* workers did not start, or are wrong */
};

/* loop.c: without signals; app->registry and app->plane must be set. NULL when out of memory. */
struct control *control_new(struct app *app);
void control_free(struct control *c);

/* publish.c: builds the workers' snapshot from configuration and registry and hands it over. */
struct publisher *publisher_new(void);
void publisher_free(struct publisher *p);
int publish_view(struct control *c);

/* reload.c: 0, or a code after rpc_fail. The lists get what was applied and what waits. */
int reload_registry(struct control *c, json_t **result, struct rpc_error *error);
int reload_config(struct control *c, json_t **result, struct rpc_error *error);

/* verify.c: verdicts of the workers from here on, and first those of verify_test. 0 or NOMEM. */
int verify_start(struct control *c);

/* config_json.c: the configuration in force by section. */
json_t *config_json(const struct config *config);

#endif
