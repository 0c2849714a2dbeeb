/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/bare.h"

#include "base/must.h"
#include "ledger/field.h"
#include "proof/derive.h"

static void note_event(void *ctx, const struct state_event *event)
{
	struct bare *b = ctx;

	if (event->kind == STATE_NAMED)
		must(json_array_append_new(b->events, json_string(event->name)) == 0);
}

void bare_params(struct params *p)
{
	json_t *none = json_object();
	char why[256];

	params_standard(p);
	must(params_merge(p, why, sizeof(why), none, true) == 0);
	json_decref(none);
}

void bare_new(struct bare *b)
{
	const struct state_config config = {.event = note_event, .event_ctx = b};

	b->events = json_array();
	b->state = state_new(&config);
	bare_params(table_put(b->state->tables, T_PARAMS, "-"));
	table_put(b->state->tables, T_META, "-");
	state_index(b->state);
}

void bare_free(struct bare *b)
{
	json_decref(b->events);
	state_free(b->state);
}

json_t *bare_take_events(struct bare *b)
{
	json_t *events = b->events;

	b->events = json_array();
	return events;
}

void bare_height(struct bare *b, uint64_t height)
{
	table_touch(b->state->tables, b->state->meta);
	b->state->meta->height = height;
}

void bare_node(struct bare *b, const char *account, enum node_state state)
{
	struct node *node = node_find(b->state, account);

	if (node != NULL) {
		node_set_state(b->state, node, state);
		return;
	}
	node = table_put(b->state->tables, T_NODES, account);
	node->state = state;
	state_index(b->state);
}

bool bare_record(struct bare *b, enum table_id table, const char *key, const json_t *object)
{
	struct record *r = table_put(b->state->tables, table, key);
	const char *fault;
	bool ok = shape_read(r, &fault, &table_shapes[table].shape, object) == 0;

	state_index(b->state);
	return ok;
}

struct anchor *bare_anchor(struct bare *b, uint64_t epoch)
{
	char key[KEY_ROOM], seed[65];
	struct anchor *a = table_put(b->state->tables, T_ANCHORS, key_epoch(key, epoch));

	memset(seed, '0', 64);
	seed[64] = '\0';
	text_set(&a->seed, seed);
	texts_free(&a->active);
	texts_free(&a->targets);
	epoch_bounds(&a->start, &a->end, epoch, b->state->params->epoch_zero_height,
		     b->state->params->epoch_length_blocks);
	return a;
}

static void add_line(void *arg, const char *text, size_t len)
{
	buf_add(arg, text, len);
}

void bare_dump(struct buf *out, struct bare *b)
{
	state_dump(b->state, add_line, out);
}
