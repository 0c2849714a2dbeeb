/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: what it refuses, and that its file is replaced whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/sim.h"
#include "base/text.h"
#include "client/keys.h"
#include "control/registry.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

static uint64_t seed = 1;
static struct random rng;
static char why[REGISTRY_WHY_MAX];

static struct registry_entry make(const char *account, bool node)
{
	struct registry_entry e;
	struct keys keys;

	keys_generate(&keys, node, &rng);
	assert_int_equal(registry_entry_make(&e, &keys, account, &rng, why), 0);
	if (node) {
		strcpy(e.address, "192.0.2.1:4600");
		strcpy(e.operator_name, "somebody");
	}
	return e;
}

static char *text_of(const struct registry_entry *e, const char *network)
{
	json_t *line = registry_line(e, network);
	char *text = json_dumps(line, JSON_COMPACT);

	json_decref(line);
	assert_non_null(text);
	return text;
}

/* What is signed is what docs/protocol.md says: account, a zero byte, the identity key. */
static void test_possession(void **state)
{
	struct registry_entry node = make("n-1", true), client = make("c-1", false);
	uint8_t message[64];
	struct sha256_part part = {message, 3 + 1 + 32};

	memcpy(message, "n-1", 4);
	memcpy(message + 4, node.key, 32);
	assert_true(
		verify_tagged(node.session_pop, node.session_key + 1, TAG_SESSION_KEY, &part, 1));
	memcpy(message, "c-1", 4);
	memset(message + 4, 0, 32);
	assert_true(verify_tagged(client.session_pop, client.session_key + 1, TAG_SESSION_KEY,
				  &part, 1));
}

static void refused(struct registry *r, struct registry_entry e, int code, const char *words)
{
	unsigned before = r->count;

	assert_int_equal(registry_add(r, &e, why), code);
	assert_non_null(strstr(why, words));
	assert_int_equal(r->count, before);
}

static void test_add(void **state)
{
	struct registry_entry a = make("a", true), b = make("b", true), c = make("c", false), e;
	struct registry r;

	registry_init(&r, "net");
	assert_int_equal(registry_add(&r, &a, why), 0);
	assert_int_equal(registry_add(&r, &c, why), 0);
	refused(&r, a, ASSAY_E_EXISTS, "a: account is already that of a");
	e = make("a", false);
	refused(&r, e, ASSAY_E_EXISTS, "account");
	e = make("d", true);
	memcpy(e.key, a.key, 32);
	e.has_pop = false;
	refused(&r, e, ASSAY_E_INVAL, "session_pop is missing");
	/* The proof binds account and identity key: neither can be exchanged. */
	e = b;
	strcpy(e.account, "b2");
	refused(&r, e, ASSAY_E_INVAL, "session_pop does not prove");
	e = b;
	memcpy(e.key, a.key, 32);
	refused(&r, e, ASSAY_E_INVAL, "session_pop does not prove");
	e = b;
	e.session_pop[63] ^= 1;
	refused(&r, e, ASSAY_E_INVAL, "session_pop does not prove");
	/* A client may come without a proof, but then not with a key that somebody has. */
	e = make("d", false);
	e.has_pop = false;
	memcpy(e.session_key, a.session_key, 33);
	refused(&r, e, ASSAY_E_EXISTS, "session_key is already that of a");
	e = b;
	memset(e.session_key + 1, 0xff, 32);
	refused(&r, e, ASSAY_E_INVAL, "session_key is not a point");
	e = b;
	memset(e.key, 0xff, 32);
	refused(&r, e, ASSAY_E_INVAL, "key is not a point");
	e = b;
	e.enc_key[0] = 5;
	refused(&r, e, ASSAY_E_INVAL, "enc_key is not a point");
	e = b;
	strcpy(e.account, "B");
	refused(&r, e, ASSAY_E_INVAL, "account must be");
	e = b;
	strcpy(e.account, "authority");
	refused(&r, e, ASSAY_E_INVAL, "reserved");
	assert_int_equal(registry_add(&r, &b, why), 0);
	assert_int_equal(registry_remove(&r, "a", why), 0);
	assert_int_equal(registry_remove(&r, "a", why), ASSAY_E_NOTFOUND);
	assert_null(registry_find(&r, "a"));
	assert_int_equal(registry_find(&r, "b")->node, 1);
	assert_int_equal(registry_add(&r, &a, why), 0);
	registry_free(&r);
}

