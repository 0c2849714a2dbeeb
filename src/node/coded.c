/* SPDX-License-Identifier: Apache-2.0 */
#include "node/coded.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "codec/ticket.h"

struct coded {
	struct ticket ticket;
	struct ticket_index index;
	struct layout layout; /* ids NULL: not there yet */
	uint64_t *index_sizes;
	uint8_t creator[32];
};

static int read_hash(uint8_t out[32], const char *base64)
{
	char *raw;
	size_t len;
	int error = artifact_unbase64(&raw, &len, base64, strlen(base64));

	if (error != 0)
		return error;
	if (len == 32)
		memcpy(out, raw, 32);
	free(raw);
	return len == 32 ? 0 : ASSAY_E_CORRUPT;
}

static int read_record(struct coded *c, const struct coded_record *record)
{
	struct ticket *t = &c->ticket;
	int error = read_hash(t->data_hash, record->data_hash);

	if (record->max == 0 || record->max > TICKET_COPIES_MAX)
		return ASSAY_E_CORRUPT;
	t->size = record->size;
	t->ic = record->ic;
	t->max = record->max;
	t->ratio = record->ratio;
	t->symbols = record->symbols;
	t->signatures = strdup(record->signatures);
	t->index_ids = calloc(t->max, sizeof(*t->index_ids));
	c->index_sizes = calloc(2 * (size_t)t->max, sizeof(*c->index_sizes));
	memcpy(c->creator, record->creator, 32);
	if (t->signatures == NULL || t->index_ids == NULL || c->index_sizes == NULL)
		return ASSAY_E_NOMEM;
	for (uint32_t i = 0; error == 0 && i < t->max; i++)
		if (base58_decode(t->index_ids[i], 32, record->index_ids[i]) != 0)
			error = ASSAY_E_CORRUPT;
	return error;
}

int coded_new(struct coded **out, const struct coded_record *record)
{
	struct coded *c = calloc(1, sizeof(*c));
	int error;

	*out = NULL;
	if (c == NULL)
		return ASSAY_E_NOMEM;
	error = read_record(c, record);
	if (error == 0)
		error = ticket_index_read(&c->index, &c->ticket, c->creator);
	if (error != 0)
		coded_free(c);
	else
		*out = c;
	return error;
}

void coded_free(struct coded *c)
{
	if (c == NULL)
		return;
	ticket_index_free(&c->index);
	ticket_free(&c->ticket);
	layout_free(&c->layout);
	free(c->index_sizes);
	free(c);
}

const uint8_t *coded_index_key(const struct coded *c, uint32_t ordinal)
{
	uint32_t max = c->ticket.max;

	if (ordinal < max)
		return c->index.layout_ids[ordinal];
	return ordinal - max < max ? c->ticket.index_ids[ordinal - max] : NULL;
}

uint64_t coded_index_size(const struct coded *c, uint32_t ordinal)
{
	return ordinal < 2 * c->ticket.max ? c->index_sizes[ordinal] : 0;
}

void coded_set_index_size(struct coded *c, uint32_t ordinal, uint64_t size)
{
	if (ordinal < 2 * c->ticket.max)
		c->index_sizes[ordinal] = size;
}

bool coded_has_layout(const struct coded *c)
{
	return c->layout.ids != NULL;
}

uint64_t coded_layout_size_max(const struct coded *c)
{
	/* Base64 of the text, its signature and a counter; the packing adds little where it gains
	 * nothing. */
	return layout_text_max(c->ticket.symbols) / 3 * 4 + 4096;
}

int coded_take_layout(struct coded *c, const char **why, const uint8_t *data, size_t len)
{
	struct layout layout;
	int error;

	*why = "";
	error = ticket_layout_read(&layout, why, &c->ticket, &c->index, c->creator, data, len);
	if (error != 0)
		return error;
	layout_free(&c->layout);
	c->layout = layout;
	return 0;
}

const uint8_t *coded_symbol_key(const struct coded *c, uint32_t ordinal)
{
	return c->layout.ids != NULL && ordinal < c->layout.symbols ? c->layout.ids[ordinal] : NULL;
}

size_t coded_bytes(const struct coded *c)
{
	size_t max = c->ticket.max;

	return sizeof(*c) + strlen(c->ticket.signatures) + max * (2 * 32 + 2 * sizeof(uint64_t)) +
	       (c->layout.ids != NULL ? 32 * (size_t)c->layout.symbols : 0);
}
