/* SPDX-License-Identifier: Apache-2.0 */
/* assayctl put, get, tickets: files on the network, by the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/output.h"

static const char *text(json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "";
}

int command_put(struct ctl *ctl, char **arguments, unsigned count)
{
	const char *path = arguments[0], *name = strrchr(path, '/');
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), code;
	struct ctl_link link;
	json_t *result;

	if (fd < 0)
		return ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
	code = ctl_connect(ctl, &link, false);
	if (code != CTL_OK) {
		close(fd);
		return code;
	}
	name = name != NULL ? name + 1 : path;
	result = ctl_job(&link, "ticket.put", json_pack("{s:s}", "name", name), fd, name);
	ctl_disconnect(&link);
	close(fd);
	if (result == NULL)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(result, CTL_OK);
	printf("%s  %s%s\n", text(result, "ticket"), path,
	       json_is_true(json_object_get(result, "existed")) ? "  (was there)" : "");
	json_decref(result);
	return CTL_OK;
}

int command_get(struct ctl *ctl, char **arguments, unsigned count)
{
	const char *path = ctl->option[OPT_OUTPUT];
	struct output output;
	struct ctl_link link;
	json_t *result = NULL;
	int code;

	if (path == NULL)
		return ctl_fail(CTL_USAGE, "it takes -o: where to write");
	code = output_open(ctl, &output, path, arguments[0]);
	if (code != CTL_OK)
		return code;
	code = ctl_connect(ctl, &link, false);
	if (code == CTL_OK) {
		result = ctl_job(&link, "ticket.get", json_pack("{s:s}", "ticket", arguments[0]),
				 output.fd, arguments[0]);
		ctl_disconnect(&link);
		code = result != NULL ? CTL_OK : CTL_FAILED;
	}
	if (output_finish(&output, result != NULL) != CTL_OK && code == CTL_OK)
		code = CTL_FAILED;
	if (code == CTL_OK && ctl->json)
		return ctl_print_json(result, code);
	if (code == CTL_OK)
		printf("%s  %s\n", output.path,
		       human_bytes((uint64_t)json_integer_value(json_object_get(result, "size"))));
	json_decref(result);
	return code;
}

int command_tickets(struct ctl *ctl, char **arguments, unsigned count)
{
	struct ctl_link link;
	int code = ctl_connect(ctl, &link, false);
	json_t *all;

	if (code != CTL_OK)
		return code;
	all = ctl_call_pages(&link, "ticket.list", NULL, "tickets", "ticket");
	ctl_disconnect(&link);
	if (all == NULL)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(json_pack("{s:o}", "tickets", all), CTL_OK);
	show_tickets(all);
	json_decref(all);
	return CTL_OK;
}
