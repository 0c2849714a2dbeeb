/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_pipeline_test [long]: real files into symbol files and back, with every kind of damage; ids
 * and texts against the deployed ones. `long` adds 10 MiB and 1 GiB.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/artifact.h"
#include "codec/pipeline.h"
#include "crypto/digest.h"
#include "raptorq/box.h"

static bool all;
static char top[40], directory[48], input[48], output[48];

static struct {
	unsigned count;
	char last[64], why[64];
} skips;

static void skipped(void *ctx, const char *name, const char *why)
{
	skips.count++;
	snprintf(skips.last, sizeof(skips.last), "%s", name);
	snprintf(skips.why, sizeof(skips.why), "%s", why);
}

static struct pipeline pipeline = {.skipped = skipped};

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	return fd;
}

static int encode(struct pipeline *p, const char *path, const char *folder)
{
	int in = open(path, O_RDONLY), to = open_folder(folder), e;

	assert_true(in >= 0);
	e = pipeline_encode(p, in, to);
	close(in);
	close(to);
	return e;
}

/* As assayctl does it: the file gets its name when it is right. */
static int rebuild(struct pipeline *p, const char *folder, const char *path, bool heal)
{
	char part[96];
	int from = open_folder(folder), out, e;

	snprintf(part, sizeof(part), "%s.part", path);
	out = open(part, O_RDWR | O_CREAT | O_TRUNC, 0666);
	assert_true(out >= 0);
	e = heal ? pipeline_heal(p, from, out) : pipeline_decode(p, from, out);
	close(out);
	close(from);
	assert_int_equal(e == 0 ? rename(part, path) : unlink(part), 0);
	return e;
}

static int decode(struct pipeline *p, const char *folder, const char *path)
{
	return rebuild(p, folder, path, false);
}

static int inspect(struct pipeline *p, struct pipeline_facts *f, const char *folder)
{
	int from = open_folder(folder), e = pipeline_inspect(p, f, from);

	close(from);
	return e;
}

