/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "control/rpc.h"

#define KEY_PARAM                                                                \
	{                                                                        \
		"key", RPC_KEY, true, 0, "artifact key: 64 hex digits or base58" \
	}

#define NAME_PARAM                                                \
	{                                                         \
		"name", RPC_TEXT, false, 255, "for messages only" \
	}
#define TICKET_PARAM                                             \
	{                                                        \
		"ticket", RPC_TEXT, true, 64, "id of the ticket" \
	}
#define SKIPPED_RESULT "job; its result is {\"skipped\":[{\"name\",\"why\"}],\"skipped_count\"}"

const struct rpc_method rpc_methods[RPC_METHOD_COUNT] = {
	[RPC_DISCOVER] = {"rpc.discover", NULL, RPC_ALWAYS,
			  .help = "The methods with their parameters, states and help.",
			  .result = "{\"methods\":[..]}"},
	[RPC_STATUS] = {"node.status", "status", RPC_ALWAYS,
			.help = "What this node is and how it is.",
			.result = "account, network, node_id, state, uptime_s, registry, sessions, "
				  "store, jobs, warnings"},
	[RPC_STATS] = {"node.stats", "stats", RPC_ALWAYS,
		       .help = "Counters by worker, stage, port and drop reason.",
		       .result = "workers, totals (received = answered + handed_over + dropped + "
				 "in_progress), drops, refused, ports"},
	[RPC_TOPOLOGY] = {"node.topology", "topology", RPC_ALWAYS,
			  .help = "Which CPU does what, and why.",
			  .result = "[{\"cpu\",\"role\",\"why\"}]"},
	[RPC_DOCTOR] = {"node.doctor", "doctor", RPC_ALWAYS,
			.help = "What is wrong with this machine for this configuration, and the "
				"command that fixes it.",
			.result = "{\"verdict\",\"checks\":[{\"verdict\",\"what\",\"found\","
				  "\"remedy\"}]}"},
	[RPC_METRICS] = {"node.metrics", "metrics", RPC_ALWAYS,
			 .help = "What /metrics would answer (OpenMetrics text).",
			 .result = "{\"text\"}"},
	[RPC_SESSIONS_LIST] = {"sessions.list", "sessions list", RPC_ALWAYS,
			       .help = "Sessions of peers and clients on all workers.",
			       .result = "{\"sessions\":[{\"index\",\"account\",\"remote\","
					 "\"age_s\",\"idle_s\",\"received\",\"answered\","
					 "\"permissions\",\"confirmed\"}],\"silent_workers\"}"},
	[RPC_SESSIONS_CLOSE] = {"sessions.close", "sessions close", RPC_IN_RUN, .changes = true,
				.params = {{"index", RPC_NUMBER, true, UINT32_MAX,
					    "index of the session, from sessions.list"}},
				.help = "Ends a session; the peer may open a new one.",
				.result = "{}"},
	[RPC_REGISTRY_LIST] = {"registry.list", NULL, RPC_ALWAYS, .help = "The registry in force.",
			       .result = "{\"network\",\"network_id\",\"epoch\",\"nodes\":[..],"
					 "\"clients\":[..]}; epoch is null without a ledger"},
	[RPC_REGISTRY_RELOAD] = {"registry.reload", "registry reload", RPC_IN_RUN, .changes = true,
				 .help = "Reads registry.json again; a wrong file changes nothing.",
				 .result = "{\"nodes\",\"clients\",\"added\",\"removed\"}"},
	[RPC_ARTIFACT_PUT] = {"artifact.put", NULL, RPC_IN_RUN, .changes = true, .job = true,
			      .fd = RPC_FD_READ,
			      .params = {{"name", RPC_TEXT, false, 255,
					  "name of the file, for messages only"}},
			      .help = "Stores a regular file, passed as a descriptor (SCM_RIGHTS).",
			      .result = "job; its result is {\"key\",\"size\",\"existed\"}"},
	[RPC_ARTIFACT_GET] = {"artifact.get", NULL, RPC_IN_RUN, .job = true, .fd = RPC_FD_WRITE,
			      .params = {KEY_PARAM},
			      .help = "Writes the checked bytes to a regular file, passed as a "
				      "descriptor (SCM_RIGHTS).",
			      .result = "job; its result is {\"key\",\"size\"}"},
	[RPC_ARTIFACT_LIST] =
		{"artifact.list", NULL, RPC_ALWAYS,
		 .params = {{"after", RPC_KEY, false, 0, "only keys above this one"},
			    {"limit", RPC_NUMBER, false, 1000, "at most so many (default 1000)"}},
		 .help = "Artifacts in key order, a page at a time.",
		 .result = "{\"artifacts\":[{\"key\",\"size\",\"state\",\"origin\",\"resident\","
			   "\"checked\"}],\"more\"}"},
	[RPC_ARTIFACT_STAT] =
		{"artifact.stat", "artifact stat", RPC_ALWAYS, .params = {KEY_PARAM},
		 .help = "One artifact.",
		 .result = "{\"key\",\"size\",\"state\",\"origin\",\"resident\",\"checked\"}; "
			   "origin: operator, pushed (no ticket claims it yet) or ticket"},
	[RPC_ARTIFACT_VERIFY] = {"artifact.verify", "artifact verify", RPC_IN_RUN, .job = true,
				 .params = {KEY_PARAM},
				 .help = "Reads an artifact again and compares it with its key.",
				 .result = "job; its result is {\"key\",\"size\"}"},
	[RPC_ARTIFACT_REMOVE] = {"artifact.remove", "artifact remove", RPC_IN_RUN, .changes = true,
				 .job = true, .params = {KEY_PARAM},
				 .help = "Removes an artifact for good.",
				 .result = "job; its result is {\"key\"}"},
	[RPC_ARTIFACT_SCRUB] = {"artifact.scrub", "artifact scrub", RPC_IN_RUN, .changes = true,
				.job = true, .help = "Checks every artifact once, now.",
				.result = "job; its result is {\"checked\",\"rot\"}"},
	[RPC_CODEC_ENCODE] = {"codec.encode", NULL, RPC_IN_RUN, .job = true, .fd = RPC_FD_READ,
			      .folder = true,
			      .params = {{"ratio", RPC_NUMBER, false, RPC_RATIO_MAX,
					  "repair symbols for each source symbol (default 5)"},
					 NAME_PARAM},
			      .help = "Codes a regular file into symbol files and their layout in "
				      "a folder of the caller's, by the workers with the role "
				      "codec.",
			      .result = SKIPPED_RESULT},
	[RPC_CODEC_DECODE] = {"codec.decode", NULL, RPC_IN_RUN, .job = true, .fd = RPC_FD_BOTH,
			      .folder = true, .params = {NAME_PARAM},
			      .help = "Rebuilds a file, into an empty regular file, from a folder "
				      "of the caller's with enough good symbol files.",
			      .result = SKIPPED_RESULT},
	[RPC_CODEC_HEAL] = {"codec.heal", NULL, RPC_IN_RUN, .job = true, .fd = RPC_FD_BOTH,
			    .folder = true, .params = {NAME_PARAM},
			    .help = "The same, and every symbol file that the folder lacks is made "
				    "again.",
			    .result = SKIPPED_RESULT},
	[RPC_LEDGER_STATUS] = {"ledger.status", "ledger status", RPC_ALWAYS,
			       .help = "Where this node's copy of the ledger is, and the engine.",
			       .result = "condition, seq, head, height, epoch, log, state, void, "
					 "duplicate, refused, mismatch, engine, report"},
	[RPC_LEDGER_TAIL] = {"ledger.tail", "ledger tail", RPC_ALWAYS,
			     .params = {{"limit", RPC_NUMBER, false, 1000,
					 "so many of the newest entries (default 20)"}},
			     .help = "The newest entries, with what the state machine said.",
			     .result = "{\"seq\",\"entries\":[{\"seq\",\"author\",\"type\","
				       "\"epoch\",\"id\",\"code\",\"reason\"}]}"},
	[RPC_LEDGER_ENTRY] = {"ledger.entry", "ledger entry", RPC_ALWAYS,
			      .params = {{"seq", RPC_NUMBER, true, INT64_MAX,
					  "sequence number of the entry"}},
			      .help = "One entry, whole.",
			      .result = "as in ledger.tail, and \"entry\""},
	[RPC_LEDGER_ACCEPT] = {"ledger.accept", "ledger accept-engine", RPC_IN_RUN, .changes = true,
			       .params = {{"yes", RPC_BOOL, false, 0,
					   "true: the engine is right, this node's copy is not"}},
			       .help = "After a mismatch: founds the copy anew from the engine's "
				       "log. Without \"true\" it only says what contradicts what.",
			       .result = "{}"},
	[RPC_EPOCH] = {"epoch.show", "epoch", RPC_ALWAYS,
		       .params = {{"epoch", RPC_NUMBER, false, INT64_MAX,
				   "number of the epoch (default: the current one)"}},
		       .help = "An epoch's anchor, and this node's work in the current one.",
		       .result = "epoch, height, start, end, seed, active, targets, report, "
				 "own_targets, slots_filled, rechecks"},
	[RPC_NODES] = {"nodes.list", "nodes", RPC_ALWAYS,
		       .help = "The nodes of the ledger: state, scores, and why.",
		       .result = "{\"nodes\":[{\"account\",\"state\",\"suspicion\",\"band\","
				 "\"reliability\",\"trust\",\"address\",\"why\"}]}"},
	[RPC_CHALLENGES] = {"challenges.list", "challenges", RPC_ALWAYS,
			    .params = {{"epochs", RPC_NUMBER, false, 10000,
					"so many of the newest epochs (default 2)"}},
			    .help = "Rows of the accepted reports: who examined whom, and how it "
				    "ended.",
			    .result = "{\"rows\":[{\"epoch\",\"target\",\"challenger\","
				      "\"bucket\",\"ticket\",\"class\",\"ordinal\",\"result\","
				      "\"details\",\"key\",\"transcript\",\"recheck\"}]}"},
	[RPC_MISSES] = {"misses.list", "misses", RPC_ALWAYS,
			.params = {{"epochs", RPC_NUMBER, false, 10000,
				    "so many of the newest epochs (default 8)"}},
			.help = "Proofs that were missed, late or wrong, each with its reason, and "
				"whether a recheck confirmed it.",
			.result = "as challenges.list"},
	[RPC_TICKET_PUT] =
		{"ticket.put", NULL, RPC_IN_RUN, .changes = true, .job = true, .fd = RPC_FD_READ,
		 .params = {NAME_PARAM},
		 .help = "Codes a regular file, passed as a descriptor, stores it on the "
			 "network's nodes and records its ticket.",
		 .result = "job; its result is {\"ticket\",\"size\",\"existed\",\"took_ms\"}"},
	[RPC_TICKET_GET] = {"ticket.get", NULL, RPC_IN_RUN, .job = true, .fd = RPC_FD_BOTH,
			    .params = {TICKET_PARAM},
			    .help = "Collects enough symbols of a ticket from any nodes and "
				    "rebuilds the file, into an empty regular file.",
			    .result = "job; its result is {\"ticket\",\"size\",\"took_ms\"}"},
	[RPC_TICKET_CLOSE] = {"ticket.close", "ticket close", RPC_IN_RUN, .changes = true,
			      .job = true, .params = {TICKET_PARAM},
			      .help = "Ends a ticket of this node's: nobody has to keep its "
				      "artifacts any more.",
			      .result = "job; its result is {\"ticket\",\"size\",\"took_ms\"}"},
	[RPC_TICKET_REBALANCE] = {"ticket.rebalance", "rebalance", RPC_IN_RUN, .changes = true,
				  .job = true, .params = {TICKET_PARAM},
				  .help = "Asks the network to place a ticket of this node's anew.",
				  .result = "job; its result is {\"ticket\",\"size\",\"took_ms\"}"},
	[RPC_TICKETS] = {"ticket.list", NULL, RPC_ALWAYS,
			 .params = {{"after", RPC_TEXT, false, 64, "only ids above this one"},
				    {"limit", RPC_NUMBER, false, 1000,
				     "at most so many (default 1000)"}},
			 .help = "Tickets in order of their ids, a page at a time.",
			 .result = "{\"tickets\":[{\"ticket\",\"state\",\"creator\",\"size\","
				   "\"holders\",\"height\",\"ready_epoch\",\"deterioration\"}],"
				   "\"more\"}"},
	[RPC_TICKET_SHOW] = {"ticket.show", "ticket show", RPC_ALWAYS, .params = {TICKET_PARAM},
			     .help = "One ticket, and who holds how much of it.",
			     .result = "as ticket.list, data_hash, index_artifacts, "
				       "symbol_artifacts, placement_epoch, rehome, heal_op, "
				       "held_by"},
	[RPC_HEALS] =
		{"heal.list", NULL, RPC_ALWAYS,
		 .params = {{"after", RPC_NUMBER, false, INT64_MAX, "only ids above this one"},
			    {"limit", RPC_NUMBER, false, 1000, "at most so many (default 100)"},
			    {"open", RPC_BOOL, false, 0, "only those that are still going on"}},
		 .help = "Heal operations in order of their ids, a page at a time, with this "
			 "node's part in each.",
		 .result = "{\"heals\":[{\"op\",\"ticket\",\"state\",\"published\",\"healer\","
			   "\"votes\":[{\"verifier\",\"vote\"}],\"scheduled_epoch\","
			   "\"deadline_epoch\",\"epoch\",\"next\",\"part\":[{\"role\","
			   "\"phase\",\"waiting_for\",\"failed_attempts\",\"why\",\"done\","
			   "\"total\"}]}],\"more\"}"},
	[RPC_HEAL_SHOW] = {"heal.show", "heal show", RPC_ALWAYS,
			   .params = {{"op", RPC_NUMBER, true, INT64_MAX,
				       "id of the operation, from heals"}},
			   .help = "One heal operation: who, until when, votes, what is waited "
				   "for, and how far this node has come with it.",
			   .result = "as heal.list, result_hash, data_hash, size, created_height, "
				     "updated_height, notes, copy (current, offline, ...: how far "
				     "this node's ledger is)"},
	[RPC_JOB_LIST] = {"job.list", "job list", RPC_ALWAYS, .help = "Jobs that wait or run.",
			  .result = "{\"jobs\":[{\"job\",\"kind\",\"name\",\"done\",\"total\"}]}"},
	[RPC_JOB_CANCEL] = {"job.cancel", "job cancel", RPC_ALWAYS, .changes = true,
			    .params = {{"job", RPC_NUMBER, true, INT64_MAX, "id of the job"}},
			    .help = "Asks a job to stop; job.done says how it ended.",
			    .result = "{}"},
	[RPC_CONFIG_SHOW] = {"config.show", "config show", RPC_ALWAYS,
			     .help = "The configuration in force.",
			     .result = "the keys by section, and \"ports\""},
	[RPC_CONFIG_RELOAD] = {"config.reload", "config reload", RPC_IN_RUN, .changes = true,
			       .help = "Reads the configuration and the registry again. One wrong "
				       "key and nothing changes.",
			       .result = "{\"applied\":[..],\"restart\":[..]}: keys in force now, "
					 "and keys that wait for a restart"},
	[RPC_LOG_LEVEL] = {"log.level", "log level", RPC_ALWAYS, .changes = true,
			   .params = {{"level", RPC_TEXT, true, 16,
				       "error, warning, info or debug"}},
			   .help = "Sets the log level until the next reload.",
			   .result = "{\"level\"}"},
};

