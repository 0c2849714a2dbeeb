/* SPDX-License-Identifier: Apache-2.0 */
/* assayd: the parts of a node, started downwards and stopped upwards. */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ASSAY_MIMALLOC
#include <mimalloc.h>
#endif

#include "assay/status.h"
#include "base/failpoint.h"
#include "base/must.h"
#include "glue.h"

/* A part that fails to start says why in app->error; those before it are stopped again. */
static const struct part {
	const char *name;
	int (*start)(struct app *app);
	void (*stop)(struct app *app);
} parts[] = {
	{"config", app_config_start, NULL},
	{"state directory", app_lock_start, app_lock_stop},
	{"identity", app_self_start, app_self_stop},	 /* with the self test of the libraries */
	{"ledger", app_network_start, app_network_stop}, /* the node's copy */
	{"registry", app_registry_start, app_registry_stop},
	{"data plane", glue_plane_start, glue_plane_stop}, /* preflight, placement, EAL */
	{"store", app_store_start, app_store_stop},
	{"workers", glue_workers_start, glue_workers_stop}, /* ports, workers, fetch role */
	{"codec", app_codec_start, app_codec_stop},
	{"control loop", app_loop_start, app_loop_stop},
	{"control socket", app_rpc_start, app_rpc_stop},
	{"metrics", app_metrics_start, app_metrics_stop},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static int run(const char *config_path)
{
	static struct app app;
	unsigned started = 0;
	int code = 0;

	app_init(&app, config_path);
	while (started < PARTS && code == 0) {
		code = parts[started].start(&app);
		if (code == 0)
			started++;
		else
			fprintf(stderr, "assayd: %s: %s\n", parts[started].name, app.error);
	}
	if (code == 0) {
		code = app_run(&app);
		if (code != 0)
			fprintf(stderr, "assayd: %s\n", app.error);
	}
	while (started > 0)
		if (parts[--started].stop != NULL)
			parts[started].stop(&app);
	return code == 0 ? EXIT_SUCCESS : app.exit_code;
}

static bool load(struct app *app, const char *config_path)
{
	app_init(app, config_path);
	if (config_load(&app->config, config_path, app->error) == 0)
		return true;
	fprintf(stderr, "assayd: %s\n", app->error);
	return false;
}

static int check(const char *config_path)
{
	static struct app app;

	if (!load(&app, config_path))
		return EXIT_FAILURE;
	printf("%s: ok\n", config_path);
	return EXIT_SUCCESS;
}

static int print_config(const char *config_path)
{
	static struct app app;

	if (!load(&app, config_path))
		return EXIT_FAILURE;
	config_print(stdout, &app.config, CONFIG_IN_FORCE);
	return EXIT_SUCCESS;
}

static int list_failpoints(const char *config_path)
{
	for (unsigned i = 0; i < FAIL_COUNT; i++)
		printf("%-24s %s\n", failpoint_name(i), failpoint_text(i));
	return EXIT_SUCCESS;
}

/* Everything that is looked at; fails when something keeps the node from starting. */
static int doctor(const char *config_path)
{
	static const char *const verdicts[] = {"good", "warning", "BAD"};
	static struct app app;
	static struct dataplane_config config;
	static struct plane_check checks[64];
	bool blocked = false;
	unsigned n;

	if (!load(&app, config_path))
		return EXIT_FAILURE;
	glue_config(&config, &app);
	n = dataplane_doctor(&config, checks, 64);
	for (unsigned i = 0; i < n; i++) {
		printf("%-7s  %s: %s\n", verdicts[checks[i].verdict], checks[i].what,
		       checks[i].found);
		if (checks[i].remedy[0] != '\0')
			printf("         to fix it: %s\n", checks[i].remedy);
		blocked |= checks[i].verdict == PLANE_BAD;
	}
	return blocked ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_version(FILE *out, struct argp_state *state)
{
	fprintf(out, "assayd %s, %s", ASSAY_VERSION, eal_version());
#ifdef ASSAY_MIMALLOC
	fprintf(out, ", mimalloc %d.%d.%d", mi_version() / 100, mi_version() / 10 % 10,
		mi_version() % 10);
#endif
	fputc('\n', out);
}

struct options {
	const char *config_path;
	int (*action)(const char *config_path);
};

static const struct argp_option option_list[] = {
	{"config", 'c', "FILE", 0, "configuration (default /etc/assay/assay.conf)", 0},
	{"check", 'k', NULL, 0, "read the configuration, say what is wrong with it, and end", 0},
	{"print-config", 'p', NULL, 0, "print the configuration in force, and end", 0},
	{"doctor", 'd', NULL, 0,
	 "say what this machine lacks and the command that fixes it, and end: 1 when the node "
	 "would "
	 "not start",
	 0},
	{"failpoints", 'f', NULL, 0,
	 "list what ASSAY_FAILPOINT=name[:count] in the environment can name, for tests, and end",
	 0},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		options->config_path = argument;
		return 0;
	case 'k':
		options->action = check;
		return 0;
	case 'p':
		options->action = print_config;
		return 0;
	case 'd':
		options->action = doctor;
		return 0;
	case 'f':
		options->action = list_failpoints;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument %s", argument);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	struct options options = {.config_path = "/etc/assay/assay.conf", .action = run};
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.doc = "The assay node: serves proofs of stored artifacts at network speed.\v"
		       "SIGTERM drains and ends the node; SIGHUP reads the configuration again.",
	};

	argp_program_version_hook = print_version;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	return options.action(options.config_path);
}
