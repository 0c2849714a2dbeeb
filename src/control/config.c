/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the file: libconfuse parses, the table says what is right. */
#include "control/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/config_table.h"

#define KEYS_MAX    64
#define SECTION_MAX 16
#define FLAG_CALL   (1 << 20) /* our own count of callbacks, above libconfuse's flags */

/*
 * libconfuse hands its callbacks no pointer of ours (and its lexer is global anyway), so what they
 * need is here while a file is read. Only the control thread reads configurations.
 */
static struct reading {
	const char *name;
	char *error;
	unsigned port_line[CONFIG_PORTS_MAX]; /* of the device key */
	unsigned port_count;
	bool ended; /* the end mark was read at top level */
	char run_dir[sizeof(((struct config *)0)->run_dir)]; /* of a file that is not right */
} reading;

/*
 * libconfuse takes a file that ends inside a section or comment. So this is put behind the text: it
 * is an option of the top level only, of a name that no file can have.
 */
#define END_OPTION "\001end"
#define END_MARK   "\n" END_OPTION " = true\n"

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	char message[CONFIG_ERROR_MAX];

	if (reading.error[0] != 0) /* the first one is the cause */
		return;
	vsnprintf(message, sizeof(message), format, args);
	if (strstr(message, END_OPTION) != NULL)
		snprintf(message, sizeof(message),
			 "the file ends inside a section: '}' is missing");
	snprintf(reading.error, CONFIG_ERROR_MAX, "%.200s:%d: %.280s", reading.name,
		 cfg != NULL ? cfg->line : 0, message);
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
		reading.port_line[reading.port_count] = (unsigned)cfg->line;
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
	if (reading.port_line[reading.port_count] == 0) /* no device: the closing brace */
		reading.port_line[reading.port_count] = (unsigned)cfg->line;
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

static void take_value(void *base, const struct config_key *key, cfg_t *section)
{
	char *field = (char *)base + key->offset;
	cfg_opt_t *opt = cfg_getopt(section, key->name);

	switch (key->type) {
	case CONFIG_NUMBER:
	case CONFIG_OCTAL:
		*(uint64_t *)(void *)field = (uint64_t)cfg_opt_getnint(opt, 0);
		break;
	case CONFIG_BOOL:
		*(bool *)field = cfg_opt_getnbool(opt, 0) == cfg_true;
		break;
	case CONFIG_CHOICE:
		must(config_choice_value(key, cfg_opt_getnstr(opt, 0), (int *)(void *)field));
		break;
	case CONFIG_TEXT:
		snprintf(field, key->size, "%s", cfg_opt_getnstr(opt, 0));
		break;
	case CONFIG_TEXTS: {
		struct config_list *list = (struct config_list *)(void *)field;

		list->count = cfg_opt_size(opt);
		for (unsigned i = 0; i < list->count; i++)
			snprintf(list->item[i], sizeof(list->item[i]), "%s",
				 cfg_opt_getnstr(opt, i));
		break;
	}
	}
}

static void take_all(struct config *out, cfg_t *root)
{
	out->port_count = cfg_size(root, "port");
	for (unsigned i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->section, "port") != 0)
			take_value(out, key,
				   key->section[0] != 0 ? cfg_getsec(root, key->section) : root);
		else
			for (unsigned p = 0; p < out->port_count; p++)
				take_value(&out->port[p], key, cfg_getnsec(root, "port", p));
	}
	for (unsigned p = 0; p < out->port_count; p++) {
		snprintf(out->port[p].name, sizeof(out->port[p].name), "%s",
			 cfg_title(cfg_getnsec(root, "port", p)));
		out->port[p].line = reading.port_line[p];
	}
}

void config_port_where(char *out, size_t room, const struct config *config, unsigned port)
{
	snprintf(out, room, "%.200s:%u: port \"%s\"", config->path, config->port[port].line,
		 config->port[port].name);
}

