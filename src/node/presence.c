/* SPDX-License-Identifier: Apache-2.0 */
#include "node/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

void presence_init(struct presence_part *p, struct node_ctx *ctx, const char *boot)
{
	*p = (struct presence_part){.ctx = ctx};
	must(strlen(boot) == 32);
	strcpy(p->boot, boot);
}

static void say(struct presence_part *p, const char *type, struct effects *out)
{
	char *text = malloc(64);

	must(text != NULL);
	snprintf(text, 64, "{\"boot\":\"%s\"}", p->boot);
	p->cookie = ctx_cookie(p->ctx, PART_PRESENCE);
	effects_entry(out, p->cookie, ENTRY_OTHER, type, text);
}

void presence_turn(struct presence_part *p, struct moment now, struct effects *out)
{
	const struct ledger_view *ledger = &p->ctx->ledger;
	struct tick_facts f;

	if (p->state != PRESENCE_SILENT || ledger->node(ledger->ctx, p->ctx->self) == NULL ||
	    !ledger->tick(ledger->ctx, &f, p->ctx->self))
		return;
	/* Where the network is: an old last tick says that it is elsewhere, or stands still. */
	if (now.wall_ms > f.time_ms + 3 * f.interval_ms || (p->tried && f.height == p->height))
		return;
	p->tried = true;
	p->height = f.height;
	p->state = PRESENCE_STARTING;
	say(p, "start", out);
}

void presence_stop(struct presence_part *p, struct effects *out)
{
	if (p->state == PRESENCE_STARTED) {
		p->state = PRESENCE_STOPPING;
		say(p, "stop", out);
	} else if (p->state != PRESENCE_STOPPING) {
		p->state = PRESENCE_GONE;
	}
}

void presence_verdict(struct presence_part *p, uint64_t cookie, const struct entry_outcome *outcome)
{
	bool accepted = outcome->end == ENTRY_VERDICT_CAME && outcome->code == 0;

	if (cookie != p->cookie || outcome->end == ENTRY_OPEN)
		return;
	if (p->state == PRESENCE_STARTING) /* refused: once more, at another height */
		p->state = accepted ? PRESENCE_STARTED : PRESENCE_SILENT;
	else if (p->state == PRESENCE_STOPPING)
		p->state = PRESENCE_GONE;
}
