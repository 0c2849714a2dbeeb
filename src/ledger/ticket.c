/* SPDX-License-Identifier: Apache-2.0 */
/* What tickets are asked for. */
#include "ledger/placement.h"
#include "ledger/state_impl.h"

struct ticket *ticket_find(struct state *s, const char *id)
{
	return table_find(s->tables, T_TICKETS, id);
}

bool ticket_challengeable(const struct ticket *t, uint64_t epoch)
{
	return t->state == TICKET_OPEN && t->ready_epoch < epoch;
}

int ticket_position(const struct ticket *t, const char *account)
{
	for (size_t i = 0; i < t->holders.n; i++)
		if (strcmp(t->holders.at[i], account) == 0)
			return (int)i;
	return -1;
}

uint64_t ticket_count(const struct ticket *t, unsigned artifact_class)
{
	return artifact_class == PLACEMENT_INDEX    ? t->index_artifact_count
	       : artifact_class == PLACEMENT_SYMBOL ? t->symbol_artifact_count
						    : 0;
}

uint64_t ticket_copies(const struct ticket *t, unsigned artifact_class)
{
	return artifact_class == PLACEMENT_INDEX ? t->index_copies : t->symbol_copies;
}

bool ticket_places(const struct ticket *t, unsigned artifact_class, uint64_t ordinal, int position)
{
	return position >= 0 && ordinal < ticket_count(t, artifact_class) &&
	       placement_on(ordinal, ticket_copies(t, artifact_class), t->holders.n,
			    (uint64_t)position);
}

static void set_missing(uint64_t *member, uint64_t value)
{
	if (*member == 0)
		*member = value;
}

const char *ticket_complete(struct state *s, struct ticket *t, const struct texts *active)
{
	const struct params *p = s->params;
	const struct texts none = {0};
	uint64_t width;

	if (!ticket_id_valid(t->record.key))
		return "id must be 1 to 64 visible characters";
	set_missing(&t->state, TICKET_OPEN);
	if (t->state != TICKET_OPEN)
		return NULL;
	set_missing(&t->ratio, p->redundancy_ratio);
	set_missing(&t->symbol_copies, p->symbol_copies);
	set_missing(&t->index_copies, p->index_copies);
	if (t->size == 0 || t->size > TICKET_SIZE_MAX || t->ratio > 20 || t->max > 100 ||
	    t->index_copies > 16 || t->symbol_copies > 16)
		return "size, ratio, max or copies out of range";
	set_missing(&t->index_artifact_count, 2 * t->max);
	set_missing(&t->symbol_artifact_count, ticket_symbols(t->size, t->ratio));
	width = placement_width_of(p->placement_width, t->index_artifact_count,
				   t->symbol_artifact_count);
	if (t->holders.n == 0)
		placement_new(&t->holders, t->record.key, active, &none, width);
	return t->holders.n > 0 ? NULL : "has no artifacts or no node to hold them";
}

/* Closed ones that are older than what is kept. */
void prune_tickets(struct state *s, uint64_t epoch)
{
	uint64_t keep = s->params->keep_last_epoch_entries;
	struct ticket *t, *next;

	for (t = LIST_FIRST(&s->closed); t != NULL; t = next) {
		next = LIST_NEXT(t, closed);
		if (t->closed_epoch + keep > epoch)
			continue;
		LIST_REMOVE(t, closed);
		table_remove(s->tables, t);
	}
}
