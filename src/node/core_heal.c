/* SPDX-License-Identifier: Apache-2.0 */
/* What the core does for self-healing: its work and its grants. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "node/core_impl.h"

bool core_carry_heal(struct core *c, const struct effect *effect)
{
	const struct heal_port *port = &c->config.heal;

	if (effect->kind == EFFECT_HEAL)
		port->begin(port->ctx, effect->cookie, &effect->heal);
	else if (effect->kind == EFFECT_HEAL_CANCEL)
		port->cancel(port->ctx, effect->cookie);
	else
		return false;
	return true;
}

void core_turn_heal(struct core *c, struct moment now)
{
	const struct heal_port *port = &c->config.heal;
	struct heal_done done;

	while (port->next != NULL && port->next(port->ctx, &done)) {
		struct node_event event = {
			.kind = EVENT_HEALED, .cookie = done.cookie, .healed = &done};

		core_step(c, &event, now);
		free(done.entry);
	}
}

/* A claim's files are kept, and all when the rows cannot be read, or when healing is off. */
static bool keep_folder(void *arg, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	const struct core *c = arg;
	const struct heal_store store = local_heals(c->local);
	struct heal_claim_row row;
	int error = store.claim_find(store.ctx, &row, op);

	if (error == 0)
		strcpy(hash, row.hash);
	return !c->config.settings.heal.on || error != ASSAY_E_NOTFOUND;
}

int core_sweep_staging(struct core *c, unsigned *left, char *why, size_t why_room)
{
	const struct heal_port *port = &c->config.heal;
	int error = 0;

	*left = 0;
	if (port->sweep != NULL)
		error = port->sweep(port->ctx, left, keep_folder, c);
	if (error == 0 || !c->config.settings.heal.on)
		return 0;
	snprintf(why, why_room, "the staging folder of self-healing cannot be used: %s",
		 assay_error_text(error));
	return error;
}

unsigned core_heal_grants(const struct core *c, struct heal_grant *out, unsigned room)
{
	const struct heal *heal = runner_heal(c->runner);

	return heal != NULL ? heal_grants(heal, out, room) : 0;
}

uint64_t core_heal_generation(const struct core *c)
{
	const struct heal *heal = runner_heal(c->runner);

	return heal != NULL ? heal->generation + c->nodes_changed : 0;
}

size_t core_heal_list(const struct core *c, struct heal_standing *out, size_t room)
{
	const struct heal *heal = runner_heal(c->runner);

	return heal != NULL ? heal_list(heal, out, room) : 0;
}

size_t core_heal_past(const struct core *c, struct heal_standing *out, size_t room, uint64_t op)
{
	const struct heal *heal = runner_heal(c->runner);

	return heal != NULL ? heal_past(heal, out, room, op) : 0;
}
