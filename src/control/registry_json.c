/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as JSON, strictly: no unknown, missing or doubled member, every type and length checked.
 */
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/registry.h"

static const struct {
	const char *name;
	uint32_t bit;
} permission_names[] = {
	{"prove", ASSAY_MAY_PROVE},
	{"read", ASSAY_MAY_READ},
	{"write", ASSAY_MAY_WRITE},
	{"call", ASSAY_MAY_CALL},
};
#define PERMISSIONS (sizeof(permission_names) / sizeof(permission_names[0]))

static bool take_text(char *out, size_t room, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (text == NULL || len == 0 || len >= room)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ')
			return false;
	memcpy(out, text, len + 1);
	return true;
}

static bool take_hex(uint8_t *out, size_t len, const json_t *value)
{
	return json_string_length(value) == 2 * len &&
	       hex_decode(out, len, json_string_value(value)) == 0;
}

static bool take_number(uint32_t *out, uint32_t max, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > (json_int_t)max)
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool take_permissions(uint32_t *out, const json_t *value)
{
	*out = 0;
	if (!json_is_array(value))
		return false;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *name = json_string_value(json_array_get(value, i));
		uint32_t bit = 0;

		for (unsigned p = 0; p < PERMISSIONS && name != NULL; p++)
			if (strcmp(permission_names[p].name, name) == 0)
				bit = permission_names[p].bit;
		if (bit == 0 || (*out & bit) != 0)
			return false;
		*out |= bit;
	}
	return true;
}

/* One member into the entry; false when its value is wrong; *known when there is such a member. */
static bool take_member(struct registry_entry *e, const char *name, const json_t *value,
			bool *known)
{
	*known = true;
	if (strcmp(name, "account") == 0)
		return take_text(e->account, sizeof(e->account), value);
	if (strcmp(name, "session_key") == 0)
		return take_hex(e->session_key, 33, value);
	if (strcmp(name, "session_pop") == 0)
		return e->has_pop = take_hex(e->session_pop, 64, value);
	if (strcmp(name, "permissions") == 0)
		return take_permissions(&e->permissions, value);
	if (strcmp(name, "rate_kib") == 0)
		return take_number(&e->rate_kib, UINT32_MAX, value);
	if (strcmp(name, "burst_kib") == 0)
		return take_number(&e->burst_kib, UINT32_MAX, value);
	if (strcmp(name, "sessions") == 0)
		return take_number(&e->sessions, 8, value);
	*known = e->node;
	if (e->node && strcmp(name, "key") == 0)
		return take_hex(e->key, 32, value);
	if (e->node && strcmp(name, "enc_key") == 0)
		return take_hex(e->enc_key, 33, value);
	if (e->node && strcmp(name, "address") == 0)
		return take_text(e->address, sizeof(e->address), value);
	if (e->node && strcmp(name, "operator") == 0)
		return take_text(e->operator_name, sizeof(e->operator_name), value);
	*known = false;
	return false;
}

static int entry_parse(struct registry_entry *out, json_t *object, bool node, char *why)
{
	static const char *const of_node[] = {"account", "key",	    "session_key", "session_pop",
					      "enc_key", "address", "operator",	   NULL};
	static const char *const of_client[] = {"account", "session_key", "permissions", NULL};
	const char *what = node ? "node" : "client", *account, *name;
	json_t *value;
	bool known;

	memset(out, 0, sizeof(*out));
	out->node = node;
	out->permissions = node ? ASSAY_MAY_PROVE | ASSAY_MAY_READ : 0;
	account = json_string_value(json_object_get(object, "account"));
	account = account != NULL ? account : "?";
	if (!json_is_object(object)) {
		snprintf(why, REGISTRY_WHY_MAX, "a %s is not an object", what);
		return ASSAY_E_INVAL;
	}
	for (const char *const *m = node ? of_node : of_client; *m != NULL; m++)
		if (json_object_get(object, *m) == NULL) {
			snprintf(why, REGISTRY_WHY_MAX, "%s %.64s lacks \"%s\"", what, account, *m);
			return ASSAY_E_INVAL;
		}
	json_object_foreach(object, name, value)
	{
		if (take_member(out, name, value, &known))
			continue;
		snprintf(why, REGISTRY_WHY_MAX, "%s %.64s: %s \"%.64s\"", what, account,
			 known ? "bad value of" : "unknown member", name);
		return ASSAY_E_INVAL;
	}
	return 0;
}

