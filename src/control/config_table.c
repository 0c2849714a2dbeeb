/* SPDX-License-Identifier: Apache-2.0 */
#include "control/config_table.h"

#include <string.h>

static const struct config_choice log_levels[] = {
	{"error", LOG_ERROR_LEVEL},
	{"warning", LOG_WARNING_LEVEL},
	{"info", LOG_INFO_LEVEL},
	{"debug", LOG_DEBUG_LEVEL},
	{NULL, 0},
};
static const struct config_choice log_formats[] = {
	{"auto", -1}, {"plain", LOG_PLAIN}, {"journal", LOG_JOURNAL}, {"json", LOG_JSON}, {NULL, 0},
};
static const struct config_choice hugepages[] = {
	{"auto", CONFIG_HUGEPAGES_AUTO},
	{"require", CONFIG_HUGEPAGES_REQUIRE},
	{"off", CONFIG_HUGEPAGES_OFF},
	{NULL, 0},
};
static const struct config_choice engines[] = {
	{"sqlite", CONFIG_ENGINE_SQLITE},
	{"etcd", CONFIG_ENGINE_ETCD},
	{NULL, 0},
};
static const struct config_choice idles[] = {
	{"adaptive", CONFIG_IDLE_ADAPTIVE},
	{"busy", CONFIG_IDLE_BUSY},
	{"interrupt", CONFIG_IDLE_INTERRUPT},
	{NULL, 0},
};

#define RELOAD	       true
#define RESTART	       false
#define AT(field)      offsetof(struct config, field), sizeof(((struct config *)0)->field)
#define IN_PORT(field) offsetof(struct config_port, field), sizeof(((struct config_port *)0)->field)
#define U32_MAX	       4294967295u

#define KEY_TEXT(section, name, reload, field, def, checker, explain)  \
	{                                                              \
		section, name, CONFIG_TEXT, reload, false, AT(field),  \
			.text = def, .help = explain, .check = checker \
	}
#define KEY_NUMBER(section, name, reload, field, def, low, high, units, explain)               \
	{                                                                                      \
		section, name, CONFIG_NUMBER, reload, false, AT(field),                        \
			.number = def, .min = low, .max = high, .unit = units, .help = explain \
	}
/* 0 stands for the default. */
#define KEY_ZERO(section, name, reload, field, def, high, units, explain)          \
	{                                                                          \
		section, name, CONFIG_NUMBER, reload, true, AT(field),             \
			.number = def, .max = high, .unit = units, .help = explain \
	}
#define KEY_CHOICE(section, name, reload, field, def, list, explain)    \
	{                                                               \
		section, name, CONFIG_CHOICE, reload, false, AT(field), \
			.text = def, .choices = list, .help = explain   \
	}

