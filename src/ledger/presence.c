/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there: the events that checkpoints are made from. */
#include <stdlib.h>

#include "base/must.h"
#include "ledger/state_impl.h"

#define EVENTS_MAX 64

static bool is_status(uint64_t kind)
{
	return kind >= PRESENCE_ONLINE && kind <= PRESENCE_MISSING;
}

/* The oldest event goes into the base totals. */
static void drop_oldest(struct presence *p)
{
	const struct presence_event *e = p->events;

	if (e->kind == PRESENCE_RESTART)
		p->base_starts++;
	if (is_status(e->kind))
		p->base_online = e->kind;
	if (p->base_online == PRESENCE_ONLINE)
		p->base_uptime += e[1].t - e[0].t;
	p->event_count--;
	memmove(p->events, p->events + 1, p->event_count * sizeof(*e));
}

/* Stamped with the time of the ledger, one second after the last event at least. */
static uint64_t add_event(struct state *s, struct presence *p, uint64_t kind)
{
	size_t n = p->event_count;
	uint64_t t = s->meta->time / 1000;
	struct presence_event *events = realloc(p->events, (n + 1) * sizeof(*events));

	must(events != NULL);
	p->events = events;
	if (n > 0 && t <= events[n - 1].t)
		t = events[n - 1].t + 1;
	events[n] = (struct presence_event){t, kind};
	p->event_count++;
	while (p->event_count > EVENTS_MAX)
		drop_oldest(p);
	return t;
}

static struct presence *presence_put(struct state *s, const char *account)
{
	return table_put(s->tables, T_PRESENCE, account);
}

void presence_first_seen(struct state *s, const char *account)
{
	struct presence *p = presence_put(s, account);

	p->first_seen = add_event(s, p, PRESENCE_FIRST_SEEN);
}

void presence_status(struct state *s, const char *account, enum presence_kind kind)
{
	struct presence *p = presence_put(s, account);

	if (p->status == kind)
		return;
	p->status = kind;
	p->status_epoch = state_epoch(s);
	add_event(s, p, kind);
}

void presence_missing(struct state *s, uint64_t epoch)
{
	struct presence *p = table_first(s->tables, T_PRESENCE);
	char key[KEY_ROOM];

	if (epoch == 0)
		return;
	for (; p != NULL; p = table_next(s->tables, p)) {
		if (p->status != PRESENCE_ONLINE || p->status_epoch >= epoch)
			continue;
		key_format(key, "%020" PRIu64 "/%s", epoch, p->record.key);
		if (table_find(s->tables, T_REPORTS, key) == NULL)
			presence_status(s, p->record.key, PRESENCE_MISSING);
	}
}

unsigned apply_start(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		     const char **reason)
{
	struct presence *p = table_find(s->tables, T_PRESENCE, ctx->author);
	const char *boot = data_text(data, "boot");

	if (p != NULL && p->boot != NULL &&
	    (strcmp(p->boot, boot) == 0 || p->start_height == s->meta->height))
		return refuse(reason, VERDICT_REGISTRY, "STATE");
	p = presence_put(s, ctx->author);
	text_set(&p->boot, boot);
	p->start_height = s->meta->height;
	add_event(s, p, PRESENCE_RESTART);
	presence_status(s, ctx->author, PRESENCE_ONLINE);
	return VERDICT_OK;
}

unsigned apply_stop(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		    const char **reason)
{
	struct presence *p = table_find(s->tables, T_PRESENCE, ctx->author);

	if (p == NULL || strcmp(text_of(p->boot), data_text(data, "boot")) != 0)
		return refuse(reason, VERDICT_REGISTRY, "STATE");
	presence_status(s, ctx->author, PRESENCE_OFFLINE);
	return VERDICT_OK;
}
