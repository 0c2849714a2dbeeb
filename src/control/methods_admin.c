/* SPDX-License-Identifier: Apache-2.0 */
/* Registry, configuration, log level, jobs. */
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/config_table.h"
#include "control/methods.h"
#include "control/network.h"

METHOD(method_registry_list)
{
	const struct app *app = ctx->control->app;
	const struct registry *r = app->registry;
	struct core *core = network_core(app->network);
	char id[65];
	json_t *nodes = json_array(), *clients = json_array();

	for (unsigned i = 0; i < r->count; i++)
		json_array_append_new(r->entries[i].node ? nodes : clients,
				      registry_entry_json(&r->entries[i]));
	hex_encode(id, app->self.network_id, 32);
	return json_pack("{s:s,s:s,s:o,s:o,s:o}", "network", r->network, "network_id", id, "epoch",
			 core != NULL ? json_integer((json_int_t)state_epoch(core_state(core)))
				      : json_null(),
			 "nodes", nodes, "clients", clients);
}

METHOD(method_registry_reload)
{
	json_t *result = NULL;

	reload_registry(ctx->control, &result, error);
	return result;
}

METHOD(method_config_reload)
{
	json_t *result = NULL;

	reload_config(ctx->control, &result, error);
	return result;
}

METHOD(method_config_show)
{
	return config_json(&ctx->control->app->config);
}

METHOD(method_job_list)
{
	return json_pack("{s:o}", "jobs", jobs_list(ctx->control->jobs));
}

METHOD(method_job_cancel)
{
	if (!jobs_cancel(ctx->control->jobs, rpc_number(params, "job", 0)))
		return rpc_fail(error, ASSAY_E_NOTFOUND, "job",
				"it may be done already; assayctl job list shows the others",
				"no such job");
	return json_object();
}

METHOD(method_log_level)
{
	struct app *app = ctx->control->app;
	const char *name = rpc_text(params, "level");
	int level;

	if (!config_log_level(name, &level))
		return rpc_fail(error, RPC_E_PARAMS, "level", "one of error, warning, info, debug",
				"no level \"%s\"", name);
	__atomic_store_n(&app->log.level, (enum log_level)level, __ATOMIC_RELAXED);
	return json_pack("{s:s}", "level", name);
}
