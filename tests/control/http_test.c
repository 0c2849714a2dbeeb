/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics as a scraper asks for it, over a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/metrics.h"
#include "control/world.h"

static struct world w;

static int setup(void **state)
{
	world_open(&w);
	return 0;
}

static int teardown(void **state)
{
	world_close(&w);
	return 0;
}

static int http_connect(const char *port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				   .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* The whole answer to a request, the connection closed after it. */
static char *http_get(const char *port, const char *request)
{
	static char answer[1 << 20];
	unsigned waited_ms = 0;
	size_t len = 0;
	ssize_t n;
	int fd = http_connect(port);

	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	while ((n = recv(fd, answer + len, sizeof(answer) - 1 - len, MSG_DONTWAIT)) != 0) {
		len += n > 0 ? (size_t)n : 0;
		if (n < 0)
			assert_true(world_wait(&w, &waited_ms));
	}
	answer[len] = 0;
	close(fd);
	return answer;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

/* On a port that is free; another one when somebody takes it between the look and the start. */
static struct http *listen_somewhere(char port[16])
{
	struct http *http = NULL;

	for (unsigned tries = 0; tries < 100 && http == NULL; tries++) {
		struct sockaddr_in addr = {.sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(addr);
		int probe = socket(AF_INET, SOCK_STREAM, 0);

		assert_int_equal(bind(probe, (struct sockaddr *)&addr, sizeof(addr)), 0);
		assert_int_equal(getsockname(probe, (struct sockaddr *)&addr, &len), 0);
		snprintf(port, 16, "%u", ntohs(addr.sin_port));
		close(probe);
		snprintf(w.app.config.metrics_listen, sizeof(w.app.config.metrics_listen),
			 "127.0.0.1:%s", port);
		if (http_start(&http, w.app.control) != 0)
			http = NULL;
	}
	assert_non_null(http);
	return http;
}

static void test_http(void **state)
{
	char port[16];
	struct http *http = listen_somewhere(port), *second;

	assert_int_equal(http_start(&second, w.app.control), ASSAY_E_IO);
	assert_non_null(strstr(w.app.error, "is another daemon there?"));
	w.app.control->state = RPC_IN_START;
	assert_non_null(strstr(http_get(port, GET("/metrics")), "503 "));
	w.app.control->state = RPC_IN_RUN;
	char *answer = http_get(port, GET("/metrics"));

	assert_non_null(strstr(answer, "200 OK"));
	assert_non_null(strstr(answer, METRICS_TYPE));
	assert_non_null(strstr(answer, "\r\n\r\n# TYPE assay_build_info gauge\n"));
	assert_non_null(strstr(answer, "# EOF\n"));
	assert_non_null(strstr(http_get(port, GET("/")), "404 "));
	assert_non_null(strstr(http_get(port, "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: "
					      "close\r\nContent-Length: 0\r\n\r\n"),
			       " 501 "));
	http_stop(http);
	w.app.config.metrics_listen[0] = 0;
	assert_int_equal(http_start(&http, w.app.control), 0);
	assert_null(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_http, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
