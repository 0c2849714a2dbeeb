/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the file: into struct config, and what no single key can know. */
#include "control/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/config_confuse.h"
#include "control/config_table.h"

static void take_value(void *base, const struct config_key *key, cfg_t *section)
{
	char *field = (char *)base + key->offset;
	cfg_opt_t *opt = cfg_getopt(section, key->name);

	switch (key->type) {
	case CONFIG_NUMBER:
	case CONFIG_OCTAL:
		*(uint64_t *)(void *)field = (uint64_t)cfg_opt_getnint(opt, 0);
		if (key->zero_is_default && *(uint64_t *)(void *)field == 0)
			*(uint64_t *)(void *)field = key->number;
		break;
	case CONFIG_BOOL:
		*(bool *)field = cfg_opt_getnbool(opt, 0) == cfg_true;
		break;
	case CONFIG_CHOICE:
		must(config_choice_value(key, cfg_opt_getnstr(opt, 0), (int *)(void *)field));
		break;
	case CONFIG_TEXT:
		snprintf(field, key->size, "%s", cfg_opt_getnstr(opt, 0));
		break;
	case CONFIG_TEXTS: {
		struct config_list *list = (struct config_list *)(void *)field;

		list->count = cfg_opt_size(opt);
		for (unsigned i = 0; i < list->count; i++)
			snprintf(list->item[i], sizeof(list->item[i]), "%s",
				 cfg_opt_getnstr(opt, i));
		break;
	}
	}
}

static void take_all(struct config *out, cfg_t *root, const struct confuse_notes *notes)
{
	out->port_count = cfg_size(root, "port");
	for (unsigned i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->section, "port") != 0)
			take_value(out, key,
				   key->section[0] != 0 ? cfg_getsec(root, key->section) : root);
		else
			for (unsigned p = 0; p < out->port_count; p++)
				take_value(&out->port[p], key, cfg_getnsec(root, "port", p));
	}
	for (unsigned p = 0; p < out->port_count; p++) {
		snprintf(out->port[p].name, sizeof(out->port[p].name), "%s",
			 cfg_title(cfg_getnsec(root, "port", p)));
		out->port[p].line = notes->port_line[p];
	}
}

void config_port_where(char *out, size_t room, const struct config *config, unsigned port)
{
	snprintf(out, room, "%.200s:%u: port \"%s\"", config->path, config->port[port].line,
		 config->port[port].name);
}

void config_staging_dir(char *out, size_t room, const struct config *config)
{
	const char *dir = config->heal_staging;

	if (dir[0] == '/')
		snprintf(out, room, "%s", dir);
	else
		snprintf(out, room, "%s/%s", config->state_dir, dir);
}

static int check_whole(struct config *out, char *error)
{
	char where[300], message[CONFIG_ERROR_MAX];
	const char *missing = out->account[0] == 0   ? "account = \"name-of-this-node\""
			      : out->network[0] == 0 ? "network = \"name-of-the-network\""
			      : out->port_count == 0
				      ? "port \"p0\" { device = \"udp:0.0.0.0:4600\" }"
				      : NULL;
	int port;

	if (missing != NULL) {
		snprintf(error, CONFIG_ERROR_MAX, "%.300s: missing: %s", out->path, missing);
		return ASSAY_E_INVAL;
	}
	if (config_derive(out, &port, message) == 0)
		return 0;
	if (port < 0)
		snprintf(where, sizeof(where), "%.200s:", out->path);
	else
		config_port_where(where, sizeof(where), out, (unsigned)port);
	snprintf(error, CONFIG_ERROR_MAX, "%.300s %.200s", where, message);
	return ASSAY_E_INVAL;
}

/* Line of the first control character; 0 when there is none. */
static unsigned control_line(const char *text, size_t len)
{
	unsigned line = 1;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' && memchr("\t\n\r", text[i], 3) == NULL)
			return line;
		line += text[i] == '\n';
	}
	return 0;
}

int config_parse(struct config *out, const char *name, const char *text, size_t len, char *error)
{
	struct confuse_notes notes;
	unsigned line;
	cfg_t *root;
	int result;

	error[0] = 0;
	memset(out, 0, sizeof(*out));
	if (len > CONFIG_FILE_MAX) {
		snprintf(error, CONFIG_ERROR_MAX, "%.300s: longer than 256 KiB", name);
		return ASSAY_E_INVAL;
	}
	line = control_line(text, len);
	if (line != 0) {
		snprintf(error, CONFIG_ERROR_MAX, "%.300s:%u: control character", name, line);
		return ASSAY_E_INVAL;
	}
	root = confuse_parse(&notes, error, name, text, len);
	if (root == NULL) {
		memcpy(out->run_dir, notes.run_dir, sizeof(out->run_dir));
		return ASSAY_E_INVAL;
	}
	snprintf(out->path, sizeof(out->path), "%s", name);
	take_all(out, root, &notes);
	result = check_whole(out, error);
	cfg_free(root);
	return result;
}

static int read_failed(const char *path, int fd, char *error)
{
	int result = errno == ENOENT   ? ASSAY_E_NOTFOUND
		     : errno == EACCES ? ASSAY_E_PERM
				       : ASSAY_E_IO;

	snprintf(error, CONFIG_ERROR_MAX, "%.300s: %s; `assayctl init` makes a configuration", path,
		 strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}

int config_load(struct config *out, const char *path, char *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd >= 0 ? malloc(CONFIG_FILE_MAX + 1) : NULL;
	size_t len = 0;
	ssize_t n = 1;
	int result;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return read_failed(path, fd, error);
	while (text != NULL && n > 0 && len <= CONFIG_FILE_MAX) {
		n = read(fd, text + len, CONFIG_FILE_MAX + 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (text == NULL || n < 0) {
		result = read_failed(path, fd, error);
		free(text);
		return result;
	}
	close(fd);
	result = config_parse(out, path, text, len, error);
	free(text);
	return result;
}
