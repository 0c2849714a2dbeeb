/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters against the table: unknown, missing and wrong ones are refused by name. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "control/rpc.h"

static const struct rpc_param *find(const struct rpc_method *m, const char *name)
{
	for (const struct rpc_param *p = m->params; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static void hint_names(char *out, size_t room, const struct rpc_method *m)
{
	size_t len = (size_t)snprintf(out, room, "%s takes ", m->name);
	const struct rpc_param *p = m->params;

	if (p->name == NULL)
		snprintf(out + len, room - len, "no parameters");
	for (; p->name != NULL && len < room; p++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", p == m->params ? "" : ", ",
					p->name);
}

/* What a value must be, or NULL when it is. */
static const char *value_wrong(const struct rpc_param *p, const json_t *value)
{
	uint8_t key[32];

	switch (p->type) {
	case RPC_BOOL:
		return json_is_boolean(value) ? NULL : "true or false";
	case RPC_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0 &&
				       (uint64_t)json_integer_value(value) <= p->max
			       ? NULL
			       : "a whole number within its range";
	case RPC_KEY:
		return json_is_string(value) &&
				       strlen(json_string_value(value)) ==
					       json_string_length(value) &&
				       key_parse(key, json_string_value(value)) == 0
			       ? NULL
			       : "an artifact key";
	case RPC_TEXT:
		return json_is_string(value) && json_string_length(value) <= p->max &&
				       strlen(json_string_value(value)) == json_string_length(value)
			       ? NULL
			       : "a text, not too long and without zero bytes";
	}
	return "of a known type";
}

bool rpc_check_params(const struct rpc_method *m, json_t *params, struct rpc_error *error)
{
	char hint[256];
	const char *name, *wrong;
	json_t *value;

	json_object_foreach(params, name, value)
	{
		const struct rpc_param *p = find(m, name);

		if (p == NULL) {
			hint_names(hint, sizeof(hint), m);
			rpc_fail(error, RPC_E_PARAMS, name, hint, "unknown parameter \"%.64s\"",
				 name);
			return false;
		}
		wrong = value_wrong(p, value);
		if (wrong != NULL) {
			rpc_fail(error, RPC_E_PARAMS, name, p->help, "\"%s\" must be %s", name,
				 wrong);
			return false;
		}
	}
	for (const struct rpc_param *p = m->params; p->name != NULL; p++)
		if (p->required && json_object_get(params, p->name) == NULL) {
			rpc_fail(error, RPC_E_PARAMS, p->name, p->help,
				 "parameter \"%s\" is missing", p->name);
			return false;
		}
	return true;
}

const char *rpc_text(json_t *params, const char *name)
{
	return json_string_value(json_object_get(params, name));
}

uint64_t rpc_number(json_t *params, const char *name, uint64_t otherwise)
{
	json_t *value = json_object_get(params, name);

	return value != NULL ? (uint64_t)json_integer_value(value) : otherwise;
}

bool rpc_bool(json_t *params, const char *name)
{
	return json_is_true(json_object_get(params, name));
}

bool rpc_key(uint8_t out[32], json_t *params, const char *name)
{
	const char *text = rpc_text(params, name);

	if (text == NULL)
		return false;
	must(key_parse(out, text) == 0);
	return true;
}
