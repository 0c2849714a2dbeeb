/* SPDX-License-Identifier: Apache-2.0 */
/* What libconfuse is told from the table, and what it is asked about every value it has read. */
#include "control/config_confuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "control/config_table.h"

#define KEYS_MAX    64
#define SECTION_MAX 24
#define FLAG_CALL   (1 << 20) /* our own count of callbacks, above libconfuse's flags */

/*
 * libconfuse hands its callbacks no pointer of ours (and its lexer is global anyway), so what they
 * need is here while a file is read. Only the control thread reads configurations.
 */
static struct reading {
	const char *name;
	char *error;
	struct confuse_notes *notes;
	unsigned port_count;
	bool ended; /* the end mark was read at top level */
} reading;

/*
 * libconfuse takes a file that ends inside a section or comment. So this is put behind the text: it
 * is an option of the top level only, of a name that no file can have.
 */
#define END_OPTION "\001end"
#define END_MARK   "\n" END_OPTION " = true\n"

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	static const char duplicate[] = "found duplicate title"; /* then the title in quotes */
	char message[CONFIG_ERROR_MAX];

	if (reading.error[0] != 0) /* the first one is the cause */
		return;
	vsnprintf(message, sizeof(message), format, args);
	if (strstr(message, END_OPTION) != NULL)
		snprintf(message, sizeof(message),
			 "the file ends inside a section: '}' is missing");
	bool twice = strncmp(message, duplicate, strlen(duplicate)) == 0;

	snprintf(reading.error, CONFIG_ERROR_MAX, "%.200s:%d: %s%.280s", reading.name,
		 cfg != NULL ? cfg->line : 0, twice ? "two ports have the name" : "",
		 twice ? message + strlen(duplicate) : message);
}

static const struct config_key *key_find(const char *section, const char *name)
{
	if (strcmp(section, "root") == 0)
		section = "";
	for (unsigned i = 0; i < config_key_count; i++)
		if (strcmp(config_keys[i].section, section) == 0 &&
		    strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

static void complain_choice(cfg_t *cfg, const struct config_key *key, const char *text)
{
	char list[128] = "";

	for (const struct config_choice *c = key->choices; c->name != NULL; c++) {
		strcat(list, c->name);
		strcat(list, c[1].name != NULL ? ", " : "");
	}
	cfg_error(cfg, "'%s' must be one of %s, got \"%.40s\"", key->name, list, text);
}

static int check_text(cfg_t *cfg, const struct config_key *key, const char *text)
{
	size_t room =
		key->type == CONFIG_TEXTS ? sizeof(((struct config_list *)0)->item[0]) : key->size;
	const char *wrong = NULL;
	int value;

	if (key->type == CONFIG_CHOICE) {
		if (config_choice_value(key, text, &value))
			return 0;
		complain_choice(cfg, key, text);
		return -1;
	}
	if (strlen(text) >= room) {
		cfg_error(cfg, "'%s' is longer than %zu characters", key->name, room - 1);
		return -1;
	}
	if (key->check != NULL)
		wrong = key->check(text);
	if (wrong != NULL)
		cfg_error(cfg, "'%s' %s, got \"%s\"", key->name, wrong, text);
	return wrong != NULL ? -1 : 0;
}

static int check_number(cfg_t *cfg, const struct config_key *key, long value)
{
	const char *unit = key->unit != NULL ? key->unit : "";
	const char *gap = key->unit != NULL ? " " : "";

	if (value >= 0 && (uint64_t)value >= key->min && (uint64_t)value <= key->max)
		return 0;
	if (key->type == CONFIG_OCTAL)
		cfg_error(cfg, "'%s' must be %04lo..%04lo, got %04lo", key->name,
			  (unsigned long)key->min, (unsigned long)key->max, value);
	else
		cfg_error(cfg, "'%s' must be %lu..%lu%s%s, got %ld", key->name,
			  (unsigned long)key->min, (unsigned long)key->max, gap, unit, value);
	return -1;
}

/*
 * libconfuse calls for each value, and for a list of k values once more at its end: call i sees i
 * values, the last one k. What comes after that is a second assignment.
 */
static bool given_twice(const struct config_key *key, cfg_opt_t *opt)
{
	unsigned call;

	opt->flags += FLAG_CALL;
	call = (unsigned)opt->flags / FLAG_CALL;
	return key->type == CONFIG_TEXTS ? cfg_opt_size(opt) + 1 < call : call > 1;
}

/* After every value of a key: once only, and right by the table. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct config_key *key = key_find(cfg->name, opt->name);
	unsigned last = cfg_opt_size(opt) - 1;

	must(key != NULL);
	if (given_twice(key, opt)) {
		cfg_error(cfg, "'%s' is given twice", key->name);
		return -1;
	}
	if (strcmp(key->name, "device") == 0 && reading.port_count < CONFIG_PORTS_MAX)
		reading.notes->port_line[reading.port_count] = (unsigned)cfg->line;
	if (last >= CONFIG_LIST_MAX) {
		cfg_error(cfg, "'%s' has more than %d entries", key->name, CONFIG_LIST_MAX);
		return -1;
	}
	if (key->type == CONFIG_NUMBER || key->type == CONFIG_OCTAL)
		return check_number(cfg, key, cfg_opt_getnint(opt, 0));
	if (key->type == CONFIG_BOOL)
		return 0;
	return check_text(cfg, key, cfg_opt_getnstr(opt, last));
}

static int on_end(cfg_t *cfg, cfg_opt_t *opt)
{
	reading.ended = true;
	return 0;
}

static const char *check_port_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(((struct config_port *)0)->name) ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
		return "must be 1 to 31 of a-z, 0-9, '_' and '-'";
	return NULL;
}

/* After the closing brace of a section. */
static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *wrong;

	if (strcmp(opt->name, "port") != 0) {
		opt->flags += FLAG_CALL;
		if (opt->flags < 2 * FLAG_CALL)
			return 0;
		cfg_error(cfg, "section '%s' is there twice", opt->name);
		return -1;
	}
	wrong = check_port_name(cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1)));
	if (wrong != NULL) {
		cfg_error(cfg, "name of a port %s", wrong);
		return -1;
	}
	if (reading.port_count == CONFIG_PORTS_MAX) {
		cfg_error(cfg, "more than %d ports", CONFIG_PORTS_MAX);
		return -1;
	}
	if (reading.notes->port_line[reading.port_count] == 0) /* no device: the closing brace */
		reading.notes->port_line[reading.port_count] = (unsigned)cfg->line;
	reading.port_count++;
	return 0;
}

