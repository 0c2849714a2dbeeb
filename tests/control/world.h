/* SPDX-License-Identifier: Apache-2.0 */
/* A control core on a scratch folder with a fake data plane and a clock that tests move. */
#ifndef TESTS_CONTROL_WORLD_H
#define TESTS_CONTROL_WORLD_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/sim.h"
#include "control/control.h"

#define WORLD_SESSIONS 3
#define WORLD_JOBS     64
#define WORLD_CALLS    128

struct world {
	char dir[64];
	char config_path[96];
	_Atomic uint64_t mono_ns, wall_ns; /* of app.clock; other threads look at it too */
	pthread_t owner;
	pthread_mutex_t hold; /* who holds it lets no other thread see the time */
	uint64_t seed;
	/* Events above debug; the store's thread writes here too. */
	pthread_mutex_t log_lock;
	unsigned log_count;
	char log_last[512];
	struct app app;
	struct keys keys;
	/* The fake plane: what it shows, and what it was told. */
	struct plane_worker workers[2];
	struct plane_port ports[1];
	struct session_info sessions[WORLD_SESSIONS];
	bool silent; /* worker 1 does not answer for its sessions */
	uint32_t closed;
	struct view *view;
	unsigned published;
	bool idle;
	/* Signatures to verify. */
	int verify_fd;
	unsigned verified; /* have a verdict */
	bool verifies_wrong;
	struct verify_job job[WORLD_JOBS];
	/* Calls of peers: those that wait for control, and what came back of each. */
	int calls_fd;
	struct call_job *calling[WORLD_CALLS], *called[WORLD_CALLS];
	unsigned calling_count, called_count;
};

/* Keys, registry with the node itself, store; state RUN. Fails the test when it cannot. */
void world_open(struct world *w);
void world_close(struct world *w);
/* Time passes, only by this. */
void world_advance(struct world *w, uint64_t ns);
/* Writes a file of the world. */
void world_write(struct world *w, const char *name, const char *text);
/* The default configuration text with something added. */
void world_config(struct world *w, const char *more);
/* A registry entry of that name with fresh keys. */
void world_entry(struct world *w, struct registry_entry *out, const char *account, bool node);
/* Runs the loop until nothing is ready. */
void world_pump(struct world *w);

/* A worker hands a call over. */
void world_ask(struct world *w, struct call_job *job);

/* A connection to the control core: the client's end, not blocking. */
int world_connect(struct world *w);
/* Sends all of it; fd goes along unless -1. */
void world_send(struct world *w, int client, const char *text, int fd);
/* With a second descriptor. */
void world_send_two(struct world *w, int client, const char *text, int fd, int folder);
/* Pumps once, rests a moment; false when the test has waited for a minute in all. */
bool world_wait(struct world *w, unsigned *waited_ms);
/* The next message, pumping for up to a minute; NULL when none came or the connection ended. */
json_t *world_receive(struct world *w, int client);
/* One call of a fresh connection: the whole answer. */
json_t *world_call(struct world *w, const char *method, json_t *params);
/* error.code of an answer, or 0. */
int error_code(json_t *answer);
const char *error_member(json_t *answer, const char *name);

#endif
