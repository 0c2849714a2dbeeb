/* SPDX-License-Identifier: Apache-2.0 */
/* A responder without ports or disk for the stage bench: artifacts in memory, one registered
 * challenger. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "proof/serve.h"
#include "session.h"

struct world;

/* count artifacts of size bytes each with pseudo-random contents, and a session that is open. Ends
 * the program on failure. */
struct world *world_new(uint32_t count, uint64_t size);
struct serve *world_serve(struct world *w);
struct bench_session *world_session(struct world *w);
const struct bench_artifact *world_artifacts(const struct world *w);
/* Answers go to buffers that are used again and again; this many were sent so far, of so many
 * bytes. */
uint64_t world_sent(const struct world *w, uint64_t *bytes);
struct path world_path(void);

#endif
