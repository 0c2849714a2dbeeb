/* SPDX-License-Identifier: Apache-2.0 */
/* assayctl: options anywhere, words name the command, the rest are its arguments. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "assay/check.h"
#include "ctl/ctl.h"

static int parse_options(struct ctl *ctl, int argc, char **argv)
{
	struct option table[OPT_COUNT_ALL + 1];
	int index;

	memset(table, 0, sizeof(table));
	for (int i = 0; i < OPT_COUNT_ALL; i++)
		table[i] = (struct option){ctl_option_texts[i].name,
					   ctl_option_texts[i].argument != NULL ? required_argument
										: no_argument,
					   NULL, i};
	while ((index = getopt_long(argc, argv, "ho:", table, NULL)) != -1) {
		if (index == '?')
			return CTL_USAGE; /* getopt_long has said it */
		if (index == 'h')
			index = OPT_HELP;
		if (index == 'o')
			index = OPT_OUTPUT;
		if (index == OPT_KEY && ctl->key_count < CTL_KEYS_MAX)
			ctl->keys[ctl->key_count++] = optarg;
		ctl->option[index] = optarg != NULL ? optarg : "";
	}
	return CTL_OK;
}

/* How many leading words of the command the arguments have; 0 when they differ. */
static unsigned match(const char *words, char **arguments, unsigned count)
{
	unsigned n = 0;

	while (*words != 0) {
		size_t len = strcspn(words, " ");

		if (n == count || strlen(arguments[n]) != len ||
		    memcmp(arguments[n], words, len) != 0)
			return 0;
		n++;
		words += len + (words[len] == ' ');
	}
	return n;
}

static int check_options(const struct ctl *ctl, const char *words, uint64_t allowed)
{
	for (int i = 0; i < OPT_COUNT_ALL; i++)
		if (ctl->option[i] != NULL && ((allowed | OPT_GLOBAL) & (1ull << i)) == 0)
			return ctl_fail(CTL_USAGE, "%s takes no --%s; see assayctl %s --help",
					words, ctl_option_texts[i].name, words);
	return CTL_OK;
}

static int run_own(struct ctl *ctl, const struct ctl_command *c, char **arguments, unsigned count)
{
	int code = check_options(ctl, c->words, c->options);

	if (code != CTL_OK)
		return code;
	if (ctl->option[OPT_HELP] != NULL)
		return help_command(c->words);
	if (count < c->arguments_min || count > c->arguments_max)
		return ctl_fail(CTL_USAGE, "usage: assayctl %s %s", c->words, c->arguments);
	return c->run(ctl, arguments, count);
}

static int run_method(struct ctl *ctl, enum rpc_id id, char **arguments, unsigned count)
{
	const struct rpc_method *m = &rpc_methods[id];
	int code = check_options(ctl, m->command, 0);

	if (code != CTL_OK)
		return code;
	return ctl->option[OPT_HELP] != NULL ? help_command(m->command)
					     : ctl_method(ctl, id, arguments, count);
}

static int dispatch(struct ctl *ctl, char **arguments, unsigned count)
{
	unsigned n;

	for (unsigned i = 0; i < ctl_command_count; i++)
		if ((n = match(ctl_commands[i].words, arguments, count)) > 0)
			return run_own(ctl, &ctl_commands[i], arguments + n, count - n);
	for (int i = 0; i < RPC_METHOD_COUNT; i++)
		if (rpc_methods[i].command != NULL &&
		    (n = match(rpc_methods[i].command, arguments, count)) > 0)
			return run_method(ctl, (enum rpc_id)i, arguments + n, count - n);
	if (ctl->option[OPT_HELP] != NULL)
		return help_command(arguments[0]);
	return ctl_fail(CTL_USAGE, "no command \"%s%s%s\"; assayctl --help lists them",
			arguments[0], count > 1 ? " " : "", count > 1 ? arguments[1] : "");
}

static void find_config(struct ctl *ctl)
{
	const char *dir = ctl->option[OPT_DIR], *file = ctl->option[OPT_CONFIG];
	const char *environment = getenv("ASSAY_CONFIG");

	if (file != NULL)
		snprintf(ctl->config_path, sizeof(ctl->config_path), "%s", file);
	else if (dir != NULL)
		snprintf(ctl->config_path, sizeof(ctl->config_path), "%s/assay.conf", dir);
	else
		snprintf(ctl->config_path, sizeof(ctl->config_path), "%s",
			 environment != NULL ? environment : "/etc/assay/assay.conf");
}

int main(int argc, char **argv)
{
	static struct ctl ctl;
	int code = parse_options(&ctl, argc, argv);
	unsigned count = (unsigned)(argc - optind);

	if (code != CTL_OK)
		return code;
	signal(SIGPIPE, SIG_IGN);
	assay_init();
	ctl.json = ctl.option[OPT_JSON] != NULL;
	find_config(&ctl);
	if (ctl.option[OPT_VERSION] != NULL) {
		printf("assayctl %s\n", ASSAY_VERSION);
		return CTL_OK;
	}
	if (count > 0 && strcmp(argv[optind], "help") != 0) {
		code = dispatch(&ctl, argv + optind, count);
	} else {
		help_all(count > 0 || ctl.option[OPT_HELP] != NULL ? stdout : stderr);
		code = count > 0 || ctl.option[OPT_HELP] != NULL ? CTL_OK : CTL_USAGE;
	}
	free(ctl.config);
	return code;
}
