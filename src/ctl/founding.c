/* SPDX-License-Identifier: Apache-2.0 */
/* Founding a network: the genesis document, from what the founders sent. Works on files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/text.h"
#include "client/keys.h"
#include "control/registry.h"
#include "crypto/digest.h"
#include "crypto/sign.h"
#include "ctl/ctl.h"
#include "ledger/entry.h"
#include "ledger/jcs.h"
#include "ledger/state.h"
#include "node/reveal.h"

#define COMMITTEE_MAX 32
#define NS_PER_MS     1000000u

struct tip {
	char account[ASSAY_ACCOUNT_MAX + 1];
	char value[65];
};
struct founders {
	struct registry registry;
	struct tip tips[COMMITTEE_MAX];
	unsigned tip_count;
};

/* {"v":1,"tip":{"account","tip"}}, as `ledger tip` prints it. True when the line is one. */
static bool take_tip(struct founders *f, const json_t *line)
{
	const char *account, *value;
	uint8_t bytes[32];
	struct tip *tip = &f->tips[f->tip_count];

	if (json_unpack((json_t *)line, "{s:{s:s,s:s}}", "tip", "account", &account, "tip",
			&value) != 0 ||
	    !account_valid(account) || strlen(value) != 64 || hex_decode(bytes, 32, value) != 0 ||
	    f->tip_count == COMMITTEE_MAX)
		return false;
	snprintf(tip->account, sizeof(tip->account), "%s", account);
	snprintf(tip->value, sizeof(tip->value), "%s", value);
	f->tip_count++;
	return true;
}

static int take_line(struct founders *f, const char *path, const char *text, size_t len,
		     unsigned number)
{
	json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	bool tip = line != NULL && json_object_get(line, "tip") != NULL;
	struct registry_entry entry;
	char network[65],
		why[REGISTRY_WHY_MAX] = "a tip is {\"v\":1,\"tip\":{\"account\",\"tip\"}}";
	int result = 0;

	if (tip)
		result = take_tip(f, line) ? 0 : ASSAY_E_INVAL;
	else
		result = registry_line_parse(&entry, network, text, len, why);
	json_decref(line);
	if (result == 0 && !tip && network[0] != 0 && strcmp(network, f->registry.network) != 0) {
		snprintf(why, sizeof(why), "%s is of network %s", entry.account, network);
		result = ASSAY_E_INVAL;
	}
	if (result == 0 && !tip)
		result = registry_add(&f->registry, &entry, why);
	return result == 0 ? CTL_OK : ctl_fail(CTL_FAILED, "%s:%u: %s", path, number, why);
}

static int read_founders(struct founders *f, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *in = standard ? stdin : fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	ssize_t len;
	int code = CTL_OK;

	if (in == NULL)
		return ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
	while (code == CTL_OK && (len = getline(&line, &room, in)) > 0) {
		number++;
		if (strspn(line, " \t\r\n") < (size_t)len)
			code = take_line(f, path, line, (size_t)len, number);
	}
	free(line);
	if (!standard)
		fclose(in);
	return code;
}

static json_t *nodes_json(const struct registry *r)
{
	static const char *const members[] = {"account", "key",	    "session_key", "session_pop",
					      "enc_key", "address", "operator"};
	json_t *list = json_array();

	for (unsigned i = 0; i < r->count; i++) {
		json_t *entry = registry_entry_json(&r->entries[i]), *node = json_object();

		for (unsigned m = 0; m < 7; m++)
			json_object_set(node, members[m], json_object_get(entry, members[m]));
		json_decref(entry);
		json_array_append_new(list, node);
	}
	return list;
}

static const char *tip_of(const struct founders *f, const char *account)
{
	for (unsigned i = f->tip_count; i-- > 0;)
		if (strcmp(f->tips[i].account, account) == 0)
			return f->tips[i].value;
	return NULL;
}

/* "a,b,c" into members 1, 2, 3; NULL after a message. */
static json_t *members_json(const struct founders *f, const char *text)
{
	json_t *list = json_array();

	for (const char *p = text; list != NULL && p != NULL; p = strchr(p, ',')) {
		char account[ASSAY_ACCOUNT_MAX + 1];
		const char *tip;
		size_t len;

		p += *p == ',';
		len = strcspn(p, ",");
		snprintf(account, sizeof(account), "%.*s", (int)len, p);
		tip = tip_of(f, account);
		if (registry_find(&f->registry, account) == NULL || tip == NULL) {
			ctl_fail(CTL_FAILED,
				 "--committee: %s has no %s among the lines; `assayctl %s` on that "
				 "node prints it",
				 account, tip == NULL ? "tip" : "registration",
				 tip == NULL ? "ledger tip" : "node id");
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list,
				      json_pack("{s:s,s:I,s:s}", "account", account, "id",
						(json_int_t)json_array_size(list) + 1, "tip", tip));
	}
	return list;
}

