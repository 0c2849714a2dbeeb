/* SPDX-License-Identifier: Apache-2.0 */
/* Making nodes and clients: works on files, no daemon needed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/text.h"
#include "client/keys.h"
#include "ctl/ctl.h"
#include "ctl/files.h"

#define DEFAULT_ADDRESS "127.0.0.1:4600"

static const char *option_or(const struct ctl *ctl, enum ctl_option option, const char *otherwise)
{
	return ctl->option[option] != NULL ? ctl->option[option] : otherwise;
}

static int make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return CTL_OK;
	return ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
}

/* The folder of a file, like /etc/assay. */
static int make_parent(const char *path)
{
	char parent[4096];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash == NULL || slash == parent)
		return CTL_OK;
	*slash = 0;
	return make_dir(parent, 0755);
}

/* The configuration's text: what init was told, the rest at its defaults. */
static void write_text(FILE *out, const struct ctl *ctl, const char *dir)
{
	fprintf(out,
		"# Configuration of an assay node. `assayctl config print` shows every key in "
		"force,\n# the manual assay.conf(5) explains them.\n"
		"account = \"%s\"\nnetwork = \"%s\"\n",
		ctl->option[OPT_ACCOUNT], ctl->option[OPT_NETWORK]);
	if (dir != NULL)
		fprintf(out,
			"state_dir = \"%s/state\"\nrun_dir = \"%s/run\"\n\n"
			"# A loopback address and port switches /metrics on.\n"
			"metrics {\n\tlisten = \"\"\n}\n",
			dir, dir);
	/* A file of old turns nothing on; a new one says so. */
	fprintf(out, "\n# Once the node follows a ledger (genesis), it takes part in its epochs.\n"
		     "storage_challenge {\n\tenabled = true\n}\nlep6 {\n\tenabled = true\n}\n"
		     "recheck {\n\tenabled = true\n}\n");
	fprintf(out, "\nport \"p0\" {\n\tdevice = \"udp:%s\"\n}\n",
		option_or(ctl, OPT_ADDRESS, DEFAULT_ADDRESS));
}

