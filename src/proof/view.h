/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The immutable snapshot that control publishes to the workers behind one pointer: who may speak,
 * what may be asked, which epochs are current. Built by control, read by workers, freed by control
 * after a grace period.
 */
#ifndef PROOF_VIEW_H
#define PROOF_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/wire.h"
#include "crypto/noise.h"
#include "crypto/sign.h"

#define VIEW_PEERS_MAX	  4096
#define PEER_SESSIONS_MAX 8

/* One registered key that may open sessions to this node: a node of the registry or a client. */
struct view_peer {
	struct noise_peer noise; /* direction peer -> this node */
	char account[ASSAY_ACCOUNT_MAX + 1];
	uint32_t permissions;	/* ASSAY_MAY_* */
	uint32_t session_limit; /* 1..PEER_SESSIONS_MAX */
	uint32_t rate_kib;	/* KiB/s */
	uint32_t burst_kib;
	uint32_t slot; /* 0..VIEW_PEERS_MAX-1, stays the same for a key over snapshots */
};

/*
 * What the ledger lets one account do with one artifact here, whatever its permissions: read what a
 * heal op has staged, or write what it is to publish.
 */
struct view_grant {
	uint64_t op; /* not 0: the grant that a request names */
	char account[ASSAY_ACCOUNT_MAX + 1];
	uint8_t key[32];
	uint32_t may;	      /* ASSAY_MAY_READ, ASSAY_MAY_WRITE */
	uint64_t until_epoch; /* the last one in which it holds */
};

struct view {
	uint64_t generation; /* rises with each publication */
	bool draining;
	bool any_epoch;	   /* no ledger: every epoch but 0 is current */
	uint64_t epoch[2]; /* current and previous otherwise */
	/* A recheck names the epoch of what it repeats: taken when it is at most so many before the
	 * current one. */
	uint64_t recheck_epochs;
	uint8_t ranges_max;	/* min(parameter, 16) */
	uint16_t length_max;	/* min(parameter, 1024) */
	uint16_t payload_limit; /* largest datagram this node offers, 1452..9000 */
	uint16_t idle_s, life_s, in_flight;
	uint16_t streams_max; /* that read by a grant at a time, 0..STREAMS_MAX */
	uint32_t peer_count;
	const struct view_peer *peers;
	/* Open addressing by the first 8 bytes of the hint: index into peers + 1, 0 = empty. Size
	 * is a power of two. */
	const uint32_t *hint_table;
	uint32_t hint_mask;
	const uint32_t *slot_table; /* likewise by slot; VIEW_PEERS_MAX entries */
	uint32_t grant_count;
	const struct view_grant *grants;
	const uint32_t *grant_table; /* likewise by op and key */
	uint32_t grant_mask;
};

/* The node's own identity; fixed for the life of the process. */
struct node_self {
	char account[ASSAY_ACCOUNT_MAX + 1];
	uint8_t network_id[32];
	uint8_t session_secret[32];
	struct noise_self noise;
	struct sign_key identity;
};

/* The peer with that hint, or NULL. */
const struct view_peer *view_find(const struct view *view, const uint8_t hint[16]);
/* The peer in that slot, or NULL. */
const struct view_peer *view_peer_at(const struct view *view, uint32_t slot);
/* True when such a grant holds now. */
bool view_granted(const struct view *view, uint64_t op, const char *account, const uint8_t key[32],
		  uint32_t may);
/*
 * Allocates a view with the given settings, fills its tables; peers (malloc'd, may be NULL when
 * count is 0) are the view's from then on, and so are the settings' grants (likewise). NULL when
 * out of memory, or for a grant without an account or an op: both then stay the caller's.
 */
struct view *view_build(const struct view *settings, const struct view_peer *peers, uint32_t count);
void view_free(struct view *view);

#endif
