/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys, inside of the configuration only. */
#ifndef CONTROL_CONFIG_TABLE_H
#define CONTROL_CONFIG_TABLE_H

#include "control/config.h"

enum config_type {
	CONFIG_TEXT,   /* char[size] */
	CONFIG_NUMBER, /* uint64_t, min..max */
	CONFIG_OCTAL,  /* uint64_t, printed as 0660 */
	CONFIG_BOOL,   /* bool */
	CONFIG_CHOICE, /* int */
	CONFIG_TEXTS,  /* struct config_list */
};

struct config_choice {
	const char *name; /* NULL ends the list */
	int value;
};

struct config_key {
	const char *section; /* "" = top level; "port" repeats, its offsets are in config_port */
	const char *name;
	enum config_type type;
	bool reloadable;
	bool zero_is_default;
	size_t offset, size;
	const char *text; /* default of TEXT, CHOICE; of TEXTS always empty */
	uint64_t number, min, max;
	const struct config_choice *choices;
	const char *unit;
	const char *help;
	/* What is wrong with a text, or NULL; the message goes behind the name of the key. */
	const char *(*check)(const char *text);
};

extern const struct config_key config_keys[];
extern const unsigned config_key_count;
/* Sections in the order of the table, with a sentence each; name NULL ends the list. */
struct config_section {
	const char *name, *help;
};
extern const struct config_section config_sections[];

const char *config_choice_name(const struct config_key *key, int value);
bool config_choice_value(const struct config_key *key, const char *name, int *value);

/* config_check.c: the checks of single texts, and what is derived from them. */
const char *config_check_account(const char *text);
const char *config_check_network(const char *text);
const char *config_check_path(const char *text);
const char *config_check_path_or_none(const char *text);
const char *config_check_staging(const char *text);
const char *config_check_endpoint(const char *text);
const char *config_check_cpu(const char *text);
const char *config_check_cpus(const char *text);
const char *config_check_roles(const char *text);
const char *config_check_loopback(const char *text);
const char *config_check_address(const char *text);
const char *config_check_device(const char *text);
/* Fills the derived fields; 0, or a negative code with the port (or -1) and a message. */
int config_derive(struct config *config, int *port, char message[CONFIG_ERROR_MAX]);

#endif
