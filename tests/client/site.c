/* SPDX-License-Identifier: Apache-2.0 */
#include "client/site.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"

void site_init(struct site *s, uint64_t seed, const struct sim_clock *time)
{
	*s = (struct site){.sim = sim_disk_new(seed), .random = seed + 1};
	s->disk = disk_sim(s->sim);
	s->log = log_sim(&s->lines);
	s->clock = clock_sim((struct sim_clock *)(uintptr_t)time);
	s->config = (struct store_config){.disk = &s->disk,
					  .clock = &s->clock,
					  .log = &s->log,
					  .grace = grace_immediate(),
					  .memory = store_memory_heap(),
					  .staging_bytes = 64 << 20};
	must(store_open(&s->store, &s->config) == 0);
}

void site_free(struct site *s)
{
	store_close(s->store);
	sim_disk_free(s->sim);
}

static void restart(struct site *s)
{
	store_close(s->store);
	must(store_open(&s->store, &s->config) == 0);
}

static void write_one(void *ctx, struct write_job *job)
{
	struct site *s = ctx;
	struct random random = random_sim(&s->random);

	if (++s->jobs == s->restart_at)
		restart(s);
	store_write(s->store, job);
	store_write_sweep(s->store);
	if (random_u64(&random) % 4 >= s->commits_late)
		store_commit(s->store);
	if (s->lie != NULL)
		s->lie(s, job);
}

void site_behind(struct site *s, struct world *w)
{
	w->writer = (struct world_writer){write_one, s};
}

void goods_bytes(const struct goods *g, uint64_t offset, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((offset + i) * (g->number * 2 + 1) + (offset + i) / 251);
}

static int read_goods(void *arg, uint64_t offset, void *out, size_t len)
{
	struct goods *g = arg;

	must(offset + len <= g->size);
	g->reads++;
	goods_bytes(g, offset, out, len);
	return 0;
}

static int tell_goods(void *arg, uint64_t done, uint64_t total)
{
	struct goods *g = arg;

	must(done <= total && total == g->size);
	g->told = done;
	return g->stop_at != 0 && done >= g->stop_at;
}

struct assay_push goods_push(struct goods *g)
{
	struct assay_push push = {
		.size = g->size, .read = read_goods, .progress = tell_goods, .arg = g};
	uint8_t *data = malloc(g->size);

	must(data != NULL);
	goods_bytes(g, 0, data, g->size);
	digest_one(push.key, NULL, data, g->size);
	free(data);
	return push;
}

struct compare {
	const struct goods *goods;
	uint64_t at;
	bool same;
};

static int compare(void *ctx, const void *data, size_t len)
{
	struct compare *c = ctx;
	uint8_t *want = malloc(len);

	must(want != NULL);
	goods_bytes(c->goods, c->at, want, len);
	c->same = c->same && memcmp(want, data, len) == 0;
	c->at += len;
	free(want);
	return 0;
}

bool site_has(struct site *s, const struct goods *g)
{
	struct goods copy = *g;
	struct assay_push push = goods_push(&copy);
	struct compare c = {g, 0, true};
	struct store_output output = {compare, &c};

	return store_get(s->store, push.key, &output, NULL) == 0 && c.same && c.at == g->size;
}