/* What no single key can know. */
static int check_whole(struct config *out, char *error)
{
	char where[300], message[CONFIG_ERROR_MAX];
	const char *missing = out->account[0] == 0   ? "account = \"name-of-this-node\""
			      : out->network[0] == 0 ? "network = \"name-of-the-network\""
			      : out->port_count == 0
				      ? "port \"p0\" { device = \"udp:0.0.0.0:4600\" }"
				      : NULL;
	int port;

	if (missing != NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "%.300s: missing: %s", out->path, missing);
		return ASSAY_E_INVAL;
	}
	if (config_derive(out, &port, message) == 0)
		return 0;
	config_port_where(where, sizeof(where), out, (unsigned)port);
	snprintf(error, CONFIG_ERROR_MAX, "%.300s %.200s", where, message);
	return ASSAY_E_INVAL;
}

static cfg_t *parse_text(struct options *options, const char *text)
{
	build_options(options);
	cfg_t *root = cfg_init(options->root, CFGF_NONE);

	if (root == NULL)
		return NULL;
	cfg_set_error_function(root, on_error);
	if (cfg_parse_buf(root, text) == CFG_SUCCESS && reading.ended)
		return root;
	snprintf(reading.run_dir, sizeof(reading.run_dir), "%s", cfg_getstr(root, "run_dir"));
	cfg_free(root);
	return NULL;
}

static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' && strchr("\t\n\r", text[i]) == NULL)
			return true;
	return memchr(text, 0, len) != NULL;
}

int config_parse(struct config *out, const char *name, const char *text, size_t len, char *error)
{
	struct options *options = calloc(1, sizeof(*options));
	char *copy = malloc(len + sizeof(END_MARK));
	cfg_t *root = NULL;
	int result = ASSAY_E_NOMEM;

	memset(&reading, 0, sizeof(reading));
	reading.name = name;
	reading.error = error;
	error[0] = 0;
	memset(out, 0, sizeof(*out));
	if (options == NULL || copy == NULL)
		goto done;
	result = ASSAY_E_INVAL;
	if (len > CONFIG_FILE_MAX || has_control(text, len)) {
		snprintf(error, CONFIG_ERROR_MAX, "%.300s: %s", name,
			 len > CONFIG_FILE_MAX ? "longer than 256 KiB"
					       : "contains control characters");
		goto done;
	}
	memcpy(copy, text, len);
	memcpy(copy + len, END_MARK, sizeof(END_MARK));
	root = parse_text(options, copy);
	if (root == NULL) {
		memcpy(out->run_dir, reading.run_dir, sizeof(out->run_dir));
		goto done;
	}
	snprintf(out->path, sizeof(out->path), "%s", name);
	take_all(out, root);
	result = check_whole(out, error);
done:
	if (root != NULL)
		cfg_free(root);
	free(copy);
	free(options);
	if (result != 0 && error[0] == 0)
		snprintf(error, CONFIG_ERROR_MAX, "%.300s: %s", name,
			 result == ASSAY_E_NOMEM ? assay_error_text(result)
						 : "the file ends inside a comment");
	return result;
}

static int read_failed(const char *path, int fd, char *error)
{
	int result = errno == ENOENT   ? ASSAY_E_NOTFOUND
		     : errno == EACCES ? ASSAY_E_PERM
				       : ASSAY_E_IO;

	snprintf(error, CONFIG_ERROR_MAX, "%.300s: %s; `assayctl init` makes a configuration", path,
		 strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}

int config_load(struct config *out, const char *path, char *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd >= 0 ? malloc(CONFIG_FILE_MAX + 1) : NULL;
	size_t len = 0;
	ssize_t n = 1;
	int result;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return read_failed(path, fd, error);
	while (text != NULL && n > 0 && len <= CONFIG_FILE_MAX) {
		n = read(fd, text + len, CONFIG_FILE_MAX + 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (text == NULL || n < 0) {
		result = read_failed(path, fd, error);
		free(text);
		return result;
	}
	close(fd);
	result = config_parse(out, path, text, len, error);
	free(text);
	return result;
}
