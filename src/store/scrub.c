/* SPDX-License-Identifier: Apache-2.0 */
#include "assay/status.h"
#include "store/store_impl.h"

/* A pass is over when every artifact was checked; the next begins with the next check. */
static void begin_pass(struct store *s)
{
	if (s->stats.scrub_left > 0)
		return;
	s->pass++;
	pthread_mutex_lock(&s->lock);
	s->stats.scrub_left = s->sorted_count;
	pthread_mutex_unlock(&s->lock);
}

int store_scrub_one(struct store *s, uint64_t max_age_ns)
{
	struct record *r = s->oldest;
	uint64_t now = clock_mono(s->config.clock);
	int err;

	record_sweep(s);
	if (r == NULL || s->failed)
		return 0;
	if (r->checked && now - r->checked_mono_ns <= max_age_ns)
		return 0;
	begin_pass(s);
	err = check_record(s, r, NULL);
	if (err != 0 && err != ASSAY_E_CORRUPT)
		return err;
	pthread_mutex_lock(&s->lock);
	s->stats.scrubbed++;
	s->stats.scrub_bytes += r->artifact.size;
	pthread_mutex_unlock(&s->lock);
	return 1;
}