/* New file with that text, checked before it is kept. */
static int write_config(struct ctl *ctl, const char *dir)
{
	int fd = open(ctl->config_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool written;
	int code;

	if (out == NULL)
		return ctl_fail(CTL_FAILED, "%s: %s", ctl->config_path, strerror(errno));
	write_text(out, ctl, dir);
	written = fflush(out) == 0 && fsync(fd) == 0;
	fclose(out);
	code = written ? ctl_config(ctl)
		       : ctl_fail(CTL_FAILED, "%s: %s", ctl->config_path, strerror(errno));
	if (code != CTL_OK)
		unlink(ctl->config_path);
	return code;
}

/* --account and --network make a configuration; without them there must be one. */
static int config_for_init(struct ctl *ctl)
{
	const char *dir = ctl->option[OPT_DIR];
	char absolute[4096];
	int code;

	if ((ctl->option[OPT_ACCOUNT] == NULL) != (ctl->option[OPT_NETWORK] == NULL))
		return ctl_fail(CTL_USAGE, "--account and --network go together");
	if (ctl->option[OPT_ACCOUNT] == NULL)
		return ctl_config(ctl);
	if (access(ctl->config_path, F_OK) == 0)
		return ctl_fail(CTL_FAILED,
				"%s is there already; init without --account and --network uses "
				"it as it is",
				ctl->config_path);
	if (dir == NULL)
		return make_parent(ctl->config_path) == CTL_OK ? write_config(ctl, NULL)
							       : CTL_FAILED;
	code = make_dir(dir, 0755);
	if (code != CTL_OK)
		return code;
	if (realpath(dir, absolute) == NULL)
		return ctl_fail(CTL_FAILED, "%s: %s", dir, strerror(errno));
	return write_config(ctl, absolute);
}

/* Where others reach the node: --address, or the first port of the configuration. */
static void own_address(const struct ctl *ctl, char out[128])
{
	const struct config_port *port = &ctl->config->port[0];
	struct net_addr addr = port->listen;

	if (ctl->option[OPT_ADDRESS] != NULL) {
		snprintf(out, 128, "%s", ctl->option[OPT_ADDRESS]);
		return;
	}
	if (port->kind == CONFIG_PORT_DPDK) {
		memcpy(addr.ip, port->address[0].ip, 16);
		addr.port = (uint16_t)port->udp_port;
	}
	net_addr_format(out, &addr);
}

static int own_entry(struct ctl *ctl, const struct keys *keys, struct registry_entry *out)
{
	struct random random = random_real();
	char why[REGISTRY_WHY_MAX];

	if (registry_entry_make(out, keys, ctl->config->account, &random, why) != 0)
		return ctl_fail(CTL_FAILED, "%s", why);
	own_address(ctl, out->address);
	snprintf(out->operator_name, sizeof(out->operator_name), "%s",
		 option_or(ctl, OPT_OPERATOR, ctl->config->account));
	return CTL_OK;
}

static void keys_path(const struct ctl *ctl, char out[300])
{
	snprintf(out, 300, "%s/node-keys.json", ctl->config->state_dir);
}

static int add_own(struct ctl *ctl, const struct keys *keys)
{
	struct registry_entry own;
	struct files files;
	char why[REGISTRY_WHY_MAX];
	int code = own_entry(ctl, keys, &own);

	if (code == CTL_OK)
		code = files_open(ctl, &files);
	if (code != CTL_OK)
		return code;
	if (registry_add(&files.registry, &own, why) != 0)
		code = ctl_fail(CTL_FAILED, "%s", why);
	else
		code = files_save(&files);
	files_close(&files);
	return code;
}

int command_init(struct ctl *ctl, char **arguments, unsigned count)
{
	struct random random = random_real();
	char path[300], why[KEYS_WHY_MAX];
	struct keys keys;
	int code = config_for_init(ctl);

	if (code == CTL_OK)
		code = make_dir(ctl->config->state_dir, 0700);
	if (code != CTL_OK)
		return code;
	keys_path(ctl, path);
	keys_generate(&keys, true, &random);
	if (keys_save(path, &keys, why) != 0)
		code = ctl_fail(CTL_FAILED, "%s", why);
	else
		code = add_own(ctl, &keys);
	keys_wipe(&keys);
	if (code != CTL_OK)
		return code;
	if (ctl->json)
		return ctl_print_json(json_pack("{s:s,s:s,s:s}", "config", ctl->config_path, "keys",
						path, "account", ctl->config->account),
				      CTL_OK);
	printf("made %s and %s/%s\nstart the node:      assayd --config %s\n"
	       "its registration:    assayctl --config %s node id\n",
	       path, ctl->config->state_dir, REGISTRY_NAME, ctl->config_path, ctl->config_path);
	return CTL_OK;
}

int ctl_node_keys(struct ctl *ctl, struct keys *keys)
{
	char path[300], why[KEYS_WHY_MAX];
	int code = ctl_config(ctl);

	if (code != CTL_OK)
		return code;
	keys_path(ctl, path);
	if (keys_load(keys, path, why) != 0)
		return ctl_fail(CTL_FAILED, "%s", why);
	if (keys->node)
		return CTL_OK;
	keys_wipe(keys);
	return ctl_fail(CTL_FAILED, "%s: the keys of a client, not of a node", path);
}

static int print_line(const struct registry_entry *entry, const char *network)
{
	json_t *line = registry_line(entry, network);

	json_dumpf(line, stdout, JSON_COMPACT);
	json_decref(line);
	putchar('\n');
	return CTL_OK;
}

/* What the registry says of this node, else made from its keys. */
int command_node_id(struct ctl *ctl, char **arguments, unsigned count)
{
	const struct registry_entry *found;
	struct registry_entry entry;
	struct files files;
	struct keys keys;
	int code = files_open(ctl, &files);

	if (code != CTL_OK)
		return code;
	found = registry_find(&files.registry, ctl->config->account);
	if (found != NULL) {
		print_line(found, ctl->config->network);
	} else {
		code = ctl_node_keys(ctl, &keys);
		if (code == CTL_OK) {
			code = own_entry(ctl, &keys, &entry);
			keys_wipe(&keys);
		}
		if (code == CTL_OK)
			print_line(&entry, ctl->config->network);
	}
	files_close(&files);
	return code;
}

static int parse_permissions(const char *text, uint32_t *out)
{
	static const char *const names[] = {"prove", "read", "write", "call"};

	*out = 0;
	while (true) {
		size_t len = strcspn(text, ",");
		uint32_t bit = 0;

		for (unsigned i = 0; i < 4; i++)
			if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
				bit = 1u << i;
		if (bit == 0)
			return ctl_fail(CTL_USAGE,
					"--permissions is a list of prove, read, write, call");
		*out |= bit;
		if (text[len] == 0)
			return CTL_OK;
		text += len + 1;
	}
}

int command_client_init(struct ctl *ctl, char **arguments, unsigned count)
{
	struct random random = random_real();
	const char *account = ctl->option[OPT_ACCOUNT];
	struct registry_entry entry;
	char why[REGISTRY_WHY_MAX];
	struct keys keys;
	uint32_t permissions;
	int code;

	if (account == NULL || !account_valid(account))
		return ctl_fail(CTL_USAGE,
				"--account NAME is needed: 1 to 64 of a-z, 0-9, '.', '-'");
	code = parse_permissions(option_or(ctl, OPT_PERMISSIONS, "prove,read"), &permissions);
	if (code != CTL_OK)
		return code;
	keys_generate(&keys, false, &random);
	if (registry_entry_make(&entry, &keys, account, &random, why) != 0 ||
	    keys_save(arguments[0], &keys, why) != 0)
		code = ctl_fail(CTL_FAILED, "%s", why);
	keys_wipe(&keys);
	entry.permissions = permissions;
	return code == CTL_OK ? print_line(&entry, "") : code;
}
