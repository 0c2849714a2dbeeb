/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: nodes, their keys and states, and the authority. */
#include "base/must.h"
#include "ledger/state_impl.h"

struct node *node_find(struct state *s, const char *account)
{
	return table_find(s->tables, T_NODES, account);
}

bool node_working(const struct node *node)
{
	return node->state == NODE_ACTIVE || node->state == NODE_STORAGE_FULL;
}

bool node_challengeable(const struct node *node)
{
	return node_working(node) || node->state == NODE_POSTPONED;
}

void accounts_that(struct state *s, struct texts *out, bool (*so)(const struct node *node))
{
	struct node *n = table_first(s->tables, T_NODES);

	for (; n != NULL; n = table_next(s->tables, n))
		if (so(n))
			texts_add(out, n->record.key);
}

void node_index(struct state *s, struct node *node)
{
	if (node->key != NULL)
		*names_put(&s->keys, node->key) = node;
	if (node->session_key != NULL)
		*names_put(&s->keys, node->session_key) = node;
}

/* Identity keys have 64 digits, session keys 66: one map holds both. */
static bool key_free_for(struct state *s, const char *key, const struct node *node)
{
	const struct node *owner = names_find(&s->keys, key);

	return owner == NULL || owner == node;
}

static bool point_valid(const char *hex)
{
	uint8_t key[33];

	return hex_read(key, 33, hex) && public_key_valid(key);
}

static bool xonly_valid(const char *hex)
{
	uint8_t key[32];

	return hex_read(key, 32, hex) && xonly_key_valid(key);
}

/* The session key signs the account and its identity key. */
static bool pop_valid(struct state *s, const char *account, const char *key,
		      const char *session_key, const char *pop)
{
	uint8_t identity[32];
	const struct sha256_part parts[] = {
		{account, strlen(account) + 1},
		{identity, sizeof(identity)},
	};

	return hex_read(identity, 32, key) && point_valid(session_key) &&
	       state_verify_tagged(s, pop, session_key + 2, TAG_SESSION_KEY, parts, 2);
}

static void changed(struct state *s, const struct node *node)
{
	state_event(s, &(struct state_event){
			       .kind = STATE_NODE_CHANGED,
			       .account = node->record.key,
		       });
}

unsigned apply_node_add(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			const char **reason)
{
	const char *account = data_text(data, "account"), *key = data_text(data, "key");
	const char *session_key = data_text(data, "session_key");
	const char *pop = data_text(data, "session_pop"), *enc_key = data_text(data, "enc_key");
	struct node *node;

	if (node_find(s, account) != NULL || !key_free_for(s, key, NULL) ||
	    !key_free_for(s, session_key, NULL))
		return refuse(reason, VERDICT_REGISTRY, "EXISTS");
	if (!xonly_valid(key) || !point_valid(enc_key) ||
	    !pop_valid(s, account, key, session_key, pop))
		return refuse(reason, VERDICT_REGISTRY, "KEY");
	node = table_put(s->tables, T_NODES, account);
	text_set(&node->key, key);
	text_set(&node->session_key, session_key);
	text_set(&node->session_pop, pop);
	text_set(&node->enc_key, enc_key);
	text_set(&node->address, data_text(data, "address"));
	text_set(&node->operator, data_text(data, "operator"));
	node->state = NODE_ACTIVE;
	node->added_epoch = state_epoch(s);
	node_index(s, node);
	holder_update(s, account);
	presence_first_seen(s, account);
	changed(s, node);
	return VERDICT_OK;
}

static bool is_authority(const char *author)
{
	return strcmp(author, ENTRY_AUTHORITY) == 0;
}

static bool update_allowed(const struct node *node, const char *author, const json_t *data)
{
	if (is_authority(author))
		return true;
	return strcmp(author, node->record.key) == 0 && json_object_get(data, "operator") == NULL;
}

static void update(char **member, const json_t *data, const char *name)
{
	if (json_object_get(data, name) != NULL)
		text_set(member, data_text(data, name));
}

unsigned apply_node_update(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			   const char **reason)
{
	struct node *node = node_find(s, data_text(data, "account"));
	const char *session_key = json_string_value(json_object_get(data, "session_key"));
	const char *enc_key = json_string_value(json_object_get(data, "enc_key"));

	if (node == NULL)
		return refuse(reason, VERDICT_REGISTRY, "UNKNOWN");
	if (!update_allowed(node, ctx->author, data))
		return VERDICT_UNAUTHORIZED;
	if (session_key != NULL && !key_free_for(s, session_key, node))
		return refuse(reason, VERDICT_REGISTRY, "EXISTS");
	if ((enc_key != NULL && !point_valid(enc_key)) ||
	    (session_key != NULL && !pop_valid(s, node->record.key, node->key, session_key,
					       data_text(data, "session_pop"))))
		return refuse(reason, VERDICT_REGISTRY, "KEY");
	table_touch(s->tables, node);
	if (session_key != NULL)
		names_remove(&s->keys, text_of(node->session_key));
	update(&node->session_key, data, "session_key");
	update(&node->session_pop, data, "session_pop");
	update(&node->enc_key, data, "enc_key");
	update(&node->address, data, "address");
	update(&node->operator, data, "operator");
	node_index(s, node);
	changed(s, node);
	return VERDICT_OK;
}

void node_set_state(struct state *s, struct node *node, enum node_state state)
{
	table_touch(s->tables, node);
	node->state = state;
	holder_update(s, node->record.key);
	changed(s, node);
}

static bool state_change_allowed(const struct node *node, bool by_authority, uint64_t to)
{
	bool out = !node_challengeable(node); /* DISABLED, STOPPED, PENALIZED */

	if (!by_authority)
		return to == NODE_STOPPED ? !out : to == NODE_ACTIVE && node->state == NODE_STOPPED;
	if (to == NODE_DISABLED || to == NODE_STOPPED || to == NODE_PENALIZED)
		return node->state != to;
	return to == NODE_ACTIVE && out;
}

unsigned apply_node_state(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			  const char **reason)
{
	struct node *node = node_find(s, data_text(data, "account"));
	bool by_authority = is_authority(ctx->author);
	uint64_t to = data_number(data, "state");

	if (node == NULL)
		return refuse(reason, VERDICT_REGISTRY, "UNKNOWN");
	if (!by_authority && strcmp(ctx->author, node->record.key) != 0)
		return VERDICT_UNAUTHORIZED;
	if (!state_change_allowed(node, by_authority, to))
		return refuse(reason, VERDICT_REGISTRY, "STATE");
	if (to == NODE_ACTIVE && (node->absent_epoch != 0 ||
				  table_find(s->tables, T_POSTPONEMENTS, node->record.key) != NULL))
		to = NODE_POSTPONED;
	node_set_state(s, node, (enum node_state)to);
	if (to == NODE_STOPPED || to == NODE_DISABLED)
		presence_status(s, node->record.key, PRESENCE_OFFLINE);
	return VERDICT_OK;
}

unsigned apply_authority(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			 const char **reason)
{
	const char *key = data_text(data, "key");

	if (!xonly_valid(key))
		return refuse(reason, VERDICT_REGISTRY, "KEY");
	table_touch(s->tables, s->meta);
	text_set(&s->meta->authority, key);
	return VERDICT_OK;
}

unsigned apply_params(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		      const char **reason)
{
	char why[160];

	if (params_merge(s->params, why, sizeof(why), json_object_get(data, "set"), false) != 0)
		return VERDICT_PARAMS;
	table_touch(s->tables, s->params);
	state_event(s, &(struct state_event){.kind = STATE_PARAMS_CHANGED});
	return VERDICT_OK;
}