int rpc_find(const char *name)
{
	for (int i = 0; i < RPC_METHOD_COUNT; i++)
		if (strcmp(rpc_methods[i].name, name) == 0)
			return i;
	return -1;
}

const char *rpc_type_name(enum rpc_type type)
{
	static const char *const names[] = {"text", "key", "number", "bool"};

	return names[type];
}

static json_t *describe_states(unsigned states)
{
	json_t *list = json_array();

	if ((states & RPC_IN_START) != 0)
		json_array_append_new(list, json_string("start"));
	if ((states & RPC_IN_RUN) != 0)
		json_array_append_new(list, json_string("run"));
	if ((states & RPC_IN_DRAIN) != 0)
		json_array_append_new(list, json_string("drain"));
	return list;
}

static json_t *describe(const struct rpc_method *m)
{
	static const char *const fds[] = {"none", "read", "write", "read and write"};
	json_t *params = json_array();

	for (const struct rpc_param *p = m->params; p->name != NULL; p++)
		json_array_append_new(params, json_pack("{s:s,s:s,s:b,s:s}", "name", p->name,
							"type", rpc_type_name(p->type), "required",
							(int)p->required, "help", p->help));
	return json_pack("{s:s,s:s?,s:o,s:b,s:b,s:s,s:b,s:o,s:s,s:s}", "name", m->name, "command",
			 m->command, "states", describe_states(m->states), "changes",
			 (int)m->changes, "job", (int)m->job, "descriptor", fds[m->fd], "folder",
			 (int)m->folder, "params", params, "help", m->help, "result", m->result);
}

json_t *rpc_discover(void)
{
	json_t *methods = json_array();

	for (int i = 0; i < RPC_METHOD_COUNT; i++)
		json_array_append_new(methods, describe(&rpc_methods[i]));
	return json_pack("{s:o}", "methods", methods);
}
