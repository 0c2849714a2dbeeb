/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network without processes: keys of nodes, authority and committee, a genesis document, and
 * entries signed by whoever a test wants. The same configuration gives the same entries.
 */
#ifndef TESTS_LEDGER_NET_H
#define TESTS_LEDGER_NET_H

#include "base/seam.h"
#include "crypto/sign.h"
#include "ledger/state.h"

#define NET_GENESIS_MS UINT64_C(1767225600000)
#define NET_TICK_MS    6000
#define NET_STRANGERS  4    /* nodes that the genesis document does not name */
#define NET_CHAIN      4096 /* ticks that a member can make */

struct net_node {
	char account[16];
	struct sign_key key;
	uint8_t session_key[33], enc_key[33], session_pop[64];
};

struct net_config {
	unsigned nodes;
	unsigned members;	    /* the first nodes; at least 2 */
	unsigned epoch_length;	    /* in heights */
	bool keyed;		    /* the committee has a key: epochs can be sealed */
	const char *params, *state; /* JSON objects of the document, or NULL */
};

struct ledger_net {
	struct net_config config;
	struct state *state;
	struct net_node *nodes; /* and the strangers behind them */
	struct sign_key authority, group;
	uint32_t *reveals_left; /* of each member */
	uint64_t next_n, random;
	struct buf document, entry; /* the genesis document; the last entry made */
	uint8_t net[32];
};

/* With a state behind genesis. */
void net_new(struct ledger_net *n, const struct net_config *config);
void net_free(struct ledger_net *n);

/* The file from which a member's chain of reveals is made again, durable. */
void net_write_secret(const struct disk *disk, const char *path, unsigned member);

/* Deterministic. */
uint64_t net_random(struct ledger_net *n);

/* An entry into n->entry; data is consumed. Author "authority" or an account. */
void net_sign(struct ledger_net *n, const char *author, const char *type, json_t *data);
/* The same, applied. */
struct entry_result net_apply(struct ledger_net *n, const char *author, const char *type,
			      json_t *data);
/* One that must be accepted. */
void net_accept(struct ledger_net *n, const char *author, const char *type, json_t *data);

/* A tick that is accepted, by the first member whose turn it may be. */
json_t *net_tick_data(struct ledger_net *n, unsigned *member);
void net_tick(struct ledger_net *n);
/* Until the first height of that epoch. */
void net_to_epoch(struct ledger_net *n, uint64_t epoch);

/* A file of that size as the data of a `ticket` entry with n = 0, all receipts signed. */
json_t *net_ticket_data(struct ledger_net *n, unsigned creator, uint64_t file, uint64_t size);
/* Receipts of these holders. */
json_t *net_receipts(struct ledger_net *n, const char *ticket, uint64_t placement_epoch,
		     const struct texts *holders);
/* Attests of all members, then the seal. */
void net_seal(struct ledger_net *n, uint64_t epoch);
/* A node that is not in the network yet, as the data of node_add. */
json_t *net_stranger(struct ledger_net *n, unsigned number);

struct net_node *net_find(struct ledger_net *n, const char *account);

#endif
