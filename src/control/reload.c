/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP, `assayctl config reload`, `assayctl registry reload`: all or nothing. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/control.h"
#include "control/network.h"
#include "control/socket.h"

/* Entries of a that b does not have with the same keys. */
static unsigned count_missing(const struct registry *a, const struct registry *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->count; i++) {
		const struct registry_entry *e = registry_find(b, a->entries[i].account);

		n += e == NULL || memcmp(e->session_key, a->entries[i].session_key, 33) != 0;
	}
	return n;
}

int reload_registry(struct control *c, json_t **result, struct rpc_error *error)
{
	struct app *app = c->app;
	struct registry fresh, old = *app->registry;
	unsigned nodes = 0;

	if (app_registry_read(app, &fresh) != 0) {
		rpc_fail(error, ASSAY_E_INVAL, NULL, "nothing was changed; repair the file", "%s",
			 app->error);
		return ASSAY_E_INVAL;
	}
	*app->registry = fresh;
	if (publish_view(c) != 0) {
		*app->registry = old;
		registry_free(&fresh);
		rpc_fail(error, ASSAY_E_NOMEM, NULL, "nothing was changed", "out of memory");
		return ASSAY_E_NOMEM;
	}
	for (unsigned i = 0; i < fresh.count; i++)
		nodes += fresh.entries[i].node;
	*result = json_pack("{s:i,s:i,s:i,s:i}", "nodes", (int)nodes, "clients",
			    (int)(fresh.count - nodes), "added", (int)count_missing(&fresh, &old),
			    "removed", (int)count_missing(&old, &fresh));
	registry_free(&old);
	return 0;
}

struct lists {
	json_t *applied, *restart;
};

static void note(void *arg, const char *key, bool applied)
{
	struct lists *lists = arg;

	json_array_append_new(applied ? lists->applied : lists->restart, json_string(key));
}

/* What the reloadable keys are in force through, besides the snapshot. */
static void put_in_force(struct app *app)
{
	struct store_scrub scrub = {app->config.scrub, app->config.scrub_age_s * 1000000000u};

	__atomic_store_n(&app->log.level, (enum log_level)app->config.log_level, __ATOMIC_RELAXED);
	if (app->store_thread != NULL)
		store_thread_scrub(app->store_thread, &scrub);
	if (app->store != NULL)
		store_staging_quota(app->store, app->config.staging_mib << 20);
	network_reload(app->network);
}

/*
 * A file that is not right changes nothing, and the registry is read first, so that one that is not
 * right leaves the configuration alone too.
 */
int reload_config(struct control *c, json_t **result, struct rpc_error *error)
{
	struct app *app = c->app;
	struct config *fresh = malloc(sizeof(*fresh));
	char why[CONFIG_ERROR_MAX];
	struct lists lists;
	json_t *registry;
	int code;

	if (fresh == NULL) {
		rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
		return ASSAY_E_NOMEM;
	}
	code = config_load(fresh, app->config_path, why);
	if (code != 0)
		rpc_fail(error, ASSAY_E_INVAL, NULL, "nothing was changed; repair the file", "%s",
			 why);
	else
		code = reload_registry(c, &registry, error);
	if (code != 0) {
		free(fresh);
		return code;
	}
	lists = (struct lists){json_array(), json_array()};
	config_apply(&app->config, fresh, note, &lists);
	free(fresh);
	put_in_force(app);
	if (publish_view(c) != 0)
		log_warning(&app->log, "control", "out of memory",
			    "the workers keep their former limits");
	*result = json_pack("{s:o,s:o,s:o}", "applied", lists.applied, "restart", lists.restart,
			    "registry", registry);
	return 0;
}
