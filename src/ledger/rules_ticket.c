/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: recorded with the receipts of their holders, closed, re-homed, placed anew. */
#include <stdlib.h>

#include "ledger/heal.h"
#include "ledger/state_impl.h"

/* --- what an entry asks for --- */

static void read_texts(struct texts *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		texts_add(out, json_string_value(json_array_get(list, i)));
}

static bool distinct(const struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(text_of(texts->at[i]), text_of(texts->at[j])) == 0)
				return false;
	return true;
}

/* "index . signature": the creator's over the text of the index. */
static bool signatures_valid(struct state *s, const char *creator, const char *signatures)
{
	const char *dot = strchr(signatures, '.');
	uint8_t sig[64], message[32];

	if (dot == NULL || !base64_read(sig, 64, dot + 1, strlen(dot + 1)))
		return false;
	sha256_tagged(message, TAG_ARTIFACT,
		      &(struct sha256_part){signatures, (size_t)(dot - signatures)}, 1);
	return state_verify(s, sig, message, state_author_key(s, creator));
}

static bool index_ids_sound(const json_t *data)
{
	struct texts ids = {0};
	bool sound;

	read_texts(&ids, json_object_get(data, "rq_ids_ids"));
	sound = ids.n == data_number(data, "max") && distinct(&ids);
	texts_free(&ids);
	return sound;
}

static bool fields_sound(struct state *s, const struct entry_ctx *ctx, const json_t *data)
{
	const struct params *p = s->params;
	const char *data_hash = data_text(data, "data_hash");
	uint64_t size = data_number(data, "size"), max = data_number(data, "max");
	uint64_t ratio = data_number(data, "ratio"), ic = data_number(data, "ic");
	char id[TICKET_ID_LEN + 1];
	uint8_t digest[32];

	if (!base64_read(digest, 32, data_hash, strlen(data_hash)))
		return false;
	ticket_id(id, ctx->author, data_hash, ctx->n);
	return strcmp(id, data_text(data, "ticket")) == 0 && size >= 1 && size <= TICKET_SIZE_MAX &&
	       max == p->rq_ids_max && ic >= 1 && ic <= 100 && ratio == p->redundancy_ratio &&
	       data_number(data, "index_artifact_count") == 2 * max &&
	       data_number(data, "symbol_artifact_count") == ticket_symbols(size, ratio) &&
	       index_ids_sound(data) &&
	       signatures_valid(s, ctx->author, data_text(data, "signatures"));
}

/* --- holders --- */

/* The anchor that a placement may refer to, NULL when it may not. */
static const struct anchor *placement_anchor(struct state *s, const json_t *data)
{
	uint64_t epoch = data_number(data, "placement_epoch"), current = state_epoch(s);
	char key[KEY_ROOM];

	if (epoch > current || epoch + 1 < current)
		return NULL;
	return table_find(s->tables, T_ANCHORS, key_epoch(key, epoch));
}

/* A few of the anchor's nodes that do not answer now. */
static bool skip_sound(const struct texts *skip, const struct anchor *anchor)
{
	for (size_t i = 0; i < skip->n; i++)
		if (!texts_have_sorted(&anchor->active, skip->at[i]))
			return false;
	return 3 * skip->n <= anchor->active.n && distinct(skip);
}

struct placing {
	const char *ticket;
	const struct texts *old; /* NULL: a new list */
	uint64_t width;
	struct texts holders;
};

/* False: PLACEMENT. */
static bool place(struct state *s, struct placing *p, const json_t *data)
{
	const struct anchor *anchor = placement_anchor(s, data);
	struct texts skip = {0};
	bool sound;

	if (anchor == NULL)
		return false;
	read_texts(&skip, json_object_get(data, "skip"));
	sound = skip_sound(&skip, anchor);
	if (sound && p->old != NULL &&
	    !placement_replace(&p->holders, p->ticket, p->old, &anchor->active, &skip))
		p->old = NULL;
	if (sound && p->old == NULL)
		placement_new(&p->holders, p->ticket, &anchor->active, &skip, p->width);
	texts_free(&skip);
	return sound && p->holders.n > 0;
}

