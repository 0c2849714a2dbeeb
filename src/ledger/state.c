/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/field.h"
#include "ledger/jcs.h"
#include "ledger/state_impl.h"
#include "proof/derive.h"

#define LINE_LIMIT (UINT32_C(256) << 20) /* a record's line; anchors of many nodes are long */

struct state *state_new(const struct state_config *config)
{
	struct state *s = calloc(1, sizeof(*s));

	must(s != NULL);
	s->config = *config;
	s->tables = tables_new();
	s->scores = scores_new();
	return s;
}

void state_free(struct state *s)
{
	if (s == NULL)
		return;
	ticket_indexes_clear(s);
	names_clear(&s->keys, NULL);
	scores_free(s->scores);
	tables_free(s->tables);
	free(s);
}

int state_load(struct state *s, enum table_id table, const char *key, const char *line, size_t len)
{
	struct record *r = NULL;
	enum jcs_error error;
	const char *fault;
	json_t *object;
	int status = ASSAY_E_INVAL;

	object = jcs_parse(&error, line, len, LINE_LIMIT);
	if (object != NULL && table < TABLES && table_key_valid(table, key)) {
		r = table_put(s->tables, table, key);
		status = shape_read(r, &fault, &table_shapes[table].shape, object);
	}
	json_decref(object);
	return status;
}

int state_loaded(struct state *s, const struct state_origin *origin)
{
	bool in_force = false;
	struct committee *c;

	for (c = table_first(s->tables, T_COMMITTEES); c != NULL; c = table_next(s->tables, c))
		in_force = in_force || c->state == COMMITTEE_IN_FORCE;
	if (table_find(s->tables, T_META, "-") == NULL || params_current(s->tables) == NULL ||
	    !in_force)
		return ASSAY_E_INVAL;
	s->origin = *origin;
	hex_encode(s->net_hex, origin->net, 32);
	state_index(s);
	tables_changes(s->tables, NULL, NULL);
	return 0;
}

void state_origin(const struct state *s, struct state_origin *out)
{
	*out = s->origin;
}

void state_index(struct state *s)
{
	struct tables *t = s->tables;
	struct committee *c;

	s->meta = table_find(t, T_META, "-");
	s->params = params_current(t);
	must(s->meta != NULL && s->params != NULL);
	s->committee = s->pending = NULL;
	for (c = table_first(t, T_COMMITTEES); c != NULL; c = table_next(t, c)) {
		if (c->state == COMMITTEE_IN_FORCE)
			s->committee = c;
		if (c->state == COMMITTEE_PROPOSED || c->state == COMMITTEE_ACKNOWLEDGED)
			s->pending = c;
	}
	names_clear(&s->keys, NULL);
	for (struct node *n = table_first(t, T_NODES); n != NULL; n = table_next(t, n))
		node_index(s, n);
	ticket_indexes_clear(s);
	for (struct ticket *k = table_first(t, T_TICKETS); k != NULL; k = table_next(t, k))
		ticket_index(s, k);
	memset(s->verdicts, 0, sizeof(s->verdicts));
	for (struct verdict *v = table_first(t, T_VERDICTS); v != NULL; v = table_next(t, v))
		verdict_index(s, v);
	scores_load(s);
}

struct tables *state_tables(struct state *s)
{
	return s->tables;
}

struct meta *state_meta(struct state *s)
{
	return s->meta;
}

struct params *state_params(struct state *s)
{
	return s->params;
}

struct scores *state_scores(struct state *s)
{
	return s->scores;
}

uint64_t state_seq(const struct state *s)
{
	return s->origin.seq;
}

uint64_t state_height(const struct state *s)
{
	return s->meta->height;
}

uint64_t state_epoch_at(const struct state *s, uint64_t height)
{
	return epoch_at_height(height, s->params->epoch_zero_height,
			       s->params->epoch_length_blocks);
}

uint64_t state_epoch(const struct state *s)
{
	return state_epoch_at(s, s->meta->height);
}

uint64_t state_epoch_last(const struct state *s, uint64_t epoch)
{
	uint64_t start, end;

	epoch_bounds(&start, &end, epoch, s->params->epoch_zero_height,
		     s->params->epoch_length_blocks);
	return end;
}

void state_log(const struct state *s, uint8_t out[32])
{
	memcpy(out, s->origin.log, 32);
}

void state_hash(struct state *s, uint8_t out[32])
{
	tables_hash(s->tables, out);
}

void state_root(struct state *s, uint8_t out[32])
{
	uint8_t message[64];

	state_log(s, message);
	state_hash(s, message + 32);
	digest_one(out, NULL, message, sizeof(message));
}

void state_dump(struct state *s, void (*line)(void *arg, const char *text, size_t len), void *arg)
{
	tables_dump(s->tables, line, arg);
}

const char *state_author_key(struct state *s, const char *author)
{
	struct node *node;

	if (strcmp(author, ENTRY_AUTHORITY) == 0)
		return s->meta->authority;
	node = node_find(s, author);
	return node != NULL ? node->key : NULL;
}

static bool verify(struct state *s, const uint8_t sig[64], const uint8_t message[32],
		   const uint8_t key[32])
{
	const struct state_verifier *v = &s->config.verifier;

	return v->verify != NULL ? v->verify(v->ctx, sig, message, key)
				 : verify_message(sig, key, message, 32);
}

bool state_verify(struct state *s, const uint8_t sig[64], const uint8_t message[32],
		  const char *key_hex)
{
	uint8_t key[32];

	return hex_read(key, 32, key_hex) && verify(s, sig, message, key);
}

bool state_verify_tagged(struct state *s, const char *sig_hex, const char *key_hex, const char *tag,
			 const struct sha256_part *parts, size_t n)
{
	uint8_t sig[64], message[32];

	if (!hex_read(sig, 64, sig_hex))
		return false;
	sha256_tagged(message, tag, parts, n);
	return state_verify(s, sig, message, key_hex);
}

void state_event(struct state *s, const struct state_event *event)
{
	if (s->config.event != NULL)
		s->config.event(s->config.event_ctx, event);
}

void state_event_named(struct state *s, const char *name, const char *account, const char *ticket)
{
	state_event(s, &(struct state_event){
			       .kind = STATE_NAMED,
			       .name = name,
			       .account = account,
			       .ticket = ticket,
		       });
}

const char *data_text(const json_t *data, const char *name)
{
	return text_of(json_string_value(json_object_get(data, name)));
}

uint64_t data_number(const json_t *data, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(data, name));
}

bool data_flag(const json_t *data, const char *name)
{
	return json_is_true(json_object_get(data, name));
}
