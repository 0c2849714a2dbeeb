/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as text in all its forms, and what a reload changes: both go by the table. */
#include <string.h>

#include "control/config_table.h"

/* A text so that it reads back as the same: libconfuse knows escapes and ${environment}. */
static void print_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != 0; text++) {
		if (strchr("\"\\$", *text) != NULL)
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_list(FILE *out, const struct config_list *list)
{
	fputc('{', out);
	for (unsigned i = 0; i < list->count; i++) {
		fputs(i > 0 ? ", " : "", out);
		print_text(out, list->item[i]);
	}
	fputc('}', out);
}

static void print_value(FILE *out, const struct config_key *key, const void *base)
{
	const char *field = (const char *)base + key->offset;

	switch (key->type) {
	case CONFIG_NUMBER:
		fprintf(out, "%lu", *(const uint64_t *)(const void *)field);
		break;
	case CONFIG_OCTAL:
		fprintf(out, "%04lo", *(const uint64_t *)(const void *)field);
		break;
	case CONFIG_BOOL:
		fputs(*(const bool *)field ? "true" : "false", out);
		break;
	case CONFIG_CHOICE:
		fputs(config_choice_name(key, *(const int *)(const void *)field), out);
		break;
	case CONFIG_TEXT:
		print_text(out, field);
		break;
	case CONFIG_TEXTS:
		print_list(out, (const struct config_list *)(const void *)field);
		break;
	}
}

/* Range or choices, unit, and whether a reload is enough, as one phrase. */
static void print_terms(FILE *out, const struct config_key *key)
{
	const char *gap = "";

	if (key->type == CONFIG_NUMBER)
		fprintf(out, "%lu..%lu%s%s", key->min, key->max, key->unit != NULL ? " " : "",
			key->unit != NULL ? key->unit : "");
	else if (key->type == CONFIG_OCTAL)
		fprintf(out, "%04lo..%04lo", key->min, key->max);
	else if (key->type == CONFIG_BOOL)
		fputs("true, false", out);
	else if (key->type == CONFIG_CHOICE)
		for (const struct config_choice *c = key->choices; c->name != NULL; c++, gap = ", ")
			fprintf(out, "%s%s", gap, c->name);
	else
		fputs(key->type == CONFIG_TEXTS ? "list of texts" : "text", out);
}

static void print_wrapped(FILE *out, const char *indent, const char *text)
{
	size_t column = 0;

	while (*text != 0) {
		size_t word = strcspn(text, " ");

		if (column > 0 && column + 1 + word > 76) {
			fputc('\n', out);
			column = 0;
		}
		column +=
			(size_t)fprintf(out, "%s%.*s", column == 0 ? indent : " ", (int)word, text);
		text += word;
		text += *text == ' ' ? 1 : 0;
	}
	fputc('\n', out);
}

static void print_key(FILE *out, const struct config_key *key, const void *base, const char *tabs,
		      enum config_form form)
{
	char indent[8];

	if (form == CONFIG_EXAMPLE) {
		snprintf(indent, sizeof(indent), "%s# ", tabs);
		print_wrapped(out, indent, key->help);
		fprintf(out, "%s# (", tabs);
		print_terms(out, key);
		fprintf(out, "; %s)\n", key->reloadable ? "reloadable" : "restart");
	}
	fprintf(out, "%s%s%s = ", tabs, form == CONFIG_EXAMPLE ? "#" : "", key->name);
	print_value(out, key, base);
	fputc('\n', out);
}

static void print_section(FILE *out, const struct config_section *section, const char *title,
			  const void *base, enum config_form form)
{
	const char *tabs = section->name[0] != 0 ? "\t" : "";

	if (form == CONFIG_EXAMPLE) {
		fputc('\n', out);
		print_wrapped(out, "# ", section->help);
	}
	if (title != NULL)
		fprintf(out, "%s%s \"%s\" {\n", form == CONFIG_EXAMPLE ? "#" : "", section->name,
			title);
	else if (section->name[0] != 0)
		fprintf(out, "%s {\n", section->name);
	for (unsigned i = 0; i < config_key_count; i++)
		if (strcmp(config_keys[i].section, section->name) == 0)
			print_key(out, &config_keys[i], base, tabs, form);
	if (section->name[0] != 0)
		fprintf(out, "%s}\n", form == CONFIG_EXAMPLE && title != NULL ? "#" : "");
}

static void print_file(FILE *out, const struct config *config, enum config_form form)
{
	for (const struct config_section *s = config_sections; s->name != NULL; s++) {
		if (strcmp(s->name, "port") != 0) {
			print_section(out, s, NULL, config, form);
			continue;
		}
		for (unsigned p = 0; p < config->port_count; p++)
			print_section(out, s, config->port[p].name, &config->port[p], form);
	}
}

static void print_manual(FILE *out, const struct config *config)
{
	for (const struct config_section *s = config_sections; s->name != NULL; s++) {
		fprintf(out, "## %s\n\n%s\n\n", s->name[0] != 0 ? s->name : "top level", s->help);
		for (unsigned i = 0; i < config_key_count; i++) {
			const struct config_key *key = &config_keys[i];
			const void *base = strcmp(s->name, "port") == 0
						   ? (const void *)&config->port[0]
						   : config;

			if (strcmp(key->section, s->name) != 0)
				continue;
			fprintf(out, "*%s* = ", key->name);
			print_value(out, key, base);
			fprintf(out, "\n\t%s (", key->help);
			print_terms(out, key);
			fprintf(out, "; %s)\n\n",
				key->reloadable ? "reloadable" : "needs a restart");
		}
	}
}

static void print_table(FILE *out, const struct config *config)
{
	fputs("| key | default | values | reload | what |\n|---|---|---|---|---|\n", out);
	for (unsigned i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		bool port = strcmp(key->section, "port") == 0;

		fprintf(out, "| `%s%s%s` | `", key->section, key->section[0] != 0 ? "." : "",
			key->name);
		print_value(out, key, port ? (const void *)&config->port[0] : config);
		fputs("` | ", out);
		print_terms(out, key);
		fprintf(out, " | %s | %s |\n", key->reloadable ? "yes" : "restart", key->help);
	}
}

void config_print(FILE *out, const struct config *config, enum config_form form)
{
	if (form == CONFIG_SCDOC)
		print_manual(out, config);
	else if (form == CONFIG_MARKDOWN)
		print_table(out, config);
	else
		print_file(out, config, form);
}

static void default_value(void *base, const struct config_key *key)
{
	char *field = (char *)base + key->offset;

	memset(field, 0, key->size);
	if (key->type == CONFIG_NUMBER || key->type == CONFIG_OCTAL)
		*(uint64_t *)(void *)field = key->number;
	else if (key->type == CONFIG_BOOL)
		*(bool *)field = key->number != 0;
	else if (key->type == CONFIG_CHOICE)
		config_choice_value(key, key->text, (int *)(void *)field);
	else if (key->type == CONFIG_TEXT)
		snprintf(field, key->size, "%s", key->text);
}

/* One port, so that the forms that show defaults have something to show. */
void config_defaults(struct config *out)
{
	memset(out, 0, sizeof(*out));
	out->port_count = 1;
	snprintf(out->port[0].name, sizeof(out->port[0].name), "p0");
	for (unsigned i = 0; i < config_key_count; i++)
		default_value(strcmp(config_keys[i].section, "port") == 0 ? (void *)&out->port[0]
									  : out,
			      &config_keys[i]);
	out->control_cpu_number = -1;
}

static bool ports_equal(const struct config *a, const struct config *b)
{
	if (a->port_count != b->port_count)
		return false;
	for (unsigned p = 0; p < a->port_count; p++) {
		if (strcmp(a->port[p].name, b->port[p].name) != 0)
			return false;
		for (unsigned i = 0; i < config_key_count; i++) {
			const struct config_key *key = &config_keys[i];

			if (strcmp(key->section, "port") == 0 &&
			    memcmp((const char *)&a->port[p] + key->offset,
				   (const char *)&b->port[p] + key->offset, key->size) != 0)
				return false;
		}
	}
	return true;
}

unsigned config_apply(struct config *config, const struct config *fresh,
		      void (*each)(void *arg, const char *key, bool applied), void *arg)
{
	unsigned changes = 0;

	for (unsigned i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char *field = (char *)config + key->offset;
		const char *wanted = (const char *)fresh + key->offset;
		char name[64];

		if (strcmp(key->section, "port") == 0 || memcmp(field, wanted, key->size) == 0)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", key->section,
			 key->section[0] != 0 ? "." : "", key->name);
		if (key->reloadable)
			memcpy(field, wanted, key->size);
		each(arg, name, key->reloadable);
		changes++;
	}
	if (!ports_equal(config, fresh)) {
		each(arg, "port", false);
		changes++;
	}
	return changes;
}
