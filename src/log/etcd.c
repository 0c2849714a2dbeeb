/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of many machines: etcd's v3 JSON gateway. An append is one transaction that puts entry
 * n only if nobody did and n - 1 is there, and never the same bytes twice; so sending it again is
 * always safe. Reading is by linearizable ranges and, from there on, by a watch.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "log/etcd_impl.h"

#define HEAD_TRIES     8
#define DEFAULT(v, or) ((v) != 0 ? (v) : (or))

int etcd_head(void *ctx, uint64_t *floor, uint64_t *head)
{
	struct etcd *e = ctx;
	struct etcd_reply reply;
	uint64_t kept = 1, count;
	bool unclear;

	etcd_watch_stop(e);
	e->changed = false;
	/* Without holes, the number of keys from the floor on tells the head. */
	for (unsigned i = 0; i < HEAD_TRIES; i++) {
		if (!etcd_ask(e, &reply, "/v3/kv/txn", request_head(e, e->floor), &unclear))
			return ASSAY_E_IO;
		if (reply.ranges != 2 ||
		    (reply.range[0].n == 1 &&
		     u64_parse(&kept, (const char *)reply.range[0].kv[0].value) != 0)) {
			etcd_reply_free(&reply);
			return ASSAY_E_CORRUPT;
		}
		count = reply.range[1].count;
		e->revision = reply.revision;
		etcd_reply_free(&reply);
		if (kept == e->floor) {
			*floor = kept;
			*head = e->head = kept + count - 1;
			return 0;
		}
		e->floor = kept;
		kept = 1;
	}
	return ASSAY_E_IO; /* it is being trimmed all the time */
}

/* Gives the entries of a range that follow on from `from`; how many. */
static int give(struct etcd *e, const struct etcd_range *range, uint64_t from, log_each each,
		void *arg)
{
	int n = 0;

	for (size_t i = 0; i < range->n; i++) {
		if (log_key_seq(e, range->kv[i].key) != from + (unsigned)n)
			break;
		each(arg, from + (unsigned)n, range->kv[i].value, range->kv[i].len);
		n++;
	}
	return n;
}

/* Nothing at `from` though something later is there. */
static int missing(struct etcd *e, uint64_t from)
{
	uint64_t floor, head;
	int err = etcd_head(e, &floor, &head);

	if (err != 0)
		return err;
	return from < floor ? ASSAY_E_RANGE : ASSAY_E_CORRUPT;
}

static int read_range(struct etcd *e, uint64_t from, unsigned max, log_each each, void *arg)
{
	struct etcd_reply reply;
	bool unclear, gap;
	int n;

	if (!etcd_ask(e, &reply, "/v3/kv/range", request_page(e, from, 0, max), &unclear))
		return ASSAY_E_IO;
	if (reply.ranges != 1 || reply.range[0].n > max || reply.revision < e->revision ||
	    (reply.range[0].n == 0 && from <= e->head)) {
		etcd_reply_free(&reply);
		return ASSAY_E_CHANGED;
	}
	n = give(e, &reply.range[0], from, each, arg);
	gap = n == 0 && reply.range[0].n > 0;
	if (n > 0 || !e->watch.on) {
		/* What the watch ought to have brought. */
		etcd_watch_stop(e);
		e->revision = reply.revision;
		e->complete = !reply.range[0].more && !gap;
	}
	etcd_reply_free(&reply);
	if (gap)
		return missing(e, from);
	e->next = from + (unsigned)n;
	if (e->next > e->head + 1)
		e->head = e->next - 1;
	e->news_ns = clock_mono(&e->params.clock);
	return n;
}

static bool idle(const struct etcd *e)
{
	return clock_mono(&e->params.clock) - e->news_ns >= e->params.idle_ms * ETCD_MS;
}

static int etcd_read(void *ctx, uint64_t from, unsigned max, log_each each, void *arg)
{
	struct etcd *e = ctx;

	must(from > 0 && max > 0 && max <= LOG_PAGE_MAX);
	if (e->changed)
		return ASSAY_E_CHANGED;
	if (from != e->next)
		etcd_watch_stop(e);
	if (e->watch.ahead_n > 0)
		return etcd_watch_read(e, max, each, arg);
	/* A silent watch is checked by a range, which tells more than the watch could. */
	if (e->watch.on ? !idle(e) : e->complete && from == e->next)
		return 0;
	return read_range(e, from, max, each, arg);
}

static int etcd_wait(void *ctx, unsigned timeout_ms, bool hurry)
{
	struct etcd *e = ctx;
	uint64_t until = clock_mono(&e->params.clock) + timeout_ms * ETCD_MS;

	if (!e->watch.on && (!e->complete || e->watch.ahead_n > 0))
		return 0;
	if (!e->watch.on && etcd_watch_start(e) != 0)
		return ASSAY_E_IO;
	for (uint64_t now; (now = clock_mono(&e->params.clock)) < until;) {
		etcd_watch_take(e);
		if (e->changed)
			return ASSAY_E_CHANGED;
		if (!e->watch.on || e->watch.ahead_n > 0 || idle(e) || atomic_load(&e->stop) ||
		    atomic_exchange(&e->woken, false))
			return 0;
		etcd_pump(e, (unsigned)((until - now) / ETCD_MS) + 1);
	}
	return 0;
}

static void etcd_health(void *ctx, struct log_health *out)
{
	*out = ((struct etcd *)ctx)->health;
}

static void etcd_wake(void *ctx, bool stop)
{
	struct etcd *e = ctx;

	if (stop)
		atomic_store(&e->stop, true);
	atomic_store(&e->woken, true);
	curl_multi_wakeup(e->multi);
}

static void etcd_close(void *ctx)
{
	struct etcd *e = ctx;

	etcd_watch_stop(e);
	free(e->watch.lines.p);
	etcd_http_close(e);
	free(e);
}

void engine_etcd_prefix(char out[32], const uint8_t net[32])
{
	char hex[17];

	hex_encode(hex, net, 8);
	snprintf(out, 32, "assay/%s/", hex);
}

int engine_etcd_open(struct log_engine *out, char *why, size_t why_room,
		     const struct engine_etcd_params *params)
{
	struct etcd *e = calloc(1, sizeof(*e));
	size_t len = strlen(params->prefix);
	int err = ASSAY_E_INVAL;

	must(e != NULL);
	e->params = *params;
	e->params.request_ms = DEFAULT(params->request_ms, 5000);
	e->params.idle_ms = DEFAULT(params->idle_ms, 10000);
	e->params.backoff_ms_min = DEFAULT(params->backoff_ms_min, 1000);
	e->params.backoff_ms_max = DEFAULT(params->backoff_ms_max, 30000);
	e->floor = 1;
	if (len == 0 || len > ETCD_PREFIX_MAX || params->prefix[len - 1] != '/')
		snprintf(why, why_room, "etcd prefix \"%.80s\": give 1 to %d bytes that end in /",
			 params->prefix, ETCD_PREFIX_MAX);
	else
		err = etcd_http_open(e, why, why_room);
	if (err != 0) {
		etcd_close(e);
		return err;
	}
	snprintf(e->prefix, sizeof(e->prefix), "%s", params->prefix);
	*out = (struct log_engine){etcd_append, etcd_read, etcd_wait,  etcd_head, etcd_trim,
				   etcd_health, etcd_wake, etcd_close, e};
	return 0;
}
