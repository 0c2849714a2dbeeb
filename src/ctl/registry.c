/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on the registry file; a running daemon is told to read it again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/files.h"

static int reload_daemon(struct ctl *ctl)
{
	struct ctl_link link;
	json_t *result;

	if (ctl_connect(ctl, &link, true) != CTL_OK)
		return CTL_OK; /* nobody to tell: it reads the file when it starts */
	result = ctl_call(&link, "registry.reload", NULL, -1);
	ctl_disconnect(&link);
	json_decref(result);
	return result != NULL ? CTL_OK : CTL_FAILED;
}

static int add_line(struct ctl *ctl, struct registry *r, const char *line, size_t len,
		    unsigned number)
{
	struct registry_entry entry;
	char network[65], why[REGISTRY_WHY_MAX];
	int result = registry_line_parse(&entry, network, line, len, why);

	if (result == 0 && network[0] != 0 && strcmp(network, r->network) != 0) {
		snprintf(why, sizeof(why), "%s is of network %s, not of %s", entry.account, network,
			 r->network);
		result = ASSAY_E_INVAL;
	}
	if (result == 0)
		result = registry_add(r, &entry, why);
	if (result != 0)
		return ctl_fail(CTL_FAILED, "line %u: %s; nothing was changed", number, why);
	if (!ctl->json)
		printf("%s %s\n", entry.node ? "node" : "client", entry.account);
	return CTL_OK;
}

static int add_lines(struct ctl *ctl, struct registry *r, FILE *in)
{
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	ssize_t len;
	int code = CTL_OK;

	while (code == CTL_OK && (len = getline(&line, &room, in)) > 0) {
		number++;
		if (len > REGISTRY_LINE_MAX)
			code = ctl_fail(CTL_FAILED, "line %u is too long", number);
		else if (strspn(line, " \t\r\n") < (size_t)len)
			code = add_line(ctl, r, line, (size_t)len, number);
	}
	free(line);
	return code;
}

int command_registry_add(struct ctl *ctl, char **arguments, unsigned count)
{
	bool standard = strcmp(arguments[0], "-") == 0;
	FILE *in = standard ? stdin : fopen(arguments[0], "re");
	struct files files;
	unsigned before;
	int code;

	if (in == NULL)
		return ctl_fail(CTL_FAILED, "%s: %s", arguments[0], strerror(errno));
	code = files_open(ctl, &files);
	if (code == CTL_OK) {
		before = files.registry.count;
		code = add_lines(ctl, &files.registry, in);
		if (code == CTL_OK && files.registry.count == before)
			code = ctl_fail(CTL_FAILED, "%s: no registration line in it", arguments[0]);
		if (code == CTL_OK)
			code = files_save(&files);
		files_close(&files);
	}
	if (!standard)
		fclose(in);
	return code == CTL_OK ? reload_daemon(ctl) : code;
}

int command_registry_remove(struct ctl *ctl, char **arguments, unsigned count)
{
	char why[REGISTRY_WHY_MAX];
	struct files files;
	int code = files_open(ctl, &files);

	if (code != CTL_OK)
		return code;
	if (strcmp(arguments[0], ctl->config->account) == 0)
		code = ctl_fail(CTL_FAILED, "%s is this node itself", arguments[0]);
	else if (registry_remove(&files.registry, arguments[0], why) != 0)
		code = ctl_fail(CTL_FAILED, "%s", why);
	else
		code = files_save(&files);
	files_close(&files);
	return code == CTL_OK ? reload_daemon(ctl) : code;
}

static json_t *list_json(const struct registry *r)
{
	json_t *nodes = json_array(), *clients = json_array();

	for (unsigned i = 0; i < r->count; i++)
		json_array_append_new(r->entries[i].node ? nodes : clients,
				      registry_entry_json(&r->entries[i]));
	return json_pack("{s:s,s:o,s:o}", "network", r->network, "nodes", nodes, "clients",
			 clients);
}

static void list_table(const struct registry *r)
{
	struct table *t = table_new("ACCOUNT KIND ADDRESS MAY KEY");

	for (unsigned i = 0; i < r->count; i++) {
		const struct registry_entry *e = &r->entries[i];
		char hex[67];

		table_cell(t, "%s", e->account);
		table_cell(t, "%s", e->node ? "node" : "client");
		table_cell(t, "%s", e->node ? e->address : "-");
		table_cell(t, "%s%s%s%s", (e->permissions & ASSAY_MAY_PROVE) != 0 ? "p" : "-",
			   (e->permissions & ASSAY_MAY_READ) != 0 ? "r" : "-",
			   (e->permissions & ASSAY_MAY_WRITE) != 0 ? "w" : "-",
			   (e->permissions & ASSAY_MAY_CALL) != 0 ? "c" : "-");
		hex_encode(hex, e->node ? e->key : e->session_key, e->node ? 32 : 33);
		table_cell(t, "%s", hex);
	}
	table_print(t);
}

int command_registry_list(struct ctl *ctl, char **arguments, unsigned count)
{
	struct files files;
	int code = files_open(ctl, &files);

	if (code != CTL_OK)
		return code;
	if (ctl->json)
		code = ctl_print_json(list_json(&files.registry), CTL_OK);
	else
		list_table(&files.registry);
	files_close(&files);
	return code;
}
