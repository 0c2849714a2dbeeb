/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "ledger/table.h"

/* Each text on its own again, so that one can come or go. */
static void unpack(struct texts *texts)
{
	char **at;

	if (!texts->packed)
		return;
	at = calloc(texts->n, sizeof(*at));
	must(at != NULL);
	for (size_t i = 0; i < texts->n; i++)
		text_set(&at[i], texts->at[i]);
	free(texts->at);
	texts->at = at;
	texts->packed = false;
}

void texts_pack(struct texts *texts)
{
	size_t len = texts->n * sizeof(*texts->at);
	char **at, *to;

	if (texts->n == 0 || texts->packed)
		return;
	for (size_t i = 0; i < texts->n; i++)
		len += strlen(text_of(texts->at[i])) + 1;
	at = malloc(len);
	must(at != NULL);
	to = (char *)(at + texts->n);
	for (size_t i = 0; i < texts->n; i++) {
		at[i] = to;
		to = stpcpy(to, text_of(texts->at[i])) + 1;
		free(texts->at[i]);
	}
	free(texts->at);
	texts->at = at;
	texts->packed = true;
}

void texts_add(struct texts *texts, const char *text)
{
	char **at;

	unpack(texts);
	at = realloc(texts->at, (texts->n + 1) * sizeof(*at));
	must(at != NULL);
	texts->at = at;
	at[texts->n] = NULL;
	text_set(&at[texts->n++], text);
}

void texts_remove_first(struct texts *texts)
{
	unpack(texts);
	free(texts->at[0]);
	texts->n--;
	memmove(texts->at, texts->at + 1, texts->n * sizeof(*texts->at));
}

void texts_copy(struct texts *out, const struct texts *texts)
{
	struct texts copy = {0};

	if (texts->n > 0) {
		copy.at = calloc(texts->n, sizeof(*copy.at));
		must(copy.at != NULL);
	}
	for (; copy.n < texts->n; copy.n++)
		text_set(&copy.at[copy.n], texts->at[copy.n]);
	texts_free(out);
	*out = copy;
	texts_pack(out);
}

void texts_free(struct texts *texts)
{
	for (size_t i = 0; i < texts->n && !texts->packed; i++)
		free(texts->at[i]);
	free(texts->at);
	*texts = (struct texts){0};
}

json_t *texts_json(const struct texts *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < texts->n; i++)
		json_array_append_new(list, json_string(texts->at[i]));
	return list;
}

bool texts_have(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->n; i++)
		if (strcmp(text_of(texts->at[i]), text) == 0)
			return true;
	return false;
}

bool texts_have_sorted(const struct texts *texts, const char *text)
{
	size_t low = 0, high = texts->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(text_of(texts->at[middle]), text);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}
