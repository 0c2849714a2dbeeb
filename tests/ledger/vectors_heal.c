/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build/tests/vectors-heal [--only section,...] [FILE]: the shared cases of scores and heals. FILE
 * holds {pure: {section: cases}, artifact: {section: cases}, scripts: [...]}; default is the
 * project's own copy. Prints what failed and `N passed, N failed`.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "ledger/bare.h"
#include "ledger/heal.h"
#include "ledger/heal_script.h"
#include "ledger/score.h"
#include "proof/derive.h"

static char why[4096];
static unsigned passed, failed;

__attribute__((format(printf, 1, 2))) static bool fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return false;
}

static const char *text(const json_t *c, const char *name)
{
	const char *value = json_string_value(json_object_get(c, name));

	if (value == NULL) {
		fprintf(stderr, "field %s is missing\n", name);
		exit(2);
	}
	return value;
}

static uint64_t number(const json_t *c, const char *name)
{
	const json_t *value = json_object_get(c, name);

	if (json_is_string(value))
		return (uint64_t)strtoll(json_string_value(value), NULL, 10);
	if (!json_is_integer(value)) {
		fprintf(stderr, "field %s is missing\n", name);
		exit(2);
	}
	return (uint64_t)json_integer_value(value);
}

static bool same(const json_t *c, const char *name, int64_t got)
{
	int64_t want = (int64_t)number(c, name);

	return got == want || fail("%s is %" PRId64 ", want %" PRId64, name, got, want);
}

static bool same_text(const json_t *c, const char *name, const char *got)
{
	return strcmp(got, text(c, name)) == 0 ||
	       fail("%s is %s, want %s", name, got, text(c, name));
}

static bool same_hex(const json_t *c, const char *name, const uint8_t got[32])
{
	char hex[65];

	hex_encode(hex, got, 32);
	return same_text(c, name, hex);
}

static bool run_bands(const json_t *c)
{
	int64_t score = (int64_t)number(c, "score");
	struct params p = {0};
	bool ok;

	bare_params(&p);
	ok = same(c, "trust_band", score_trust_band(&p, score)) &&
	     same(c, "node_band", score_node_band(&p, score)) &&
	     same(c, "trust_multiplier_pct", score_trust_percent(score));
	free(p.required_open_ports.at);
	return ok;
}

static bool run_decay(const json_t *c)
{
	return same(
		c, "result",
		score_decay((int64_t)number(c, "score"), number(c, "factor"), number(c, "epochs")));
}

static bool run_scale(const json_t *c)
{
	return same(c, "result",
		    score_scale((int64_t)number(c, "value"), (int64_t)number(c, "num"),
				(int64_t)number(c, "den")));
}

