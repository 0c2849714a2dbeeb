/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share: a store on a real or a simulated disk, files made of a number,
 * and a grace period that the test itself ends. */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sim.h"
#include "store/store.h"

struct world {
	struct disk disk;
	struct sim_disk *sim; /* NULL: a real directory */
	char dir[64];
	struct sim_clock time;
	struct clock clock;
	struct sim_log lines;
	struct log log;
	struct store_config config;
	struct store *store;
	unsigned fatal; /* failed syncs */
};

void world_sim(struct world *w, uint64_t seed);
void world_real(struct world *w);
int world_open(struct world *w);
void world_close(struct world *w); /* the store only */
void world_free(struct world *w);
/* True when some log line has that text. */
bool world_logged(const struct world *w, const char *text);

/* Bytes of file number n of a size, from at on. */
void file_bytes(uint64_t n, uint64_t at, uint8_t *out, size_t len);
void file_key(uint64_t n, uint64_t size, uint8_t key[32]);
/* Puts file number n. */
int put_file(struct world *w, uint64_t n, uint64_t size, uint8_t key[32]);
/* Gets it and compares; the number of bytes that came out is right, or fails. */
int get_file(struct world *w, uint64_t n, uint64_t size);
/* Files in artifacts/, with temporary ones, without marks. */
unsigned files_on_disk(const struct world *w);

/* Cold reads without a worker. */
struct job_room {
	struct fetch_job job;
	uint8_t data[FETCH_CHUNKS_MAX * 1024];
	uint8_t values[FETCH_CHUNKS_MAX * 32];
	uint8_t hashes[FETCH_HASHES_MAX * 32];
};
/* The record of a key, as a worker finds it. */
struct artifact *find(struct world *w, const uint8_t key[32]);
void job_of(struct job_room *room, struct artifact *a, const uint32_t *chunks, unsigned n);

/* Deferred releases wait until the test lets them go. */
struct held {
	struct {
		void (*release)(void *pointer);
		void *pointer;
	} entry[256];
	unsigned count;
};
struct grace grace_held(struct held *h);
void held_release(struct held *h);

#endif
