/* SPDX-License-Identifier: Apache-2.0 */
/* One line in, one answer out: JSON-RPC 2.0 without batches. */
#include "control/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "control/control.h"

json_t *rpc_fail(struct rpc_error *error, int code, const char *key, const char *hint,
		 const char *format, ...)
{
	va_list args;

	error->code = code > -100 ? RPC_E_BASE + code : code;
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	snprintf(error->key, sizeof(error->key), "%s", key != NULL ? key : "");
	snprintf(error->hint, sizeof(error->hint), "%s", hint != NULL ? hint : "");
	return NULL;
}

/* Texts may repeat what the caller sent, cut anywhere; jansson takes UTF-8 only. */
static json_t *text_json(const char *text)
{
	char clean[sizeof(((struct rpc_error *)0)->message)];
	json_t *value = json_string(text);

	if (value != NULL)
		return value;
	snprintf(clean, sizeof(clean), "%s", text);
	for (char *p = clean; *p != 0; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(clean);
}

json_t *rpc_error_object(const struct rpc_error *error)
{
	json_t *object = json_object(), *data = json_object();

	json_object_set_new(object, "code", json_integer(error->code));
	json_object_set_new(object, "message", text_json(error->message));
	if (error->key[0] != 0)
		json_object_set_new(data, "key", text_json(error->key));
	if (error->hint[0] != 0)
		json_object_set_new(data, "hint", text_json(error->hint));
	if (json_object_size(data) > 0)
		json_object_set(object, "data", data);
	json_decref(data);
	return object;
}

json_t *rpc_error_json(json_t *id, const struct rpc_error *error)
{
	return json_pack("{s:s,s:O?,s:o}", "jsonrpc", "2.0", "id", id, "error",
			 rpc_error_object(error));
}

json_t *rpc_event(const char *method, json_t *params)
{
	return json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "method", method, "params", params);
}

/* Nesting without parsing, so that no recursion of the parser is driven by the caller. */
static bool too_deep(const char *line, size_t len, unsigned depth_max)
{
	unsigned depth = 0;
	bool text = false;

	for (size_t i = 0; i < len; i++) {
		if (text && line[i] == '\\')
			i++;
		else if (line[i] == '"')
			text = !text;
		else if (!text && (line[i] == '{' || line[i] == '['))
			depth++;
		else if (!text && (line[i] == '}' || line[i] == ']') && depth > 0)
			depth--;
		if (depth > depth_max)
			return true;
	}
	return false;
}

static bool id_valid(const json_t *id)
{
	return id == NULL || json_is_string(id) || json_is_integer(id) || json_is_null(id);
}

/* What is wrong with the envelope, or NULL. */
static const char *envelope_wrong(json_t *request)
{
	static const char *const members[] = {"jsonrpc", "id", "method", "params"};
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	json_t *params = json_object_get(request, "params");
	size_t known = 0;

	if (json_is_array(request))
		return "batches are not supported: send one object per line";
	if (!json_is_object(request))
		return "a request is an object";
	if (version == NULL || strcmp(version, "2.0") != 0)
		return "\"jsonrpc\" must be \"2.0\"";
	if (!id_valid(json_object_get(request, "id")))
		return "\"id\" must be a text, an integer or null";
	if (!json_is_string(json_object_get(request, "method")))
		return "\"method\" must be a text";
	if (params != NULL && !json_is_object(params))
		return "\"params\" must be an object with named parameters";
	for (unsigned i = 0; i < 4; i++)
		known += json_object_get(request, members[i]) != NULL;
	return known == json_object_size(request)
		       ? NULL
		       : "a request has \"jsonrpc\", \"id\", \"method\" and \"params\" only";
}

static bool state_allows(const struct rpc_method *m, unsigned state, struct rpc_error *error)
{
	if ((m->states & state) != 0)
		return true;
	rpc_fail(error, RPC_E_STATE, NULL,
		 state == RPC_IN_START ? "try again in a moment" : "wait for the restart",
		 "%s is not possible while the daemon is %s", m->name,
		 state == RPC_IN_START ? "starting" : "stopping");
	return false;
}

/* Who changed what. */
static void log_change(const struct rpc_context *ctx, const struct rpc_method *m, json_t *params)
{
	char *text = json_dumps(params, JSON_COMPACT);

	log_info(&ctx->control->app->log, "control", m->name, "uid=%ld pid=%ld params=%.400s",
		 ctx->uid, ctx->pid, text != NULL ? text : "");
	free(text);
}

static json_t *call(struct rpc_context *ctx, json_t *request, struct rpc_error *error)
{
	const char *name = json_string_value(json_object_get(request, "method"));
	json_t *params = json_object_get(request, "params"), *result = NULL;
	int id = rpc_find(name);
	const struct rpc_method *m = &rpc_methods[id >= 0 ? id : 0];

	if (id < 0)
		return rpc_fail(error, RPC_E_METHOD, NULL, "rpc.discover lists the methods",
				"no method \"%.64s\"", name);
	if (!state_allows(m, ctx->state, error))
		return NULL;
	params = params != NULL ? json_incref(params) : json_object();
	if (rpc_check_params(m, params, error)) {
		if ((m->fd != RPC_FD_NONE && ctx->fd < 0) || (m->folder && ctx->folder < 0))
			rpc_fail(error, RPC_E_PARAMS, NULL,
				 "send it with the line, as SCM_RIGHTS of one sendmsg call",
				 "%s needs %s", m->name,
				 m->folder ? "the descriptors of a file and a folder"
					   : "a file descriptor");
		else
			result = rpc_handlers[id](ctx, params, error);
		if (result != NULL && m->changes)
			log_change(ctx, m, params);
	}
	json_decref(params);
	return result;
}

static json_t *refuse(int code, const char *message)
{
	struct rpc_error error;

	rpc_fail(&error, code, NULL, NULL, "%s", message);
	return rpc_error_json(NULL, &error);
}

json_t *rpc_answer(struct rpc_context *ctx, const char *line, size_t len)
{
	struct rpc_error error = {0};
	json_error_t where;
	json_t *request, *id, *result, *answer;
	const char *wrong;

	if (too_deep(line, len, ctx->depth_max))
		return refuse(RPC_E_REQUEST, "the request is nested too deeply");
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	if (request == NULL)
		return refuse(RPC_E_PARSE, where.text);
	wrong = envelope_wrong(request);
	if (wrong != NULL) {
		json_decref(request);
		return refuse(RPC_E_REQUEST, wrong);
	}
	id = json_object_get(request, "id");
	result = call(ctx, request, &error);
	must((result == NULL) == (error.code != 0));
	if (result == NULL)
		answer = rpc_error_json(id, &error);
	else
		answer = json_pack("{s:s,s:O?,s:o}", "jsonrpc", "2.0", "id", id, "result", result);
	if (id == NULL) { /* a notification gets no answer */
		json_decref(answer);
		answer = NULL;
	}
	json_decref(request);
	return answer;
}
