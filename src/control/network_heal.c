/* SPDX-License-Identifier: Apache-2.0 */
/* What the network part does for self-healing: its settings, its work, and who may read what. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/network_impl.h"
#include "ledger/heal.h"
#include "ledger/text.h"

#define GRANTS_FIRST 64

struct heal_settings network_heal_settings(const struct config *config)
{
	return (struct heal_settings){
		.on = config->heal_on,
		.poll_interval_ms = config->heal_poll_ms,
		.reconstructs_max = (unsigned)config->heal_reconstructs,
		.verifications_max = (unsigned)config->heal_verifications,
		.publishes_max = (unsigned)config->heal_publishes,
		.fetch_timeout_ms = (unsigned)config->heal_fetch_timeout_ms,
		.fetch_attempts = (unsigned)config->heal_fetch_attempts,
		.fetch_backoff_ms = (unsigned)config->heal_fetch_backoff_ms,
		.op_timeout_ms = config->heal_op_timeout_ms,
		.reconstructed_max = config->heal_bytes_max,
	};
}

static struct state *state_of(void *ctx)
{
	const struct network *n = ctx;

	return n->core != NULL ? core_state(n->core) : NULL;
}

int network_heals_open(struct network *n)
{
	struct app *app = n->app;
	char root[sizeof(app->config.state_dir) + sizeof(app->config.heal_staging)];
	const struct heals_config config = {
		.app = app,
		.state = state_of,
		.ctx = n,
		.root = root,
		.reconstructed_max = app->config.heal_bytes_max,
		.works = (unsigned)(app->config.heal_reconstructs + app->config.heal_verifications +
				    app->config.heal_publishes),
		.failpoints = app->failpoints,
	};

	config_staging_dir(root, sizeof(root), &app->config);
	return heals_new(&n->heals, &config);
}

int network_heals_follow(struct network *n, event_callback_fn wake)
{
	n->from_heals =
		event_new(n->control->base, heals_fd(n->heals), EV_READ | EV_PERSIST, wake, n);
	if (n->from_heals == NULL || event_add(n->from_heals, NULL) != 0)
		return ASSAY_E_NOMEM;
	heals_follow(n->heals);
	return 0;
}

/* A deadline epoch is one too late; 0: there is none. */
static bool grant_of(struct view_grant *out, struct state *s, const struct heal_grant *grant)
{
	const struct heal_op *op = heal_op_find(s, grant->op);

	if (op == NULL || op->status != HEAL_HEALER_REPORTED)
		return false;
	*out = (struct view_grant){
		.op = grant->op,
		.may = ASSAY_MAY_READ,
		.until_epoch = grant->until_epoch > 0 ? grant->until_epoch - 1 : UINT64_MAX,
	};
	snprintf(out->account, sizeof(out->account), "%s", grant->account);
	return base64_read(out->key, 32, text_of(op->result_hash),
			   strlen(text_of(op->result_hash)));
}

static struct heal_grant *list_grants(unsigned *n, const struct core *core)
{
	struct heal_grant *list = NULL, *more;
	unsigned room = GRANTS_FIRST;

	do {
		more = realloc(list, room * sizeof(*list));
		if (more == NULL) {
			free(list);
			return NULL;
		}
		list = more;
		*n = core_heal_grants(core, list, room);
		if (*n <= room)
			return list;
		room = *n;
	} while (true);
}

int network_grants(struct network *n, struct view *settings)
{
	uint64_t generation = core_heal_generation(n->core);
	unsigned count = 0;
	struct heal_grant *list = list_grants(&count, n->core);
	struct view_grant *out = calloc(count > 0 ? count : 1, sizeof(*out));

	if (list == NULL || out == NULL) {
		free(list);
		free(out);
		return ASSAY_E_NOMEM;
	}
	settings->grant_count = 0;
	for (unsigned i = 0; i < count; i++)
		settings->grant_count +=
			grant_of(&out[settings->grant_count], core_state(n->core), &list[i]);
	settings->grants = out;
	/* Who verifies nothing itself serves one at a time all the same. */
	settings->streams_max =
		(uint16_t)(n->app->config.heal_verifications > 0 ? n->app->config.heal_verifications
								 : 1);
	n->heal_generation = generation;
	free(list);
	return 0;
}

bool network_heal_progress(struct network *n, uint64_t *done, uint64_t *total, uint64_t cookie)
{
	struct heal_port port = heals_port(n->heals);

	return port.progress(port.ctx, done, total, cookie);
}

/* By the ledger; "-" when it is none of this node's business. */
static const char *role_in(const struct heal_op *op, const char *account)
{
	if (strcmp(text_of(op->healer), account) == 0)
		return heal_role_name(HEAL_ROLE_HEALER);
	return texts_have(&op->verifiers, account) ? heal_role_name(HEAL_ROLE_VERIFIER) : "-";
}

void network_heal_changed(const struct network *n, uint64_t id)
{
	static const char *const words[] = {"?",	"scheduled", "in progress", "reported",
					    "verified", "failed",    "expired"};
	const struct heal_op *op = heal_op_find(core_state(n->core), id);

	if (op != NULL)
		log_info(&n->app->log, "heal", op->published ? "published" : words[op->status % 7],
			 "op=%lu ticket=%s healer=%s here=%s deadline_epoch=%lu notes=\"%s\"",
			 op->id, text_of(op->ticket), text_of(op->healer),
			 role_in(op, n->app->self.account), op->deadline_epoch, text_of(op->notes));
}