/* A network without keys: it works, but never seals an epoch. */
static json_t *committee_json(struct ctl *ctl, const struct founders *f)
{
	json_t *members = members_json(f, ctl->option[OPT_COMMITTEE]);
	char zero[65], id[65], *text;
	uint8_t digest[32];
	uint64_t m, t;

	if (members == NULL)
		return NULL;
	m = json_array_size(members);
	if (ctl_number(ctl, OPT_THRESHOLD, &t, 2 * m / 3 + 1, m / 2 + 1, m) != CTL_OK) {
		json_decref(members);
		return NULL;
	}
	if (m < 2 || m > COMMITTEE_MAX) {
		ctl_fail(CTL_USAGE, "--committee has 2 to %d members", COMMITTEE_MAX);
		json_decref(members);
		return NULL;
	}
	text = json_dumps(members, JSON_COMPACT | JSON_SORT_KEYS);
	digest_one(digest, NULL, text, strlen(text));
	free(text);
	hex_encode(id, digest, 32);
	memset(zero, '0', 64);
	zero[64] = 0;
	return json_pack("{s:s,s:s,s:I,s:o}", "key_group_id", id, "output_key", zero, "t",
			 (json_int_t)t, "members", members);
}

/* Parameters that differ from the standard; no ports are probed unless the file says so. */
static json_t *params_json(struct ctl *ctl)
{
	const char *path = ctl->option[OPT_PARAMS];
	json_error_t error;
	json_t *params =
		path != NULL ? json_load_file(path, JSON_REJECT_DUPLICATES, &error) : json_object();

	if (!json_is_object(params)) {
		ctl_fail(CTL_FAILED, "%s:%d: %s", path, error.line,
			 params != NULL ? "must be an object of parameters" : error.text);
		json_decref(params);
		return NULL;
	}
	if (json_object_get(params, "required_open_ports") == NULL)
		json_object_set_new(params, "required_open_ports", json_array());
	return params;
}

/* What every node will make of it when it starts. */
static int try_document(const char *text, size_t len)
{
	struct state_config config = {0};
	struct state *s;
	char why[512] = "out of memory";
	int result;

	s = state_new(&config);
	result = state_genesis(s, why, sizeof(why), text, len);
	state_free(s);
	return result == 0 ? CTL_OK : ctl_fail(CTL_FAILED, "%s", why);
}

