/* SPDX-License-Identifier: Apache-2.0 */
#include "log/etcd_json.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"

/* A count or revision: a text of digits, a plain number from other versions, nothing for 0. */
static int number_of(uint64_t *out, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	*out = 0;
	if (value == NULL)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = (uint64_t)json_integer_value(value);
		return 0;
	}
	return json_is_string(value) ? u64_parse(out, json_string_value(value)) : ASSAY_E_CORRUPT;
}

/* Standard base64 with padding; *out gets a NUL behind its end. */
static int bytes_of(uint8_t **out, size_t *len, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	const char *text = value != NULL ? json_string_value(value) : "";
	size_t n = text != NULL ? strlen(text) : 1;
	int decoded;

	if (n % 4 != 0)
		return ASSAY_E_CORRUPT;
	*out = malloc(n / 4 * 3 + 1);
	if (*out == NULL)
		return ASSAY_E_NOMEM;
	decoded = n > 0 ? EVP_DecodeBlock(*out, (const unsigned char *)text, (int)n) : 0;
	if (decoded < 0 || (size_t)decoded != n / 4 * 3)
		return ASSAY_E_CORRUPT;
	/* The library counts the padding as zero bytes. */
	for (unsigned i = 1; i <= 2 && n > 0 && text[n - i] == '='; i++)
		decoded--;
	(*out)[decoded] = '\0';
	*len = (size_t)decoded;
	return 0;
}

static int read_kv(struct etcd_kv *kv, const json_t *object)
{
	size_t key_len = 0;
	uint8_t *key = NULL;
	int err = bytes_of(&key, &key_len, object, "key");

	kv->key = (char *)key;
	if (err != 0)
		return err;
	if (strlen(kv->key) != key_len)
		return ASSAY_E_CORRUPT;
	err = number_of(&kv->version, object, "version");
	return err != 0 ? err : bytes_of(&kv->value, &kv->len, object, "value");
}

static struct etcd_range *next_range(struct etcd_reply *r, size_t room)
{
	struct etcd_range *range;

	if (r->ranges == ETCD_RANGES_MAX || room > ETCD_KVS_MAX)
		return NULL;
	range = &r->range[r->ranges++];
	range->kv = calloc(room > 0 ? room : 1, sizeof(*range->kv));
	return range->kv != NULL ? range : NULL;
}

static int read_range(struct etcd_reply *r, const json_t *object)
{
	const json_t *kvs = json_object_get(object, "kvs");
	struct etcd_range *range = next_range(r, json_array_size(kvs));
	int err = range != NULL ? 0 : ASSAY_E_CORRUPT;

	for (size_t i = 0; err == 0 && i < json_array_size(kvs); i++) {
		range->n++;
		err = read_kv(&range->kv[i], json_array_get(kvs, i));
	}
	if (err == 0)
		err = number_of(&range->count, object, "count");
	if (err == 0)
		range->more = json_is_true(json_object_get(object, "more"));
	return err;
}

static void read_error(struct etcd_reply *r, const json_t *object, const char *code)
{
	const json_t *number = json_object_get(object, code);
	const char *message = json_string_value(json_object_get(object, "message"));

	r->code = json_is_integer(number) && json_integer_value(number) > 0 &&
				  json_integer_value(number) < 100
			  ? (int)json_integer_value(number)
			  : -1;
	snprintf(r->message, sizeof(r->message), "%s",
		 message != NULL ? message : "no reason given");
	for (char *c = r->message; *c != '\0'; c++) /* it will be printed */
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static int read_reply(struct etcd_reply *r, const json_t *root)
{
	const json_t *responses = json_object_get(root, "responses"), *range;
	int err;

	if (json_object_get(root, "error") != NULL) {
		read_error(r, root, "code");
		return 0;
	}
	err = number_of(&r->revision, json_object_get(root, "header"), "revision");
	if (err != 0 || r->revision == 0)
		return ASSAY_E_CORRUPT;
	r->succeeded = json_is_true(json_object_get(root, "succeeded"));
	if (responses == NULL)
		return read_range(r, root);
	for (size_t i = 0; err == 0 && i < json_array_size(responses); i++) {
		range = json_object_get(json_array_get(responses, i), "response_range");
		if (range != NULL)
			err = read_range(r, range);
	}
	return err;
}

/* Only puts: the watch asks for no others, and one that comes all the same tells nothing. */
static int read_events(struct etcd_reply *r, const json_t *events)
{
	struct etcd_range *range = next_range(r, json_array_size(events));
	int err = range != NULL ? 0 : ASSAY_E_CORRUPT;

	for (size_t i = 0; err == 0 && i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		const char *type = json_string_value(json_object_get(event, "type"));

		if (type != NULL && strcmp(type, "PUT") != 0)
			continue;
		range->n++;
		err = read_kv(&range->kv[range->n - 1], json_object_get(event, "kv"));
	}
	return err;
}

static int read_watch(struct etcd_reply *r, const json_t *root)
{
	const json_t *result = json_object_get(root, "result");
	const json_t *error = json_object_get(root, "error");

	if (error != NULL) {
		read_error(r, error, "grpc_code");
		return 0;
	}
	if (number_of(&r->revision, json_object_get(result, "header"), "revision") != 0 ||
	    r->revision == 0)
		return ASSAY_E_CORRUPT;
	r->created = json_is_true(json_object_get(result, "created"));
	r->canceled = json_is_true(json_object_get(result, "canceled"));
	return read_events(r, json_object_get(result, "events"));
}

static int parse(struct etcd_reply *out, const char *text, size_t len,
		 int (*read)(struct etcd_reply *, const json_t *))
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int err;

	memset(out, 0, sizeof(*out));
	err = json_is_object(root) ? read(out, root) : ASSAY_E_CORRUPT;
	json_decref(root);
	return err != 0 ? ASSAY_E_CORRUPT : 0;
}

int etcd_reply_parse(struct etcd_reply *out, const char *text, size_t len)
{
	return parse(out, text, len, read_reply);
}

int etcd_watch_parse(struct etcd_reply *out, const char *line, size_t len)
{
	return parse(out, line, len, read_watch);
}

void etcd_reply_free(struct etcd_reply *r)
{
	for (unsigned i = 0; i < r->ranges; i++) {
		for (size_t j = 0; j < r->range[i].n; j++) {
			free(r->range[i].kv[j].key);
			free(r->range[i].kv[j].value);
		}
		free(r->range[i].kv);
	}
	r->ranges = 0;
}
