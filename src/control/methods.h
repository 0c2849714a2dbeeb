/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the method table, one file per family. */
#ifndef CONTROL_METHODS_H
#define CONTROL_METHODS_H

#include "control/control.h"

#define METHOD(name) json_t *name(struct rpc_context *ctx, json_t *params, struct rpc_error *error)

METHOD(method_discover);
/* methods_node.c */
METHOD(method_status);
METHOD(method_topology);
METHOD(method_doctor);
METHOD(method_metrics);
METHOD(method_sessions_list);
METHOD(method_sessions_close);
/* methods_stats.c */
METHOD(method_stats);
/* methods_artifact.c */
METHOD(method_artifact_put);
METHOD(method_artifact_get);
METHOD(method_artifact_list);
METHOD(method_artifact_stat);
METHOD(method_artifact_verify);
METHOD(method_artifact_remove);
METHOD(method_artifact_scrub);
/* jobs_codec.c */
METHOD(method_codec_encode);
METHOD(method_codec_decode);
METHOD(method_codec_heal);
/* methods_ledger.c */
METHOD(method_ledger_status);
METHOD(method_ledger_tail);
METHOD(method_ledger_entry);
METHOD(method_ledger_accept_engine);
METHOD(method_epoch);
METHOD(method_nodes);
METHOD(method_challenges);
METHOD(method_misses);
/* methods_ticket.c */
METHOD(method_ticket_put);
METHOD(method_ticket_get);
METHOD(method_ticket_close);
METHOD(method_ticket_rebalance);
METHOD(method_tickets);
METHOD(method_ticket_show);
/* methods_heal.c */
METHOD(method_heals);
METHOD(method_heal_show);
/* methods_admin.c */
METHOD(method_registry_list);
METHOD(method_registry_reload);
METHOD(method_job_list);
METHOD(method_job_cancel);
METHOD(method_config_show);
METHOD(method_config_reload);
METHOD(method_log_level);

#endif
