/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests by libcurl over several endpoints. Everything goes through one multi handle, so a watch
 * goes on being served while a request waits for its answer.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "log/etcd_impl.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
}

static char *copy_of(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	must(text == NULL || copy != NULL);
	return copy;
}

int etcd_http_open(struct etcd *e, char *why, size_t why_room)
{
	const struct engine_etcd_params *p = &e->params;

	pthread_once(&curl_once, start_curl);
	if (p->endpoint_count == 0 || p->endpoint_count > ENGINE_ETCD_ENDPOINTS) {
		snprintf(why, why_room, "etcd needs 1 to %d endpoints", ENGINE_ETCD_ENDPOINTS);
		return ASSAY_E_INVAL;
	}
	for (size_t i = 0; i < p->endpoint_count; i++) {
		const char *url = p->endpoints[i];

		if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
		    strlen(url) > 200 || url[strlen(url) - 1] == '/') {
			snprintf(why, why_room,
				 "etcd endpoint \"%.200s\": give http://HOST:PORT or "
				 "https://HOST:PORT",
				 url);
			return ASSAY_E_INVAL;
		}
		snprintf(e->endpoint[e->endpoint_count++].url, sizeof(e->endpoint[0].url), "%s",
			 url);
	}
	e->ca_file = copy_of(p->ca_file);
	e->cert_file = copy_of(p->cert_file);
	e->key_file = copy_of(p->key_file);
	e->multi = curl_multi_init();
	e->call = curl_easy_init();
	e->watch.easy = curl_easy_init();
	e->headers = curl_slist_append(NULL, "Content-Type: application/json");
	must(e->headers != NULL && curl_slist_append(e->headers, "Expect:") != NULL);
	/* A member that has lost its leader ends the watch instead of keeping silent. */
	e->watch_headers = curl_slist_append(NULL, "Grpc-Metadata-hasleader: true");
	must(e->watch_headers != NULL && curl_slist_append(e->watch_headers, "Expect:") != NULL);
	must(e->multi != NULL && e->call != NULL && e->watch.easy != NULL);
	return 0;
}

void etcd_http_close(struct etcd *e)
{
	curl_easy_cleanup(e->call);
	curl_easy_cleanup(e->watch.easy);
	if (e->multi != NULL)
		curl_multi_cleanup(e->multi);
	curl_slist_free_all(e->headers);
	curl_slist_free_all(e->watch_headers);
	free(e->ca_file);
	free(e->cert_file);
	free(e->key_file);
	free(e->body.p);
	free(e->answer.p);
}

int etcd_endpoint(struct etcd *e)
{
	uint64_t now = clock_mono(&e->params.clock);

	for (unsigned i = 0; i < e->endpoint_count; i++) {
		unsigned at = (e->current + i) % e->endpoint_count;

		if (e->endpoint[at].retry_ns <= now) {
			e->current = at;
			return (int)at;
		}
	}
	return -1;
}

void etcd_endpoint_failed(struct etcd *e, unsigned endpoint, const char *why)
{
	struct endpoint *p = &e->endpoint[endpoint];
	unsigned least = e->params.backoff_ms_min, most = e->params.backoff_ms_max;

	p->backoff_ms = p->backoff_ms == 0 ? least : 2 * p->backoff_ms;
	if (p->backoff_ms > most)
		p->backoff_ms = most;
	p->retry_ns = clock_mono(&e->params.clock) + p->backoff_ms * ETCD_MS;
	snprintf(e->health.trouble, sizeof(e->health.trouble), "%.120s: %.120s", p->url, why);
	e->health.reachable = false;
	if (e->watch.on && e->watch.endpoint == endpoint)
		e->watch.ended = true;
}

static void endpoint_good(struct etcd *e, unsigned endpoint)
{
	e->endpoint[endpoint].backoff_ms = 0;
	e->endpoint[endpoint].retry_ns = 0;
	e->health.reachable = true;
	e->health.trouble[0] = '\0';
	snprintf(e->health.where, sizeof(e->health.where), "%s", e->endpoint[endpoint].url);
}

void etcd_easy_setup(struct etcd *e, CURL *easy, unsigned endpoint, const char *path,
		     const char *body)
{
	char url[300];

	snprintf(url, sizeof(url), "%s%s", e->endpoint[endpoint].url, path);
	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* the environment is not asked */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)e->params.request_ms);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	if (e->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, e->ca_file);
	if (e->cert_file != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, e->cert_file);
	if (e->key_file != NULL)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, e->key_file);
}