/* The same identity key under another account, with a proof made for it. */
static void test_same_identity(void **state)
{
	struct registry r;
	struct registry_entry a, b;
	struct keys keys, other;

	keys_generate(&keys, true, &rng);
	keys_generate(&other, true, &rng);
	memcpy(other.identity, keys.identity, 32);
	registry_init(&r, "net");
	assert_int_equal(registry_entry_make(&a, &keys, "a", &rng, why), 0);
	assert_int_equal(registry_entry_make(&b, &other, "b", &rng, why), 0);
	assert_int_equal(registry_add(&r, &a, why), 0);
	refused(&r, b, ASSAY_E_EXISTS, "b: key is already that of a");
	registry_free(&r);
}

static void test_line(void **state)
{
	struct registry_entry node = make("n", true), client = make("c", false), back;
	char network[65], *text;

	client.permissions = ASSAY_MAY_WRITE;
	client.rate_kib = 7;
	client.burst_kib = 8;
	client.sessions = 2;
	text = text_of(&node, "net");
	assert_int_equal(registry_line_parse(&back, network, text, strlen(text), why), 0);
	assert_string_equal(network, "net");
	assert_memory_equal(&back, &node, sizeof(node));
	free(text);
	text = text_of(&client, "");
	assert_int_equal(registry_line_parse(&back, network, text, strlen(text), why), 0);
	assert_string_equal(network, "");
	assert_memory_equal(&back, &client, sizeof(client));
	free(text);
}

