/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the network part. */
#ifndef CONTROL_NETWORK_IMPL_H
#define CONTROL_NETWORK_IMPL_H

#include "control/heals.h"
#include "control/network.h"

#define NETWORK_WAITS_MAX 256

/* Somebody who waits for what becomes of an entry. */
struct network_wait {
	uint64_t cookie;
	network_done done; /* NULL: nobody */
	void *ctx;
};

struct network {
	struct app *app;
	struct control *control; /* while the log is followed */
	char *document;
	size_t document_len;
	sqlite3 *db;
	struct real_sockets *sockets;
	struct reveal *reveal;
	struct core *core;
	struct feed *feed;
	struct heals *heals;
	struct event *turn, *from_feed, *from_peers, *from_heals;
	struct network_wait waits[NETWORK_WAITS_MAX];
	uint64_t cookies;
	uint64_t host_ns; /* when the host's facts are looked at again */
	bool registry_changed, view_changed;
	bool unpublished;	  /* for want of memory, and the log has it */
	uint64_t heal_generation; /* of the grants that the workers have */
};

/* --- network_heal.c --- */
/* The work of healing, before the core is made. 0 or a code. */
int network_heals_open(struct network *n);
/* From the loop on: its outcomes wake. 0 or NOMEM. */
int network_heals_follow(struct network *n, event_callback_fn wake);
/* An op of the ledger is another one: a line for the log. */
void network_heal_changed(const struct network *n, uint64_t id);
struct heal_settings network_heal_settings(const struct config *config);
/* The grants of the snapshot: malloc'd, the caller's until a view is built of them. 0 or NOMEM. */
int network_grants(struct network *n, struct view *settings);

/* The loop is about to go. */
void network_unfollow(struct network *n);

#endif