static void shell(const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && %s", top, command);
	assert_int_equal(system(line), 0);
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void fresh(size_t len, uint64_t seed)
{
	uint8_t *data = malloc(len);

	shell("rm -rf d in out && mkdir d");
	box_fill(data, len, seed);
	write_file(input, data, len);
	free(data);
	memset(&skips, 0, sizeof(skips));
}

static void symbol_path(char *path, size_t room, uint32_t esi)
{
	char layout[128], text[BASE58_KEY_MAX];
	json_t *root;
	const json_t *block;

	snprintf(layout, sizeof(layout), "%s/layout.json", directory);
	root = json_load_file(layout, 0, NULL);
	block = json_array_get(json_object_get(root, "blocks"), 0);
	snprintf(text, sizeof(text), "%s",
		 json_string_value(json_array_get(json_object_get(block, "symbols"), esi)));
	snprintf(path, room, "%s/%s", directory, text);
	json_decref(root);
}

static void drop(uint32_t esi)
{
	char path[128];

	symbol_path(path, sizeof(path), esi);
	assert_int_equal(unlink(path), 0);
}

static void identical(void)
{
	shell("cmp in out && ! ls out.part* 2>/dev/null");
}

static void round_trips(void **state)
{
	static const size_t sizes[] = {1, 65527, 65528, 65529, 700001, 10 << 20, 1 << 30};
	size_t n = all ? 7 : 5;

	for (size_t i = 0; i < n; i++) {
		struct pipeline_facts f;
		uint32_t source, gone;

		fresh(sizes[i], i);
		pipeline.ratio = i == 6 ? 1 : 0;
		pipeline.memory_max = i == 4 ? 200000 : 0; /* many batches */
		assert_int_equal(encode(&pipeline, input, directory), 0);
		assert_int_equal(inspect(&pipeline, &f, directory), 0);
		assert_int_equal(f.length, sizes[i]);
		assert_int_equal(f.present, f.source + f.repair);
		source = f.source;
		assert_int_equal(decode(&pipeline, directory, output), 0);
		identical();
		gone = source > 4 ? source - source / 3 : source;
		for (uint32_t esi = 0; esi < gone && esi < 200; esi++)
			drop(esi);
		assert_int_equal(unlink(output), 0);
		assert_int_equal(decode(&pipeline, directory, output), 0);
		identical();
	}
	pipeline.ratio = 0;
	pipeline.memory_max = 0;
}

/* Truncated, flipped, foreign and doubled files are named and the rest still does. */
static void damage(void **state)
{
	struct pipeline_facts f;
	char path[128], command[512];

	fresh(500000, 9);
	assert_int_equal(encode(&pipeline, input, directory), 0);
	symbol_path(path, sizeof(path), 0);
	assert_int_equal(truncate(path, 1000), 0);
	assert_int_equal(decode(&pipeline, directory, output), 0);
	identical();
	assert_int_equal(skips.count, 1);
	assert_string_equal(skips.why, "has the wrong length");
	symbol_path(path, sizeof(path), 1);
	snprintf(command, sizeof(command),
		 "printf x | dd of=%s bs=1 seek=30000 conv=notrunc status=none", path);
	shell(command);
	snprintf(command, sizeof(command),
		 "cp %s d/copy && cp %s d/4xLhKQ8FY6v37UwHL4h7KSdrh84upqXGQfozRwnQjNch", path,
		 path);
	shell(command);
	assert_int_equal(inspect(&pipeline, &f, directory), 0);
	assert_int_equal(f.damaged, 2);
	assert_int_equal(f.foreign, 2);
	skips.count = 0;
	assert_int_equal(decode(&pipeline, directory, output), 0);
	identical();
	assert_int_equal(skips.count, 4);
}

static void too_few(void **state)
{
	fresh(300000, 10); /* 5 source symbols, 23 repair ones */
	assert_int_equal(encode(&pipeline, input, directory), 0);
	for (uint32_t esi = 2; esi < 26; esi++)
		drop(esi);
	assert_int_equal(decode(&pipeline, directory, output), ASSAY_E_NOTFOUND);
	assert_non_null(strstr(pipeline.message, "4 of 5, at least 1 more"));
	assert_int_not_equal(access(output, F_OK), 0);
	shell("! ls out.part* 2>/dev/null");
}

static void wrong_layout(void **state)
{
	char layout[128];

	fresh(300000, 11);
	assert_int_equal(encode(&pipeline, input, directory), 0);
	snprintf(layout, sizeof(layout), "%s/layout.json", directory);
	shell("sed -i 's/\"hash\":\"..../\"hash\":\"1111/' d/layout.json");
	assert_int_equal(decode(&pipeline, directory, output) < 0, 1);
	assert_int_not_equal(access(output, F_OK), 0);
	write_file(layout, "{\"blocks\":[]}", 13);
	assert_int_equal(decode(&pipeline, directory, output), ASSAY_E_INVAL);
	assert_non_null(strstr(pipeline.message, "no layout of one block"));
	shell("rm d/layout.json");
	assert_int_equal(decode(&pipeline, directory, output), ASSAY_E_NOTFOUND);
	fresh(300000, 11);
	write_file(input, "", 0);
	assert_int_equal(encode(&pipeline, input, directory), ASSAY_E_INVAL);
	assert_non_null(strstr(pipeline.message, "empty"));
}

static bool stop_at(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	int *left = ctx;

	assert_true(done <= total);
	return --*left < 0;
}

/* Interrupted anywhere, nothing half done has a final name. */
static void interruption(void **state)
{
	struct pipeline p = {.progress = stop_at, .memory_max = 200000};

	for (int n = 0; n < 40; n++) {
		int left = n, e;

		fresh(300000, 12);
		p.ctx = &left;
		e = encode(&p, input, directory);
		assert_true(e == 0 || e == ASSAY_E_CLOSED);
		shell("! ls d/*.part 2>/dev/null");
		if (e != 0) {
			assert_int_equal(decode(&pipeline, directory, output), ASSAY_E_NOTFOUND);
			continue;
		}
		drop(3);
		left = n % 10;
		e = decode(&p, directory, output);
		assert_int_equal(e == 0, access(output, F_OK) == 0);
		shell("! ls out.part* 2>/dev/null");
	}
}

/* Everything that was lost or spoilt is there again, octet by octet. */
static void healing(void **state)
{
	static const size_t memory[] = {0, 200000};

	for (int i = 0; i < 2; i++) {
		char path[128], command[512];
		struct pipeline p = pipeline;

		p.memory_max = memory[i]; /* all at once; three at a time */
		fresh(1300000, 20 + i);
		assert_int_equal(encode(&pipeline, input, directory), 0);
		shell("rm -rf whole && cp -r d whole");
		for (uint32_t esi = 0; esi < 110; esi += 1 + esi % 3)
			drop(esi);
		symbol_path(path, sizeof(path), 5);
		assert_int_equal(truncate(path, 10), 0);
		symbol_path(path, sizeof(path), 119);
		snprintf(command, sizeof(command),
			 "printf x | dd of=%s bs=1 seek=3000 conv=notrunc status=none", path);
		shell(command);
		skips.count = 0;
		assert_int_equal(rebuild(&p, directory, output, true), 0);
		assert_int_equal(skips.count, 2);
		identical();
		shell("diff -r d whole && rm out");
		/* once more, with nothing to do */
		assert_int_equal(rebuild(&p, directory, output, true), 0);
		identical();
		shell("diff -r d whole");
	}
}

static void healing_fails(void **state)
{
	fresh(300000, 22); /* 5 source symbols, 23 repair ones */
	assert_int_equal(encode(&pipeline, input, directory), 0);
	for (uint32_t esi = 1; esi < 25; esi++)
		drop(esi);
	assert_int_equal(rebuild(&pipeline, directory, output, true), ASSAY_E_NOTFOUND);
	assert_non_null(strstr(pipeline.message, "4 of 5, at least 1 more"));
	/* a symbol that the layout has wrong is noticed before it is written */
	fresh(300000, 22);
	assert_int_equal(encode(&pipeline, input, directory), 0);
	shell("sed -i "
	      "'s/,\"[^\",]*\"\\],\"hash/,\"4xLhKQ8FY6v37UwHL4h7KSdrh84upqXGQfozRwnQjNch\"],\"hash/"
	      "' "
	      "d/layout.json");
	assert_int_equal(rebuild(&pipeline, directory, output, true), ASSAY_E_CORRUPT);
	assert_non_null(strstr(pipeline.message, "rebuilt symbol 27"));
	assert_int_not_equal(access(output, F_OK), 0);
}

struct meddler {
	int calls, at;
	bool truncates;
};

/* Somebody changes the file while it is read. */
static bool meddle(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct meddler *m = ctx;
	char octet;
	int fd;

	if (m->calls++ != m->at)
		return false;
	fd = open(input, O_RDWR);
	assert_true(fd >= 0);
	if (m->truncates) {
		assert_int_equal(ftruncate(fd, 70000), 0);
	} else {
		assert_int_equal(pread(fd, &octet, 1, 12345), 1);
		octet ^= 1;
		assert_int_equal(pwrite(fd, &octet, 1, 12345), 1);
	}
	close(fd);
	return false;
}

/* Cut short or changed at any moment, a file is coded as it was or refused. */
static void changing_input(void **state)
{
	unsigned noticed = 0;

	for (int at = 0; at < 60; at++) {
		struct meddler m = {.at = at, .truncates = at % 2 != 0};
		struct pipeline p = {.progress = meddle, .ctx = &m, .memory_max = 500000};
		int e;

		fresh(400000, 23);
		e = encode(&p, input, directory);
		assert_true(e == 0 || e == ASSAY_E_CHANGED);
		if (e == 0)
			continue;
		noticed++;
		assert_non_null(strstr(p.message, m.truncates ? "shorter" : "changed"));
		shell("! ls d/layout.json 2>/dev/null");
	}
	assert_true(noticed > 5);
}

/* A full disk is told as such and leaves no half file. */
static void full_disk(void **state)
{

	fresh(400000, 13);
	assert_int_equal(encode(&pipeline, input, directory), 0);
	if (system("mkdir -p /tmp/assay-codec-full && mount -t tmpfs -o size=200k none "
		   "/tmp/assay-codec-full 2>/dev/null") != 0)
		skip(); /* not root */
	assert_int_equal(decode(&pipeline, directory, "/tmp/assay-codec-full/out"), ASSAY_E_NOSPC);
	assert_int_equal(encode(&pipeline, input, "/tmp/assay-codec-full"), ASSAY_E_NOSPC);
	assert_int_equal(system("! ls /tmp/assay-codec-full/*.part* 2>/dev/null; umount "
				"/tmp/assay-codec-full && rmdir /tmp/assay-codec-full"),
			 0);
}

static const char *text(const json_t *o, const char *name)
{
	assert_true(json_is_string(json_object_get(o, name)));
	return json_string_value(json_object_get(o, name));
}

/* Layout text and ids of files as the deployed network has them. */
static void deployed_layouts(void **state)
{
	json_t *cases = json_load_file(ARTIFACT_CASES, 0, NULL);
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(cases, "symbol_layout"), i, c)
	{
		size_t len = json_integer_value(json_object_get(c, "file_len")), got;
		unsigned mul = 0, add = 0;
		uint8_t *data = malloc(len);
		char path[128], *layout;
		FILE *f;

		assert_int_equal(
			sscanf(text(c, "file_content"), "byte i = (i*%u + %u)", &mul, &add), 2);
		shell("rm -rf d in out && mkdir d");
		for (size_t b = 0; b < len; b++)
			data[b] = b * mul + add;
		write_file(input, data, len);
		assert_int_equal(encode(&pipeline, input, directory), 0);
		snprintf(path, sizeof(path), "%s/layout.json", directory);
		layout = calloc(1, 1 << 16);
		f = fopen(path, "rb");
		got = fread(layout, 1, (1 << 16) - 1, f);
		fclose(f);
		assert_int_equal(got, strlen(text(c, "layout_json")));
		assert_string_equal(layout, text(c, "layout_json"));
		free(layout);
		free(data);
	}
	json_decref(cases);
}