static cfg_opt_t option_of(const struct config_key *key)
{
	cfg_opt_t number = CFG_INT(key->name, (long)key->number, CFGF_NONE);
	cfg_opt_t truth = CFG_BOOL(key->name, key->number != 0 ? cfg_true : cfg_false, CFGF_NONE);
	cfg_opt_t text = CFG_STR(key->name, key->text, CFGF_NONE);
	cfg_opt_t texts = CFG_STR_LIST(key->name, NULL, CFGF_NONE);
	cfg_opt_t opt = key->type == CONFIG_NUMBER || key->type == CONFIG_OCTAL ? number
			: key->type == CONFIG_BOOL				? truth
			: key->type == CONFIG_TEXTS				? texts
										: text;

	opt.validcb = on_value;
	return opt;
}

struct options {
	cfg_opt_t root[KEYS_MAX];
	cfg_opt_t section[SECTION_MAX][KEYS_MAX];
};

/* libconfuse's option arrays from the table. */
static void build_options(struct options *o)
{
	unsigned root = 0;

	for (unsigned s = 0; config_sections[s].name != NULL; s++) {
		const char *name = config_sections[s].name;
		cfg_opt_t *to = name[0] == 0 ? o->root : o->section[s];
		unsigned n = name[0] == 0 ? root : 0;

		must(s < SECTION_MAX);
		for (unsigned i = 0; i < config_key_count; i++)
			if (strcmp(config_keys[i].section, name) == 0)
				to[n++] = option_of(&config_keys[i]);
		must(n + 1 < KEYS_MAX);
		to[n] = (cfg_opt_t)CFG_END();
		if (name[0] == 0) {
			root = n;
			continue;
		}
		o->root[root] = (cfg_opt_t)CFG_SEC(
			name, to,
			strcmp(name, "port") == 0 ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
						  : CFGF_NONE);
		o->root[root++].validcb = on_section;
	}
	must(root + 1 < KEYS_MAX);
	o->root[root] = (cfg_opt_t)CFG_BOOL(END_OPTION, cfg_false, CFGF_NONE);
	o->root[root++].validcb = on_end;
	o->root[root] = (cfg_opt_t)CFG_END();
}

static cfg_t *new_root(void)
{
	struct options *options = calloc(1, sizeof(*options));
	cfg_t *root = NULL;

	if (options != NULL) {
		build_options(options);
		root = cfg_init(options->root, CFGF_NONE); /* has copies of them all */
	}
	free(options);
	return root;
}

cfg_t *confuse_parse(struct confuse_notes *notes, char *error, const char *name, const char *text,
		     size_t len)
{
	char *copy = malloc(len + sizeof(END_MARK));
	cfg_t *root = copy != NULL ? new_root() : NULL;

	memset(notes, 0, sizeof(*notes));
	reading = (struct reading){.name = name, .error = error, .notes = notes};
	if (root == NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "%.300s: out of memory", name);
		free(copy);
		return NULL;
	}
	memcpy(copy, text, len);
	memcpy(copy + len, END_MARK, sizeof(END_MARK));
	cfg_set_error_function(root, on_error);
	if (cfg_parse_buf(root, copy) != CFG_SUCCESS || !reading.ended) {
		if (error[0] == 0)
			snprintf(error, CONFIG_ERROR_MAX, "%.300s: the file ends inside a comment",
				 name);
		snprintf(notes->run_dir, sizeof(notes->run_dir), "%s", cfg_getstr(root, "run_dir"));
		cfg_free(root);
		root = NULL;
	}
	free(copy);
	return root;
}
