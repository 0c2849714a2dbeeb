/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A poll-mode worker: one thread on one CPU that receives, serves and sends. Others reach it by
 * rings, by the snapshot pointer and by a mailbox for control's questions; nothing it does while
 * busy locks, allocates or enters the kernel (udp: ports excepted).
 */
#ifndef DPDK_WORKER_H
#define DPDK_WORKER_H

#include <stdatomic.h>

#include <rte_epoll.h>
#include <rte_ring.h>

#include "crypto/drbg.h"
#include "dpdk/call_desk.h"
#include "dpdk/dataplane.h"
#include "dpdk/fetch.h"
#include "dpdk/grace.h"
#include "dpdk/ports.h"
#include "dpdk/role.h"
#include "dpdk/role_codec.h"
#include "dpdk/verify.h"
#include "proof/serve.h"

#define ASK_SESSIONS_MAX 32

/* A question of control to one worker. Control owns it but while it is POSTED or TAKEN. */
enum ask_state { ASK_FREE, ASK_POSTED, ASK_TAKEN, ASK_DONE };
struct ask {
	_Atomic int state; /* enum ask_state */
	bool close;	   /* end session `index`; else list from `cursor` */
	bool found;
	uint32_t index;
	uint32_t cursor;
	unsigned room;
	unsigned count;
	struct session_info info[ASK_SESSIONS_MAX];
};

/* What all workers share; set before they start. */
struct workers {
	unsigned count;
	struct worker *worker[SERVE_WORKERS_MAX];
	struct ports *ports;
	struct fetch *fetch;
	struct verify_desk *verify;
	struct codec_desk *codec;
	struct call_desk *calls;
	struct grace_state *grace;
	const struct clock *clock;
	const struct log *log;
	enum dataplane_idle idle;
	_Atomic(struct view *) view; /* control writes, workers read */
	_Atomic bool stop;	     /* likewise */
};

struct worker {
	/* Fixed. */
	struct workers *all;
	struct serve *serve;
	struct drbg drbg;     /* random bytes without system calls ... */
	struct random random; /* ... behind the seam */
	unsigned number, lcore, cpu;
	bool polls;	 /* has the role serve */
	bool shares_cpu; /* with control: never spins when idle */
	char roles[32];
	struct role role[ROLES_MAX]; /* what is done in slices, between serving */
	unsigned role_count;
	struct verifier *verifier; /* NULL: has not the role verify */
	bool codes;		   /* has the role codec */
	/* Others put in, the worker takes out. */
	struct rte_ring *handed;  /* packed datagrams of sessions that live here */
	struct rte_ring *hellos;  /* struct hello_job */
	struct rte_ring *orders;  /* struct session_order */
	struct rte_ring *fetched; /* struct fetch_job * */
	struct rte_ring *written; /* struct write_job * */
	struct rte_ring *called;  /* struct call_job * */
	int wake_fd;

	/* The worker's own. */
	_Alignas(64) const struct view *view;
	unsigned empty_turns; /* in a row */
	unsigned role_next;   /* gets the next slice */
	bool role_busy;	      /* one had work when they were asked last */
	uint64_t slice_ns;    /* when that was */
	bool all_wake;	      /* every port can end a sleep */
	struct rte_epoll_event wake_event;
	/* Written by the worker, read by anybody. */
	_Alignas(64) _Atomic bool sleeping;
	_Atomic bool quiet; /* nothing in progress */
	_Atomic uint64_t turns, busy_cycles, idle_cycles, heartbeat_ns;
	/* What came before each is seen by whoever reads it: control sets the one, the worker the
	 * other. */
	_Atomic bool started, ended;
	_Alignas(64) struct ask ask;
};

/* Makes rings and the engine of a worker; frees them. 0 or a negative code. */
int worker_open(struct worker *w, const struct serve_config *config);
void worker_close(struct worker *w);
/* Before the worker runs. */
void worker_add_role(struct worker *w, struct role role);
/* Body of the worker's thread; arg is the worker. Returns when all->stop is set. */
int worker_run(void *arg);
/* Ends a sleep that only an event would end. Any thread, after it has put something in. */
void worker_wake(struct worker *w);

/* worker_idle.c: manners of a worker without work. */
void idle_open(struct worker *w);
/* True when it slept so long that a snapshot may have been freed meanwhile. */
bool idle_turn(struct worker *w, unsigned work);

#endif
