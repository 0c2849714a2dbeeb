/* SPDX-License-Identifier: Apache-2.0 */
/* Key files: what is written is read, what others can read is refused, nothing is overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/client.h"
#include "assay/status.h"
#include "base/real.h"
#include "client/keys.h"
#include "crypto/sign.h"

static char folder[] = "/tmp/assay-keys-XXXXXX";
static char why[KEYS_WHY_MAX];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void test_round_trip(void **state)
{
	struct random random = random_real();
	struct keys keys, back;
	struct stat st;

	for (int node = 0; node < 2; node++) {
		const char *path = path_of(node ? "node.json" : "client.json");

		keys_generate(&keys, node, &random);
		assert_int_equal(keys_save(path, &keys, why), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(keys_load(&back, path, why), 0);
		assert_memory_equal(&keys, &back, sizeof(keys));
		assert_int_equal(keys_save(path, &keys, why), ASSAY_E_EXISTS);
		assert_non_null(strstr(why, "never overwritten"));
	}
}

static void test_distinct(void **state)
{
	struct random random = random_real();
	struct keys keys;

	keys_generate(&keys, true, &random);
	assert_true(secret_valid(keys.session) && secret_valid(keys.identity) &&
		    secret_valid(keys.encryption));
	assert_memory_not_equal(keys.session, keys.identity, 32);
	assert_memory_not_equal(keys.session, keys.encryption, 32);
	assert_memory_not_equal(keys.identity, keys.encryption, 32);
}

static void test_readable_by_others(void **state)
{
	static const mode_t modes[] = {0644, 0640, 0604, 0660, 0620, 0601};
	struct random random = random_real();
	struct keys keys, zero = {0};
	const char *path = path_of("open.json");

	keys_generate(&keys, false, &random);
	assert_int_equal(keys_save(path, &keys, why), 0);
	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_int_equal(keys_load(&keys, path, why), ASSAY_E_PERM);
		assert_non_null(strstr(why, "chmod 600"));
		assert_memory_equal(&keys, &zero, sizeof(keys));
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(keys_load(&keys, path, why), 0);
}

static void test_not_there(void **state)
{
	struct keys keys;

	assert_int_equal(keys_load(&keys, path_of("none.json"), why), ASSAY_E_NOTFOUND);
	assert_non_null(strstr(why, "none.json"));
	assert_int_equal(keys_load(&keys, folder, why), ASSAY_E_CORRUPT);
	assert_non_null(strstr(why, "not a regular file"));
	assert_int_equal(keys_save(path_of("no/such/folder.json"), &keys, why), ASSAY_E_NOTFOUND);
}

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define FFFF "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"{\"v\":2,\"session\":\"" ONES "\"}",
		"{\"session\":\"" ONES "\"}",
		"{\"v\":1}",
		"{\"v\":1,\"session\":\"11\"}",
		"{\"v\":1,\"session\":\"" ONES "1\"}",
		"{\"v\":1,\"session\":\"" FFFF "\"}",
		"{\"v\":1,\"session\":7}",
		"{\"v\":1,\"session\":\"" ONES "\",\"sessions\":1}",
		"{\"v\":1,\"session\":\"" ONES "\",\"session\":\"" ONES "\"}",
		"{\"v\":1,\"session\":\"" ONES "\",\"identity\":\"" ONES "\"}",
		"{\"v\":1,\"session\":\"" ONES "\"} more",
	};
	struct keys keys;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("bad.json", texts[i], 0600);
		why[0] = '\0';
		assert_int_equal(keys_load(&keys, path_of("bad.json"), why), ASSAY_E_CORRUPT);
		assert_non_null(strstr(why, "bad.json"));
		/* No secret of the file in a message that ends in a log. */
		assert_null(strstr(why, ONES));
	}
}

static void test_too_long(void **state)
{
	char text[6000];
	struct keys keys;

	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	put("long.json", text, 0600);
	assert_int_equal(keys_load(&keys, path_of("long.json"), why), ASSAY_E_CORRUPT);
	assert_non_null(strstr(why, "not a key file"));
}

static void test_client_call(void **state)
{
	uint8_t secret[32];
	char text[300] = "";

	put("one.json", "{\"v\":1,\"session\":\"" ONES "\"}", 0600);
	assert_int_equal(assay_client_key(secret, path_of("one.json"), text, sizeof(text)), 0);
	assert_int_equal(secret[31], 0x11);
	put("one.json", "{\"v\":1,\"session\":\"" ONES "\"}", 0644);
	assert_int_equal(assay_client_key(secret, path_of("one.json"), text, sizeof(text)),
			 ASSAY_E_PERM);
	assert_non_null(strstr(text, "chmod 600"));
}

static int setup(void **state)
{
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"node.json", "client.json", "open.json",
					    "bad.json",	 "long.json",	"one.json"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	   cmocka_unit_test(test_distinct),
		cmocka_unit_test(test_readable_by_others), cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_malformed),	   cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_client_call),
	};

	assay_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
