/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "control/config_table.h"
#include "control/control.h"

static json_t *list_json(const struct config_list *list)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < list->count; i++)
		json_array_append_new(out, json_string(list->item[i]));
	return out;
}

static json_t *value_json(const struct config_key *key, const void *base)
{
	const char *field = (const char *)base + key->offset;

	switch (key->type) {
	case CONFIG_NUMBER:
	case CONFIG_OCTAL:
		return json_integer((json_int_t)(*(const uint64_t *)(const void *)field));
	case CONFIG_BOOL:
		return json_boolean(*(const bool *)field);
	case CONFIG_CHOICE:
		return json_string(config_choice_name(key, *(const int *)(const void *)field));
	case CONFIG_TEXT:
		return json_string(field);
	case CONFIG_TEXTS:
		return list_json((const struct config_list *)(const void *)field);
	}
	return json_null();
}

static json_t *section_json(const char *section, const void *base)
{
	json_t *out = json_object();

	for (unsigned i = 0; i < config_key_count; i++)
		if (strcmp(config_keys[i].section, section) == 0)
			json_object_set_new(out, config_keys[i].name,
					    value_json(&config_keys[i], base));
	return out;
}

json_t *config_json(const struct config *config)
{
	json_t *out = section_json("", config), *ports = json_array();

	for (const struct config_section *s = config_sections; s->name != NULL; s++)
		if (s->name[0] != 0 && strcmp(s->name, "port") != 0)
			json_object_set_new(out, s->name, section_json(s->name, config));
	for (unsigned p = 0; p < config->port_count; p++) {
		json_t *port = section_json("port", &config->port[p]);

		json_object_set_new(port, "name", json_string(config->port[p].name));
		json_array_append_new(ports, port);
	}
	json_object_set_new(out, "ports", ports);
	return out;
}
