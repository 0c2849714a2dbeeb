/* SPDX-License-Identifier: Apache-2.0 */
/* assayctl: what its files share. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "control/config.h"
#include "control/registry.h"
#include "control/rpc.h"

/* Exit codes, the same for all commands. */
enum {
	CTL_OK = 0,
	CTL_FAILED = 1,	   /* it did not work, or a verdict is not PASS */
	CTL_USAGE = 2,	   /* wrong command line */
	CTL_NO_DAEMON = 3, /* the daemon cannot be reached */
};

/* X(CONSTANT, name, argument or NULL, help). One list for all commands, so an option means the same
 * everywhere. */
#define CTL_OPTIONS(X)                                                                            \
	X(CONFIG, "config", "FILE", "configuration of the node (default /etc/assay/assay.conf)")  \
	X(DIR, "dir", "DIR", "folder of a node made by init --dir: its DIR/assay.conf is used")   \
	X(SOCKET, "socket", "PATH", "control socket (default: control.sock in run_dir)")          \
	X(JSON, "json", NULL, "print JSON for scripts")                                           \
	X(HELP, "help", NULL, "print help, also of a command")                                    \
	X(VERSION, "version", NULL, "print the version")                                          \
	X(ACCOUNT, "account", "NAME", "account: 1 to 64 of a-z, 0-9, '.' and '-'")                \
	X(NETWORK, "network", "NAME", "name of the network")                                      \
	X(ADDRESS, "address", "HOST:PORT", "address at which others reach the node")              \
	X(OPERATOR, "operator", "NAME", "who runs the node (default: its account)")               \
	X(PERMISSIONS, "permissions", "LIST", "of prove,read,write,call (else prove,read)")       \
	X(FORCE, "force", NULL, "replace a file that is there")                                   \
	X(WATCH, "watch", "SECONDS", "show again every so many seconds; stats as rates")          \
	X(OPEN, "open", NULL, "only what is still going on")                                      \
	X(PEER, "peer", "ACCOUNT", "node to ask, from the registry, or all others")               \
	X(KEY, "key", "KEY", "artifact to ask for; may be repeated")                              \
	X(KEYS, "keys", "FILE", "artifacts to ask for: a key on each line, - is standard input")  \
	X(COUNT, "count", "N", "questions for each peer and artifact (default 1)")                \
	X(TREE, "tree", NULL, "ask for a proof with tree (default)")                              \
	X(PLAIN, "plain", NULL, "ask without tree: a good answer is then PLAIN, not PASS")        \
	X(SEED, "seed", "HEX", "seed of the first question (default: random)")                    \
	X(EPOCH, "epoch", "N", "epoch to name (default: the ledger's current one, else 1)")       \
	X(RANGES, "ranges", "N", "ranges of a question (default 4)")                              \
	X(LENGTH, "length", "BYTES", "length of a range (default 256)")                           \
	X(OUTPUT, "output", "PATH", "where to write; also -o")                                    \
	X(DAEMON, "daemon", NULL, "let the daemon's workers do it")                               \
	X(RATIO, "ratio", "N", "repair symbols for each source symbol (default 5)")               \
	X(COMMITTEE, "committee", "LIST", "accounts of the committee, in the order of their ids") \
	X(THRESHOLD, "threshold", "N", "members that must agree (default 2/3 of them, plus one)") \
	X(AUTHORITY, "authority", "KEY", "public key of the authority, from authority init")      \
	X(PARAMS, "params", "FILE", "parameters that differ from the standard, as a JSON object") \
	X(CLIENT_KEYS, "client-keys", "FILE",                                                     \
	  "ask as a client, with --account (default: as the node)")

enum ctl_option {
#define X(constant, name, argument, help) OPT_##constant,
	CTL_OPTIONS(X)
#undef X
		OPT_COUNT_ALL
};
struct ctl_option_text {
	const char *name, *argument, *help;
};
extern const struct ctl_option_text ctl_option_texts[OPT_COUNT_ALL];
#define OPT(constant) (1ull << OPT_##constant)
/* Every command takes these. */
#define OPT_GLOBAL   (OPT(CONFIG) | OPT(DIR) | OPT(SOCKET) | OPT(JSON) | OPT(HELP) | OPT(VERSION))

#define CTL_KEYS_MAX 4096

struct ctl {
	const char *option[OPT_COUNT_ALL]; /* value, "" for a flag that is there, NULL otherwise */
	const char *keys[CTL_KEYS_MAX];	   /* of --key */
	unsigned key_count;
	bool json;
	char config_path[4096];
	struct config *config; /* after ctl_config */
	char run_dir[96];      /* after ctl_run_dir */
};

struct ctl_command {
	const char *words;
	const char *arguments; /* for the usage line */
	unsigned arguments_min, arguments_max;
	uint64_t options; /* OPT(..), beside the global ones */
	const char *help;
	int (*run)(struct ctl *ctl, char **arguments, unsigned count);
};
/* Those that do more than one call; the others come from the method table. */
extern const struct ctl_command ctl_commands[];
extern const unsigned ctl_command_count;

/* "assayctl: message" on stderr; returns code. */
__attribute__((format(printf, 2, 3))) int ctl_fail(int code, const char *format, ...);
/* Reads the configuration once; CTL_FAILED after a message. */
int ctl_config(struct ctl *ctl);
/*
 * Only where the daemon is, known even when the file has a mistake further on; error (room for
 * CONFIG_ERROR_MAX) then tells it, else it is "". CTL_FAILED when it is not known.
 */
