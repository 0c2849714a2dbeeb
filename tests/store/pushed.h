/* SPDX-License-Identifier: Apache-2.0 */
/* Files of world.h as a peer pushes them: the requests of a transfer, one by one. */
#ifndef TESTS_STORE_PUSHED_H
#define TESTS_STORE_PUSHED_H

#include "assay/status.h"
#include "store/world.h"

struct pushed {
	struct world *world;
	uint32_t account, session;
	struct write_job job; /* the last request and its answer */
};

/* Each returns the reason of the answer, whose status is in job.status. */
enum assay_reason push_open(struct pushed *p, uint64_t n, uint64_t size);
enum assay_reason push_chunk(struct pushed *p, uint32_t transfer, uint64_t n, uint64_t size,
			     uint32_t chunk);
enum assay_reason push_commit(struct pushed *p, uint32_t transfer);
/* All of it in order, committed, and what the store's owner says; the state of the transfer. */
enum write_state push_file(struct pushed *p, uint64_t n, uint64_t size);

#endif