static void bad_line(const char *text, const char *words)
{
	struct registry_entry entry;
	char network[65];

	assert_int_equal(registry_line_parse(&entry, network, text, strlen(text), why),
			 ASSAY_E_INVAL);
	if (strstr(why, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", why, words);
}

#define KEY33              \
	"\"session_key\":" \
	"\"02aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""

static void test_bad_lines(void **state)
{
	bad_line("", "not JSON");
	bad_line("[]", "\"v\":1");
	bad_line("{\"v\":2,\"client\":{}}", "\"v\":1");
	bad_line("{\"v\":1}", "either \"node\" or \"client\"");
	bad_line("{\"v\":1,\"client\":{},\"node\":{}}", "either");
	bad_line("{\"v\":1,\"client\":{},\"extra\":1}", "either");
	bad_line("{\"v\":1,\"v\":1,\"client\":{}}", "duplicate");
	bad_line("{\"v\":1,\"client\":7}", "a client is not an object");
	bad_line("{\"v\":1,\"client\":{}}", "client ? lacks \"account\"");
	bad_line("{\"v\":1,\"client\":{\"account\":\"a\"," KEY33 "}}",
		 "client a lacks \"permissions\"");
	bad_line("{\"v\":1,\"client\":{\"account\":\"a\"," KEY33
		 ",\"permissions\":[\"prove\",\"prove\"]}}",
		 "bad value of \"permissions\"");
	bad_line("{\"v\":1,\"client\":{\"account\":\"a\"," KEY33
		 ",\"permissions\":[],\"key\":\"\"}}",
		 "unknown member \"key\"");
	bad_line("{\"v\":1,\"client\":{\"account\":\"a\"," KEY33
		 ",\"permissions\":[],\"rate_kib\":-1}}",
		 "bad value of \"rate_kib\"");
	bad_line("{\"v\":1,\"client\":{\"account\":\"a\"," KEY33
		 ",\"permissions\":[],\"sessions\":9}}",
		 "bad value of \"sessions\"");
	bad_line("{\"v\":1,\"client\":{\"account\":\"a\",\"session_key\":\"02\",\"permissions\":[]}"
		 "}",
		 "bad value of \"session_key\"");
	bad_line("{\"v\":1,\"client\":{\"account\":\"a\\u0000b\"," KEY33 ",\"permissions\":[]}}",
		 "not JSON");
	bad_line("{\"v\":1,\"node\":{\"account\":\"a\"}}", "node a lacks \"key\"");
}

static void fill(struct registry *r, unsigned n)
{
	char name[32];

	registry_init(r, "net");
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%c-%u", i % 2 ? 'c' : 'n', i);
		struct registry_entry e = make(name, i % 2 == 0);

		assert_int_equal(registry_add(r, &e, why), 0);
	}
}

static void same(const struct registry *a, const struct registry *b)
{
	assert_string_equal(a->network, b->network);
	assert_int_equal(a->count, b->count);
	for (unsigned i = 0; i < a->count; i++) {
		const struct registry_entry *other = registry_find(b, a->entries[i].account);

		assert_non_null(other);
		assert_memory_equal(&a->entries[i], other, sizeof(*other));
	}
}

static void test_file(void **state)
{
	struct sim_disk *sim = sim_disk_new(3);
	struct disk disk = disk_sim(sim);
	struct registry r, back;

	assert_int_equal(registry_load(&back, &disk, why), ASSAY_E_NOTFOUND);
	fill(&r, 21);
	assert_int_equal(registry_save(&r, &disk, why), 0);
	assert_int_equal(registry_load(&back, &disk, why), 0);
	same(&r, &back);
	registry_free(&back);
	/* A second save replaces it, a full disk leaves it as it was. */
	assert_int_equal(registry_remove(&r, "n-0", why), 0);
	assert_int_equal(registry_save(&r, &disk, why), 0);
	sim_disk_fail(sim, 1, SIM_WRITE, ASSAY_E_NOSPC);
	registry_remove(&r, "n-2", why);
	assert_int_equal(registry_save(&r, &disk, why), ASSAY_E_NOSPC);
	assert_non_null(strstr(why, "nothing was changed"));
	assert_int_equal(registry_load(&back, &disk, why), 0);
	assert_int_equal(back.count, 20);
	registry_free(&back);
	registry_free(&r);
	sim_disk_free(sim);
}

/* Power is lost before each operation of a save: the old file or the new one, never another. */
static void test_crash(void **state)
{
	struct registry old, new, back;
	unsigned whole = 0, kept = 0;

	fill(&old, 4);
	fill(&new, 6);
	for (unsigned at = 1; at < 12; at++) {
		struct sim_disk *sim = sim_disk_new(at);
		struct disk disk = disk_sim(sim);

		assert_int_equal(registry_save(&old, &disk, why), 0);
		sim_disk_stop_at(sim, at);
		bool saved = registry_save(&new, &disk, why) == 0;

		sim_disk_crash(sim);
		assert_int_equal(registry_load(&back, &disk, why), 0);
		assert_true(back.count == 4 || back.count == 6);
		assert_true(!saved || back.count == 6);
		same(back.count == 4 ? &old : &new, &back);
		kept += back.count == 4;
		whole += saved;
		registry_free(&back);
		/* What a dead writer left does not stop the next one. */
		assert_int_equal(registry_save(&new, &disk, why), 0);
		sim_disk_free(sim);
	}
	assert_true(whole > 0 && kept > 0);
	registry_free(&old);
	registry_free(&new);
}

static void test_bad_file(void **state)
{
	struct registry r;
	struct registry_entry e = make("a", false);
	char *text;
	json_t *entry = registry_entry_json(&e);
	json_t *file = json_pack("{s:i,s:s,s:[],s:[O,O]}", "v", 1, "network", "net", "nodes",
				 "clients", entry, entry);

	text = json_dumps(file, 0);
	assert_int_equal(registry_parse(&r, text, strlen(text), why), ASSAY_E_EXISTS);
	assert_string_equal(why, "a: account is already that of a");
	assert_int_equal(r.count, 0);
	assert_null(r.entries);
	free(text);
	json_object_set_new(file, "more", json_true());
	text = json_dumps(file, 0);
	assert_int_equal(registry_parse(&r, text, strlen(text), why), ASSAY_E_INVAL);
	free(text);
	json_decref(file);
	json_decref(entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_possession),    cmocka_unit_test(test_add),
		cmocka_unit_test(test_same_identity), cmocka_unit_test(test_line),
		cmocka_unit_test(test_bad_lines),     cmocka_unit_test(test_file),
		cmocka_unit_test(test_crash),	      cmocka_unit_test(test_bad_file),
	};

	rng = random_sim(&seed);
	digest_init();
	sign_init(&rng);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