int ctl_run_dir(struct ctl *ctl, char *error);
/* A whole number of an option within limits; otherwise when it is not given; CTL_USAGE. */
int ctl_number(const struct ctl *ctl, enum ctl_option option, uint64_t *out, uint64_t otherwise,
	       uint64_t min, uint64_t max);
/* An object as JSON on stdout; takes the reference; returns code. */
int ctl_print_json(json_t *object, int code);

/* call.c: the daemon. */
struct ctl_link {
	int fd;
	int folder; /* goes along with the descriptor of a call, or -1 */
	char *buffer;
	size_t len, room;
	uint64_t last_id;
};
/* CTL_NO_DAEMON after a message, or without one when quiet. */
int ctl_connect(struct ctl *ctl, struct ctl_link *link, bool quiet);
void ctl_disconnect(struct ctl_link *link);
/*
 * One call; fd goes along unless it is -1. The result is a new reference, or NULL after a message
 * on stderr. Takes the reference of params, which may be NULL. Waits while the daemon is starting.
 */
json_t *ctl_call(struct ctl_link *link, const char *method, json_t *params, int fd);
/*
 * All pages of a list, member `list` of the results, each page asked for `after` the last item's
 * member `key`; a new reference, or NULL after a message. Takes the reference of params, which may
 * be NULL.
 */
json_t *ctl_call_pages(struct ctl_link *link, const char *method, json_t *params, const char *list,
		       const char *key);
/* The same for a job: shows progress under that name and returns its result. Ctrl-C cancels. */
json_t *ctl_job(struct ctl_link *link, const char *method, json_t *params, int fd,
		const char *name);

/* watch.c: a command that shows one look, or with --watch one every so many seconds. */
struct ctl_watch {
	json_t *(*look)(struct ctl *ctl, struct ctl_link *link); /* NULL after a message */
	void (*show)(json_t *now, json_t *before);		 /* before: NULL without one */
	bool rates; /* --watch shows what changed: the first look is only compared with */
};
int ctl_watch(struct ctl *ctl, const struct ctl_watch *w);

/* method.c: commands that are one call. */
int ctl_method(struct ctl *ctl, enum rpc_id id, char **arguments, unsigned count);
/* show.c, show_stats.c: results for people, and the code that a result means. */
void show_result(enum rpc_id id, json_t *result);
/* show_ledger.c: false for results that are not about the ledger. */
bool show_ledger(enum rpc_id id, json_t *result);
void show_tickets(json_t *list);
void show_heal(json_t *heal);
int result_code(enum rpc_id id, json_t *result);

/* table.c: text tables with aligned columns. */
struct table;
/* Titles in upper case, separated by blanks; a title that starts with '>' is aligned right. */
struct table *table_new(const char *titles);
__attribute__((format(printf, 2, 3))) void table_cell(struct table *t, const char *format, ...);
/* Prints and frees. */
void table_print(struct table *t);
/* "1.5 MiB"; a small rotating buffer. */
const char *human_bytes(uint64_t bytes);

/* help.c */
void help_all(FILE *out);
int help_command(const char *words);
void help_markdown(FILE *out);
void help_scdoc(FILE *out);
int command_completion(struct ctl *ctl, char **arguments, unsigned count);

int command_init(struct ctl *ctl, char **arguments, unsigned count);
int command_node_id(struct ctl *ctl, char **arguments, unsigned count);
int command_client_init(struct ctl *ctl, char **arguments, unsigned count);
int command_registry_add(struct ctl *ctl, char **arguments, unsigned count);
int command_registry_remove(struct ctl *ctl, char **arguments, unsigned count);
int command_registry_list(struct ctl *ctl, char **arguments, unsigned count);
int command_artifact_put(struct ctl *ctl, char **arguments, unsigned count);
int command_artifact_get(struct ctl *ctl, char **arguments, unsigned count);
int command_artifact_list(struct ctl *ctl, char **arguments, unsigned count);
int command_stats(struct ctl *ctl, char **arguments, unsigned count);
int command_doctor(struct ctl *ctl, char **arguments, unsigned count);
int command_prove(struct ctl *ctl, char **arguments, unsigned count);
int command_codec_encode(struct ctl *ctl, char **arguments, unsigned count);
int command_codec_decode(struct ctl *ctl, char **arguments, unsigned count);
int command_codec_heal(struct ctl *ctl, char **arguments, unsigned count);
int command_codec_inspect(struct ctl *ctl, char **arguments, unsigned count);
int command_put(struct ctl *ctl, char **arguments, unsigned count);
int command_get(struct ctl *ctl, char **arguments, unsigned count);
int command_heals(struct ctl *ctl, char **arguments, unsigned count);
int command_tickets(struct ctl *ctl, char **arguments, unsigned count);
int command_ledger_init(struct ctl *ctl, char **arguments, unsigned count);
int command_ledger_tip(struct ctl *ctl, char **arguments, unsigned count);
int command_authority_init(struct ctl *ctl, char **arguments, unsigned count);
int command_config_print(struct ctl *ctl, char **arguments, unsigned count);

/* The node's keys and registration, for init, node id and prove. */
int ctl_node_keys(struct ctl *ctl, struct keys *keys);

#endif
