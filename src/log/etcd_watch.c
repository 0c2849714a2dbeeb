/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch: entries as they are appended, from the member it runs on. It is never trusted to be
 * complete: what does not follow on from what is known ends it, and the reader asks for the range.
 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "log/etcd_impl.h"

static size_t on_lines(char *data, size_t size, size_t n, void *arg)
{
	struct watch *w = arg;

	if (w->lines.len + n > ETCD_ANSWER_MAX) {
		w->overflow = true;
		return 0;
	}
	buffer_add(&w->lines, data, n);
	return n;
}

int etcd_watch_start(struct etcd *e)
{
	struct watch *w = &e->watch;
	int endpoint = etcd_endpoint(e);

	if (endpoint < 0)
		return ASSAY_E_IO;
	etcd_easy_setup(e, w->easy, (unsigned)endpoint, "/v3/watch",
			request_watch(e, e->revision + 1));
	curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, e->watch_headers);
	curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, on_lines);
	curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, w);
	w->on = true;
	w->ended = w->useful = w->overflow = false;
	w->endpoint = (unsigned)endpoint;
	w->lines.len = 0;
	curl_multi_add_handle(e->multi, w->easy);
	e->news_ns = clock_mono(&e->params.clock);
	return 0;
}

static void drop_ahead(struct watch *w)
{
	for (; w->ahead_n > 0; w->ahead_n--) {
		struct etcd_kv *kv = &w->ahead[w->ahead_first];

		free(kv->key);
		free(kv->value);
		w->ahead_first = (w->ahead_first + 1) % ETCD_AHEAD_MAX;
	}
	w->ahead_bytes = 0;
}

static void end(struct etcd *e)
{
	if (e->watch.on)
		curl_multi_remove_handle(e->multi, e->watch.easy);
	e->watch.on = false;
	e->complete = false; /* ask for the range before the next one starts */
}

void etcd_watch_stop(struct etcd *e)
{
	end(e);
	drop_ahead(&e->watch);
}

/* False when the watch is of no more use. The entry's memory is taken over. */
static bool take_entry(struct etcd *e, struct etcd_kv *kv)
{
	struct watch *w = &e->watch;
	uint64_t seq = log_key_seq(e, kv->key), expected = e->next + w->ahead_n;

	if (seq == 0)
		return true; /* somebody else's key */
	if (seq < expected) {
		e->changed = true;
		return false;
	}
	if (seq > expected || w->ahead_n == ETCD_AHEAD_MAX || w->ahead_bytes > ETCD_AHEAD_BYTES)
		return false;
	w->ahead[(w->ahead_first + w->ahead_n++) % ETCD_AHEAD_MAX] = *kv;
	w->ahead_bytes += kv->len;
	*kv = (struct etcd_kv){0};
	if (seq > e->head)
		e->head = seq;
	return true;
}

static bool take_line(struct etcd *e, const char *line, size_t len)
{
	struct etcd_reply events;
	bool good =
		etcd_watch_parse(&events, line, len) == 0 && events.code == 0 && !events.canceled;

	for (size_t i = 0; good && i < events.range[0].n; i++)
		good = take_entry(e, &events.range[0].kv[i]);
	e->watch.useful |= good;
	etcd_reply_free(&events);
	return good;
}

void etcd_watch_take(struct etcd *e)
{
	struct watch *w = &e->watch;
	bool good = w->on && !w->overflow;
	size_t start = 0;
	char *newline;

	while (good && start < w->lines.len &&
	       (newline = memchr(w->lines.p + start, '\n', w->lines.len - start)) != NULL) {
		size_t len = (size_t)(newline - w->lines.p) - start;

		good = take_line(e, w->lines.p + start, len);
		start += len + 1;
		e->news_ns = clock_mono(&e->params.clock);
	}
	if (start > 0)
		memmove(w->lines.p, w->lines.p + start, w->lines.len - start);
	w->lines.len -= start;
	if (!w->on || (good && !w->ended))
		return;
	if (!w->useful && e->endpoint[w->endpoint].retry_ns == 0)
		etcd_endpoint_failed(e, w->endpoint, "its watch ended at once");
	end(e);
}

int etcd_watch_read(struct etcd *e, unsigned max, log_each each, void *arg)
{
	struct watch *w = &e->watch;
	int n = 0;

	for (; w->ahead_n > 0 && (unsigned)n < max; n++) {
		struct etcd_kv *kv = &w->ahead[w->ahead_first];

		each(arg, e->next++, kv->value, kv->len);
		w->ahead_bytes -= kv->len;
		free(kv->key);
		free(kv->value);
		w->ahead_first = (w->ahead_first + 1) % ETCD_AHEAD_MAX;
		w->ahead_n--;
	}
	return n;
}