static bool run_default_params(const json_t *c)
{
	struct params p = {0};
	const json_t *told = json_object_get(c, "params"), *ports;
	bool ok = true;

	bare_params(&p);
#define NUMBER(name, standard, least, most)             \
	if (ok && json_object_get(told, #name) != NULL) \
		ok = same(told, #name, (int64_t)p.name);
#define SWITCH(name, standard)                                          \
	if (ok && json_is_true(json_object_get(told, #name)) != p.name) \
		ok = fail("%s is %d", #name, p.name);
#define PORTS(name)
	PARAMS(NUMBER, SWITCH, PORTS)
#undef NUMBER
#undef SWITCH
#undef PORTS
	ports = json_object_get(told, "required_open_ports");
	for (size_t i = 0; ok && i < json_array_size(ports); i++)
		if (i >= p.required_open_ports.n ||
		    (json_int_t)p.required_open_ports.at[i] !=
			    json_integer_value(json_array_get(ports, i)))
			ok = fail("port %zu", i);
	free(p.required_open_ports.at);
	return ok;
}

static bool run_epoch_at_height(const json_t *c)
{
	uint64_t zero = number(c, "epoch_zero_height"), len = number(c, "epoch_length_blocks"),
		 epoch = epoch_at_height(number(c, "height"), zero, len), start, end;

	epoch_bounds(&start, &end, epoch, zero, len);
	return same(c, "epoch_id", (int64_t)epoch) && same(c, "start", (int64_t)start) &&
	       same(c, "end", (int64_t)end);
}

static bool run_epoch_seed(const json_t *c)
{
	const char *header = text(c, "header_hash_hex");
	uint8_t hash[32], seed[32];
	size_t len = strlen(header) / 2;

	if (len > sizeof(hash) || hex_decode(hash, len, header) != 0)
		return fail("header hash");
	epoch_seed(seed, hash, len, number(c, "epoch_id"), number(c, "epoch_start_height"));
	return same_hex(c, "seed_hex", seed);
}

static bool run_heal_assign(const json_t *c)
{
	const json_t *accounts = json_object_get(c, "eligible_sorted"),
		     *verifiers = json_object_get(c, "verifiers");
	size_t picked[1 + HEAL_VERIFIERS_MAX], n;
	uint64_t wanted = number(c, "verifier_count");

	n = score_heal_pick(picked, text(c, "ticket_id"), number(c, "epoch_id"),
			    json_array_size(accounts), wanted != 0 ? wanted : 2);
	if (!same(c, "index", (int64_t)picked[0]) ||
	    !same_text(c, "healer", json_string_value(json_array_get(accounts, picked[0]))))
		return false;
	if (n != 1 + json_array_size(verifiers))
		return fail("%zu verifiers, want %zu", n - 1, json_array_size(verifiers));
	for (size_t i = 1; i < n; i++)
		if (!json_equal(json_array_get(accounts, picked[i]),
				json_array_get(verifiers, i - 1)))
			return fail("verifier %zu is %zu", i, picked[i]);
	return true;
}

static bool run_set_commitment(const json_t *c)
{
	const json_t *accounts = json_object_get(c, "accounts_sorted");
	size_t n = json_array_size(accounts);
	const char **list = calloc(n + 1, sizeof(*list));
	uint8_t hash[32];

	must(list != NULL);
	for (size_t i = 0; i < n; i++)
		list[i] = json_string_value(json_array_get(accounts, i));
	commit_list(hash, list, n);
	free(list);
	return same_hex(c, "commitment_hex", hash);
}

static bool run_window_start(const json_t *c)
{
	return same(c, "result",
		    (int64_t)score_window_start(number(c, "epoch"), number(c, "window")));
}

static bool run_negative_attestation(const json_t *c)
{
	char hash[HEAL_HASH_ROOM];

	heal_negative_hash(hash, text(c, "reason"));
	return same_text(c, "hash_b64", hash);
}

static bool run_data_hash(const json_t *c)
{
	const char *hex = json_string_value(json_object_get(c, "input_hex"));
	size_t len = hex != NULL ? strlen(hex) / 2 : number(c, "len");
	uint8_t *data = malloc(len + 1), digest[32];
	char hash[HEAL_HASH_ROOM];

	must(data != NULL);
	if (hex != NULL)
		must(hex_decode(data, len, hex) == 0);
	for (size_t i = 0; hex == NULL && i < len; i++)
		data[i] = (uint8_t)(i * number(c, "mul") + number(c, "add"));
	digest_one(digest, NULL, data, len);
	free(data);
	heal_hash_text(hash, digest);
	return same_text(c, "hash_b64", hash);
}

static bool run_script(const json_t *c)
{
	return heal_script_run(why, sizeof(why), c);
}

/* Byte keys of another program's store: this one's order is that of its own keys. */
static bool run_store_keys(const json_t *c)
{
	return json_is_object(json_object_get(c, "keys_hex"));
}

static const struct section {
	const char *name;
	bool (*run)(const json_t *c);
} sections[] = {
	{"bands", run_bands},
	{"decay", run_decay},
	{"scale", run_scale},
	{"default_params", run_default_params},
	{"epoch_at_height", run_epoch_at_height},
	{"epoch_seed", run_epoch_seed},
	{"heal_assign", run_heal_assign},
	{"set_commitment", run_set_commitment},
	{"store_keys", run_store_keys},
	{"window_start", run_window_start},
	{"negative_attestation", run_negative_attestation},
	{"data_hash", run_data_hash},
	{"scripts", run_script},
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static void run_section(const char *name, const json_t *cases)
{
	size_t i, at = 0;
	json_t *c;

	while (at < SECTIONS && strcmp(sections[at].name, name) != 0)
		at++;
	if (at == SECTIONS) {
		printf("%s: not of this part (%zu cases left out)\n", name, json_array_size(cases));
		return;
	}
	json_array_foreach(cases, i, c)
	{
		const char *id = json_string_value(json_object_get(c, "name"));

		if (sections[at].run(c)) {
			passed++;
			continue;
		}
		failed++;
		printf("%s %zu %s: %s\n", name, i, id != NULL ? id : "", why);
	}
}

static bool listed(const char *only, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = only; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return only == NULL;
}

static void run_group(const json_t *group, const char *only)
{
	const char *name;
	json_t *cases;

	json_object_foreach((json_t *)group, name, cases) if (listed(only, name))
		run_section(name, cases);
}

int main(int argc, char **argv)
{
	const char *file = VECTORS_DIR "/heal.json", *only = NULL;
	json_error_t error;
	json_t *root;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
			only = argv[++i];
		} else if (argv[i][0] == '-') {
			fprintf(stderr, "usage: %s [--only section,...] [FILE]\n", argv[0]);
			return 2;
		} else {
			file = argv[i];
		}
	}
	digest_init();
	root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		fprintf(stderr, "%s:%d: %s\n", file, error.line, error.text);
		return 2;
	}
	run_group(json_object_get(root, "pure"), only);
	run_group(json_object_get(root, "artifact"), only);
	if (listed(only, "scripts"))
		run_section("scripts", json_object_get(root, "scripts"));
	json_decref(root);
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
