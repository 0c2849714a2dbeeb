/* SPDX-License-Identifier: Apache-2.0 */
/* A healed ticket is published: the op's checks, then the ticket's new holders. */
#include "ledger/heal.h"
#include "ledger/state_impl.h"

unsigned apply_heal_published(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			      const char **reason)
{
	struct heal_op *op = heal_op_find(s, data_number(data, "heal_op_id"));
	unsigned code;

	if (op == NULL)
		return VERDICT_HEAL_OP_UNKNOWN;
	if (strcmp(ctx->author, text_of(op->healer)) != 0)
		return VERDICT_HEAL_OP_UNAUTHORIZED;
	if (op->status != HEAL_VERIFIED)
		return refuse(reason, VERDICT_HEAL_OP_STATE, "NOT_VERIFIED");
	if (op->published)
		return refuse(reason, VERDICT_HEAL_VOTE_EXISTS, "EXISTS");
	code = ticket_publish(s, text_of(op->ticket), data, reason);
	if (code != VERDICT_OK)
		return code;
	table_touch(s->tables, op);
	op->published = true;
	state_event(s, &(struct state_event){.kind = STATE_HEAL_CHANGED, .number = op->id});
	return VERDICT_OK;
}
