/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sim.h"

/* What a log wrote to stderr for one event. */
static const char *captured(enum log_format format, const char *message, const char *value)
{
	static char text[8192];
	struct log log = log_stderr(LOG_INFO_LEVEL, format);
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);

	dup2(fileno(file), STDERR_FILENO);
	log_warning(&log, "store", message, "path=%s size=%d note=\"two words\"", value, 5);
	log_debug(&log, "store", "not shown", NULL);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void test_lines(void **state)
{
	assert_string_equal(captured(LOG_JOURNAL, "it happened", "x"),
			    "<4>store: warning: it happened path=x size=5 note=\"two words\"\n");
	const char *plain = captured(LOG_PLAIN, "it happened", "x");

	assert_int_equal(plain[10], 'T');
	assert_non_null(strstr(plain, "Z store: warning: it happened path=x"));
	const char *json = captured(LOG_JSON, "it \"happened\"", "a\\b");

	assert_int_equal(strncmp(json, "{\"time\":\"2", 10), 0);
	assert_non_null(strstr(json,
			       "Z\",\"level\":\"warning\",\"component\":\"store\",\"message\":"
			       "\"it \\\"happened\\\"\",\"path\":\"a\\\\b\",\"size\":\"5\","
			       "\"note\":\"two words\"}\n"));
}

/* A file name with a line end must not start a line of its own. */
static void test_no_forged_lines(void **state)
{
	for (int format = LOG_PLAIN; format <= LOG_JSON; format++) {
		const char *text = captured((enum log_format)format, "m", "a\n<3>forged\x1b[2J");

		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		assert_null(strchr(text, 0x1b));
	}
}

static void test_long_lines(void **state)
{
	char value[3000];

	memset(value, '\\', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (int format = LOG_PLAIN; format <= LOG_JSON; format++) {
		const char *text = captured((enum log_format)format, "m", value);

		assert_in_range(strlen(text), 100, 4096);
		assert_int_equal(text[strlen(text) - 1], '\n');
	}
}

static void test_sim_log(void **state)
{
	static struct sim_log lines;
	struct log log = log_sim(&lines), none = log_none();

	for (int i = 0; i < 65; i++)
		log_info(&log, "a", "b", "i=%d", i);
	log_error(&log, "a", "b", NULL);
	log_error(&none, "a", "b", NULL);
	assert_int_equal(lines.count, 66);
	assert_string_equal(lines.line[0], "<6>a: b i=64");
	assert_string_equal(lines.line[1], "<3>a: b");
	assert_string_equal(lines.line[2], "<6>a: b i=2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_no_forged_lines),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_sim_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