const struct config_key config_keys[] = {
	KEY_TEXT("", "account", RESTART, account, "", config_check_account,
		 "Name of this node on its network: 1 to 64 of a-z, 0-9, '.' and '-'. Never "
		 "changes."),
	KEY_TEXT("", "network", RESTART, network, "", config_check_network,
		 "Name of the network. Nodes of different networks do not understand each other."),
	KEY_TEXT("", "state_dir", RESTART, state_dir, "/var/lib/assay", config_check_path,
		 "Keys, registry and artifacts."),
	KEY_TEXT("", "run_dir", RESTART, run_dir, "/run/assay", config_check_path,
		 "Where control.sock is made."),

	KEY_TEXT(
		"", "genesis", RESTART, genesis, "", config_check_path_or_none,
		"The network's genesis document, from assayctl ledger init. Without it the node is "
		"on its own: nodes and clients are those of the registry file."),

	KEY_CHOICE("ledger", "engine", RESTART, ledger_engine, "sqlite", engines,
		   "What orders the entries: sqlite for nodes of one machine, etcd for many."),
	KEY_TEXT("ledger", "file", RESTART, ledger_file, "", config_check_path_or_none,
		 "sqlite: the file that all nodes of the network share, on a local file system."),
	{"ledger", "endpoints", CONFIG_TEXTS, RESTART, false, AT(ledger_endpoints),
	 .help = "etcd: its members, like \"http://192.0.2.1:2379\".",
	 .check = config_check_endpoint},
	KEY_TEXT("ledger", "prefix", RESTART, ledger_prefix, "", NULL,
		 "etcd: of all keys; \"\" makes it from the genesis document."),
	KEY_TEXT("ledger", "ca", RESTART, ledger_ca, "", config_check_path_or_none,
		 "etcd: certificates that its members' are checked against (PEM)."),
	KEY_TEXT("ledger", "cert", RESTART, ledger_cert, "", config_check_path_or_none,
		 "etcd: this node's certificate (PEM)."),
	KEY_TEXT("ledger", "key", RESTART, ledger_key, "", config_check_path_or_none,
		 "etcd: its key (PEM)."),

	{"storage_challenge", "enabled", CONFIG_BOOL, RESTART, false, AT(challenge_on), .number = 0,
	 .help = "Take part in challenges: without it no node is examined and no report is made. "
		 "The ledger's enforcement mode must allow it too."},
	KEY_NUMBER("storage_challenge", "poll_interval_ms", RESTART, challenge_poll_ms, 5000, 10,
		   3600000, "ms", "How often open work of an epoch is looked at."),
	{"lep6", "enabled", CONFIG_BOOL, RESTART, false, AT(lep6_on), .number = 0,
	 .help = "Examine the assigned nodes of every epoch; needs storage_challenge.enabled."},
	KEY_NUMBER("lep6", "max_concurrent_targets", RESTART, lep6_targets, 4, 1, 64, NULL,
		   "Nodes examined at a time."),
	KEY_NUMBER("lep6", "recipient_read_timeout_ms", RESTART, lep6_timeout_ms, 30000, 100,
		   600000, "ms", "Longest wait for an answer; less in short epochs."),
	{"recheck", "enabled", CONFIG_BOOL, RESTART, false, AT(recheck_on), .number = 0,
	 .help = "Repeat failed challenges of others; needs storage_challenge.enabled and "
		 "lep6.enabled."},
	KEY_NUMBER("recheck", "lookback_epochs", RESTART, recheck_lookback, 7, 1, 64, NULL,
		   "Epochs looked back for failures."),
	KEY_NUMBER("recheck", "max_per_tick", RESTART, recheck_max, 5, 1, 1024, NULL,
		   "Rechecks begun at a time."),
	KEY_NUMBER("recheck", "tick_interval_ms", RESTART, recheck_interval_ms, 60000, 10, 3600000,
		   "ms", "How often failures are looked for."),
	KEY_NUMBER("recheck", "max_failure_attempts_per_ticket", RESTART, recheck_failures, 3, 1,
		   100, NULL, "Attempts that may fail for our own reasons."),
	KEY_NUMBER("recheck", "failure_backoff_ttl_ms", RESTART, recheck_ttl_ms, 900000, 1000,
		   86400000, "ms", "They are forgotten after this."),

	{"self_healing", "enabled", CONFIG_BOOL, RESTART, false, AT(heal_on), .number = 0,
	 .help = "Rebuild and check files when the ledger appoints this node to it, and let others "
		 "read what it has rebuilt. The ledger's enforcement mode must allow it too."},
	KEY_ZERO("self_healing", "poll_interval_ms", RESTART, heal_poll_ms, 30000, 3600000, "ms",
		 "How often open heal operations are looked at; more often in short epochs."),
	KEY_ZERO("self_healing", "max_concurrent_reconstructs", RESTART, heal_reconstructs, 2, 64,
		 NULL, "Files rebuilt at a time."),
	KEY_ZERO("self_healing", "max_concurrent_verifications", RESTART, heal_verifications, 4, 64,
		 NULL, "Rebuilt files of others checked at a time, and own ones read by others."),
	KEY_ZERO("self_healing", "max_concurrent_publishes", RESTART, heal_publishes, 2, 64, NULL,
		 "Rebuilt files brought to their holders at a time."),
	KEY_TEXT("self_healing", "staging_dir", RESTART, heal_staging, "heal-staging",
		 config_check_staging,
		 "Where rebuilt files wait for the verifiers' votes; below state_dir unless it is "
		 "absolute."),
	KEY_ZERO("self_healing", "verifier_fetch_timeout_ms", RESTART, heal_fetch_timeout_ms, 60000,
		 86400000, "ms",
		 "Longest time for reading a rebuilt file once; more for large files."),
	KEY_ZERO("self_healing", "verifier_fetch_attempts", RESTART, heal_fetch_attempts, 3, 100,
		 NULL, "Attempts to read it before the vote is negative."),
	KEY_ZERO("self_healing", "verifier_fetch_backoff_base_ms", RESTART, heal_fetch_backoff_ms,
		 2000, 600000, "ms", "Pause before the second attempt; doubles with each."),
	KEY_ZERO("self_healing", "dispatch_op_timeout_ms", RESTART, heal_op_timeout_ms, 900000,
		 86400000, "ms", "Longest time for any one piece of work on an operation."),
	KEY_ZERO("self_healing", "max_reconstructed_bytes", RESTART, heal_bytes_max, 4294967296,
		 1099511627776, "bytes", "Largest rebuilt file that is read as verifier."),
	KEY_ZERO("self_healing", "sequence_mismatch_max_attempts", RELOAD, heal_sequence_attempts,
		 3, 1000, NULL,
		 "How often an entry that loses the race for its place in the log is sent before "
		 "the log counts as unavailable to it; above 10 counts as 10."),

	KEY_CHOICE("log", "level", RELOAD, log_level, "info", log_levels,
		   "Events above this level are not written."),
	KEY_CHOICE("log", "format", RESTART, log_format, "auto", log_formats,
		   "Form of the lines on stderr; auto is journal under systemd, else plain."),

	{"control", "mode", CONFIG_OCTAL, RESTART, false, AT(control_mode), .number = 0660,
	 .min = 0600, .max = 0666, .help = "Access mode of the control socket."},
	KEY_NUMBER("control", "clients", RELOAD, control_clients, 64, 1, 1024, NULL,
		   "Connections at a time; more are refused."),
	KEY_NUMBER("control", "idle_s", RELOAD, control_idle_s, 600, 1, 86400, "s",
		   "A connection without a request for this long is closed."),
	KEY_NUMBER("control", "line_kib", RELOAD, control_line_kib, 64, 4, 1024, "KiB",
		   "Longest request line."),
	KEY_NUMBER("control", "depth", RELOAD, control_depth, 16, 4, 64, NULL,
		   "Deepest nesting of a request."),
	KEY_NUMBER("control", "output_kib", RELOAD, control_output_kib, 4096, 256, 65536, "KiB",
		   "Answers that wait for a slow reader; beyond, the connection is closed."),

	KEY_TEXT("metrics", "listen", RESTART, metrics_listen, "127.0.0.1:9846",
		 config_check_loopback,
		 "Loopback address and port of /metrics (OpenMetrics); \"\" switches it off."),

	KEY_CHOICE("memory", "hugepages", RESTART, hugepages, "auto", hugepages,
		   "auto uses huge pages when enough are free, require refuses to start without, "
		   "off never does."),
	KEY_NUMBER("memory", "eal_mib", RESTART, memory_mib, 256, 64, 1048576, "MiB",
		   "Memory for packet buffers and tables."),

	KEY_NUMBER("workers", "count", RESTART, worker_count, 0, 0, CONFIG_CPUS_MAX, NULL,
		   "Poll-mode workers; 0 lets the placement decide."),
	KEY_TEXT("workers", "cpus", RESTART, worker_cpus, "auto", config_check_cpus,
		 "CPUs of the workers in order, for example \"2,4-7\"; auto lets the placement "
		 "decide (see assayctl topology)."),
	KEY_TEXT("workers", "control_cpu", RESTART, control_cpu, "auto", config_check_cpu,
		 "CPU of the control core, or auto."),
	{"workers", "roles", CONFIG_TEXTS, RESTART, false, AT(worker_roles),
	 .help = "Roles of each worker in order, for example {\"serve,verify\", \"codec,fetch\"}: "
		 "serve, verify, codec, fetch. Empty lets the placement decide.",
	 .check = config_check_roles},
	KEY_CHOICE("workers", "idle", RESTART, idle, "adaptive", idles,
		   "What a worker without work does: adaptive pauses, then sleeps shortly; busy "
		   "polls on; interrupt sleeps until a frame comes, where the port can."),

	KEY_NUMBER("session", "datagram_limit", RELOAD, datagram_limit, ASSAY_PAYLOAD_DEFAULT,
		   ASSAY_PAYLOAD_DEFAULT, ASSAY_PAYLOAD_MAX, "bytes",
		   "Largest datagram offered; above 1452 only where every path carries it."),
	KEY_NUMBER("session", "idle_s", RELOAD, session_idle_s, 600, 10, 65535, "s",
		   "A session without traffic for this long ends."),
	KEY_NUMBER("session", "life_s", RELOAD, session_life_s, 3600, 60, 65535, "s",
		   "A session of this age ends; peers renew at three quarters of it."),
	KEY_NUMBER("session", "in_flight", RELOAD, session_in_flight, 1024, 1, 65535, NULL,
		   "Requests a peer may have waiting in one session."),
	KEY_NUMBER("session", "per_key", RELOAD, session_limit, 8, 1, 8, NULL,
		   "Sessions a key may hold, unless the registry says otherwise."),
	KEY_NUMBER("session", "rate_kib", RELOAD, rate_kib, 1048576, 1, U32_MAX, "KiB/s",
		   "Bytes a second answered to a session, unless the registry says otherwise."),
	KEY_NUMBER("session", "burst_kib", RELOAD, burst_kib, 65536, 16, U32_MAX, "KiB",
		   "Bytes that may be answered at once beyond that rate."),

	KEY_NUMBER("prove", "ranges_max", RELOAD, ranges_max, 4, 1, ASSAY_RANGES_MAX, NULL,
		   "Most ranges of one challenge."),
	KEY_NUMBER("prove", "length_max", RELOAD, length_max, 256, 1, ASSAY_RANGE_LENGTH_MAX,
		   "bytes", "Longest range of a challenge."),

	KEY_NUMBER("store", "resident_mib", RESTART, resident_mib, 1024, 0, 16777216, "MiB",
		   "Artifacts and their trees kept in memory."),
	KEY_NUMBER("store", "reserve_mib", RESTART, reserve_mib, 256, 0, 1073741824, "MiB",
		   "Free disk space that storing leaves alone."),
	KEY_NUMBER("store", "staging_mib", RELOAD, staging_mib, 2048, 0, 16777216, "MiB",
		   "What one account with the permission write may have on its way: in transfers, "
		   "and pushed within the last hour without a ticket that claims it."),
	{"store", "scrub", CONFIG_BOOL, RELOAD, false, AT(scrub), .number = 1,
	 .help = "Check stored bytes again in the background."},
	KEY_NUMBER("store", "scrub_age_s", RELOAD, scrub_age_s, 604800, 60, 315360000, "s",
		   "An artifact checked longer ago than this is checked again."),

	{"port", "device", CONFIG_TEXT, RESTART, false, IN_PORT(device), .text = "",
	 .help = "udp:ADDRESS:PORT for kernel sockets, or dpdk: and a PCI address or virtual "
		 "device with its arguments.",
	 .check = config_check_device},
	{"port", "addresses", CONFIG_TEXTS, RESTART, false, IN_PORT(addresses),
	 .help = "Addresses with prefix length of a dpdk: port, IPv4 and IPv6. They must not "
		 "belong to the kernel on that device.",
	 .check = config_check_address},
	{"port", "udp_port", CONFIG_NUMBER, RESTART, false, IN_PORT(udp_port), .number = 4600,
	 .min = 1, .max = 65535, .help = "UDP port of a dpdk: port."},
};
const unsigned config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

