/* SPDX-License-Identifier: Apache-2.0 */
#include "control/holders.h"

#include <stdlib.h>
#include <string.h>

void ticket_facts_free(struct ticket_facts *f)
{
	free(f->index_ids);
	free(f->signatures);
	f->index_ids = NULL;
	f->signatures = NULL;
}

uint32_t deal_own(const struct ticket_deal *d)
{
	uint32_t position = 0;

	while (position < d->holders && d->node[position] != SELF)
		position++;
	return position;
}

void deal_peer(struct assay_peer *out, const struct ticket_node *node)
{
	*out = (struct assay_peer){.account = node->account, .address = node->address};
	memcpy(out->session_key, node->session_key, 33);
	memcpy(out->identity, node->identity, 32);
}
