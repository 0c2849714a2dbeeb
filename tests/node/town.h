/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runners of a whole network over one ledger, in one thread and one clock: entries go through the
 * real state machine, only the wire between the nodes is a script.
 */
#ifndef TESTS_NODE_TOWN_H
#define TESTS_NODE_TOWN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sim.h"
#include "ledger/net.h"
#include "node/coded_file.h"
#include "node/runner.h"

#define TOWN_NODES   7
#define TOWN_MEMBERS 4
#define TOWN_TICKETS 6

struct town_event {
	struct node_event event;
	struct moment after; /* not before */
	unsigned node;
};
struct town_entry {
	unsigned node;
	uint64_t cookie;
	char type[24];
	json_t *data;
};

struct town_node {
	char account[16];
	unsigned number;
	struct town *town;
	struct runner *runner; /* NULL: not running */
	sqlite3 *db;
	struct local *local;
	struct sim_disk *disk;
	struct reveal *reveal;
	/* How it answers challenges. */
	enum ask_outcome answers;
	unsigned refuses; /* of REFUSED */
	unsigned asked, starts;
};

struct town {
	struct ledger_net net;
	struct town_node node[TOWN_NODES];
	struct coded_file file[TOWN_TICKETS];
	unsigned tickets;
	struct settings settings;
	struct moment now;
	struct town_event *events;
	size_t event_count;
	struct town_entry *entries;
	size_t entry_count;
	bool engine_down; /* entries wait */
	struct sim_log log;
	struct {
		char type[24];
		unsigned accepted, refused;
	} seen[16];
};

/* params: JSON object of parameters, beside those that a town needs. */
void town_init(struct town *t, unsigned epoch_length, const char *params);
void town_free(struct town *t);
/* A file of that creator, on all nodes. */
void town_put(struct town *t, unsigned creator);

void town_start(struct town *t, unsigned node);
/* The process is gone; its database stays. */
void town_kill(struct town *t, unsigned node);
/* One second passes. */
void town_second(struct town *t);
/* Seconds until that height, or that epoch begins. */
void town_to_height(struct town *t, uint64_t height);
void town_to_epoch(struct town *t, uint64_t epoch);

/* Entries of a type that the ledger took, and refused. */
unsigned town_accepted(const struct town *t, const char *type);
unsigned town_refused(const struct town *t, const char *type);
/* Rows of a class about a target in all reports of the epochs; any target: NULL. */
unsigned town_rows(struct town *t, uint64_t first, uint64_t last, const char *target,
		   unsigned result);
unsigned town_reports(struct town *t, uint64_t epoch);

#endif
