/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a whole network from one seed: nodes with the daemon's own code (node/core.h) and its
 * responder, over simulated time, network, log and disk, and faults that the seed schedules
 * (docs/simulator.md).
 */
#ifndef TESTS_SIM_RUN_H
#define TESTS_SIM_RUN_H

#include "base/sim.h"
#include "ledger/net.h"
#include "node/core.h"
#include "proof/world.h"

#define RUN_NODES_MAX 7
#define RUN_MEMBERS   4
#define RUN_FILES_MAX 300
#define RUN_REAL_MAX  8 /* files whose bytes there are */
#define RUN_ITEMS_MAX 256
#define RUN_TICK_MS   1000
#define RUN_NEVER     UINT64_MAX
#define RUN_MS	      UINT64_C(1000000)
#define RUN_S	      UINT64_C(1000000000)

/* What a node does wrong all the time. */
enum run_vice {
	RUN_HONEST,
	RUN_EMPTY,  /* has no artifacts */
	RUN_ROTTEN, /* serves changed bytes, with a tree of their own */
	RUN_FORGER, /* stages other bytes than it claims */
	RUN_DENIER, /* finds everything wrong that others have staged */
	RUN_MUTE,   /* neither heals nor votes */
	RUN_VICES
};

/* What a ticket is about. Artifact i is bit i: all INDEX, then all SYMBOLs. */
struct run_file {
	char ticket[TICKET_ROOM], hash[HEAL_HASH_ROOM];
	unsigned index, symbols, source; /* as many symbols as `source` rebuild it */
	uint64_t lost_ns;		 /* when something of it was destroyed; 0: never */
};

/* An artifact of a file: its bytes, and what rot makes of them. */
struct run_item {
	unsigned file, bit;
	uint8_t key[32];
	uint64_t size;
	uint8_t *data, *rotten, *outboard, *rotten_outboard;
	struct artifact_bytes good, bad;
};

struct run;
struct run_socket;
struct run_staged;
struct run_work;

struct run_node {
	struct run *run;
	unsigned number;
	const struct net_node *who;
	enum run_vice vice;

	struct sim_clock time; /* the run's, with the wall clock off by skew_ns */
	int64_t skew_ns;
	uint64_t seed;

	/* Disk: outlives the process. */
	char path[128];
	unsigned starts;
	struct sim_disk *disk;	     /* of the reveal chain */
	uint64_t has[RUN_FILES_MAX]; /* artifacts in its store */
	struct run_staged *staged;   /* folders of heal ops */
	struct run_staged *swept;    /* those that went at the start */

	/* Process; NULL while it is down. */
	sqlite3 *db;
	struct core *core;
	struct feed *feed;
	struct reveal *reveal;
	struct world *server;
	struct log_engine engine; /* below the one that the feed has */
	struct artifact record[RUN_ITEMS_MAX];
	uint64_t epoch; /* that the server knows of */
	uint64_t turn_ns, feed_ns;
	uint64_t start_ns; /* while it is down */
	struct run_socket *sockets;
	unsigned opened;
	struct run_work *work; /* of healing */
	bool frozen;	       /* dead already: what it still does leaves no trace */
	char frozen_path[128]; /* the database as it was then */

	/* Faults. */
	unsigned side;	 /* of a partition */
	uint64_t cut_ns; /* until then it does not reach the log */
	enum failpoint fail;
	unsigned fail_in; /* when it is passed that often; 0: never */
};

/* What became of the entry of a sequence number, by whoever saw it first. */
struct run_seen {
	bool applied, hashed, logged;
	uint8_t id[32], hash[32], digest[32];
	enum entry_kind kind;
	unsigned code;
};

struct run_options {
	uint64_t seed;
	uint64_t ticks; /* of faults; then they stop */
	bool trace;
	bool calm;	/* no faults, no vices, seven nodes */
	unsigned mode;	/* of enforcement; 0: by the seed */
	bool heal;	/* nodes heal, and stores are damaged */
	unsigned light; /* files without bytes: nobody is challenged then */
};

struct run_faults {
	uint64_t next_ns;
	uint64_t partition_ns, down_ns, storm_ns; /* until then; 0: none */
	struct sim_net_faults wire;		  /* all the time */
	struct engine_sim_faults log;
	bool over;
};

struct run {
	struct run_options options;
	uint64_t random;
	struct sim_clock now;
	struct sim_net *wire;
	struct net idle;
	struct engine_sim *log;
	struct run_node node[RUN_NODES_MAX];
	unsigned nodes;
	struct run_faults faults;
	char dir[64];

	struct run_item item[RUN_ITEMS_MAX];
	unsigned items, files;
	struct run_file file[RUN_FILES_MAX];

	/* The observer: a state machine fed from the log alone. net.state is its state. */
	struct ledger_net net;
	struct log_engine observer;
	uint64_t observer_ns;
	struct run_seen *seen; /* [seq] */
	size_t seen_room;
	struct {
		uint64_t seq;
		uint8_t digest[32];
	} * acked;
	size_t acked_n, acked_room;
	uint8_t (*told)[32]; /* ids of entries whose acceptance was told to who put them */
	size_t told_n;
	json_t *reports;  /* "epoch/account" -> true */
	json_t *accepted; /* "type author" -> number of entries */
	json_t *promised; /* tickets that a node took into its outbox -> true */
	json_t *arrived;  /* tickets of which the log has an entry -> true */
	uint64_t put_ns;  /* the next file */

