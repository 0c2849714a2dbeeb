/* SPDX-License-Identifier: Apache-2.0 */
/* A store on a simulated disk behind the node of a scene, and artifacts to push to it. */
#ifndef TESTS_CLIENT_SITE_H
#define TESTS_CLIENT_SITE_H

#include "base/sim.h"
#include "client/wired.h"
#include "store/store.h"

struct site {
	struct sim_disk *sim;
	struct disk disk;
	struct sim_log lines;
	struct log log;
	struct clock clock;
	struct store_config config;
	struct store *store;
	uint64_t random;
	unsigned jobs;	     /* done so far */
	unsigned restart_at; /* this many jobs later the node has forgotten all transfers; 0: never
			      */
	unsigned commits_late; /* of 4 looks, how many find nothing committed yet */
	/* Changes an answer; NULL: none. */
	void (*lie)(struct site *s, struct write_job *job);
};

void site_init(struct site *s, uint64_t seed, const struct sim_clock *time);
void site_free(struct site *s);
/* The scene's node writes here. */
void site_behind(struct site *s, struct world *w);

/* An artifact of bytes that follow from its number, as the params of a push. */
struct goods {
	uint64_t number, size;
	unsigned reads;
	uint64_t told, stop_at; /* progress: the last, and where it cancels; 0: never */
};
struct assay_push goods_push(struct goods *g);
void goods_bytes(const struct goods *g, uint64_t offset, uint8_t *out, size_t len);
/* The site has exactly these bytes. */
bool site_has(struct site *s, const struct goods *g);

#endif
