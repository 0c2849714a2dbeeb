/* SPDX-License-Identifier: Apache-2.0 */
/* Names as others wrote them: without the white space around them. */
#ifndef NODE_TRIM_H
#define NODE_TRIM_H

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Copies the trimmed text; false, and "" in out, when it does not fit. */
static inline bool trim_copy(char *out, size_t room, const char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	*out = '\0';
	if (len >= room)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static inline bool is_blank(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return *text == '\0';
}

#endif
