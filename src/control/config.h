/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one file in libconfuse syntax, one table of keys (config_table.c) that drives
 * parsing, checks, printing, the example file and the manual. Errors read `file:line: message`.
 */
#ifndef CONTROL_CONFIG_H
#define CONTROL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "assay/wire.h"
#include "base/log.h"
#include "base/seam.h"

#define CONFIG_PORTS_MAX     16
#define CONFIG_ADDRESSES_MAX 8
#define CONFIG_CPUS_MAX	     64
#define CONFIG_LIST_MAX	     64
#define CONFIG_FILE_MAX	     (256 * 1024)
#define CONFIG_ERROR_MAX     512
#define CONFIG_SEQUENCE_MAX  10

struct config_list {
	unsigned count;
	char item[CONFIG_LIST_MAX][64];
};

enum config_port_kind { CONFIG_PORT_UDP, CONFIG_PORT_DPDK };

struct config_address {
	uint8_t ip[16]; /* v4-mapped for IPv4 */
	uint8_t prefix; /* bits of its own family: 0..32 or 0..128 */
	bool v4;
};

struct config_port {
	char name[32];
	char device[256];	      /* "udp:127.0.0.1:4600", "dpdk:net_tap0,iface=x" */
	struct config_list addresses; /* as written: "192.0.2.1/24"; dpdk: only */
	uint64_t udp_port;	      /* dpdk: only */
	/* Derived. */
	enum config_port_kind kind;
	struct net_addr listen; /* udp: only */
	unsigned address_count; /* dpdk: only */
	struct config_address address[CONFIG_ADDRESSES_MAX];
	unsigned line; /* of the section in the file, for messages */
};

enum config_idle { CONFIG_IDLE_ADAPTIVE, CONFIG_IDLE_BUSY, CONFIG_IDLE_INTERRUPT };
enum config_hugepages { CONFIG_HUGEPAGES_AUTO, CONFIG_HUGEPAGES_REQUIRE, CONFIG_HUGEPAGES_OFF };
enum config_engine { CONFIG_ENGINE_SQLITE, CONFIG_ENGINE_ETCD };
/* Roles of a worker, a set. */
enum { CONFIG_SERVE = 1, CONFIG_VERIFY = 2, CONFIG_CODEC = 4, CONFIG_FETCH = 8 };

struct config_cpus { /* count 0 = auto */
	unsigned count;
	uint16_t cpu[CONFIG_CPUS_MAX];
};

struct config {
	char path[4096]; /* of the file; "" when only defaults */

	char account[ASSAY_ACCOUNT_MAX + 1];
	char network[65];
	char state_dir[256]; /* absolute */
	char run_dir[96];    /* absolute; short enough for a socket in it */

	char genesis[256]; /* "" = no ledger */

	int ledger_engine; /* enum config_engine */
	char ledger_file[256];
	struct config_list ledger_endpoints;
	char ledger_prefix[65];
	char ledger_ca[256], ledger_cert[256], ledger_key[256];

	bool challenge_on;
	uint64_t challenge_poll_ms;
	bool lep6_on;
	uint64_t lep6_targets, lep6_timeout_ms;
	bool recheck_on;
	uint64_t recheck_lookback, recheck_max, recheck_interval_ms;
	uint64_t recheck_failures, recheck_ttl_ms;

	bool heal_on;
	uint64_t heal_poll_ms;
	uint64_t heal_reconstructs, heal_verifications, heal_publishes; /* at once */
	char heal_staging[256]; /* absolute, or below state_dir */
	uint64_t heal_fetch_timeout_ms, heal_fetch_attempts, heal_fetch_backoff_ms;
	uint64_t heal_op_timeout_ms, heal_bytes_max;
	uint64_t heal_sequence_attempts; /* at most CONFIG_SEQUENCE_MAX */

	int log_level;	/* enum log_level */
	int log_format; /* enum log_format, or -1: journal under systemd, else plain */

	uint64_t control_mode; /* of the socket */
	uint64_t control_clients;
	uint64_t control_idle_s;
	uint64_t control_line_kib;
	uint64_t control_depth;
	uint64_t control_output_kib;

	char metrics_listen[64]; /* "" = off */

	int hugepages; /* enum config_hugepages */
	uint64_t memory_mib;

	uint64_t worker_count; /* 0 = auto */
	char worker_cpus[256]; /* "auto" or "2,4-7" */
	char control_cpu[16];  /* "auto" or a number */
	struct config_list worker_roles;
	int idle; /* enum config_idle */

	uint64_t datagram_limit;
	uint64_t session_idle_s;
	uint64_t session_life_s;
	uint64_t session_in_flight;
	uint64_t session_limit; /* default sessions of a key */
	uint64_t rate_kib;	/* default KiB/s of a key */
	uint64_t burst_kib;

	uint64_t ranges_max;
	uint64_t length_max;

	uint64_t resident_mib;
	uint64_t reserve_mib;
	uint64_t staging_mib;
	bool scrub;
	uint64_t scrub_age_s;

	unsigned port_count;
	struct config_port port[CONFIG_PORTS_MAX];

	/* Derived. */
	uint8_t network_id[32];		/* BLAKE3(network) */
	struct config_cpus cpus;	/* of worker_cpus */
	int control_cpu_number;		/* -1 = auto */
	unsigned role_count;		/* of worker_roles; 0 = auto */
	uint8_t roles[CONFIG_CPUS_MAX]; /* i-th worker; CONFIG_SERVE | ... */
};

/* self_healing.staging_dir, which is below the state directory unless it is absolute. */
void config_staging_dir(char *out, size_t room, const struct config *config);

/* Every key at its default. */
void config_defaults(struct config *out);
/*
 * Reads the file. 0, or a negative code with `file:line: message` (or `file: message`) in error,
 * which has room for CONFIG_ERROR_MAX; out->run_dir is then what was read of it before the mistake,
 * so that a running daemon can still be found.
 */
int config_load(struct config *out, const char *path, char *error);
/* The same from memory; name stands for the file in messages. */
int config_parse(struct config *out, const char *name, const char *text, size_t len, char *error);

enum config_form {
	CONFIG_IN_FORCE, /* what config_load would read back as the same */
	CONFIG_EXAMPLE,	 /* every key explained, commented out, with its default */
	CONFIG_SCDOC,	 /* body of the manual page */
	CONFIG_MARKDOWN, /* table of docs/operating.md */
};
void config_print(FILE *out, const struct config *config, enum config_form form);

/* Text of what is bound to `port "p0"`: "assay.conf:12: port \"p0\"" for messages about it. */
void config_port_where(char *out, size_t room, const struct config *config, unsigned port);
/* The text of a choice key's value, for example of idle. */
const char *config_idle_name(int idle);
const char *config_hugepages_name(int hugepages);
/* False when there is no such level. */
bool config_log_level(const char *name, int *level);

/*
 * Applies the reloadable keys of fresh to config and calls each(arg, key, applied) for every key
 * that differs; applied is false for what waits for a restart. Returns how many differ.
 */
unsigned config_apply(struct config *config, const struct config *fresh,
		      void (*each)(void *arg, const char *key, bool applied), void *arg);

#endif
