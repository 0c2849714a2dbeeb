/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that can do without a daemon. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

int command_config_print(struct ctl *ctl, char **arguments, unsigned count)
{
	int code = ctl_config(ctl);

	if (code == CTL_OK)
		config_print(stdout, ctl->config, CONFIG_IN_FORCE);
	return code;
}

/* assayd beside this program, else of the path. Comes back only when it cannot be run. */
static int run_assayd(struct ctl *ctl)
{
	char path[4096 + 16];
	ssize_t n = readlink("/proc/self/exe", path, 4096);
	char *slash;

	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	if (slash != NULL) {
		strcpy(slash, "/assayd");
		execl(path, "assayd", "--doctor", "--config", ctl->config_path, NULL);
	}
	execlp("assayd", "assayd", "--doctor", "--config", ctl->config_path, NULL);
	return ctl_fail(CTL_FAILED, "assayd: %s", strerror(errno));
}

int command_doctor(struct ctl *ctl, char **arguments, unsigned count)
{
	struct ctl_link link;

	if (ctl_connect(ctl, &link, true) != CTL_OK)
		return ctl->json ? ctl_fail(CTL_NO_DAEMON, "--json needs a running daemon here")
				 : run_assayd(ctl);
	ctl_disconnect(&link);
	return ctl_method(ctl, RPC_DOCTOR, arguments, 0);
}
