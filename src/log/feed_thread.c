/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that makes an engine's calls. */
#include <errno.h>
#include <time.h>

#include "assay/status.h"
#include "base/must.h"
#include "log/feed_impl.h"

static bool stopping(struct feed *f, bool *connected, bool *hurry)
{
	bool stop;

	pthread_mutex_lock(&f->lock);
	stop = f->stop;
	*connected = f->connected && !f->halted && f->entries < FEED_ENTRIES_MAX &&
		     f->bytes < FEED_BYTES_MAX;
	*hurry = f->hurry;
	pthread_mutex_unlock(&f->lock);
	return stop;
}

/* Not connected, or no room: the engine has nothing to wait for. */
static void pause_feed(struct feed *f, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&f->lock);
	if (!f->stop && !f->restart && f->own == NULL)
		pthread_cond_timedwait(&f->changed, &f->lock, &until);
	pthread_mutex_unlock(&f->lock);
}

static void *feed_main(void *arg)
{
	struct feed *f = arg;
	bool connected, hurry;

	while (!stopping(f, &connected, &hurry)) {
		unsigned ms = feed_step(f);

		if (ms == 0 || stopping(f, &connected, &hurry))
			continue;
		if (!connected)
			pause_feed(f, ms);
		else if (f->engine.wait(f->engine.ctx, ms, hurry) != 0)
			feed_lose(f);
	}
	return NULL;
}

void feed_start(struct feed *f)
{
	must(!f->threaded);
	must(pthread_create(&f->thread, NULL, feed_main, f) == 0);
	f->threaded = true;
}

void feed_stop(struct feed *f)
{
	if (!f->threaded)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_signal(&f->changed);
	f->engine.wake(f->engine.ctx, true);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	f->threaded = false;
}
