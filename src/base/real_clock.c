/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/must.h"
#include "base/real.h"

static uint64_t now_ns(clockid_t id)
{
	struct timespec t;

	must(clock_gettime(id, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t real_mono_ns(void *ctx)
{
	return now_ns(CLOCK_MONOTONIC);
}

static uint64_t real_wall_ns(void *ctx)
{
	return now_ns(CLOCK_REALTIME);
}

struct clock clock_real(void)
{
	return (struct clock){real_mono_ns, real_wall_ns, NULL};
}

/* Never returns without good bytes: keys are made of them. */
static void real_fill(void *ctx, void *out, size_t len)
{
	uint8_t *p = out;

	while (len > 0) {
		ssize_t got = getrandom(p, len, 0);

		if (got < 0) {
			must(errno == EINTR);
			continue;
		}
		p += got;
		len -= (size_t)got;
	}
}

struct random random_real(void)
{
	return (struct random){real_fill, NULL};
}
