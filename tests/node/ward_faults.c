/* SPDX-License-Identifier: Apache-2.0 */
/* Ledger and rows of a ward, which fail when they are told to. */
#include "node/ward.h"

/* --- the ledger, with faults */

static int read_op(void *ctx, const struct heal_op **out, uint64_t id)
{
	struct ward *w = ctx;

	return w->op_error != 0 ? w->op_error : w->real.heal_op(w->real.ctx, out, id);
}

static int read_ops(void *ctx, const struct heal_op **out, uint64_t *cursor,
		    enum heal_status status)
{
	struct ward *w = ctx;
	int n;

	if (w->ops_error != 0)
		return w->ops_error;
	n = w->real.heal_ops(w->real.ctx, out, cursor, status);
	if (w->endless)
		*cursor = 1;
	return n;
}

static int read_vote(void *ctx, bool *verified, uint64_t op, const char *verifier)
{
	struct ward *w = ctx;

	return w->vote_error != 0 ? w->vote_error
				  : w->real.heal_vote(w->real.ctx, verified, op, verifier);
}

static int read_terms(void *ctx, struct heal_terms *out)
{
	struct ward *w = ctx;

	return w->terms_error != 0 ? w->terms_error : w->real.heal_terms(w->real.ctx, out);
}

static const struct ticket *read_ticket(void *ctx, const char *id)
{
	struct ward *w = ctx;

	return w->real.ticket(w->real.ctx, id);
}

static const struct node *read_node(void *ctx, const char *account)
{
	struct ward *w = ctx;

	return w->real.node(w->real.ctx, account);
}

/* --- rows, with faults */

static int claim_put(void *ctx, const struct heal_claim_row *row, uint64_t now_ms)
{
	struct ward *w = ctx;

	return w->claim_put_error != 0 ? w->claim_put_error
				       : w->rows.claim_put(w->rows.ctx, row, now_ms);
}

static int claim_find(void *ctx, struct heal_claim_row *out, uint64_t op)
{
	struct ward *w = ctx;

	return w->claim_read_error != 0 ? w->claim_read_error
					: w->rows.claim_find(w->rows.ctx, out, op);
}

static int claims(void *ctx, struct heal_claim_row *out, size_t *n, size_t room, uint64_t after)
{
	struct ward *w = ctx;

	return w->claim_read_error != 0 ? w->claim_read_error
					: w->rows.claims(w->rows.ctx, out, n, room, after);
}

static int claim_mark(void *ctx, uint64_t op)
{
	struct ward *w = ctx;

	return w->mark_error != 0 ? w->mark_error : w->rows.claim_mark(w->rows.ctx, op);
}

static int claim_drop(void *ctx, uint64_t op, bool pending_only)
{
	struct ward *w = ctx;

	return w->claim_drop_error != 0 ? w->claim_drop_error
					: w->rows.claim_drop(w->rows.ctx, op, pending_only);
}

static int vote_put(void *ctx, const char *self, const struct heal_vote_row *row, uint64_t now_ms)
{
	struct ward *w = ctx;

	return w->vote_put_error != 0 ? w->vote_put_error
				      : w->rows.vote_put(w->rows.ctx, self, row, now_ms);
}

static int vote_find(void *ctx, const char *self, struct heal_vote_row *out, uint64_t op)
{
	struct ward *w = ctx;

	return w->vote_read_error != 0 ? w->vote_read_error
				       : w->rows.vote_find(w->rows.ctx, self, out, op);
}

static int votes(void *ctx, const char *self, struct heal_vote_row *out, size_t *n, size_t room,
		 uint64_t after)
{
	struct ward *w = ctx;

	return w->vote_read_error != 0 ? w->vote_read_error
				       : w->rows.votes(w->rows.ctx, self, out, n, room, after);
}

static int vote_mark(void *ctx, const char *self, uint64_t op)
{
	struct ward *w = ctx;

	return w->mark_error != 0 ? w->mark_error : w->rows.vote_mark(w->rows.ctx, self, op);
}

static int vote_drop(void *ctx, const char *self, uint64_t op, bool pending_only)
{
	struct ward *w = ctx;

	return w->rows.vote_drop(w->rows.ctx, self, op, pending_only);
}

void ward_faults(struct ward *w)
{
	w->real = w->ctx.ledger;
	w->ctx.ledger.heal_op = read_op;
	w->ctx.ledger.heal_ops = read_ops;
	w->ctx.ledger.heal_vote = read_vote;
	w->ctx.ledger.heal_terms = read_terms;
	w->ctx.ledger.ticket = read_ticket;
	w->ctx.ledger.node = read_node;
	w->ctx.ledger.ctx = w;
	w->store = (struct heal_store){claim_put,  claim_find, claims,	  claim_mark,
				       claim_drop, vote_put,   vote_find, votes,
				       vote_mark,  vote_drop,  w};
}
