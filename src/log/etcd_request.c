/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and JSON bodies. Keys: log/<20 digits> = entry, hash/<64 hex> = its number, floor. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "log/etcd_impl.h"

static void reserve(struct buffer *b, size_t more)
{
	if (b->room - b->len > more)
		return;
	b->room = 2 * (b->len + more) + 1024;
	b->p = realloc(b->p, b->room);
	must(b->p != NULL);
}

void buffer_add(struct buffer *b, const void *data, size_t len)
{
	reserve(b, len);
	memcpy(b->p + b->len, data, len);
	b->len += len;
	b->p[b->len] = '\0';
}

__attribute__((format(printf, 2, 3))) static void add(struct buffer *b, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	must(n >= 0 && (size_t)n < sizeof(text));
	buffer_add(b, text, (size_t)n);
}

static void add_base64(struct buffer *b, const void *data, size_t len)
{
	reserve(b, len / 3 * 4 + 8);
	b->len += (size_t)EVP_EncodeBlock((unsigned char *)b->p + b->len, data, (int)len);
}

static void begin(struct etcd *e)
{
	e->body.len = 0;
	reserve(&e->body, 1);
	e->body.p[0] = '\0';
}

/* "name":"base64 of prefix and the rest" */
__attribute__((format(printf, 3, 4))) static void add_key(struct etcd *e, const char *name,
							  const char *format, ...)
{
	char key[ETCD_KEY_ROOM];
	size_t len = strlen(e->prefix);
	va_list args;
	int n;

	memcpy(key, e->prefix, len);
	va_start(args, format);
	n = vsnprintf(key + len, sizeof(key) - len, format, args);
	va_end(args);
	must(n >= 0 && (size_t)n < sizeof(key) - len);
	add(&e->body, "\"%s\":\"", name);
	add_base64(&e->body, key, len + (size_t)n);
	add(&e->body, "\"");
}

static void add_log_key(struct etcd *e, const char *name, uint64_t seq)
{
	add_key(e, name, "log/%020" PRIu64, seq);
}

static void add_hash_key(struct etcd *e, const uint8_t hash[32])
{
	char hex[65];

	hex_encode(hex, hash, 32);
	add_key(e, "key", "hash/%s", hex);
}

static void add_log_end(struct etcd *e)
{
	add_key(e, "range_end", "log/:"); /* the first key behind all digits */
}

static void add_number_value(struct etcd *e, uint64_t number)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRIu64, number);

	add(&e->body, ",\"value\":\"");
	add_base64(&e->body, text, (size_t)n);
	add(&e->body, "\"");
}

const char *request_append(struct etcd *e, uint64_t next, const uint8_t hash[32],
			   const uint8_t *entry, size_t len)
{
	begin(e);
	add(&e->body,
	    "{\"compare\":[{\"target\":\"VERSION\",\"result\":\"EQUAL\",\"version\":\"0\",");
	add_log_key(e, "key", next);
	add(&e->body, "},{\"target\":\"VERSION\",\"result\":\"EQUAL\",\"version\":\"0\",");
	add_hash_key(e, hash);
	if (next > 1) {
		add(&e->body,
		    "},{\"target\":\"VERSION\",\"result\":\"GREATER\",\"version\":\"0\",");
		add_log_key(e, "key", next - 1);
	} else { /* no one before it, and none was trimmed */
		add(&e->body, "},{\"target\":\"VERSION\",\"result\":\"EQUAL\",\"version\":\"0\",");
		add_key(e, "key", "floor");
	}
	add(&e->body, "}],\"success\":[{\"request_put\":{");
	add_log_key(e, "key", next);
	add(&e->body, ",\"value\":\"");
	add_base64(&e->body, entry, len);
	add(&e->body, "\"}},{\"request_put\":{");
	add_hash_key(e, hash);
	add_number_value(e, next);
	add(&e->body, "}}],\"failure\":[{\"request_range\":{");
	add_hash_key(e, hash);
	add(&e->body, "}},{\"request_range\":{\"sort_order\":\"DESCEND\",\"sort_target\":\"KEY\","
		      "\"limit\":\"1\",\"keys_only\":true,");
	add_log_key(e, "key", next);
	add(&e->body, ",");
	add_log_end(e);
	add(&e->body, "}}]}");
	return e->body.p;
}

const char *request_page(struct etcd *e, uint64_t from, uint64_t upto, unsigned max)
{
	begin(e);
	add(&e->body, "{\"limit\":\"%u\",", max);
	add_log_key(e, "key", from);
	add(&e->body, ",");
	if (upto > 0)
		add_log_key(e, "range_end", upto);
	else
		add_log_end(e);
	add(&e->body, "}");
	return e->body.p;
}

const char *request_head(struct etcd *e, uint64_t floor)
{
	begin(e);
	add(&e->body, "{\"success\":[{\"request_range\":{");
	add_key(e, "key", "floor");
	add(&e->body, "}},{\"request_range\":{\"count_only\":true,");
	add_log_key(e, "key", floor);
	add(&e->body, ",");
	add_log_end(e);
	add(&e->body, "}}]}");
	return e->body.p;
}

const char *request_floor(struct etcd *e, uint64_t old, uint64_t floor)
{
	begin(e);
	add(&e->body, "{\"compare\":[{\"result\":\"EQUAL\",");
	add_key(e, "key", "floor");
	if (old > 1) {
		add(&e->body, ",\"target\":\"VALUE\"");
		add_number_value(e, old);
	} else {
		add(&e->body, ",\"target\":\"VERSION\",\"version\":\"0\"");
	}
	add(&e->body, "}],\"success\":[{\"request_put\":{");
	add_key(e, "key", "floor");
	add_number_value(e, floor);
	add(&e->body, "}}]}");
	return e->body.p;
}

const char *request_drop(struct etcd *e, const struct etcd_range *entries)
{
	uint8_t hash[32];

	begin(e);
	add(&e->body, "{\"success\":[");
	for (size_t i = 0; i < entries->n; i++) {
		const struct etcd_kv *kv = &entries->kv[i];

		digest_one(hash, NULL, kv->value, kv->len);
		add(&e->body, "%s{\"request_delete_range\":{\"key\":\"", i > 0 ? "," : "");
		add_base64(&e->body, kv->key, strlen(kv->key));
		add(&e->body, "\"}},{\"request_delete_range\":{");
		add_hash_key(e, hash);
		add(&e->body, "}}");
	}
	add(&e->body, "]}");
	return e->body.p;
}

const char *request_compact(struct etcd *e, uint64_t revision)
{
	begin(e);
	add(&e->body, "{\"revision\":\"%" PRIu64 "\"}", revision);
	return e->body.p;
}

const char *request_watch(struct etcd *e, uint64_t revision)
{
	begin(e);
	add(&e->body,
	    "{\"create_request\":{\"start_revision\":\"%" PRIu64 "\",\"fragment\":true,"
	    "\"filters\":[\"NODELETE\"],",
	    revision);
	add_key(e, "key", "log/");
	add(&e->body, ",");
	add_log_end(e);
	add(&e->body, "}}");
	return e->body.p;
}

uint64_t log_key_seq(const struct etcd *e, const char *key)
{
	size_t len = strlen(e->prefix);
	uint64_t seq;

	if (strncmp(key, e->prefix, len) != 0 || strncmp(key + len, "log/", 4) != 0 ||
	    strlen(key + len + 4) != 20 || u64_parse(&seq, key + len + 4) != 0)
		return 0;
	return seq;
}
