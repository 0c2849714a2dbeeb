/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the network part. */
#ifndef CONTROL_NETWORK_IMPL_H
#define CONTROL_NETWORK_IMPL_H

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
	struct event *turn, *from_feed, *from_peers;
	struct network_wait waits[NETWORK_WAITS_MAX];
	uint64_t cookies;
	uint64_t host_ns; /* when the host's facts are looked at again */
	bool registry_changed, view_changed;
};

/* The loop is about to go. */
void network_unfollow(struct network *n);

#endif
