/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are one call: arguments are the method's parameters in order. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/ctl.h"

/* NULL after a message. */
static json_t *value_of(const struct rpc_param *p, const char *text)
{
	uint64_t number;
	uint8_t key[32];

	if (p->type == RPC_NUMBER) {
		if (u64_parse(&number, text) == 0 && number <= p->max)
			return json_integer((json_int_t)number);
		ctl_fail(CTL_USAGE, "%s must be a whole number up to %lu, got \"%s\"", p->name,
			 p->max, text);
		return NULL;
	}
	if (p->type == RPC_KEY && key_parse(key, text) != 0) {
		ctl_fail(CTL_USAGE, "%s: not an %s", text, p->help);
		return NULL;
	}
	if (p->type == RPC_BOOL)
		return json_boolean(strcmp(text, "true") == 0);
	json_t *value = json_string(text);

	if (value == NULL)
		ctl_fail(CTL_USAGE, "%s is not UTF-8", p->name);
	return value;
}

static json_t *params_of(const struct rpc_method *m, char **arguments, unsigned count)
{
	json_t *params = json_object(), *value;
	unsigned i = 0;

	for (const struct rpc_param *p = m->params; p->name != NULL; p++, i++) {
		if (i >= count && !p->required)
			break;
		if (i >= count) {
			ctl_fail(CTL_USAGE, "%s is missing: %s; see assayctl %s --help", p->name,
				 p->help, m->command);
			json_decref(params);
			return NULL;
		}
		value = value_of(p, arguments[i]);
		if (value == NULL) {
			json_decref(params);
			return NULL;
		}
		json_object_set_new(params, p->name, value);
	}
	if (i >= count)
		return params;
	ctl_fail(CTL_USAGE, "too many arguments; see assayctl %s --help", m->command);
	json_decref(params);
	return NULL;
}

int ctl_method(struct ctl *ctl, enum rpc_id id, char **arguments, unsigned count)
{
	const struct rpc_method *m = &rpc_methods[id];
	json_t *params = params_of(m, arguments, count), *result;
	struct ctl_link link;
	int code;

	if (params == NULL)
		return CTL_USAGE;
	code = ctl_connect(ctl, &link, false);
	if (code != CTL_OK) {
		json_decref(params);
		return code;
	}
	result = m->job ? ctl_job(&link, m->name, params, -1, m->command)
			: ctl_call(&link, m->name, params, -1);
	ctl_disconnect(&link);
	if (result == NULL)
		return CTL_FAILED;
	code = result_code(id, result);
	if (ctl->json)
		return ctl_print_json(result, code);
	show_result(id, result);
	json_decref(result);
	return code;
}