static json_t *parse_json(const char *text, size_t len, char *why)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		snprintf(why, REGISTRY_WHY_MAX, "not JSON: line %d: %s", error.line, error.text);
	else if (!json_is_object(root) || json_integer_value(json_object_get(root, "v")) != 1) {
		snprintf(why, REGISTRY_WHY_MAX, "not an object with \"v\":1");
		json_decref(root);
		root = NULL;
	}
	return root;
}

static int parse_entries(struct registry *r, json_t *list, bool node, char *why)
{
	struct registry_entry entry;
	json_t *item;
	size_t i;
	int result;

	if (!json_is_array(list)) {
		snprintf(why, REGISTRY_WHY_MAX, "\"%s\" is not a list", node ? "nodes" : "clients");
		return ASSAY_E_INVAL;
	}
	json_array_foreach(list, i, item)
	{
		result = entry_parse(&entry, item, node, why);
		if (result == 0)
			result = registry_add(r, &entry, why);
		if (result != 0)
			return result;
	}
	return 0;
}

int registry_parse(struct registry *r, const char *text, size_t len, char *why)
{
	json_t *root = NULL;
	int result = ASSAY_E_INVAL;

	registry_init(r, "");
	if (len > REGISTRY_FILE_MAX)
		snprintf(why, REGISTRY_WHY_MAX, "longer than 8 MiB");
	else
		root = parse_json(text, len, why);
	if (root == NULL)
		return ASSAY_E_INVAL;
	if (json_object_size(root) != 4 ||
	    !take_text(r->network, sizeof(r->network), json_object_get(root, "network")))
		snprintf(why, REGISTRY_WHY_MAX,
			 "must have exactly \"v\", \"network\", \"nodes\" and \"clients\"");
	else
		result = parse_entries(r, json_object_get(root, "nodes"), true, why);
	if (result == 0)
		result = parse_entries(r, json_object_get(root, "clients"), false, why);
	json_decref(root);
	if (result != 0)
		registry_free(r);
	return result;
}

int registry_line_parse(struct registry_entry *out, char network[65], const char *text, size_t len,
			char *why)
{
	json_t *root = parse_json(text, len, why), *name, *node, *client;
	int result = ASSAY_E_INVAL;

	network[0] = 0;
	if (root == NULL)
		return ASSAY_E_INVAL;
	name = json_object_get(root, "network");
	node = json_object_get(root, "node");
	client = json_object_get(root, "client");
	if ((node != NULL) == (client != NULL) ||
	    json_object_size(root) != (name != NULL ? 3u : 2u) ||
	    (name != NULL && !take_text(network, 65, name)))
		snprintf(
			why, REGISTRY_WHY_MAX,
			"must have \"v\", either \"node\" or \"client\", and may have \"network\"");
	else
		result = entry_parse(out, node != NULL ? node : client, node != NULL, why);
	json_decref(root);
	return result;
}

static void set_hex(json_t *object, const char *name, const uint8_t *bytes, size_t len)
{
	char text[2 * 64 + 1];

	hex_encode(text, bytes, len);
	json_object_set_new(object, name, json_string(text));
}

static void set_number(json_t *object, const char *name, uint32_t value)
{
	if (value != 0)
		json_object_set_new(object, name, json_integer(value));
}

json_t *registry_entry_json(const struct registry_entry *e)
{
	json_t *o = json_object(), *permissions = json_array();

	json_object_set_new(o, "account", json_string(e->account));
	if (e->node)
		set_hex(o, "key", e->key, 32);
	set_hex(o, "session_key", e->session_key, 33);
	if (e->has_pop)
		set_hex(o, "session_pop", e->session_pop, 64);
	if (e->node) {
		set_hex(o, "enc_key", e->enc_key, 33);
		json_object_set_new(o, "address", json_string(e->address));
		json_object_set_new(o, "operator", json_string(e->operator_name));
	}
	for (unsigned p = 0; p < PERMISSIONS; p++)
		if ((e->permissions & permission_names[p].bit) != 0)
			json_array_append_new(permissions, json_string(permission_names[p].name));
	json_object_set_new(o, "permissions", permissions);
	set_number(o, "rate_kib", e->rate_kib);
	set_number(o, "burst_kib", e->burst_kib);
	set_number(o, "sessions", e->sessions);
	return o;
}

json_t *registry_line(const struct registry_entry *entry, const char *network)
{
	json_t *line = json_object();

	json_object_set_new(line, "v", json_integer(1));
	if (network[0] != 0)
		json_object_set_new(line, "network", json_string(network));
	json_object_set_new(line, entry->node ? "node" : "client", registry_entry_json(entry));
	return line;
}
