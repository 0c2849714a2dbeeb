/* SPDX-License-Identifier: Apache-2.0 */
/* Results for people. */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

static const char *text_of(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static json_int_t number_of(json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void print_texts(json_t *list, const char *between)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		printf("%s%s", i > 0 ? between : "", json_string_value(item));
}

/* Nested names with dots, one value a line. */
static void print_plain(const char *prefix, json_t *value)
{
	char name[256];
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(value)) {
		json_object_foreach(value, key, item)
		{
			snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] != 0 ? "." : "",
				 key);
			print_plain(name, item);
		}
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			snprintf(name, sizeof(name), "%s[%zu]", prefix, i);
			print_plain(name, item);
		}
	} else {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		printf("%s: %s\n", prefix,
		       json_is_string(value) ? json_string_value(value)
		       : text != NULL	     ? text
					     : "");
		free(text);
	}
}

static void show_status(json_t *s)
{
	json_t *store = json_object_get(s, "store"), *registry = json_object_get(s, "registry");
	json_t *item;
	size_t i;
	json_int_t up = number_of(s, "uptime_s");

	printf("%s on %s: %s, up %lld:%02lld:%02lld, version %s\n", text_of(s, "account"),
	       text_of(s, "network"), text_of(s, "state"), up / 3600, up / 60 % 60, up % 60,
	       text_of(s, "version"));
	printf("node id   %s\n", text_of(s, "node_id"));
	json_array_foreach(json_object_get(s, "ports"), i, item)
		printf("port %-4s %s %s%s\n", text_of(item, "name"), text_of(item, "device"),
		       text_of(item, "addresses"),
		       json_is_true(json_object_get(item, "link")) ? "" : " (link down)");
	printf("workers   %lld, %lld sessions, %lld datagrams received, %lld proofs sent\n",
	       number_of(s, "workers"), number_of(s, "sessions"), number_of(s, "received"),
	       number_of(s, "proofs"));
	printf("registry  %lld nodes, %lld clients\n", number_of(registry, "nodes"),
	       number_of(registry, "clients"));
	printf("store     %lld artifacts, %s; %lld in memory, %s; %lld rotten; %lld to be "
	       "checked; %s free\n",
	       number_of(store, "artifacts"), human_bytes((uint64_t)number_of(store, "bytes")),
	       number_of(store, "resident"),
	       human_bytes((uint64_t)number_of(store, "resident_bytes")), number_of(store, "rot"),
	       number_of(store, "scrub_left"),
	       human_bytes((uint64_t)number_of(store, "free_bytes")));
	printf("control   %lld clients, %lld jobs, config %s\n", number_of(s, "control_clients"),
	       number_of(s, "jobs"), text_of(s, "config"));
	json_array_foreach(json_object_get(s, "warnings"), i, item)
		printf("warning   %s\n", json_string_value(item));
}

static void show_topology(json_t *result)
{
	struct table *t = table_new(">CPU ROLE WHY");
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(result, "rows"), i, row)
	{
		if (number_of(row, "cpu") >= 0)
			table_cell(t, "%lld", number_of(row, "cpu"));
		else
			table_cell(t, "-");
		table_cell(t, "%s", text_of(row, "role"));
		table_cell(t, "%s", text_of(row, "why"));
	}
	table_print(t);
}

static void show_doctor(json_t *result)
{
	json_t *check;
	size_t i;

	json_array_foreach(json_object_get(result, "checks"), i, check)
	{
		bool bad = strcmp(text_of(check, "verdict"), "bad") == 0;

		printf("%-7s  %s: %s\n", bad ? "BAD" : text_of(check, "verdict"),
		       text_of(check, "what"), text_of(check, "found"));
		if (text_of(check, "remedy")[0] != 0)
			printf("         to fix it: %s\n", text_of(check, "remedy"));
	}
}

static void show_sessions(json_t *result)
{
	struct table *t =
		table_new(">INDEX ACCOUNT REMOTE >WORKER >AGE_S >IDLE_S >RECEIVED >ANSWERED MAY");
	json_t *session, *may;
	size_t i, j;

	json_array_foreach(json_object_get(result, "sessions"), i, session)
	{
		char text[64] = "";

		json_array_foreach(json_object_get(session, "permissions"), j, may)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 j > 0 ? "," : "", json_string_value(may));
		table_cell(t, "%lld", number_of(session, "index"));
		table_cell(t, "%s", text_of(session, "account"));
		table_cell(t, "%s", text_of(session, "remote"));
		table_cell(t, "%lld", number_of(session, "worker"));
		table_cell(t, "%lld", number_of(session, "age_s"));
		table_cell(t, "%lld", number_of(session, "idle_s"));
		table_cell(t, "%lld", number_of(session, "received"));
		table_cell(t, "%lld", number_of(session, "answered"));
		table_cell(t, "%s%s", text,
			   json_is_true(json_object_get(session, "confirmed")) ? ""
									       : " (unconfirmed)");
	}
	table_print(t);
}

static void show_reload(json_t *result)
{
	if (json_array_size(json_object_get(result, "applied")) > 0) {
		fputs("in force now: ", stdout);
		print_texts(json_object_get(result, "applied"), ", ");
		fputs("\n", stdout);
	}
	if (json_array_size(json_object_get(result, "restart")) > 0) {
		fputs("after a restart: ", stdout);
		print_texts(json_object_get(result, "restart"), ", ");
		fputs("\n", stdout);
	}
	print_plain("registry", json_object_get(result, "registry"));
}

int result_code(enum rpc_id id, json_t *result)
{
	if (id == RPC_DOCTOR && strcmp(text_of(result, "verdict"), "bad") == 0)
		return CTL_FAILED;
	if (id == RPC_SESSIONS_LIST &&
	    json_array_size(json_object_get(result, "silent_workers")) > 0)
		return ctl_fail(CTL_FAILED, "some workers did not answer; see assayctl status");
	return CTL_OK;
}

void show_result(enum rpc_id id, json_t *result)
{
	if (show_ledger(id, result))
		return;
	switch (id) {
	case RPC_STATUS:
		show_status(result);
		break;
	case RPC_TOPOLOGY:
		show_topology(result);
		break;
	case RPC_DOCTOR:
		show_doctor(result);
		break;
	case RPC_SESSIONS_LIST:
		show_sessions(result);
		break;
	case RPC_CONFIG_RELOAD:
		show_reload(result);
		break;
	case RPC_METRICS:
		fputs(text_of(result, "text"), stdout);
		break;
	default:
		if (json_object_size(result) == 0)
			puts("done");
		else
			print_plain("", result);
	}
}
