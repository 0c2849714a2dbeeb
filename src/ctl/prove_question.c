/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked and by whom, from the command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/files.h"
#include "ctl/prove.h"

static int add_key(struct asking *a, const char *text)
{
	if (a->key_count == a->key_room) {
		a->key_room = a->key_room > 0 ? 2 * a->key_room : 64;
		a->keys = realloc(a->keys, a->key_room * sizeof(*a->keys));
		if (a->keys == NULL)
			return ctl_fail(CTL_FAILED, "out of memory");
	}
	if (key_parse(a->keys[a->key_count], text) != 0)
		return ctl_fail(CTL_USAGE, "%s: not an artifact key (64 hex digits or base58)",
				text);
	a->key_count++;
	return CTL_OK;
}

/* The first word of each line that is not empty and no comment. */
static int read_keys(struct asking *a, const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int code = CTL_OK;

	if (in == NULL)
		return ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
	while (code == CTL_OK && getline(&line, &room, in) > 0) {
		char *word = line + strspn(line, " \t");

		word[strcspn(word, " \t\r\n")] = 0;
		if (word[0] != 0 && word[0] != '#')
			code = add_key(a, word);
	}
	free(line);
	if (in != stdin)
		fclose(in);
	return code;
}

static int parse_keys(struct asking *a)
{
	const struct ctl *ctl = a->ctl;
	int code = CTL_OK;

	for (unsigned i = 0; i < ctl->key_count && code == CTL_OK; i++)
		code = add_key(a, ctl->keys[i]);
	if (code == CTL_OK && ctl->option[OPT_KEYS] != NULL)
		code = read_keys(a, ctl->option[OPT_KEYS]);
	if (code == CTL_OK && a->key_count == 0)
		code = ctl_fail(CTL_USAGE, "name artifacts with --key or --keys");
	return code;
}

static int parse_seed(struct asking *a)
{
	const char *text = a->ctl->option[OPT_SEED];
	size_t len = text != NULL ? strlen(text) : 0;

	if (text == NULL)
		return CTL_OK;
	if (len == 0 || len % 2 != 0 || len / 2 > sizeof(a->seed) ||
	    hex_decode(a->seed, len / 2, text) != 0)
		return ctl_fail(CTL_USAGE, "--seed must be 1 to %zu bytes in hex", sizeof(a->seed));
	a->question.seed = a->seed;
	a->question.seed_len = len / 2;
	return CTL_OK;
}

static int parse_question(struct asking *a)
{
	const struct ctl *ctl = a->ctl;
	uint64_t epoch, ranges, length;

	if (ctl_number(ctl, OPT_COUNT, &a->count, 1, 1, 1000000) != CTL_OK ||
	    ctl_number(ctl, OPT_EPOCH, &epoch, 1, 1, UINT64_MAX) != CTL_OK ||
	    ctl_number(ctl, OPT_RANGES, &ranges, CHALLENGE_K, 1, ASSAY_RANGES_MAX) != CTL_OK ||
	    ctl_number(ctl, OPT_LENGTH, &length, CHALLENGE_LENGTH, 1, ASSAY_RANGE_LENGTH_MAX) !=
		    CTL_OK)
		return CTL_USAGE;
	if (ctl->option[OPT_TREE] != NULL && ctl->option[OPT_PLAIN] != NULL)
		return ctl_fail(CTL_USAGE, "--tree and --plain exclude each other");
	a->question = (struct challenge_question){
		.epoch = epoch,
		.class = ASSAY_CLASS_SYMBOL,
		.bucket = ASSAY_BUCKET_RECENT,
		.size = ASSAY_SIZE_UNKNOWN,
		.k = (uint8_t)ranges,
		.range_length = (uint16_t)length,
		.tree = ctl->option[OPT_PLAIN] == NULL,
	};
	return parse_seed(a);
}

/* Who asks: the node itself, or a client with its own key file. */
static int parse_self(struct asking *a)
{
	struct ctl *ctl = a->ctl;
	const char *file = ctl->option[OPT_CLIENT_KEYS];
	char why[KEYS_WHY_MAX];
	struct keys keys;
	int code;

	if ((file == NULL) != (ctl->option[OPT_ACCOUNT] == NULL))
		return ctl_fail(CTL_USAGE, "--client-keys and --account go together");
	if (file != NULL) {
		a->client.account = ctl->option[OPT_ACCOUNT];
		if (assay_client_key(a->client.session_secret, file, why, sizeof(why)) != 0)
			return ctl_fail(CTL_FAILED, "%s", why);
		return CTL_OK;
	}
	code = ctl_node_keys(ctl, &keys);
	if (code != CTL_OK)
		return code;
	a->client.account = ctl->config->account;
	memcpy(a->client.session_secret, keys.session, 32);
	keys_wipe(&keys);
	return CTL_OK;
}

/* From the text of registry.list, which is that of the file but for the version. */
static int take_registry(struct asking *a, json_t *told)
{
	const char *id = json_string_value(json_object_get(told, "network_id"));
	json_t *epoch = json_object_get(told, "epoch");
	char why[REGISTRY_WHY_MAX] = "out of memory", *text;
	int error = ASSAY_E_NOMEM;

	if (id == NULL || strlen(id) != 64 || hex_decode(a->client.network_id, 32, id) != 0)
		return ctl_fail(CTL_FAILED, "the daemon does not say which network this is");
	if (a->ctl->option[OPT_EPOCH] == NULL && json_is_integer(epoch))
		a->question.epoch = (uint64_t)json_integer_value(epoch);
	json_object_del(told, "network_id");
	json_object_del(told, "epoch");
	json_object_set_new(told, "v", json_integer(1));
	text = json_dumps(told, JSON_COMPACT);
	if (text != NULL)
		error = registry_parse(&a->registry, text, strlen(text), why);
	free(text);
	return error == 0 ? CTL_OK : ctl_fail(CTL_FAILED, "the daemon's registry: %s", why);
}

/* A node with a ledger has no file of the other nodes: its daemon knows them. */
static int ask_registry(struct asking *a)
{
	struct ctl_link link;
	int code = ctl_connect(a->ctl, &link, false);
	json_t *told;

	if (code != CTL_OK)
		return code;
	told = ctl_call(&link, "registry.list", NULL, -1);
	ctl_disconnect(&link);
	code = told != NULL ? take_registry(a, told) : CTL_FAILED;
	json_decref(told);
	return code;
}

static int load_registry(struct asking *a)
{
	struct files files;
	int code = ctl_config(a->ctl);

	if (code == CTL_OK && a->ctl->config->genesis[0] != '\0')
		return ask_registry(a);
	code = files_open(a->ctl, &files);
	if (code != CTL_OK)
		return code;
	a->registry = files.registry;
	memset(&files.registry, 0, sizeof(files.registry));
	files_close(&files);
	assay_network_id(a->client.network_id, a->registry.network);
	return CTL_OK;
}

int asking_read(struct asking *a)
{
	int code = parse_question(a);

	if (code == CTL_OK)
		code = parse_keys(a);
	if (code == CTL_OK)
		code = load_registry(a);
	if (code == CTL_OK)
		code = parse_self(a);
	return code;
}
