/* SPDX-License-Identifier: Apache-2.0 */
/* Files in and out: the daemon gets descriptors, never names. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/output.h"

/* A file without name for what cannot be a regular file itself; -1 after a message. */
static int scratch(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir != NULL ? dir : "/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("assayctl", MFD_CLOEXEC);
	if (fd < 0)
		ctl_fail(CTL_FAILED, "no temporary file: %s", strerror(errno));
	return fd;
}

/* Everything of one descriptor to the other. */
static bool copy(int to, int from)
{
	static char buffer[1 << 18];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		for (ssize_t done = 0, put; n > 0 && done < n; done += put) {
			put = write(to, buffer + done, (size_t)(n - done));
			if (put < 0 && errno != EINTR)
				return false;
			put = put < 0 ? 0 : put;
		}
		if (n < 0)
			return false;
	}
	return true;
}

static int open_input(const char *path)
{
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0) {
		fd = scratch();
		if (fd >= 0 && copy(fd, STDIN_FILENO))
			return fd;
		if (fd >= 0) {
			ctl_fail(CTL_FAILED, "standard input: %s", strerror(errno));
			close(fd);
		}
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0) {
		ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		ctl_fail(CTL_FAILED, "%s: not a regular file", path);
	} else if (st.st_size == 0) {
		ctl_fail(CTL_FAILED, "%s: empty, there is nothing to prove about it", path);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static json_t *put_one(struct ctl_link *link, const char *path)
{
	const char *name = strrchr(path, '/');
	int fd = open_input(path);
	json_t *params, *result;

	if (fd < 0)
		return NULL;
	name = name != NULL ? name + 1 : path;
	params = json_object();
	if (strlen(name) < 256)
		json_object_set_new(params, "name", json_string(name)); /* left out if not UTF-8 */
	result = ctl_job(link, "artifact.put", params, fd, name);
	close(fd);
	if (result != NULL)
		json_object_set_new(result, "name", json_string(path));
	return result;
}

int command_artifact_put(struct ctl *ctl, char **arguments, unsigned count)
{
	struct ctl_link link;
	int code = ctl_connect(ctl, &link, false);
	json_t *all, *result;

	if (code != CTL_OK)
		return code;
	all = json_array();
	for (unsigned i = 0; i < count; i++) {
		result = put_one(&link, arguments[i]);
		if (result == NULL) {
			code = CTL_FAILED;
			continue;
		}
		if (!ctl->json)
			printf("%s  %s%s\n", json_string_value(json_object_get(result, "key")),
			       arguments[i],
			       json_is_true(json_object_get(result, "existed")) ? "  (was there)"
										: "");
		json_array_append_new(all, result);
	}
	ctl_disconnect(&link);
	if (ctl->json && count == 1 && json_array_size(all) == 1)
		ctl_print_json(json_incref(json_array_get(all, 0)), code);
	else if (ctl->json)
		ctl_print_json(json_pack("{s:O}", "artifacts", all), code);
	json_decref(all);
	return code;
}

static json_t *get_into(struct ctl *ctl, const char *key, int fd, int *code)
{
	struct ctl_link link;
	json_t *result;

	*code = ctl_connect(ctl, &link, false);
	if (*code != CTL_OK)
		return NULL;
	result = ctl_job(&link, "artifact.get", json_pack("{s:s}", "key", key), fd, key);
	ctl_disconnect(&link);
	*code = result != NULL ? CTL_OK : CTL_FAILED;
	return result;
}

static int get_to_stdout(struct ctl *ctl, const char *key)
{
	int fd = scratch(), code;
	json_t *result;

	if (fd < 0)
		return CTL_FAILED;
	result = get_into(ctl, key, fd, &code);
	if (result != NULL && (lseek(fd, 0, SEEK_SET) != 0 || !copy(STDOUT_FILENO, fd)))
		code = ctl_fail(CTL_FAILED, "standard output: %s", strerror(errno));
	json_decref(result);
	close(fd);
	return code;
}

int command_artifact_get(struct ctl *ctl, char **arguments, unsigned count)
{
	struct output output;
	json_t *result;
	int code;

	if (strcmp(arguments[1], "-") == 0)
		return get_to_stdout(ctl, arguments[0]);
	code = output_open(ctl, &output, arguments[1], arguments[0]);
	if (code != CTL_OK)
		return code;
	result = get_into(ctl, arguments[0], output.fd, &code);
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

static void list_table(json_t *all)
{
	struct table *t = table_new("KEY >SIZE STATE ORIGIN MEMORY CHECKED");
	json_t *item;
	size_t i;

	json_array_foreach(all, i, item)
	{
		const char *checked = json_string_value(json_object_get(item, "checked"));

		table_cell(t, "%s", json_string_value(json_object_get(item, "key")));
		table_cell(t, "%lld", json_integer_value(json_object_get(item, "size")));
		table_cell(t, "%s", json_string_value(json_object_get(item, "state")));
		table_cell(t, "%s", json_string_value(json_object_get(item, "origin")));
		table_cell(t, "%s",
			   json_is_true(json_object_get(item, "resident")) ? "resident" : "-");
		table_cell(t, "%s", checked != NULL ? checked : "not since start");
	}
	table_print(t);
}

int command_artifact_list(struct ctl *ctl, char **arguments, unsigned count)
{
	struct ctl_link link;
	int code = ctl_connect(ctl, &link, false);
	json_t *all;

	if (code != CTL_OK)
		return code;
	all = ctl_call_pages(&link, "artifact.list", NULL, "artifacts", "key");
	ctl_disconnect(&link);
	if (all == NULL)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(json_pack("{s:o}", "artifacts", all), CTL_OK);
	list_table(all);
	json_decref(all);
	return CTL_OK;
}