/* Layout and index files with their ids; they change when the installed zstd packs differently. */
static void deployed_files(void **state)
{
	json_t *cases = json_load_file(ARTIFACT_CASES, 0, NULL);
	const json_t *c = json_array_get(json_object_get(cases, "artifact_ids"), 0);
	uint32_t ic = json_integer_value(json_object_get(c, "ic")),
		 max = json_integer_value(json_object_get(c, "max"));
	const char *signature = text(c, "layout_signature_b64");
	struct artifact_file files[16];
	char *body = malloc(1 << 16), id[BASE58_KEY_MAX], *index, *got, *got_signature;
	uint32_t counter;
	size_t len;

	sprintf(body, "%s.%s", text(c, "layout_b64"), signature);
	for (uint32_t i = 0; i < max; i++) {
		assert_int_equal(artifact_make(&files[i], body, ic + i), 0);
		base58_encode(id, sizeof(id), files[i].id, 32);
		assert_string_equal(
			id, json_string_value(json_array_get(json_object_get(c, "layout_ids"), i)));
		assert_int_equal(artifact_open(&got, &len, &got_signature, &counter, files[i].data,
					       files[i].len, 1 << 16),
				 0);
		assert_int_equal(counter, ic + i);
		assert_string_equal(got_signature, signature);
		assert_int_equal(artifact_open(&got, &len, &got_signature, &counter, files[i].data,
					       files[i].len - 1, 1 << 16) < 0,
				 1);
		assert_int_equal(artifact_open(&got, &len, &got_signature, &counter, files[i].data,
					       files[i].len, 10),
				 ASSAY_E_CORRUPT);
		free(got);
		free(got_signature);
	}
	uint8_t ids[16][32];

	for (uint32_t i = 0; i < max; i++)
		memcpy(ids[i], files[i].id, 32);
	index = artifact_index((const uint8_t(*)[32])ids, max, signature);
	assert_string_equal(index, text(c, "index_json"));
	for (uint32_t i = 0; i < max; i++) {
		artifact_free(&files[i]);
		assert_int_equal(
			artifact_make(&files[i], text(c, "index_signature_format"), ic + i), 0);
		base58_encode(id, sizeof(id), files[i].id, 32);
		assert_string_equal(
			id, json_string_value(json_array_get(json_object_get(c, "index_ids"), i)));
		artifact_free(&files[i]);
	}
	free(index);
	free(body);
	json_decref(cases);
}

