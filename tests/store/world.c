/* SPDX-License-Identifier: Apache-2.0 */
#include "store/world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/real.h"
#include "crypto/digest.h"

static void on_fatal(void *ctx)
{
	((struct world *)ctx)->fatal++;
}

static void common(struct world *w)
{
	digest_init();
	w->time = (struct sim_clock){1000000000, 5000000000};
	w->clock = clock_sim(&w->time);
	w->log = log_sim(&w->lines);
	w->config = (struct store_config){
		.disk = &w->disk,
		.clock = &w->clock,
		.log = &w->log,
		.grace = grace_immediate(),
		.memory = store_memory_heap(),
		.fatal = on_fatal,
		.fatal_ctx = w,
	};
}

void world_sim(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->sim = sim_disk_new(seed);
	w->disk = disk_sim(w->sim);
	common(w);
}

void world_real(struct world *w)
{
	memset(w, 0, sizeof(*w));
	strcpy(w->dir, "/tmp/assay-store-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(disk_real_open(&w->disk, w->dir), 0);
	common(w);
}

int world_open(struct world *w)
{
	return store_open(&w->store, &w->config);
}

void world_close(struct world *w)
{
	store_close(w->store);
	w->store = NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

void world_free(struct world *w)
{
	world_close(w);
	if (w->sim != NULL) {
		sim_disk_free(w->sim);
		return;
	}
	disk_real_close(&w->disk);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool world_logged(const struct world *w, const char *text)
{
	for (unsigned i = 0; i < 64; i++)
		if (strstr(w->lines.line[i], text) != NULL)
			return true;
	return false;
}

void file_bytes(uint64_t n, uint64_t at, uint8_t *out, size_t len)
{
	for (size_t done = 0, skip, count; done < len; done += count) {
		uint64_t word = ((at + done) / 8 + 1) * 0x9e3779b97f4a7c15u;

		word ^= n * 0xbf58476d1ce4e5b9u;
		word = (word ^ (word >> 29)) * 0x94d049bb133111ebu;
		word ^= word >> 32;
		skip = (at + done) % 8;
		count = 8 - skip < len - done ? 8 - skip : len - done;
		memcpy(out + done, (uint8_t *)&word + skip, count);
	}
}

void file_key(uint64_t n, uint64_t size, uint8_t key[32])
{
	uint8_t *data = malloc(size);

	assert_non_null(data);
	file_bytes(n, 0, data, size);
	digest_one(key, NULL, data, size);
	free(data);
}

struct file {
	uint64_t n, size, at;
};

/* Odd lengths, as a pipe gives them. */
static int64_t read_file(void *ctx, void *out, size_t len)
{
	struct file *f = ctx;
	size_t most = len > 70000 ? 70000 : len;

	if (most > f->size - f->at)
		most = f->size - f->at;
	file_bytes(f->n, f->at, out, most);
	f->at += most;
	return (int64_t)most;
}

int put_file(struct world *w, uint64_t n, uint64_t size, uint8_t key[32])
{
	struct file f = {n, size, 0};
	struct store_input input = {read_file, &f, size};

	return store_put(w->store, key, &input, NULL);
}

static int compare_file(void *ctx, const void *data, size_t len)
{
	struct file *f = ctx;
	uint8_t *wanted = malloc(len);

	assert_non_null(wanted);
	assert_true(f->at + len <= f->size);
	file_bytes(f->n, f->at, wanted, len);
	assert_memory_equal(wanted, data, len);
	f->at += len;
	free(wanted);
	return 0;
}

int get_file(struct world *w, uint64_t n, uint64_t size)
{
	struct file f = {n, size, 0};
	struct store_output output = {compare_file, &f};
	uint8_t key[32];

	file_key(n, size, key);
	int err = store_get(w->store, key, &output, NULL);

	if (err == 0)
		assert_true(f.at == size);
	return err;
}

struct counter {
	const struct world *world;
	const char *path;
	unsigned files;
};

static int count_name(void *arg, const char *name)
{
	struct counter *c = arg;
	const struct disk *d = &c->world->disk;
	char path[200];

	if (strcmp(name, "pushed") == 0 || strcmp(name, "placed") == 0)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", c->path, name);
	if (d->size_of(d->ctx, path) >= 0) {
		c->files++;
		return 0;
	}
	struct counter inner = {c->world, path, 0};

	assert_int_equal(d->list(d->ctx, path, count_name, &inner), 0);
	c->files += inner.files;
	return 0;
}

unsigned files_on_disk(const struct world *w)
{
	struct counter c = {w, "artifacts", 0};

	assert_int_equal(w->disk.list(w->disk.ctx, c.path, count_name, &c), 0);
	return c.files;
}

struct artifact *find(struct world *w, const uint8_t key[32])
{
	struct artifact_source source = store_source(w->store);
	struct artifact *found;

	source.find_many(source.ctx, &found, &key, 1);
	return found;
}

void job_of(struct job_room *room, struct artifact *a, const uint32_t *chunks, unsigned n)
{
	struct fetch_job *job = &room->job;

	memset(room, 0, sizeof(*room));
	job->artifact = a;
	job->data = room->data;
	job->values = room->values;
	job->hashes = room->hashes;
	job->chunk_count = n;
	memcpy(job->chunk, chunks, n * sizeof(chunks[0]));
	job->node_count = tree_hash_list(job->node, FETCH_HASHES_MAX, a->chunks, chunks, n);
	job->reason = ASSAY_R_MAX;
}

static void hold(void *ctx, void (*release)(void *pointer), void *pointer)
{
	struct held *h = ctx;

	assert_true(h->count < sizeof(h->entry) / sizeof(h->entry[0]));
	h->entry[h->count].release = release;
	h->entry[h->count++].pointer = pointer;
}

struct grace grace_held(struct held *h)
{
	h->count = 0;
	return (struct grace){hold, h};
}

void held_release(struct held *h)
{
	for (unsigned i = 0; i < h->count; i++)
		h->entry[i].release(h->entry[i].pointer);
	h->count = 0;
}