const struct config_section config_sections[] = {
	{"", "Who this node is and where its files are."},
	{"ledger", "The network's log of entries. Only with a genesis document."},
	{"storage_challenge", "Storage challenges (docs/epochs.md). Off when left out."},
	{"lep6", "Examining other nodes. Off when left out."},
	{"recheck", "Repeating what others found. Off when left out."},
	{"self_healing", "Healing of files that deteriorate (docs/healing.md). Off when left out. "
			 "A number of 0 stands "
			 "for the default."},
	{"log", "Log on stderr."},
	{"control", "Control socket, for assayctl and scripts."},
	{"metrics", "HTTP listener for Prometheus and the like."},
	{"memory", "Memory of the data plane."},
	{"workers", "Poll-mode workers."},
	{"session", "What peers and clients get."},
	{"prove", "Limits of challenges."},
	{"store", "Artifacts."},
	{"port", "Ports, each with a name: port \"p0\" { .. }. At least one."},
	{NULL, NULL},
};

const char *config_choice_name(const struct config_key *key, int value)
{
	for (const struct config_choice *c = key->choices; c->name != NULL; c++)
		if (c->value == value)
			return c->name;
	return NULL;
}

bool config_choice_value(const struct config_key *key, const char *name, int *value)
{
	for (const struct config_choice *c = key->choices; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0) {
			*value = c->value;
			return true;
		}
	return false;
}

static const char *name_of(const struct config_choice *choices, int value)
{
	struct config_key key = {.choices = choices};

	return config_choice_name(&key, value);
}

const char *config_idle_name(int idle)
{
	return name_of(idles, idle);
}

const char *config_hugepages_name(int pages)
{
	return name_of(hugepages, pages);
}

bool config_log_level(const char *name, int *level)
{
	struct config_key key = {.choices = log_levels};

	return config_choice_value(&key, name, level);
}
