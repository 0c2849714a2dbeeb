/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures round the rings: threads that submit, workers that verify, one thread that collects.
 * Also what ThreadSanitizer looks at. No EAL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "base/real.h"
#include "crypto/sign.h"
#include "dpdk/verify.h"

#define SUBMITTERS 3
#define WORKERS	   2
#define EACH	   (VERIFY_SLOTS / 2) /* of a submitter: more than there are slots in all */
#define CASES	   8		      /* the odd ones are bad */

static struct verify_desk *desk;
static struct verify_job cases[CASES];
static _Atomic bool stop;
static _Atomic unsigned wakes;
static unsigned heard[SUBMITTERS * EACH], wrong; /* the collecting thread's */

static void make_cases(void)
{
	static const uint8_t secret[32] = {[31] = 7}, aux[32];
	struct sign_key key;

	assert_int_equal(sign_key_from_secret(&key, secret), 0);
	for (unsigned i = 0; i < CASES; i++) {
		const struct sha256_part part = {&i, sizeof(i)};

		sha256_tagged(cases[i].digest, TAG_BATCH_SEAL, &part, 1);
		sign_tagged(cases[i].signature, &key, TAG_BATCH_SEAL, &part, 1, aux);
		memcpy(cases[i].key, key.public, 32);
		cases[i].signature[10] ^= i % 2;
		cases[i].known = i % 4 == 0;
	}
}

static void hear(void *arg, bool valid)
{
	unsigned number = (unsigned)(uintptr_t)arg;

	heard[number]++;
	wrong += valid != (number % CASES % 2 == 0);
}

static void *submit(void *arg)
{
	unsigned begin = (unsigned)(uintptr_t)arg * EACH;
	struct verify_job some[50];

	for (unsigned i = 0, n; i < EACH; i += n) {
		unsigned want = EACH - i < 50 ? EACH - i : 50;

		for (unsigned k = 0; k < want; k++) {
			some[k] = cases[(begin + i + k) % CASES];
			some[k].done = hear;
			some[k].arg = (void *)(uintptr_t)(begin + i + k);
		}
		n = verify_submit(desk, some, want);
		if (n == 0)
			sched_yield();
	}
	return NULL;
}

static void *work(void *arg)
{
	const struct random random = random_real();
	struct verifier *v = verify_worker(desk, &random);
	struct role role = verify_role(v);

	assert_non_null(v);
	while (!atomic_load(&stop))
		if (!role.slice(role.ctx, 0, ROLE_SLICE_NS))
			sched_yield();
	verifier_free(v);
	return NULL;
}

static void wake(void *ctx, unsigned jobs)
{
	atomic_fetch_add(&wakes, jobs);
}

static void every_job_has_its_verdict(void **state)
{
	pthread_t submitter[SUBMITTERS], worker[WORKERS];
	unsigned all = 0;

	make_cases();
	desk = verify_desk_new(wake, NULL);
	assert_non_null(desk);
	assert_true(verify_idle(desk));
	for (uintptr_t i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&worker[i], NULL, work, NULL), 0);
	for (uintptr_t i = 0; i < SUBMITTERS; i++)
		assert_int_equal(pthread_create(&submitter[i], NULL, submit, (void *)i), 0);
	while (all < SUBMITTERS * EACH) {
		struct pollfd wait = {.fd = verify_fd(desk), .events = POLLIN};

		/* Nothing but the descriptor says that there is something. */
		assert_int_equal(poll(&wait, 1, 60000), 1);
		all += verify_collect(desk);
	}
	for (unsigned i = 0; i < SUBMITTERS; i++)
		pthread_join(submitter[i], NULL);
	assert_int_equal(all, SUBMITTERS * EACH);
	for (unsigned i = 0; i < SUBMITTERS * EACH; i++)
		assert_int_equal(heard[i], 1);
	assert_int_equal(wrong, 0);
	assert_int_equal(wakes, SUBMITTERS * EACH);
	assert_int_equal(verify_collect(desk), 0);
	assert_true(verify_idle(desk));
	atomic_store(&stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	verify_desk_free(desk);
}

/* Without workers the slots are all there is: the rest stays with the caller. */
static void slots_are_bounded(void **state)
{
	unsigned all = 0, n;

	desk = verify_desk_new(NULL, NULL);
	assert_non_null(desk);
	while ((n = verify_submit(desk, cases, CASES)) > 0)
		all += n;
	assert_int_equal(all, VERIFY_SLOTS);
	assert_false(verify_idle(desk));
	assert_int_equal(verify_collect(desk), 0);
	verify_desk_free(desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_has_its_verdict),
		cmocka_unit_test(slots_are_bounded),
	};
	const struct random random = random_real();

	digest_init();
	sign_init(&random);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
