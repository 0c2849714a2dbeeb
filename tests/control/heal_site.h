/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A healer on a scratch folder, and the other nodes of its network: real responders with stores, on
 * loopback sockets, served by one thread. The ledger is real as well; only nobody follows it.
 */
#ifndef TESTS_CONTROL_HEAL_SITE_H
#define TESTS_CONTROL_HEAL_SITE_H

#include <pthread.h>

#include "base/sim.h"
#include "client/site.h"
#include "control/heal_made.h"
#include "control/heals.h"
#include "ledger/net.h"

#define SITE_NODES 8 /* the healer is the first */
#define SITE_WIDTH 4 /* holders of the ticket */
#define SITE_SIZE  200000
#define SITE_OP	   1

struct site_node {
	struct world world;
	struct site site;
	struct store_reader *reader;
	int fd;
	const char *account;
	_Atomic bool silent;
	unsigned refusals; /* receipts that it still refuses */
	bool staged;	   /* what a verifier reads: world_artifact, not the store */
};

struct heal_site {
	struct ledger_net net;
	struct made_file file;
	char ticket[65], hash[45];
	struct site_node node[SITE_NODES];
	pthread_t thread;
	pthread_mutex_t hold; /* of all nodes and the ledger */
	_Atomic bool stop;
	/* The healer. */
	char dir[64], root[96];
	struct app app;
	struct heals_config config;
	struct heals *heals;
	struct heal_port port;
	unsigned passed[FAIL_COUNT]; /* failpoints */
	uint64_t cookie;
};

#define SITE_PATIENT 30000
#define SITE_BRIEF   1500 /* where nodes are to be silent */
/* The ticket is on the ledger, its artifacts with their holders. */
void heal_site_open(struct heal_site *s, uint32_t answer_ms);
void heal_site_close(struct heal_site *s);
/* For tests with a site of their own; a setup of one's own begins with heal_site_open. */
int site_setup(void **state);
int site_setup_brief(void **state);
int site_teardown(void **state);
#define SITE_TEST(name, setup, site) \
	cmocka_unit_test_prestate_setup_teardown(name, setup, site_teardown, &(site))
/* Placement of the ticket now: the node (0: the healer) on that position. */
unsigned site_holder(struct heal_site *s, unsigned position);
/* A node that is none of its holders, the n-th. */
unsigned site_spare(struct heal_site *s, unsigned n);
/* The node has the artifact; it has it no more. */
bool site_stores(struct heal_site *s, unsigned node, unsigned class, uint32_t ordinal);
void site_remove(struct heal_site *s, unsigned node, unsigned class, uint32_t ordinal);
void site_tick(struct heal_site *s, unsigned epochs);

/* The healer's process begins anew; `keep` says which ops its rows name. How many folders stay. */
unsigned site_restart(struct heal_site *s, heal_keep keep);
/* What the port says of the folder, as soon as it knows. */
int site_look(struct heal_site *s, char hash[HEAL_HASH_ROOM], uint64_t op);
/* Something with a node's store, by whom it belongs to. */
void site_store(struct heal_site *s, unsigned node,
		void (*run)(struct store *store, const void *arg), const void *arg);
/* Runs what the store's thread has done. */
void site_pump(struct heal_site *s);

struct heal_order site_order(const struct heal_site *s, enum heal_work work);
/* Begins, and waits for what becomes of it. */
struct heal_done site_do(struct heal_site *s, const struct heal_order *order);
/* The same with that much time; again, when no thread has begun in it. */
struct heal_done site_do_late(struct heal_site *s, struct heal_order *order, uint64_t ms);
uint64_t site_begin(struct heal_site *s, const struct heal_order *order);
struct heal_done site_wait(struct heal_site *s, uint64_t cookie);
/* A file of the staging folder: its length, -1 when it is missing. */
long site_staged(const struct heal_site *s, const char *name);
void site_symbol_name(const struct heal_site *s, char out[96], uint32_t ordinal);
bool site_has_folder(const struct heal_site *s);

#endif