static int write_document(struct ctl *ctl, const struct buf *text)
{
	const char *path = ctl->option[OPT_OUTPUT];
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (ctl->option[OPT_FORCE] ? O_TRUNC : O_EXCL);
	int fd = open(path, flags, 0644);
	bool written;

	if (fd < 0)
		return ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
	written = write(fd, text->at, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	close(fd);
	if (written)
		return CTL_OK;
	unlink(path);
	return ctl_fail(CTL_FAILED, "%s: %s", path, strerror(errno));
}

static int write_genesis(struct ctl *ctl, json_t *document)
{
	struct buf text = {0};
	char net[65];
	uint8_t hash[32];
	int code;

	jcs_write(&text, document);
	code = try_document(text.at, text.len);
	if (code == CTL_OK)
		code = write_document(ctl, &text);
	buf_free(&text);
	if (code != CTL_OK)
		return code;
	log_hash_genesis(hash, document);
	hex_encode(net, hash, 32);
	if (ctl->json)
		return ctl_print_json(json_pack("{s:s,s:s}", "genesis", ctl->option[OPT_OUTPUT],
						"network_id", net),
				      CTL_OK);
	printf("made %s: network %s, id %s\n"
	       "give it to every node: genesis = \"...\" in its configuration\n",
	       ctl->option[OPT_OUTPUT], ctl->option[OPT_NETWORK], net);
	return CTL_OK;
}

static int check_options(struct ctl *ctl)
{
	static const struct {
		enum ctl_option option;
		const char *name;
	} needed[] = {{OPT_NETWORK, "network NAME"},
		      {OPT_AUTHORITY, "authority KEY"},
		      {OPT_COMMITTEE, "committee A,B,.."},
		      {OPT_OUTPUT, "output FILE"}};
	uint8_t key[32];

	for (unsigned i = 0; i < 4; i++)
		if (ctl->option[needed[i].option] == NULL)
			return ctl_fail(CTL_USAGE, "--%s is needed", needed[i].name);
	if (strlen(ctl->option[OPT_AUTHORITY]) != 64 ||
	    hex_decode(key, 32, ctl->option[OPT_AUTHORITY]) != 0)
		return ctl_fail(CTL_USAGE, "--authority is a key of 64 hex digits, as `assayctl "
					   "authority init` prints it");
	return CTL_OK;
}

int command_ledger_init(struct ctl *ctl, char **arguments, unsigned count)
{
	struct founders *f = calloc(1, sizeof(*f));
	struct clock clock = clock_real();
	struct random random = random_real();
	json_t *committee = NULL, *params = NULL;
	int code = check_options(ctl);

	if (f == NULL)
		return ctl_fail(CTL_FAILED, "out of memory");
	digest_init();
	sign_init(&random);
	registry_init(&f->registry, code == CTL_OK ? ctl->option[OPT_NETWORK] : "");
	if (code == CTL_OK)
		code = read_founders(f, arguments[0]);
	if (code == CTL_OK && (params = params_json(ctl)) == NULL)
		code = CTL_FAILED;
	if (code == CTL_OK && (committee = committee_json(ctl, f)) == NULL)
		code = CTL_FAILED;
	if (code == CTL_OK) {
		json_t *document = json_pack(
			"{s:i,s:s,s:I,s:s,s:O,s:o,s:O}", "v", 1, "name", ctl->option[OPT_NETWORK],
			"time", (json_int_t)(clock_wall(&clock) / NS_PER_MS), "authority",
			ctl->option[OPT_AUTHORITY], "params", params, "nodes",
			nodes_json(&f->registry), "committee", committee);

		code = write_genesis(ctl, document);
		json_decref(document);
	}
	json_decref(committee);
	json_decref(params);
	registry_free(&f->registry);
	free(f);
	return code;
}

/* The key that may change registry, parameters and committee. It is kept off the nodes. */
int command_authority_init(struct ctl *ctl, char **arguments, unsigned count)
{
	struct random random = random_real();
	char why[KEYS_WHY_MAX], hex[65];
	struct sign_key key;
	struct keys keys;
	int code = CTL_OK;

	digest_init();
	sign_init(&random);
	keys_generate(&keys, true, &random);
	if (keys_save(arguments[0], &keys, why) != 0)
		code = ctl_fail(CTL_FAILED, "%s", why);
	else if (sign_key_from_secret(&key, keys.identity) != 0)
		code = ctl_fail(CTL_FAILED, "%s: no key", arguments[0]);
	keys_wipe(&keys);
	if (code != CTL_OK)
		return code;
	hex_encode(hex, key.public, 32);
	sign_key_wipe(&key);
	if (ctl->json)
		return ctl_print_json(json_pack("{s:s,s:s}", "keys", arguments[0], "key", hex),
				      CTL_OK);
	printf("%s\n", hex);
	return CTL_OK;
}

/* A member's first beacon value, from a secret that stays on the node. */
int command_ledger_tip(struct ctl *ctl, char **arguments, unsigned count)
{
	struct random random = random_real();
	struct reveal *reveal;
	struct disk disk;
	char why[400], hex[65];
	uint8_t tip[32];
	int code = ctl_config(ctl);

	if (code != CTL_OK)
		return code;
	digest_init();
	if (disk_real_open(&disk, ctl->config->state_dir) != 0)
		return ctl_fail(CTL_FAILED, "%s: cannot be opened", ctl->config->state_dir);
	if (reveal_open(&reveal, why, sizeof(why), &disk, &random, BEACON_CHAIN_LEN) != 0) {
		code = ctl_fail(CTL_FAILED, "%s", why);
	} else {
		reveal_tip(reveal, tip);
		reveal_close(reveal);
		hex_encode(hex, tip, 32);
		printf("{\"v\":1,\"tip\":{\"account\":\"%s\",\"tip\":\"%s\"}}\n",
		       ctl->config->account, hex);
	}
	disk_real_close(&disk);
	return code;
}
