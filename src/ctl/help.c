/* SPDX-License-Identifier: Apache-2.0 */
/* Help, completion and manual, all from the tables of commands, methods and options. */
#include <string.h>

#include "ctl/ctl.h"

/* One command, own or a method, in the same shape. */
struct entry {
	const char *words, *help;
	char arguments[128];
	uint64_t options;
};

static bool method_hidden(const struct rpc_method *m)
{
	if (m->command == NULL)
		return true;
	for (unsigned i = 0; i < ctl_command_count; i++)
		if (strcmp(ctl_commands[i].words, m->command) == 0)
			return true;
	return false;
}

/* The i-th of all commands; false at the end. */
static bool entry_at(struct entry *e, unsigned i)
{
	size_t len = 0;

	memset(e, 0, sizeof(*e));
	if (i < ctl_command_count) {
		e->words = ctl_commands[i].words;
		e->help = ctl_commands[i].help;
		e->options = ctl_commands[i].options;
		snprintf(e->arguments, sizeof(e->arguments), "%s", ctl_commands[i].arguments);
		return true;
	}
	i -= ctl_command_count;
	for (int id = 0; id < RPC_METHOD_COUNT; id++) {
		const struct rpc_method *m = &rpc_methods[id];

		if (method_hidden(m) || i-- > 0)
			continue;
		e->words = m->command;
		e->help = m->help;
		for (const struct rpc_param *p = m->params; p->name != NULL; p++)
			len += (size_t)snprintf(e->arguments + len, sizeof(e->arguments) - len,
						p->required ? "%s%s" : "%s[%s]", len > 0 ? " " : "",
						p->name);
		for (char *c = e->arguments; *c != 0; c++)
			*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
		return true;
	}
	return false;
}

static void print_options(FILE *out, uint64_t mask)
{
	char left[64];

	for (unsigned i = 0; i < OPT_COUNT_ALL; i++) {
		if ((mask & (1ull << i)) == 0)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", ctl_option_texts[i].name,
			 ctl_option_texts[i].argument != NULL ? " " : "",
			 ctl_option_texts[i].argument != NULL ? ctl_option_texts[i].argument : "");
		fprintf(out, "  %-26s %s\n", left, ctl_option_texts[i].help);
	}
}

/* Its length, without the full stop. */
static int first_sentence(const char *text)
{
	const char *end = strstr(text, ". ");

	return end != NULL ? (int)(end - text) : (int)strlen(text) - 1;
}

void help_all(FILE *out)
{
	struct entry e;
	char left[256];

	fputs("assayctl: the operator's tool of assay\n\nusage: assayctl [options] command "
	      "[arguments]\n\ncommands:\n",
	      out);
	for (unsigned i = 0; entry_at(&e, i); i++) {
		snprintf(left, sizeof(left), "%s %s", e.words, e.arguments);
		fprintf(out, "  %-26s %.*s\n", left, first_sentence(e.help), e.help);
	}
	fputs("\noptions of every command:\n", out);
	print_options(out, OPT_GLOBAL);
	fputs("\nexit codes: 0 done, 1 failed or a verdict is not PASS, 2 wrong usage, "
	      "3 the daemon cannot be reached\n",
	      out);
}

int help_command(const char *words)
{
	struct entry e;
	bool found = false;

	for (unsigned i = 0; entry_at(&e, i); i++) {
		size_t len = strlen(words);

		if (strncmp(e.words, words, len) != 0 || (e.words[len] != 0 && e.words[len] != ' '))
			continue;
		printf("%susage: assayctl %s %s\n%s\n", found ? "\n" : "", e.words, e.arguments,
		       e.help);
		print_options(stdout, e.options);
		found = true;
	}
	if (!found)
		return ctl_fail(CTL_USAGE, "no command \"%s\"; assayctl --help lists them", words);
	fputs("\noptions of every command:\n", stdout);
	print_options(stdout, OPT_GLOBAL);
	return CTL_OK;
}

void help_markdown(FILE *out)
{
	struct entry e;

	fputs("| command | what |\n|---|---|\n", out);
	for (unsigned i = 0; entry_at(&e, i); i++) {
		/* A bar would end the cell. */
		fprintf(out, "| `%s", e.words);
		for (const char *c = e.arguments; *c != 0; c++)
			fprintf(out, "%s%s", c == e.arguments ? " " : "",
				*c == '|' ? "\\|" : (char[]){*c, 0});
		fputs("` | ", out);
		fputs(e.help, out);
		fputs(" |\n", out);
	}
}

