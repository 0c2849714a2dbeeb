/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever lies in the folder of the artifacts: names, contents, outboards of any length. The store
 * opens, and whatever it gives out matches the key that was asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/bytes.h"
#include "base/must.h"
#include "base/sim.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "store/store.h"

#define FILES_MAX   5
#define CONTENT_MAX 5000
#define LIST_MAX    32

static struct sim_clock time_now = {1000, 1000};
static struct sim_log lines;

static void add_file(const struct disk *d, const char *folder, const char *name, const void *data,
		     size_t len)
{
	char path[128];

	d->make_dir(d->ctx, "artifacts");
	snprintf(path, sizeof(path), "artifacts/%s", folder);
	d->make_dir(d->ctx, path);
	snprintf(path, sizeof(path), "artifacts/%s/%.90s", folder, name);
	int file = d->open(d->ctx, path, DISK_CREATE);

	if (file < 0)
		return;
	d->write(d->ctx, file, data, len, 0);
	d->close(d->ctx, file);
}

/* A few bytes of input make some content, of one chunk or of several. */
static size_t content(struct reader *r, uint8_t out[CONTENT_MAX])
{
	size_t len = read_u16le(r) % (CONTENT_MAX + 1);
	uint8_t fill = read_u8(r);

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(fill + i / 7);
	return len;
}

static void name_of(struct reader *r, char *out, size_t room)
{
	size_t len = read_u8(r) % room;
	const uint8_t *p = read_bytes(r, len);

	for (size_t i = 0; i < len; i++)
		out[i] = p == NULL || p[i] == '/' || p[i] == 0 ? 'a' : (char)p[i];
	out[len] = '\0';
}

static void flip_one(struct reader *r, uint8_t *data, size_t len)
{
	uint16_t at = read_u16le(r);

	if (len > 0)
		data[at % len] ^= (uint8_t)(1 + read_u8(r) % 255);
}

/* One more file; key is that of the artifact before. */
static void build_file(struct reader *r, const struct disk *d, uint8_t key[32])
{
	static uint8_t data[CONTENT_MAX], outboard[1024];
	uint8_t kind = read_u8(r);
	size_t len = content(r, data);
	char name[80], folder[8];

	if (kind % 8 <= 2) /* an artifact: whole, or with a byte changed */
		digest_one(key, NULL, data, len);
	hex_encode(name, key, 32);
	memcpy(folder, name, 2);
	folder[2] = '\0';
	switch (kind % 8) {
	case 1:
		flip_one(r, data, len);
		break;
	case 3: /* its outboard, with a byte changed */
	case 4: /* or cut, or too long */
		if (len == 0)
			return;
		tree_build(outboard, data, len);
		len = tree_outboard_len(tree_chunks(len));
		if (kind % 8 == 3)
			flip_one(r, outboard, len);
		else
			len = read_u16le(r) % sizeof(outboard);
		memcpy(data, outboard, len);
		strcat(name, ".tree");
		break;
	case 5:
		name_of(r, name, sizeof(name));
		break;
	case 6:
		strcpy(folder, "tmp");
		break;
	case 7:
		name_of(r, folder, sizeof(folder));
		if (folder[0] == '\0')
			return;
		break;
	}
	if (name[0] != '\0')
		add_file(d, folder, name, data, len);
}

struct got {
	uint8_t data[CONTENT_MAX];
	size_t len;
};

static int keep(void *ctx, const void *data, size_t len)
{
	struct got *g = ctx;

	must(g->len + len <= sizeof(g->data));
	memcpy(g->data + g->len, data, len);
	g->len += len;
	return 0;
}

static void read_cold(struct store *s, struct store_reader *reader, const uint8_t key[32])
{
	static uint8_t data[FETCH_CHUNKS_MAX * 1024], values[FETCH_CHUNKS_MAX * 32],
		hashes[FETCH_HASHES_MAX * 32];
	static struct fetch_job job;
	struct fetch_job *jobs = &job;
	struct artifact_source source = store_source(s);
	struct artifact *a;

	source.find_many(source.ctx, &a, &key, 1);
	must(a != NULL);
	job = (struct fetch_job){.artifact = a, .data = data, .values = values, .hashes = hashes};
	job.chunk_count = 1;
	job.chunk[0] = a->chunks / 2;
	job.node_count = tree_hash_list(job.node, FETCH_HASHES_MAX, a->chunks, job.chunk, 1);
	store_read_cold(reader, &jobs, 1);
	if (job.reason != ASSAY_R_NONE)
		return;
	tree_chunk_value(values, data, tree_chunk_len(a->size, job.chunk[0]), job.chunk[0],
			 a->chunks == 1);
	must(tree_verify(key, a->chunks, job.chunk, 1, values, hashes, job.node_count));
}

/* True when it came out; then it is what the key says. */
static bool get_one(struct store *s, const uint8_t key[32])
{
	static struct got got;
	struct store_output output = {keep, &got};
	uint8_t digest[32];

	got.len = 0;
	if (store_get(s, key, &output, NULL) != 0)
		return false;
	digest_one(digest, NULL, got.data, got.len);
	must(memcmp(digest, key, 32) == 0);
	return true;
}

static void check_one(struct store *s, struct store_reader *reader, const uint8_t key[32])
{
	read_cold(s, reader, key);
	bool before = get_one(s, key);
	int verdict = store_verify(s, key, NULL);

	must(verdict == 0 || verdict == ASSAY_E_CORRUPT);
	must(!before || verdict == 0);
	must(get_one(s, key) == (verdict == 0));
	read_cold(s, reader, key);
}

static void use_store(struct store *s)
{
	struct artifact_info info[LIST_MAX];
	struct store_stats stats;
	struct store_reader *reader;
	unsigned n = store_list(s, NULL, info, LIST_MAX), rot = 0;

	must(store_reader_new(&reader, s) == 0);
	for (unsigned i = 0; i < n; i++)
		check_one(s, reader, info[i].key);
	while (store_scrub_one(s, 1) > 0)
		;
	store_reader_free(reader);
	store_stats(s, &stats);
	must(stats.artifacts == n && stats.scrub_left == 0);
	n = store_list(s, NULL, info, LIST_MAX);
	for (unsigned i = 0; i < n; i++)
		rot += info[i].state == ARTIFACT_ROT;
	must(stats.rot == rot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reader r = reader_of(data, len);
	struct sim_disk *sim = sim_disk_new(1);
	struct disk disk = disk_sim(sim);
	struct clock clock = clock_sim(&time_now);
	struct log log = log_sim(&lines);
	struct store_config config = {
		.disk = &disk,
		.clock = &clock,
		.log = &log,
		.grace = grace_immediate(),
		.memory = store_memory_heap(),
		.resident_max = len % 2 == 0 ? 100000 : 0,
	};
	struct store *s;
	uint8_t key[32] = {0};

	digest_init();
	for (unsigned i = 0; i < FILES_MAX && r.left > 0 && !r.bad; i++)
		build_file(&r, &disk, key);
	for (unsigned i = 0; i < 2 && store_open(&s, &config) == 0; i++) {
		use_store(s);
		store_close(s);
	}
	sim_disk_free(sim);
	return 0;
}