	uint64_t trace; /* hash of all that happened */
	uint64_t entries, datagrams, crashes, passes, failures;
	json_t *heals; /* what was accepted of an op, and when it was placed */
	unsigned builds, claims, votes, published, fails[FAIL_COUNT];
	char wrong[400]; /* the first broken invariant; empty: none */
};

/* The whole run; r->wrong is empty when everything held. */
void run_play(struct run *r, const struct run_options *options);
void run_free(struct run *r);

/* The same in parts, for a run with a script. */
void run_begin(struct run *r, const struct run_options *options);
void run_step(struct run *r); /* the next moment */
void run_to_height(struct run *r, uint64_t height);
/* Everybody comes together, and two more epochs pass. */
void run_end(struct run *r);
/* Straight into the log; data is consumed. */
void run_put(struct run *r, const char *author, const char *type, json_t *data);
/* How many entries of a type by an author the ledger took. */
unsigned run_accepted(const struct run *r, const char *type, const char *author);

/* --- between the parts of a run */

uint64_t run_random(struct run *r, uint64_t below);
/* A number and bytes of something that happened. */
void run_note(struct run *r, unsigned node, const char *what, uint64_t number, const void *bytes,
	      size_t len);
__attribute__((format(printf, 2, 3))) void run_wrong(struct run *r, const char *format, ...);

/* files.c */
/* A file that all honest nodes have, as the data of a `ticket` entry of its creator with n = 0. */
json_t *run_file_make(struct run *r, unsigned creator);
/* Likewise of a file without bytes. */
json_t *run_file_light(struct run *r, unsigned creator);
void run_files_free(struct run *r);
struct run_file *run_file_find(struct run *r, const char *ticket);
/* What a position of that many holders has to have of a file. */
uint64_t run_file_share(struct run *r, const struct run_file *f, size_t holders, size_t position);
const struct run_item *run_item_find(const struct run *r, const uint8_t key[32]);
bool run_item_there(const struct run_node *n, const struct run_item *item);

/* wire.c: sockets of a node's peers, and its responder. */
/* Of its session key. */
void run_session_secret(uint8_t secret[32], unsigned node);
struct net_addr run_addr(unsigned node, uint16_t port);
struct peer_sockets run_sockets(struct run_node *n);
void run_sockets_free(struct run_node *n);
void run_server_start(struct run_node *n);
void run_server_fill(struct run_node *n);
void run_server_stop(struct run_node *n);
void run_server_epoch(struct run_node *n);
void run_server_listen(struct run_node *n);

/* heal.c: the long work of healing, in no time and without bytes */
struct heal_port run_heal_port(struct run_node *n);
struct failpoints run_failpoints(struct run_node *n);
uint64_t run_heal_due(const struct run_node *n);
void run_heal_stop(struct run_node *n); /* the process ends; what is staged stays */
void run_heal_free(struct run_node *n);
/* Everything that it is asked for is there. */
bool run_serves(const struct run_node *n);
/* Artifacts of a file that can be had: by a node, or with NULL by whoever reaches all. */
uint64_t run_heal_reach(struct run *r, unsigned file, const struct run_node *by,
			const struct run_node *without);
bool run_heal_enough(const struct run_file *f, uint64_t artifacts);

/* heal_faults.c */
void run_heal_fault(struct run *r, struct run_node *n);
/* Of what the node has of a file, all goes, if the others can rebuild it. */
bool run_heal_wipe(struct run *r, struct run_node *n, unsigned file);
void run_heal_order(struct run *r, unsigned file); /* the authority wants it placed anew */
void run_heal_mode(struct run *r, unsigned mode);
void run_heal_fail(struct run_node *n, enum failpoint which, unsigned in);

/* heal_check.c */
/* An entry on its way into the log. */
void run_heal_sends(struct run_node *n, const uint8_t *bytes, size_t len);
void run_heal_said(struct run *r, const struct entry *e); /* an entry with any verdict */
void run_heal_accepted(struct run *r, const struct entry *e);
/* The process is up: what was swept while it started is judged by its copy. */
void run_heal_started(struct run_node *n);
/* After the faults: until all ops of now are settled. */
void run_heal_end(struct run *r);

/* node.c */
/* Nobody sees anything of it any more; crash it soon. */
void run_node_freeze(struct run_node *n);
struct run_node *run_node_find(struct run *r, const char *account);
void run_node_init(struct run_node *n, struct run *r, unsigned number);
void run_node_free(struct run_node *n);
void run_node_start(struct run_node *n);
void run_node_crash(struct run_node *n, uint64_t down_ns);
/* A ticket goes into its outbox. */
void run_node_put(struct run_node *n, json_t *data);
/* What is due at this moment; the next one. */
uint64_t run_node_due(const struct run_node *n);
void run_node_go(struct run_node *n);

/* faults.c */
void run_faults_init(struct run *r);
void run_faults_go(struct run *r);
/* All of them end, and everybody runs. */
void run_faults_stop(struct run *r);

/* check.c */
void run_check_applied(struct run_node *n, uint64_t seq, const struct entry_result *result);
void run_check_state(struct run *r, unsigned node, struct state *s);
void run_check_told(struct run *r, const uint8_t id[32], const struct entry_outcome *outcome);
void run_check_acked(struct run *r, uint64_t seq, const uint8_t *entry, size_t len);
/* The observer reads on; an entry that it has applied itself. */
void run_observe(struct run *r);
void run_observed(struct run *r, const uint8_t *entry, size_t len,
		  const struct entry_result *result);
/* At the end. */
void run_check_log(struct run *r);

#endif