static size_t on_answer(char *data, size_t size, size_t n, void *arg)
{
	struct buffer *b = arg;

	if (b->len + n > ETCD_ANSWER_MAX)
		return 0;
	buffer_add(b, data, n);
	return n;
}

void etcd_pump(struct etcd *e, unsigned timeout_ms)
{
	int running, left;
	CURLMsg *message;

	if (!atomic_load(&e->stop))
		curl_multi_poll(e->multi, NULL, 0, (int)timeout_ms, NULL);
	curl_multi_perform(e->multi, &running);
	while ((message = curl_multi_info_read(e->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		if (message->easy_handle == e->call) {
			e->call_done = true;
			e->call_result = message->data.result;
		} else {
			e->watch.ended = true;
		}
	}
}

/* One request to one endpoint; curl's code. */
static CURLcode post(struct etcd *e, unsigned endpoint, const char *path, const char *body)
{
	uint64_t until = clock_mono(&e->params.clock) + e->params.request_ms * ETCD_MS;

	etcd_easy_setup(e, e->call, endpoint, path, body);
	curl_easy_setopt(e->call, CURLOPT_HTTPHEADER, e->headers);
	curl_easy_setopt(e->call, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(e->call, CURLOPT_WRITEDATA, &e->answer);
	curl_easy_setopt(e->call, CURLOPT_TIMEOUT_MS, (long)e->params.request_ms);
	e->answer.len = 0;
	e->call_done = false;
	e->call_result = CURLE_OPERATION_TIMEDOUT;
	curl_multi_add_handle(e->multi, e->call);
	etcd_pump(e, 0);
	while (!e->call_done && !atomic_load(&e->stop) && clock_mono(&e->params.clock) < until)
		etcd_pump(e, 100);
	curl_multi_remove_handle(e->multi, e->call);
	return e->call_result;
}

/* Did the request leave this machine? Then nobody knows what became of it. */
static bool was_sent(const struct etcd *e)
{
	long bytes = 0;

	curl_easy_getinfo(e->call, CURLINFO_REQUEST_SIZE, &bytes);
	return bytes > 0;
}

static bool refused_for_good(int code)
{
	return code == ETCD_INVALID || code == ETCD_DENIED || code == ETCD_EXHAUSTED ||
	       code == ETCD_OUT_OF_RANGE || code == ETCD_UNAUTHENTICATED;
}

/* 0, REFUSED, or IO: try the next endpoint. */
static int call_one(struct etcd *e, struct etcd_reply *reply, unsigned endpoint, const char *path,
		    const char *body, bool *unclear)
{
	CURLcode code = post(e, endpoint, path, body);

	if (code != CURLE_OK) {
		*unclear |= was_sent(e);
		etcd_endpoint_failed(e, endpoint, curl_easy_strerror(code));
		return ASSAY_E_IO;
	}
	if (etcd_reply_parse(reply, e->answer.p != NULL ? e->answer.p : "", e->answer.len) != 0) {
		*unclear = true;
		etcd_endpoint_failed(e, endpoint, "its answer is not etcd's");
		etcd_reply_free(reply);
		return ASSAY_E_IO;
	}
	if (reply->code == 0) {
		endpoint_good(e, endpoint);
		return 0;
	}
	if (!refused_for_good(reply->code)) {
		*unclear = true;
		etcd_endpoint_failed(e, endpoint, reply->message);
		return ASSAY_E_IO;
	}
	snprintf(e->health.trouble, sizeof(e->health.trouble), "%.80s refuses: %.150s",
		 e->endpoint[endpoint].url, reply->message);
	return ASSAY_E_REFUSED;
}

int etcd_call(struct etcd *e, struct etcd_reply *reply, const char *path, const char *body,
	      bool *unclear)
{
	int err = ASSAY_E_IO, endpoint;

	*unclear = false;
	for (unsigned i = 0; i < e->endpoint_count && !atomic_load(&e->stop); i++) {
		endpoint = etcd_endpoint(e);
		if (endpoint < 0)
			break;
		err = call_one(e, reply, (unsigned)endpoint, path, body, unclear);
		if (err != ASSAY_E_IO)
			break;
	}
	return err;
}