static void data_hashes(void **state)
{
	json_t *cases = json_load_file(ARTIFACT_CASES, 0, NULL);
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(cases, "data_hash"), i, c)
	{
		uint8_t hash[32], *data;
		size_t len = json_integer_value(json_object_get(c, "len"));
		unsigned mul = json_integer_value(json_object_get(c, "mul")),
			 add = json_integer_value(json_object_get(c, "add"));
		const char *hex = json_string_value(json_object_get(c, "input_hex"));
		char *b64;

		len = hex != NULL ? strlen(hex) / 2 : len;
		data = malloc(len + 1);
		for (size_t b = 0; b < len; b++)
			data[b] = b * mul + add;
		if (hex != NULL)
			hex_decode(data, len, hex);
		digest_one(hash, NULL, data, len);
		b64 = artifact_base64(hash, sizeof(hash));
		assert_string_equal(b64, text(c, "hash_b64"));
		free(b64);
		free(data);
	}
	json_decref(cases);
}

static int make_top(void **state)
{
	/* what is short stays off the disk, whose other users a sync would wait for */
	snprintf(top, sizeof(top), "%s/assay-codec-XXXXXX",
		 !all && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(top));
	snprintf(directory, sizeof(directory), "%s/d", top);
	snprintf(input, sizeof(input), "%s/in", top);
	snprintf(output, sizeof(output), "%s/out", top);
	return 0;
}

static int remove_top(void **state)
{
	char line[64];

	snprintf(line, sizeof(line), "rm -rf %s", top);
	return system(line);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),	  cmocka_unit_test(damage),
		cmocka_unit_test(too_few),	  cmocka_unit_test(wrong_layout),
		cmocka_unit_test(interruption),	  cmocka_unit_test(healing),
		cmocka_unit_test(healing_fails),  cmocka_unit_test(changing_input),
		cmocka_unit_test(full_disk),	  cmocka_unit_test(deployed_layouts),
		cmocka_unit_test(deployed_files), cmocka_unit_test(data_hashes),
	};

	all = argc > 1 && strcmp(argv[1], "long") == 0;
	digest_init();
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