static bool receipt_valid(struct state *s, const struct placing *p, const char *holder,
			  uint64_t placement_epoch, const json_t *receipt)
{
	const struct node *node = node_find(s, holder);
	uint8_t digest[32], message[RECEIPT_ROOM];
	struct sha256_part part = {message, 0};

	if (node == NULL || strcmp(data_text(receipt, "account"), holder) != 0 ||
	    !hex_read(digest, 32, data_text(receipt, "digest")))
		return false;
	part.len = receipt_message(message, p->ticket, placement_epoch, holder, digest);
	return state_verify_tagged(s, data_text(receipt, "sig"), node->key, TAG_RECEIPT, &part, 1);
}

/* Receipts of the new holders, in their order, and no others. */
static bool receipts_valid(struct state *s, const struct placing *p, const json_t *data)
{
	const json_t *receipts = json_object_get(data, "receipts");
	uint64_t epoch = data_number(data, "placement_epoch");
	size_t next = 0;

	for (size_t i = 0; i < p->holders.n; i++) {
		const char *holder = p->holders.at[i];

		if (p->old != NULL && strcmp(p->old->at[i], holder) == 0)
			continue;
		if (!receipt_valid(s, p, holder, epoch, json_array_get(receipts, next++)))
			return false;
	}
	return next == json_array_size(receipts);
}

/* --- entries --- */

static void changed(struct state *s, const struct ticket *t)
{
	state_event(s, &(struct state_event){
			       .kind = STATE_TICKET_CHANGED,
			       .ticket = t->record.key,
		       });
}

static void record(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		   struct placing *p)
{
	struct ticket *t = table_put(s->tables, T_TICKETS, p->ticket);

	text_set(&t->creator, ctx->author);
	t->state = TICKET_OPEN;
	text_set(&t->data_hash, data_text(data, "data_hash"));
	t->size = data_number(data, "size");
	t->ic = data_number(data, "ic");
	t->max = data_number(data, "max");
	t->ratio = data_number(data, "ratio");
	read_texts(&t->rq_ids_ids, json_object_get(data, "rq_ids_ids"));
	texts_pack(&t->rq_ids_ids);
	text_set(&t->signatures, data_text(data, "signatures"));
	t->public = data_flag(data, "public");
	t->index_artifact_count = data_number(data, "index_artifact_count");
	t->symbol_artifact_count = data_number(data, "symbol_artifact_count");
	t->placement_epoch = data_number(data, "placement_epoch");
	t->symbol_copies = s->params->symbol_copies;
	t->index_copies = s->params->index_copies;
	texts_copy(&t->holders, &p->holders);
	t->ready_epoch = state_epoch(s);
	t->height = s->meta->height;
	ticket_index(s, t);
	changed(s, t);
}

static struct placing placing_new(struct state *s, const char *ticket, const json_t *data)
{
	return (struct placing){
		.ticket = ticket,
		.width = placement_width_of(s->params->placement_width,
					    data_number(data, "index_artifact_count"),
					    data_number(data, "symbol_artifact_count")),
	};
}

static struct placing placing_again(struct state *s, const struct ticket *t)
{
	return (struct placing){
		.ticket = t->record.key,
		.old = t->rehome ? NULL : &t->holders,
		.width = placement_width_of(s->params->placement_width, t->index_artifact_count,
					    t->symbol_artifact_count),
	};
}

bool ticket_holders(struct state *s, struct texts *out, const char *ticket, const json_t *data,
		    bool published)
{
	const struct ticket *t = ticket_find(s, ticket);
	struct placing p;

	*out = (struct texts){0};
	if (published != (t != NULL && t->state == TICKET_OPEN) || (!published && t != NULL))
		return false;
	p = published ? placing_again(s, t) : placing_new(s, ticket, data);
	if (place(s, &p, data)) {
		*out = p.holders;
		return true;
	}
	texts_free(&p.holders);
	return false;
}

