/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staging folders: what a manifest is and what is none, and that nothing but folders of ops goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "codec/files.h"
#include "control/heal_stage.h"

#define OP 42

static char dir[64], root[96];

static int setup(void **state)
{
	strcpy(dir, "/tmp/assay-stage-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(root, sizeof(root), "%s/heal-staging", dir);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	return 0;
}

static struct manifest made(void)
{
	struct manifest m = {.ticket = "a-ticket", .id_files = 8};
	const char *why;
	char *hash;

	assert_int_equal(layout_init(&m.layout, &why, 300000, 5), 0);
	for (uint32_t i = 0; i < m.layout.symbols; i++)
		memset(m.layout.ids[i], (int)(7 * i + 3) & 0xff, 32);
	memset(m.layout.hash, 0x5a, 32);
	hash = artifact_base64(m.layout.hash, 32);
	strcpy(m.hash, hash);
	free(hash);
	return m;
}

static void write_it(void)
{
	struct manifest m = made();
	struct pipeline p = {.pool = NULL};

	assert_int_equal(manifest_write(&p, &m, root, OP), 0);
	manifest_free(&m);
}

static bool exists(const char *name)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return lstat(path, &st) == 0;
}

static void touch(const char *name, const char *text)
{
	char path[200];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void test_round(void **state)
{
	struct manifest want = made(), got;
	const char *why;

	assert_int_equal(stage_make(root, OP), 0);
	assert_int_equal(manifest_read(&got, &why, root, OP), ASSAY_E_NOTFOUND);
	write_it();
	assert_int_equal(manifest_read(&got, &why, root, OP), 0);
	assert_string_equal(got.ticket, want.ticket);
	assert_string_equal(got.hash, want.hash);
	assert_int_equal(got.id_files, 8);
	assert_int_equal(got.layout.symbols, want.layout.symbols);
	assert_memory_equal(got.layout.ids, want.layout.ids, want.layout.symbols * 32);
	manifest_free(&got);
	manifest_free(&want);
	assert_false(exists("42/manifest.json.part"));
}

/* --- damage --- */

static json_t *as_json(void)
{
	struct manifest m = made();
	char *text;
	size_t len;
	json_t *json;

	assert_int_equal(manifest_text(&text, &len, &m), 0);
	json = json_loadb(text, len, 0, NULL);
	free(text);
	manifest_free(&m);
	return json;
}

static int parse(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	struct manifest m;
	const char *why;
	int error = manifest_parse(&m, &why, text, strlen(text));

	free(text);
	if (error == 0)
		manifest_free(&m);
	else
		assert_true(strlen(why) > 0);
	return error;
}

static void expect_refused(const char *member, json_t *value)
{
	json_t *json = as_json();

	if (value != NULL)
		json_object_set_new(json, member, value);
	else
		json_object_del(json, member);
	if (parse(json) == 0)
		fail_msg("%s is taken", member);
	json_decref(json);
}

static json_t *changed_list(const char *member, size_t at, json_t *value)
{
	json_t *json = as_json(), *list = json_incref(json_object_get(json, member));

	if (value == NULL)
		json_array_remove(list, at);
	else
		json_array_set_new(list, at, value);
	json_decref(json);
	return list;
}

static void test_damaged(void **state)
{
	static const char *const members[] = {
		"action_id",	     "layout",		 "id_files", "symbol_keys", "symbols_dir",
		"reconstructed_rel", "manifest_hash_b64"};
	json_t *json = as_json(), *twice;

	assert_int_equal(parse(json), 0);
	json_decref(json);
	for (unsigned i = 0; i < 7; i++) {
		expect_refused(members[i], NULL);
		expect_refused(members[i], json_integer(5));
		expect_refused(members[i], json_string("x y"));
		expect_refused(members[i], json_array());
	}
	expect_refused("more", json_integer(1));
	expect_refused("symbols_dir", json_string("../../etc"));
	expect_refused("symbols_dir", json_string("/symbols/block_0"));
	expect_refused("reconstructed_rel", json_string("../reconstructed.bin"));
	expect_refused("id_files", changed_list("id_files", 3, json_string("idfile_00004.bin")));
	expect_refused("id_files", changed_list("id_files", 7, NULL));
	expect_refused("symbol_keys", changed_list("symbol_keys", 0, NULL));
	twice = as_json();
	expect_refused("symbol_keys",
		       changed_list("symbol_keys", 1,
				    json_incref(json_array_get(
					    json_object_get(twice, "symbol_keys"), 0))));
	json_decref(twice);
	/* Another file's hash. */
	expect_refused("manifest_hash_b64",
		       json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
}

/* Half of it, however much. */
static void test_cut(void **state)
{
	struct manifest m = made(), got;
	const char *why;
	char *text;
	size_t len;

	assert_int_equal(manifest_text(&text, &len, &m), 0);
	for (size_t n = 0; n < len; n++)
		assert_int_not_equal(manifest_parse(&got, &why, text, n), 0);
	free(text);
	manifest_free(&m);
	/* And as a file. */
	assert_int_equal(stage_make(root, OP), 0);
	touch("42/manifest.json", "{\"action_id\":\"a-ti");
	assert_int_equal(manifest_read(&got, &why, root, OP), ASSAY_E_NOTFOUND);
	touch("42/manifest.json", "");
	assert_int_equal(manifest_read(&got, &why, root, OP), ASSAY_E_NOTFOUND);
}

/* --- sweeping --- */

struct asked {
	unsigned n;
	uint64_t kept; /* sum of the ops */
};

static bool keep_odd(void *arg, uint64_t op)
{
	struct asked *asked = arg;

	asked->n++;
	asked->kept += op % 2 == 1 ? op : 0;
	return op % 2 == 1;
}

static void make(uint64_t op, const char *name)
{
	char path[64];

	assert_int_equal(stage_make(root, op), 0);
	snprintf(path, sizeof(path), "%lu/%s", op, name);
	touch(path, "bytes");
}

/* Whatever a crash has left of an op that nobody knows goes, and nothing else. */
static void test_sweep(void **state)
{
	static const char *const others[] = {"notes", "12x", "-4", "18446744073709551616", "0x10"};
	char path[200];
	struct asked asked = {0, 0};

	assert_int_equal(stage_sweep(root, keep_odd, &asked), 0);
	assert_int_equal(asked.n, 0);
	make(2, "symbols/block_0/half.part");
	make(4, "manifest.json");
	make(7, "manifest.json");
	make(18446744073709551614u, "id_files/idfile_00000.bin");
	make(18446744073709551615u, "reconstructed.bin");
	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", root, others[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof(path), "%s/007", root); /* no row names that */
	assert_int_equal(mkdir(path, 0700), 0);
	touch("6", "a file");
	touch("victim", "must stay");
	snprintf(path, sizeof(path), "%s/8", root);
	assert_int_equal(symlink("notes", path), 0);
	/* A link in a folder of an op: it goes, what it leads to stays. */
	snprintf(path, sizeof(path), "%s/2/symbols/link", root);
	assert_int_equal(symlink("../../victim", path), 0);
	snprintf(path, sizeof(path), "%s/2/symbols/folder", root);
	assert_int_equal(symlink("../../notes", path), 0);
	touch("notes/kept", "must stay");
	assert_int_equal(stage_sweep(root, keep_odd, &asked), 0);
	assert_int_equal(asked.n, 5);
	assert_int_equal(asked.kept, 7 + 18446744073709551615u);
	assert_false(exists("2"));
	assert_false(exists("4"));
	assert_false(exists("007"));
	assert_false(exists("18446744073709551614"));
	assert_true(exists("7/manifest.json"));
	assert_true(exists("18446744073709551615/reconstructed.bin"));
	for (unsigned i = 0; i < 5; i++)
		assert_true(exists(others[i]));
	assert_true(exists("6") && exists("8") && exists("victim") && exists("notes/kept"));
}

static bool after_some(const void *ctx)
{
	return --*(int *)(uintptr_t)ctx < 0;
}

/* Stopped in the middle, it is not staged any more, and the next call removes the rest. */
static void test_remove(void **state)
{
	struct manifest got;
	const char *why;
	int left = 3;

	assert_int_equal(stage_remove(root, OP, NULL, NULL), 0);
	assert_int_equal(stage_make(root, OP), 0);
	write_it();
	for (unsigned i = 0; i < 20; i++) {
		char name[64];

		snprintf(name, sizeof(name), "42/symbols/block_0/s%u", i);
		touch(name, "x");
	}
	assert_int_equal(stage_remove(root, OP, after_some, &left), ASSAY_E_CLOSED);
	assert_int_equal(manifest_read(&got, &why, root, OP), ASSAY_E_NOTFOUND);
	assert_true(exists("42"));
	assert_int_equal(stage_remove(root, OP, NULL, NULL), 0);
	assert_false(exists("42"));
	assert_true(exists(""));
}

/* Never anywhere but below the root: the working directory least of all. */
static void test_where(void **state)
{
	char path[100];

	stage_path(path, sizeof(path), root, OP, "");
	assert_int_equal(strncmp(path, root, strlen(root)), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(stage_make(root, OP), 0);
	assert_int_equal(access("/heal-staging", F_OK), -1);
	assert_int_equal(access("/42", F_OK), -1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_round), T(test_damaged), T(test_cut),
		T(test_sweep), T(test_remove),	T(test_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
