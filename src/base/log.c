/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define FIELDS_MAX_LEN 1024
#define LINE_MAX_LEN   4096 /* escaped for JSON, fields at most double */

void log_event(const struct log *log, enum log_level level, const char *component,
	       const char *message, const char *fields, ...)
{
	char text[FIELDS_MAX_LEN];
	va_list args;

	if (level > log->level)
		return;
	if (fields != NULL) {
		va_start(args, fields);
		vsnprintf(text, sizeof(text), fields, args);
		va_end(args);
	}
	log->write(log->ctx, level, component, message, fields != NULL ? text : NULL);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_ERROR_LEVEL:
		return "error";
	case LOG_WARNING_LEVEL:
		return "warning";
	case LOG_INFO_LEVEL:
		return "info";
	case LOG_DEBUG_LEVEL:
		return "debug";
	}
	return "unknown";
}

static void put_text(struct writer *w, const char *text)
{
	write_bytes(w, text, strlen(text));
}

/* Control bytes would let a file name or a peer's text forge lines. */
static void put_clean(struct writer *w, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		write_u8(w, (uint8_t)text[i] < 0x20 || text[i] == 0x7f ? '?' : (uint8_t)text[i]);
}

static void put_time(struct writer *w)
{
	struct timespec now;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);

	snprintf(text + len, sizeof(text) - len, ".%03ldZ", now.tv_nsec / 1000000);
	put_text(w, text);
}

static void put_json_string(struct writer *w, const char *text, size_t len)
{
	write_u8(w, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			write_u8(w, '\\');
		put_clean(w, text + i, 1);
	}
	write_u8(w, '"');
}

/* One key=value after the other; a value with blanks stands in double quotes. */
static void put_json_fields(struct writer *w, const char *fields)
{
	while (*fields != '\0') {
		size_t key = strcspn(fields, "= "), value;

		if (fields[key] != '=') { /* not a pair: skip the word */
			fields += key + (fields[key] == ' ');
			continue;
		}
		write_u8(w, ',');
		put_json_string(w, fields, key);
		write_u8(w, ':');
		fields += key + 1;
		if (*fields == '"') {
			fields++;
			value = strcspn(fields, "\"");
		} else {
			value = strcspn(fields, " ");
		}
		put_json_string(w, fields, value);
		fields += value;
		fields += strspn(fields, "\" ");
	}
}

static void put_json(struct writer *w, enum log_level level, const char *component,
		     const char *message, const char *fields)
{
	put_text(w, "{\"time\":\"");
	put_time(w);
	put_text(w, "\",\"level\":\"");
	put_text(w, level_name(level));
	put_text(w, "\",\"component\":");
	put_json_string(w, component, strlen(component));
	put_text(w, ",\"message\":");
	put_json_string(w, message, strlen(message));
	if (fields != NULL)
		put_json_fields(w, fields);
	put_text(w, "}");
}

static void put_line(struct writer *w, enum log_level level, const char *component,
		     const char *message, const char *fields)
{
	put_text(w, component);
	put_text(w, ": ");
	if (level <= LOG_WARNING_LEVEL) {
		put_text(w, level_name(level));
		put_text(w, ": ");
	}
	put_clean(w, message, strlen(message));
	if (fields != NULL) {
		put_text(w, " ");
		put_clean(w, fields, strlen(fields));
	}
}

/* One write(2) a line, so that lines of several threads do not mix. */
static void stderr_write(void *ctx, enum log_level level, const char *component,
			 const char *message, const char *fields)
{
	enum log_format format = *(const enum log_format *)ctx;
	char line[LINE_MAX_LEN], priority[16];
	struct writer w = writer_of(line, sizeof(line) - 1);

	if (format == LOG_JSON) {
		put_json(&w, level, component, message, fields);
	} else {
		if (format == LOG_JOURNAL) {
			snprintf(priority, sizeof(priority), "<%d>", (int)level);
			put_text(&w, priority);
		} else {
			put_time(&w);
			put_text(&w, " ");
		}
		put_line(&w, level, component, message, fields);
	}
	line[w.len] = '\n';
	ssize_t written = write(STDERR_FILENO, line, w.len + 1);

	(void)written; /* there is nobody left to tell */
}

struct log log_stderr(enum log_level level, enum log_format format)
{
	static enum log_format formats[] = {LOG_PLAIN, LOG_JOURNAL, LOG_JSON};

	return (struct log){stderr_write, level, &formats[format]};
}

static void none_write(void *ctx, enum log_level level, const char *component, const char *message,
		       const char *fields)
{
}

struct log log_none(void)
{
	return (struct log){none_write, (enum log_level)0, NULL};
}
