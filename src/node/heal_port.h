/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long work of healing, as the node's decisions order it (node/heal.h): to rebuild a file and
 * stage all its artifacts, to hash what another node has staged, to bring staged artifacts to their
 * holders, to remove them. The daemon does it on threads with its codec workers, its disk and its
 * sessions, a simulator in no time; what is decided upon the outcome is the same code.
 *
 * The staging folder of an op is `<staging_dir>/<op in decimal>` (docs/healing.md, "Staging"). A
 * folder without a manifest that can be parsed is not staged.
 */
#ifndef NODE_HEAL_PORT_H
#define NODE_HEAL_PORT_H

#include "base/failpoint.h"
#include "ledger/heal.h"
#include "node/effect.h"

struct heal_done {
	uint64_t cookie;
	enum heal_end end;
	char hash[HEAL_HASH_ROOM]; /* DONE of BUILD: of the file; of HASH: computed */
	/* DONE of PLACE: data of the entry heal_published, JSON, malloc'd: whoever takes it frees
	 * it. */
	char *entry;
	char why[160]; /* of any end but DONE */
};

/* Does the folder stay? hash is set to that of its claim's row, if one can be read. */
typedef bool (*heal_keep)(void *arg, char hash[HEAL_HASH_ROOM], uint64_t op);

struct heal_port {
	/*
	 * Begins; the outcome comes from `next`, also when it is known at once. BUILD leaves a
	 * staged folder when it is DONE and none otherwise; of what was claimed before it takes
	 * whatever is still good and leaves that in any case, though not staged. HASH leaves
	 * nothing, PLACE leaves everything staged, CLEAN none.
	 */
	void (*begin)(void *ctx, uint64_t cookie, const struct heal_order *order);
	/* Ends it soon, with CLOSED unless it was done before. */
	void (*cancel)(void *ctx, uint64_t cookie);
	/*
	 * The next outcome; false when there is none. One with cookie 0 tells that more is known of
	 * what is staged.
	 */
	bool (*next)(void *ctx, struct heal_done *out);
	/* For operators: octets so far, of all; false when there is no such work. */
	bool (*progress)(void *ctx, uint64_t *done, uint64_t *total, uint64_t cookie);
	/* The manifest's hash of an op: 0, NOTFOUND when it is not staged, AGAIN when that is not
	 * known yet, IO. */
	int (*staged)(void *ctx, char hash[HEAL_HASH_ROOM], uint64_t op);
	/*
	 * At start, before anything is begun: removes the folders of ops that are not kept; *left
	 * says how many were.
	 */
	int (*sweep)(void *ctx, unsigned *left, heal_keep keep, void *arg);
	void *ctx;
};

#endif
