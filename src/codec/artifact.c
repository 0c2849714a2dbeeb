/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/artifact.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <zstd.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"

enum { LEVEL = 3 };

void artifact_free(struct artifact_file *a)
{
	free(a->data);
	a->data = NULL;
}

char *artifact_base64(const void *data, size_t len)
{
	char *out = malloc(4 * ((len + 2) / 3) + 1);

	if (out != NULL)
		EVP_EncodeBlock((uint8_t *)out, data, (int)len);
	return out;
}

int artifact_make(struct artifact_file *a, const char *body, uint32_t counter)
{
	size_t room = strlen(body) + 16, len, bound;
	char *text = malloc(room);

	a->data = NULL;
	if (text == NULL)
		return ASSAY_E_NOMEM;
	len = snprintf(text, room, "%s.%u", body, counter);
	bound = ZSTD_compressBound(len);
	a->data = malloc(bound);
	if (a->data != NULL)
		a->len = ZSTD_compress(a->data, bound, text, len, LEVEL);
	free(text);
	if (a->data == NULL || ZSTD_isError(a->len))
		return ASSAY_E_NOMEM;
	digest_one(a->id, NULL, a->data, a->len);
	return 0;
}

/* Cuts text at its two dots. */
static int split(char **signature, uint32_t *counter, char *text)
{
	char *first = strchr(text, '.'), *second = first != NULL ? strchr(first + 1, '.') : NULL;
	uint64_t number;

	if (second == NULL || strchr(second + 1, '.') != NULL)
		return ASSAY_E_CORRUPT;
	*first = *second = '\0';
	if (u64_parse(&number, second + 1) != 0 || number > UINT32_MAX)
		return ASSAY_E_CORRUPT;
	*counter = number;
	*signature = first + 1;
	return 0;
}

int artifact_unbase64(char **out, size_t *len, const char *text, size_t text_len)
{
	int n;

	if (text_len == 0 || text_len % 4 != 0 || text_len > INT_MAX)
		return ASSAY_E_CORRUPT;
	*out = malloc(text_len);
	if (*out == NULL)
		return ASSAY_E_NOMEM;
	n = EVP_DecodeBlock((uint8_t *)*out, (const uint8_t *)text, (int)text_len);
	if (n < 0) {
		free(*out);
		return ASSAY_E_CORRUPT;
	}
	*len = n - (text[text_len - 1] == '=') - (text[text_len - 2] == '=');
	(*out)[*len] = '\0';
	return 0;
}

int artifact_open(char **text, size_t *len, char **signature, uint32_t *counter,
		  const uint8_t *data, size_t data_len, size_t size_max)
{
	unsigned long long size = ZSTD_getFrameContentSize(data, data_len);
	char *all, *part;
	int e;

	if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > size_max)
		return ASSAY_E_CORRUPT;
	all = malloc(size + 1);
	if (all == NULL)
		return ASSAY_E_NOMEM;
	e = ASSAY_E_CORRUPT;
	if (ZSTD_decompress(all, size, data, data_len) != size || memchr(all, '\0', size) != NULL)
		goto out;
	all[size] = '\0';
	e = split(&part, counter, all);
	if (e == 0)
		e = artifact_unbase64(text, len, all, strlen(all));
	if (e != 0)
		goto out;
	*signature = strdup(part);
	if (*signature == NULL) {
		free(*text);
		e = ASSAY_E_NOMEM;
	}
out:
	free(all);
	return e;
}

char *artifact_index(const uint8_t (*layout_ids)[32], size_t n, const char *layout_signature)
{
	size_t room = 128 + n * (BASE58_KEY_MAX + 3) + strlen(layout_signature), at = 0;
	char *out = malloc(room), id[BASE58_KEY_MAX];

	if (out == NULL)
		return NULL;
	at += sprintf(out + at, "{\"layout_ids\":[");
	for (size_t i = 0; i < n; i++) {
		base58_encode(id, sizeof(id), layout_ids[i], 32);
		at += sprintf(out + at, "%s\"%s\"", i > 0 ? "," : "", id);
	}
	sprintf(out + at, "],\"layout_signature\":\"%s\",\"version\":1}", layout_signature);
	return out;
}

static bool is_base64(const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

	return text != NULL && text[0] != '\0' && text[strspn(text, digits)] == '\0';
}

static int read_ids(uint8_t (*out)[32], const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item) ||
		    base58_decode(out[i], 32, json_string_value(item)) != 0)
			return ASSAY_E_CORRUPT;
	}
	return 0;
}

int artifact_index_read(uint8_t (**layout_ids)[32], char **layout_signature, size_t n,
			const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(root, "layout_ids"),
		     *signature = json_object_get(root, "layout_signature");
	int e = ASSAY_E_CORRUPT;

	if (n == 0 || json_array_size(list) != n || !is_base64(json_string_value(signature)) ||
	    json_integer_value(json_object_get(root, "version")) > 1)
		goto out;
	*layout_ids = calloc(n, sizeof(**layout_ids));
	*layout_signature = strdup(json_string_value(signature));
	e = *layout_ids == NULL || *layout_signature == NULL ? ASSAY_E_NOMEM
							     : read_ids(*layout_ids, list);
	if (e != 0) {
		free(*layout_ids);
		free(*layout_signature);
	}
out:
	json_decref(root);
	return e;
}
