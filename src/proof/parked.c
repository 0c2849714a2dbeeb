/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for artifacts that are not in memory wait here, each in a fixed slot with room for all
 * that the fetch role brings. Serving goes on meanwhile. The pool is reserved at start; the kernel
 * gives memory to slots that are used, and the last one freed is the next one taken.
 */
#include <sys/mman.h>

#include "proof/serve_int.h"

bool parked_start(struct serve *s)
{
	void *pool = mmap(NULL, sizeof(struct parked) * SERVE_PARKED_MAX, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pool == MAP_FAILED)
		return false;
	s->parked = pool;
	for (unsigned i = 0; i < SERVE_PARKED_MAX; i++)
		s->parked_free[i] = (uint16_t)(SERVE_PARKED_MAX - 1 - i);
	s->parked_free_count = SERVE_PARKED_MAX;
	return true;
}

void parked_stop(struct serve *s)
{
	if (s->parked != NULL)
		munmap(s->parked, sizeof(struct parked) * SERVE_PARKED_MAX);
}

static unsigned parked_slot(const struct serve *s, const struct parked *p)
{
	return (unsigned)(p - s->parked);
}

static void parked_free(struct serve *s, struct parked *p)
{
	s->parked_free[s->parked_free_count++] = (uint16_t)parked_slot(s, p);
}

static void parked_wait(struct serve *s, unsigned slot, bool waits)
{
	uint64_t bit = 1ull << (slot % 64);

	s->parked_bits[slot / 64] =
		waits ? s->parked_bits[slot / 64] | bit : s->parked_bits[slot / 64] & ~bit;
}

static void parked_job(struct serve *s, struct parked *p, struct artifact *artifact)
{
	struct work *w = &p->work;

	if (!p->read)
		w->touched_count = tree_touched(w->touched, w->offset, w->k, w->length);
	p->job.artifact = artifact;
	p->job.chunk_count = w->touched_count;
	memcpy(p->job.chunk, w->touched, w->touched_count * sizeof(w->touched[0]));
	p->job.node_count = tree_hash_list(p->job.node, FETCH_HASHES_MAX, w->chunks, w->touched,
					   w->touched_count);
	p->job.reason = ASSAY_R_NONE;
	p->job.worker = (uint16_t)s->config.worker;
	p->job.owner = parked_slot(s, p);
	p->job.data = p->data;
	p->job.values = p->values;
	p->job.hashes = p->hashes;
	w->data = p->data;
	w->values = p->values;
	w->hashes = p->hashes;
	w->node = p->job.node;
	w->node_count = w->tree ? p->job.node_count : 0;
}

enum assay_reason park(struct serve *s, const struct work *w, struct artifact *artifact, bool read)
{
	struct parked *p;

	if (w->session->parked >= PARKED_SESSION_MAX || s->parked_free_count == 0)
		return ASSAY_R_BUSY;
	p = &s->parked[s->parked_free[--s->parked_free_count]];
	p->work = *w;
	p->path = *w->path;
	p->work.path = &p->path;
	p->index = w->session->index;
	p->read = read;
	p->late = false;
	p->deadline_ns = s->now + LATE_NS;
	parked_job(s, p, artifact);
	atomic_fetch_add(&artifact->pins, 1);
	if (!s->config.io.fetch(s->config.io.ctx, &p->job)) {
		atomic_fetch_sub(&artifact->pins, 1);
		parked_free(s, p);
		return ASSAY_R_BUSY;
	}
	parked_wait(s, parked_slot(s, p), true);
	w->session->parked++;
	count(&s->counters.cold, 1);
	return ASSAY_R_NONE;
}

/* It no longer waits; false when its session ended meanwhile. */
static bool parked_wake(struct serve *s, struct parked *p)
{
	parked_wait(s, parked_slot(s, p), false);
	p->work.session = session_find(s, p->index);
	if (p->work.session == NULL) {
		drop(s, ASSAY_R_SESSION);
		return false;
	}
	p->work.session->parked--;
	return true;
}

void parked_fetched(struct serve *s, struct fetch_job *job)
{
	struct parked *p = &s->parked[job->owner];
	enum assay_reason reason = job->reason;
	bool wanted;

	must(&p->job == job);
	wanted = !p->late && parked_wake(s, p);
	if (wanted && reason == ASSAY_R_NONE)
		reason = read_allowed(s, p->work.session, job->artifact, job->artifact->key,
				      p->work.grant);
	atomic_fetch_sub(&job->artifact->pins, 1);
	if (!wanted) {
		parked_free(s, p);
	} else if (reason != ASSAY_R_NONE) {
		work_refuse(s, &p->work, reason, 0);
		parked_free(s, p);
	} else if (p->read) {
		unsigned at = (s->fetched_head + s->fetched_count++) % SERVE_PARKED_MAX;

		s->fetched[at] = (uint16_t)parked_slot(s, p);
	} else {
		prove_run(s, &p->work, 1);
		parked_free(s, p);
	}
}

struct parked *parked_next(struct serve *s)
{
	while (s->fetched_count > 0) {
		struct parked *p = &s->parked[s->fetched[s->fetched_head]];

		p->work.session = session_find(s, p->index);
		if (p->work.session != NULL)
			return p;
		drop(s, ASSAY_R_SESSION);
		parked_done(s);
	}
	return NULL;
}

void parked_done(struct serve *s)
{
	parked_free(s, &s->parked[s->fetched[s->fetched_head]]);
	s->fetched_head = (s->fetched_head + 1) % SERVE_PARKED_MAX;
	s->fetched_count--;
}

/* The slot stays taken until the job is back: the fetch role still writes into it. */
static void parked_late(struct serve *s, struct parked *p)
{
	p->late = true;
	if (parked_wake(s, p))
		work_refuse(s, &p->work, ASSAY_R_LATE, 0);
}

void parked_sweep(struct serve *s)
{
	if (s->now - s->parked_swept_ns < 10 * NS_PER_MS)
		return;
	s->parked_swept_ns = s->now;
	for (unsigned word = 0; word < SERVE_PARKED_MAX / 64; word++)
		for (uint64_t bits = s->parked_bits[word]; bits != 0; bits &= bits - 1) {
			struct parked *p = &s->parked[word * 64 + (unsigned)__builtin_ctzll(bits)];

			if (s->now >= p->deadline_ns)
				parked_late(s, p);
		}
}