/* "*--dir* DIR" */
static void scdoc_option(FILE *out, unsigned option)
{
	const struct ctl_option_text *o = &ctl_option_texts[option];

	fprintf(out, "*--%s*%s%s", o->name, o->argument != NULL ? " " : "",
		o->argument != NULL ? o->argument : "");
}

void help_scdoc(FILE *out)
{
	struct entry e;

	for (unsigned i = 0; entry_at(&e, i); i++) {
		fprintf(out, "*%s*%s%s\n\t%s", e.words, e.arguments[0] != 0 ? " " : "", e.arguments,
			e.help);
		for (unsigned o = 0; o < OPT_COUNT_ALL; o++) {
			if ((e.options & (1ull << o)) == 0)
				continue;
			fputs("++\n", out);
			scdoc_option(out, o);
			fprintf(out, ": %s.", ctl_option_texts[o].help);
		}
		fputs("\n\n", out);
	}
	fputs("# OPTIONS OF EVERY COMMAND\n\n", out);
	for (unsigned o = 0; o < OPT_COUNT_ALL; o++) {
		if ((OPT_GLOBAL & (1ull << o)) == 0)
			continue;
		scdoc_option(out, o);
		fprintf(out, "\n\t%s.\n\n", ctl_option_texts[o].help);
	}
}

/* The words that may follow each word, as bash cases. */
static void complete_words(FILE *out)
{
	struct entry e, other;

	for (unsigned i = 0; entry_at(&e, i); i++) {
		size_t len = strcspn(e.words, " ");
		bool seen = false;

		for (unsigned j = 0; j < i && entry_at(&other, j); j++)
			seen = seen || (strncmp(other.words, e.words, len) == 0 &&
					(other.words[len] == ' ' || other.words[len] == 0));
		if (seen || e.words[len] == 0)
			continue;
		fprintf(out, "\t\"%.*s\") words=\"", (int)len, e.words);
		for (unsigned j = i; entry_at(&other, j); j++)
			if (strncmp(other.words, e.words, len) == 0 && other.words[len] == ' ')
				fprintf(out, "%s ", other.words + len + 1);
		fputs("\" ;;\n", out);
	}
}

static void complete_options(FILE *out)
{
	struct entry e;

	for (unsigned i = 0; entry_at(&e, i); i++) {
		if (e.options == 0)
			continue;
		fprintf(out, "\t\"%s\"*) options=\"", e.words);
		for (unsigned o = 0; o < OPT_COUNT_ALL; o++)
			if ((e.options & (1ull << o)) != 0)
				fprintf(out, "--%s ", ctl_option_texts[o].name);
		fputs("\" ;;\n", out);
	}
}

int command_completion(struct ctl *ctl, char **arguments, unsigned count)
{
	struct entry e;

	if (strcmp(arguments[0], "bash") != 0)
		return ctl_fail(CTL_USAGE, "completion is there for bash only");
	fputs("# completion of assayctl for bash; made by `assayctl completion bash`\n"
	      "_assayctl() {\n"
	      "\tlocal current=\"${COMP_WORDS[COMP_CWORD]}\" line=\"\" words=\"\" options=\"\" i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase \"${COMP_WORDS[i]}\" in\n"
	      "\t\t--config|--dir|--socket) ((i++)) ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) line+=\"${line:+ }${COMP_WORDS[i]}\" ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase \"$line\" in\n\t\"\") words=\"",
	      stdout);
	for (unsigned i = 0; entry_at(&e, i); i++)
		printf("%.*s ", (int)strcspn(e.words, " "), e.words);
	fputs("\" ;;\n", stdout);
	complete_words(stdout);
	fputs("\tesac\n\tcase \"$line\" in\n", stdout);
	complete_options(stdout);
	fputs("\tesac\n\tif [[ $current == -* ]]; then\n\t\twords=\"$options", stdout);
	for (unsigned o = 0; o < OPT_COUNT_ALL; o++)
		if ((OPT_GLOBAL & (1ull << o)) != 0)
			printf(" --%s", ctl_option_texts[o].name);
	fputs("\"\n\tfi\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	      "}\ncomplete -o default -F _assayctl assayctl\n",
	      stdout);
	return CTL_OK;
}
