/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP listener: GET /metrics and nothing else, on loopback. */
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/real.h"
#include "control/metrics.h"

#define HEADERS_MAX 8192
#define TIMEOUT_S   5

struct http {
	struct control *control;
	struct evhttp *server;
};

static void on_metrics(struct evhttp_request *request, void *arg)
{
	struct control *c = arg;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	char *text;

	if (c->state == RPC_IN_START) {
		evhttp_send_reply(request, HTTP_SERVUNAVAIL, "Service Unavailable", NULL);
		return;
	}
	text = metrics_text(c);
	if (text == NULL) {
		evhttp_send_reply(request, HTTP_INTERNAL, "Out of Memory", NULL);
		return;
	}
	evhttp_add_header(headers, "Content-Type", METRICS_TYPE);
	evbuffer_add(body, text, strlen(text));
	free(text);
	evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

static void on_other(struct evhttp_request *request, void *arg)
{
	evhttp_send_reply(request, HTTP_NOTFOUND, "Not Found", NULL);
}

static int listen_on(struct http *h, const char *where)
{
	struct net_addr addr;
	char text[64], *colon;

	if (net_addr_parse(&addr, where) != 0)
		return ASSAY_E_INVAL;
	net_addr_format(text, &addr);
	colon = strrchr(text, ':');
	*colon = 0;
	if (text[0] == '[') { /* [::1] without its brackets */
		colon[-1] = 0;
		memmove(text, text + 1, strlen(text));
	}
	return evhttp_bind_socket_with_handle(h->server, text, addr.port) != NULL ? 0 : ASSAY_E_IO;
}

int http_start(struct http **out, struct control *c)
{
	const char *where = c->app->config.metrics_listen;
	struct http *h;

	*out = NULL;
	if (where[0] == 0)
		return 0;
	h = calloc(1, sizeof(*h));
	if (h != NULL)
		h->server = evhttp_new(c->base);
	if (h == NULL || h->server == NULL) {
		free(h);
		return app_fail(c->app, ASSAY_E_NOMEM, "metrics: out of memory");
	}
	h->control = c;
	evhttp_set_allowed_methods(h->server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(h->server, HEADERS_MAX);
	evhttp_set_max_body_size(h->server, 0);
	evhttp_set_timeout(h->server, TIMEOUT_S);
	evhttp_set_cb(h->server, "/metrics", on_metrics, c);
	evhttp_set_gencb(h->server, on_other, c);
	if (listen_on(h, where) != 0) {
		http_stop(h);
		return app_fail(c->app, ASSAY_E_IO,
				"metrics: cannot listen on %s; is another daemon there? Set "
				"metrics { listen } to a free port, or to \"\"",
				where);
	}
	*out = h;
	return 0;
}

void http_stop(struct http *h)
{
	if (h == NULL)
		return;
	evhttp_free(h->server);
	free(h);
}
