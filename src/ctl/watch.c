/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that show something once, or with --watch again and again. */
#include <unistd.h>

#include "ctl/ctl.h"

static int show(const struct ctl *ctl, const struct ctl_watch *w, json_t *now, json_t *before,
		bool again)
{
	if (ctl->json) {
		json_dumpf(now, stdout, again ? JSON_COMPACT : JSON_INDENT(1));
		fputc('\n', stdout);
	} else {
		if (again && isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		w->show(now, before);
	}
	return fflush(stdout) == 0 ? CTL_OK : ctl_fail(CTL_FAILED, "standard output is full");
}

int ctl_watch(struct ctl *ctl, const struct ctl_watch *w)
{
	struct ctl_link link;
	json_t *before = NULL, *now;
	uint64_t seconds;
	int code = ctl_number(ctl, OPT_WATCH, &seconds, 0, 1, 3600);

	if (code == CTL_OK)
		code = ctl_connect(ctl, &link, false);
	if (code != CTL_OK)
		return code;
	do {
		now = w->look(ctl, &link);
		if (now == NULL)
			code = CTL_FAILED;
		else if (before != NULL || seconds == 0 || !w->rates)
			code = show(ctl, w, now, before, seconds > 0);
		json_decref(before);
		before = now;
		if (code == CTL_OK && seconds > 0)
			sleep((unsigned)seconds);
	} while (code == CTL_OK && seconds > 0);
	json_decref(before);
	ctl_disconnect(&link);
	return code;
}
