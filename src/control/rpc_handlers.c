/* SPDX-License-Identifier: Apache-2.0 */
#include "control/methods.h"

const rpc_handler rpc_handlers[RPC_METHOD_COUNT] = {
	[RPC_DISCOVER] = method_discover,
	[RPC_STATUS] = method_status,
	[RPC_STATS] = method_stats,
	[RPC_TOPOLOGY] = method_topology,
	[RPC_DOCTOR] = method_doctor,
	[RPC_METRICS] = method_metrics,
	[RPC_SESSIONS_LIST] = method_sessions_list,
	[RPC_SESSIONS_CLOSE] = method_sessions_close,
	[RPC_REGISTRY_LIST] = method_registry_list,
	[RPC_REGISTRY_RELOAD] = method_registry_reload,
	[RPC_ARTIFACT_PUT] = method_artifact_put,
	[RPC_ARTIFACT_GET] = method_artifact_get,
	[RPC_ARTIFACT_LIST] = method_artifact_list,
	[RPC_ARTIFACT_STAT] = method_artifact_stat,
	[RPC_ARTIFACT_VERIFY] = method_artifact_verify,
	[RPC_ARTIFACT_REMOVE] = method_artifact_remove,
	[RPC_ARTIFACT_SCRUB] = method_artifact_scrub,
	[RPC_CODEC_ENCODE] = method_codec_encode,
	[RPC_CODEC_DECODE] = method_codec_decode,
	[RPC_CODEC_HEAL] = method_codec_heal,
	[RPC_LEDGER_STATUS] = method_ledger_status,
	[RPC_LEDGER_TAIL] = method_ledger_tail,
	[RPC_LEDGER_ENTRY] = method_ledger_entry,
	[RPC_LEDGER_ACCEPT] = method_ledger_accept_engine,
	[RPC_EPOCH] = method_epoch,
	[RPC_NODES] = method_nodes,
	[RPC_CHALLENGES] = method_challenges,
	[RPC_MISSES] = method_misses,
	[RPC_TICKET_PUT] = method_ticket_put,
	[RPC_TICKET_GET] = method_ticket_get,
	[RPC_TICKET_CLOSE] = method_ticket_close,
	[RPC_TICKET_REBALANCE] = method_ticket_rebalance,
	[RPC_TICKETS] = method_tickets,
	[RPC_TICKET_SHOW] = method_ticket_show,
	[RPC_HEALS] = method_heals,
	[RPC_HEAL_SHOW] = method_heal_show,
	[RPC_JOB_LIST] = method_job_list,
	[RPC_JOB_CANCEL] = method_job_cancel,
	[RPC_CONFIG_SHOW] = method_config_show,
	[RPC_CONFIG_RELOAD] = method_config_reload,
	[RPC_LOG_LEVEL] = method_log_level,
};

METHOD(method_discover)
{
	return rpc_discover();
}
