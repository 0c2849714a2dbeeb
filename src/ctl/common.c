/* SPDX-License-Identifier: Apache-2.0 */
/* What every command needs. */
#include <stdarg.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/text.h"
#include "ctl/ctl.h"

const struct ctl_option_text ctl_option_texts[OPT_COUNT_ALL] = {
#define X(constant, name, argument, help) {name, argument, help},
	CTL_OPTIONS(X)
#undef X
};

int ctl_fail(int code, const char *format, ...)
{
	va_list args;

	fputs("assayctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int ctl_print_json(json_t *object, int code)
{
	json_dumpf(object, stdout, JSON_INDENT(1));
	fputc('\n', stdout);
	json_decref(object);
	return fflush(stdout) == 0 ? code : ctl_fail(CTL_FAILED, "standard output is full");
}

static int load_config(struct ctl *ctl, char *error)
{
	if (ctl->config != NULL)
		return CTL_OK;
	ctl->config = malloc(sizeof(*ctl->config));
	if (ctl->config == NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "out of memory");
		return CTL_FAILED;
	}
	if (config_load(ctl->config, ctl->config_path, error) == 0)
		return CTL_OK;
	snprintf(ctl->run_dir, sizeof(ctl->run_dir), "%s", ctl->config->run_dir);
	free(ctl->config);
	ctl->config = NULL;
	return CTL_FAILED;
}

int ctl_config(struct ctl *ctl)
{
	char error[CONFIG_ERROR_MAX];

	return load_config(ctl, error) == CTL_OK ? CTL_OK : ctl_fail(CTL_FAILED, "%s", error);
}

int ctl_run_dir(struct ctl *ctl, char *error)
{
	if (load_config(ctl, error) == CTL_OK)
		snprintf(ctl->run_dir, sizeof(ctl->run_dir), "%s", ctl->config->run_dir);
	else if (ctl->run_dir[0] == 0)
		return CTL_FAILED;
	else
		return CTL_OK;
	error[0] = 0;
	return CTL_OK;
}

int ctl_number(const struct ctl *ctl, enum ctl_option option, uint64_t *out, uint64_t otherwise,
	       uint64_t min, uint64_t max)
{
	const char *text = ctl->option[option];

	*out = otherwise;
	if (text == NULL)
		return CTL_OK;
	if (u64_parse(out, text) != 0 || *out < min || *out > max)
		return ctl_fail(CTL_USAGE, "--%s must be %lu..%lu, got \"%s\"",
				ctl_option_texts[option].name, min, max, text);
	return CTL_OK;
}
