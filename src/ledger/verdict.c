/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts, in lists by epoch so that none is looked at before its time to go. */
#include "ledger/state_impl.h"

void verdict_index(struct state *s, struct verdict *v)
{
	struct verdict **list = &s->verdicts[v->epoch % VERDICT_SLOTS];

	v->next_of_epoch = *list;
	*list = v;
}

void verdict_record(struct state *s, const char *id, uint64_t epoch, unsigned code,
		    const char *reason)
{
	struct verdict *v = table_put(s->tables, T_VERDICTS, id);

	v->epoch = epoch;
	v->seq = s->origin.seq + 1;
	v->height = s->meta->height;
	v->code = code;
	text_set(&v->reason, reason);
	verdict_index(s, v);
}

/* At the end of an epoch those go whose entries would be refused as too old from now on. */
void prune_verdicts(struct state *s, uint64_t epoch)
{
	struct verdict **at, *v;

	if (epoch < s->params->verdict_keep_epochs)
		return;
	epoch -= s->params->verdict_keep_epochs;
	at = &s->verdicts[epoch % VERDICT_SLOTS];
	while ((v = *at) != NULL) {
		if (v->epoch > epoch) {
			at = &v->next_of_epoch;
			continue;
		}
		*at = v->next_of_epoch;
		table_remove(s->tables, v);
	}
}
