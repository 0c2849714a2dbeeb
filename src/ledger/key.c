/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a record's key. */
#include <stdlib.h>

#include "base/must.h"
#include "base/text.h"
#include "ledger/field.h"

/* out is NULL for a part that the record does not keep. */
static bool read_key_number(uint64_t *out, const char *text, size_t len)
{
	char digits[21];
	uint64_t number;

	if (len != 20)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return u64_parse(out != NULL ? out : &number, digits) == 0;
}

static bool read_key_text(char **out, const char *text, size_t len)
{
	if (out != NULL && len > 0) {
		free(*out);
		*out = strndup(text, len);
		must(*out != NULL);
	}
	return len > 0;
}

/* Length of the part that begins here; `behind` parts follow it. */
static size_t part_len(const struct key_part *part, const char *text, unsigned behind)
{
	const char *end = text + strlen(text);

	if (part->kind != KEY_REST)
		return strcspn(text, "/");
	for (; behind > 0; behind--) {
		const char *slash = memrchr(text, '/', (size_t)(end - text));

		if (slash == NULL)
			return 0;
		end = slash;
	}
	return (size_t)(end - text);
}

bool key_read(void *record, const struct table_shape *table, const char *key)
{
	unsigned n = 0;

	while (n < KEY_PARTS_MAX && table->key[n].kind != 0)
		n++;
	for (unsigned i = 0; i < n; i++) {
		const struct key_part *part = &table->key[i];
		void *p = part->offset > 0 ? (char *)record + part->offset : NULL;
		size_t len = part_len(part, key, n - 1 - i);

		if (part->kind == KEY_NUMBER ? !read_key_number(p, key, len)
					     : !read_key_text(p, key, len))
			return false;
		key += len;
		if (*key != (i + 1 < n ? '/' : '\0'))
			return false;
		key += *key == '/';
	}
	return true;
}

void key_free(void *record, const struct table_shape *table)
{
	for (unsigned i = 0; i < KEY_PARTS_MAX; i++) {
		const struct key_part *part = &table->key[i];

		if (part->offset > 0 && part->kind != KEY_NUMBER) {
			char **p = (char **)((char *)record + part->offset);

			free(*p);
			*p = NULL;
		}
	}
}
