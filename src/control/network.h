/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's place in its network, when the configuration names a genesis document: the ledger is
 * followed, the registry comes from it, and the epochs' work is done (node/core.h). Everything but
 * the engine's thread belongs to the control thread.
 */
#ifndef CONTROL_NETWORK_H
#define CONTROL_NETWORK_H

#include "control/control.h"
#include "node/core.h"

struct network;

/*
 * The id of the network that a genesis document founds, from its bytes, which must be canonical as
 * `assayctl ledger init` writes them. 0 or a code with why in words.
 */
int genesis_read(char **document, size_t *len, uint8_t network_id[32], char *why, size_t why_room,
		 const char *path);

/* Follows the log from here on. 0 or a code after app_fail. */
int network_follow(struct control *c);
/* The daemon stops: says so on the ledger. */
void network_drain(struct control *c);
bool network_drained(struct control *c);

/* NULL without a genesis document. */
struct core *network_core(struct network *n);
/* This node's store. */
struct own_artifacts network_own(struct app *app);
/* What the log's engine says of itself. */
void network_engine(struct network *n, struct log_health *out);

/* Replaces the nodes of a registry by those of the ledger; clients stay. 0 or a code. */
int network_registry(struct network *n, struct registry *registry);
/*
 * Epochs, limits and grants of the snapshot for the workers. The grants are the caller's until a
 * view is built of them. 0 or NOMEM.
 */
int network_view(struct network *n, struct view *settings);
/* What of the configuration can change while the node runs. */
void network_reload(struct network *n);

/* Octets so far and of all, of healing's work with that cookie; false: there is none. */
bool network_heal_progress(struct network *n, uint64_t *done, uint64_t *total, uint64_t cookie);
/*
 * An entry of this node's, at the wish of an operator or a part of control: told once what became
 * of it. A code of core_put; then `done` is not called.
 */
typedef void (*network_done)(void *ctx, const uint8_t id[32], const struct entry_outcome *outcome);
int network_put(struct network *n, enum entry_class class, const char *type, const json_t *data,
		uint64_t entry_n, network_done done, void *ctx);
/* Whoever waits with that ctx wants to hear nothing any more. */
void network_forget(struct network *n, const void *ctx);

#endif
