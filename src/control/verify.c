/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures that control wants verified go to the workers; their verdicts come back as an event of
 * the loop. Before the node says that it is ready, the workers give a known answer: the code that
 * verifies batches is chosen for the processor it runs on, and nobody can have tried them all.
 */
#include <string.h>

#include "base/must.h"
#include "control/control.h"
#include "crypto/sign.h"

#define TEST_JOBS 24 /* enough to be summed, to fail, and to be taken apart */

static bool is_spoilt(unsigned i)
{
	return i % 11 == 5;
}

static void hear_right(void *arg, bool valid)
{
	struct verify_test *test = arg;

	test->waiting--;
	test->wrong += !valid;
}

static void hear_spoilt(void *arg, bool valid)
{
	hear_right(arg, !valid);
}

static void on_verdicts(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;

	c->app->plane.verified(c->app->plane.ctx);
}

static void make_jobs(struct verify_job jobs[TEST_JOBS], struct verify_test *test)
{
	static const uint8_t secret[32] = {[31] = 1}, aux[32];
	struct sign_key key;

	must(sign_key_from_secret(&key, secret) == 0);
	for (unsigned i = 0; i < TEST_JOBS; i++) {
		const struct sha256_part part = {&i, sizeof(i)};

		jobs[i] = (struct verify_job){.done = is_spoilt(i) ? hear_spoilt : hear_right,
					      .arg = test};
		memcpy(jobs[i].key, key.public, 32);
		sha256_tagged(jobs[i].digest, TAG_BATCH_SEAL, &part, 1);
		sign_tagged(jobs[i].signature, &key, TAG_BATCH_SEAL, &part, 1, aux);
		jobs[i].signature[40] ^= is_spoilt(i);
	}
}

int verify_start(struct control *c)
{
	const struct plane *plane = &c->app->plane;
	struct verify_job jobs[TEST_JOBS];

	c->verdicts = event_new(c->base, plane->verify_fd(plane->ctx), EV_READ | EV_PERSIST,
				on_verdicts, c);
	if (c->verdicts == NULL || event_add(c->verdicts, NULL) != 0)
		return ASSAY_E_NOMEM;
	make_jobs(jobs, &c->verify_test);
	c->verify_test.waiting = TEST_JOBS;
	must(plane->verify(plane->ctx, jobs, TEST_JOBS) == TEST_JOBS); /* nobody else began */
	return 0;
}
