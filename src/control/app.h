/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon as its parts see it. main.c holds the visible list of parts, starts them downwards and
 * stops them upwards; each part that control owns has a start and a stop function here. A start
 * that fails returns a negative code and leaves one line in app->error: what failed, why, what to
 * do.
 *
 * Order: config, lock, self, network, registry, [preflight, EAL], store, [ports, workers], codec,
 * loop, rpc, metrics; then app_run. In brackets: main.c's own, on top of dpdk/.
 */
#ifndef CONTROL_APP_H
#define CONTROL_APP_H

#include "base/failpoint.h"
#include "base/log.h"
#include "base/real.h"
#include "control/config.h"
#include "proof/plane.h"
#include "store/store.h"

struct control; /* loop, sockets, jobs */
struct garbage_keeper;
struct network;
struct registry;
struct store_thread;
struct tickets;
struct codec_thread;

struct app {
	const char *config_path; /* in: main */
	struct config config;	 /* in force; after start only the control thread writes */
	struct log log;
	struct clock clock;
	struct random random;
	struct disk disk; /* state directory */
	struct node_self self;
	/* Set by the data plane's memory part before the store starts; app_init gives plain memory.
	 */
	struct grace grace;
	struct store_memory memory;
	struct store *store;
	struct artifact_source artifacts; /* of the store */
	/* Set by the data plane before the loop starts. */
	struct plane plane;
	void *data; /* main.c's */
	struct failpoints failpoints;

	struct network *network; /* NULL without a genesis document */
	struct registry *registry;
	struct store_thread *store_thread;
	struct tickets *tickets;	/* NULL without a genesis document */
	struct garbage_keeper *garbage; /* the same */
	struct codec_thread *codec_thread;
	struct control *control;
	int lock_fd;
	int exit_code; /* of a start that failed: 78 configuration, 75 lock held, else 1 */
	char error[CONFIG_ERROR_MAX];
};

/* Real clock and randomness, log to stderr, plain memory, no plane. */
void app_init(struct app *app, const char *config_path);
/* Writes app->error and returns code. */
__attribute__((format(printf, 3, 4))) int app_fail(struct app *app, int code, const char *format,
						   ...);

/* Reads the file; log level and format are in force from here on. */
int app_config_start(struct app *app);
/* State and run directory, and the lock that keeps a second daemon off them. */
int app_lock_start(struct app *app);
void app_lock_stop(struct app *app);
/* Identity: key file, digest and signature libraries and their self test; fills app->self. */
int app_self_start(struct app *app);
void app_self_stop(struct app *app);
/* With a genesis document: the node's copy of the ledger. Nothing else without one. */
int app_network_start(struct app *app);
void app_network_stop(struct app *app);
int app_registry_start(struct app *app);
/* Reads and checks the file against this node; for start and reload. out is the caller's. */
int app_registry_read(struct app *app, struct registry *out);
void app_registry_stop(struct app *app);
/* Opens the store and starts the thread that owns it. */
int app_store_start(struct app *app);
void app_store_stop(struct app *app);
/* The thread that codes files, on top of the workers. */
int app_codec_start(struct app *app);
void app_codec_stop(struct app *app);
/* Event loop, signals; publishes the first snapshot to the workers. */
int app_loop_start(struct app *app);
void app_loop_stop(struct app *app);
/* Control socket. */
int app_rpc_start(struct app *app);
void app_rpc_stop(struct app *app);
/* HTTP listener of /metrics; nothing when it is switched off. */
int app_metrics_start(struct app *app);
void app_metrics_stop(struct app *app);

/*
 * Says READY, then serves until SIGTERM or SIGINT, drains (5 s at most; a second signal ends that)
 * and returns 0. The parts are still running.
 */
int app_run(struct app *app);

#endif
