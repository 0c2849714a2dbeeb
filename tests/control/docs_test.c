/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documentation that is made from tables: compares each generated block with its table, or with
 * --write puts it there.
 *
 *   control-docs [--write] ROOT
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/config.h"
#include "control/metrics.h"
#include "control/rpc.h"
#include "ctl/ctl.h"

static void config_table(FILE *out)
{
	static struct config defaults;

	config_defaults(&defaults);
	config_print(out, &defaults, CONFIG_MARKDOWN);
}

static void config_manual(FILE *out)
{
	static struct config defaults;

	config_defaults(&defaults);
	config_print(out, &defaults, CONFIG_SCDOC);
}

static void config_example(FILE *out)
{
	static struct config defaults;

	config_defaults(&defaults);
	fputs("# Every key of an assay node with its default. account, network and one port are "
	      "needed.\n",
	      out);
	config_print(out, &defaults, CONFIG_EXAMPLE);
}

static void methods(FILE *out)
{
	for (int i = 0; i < RPC_METHOD_COUNT; i++) {
		const struct rpc_method *m = &rpc_methods[i];

		fprintf(out, "### %s\n\n%s%s%s%s\n\n", m->name, m->help, m->job ? " A job." : "",
			m->folder	       ? " Takes the descriptors of a file and a folder."
			: m->fd != RPC_FD_NONE ? " Takes a descriptor."
					       : "",
			m->states == RPC_IN_RUN ? " Only while the daemon is running." : "");
		for (const struct rpc_param *p = m->params; p->name != NULL; p++)
			fprintf(out, "- `%s` (%s%s): %s\n", p->name, rpc_type_name(p->type),
				p->required ? "" : ", optional", p->help);
		fprintf(out, "%sResult: `%s`\n\n", m->params[0].name != NULL ? "\n" : "",
			m->result);
	}
}

static void errors(FILE *out)
{
	fputs("| code | meaning |\n|---|---|\n", out);
#define X(number, constant, text) fprintf(out, "| %d | %s |\n", RPC_E_BASE - (number), text);
	ASSAY_ERRORS(X)
#undef X
}

static const struct block {
	const char *file, *name; /* name NULL: the whole file */
	void (*write)(FILE *out);
} blocks[] = {
	{"docs/operating.md", "config", config_table},
	{"docs/operating.md", "commands", help_markdown},
	{"docs/control-socket.md", "errors", errors},
	{"docs/control-socket.md", "methods", methods},
	{"docs/metrics.md", "metrics", metrics_document},
	{"docs/assay.conf.5.scd", "config", config_manual},
	{"docs/assayctl.1.scd", "commands", help_scdoc},
	{"docs/assay.conf.example", NULL, config_example},
};

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (in == NULL || text == NULL) {
		perror(path);
		exit(1);
	}
	text[fread(text, 1, (1 << 20) - 1, in)] = 0;
	fclose(in);
	return text;
}

/* The file as it should be: its text with the block's lines replaced. */
static char *expected(const struct block *b, const char *text)
{
	char mark[64], *out = NULL;
	const char *start = text, *end = text + strlen(text);
	size_t len;
	FILE *to = open_memstream(&out, &len);

	if (b->name != NULL) {
		snprintf(mark, sizeof(mark), "generated: %s", b->name);
		start = strstr(text, mark);
		start = start != NULL ? strchr(start, '\n') : NULL;
		end = start != NULL ? strstr(start, "end of generated") : NULL;
		if (end == NULL) {
			fprintf(stderr, "%s: no block %s\n", b->file, b->name);
			exit(1);
		}
		while (end[-1] != '\n')
			end--;
		fwrite(text, 1, (size_t)(start + 1 - text), to);
	}
	b->write(to);
	fputs(end, to);
	fclose(to);
	return out;
}

static bool check(const struct block *b, const char *root, bool write)
{
	char path[4096], *text, *wanted;
	bool same;
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", root, b->file);
	text = read_file(path);
	wanted = expected(b, b->name != NULL ? text : "");
	same = strcmp(text, wanted) == 0;
	if (!same && write && (out = fopen(path, "w")) != NULL) {
		fputs(wanted, out);
		fclose(out);
		printf("%s: %s written\n", b->file, b->name != NULL ? b->name : "all of it");
		same = true;
	}
	if (!same)
		fprintf(stderr,
			"%s: block %s is not what its table says; control-docs --write %s\n",
			b->file, b->name != NULL ? b->name : "(all)", root);
	free(text);
	free(wanted);
	return same;
}

int main(int argc, char **argv)
{
	bool write = argc > 2 && strcmp(argv[1], "--write") == 0, good = argc > 1;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]) && argc > 1; i++)
		good = check(&blocks[i], argv[argc - 1], write) && good;
	return good ? 0 : 1;
}
