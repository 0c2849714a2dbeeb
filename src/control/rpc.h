/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0, one object per line. The method table below is the one truth about names,
 * parameters, states and help: it checks requests, answers rpc.discover, and gives assayctl its
 * commands, help and completion. The table has no handlers in it, so assayctl links it too.
 */
#ifndef CONTROL_RPC_H
#define CONTROL_RPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rpc_type {
	RPC_TEXT,
	RPC_KEY,    /* artifact key: 64 hex digits or base58 */
	RPC_NUMBER, /* 0 or above */
	RPC_BOOL,
};

struct rpc_param {
	const char *name; /* NULL ends the list */
	enum rpc_type type;
	bool required;
	uint64_t max; /* of a NUMBER; longest TEXT */
	const char *help;
};

/* States of the daemon, a set. */
enum { RPC_IN_START = 1, RPC_IN_RUN = 2, RPC_IN_DRAIN = 4, RPC_ALWAYS = 7 };
/* What a descriptor that comes with the request must be open for. */
enum rpc_fd { RPC_FD_NONE, RPC_FD_READ, RPC_FD_WRITE, RPC_FD_BOTH };

#define RPC_PARAMS_MAX 4
#define RPC_RATIO_MAX  64 /* LAYOUT_RATIO_MAX of codec/layout.h */

struct rpc_method {
	const char *name;
	const char *command; /* words of assayctl that map one to one, or NULL */
	unsigned states;
	bool changes; /* logged with who asked */
	bool job;     /* answers {"job":ID}; job.progress and job.done follow */
	enum rpc_fd fd;
	bool folder; /* a second descriptor: of a folder */
	struct rpc_param params[RPC_PARAMS_MAX + 1];
	const char *help;
	const char *result;
};

/* X(CONSTANT, name) in the order of the table. */
#define RPC_METHODS(X)                          \
	X(DISCOVER, "rpc.discover")             \
	X(STATUS, "node.status")                \
	X(STATS, "node.stats")                  \
	X(TOPOLOGY, "node.topology")            \
	X(DOCTOR, "node.doctor")                \
	X(METRICS, "node.metrics")              \
	X(SESSIONS_LIST, "sessions.list")       \
	X(SESSIONS_CLOSE, "sessions.close")     \
	X(REGISTRY_LIST, "registry.list")       \
	X(REGISTRY_RELOAD, "registry.reload")   \
	X(ARTIFACT_PUT, "artifact.put")         \
	X(ARTIFACT_GET, "artifact.get")         \
	X(ARTIFACT_LIST, "artifact.list")       \
	X(ARTIFACT_STAT, "artifact.stat")       \
	X(ARTIFACT_VERIFY, "artifact.verify")   \
	X(ARTIFACT_REMOVE, "artifact.remove")   \
	X(ARTIFACT_SCRUB, "artifact.scrub")     \
	X(CODEC_ENCODE, "codec.encode")         \
	X(CODEC_DECODE, "codec.decode")         \
	X(CODEC_HEAL, "codec.heal")             \
	X(LEDGER_STATUS, "ledger.status")       \
	X(LEDGER_TAIL, "ledger.tail")           \
	X(LEDGER_ENTRY, "ledger.entry")         \
	X(LEDGER_ACCEPT, "ledger.accept")       \
	X(EPOCH, "epoch.show")                  \
	X(NODES, "nodes.list")                  \
	X(CHALLENGES, "challenges.list")        \
	X(MISSES, "misses.list")                \
	X(TICKET_PUT, "ticket.put")             \
	X(TICKET_GET, "ticket.get")             \
	X(TICKET_CLOSE, "ticket.close")         \
	X(TICKET_REBALANCE, "ticket.rebalance") \
	X(TICKETS, "ticket.list")               \
	X(TICKET_SHOW, "ticket.show")           \
	X(HEALS, "heal.list")                   \
	X(HEAL_SHOW, "heal.show")               \
	X(JOB_LIST, "job.list")                 \
	X(JOB_CANCEL, "job.cancel")             \
	X(CONFIG_SHOW, "config.show")           \
	X(CONFIG_RELOAD, "config.reload")       \
	X(LOG_LEVEL, "log.level")

enum rpc_id {
#define X(constant, name) RPC_##constant,
	RPC_METHODS(X)
#undef X
		RPC_METHOD_COUNT
};

extern const struct rpc_method rpc_methods[RPC_METHOD_COUNT];
/* Index of a name, or -1. */
int rpc_find(const char *name);
const char *rpc_type_name(enum rpc_type type);
/* The table as rpc.discover returns it. */
json_t *rpc_discover(void);

/* Errors of JSON-RPC itself; our own are -32000 plus a code of assay/status.h (-1..-18). */
enum {
	RPC_E_PARSE = -32700,
	RPC_E_REQUEST = -32600,
	RPC_E_METHOD = -32601,
	RPC_E_PARAMS = -32602,
	RPC_E_STATE = -32099, /* not allowed in this state of the daemon */
	RPC_E_BASE = -32000,
};

struct rpc_error {
	int code;
	char message[512];
	char key[64];	/* the parameter it is about, or "" */
	char hint[256]; /* what to do, or "" */
};

struct control;
struct connection;

/* Who asks, and what came along. */
struct rpc_context {
	struct control *control;
	struct connection *connection; /* where job events go */
	unsigned state;		       /* one of RPC_IN_* */
	unsigned depth_max;
	int fd;	    /* passed descriptor, or -1; a handler that keeps it sets -1 */
	int folder; /* likewise the second one */
	long uid, pid;
};

/*
 * A handler gets checked params (an object, never NULL). It returns the result, a new reference, or
 * NULL after rpc_fail.
 */
typedef json_t *(*rpc_handler)(struct rpc_context *ctx, json_t *params, struct rpc_error *error);
extern const rpc_handler rpc_handlers[RPC_METHOD_COUNT];

/* Fills error; code is one of ASSAY_E_* or RPC_E_*; hint may be NULL. Returns NULL. */
__attribute__((format(printf, 5, 6))) json_t *rpc_fail(struct rpc_error *error, int code,
						       const char *key, const char *hint,
						       const char *format, ...);

/* One line without its newline. The answer, a new reference; NULL for a notification. */
json_t *rpc_answer(struct rpc_context *ctx, const char *line, size_t len);
/* {"jsonrpc":"2.0","id":id,"error":..}; takes no reference of id; NULL stands for null. */
json_t *rpc_error_json(json_t *id, const struct rpc_error *error);
/* The error object alone. */
json_t *rpc_error_object(const struct rpc_error *error);
/* A notification, takes the reference of params. */
json_t *rpc_event(const char *method, json_t *params);

/* Checks params against the method, fills error when they do not fit. */
bool rpc_check_params(const struct rpc_method *method, json_t *params, struct rpc_error *error);
/* Parameters after the check; NULL, 0 or false when an optional one is missing. */
const char *rpc_text(json_t *params, const char *name);
uint64_t rpc_number(json_t *params, const char *name, uint64_t otherwise);
bool rpc_bool(json_t *params, const char *name);
/* False when it is missing. */
bool rpc_key(uint8_t out[32], json_t *params, const char *name);

#endif
