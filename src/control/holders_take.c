/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "control/holders.h"
#include "ledger/rules.h"

bool deal_node(struct ticket_node *out, const struct node *node)
{
	*out = (struct ticket_node){.account = ""};
	if (node == NULL || hex_decode(out->session_key, 33, text_of(node->session_key)) != 0 ||
	    hex_decode(out->identity, 32, text_of(node->key)) != 0)
		return false;
	snprintf(out->account, sizeof(out->account), "%s", node->record.key);
	snprintf(out->address, sizeof(out->address), "%.*s",
		 (int)strcspn(text_of(node->address), ","), text_of(node->address));
	return true;
}

bool deal_fill(struct ticket_deal *d, struct state *s, const char *self,
	       const struct texts *holders, uint64_t index_copies, uint64_t symbol_copies)
{
	uint64_t width = holders->n;

	if (width == 0 || width > HOLDERS_MAX)
		return false;
	d->others = 0;
	d->holders = (uint32_t)width;
	d->copies[1] = (uint32_t)(index_copies < width ? index_copies : width);
	d->copies[2] = (uint32_t)(symbol_copies < width ? symbol_copies : width);
	for (size_t i = 0; i < width; i++) {
		if (strcmp(holders->at[i], self) == 0) {
			d->node[i] = SELF;
			continue;
		}
		if (!deal_node(&d->other[d->others], node_find(s, holders->at[i])))
			return false;
		d->node[i] = d->others++;
	}
	return true;
}

bool ticket_take(struct ticket_facts *f, struct ticket_deal *d, struct state *s, const char *self,
		 const struct ticket *t)
{
	const struct node *creator = node_find(s, text_of(t->creator));

	f->ic = (uint32_t)t->ic;
	f->max = (uint32_t)t->max;
	f->ratio = (uint32_t)t->ratio;
	f->size = t->size;
	d->counts[1] = (uint32_t)t->index_artifact_count;
	d->counts[2] = (uint32_t)t->symbol_artifact_count;
	snprintf(f->data_hash, sizeof(f->data_hash), "%s", text_of(t->data_hash));
	f->signatures = strdup(text_of(t->signatures));
	f->index_ids = calloc(t->max, sizeof(*f->index_ids));
	if (creator == NULL || hex_decode(f->creator, 32, text_of(creator->key)) != 0 ||
	    f->signatures == NULL || f->index_ids == NULL || t->rq_ids_ids.n != t->max)
		return false;
	for (size_t i = 0; i < t->max; i++)
		snprintf(f->index_ids[i], sizeof(f->index_ids[i]), "%s", t->rq_ids_ids.at[i]);
	return deal_fill(d, s, self, &t->holders, t->index_copies, t->symbol_copies);
}