unsigned apply_ticket(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		      const char **reason)
{
	struct placing p = placing_new(s, data_text(data, "ticket"), data);
	const char *word = NULL;

	if (ticket_find(s, p.ticket) != NULL)
		word = "EXISTS";
	else if (!fields_sound(s, ctx, data))
		word = "FIELD";
	else if (!place(s, &p, data))
		word = "PLACEMENT";
	else if (!receipts_valid(s, &p, data))
		word = "RECEIPT";
	else
		record(s, ctx, data, &p);
	texts_free(&p.holders);
	return word != NULL ? refuse(reason, VERDICT_TICKET, word) : VERDICT_OK;
}

static void settle(struct state *s, struct ticket *t, const struct placing *p, const json_t *data)
{
	ticket_unindex(s, t);
	table_touch(s->tables, t);
	texts_copy(&t->holders, &p->holders);
	t->placement_epoch = data_number(data, "placement_epoch");
	t->ready_epoch = state_epoch(s);
	t->rehome = false;
	ticket_index(s, t);
	changed(s, t);
}

unsigned ticket_publish(struct state *s, const char *ticket, const json_t *data,
			const char **reason)
{
	struct ticket *t = ticket_find(s, ticket);
	struct placing p;
	const char *word = NULL;

	if (t == NULL)
		return refuse(reason, VERDICT_TICKET, "UNKNOWN");
	if (t->state != TICKET_OPEN)
		return refuse(reason, VERDICT_TICKET, "CLOSED");
	p = placing_again(s, t);
	if (!place(s, &p, data))
		word = "PLACEMENT";
	else if (!receipts_valid(s, &p, data))
		word = "RECEIPT";
	else
		settle(s, t, &p, data);
	texts_free(&p.holders);
	return word != NULL ? refuse(reason, VERDICT_TICKET, word) : VERDICT_OK;
}

/* UNKNOWN, the author, CLOSED. */
static unsigned check_own(struct state *s, struct ticket **out, const struct entry_ctx *ctx,
			  const json_t *data, const char **reason)
{
	struct ticket *t = ticket_find(s, data_text(data, "ticket"));

	if (t == NULL)
		return refuse(reason, VERDICT_TICKET, "UNKNOWN");
	if (strcmp(ctx->author, ENTRY_AUTHORITY) != 0 &&
	    strcmp(ctx->author, text_of(t->creator)) != 0)
		return VERDICT_UNAUTHORIZED;
	if (t->state != TICKET_OPEN)
		return refuse(reason, VERDICT_TICKET, "CLOSED");
	*out = t;
	return VERDICT_OK;
}

unsigned apply_ticket_close(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			    const char **reason)
{
	struct ticket *t;
	unsigned code = check_own(s, &t, ctx, data, reason);

	if (code != VERDICT_OK)
		return code;
	if (heal_op_open(s, t->record.key))
		return refuse(reason, VERDICT_TICKET, "BUSY");
	ticket_unindex(s, t);
	table_touch(s->tables, t);
	t->state = TICKET_CLOSED;
	texts_free(&t->holders);
	t->rehome = false;
	t->closed_epoch = state_epoch(s);
	ticket_index(s, t);
	changed(s, t);
	return VERDICT_OK;
}

unsigned apply_rehome(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		      const char **reason)
{
	struct ticket *t;
	unsigned code = check_own(s, &t, ctx, data, reason);

	if (code != VERDICT_OK)
		return code;
	ticket_unindex(s, t);
	table_touch(s->tables, t);
	t->rehome = true;
	ticket_index(s, t);
	changed(s, t);
	return VERDICT_OK;
}
