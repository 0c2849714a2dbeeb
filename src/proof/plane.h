/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data plane as control sees it: a table of calls that dpdk/ fills and tests fill with their
 * own. It lives here, below both, so control compiles without DPDK and dpdk/ without control.
 */
#ifndef PROOF_PLANE_H
#define PROOF_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/schnorr/verifier.h"
#include "base/task.h"
#include "proof/serve.h"

struct plane_worker {
	unsigned worker, lcore, cpu;
	const char *roles; /* "serve verify codec" */
	struct serve_counters counters;
	struct verify_counters verify; /* of the role verify */
	uint64_t turns, busy_cycles, idle_cycles, heartbeat_ns;
};
struct plane_port {
	char name[32];
	char device[256]; /* as configured */
	char addresses[256];
	char driver[32];
	char mac[18]; /* "" for udp: */
	bool link_up;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_missed, rx_errors, rx_nombuf,
		tx_errors;
	/* Frames that are not datagrams: answered and dropped, by reason. */
	uint64_t arp_answered, nd_answered, echo_answered;
	uint64_t frame_drops[ASSAY_R_MAX];
};
struct plane_row { /* one row of the placement table */
	int cpu;
	char role[48];
	char why[128];
};

/* One finding of the doctor: what was looked at, what was found, the command that fixes it. */
enum plane_verdict { PLANE_GOOD, PLANE_WARNING, PLANE_BAD };
struct plane_check {
	enum plane_verdict verdict;
	char what[64];
	char found[192];
	char remedy[256]; /* "" when nothing needs to be done */
};

struct plane {
	unsigned (*workers)(void *ctx, struct plane_worker *out, unsigned room);
	unsigned (*ports)(void *ctx, struct plane_port *out, unsigned room);
	unsigned (*topology)(void *ctx, struct plane_row *out, unsigned room);
	/* What is wrong with this machine for this configuration. */
	unsigned (*doctor)(void *ctx, struct plane_check *out, unsigned room);
	/* Publishes a snapshot; the plane frees the one before after a grace period. */
	void (*publish)(void *ctx, struct view *view);
	/* Sessions of one worker, as serve_sessions; a negative code when the worker does not
	 * answer in time. */
	int (*sessions)(void *ctx, unsigned worker, uint32_t *cursor, struct session_info *out,
			unsigned room);
	/* Ends a session by its index; NOTFOUND. */
	int (*close_session)(void *ctx, uint32_t index);
	/*
	 * Signatures to the workers with the role verify, which batch what waits. Takes the first
	 * jobs there is room for and says how many; the others wait with the caller. Any thread.
	 */
	unsigned (*verify)(void *ctx, const struct verify_job *jobs, unsigned n);
	/* Calls done of every job that has a verdict; returns how many. Control's thread. */
	unsigned (*verified)(void *ctx);
	/* An eventfd that is readable when there is something for `verified`. */
	int (*verify_fd)(void *ctx);
	/*
	 * CALLs of peers: an eventfd that is readable when one waits, the next one or NULL, and its
	 * answer; every one that was taken is answered. Control's thread.
	 */
	int (*calls_fd)(void *ctx);
	struct call_job *(*call_take)(void *ctx);
	void (*call_answer)(void *ctx, struct call_job *job);
	/* RaptorQ work for the workers with the role codec, which take slices of it. One thread
	 * takes what is done. */
	struct task_pool codec;
	/* True when no worker has anything in progress. */
	bool (*idle)(void *ctx);
	void *ctx;
};

#endif
