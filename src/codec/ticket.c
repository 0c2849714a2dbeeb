/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ticket.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"

enum { SIGNATURE = 64, SIGNATURE_TEXT = 88 };

void ticket_free(struct ticket *t)
{
	free(t->index_ids);
	free(t->signatures);
	*t = (struct ticket){0};
}

void ticket_index_free(struct ticket_index *index)
{
	free(index->layout_ids);
	free(index->layout_signature);
	*index = (struct ticket_index){0};
}

/* "a.b", malloc'd. */
static char *joined(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	char *out = malloc(a_len + b_len + 2);

	if (out == NULL)
		return NULL;
	memcpy(out, a, a_len);
	out[a_len] = '.';
	memcpy(out + a_len + 1, b, b_len + 1);
	return out;
}

/* The signature of a text, in base64, malloc'd. */
static char *sign_text(const char *text, const struct ticket_terms *terms)
{
	struct sha256_part part = {text, strlen(text)};
	uint8_t signature[SIGNATURE], aux[32];

	random_fill(terms->random, aux, sizeof(aux));
	sign_tagged(signature, terms->creator, TAG_ARTIFACT, &part, 1, aux);
	return artifact_base64(signature, sizeof(signature));
}

static int verify_text(const char *text, size_t len, const char *signature,
		       const uint8_t creator[32])
{
	struct sha256_part part = {text, len};
	size_t signature_len;
	char *raw;
	int e;

	if (strlen(signature) != SIGNATURE_TEXT)
		return ASSAY_E_CRYPTO;
	e = artifact_unbase64(&raw, &signature_len, signature, SIGNATURE_TEXT);
	if (e != 0)
		return e;
	if (signature_len != SIGNATURE ||
	    !verify_tagged((uint8_t *)raw, creator, TAG_ARTIFACT, &part, 1))
		e = ASSAY_E_CRYPTO;
	free(raw);
	return e;
}

/* Copies of one text by counter, from ordinal `first` of INDEX on. With expected ids the first that
 * differs ends it; ids are returned else. */
static int make_copies(uint8_t (*ids)[32], const uint8_t (*expected)[32], const char *body,
		       const struct ticket *t, uint32_t first, const struct artifact_sink *sink)
{
	int e = 0;

	for (uint32_t i = 0; e == 0 && i < t->max; i++) {
		struct artifact_file a;

		e = artifact_make(&a, body, t->ic + i);
		if (e == 0 && expected != NULL && memcmp(a.id, expected[i], 32) != 0)
			e = ASSAY_E_CORRUPT;
		if (e == 0 && ids != NULL)
			memcpy(ids[i], a.id, 32);
		if (e == 0)
			e = sink->take(sink->ctx, ARTIFACT_INDEX, first + i, a.id, a.data, a.len);
		artifact_free(&a);
	}
	return e;
}

static char *layout_base64(const struct layout *l)
{
	char *text, *out;
	size_t len;

	if (layout_write(&text, &len, l) != 0)
		return NULL;
	out = artifact_base64(text, len);
	free(text);
	return out;
}

/* Layout files, and the index of them in base64. */
static int make_layouts(char **index, struct ticket *t, const struct layout *l,
			const struct ticket_terms *terms, const struct artifact_sink *sink)
{
	char *text = layout_base64(l), *signature = NULL, *body = NULL, *plain = NULL;
	uint8_t(*ids)[32] = calloc(t->max, sizeof(*ids));
	int e = ASSAY_E_NOMEM;

	if (text != NULL)
		signature = sign_text(text, terms);
	if (signature != NULL)
		body = joined(text, signature);
	if (ids == NULL || body == NULL)
		goto out;
	e = make_copies(ids, NULL, body, t, 0, sink);
	if (e != 0)
		goto out;
	plain = artifact_index((const uint8_t(*)[32])ids, t->max, signature);
	*index = plain != NULL ? artifact_base64(plain, strlen(plain)) : NULL;
	e = *index != NULL ? 0 : ASSAY_E_NOMEM;
out:
	free(text);
	free(signature);
	free(body);
	free(plain);
	free(ids);
	return e;
}

int ticket_make(struct ticket *t, const struct layout *l, const struct ticket_terms *terms,
		const struct artifact_sink *sink)
{
	char *index = NULL, *signature = NULL;
	int e;

	if (terms->ic == 0 || terms->ic > TICKET_IC_MAX || terms->max == 0 ||
	    terms->max > TICKET_COPIES_MAX)
		return ASSAY_E_RANGE;
	*t = (struct ticket){.size = l->params.length,
			     .ic = terms->ic,
			     .max = terms->max,
			     .ratio = terms->ratio,
			     .symbols = l->symbols};
	memcpy(t->data_hash, l->hash, sizeof(t->data_hash));
	t->index_ids = calloc(t->max, sizeof(*t->index_ids));
	e = t->index_ids != NULL ? make_layouts(&index, t, l, terms, sink) : ASSAY_E_NOMEM;
	if (e == 0) {
		signature = sign_text(index, terms);
		t->signatures = signature != NULL ? joined(index, signature) : NULL;
		e = t->signatures != NULL ? 0 : ASSAY_E_NOMEM;
	}
	if (e == 0)
		e = make_copies(t->index_ids, NULL, t->signatures, t, t->max, sink);
	free(index);
	free(signature);
	if (e != 0)
		ticket_free(t);
	return e;
}

int ticket_index_read(struct ticket_index *index, const struct ticket *t, const uint8_t creator[32])
{
	const char *dot = strchr(t->signatures, '.');
	size_t len;
	char *text;
	int e;

	*index = (struct ticket_index){0};
	if (dot == NULL || strchr(dot + 1, '.') != NULL)
		return ASSAY_E_CORRUPT;
	e = verify_text(t->signatures, dot - t->signatures, dot + 1, creator);
	if (e == 0)
		e = artifact_unbase64(&text, &len, t->signatures, dot - t->signatures);
	if (e != 0)
		return e;
	e = artifact_index_read(&index->layout_ids, &index->layout_signature, t->max, text, len);
	free(text);
	if (e != 0)
		*index = (struct ticket_index){0};
	return e;
}

static int refuse(const char **why, int e, const char *text)
{
	*why = text;
	return e;
}

/* Which copy of the layout a file is, or max. */
static uint32_t copy_of(const struct ticket *t, const struct ticket_index *index,
			const uint8_t *data, size_t len)
{
	uint8_t id[32];
	uint32_t i = 0;

	digest_one(id, NULL, data, len);
	while (i < t->max && memcmp(index->layout_ids[i], id, 32) != 0)
		i++;
	return i;
}

/* A layout whose text the creator signed: is it of this ticket? */
static int parse_layout(struct layout *l, const char **why, const struct ticket *t,
			const char *text, size_t len)
{
	int e = layout_read(l, why, text, len);
	uint64_t want;

	if (e != 0)
		return e;
	want = l->block.symbols + layout_repair(t->size, t->ratio);
	if (l->params.length != t->size || l->symbols != want || t->symbols != want)
		e = refuse(why, ASSAY_E_CORRUPT,
			   "size or number of symbols differ from the ticket");
	else if (memcmp(l->hash, t->data_hash, 32) != 0)
		e = refuse(why, ASSAY_E_CORRUPT, "the data hash differs from the ticket");
	if (e != 0)
		layout_free(l);
	return e;
}

int ticket_layout_read(struct layout *l, const char **why, const struct ticket *t,
		       const struct ticket_index *index, const uint8_t creator[32],
		       const uint8_t *data, size_t len)
{
	size_t text_len, room = layout_text_max(t->symbols) / 3 * 4 + 256;
	uint32_t copy = copy_of(t, index, data, len), counter;
	char *text, *signature, *base64;
	int e;

	*why = "no memory";
	if (copy == t->max)
		return refuse(why, ASSAY_E_CORRUPT, "it is no layout file of this ticket");
	e = artifact_open(&text, &text_len, &signature, &counter, data, len, room);
	if (e != 0)
		return refuse(why, e, "it does not unpack to a layout and its signature");
	base64 = artifact_base64(text, text_len);
	if (base64 == NULL)
		e = ASSAY_E_NOMEM;
	else if (counter != t->ic + copy)
		e = refuse(why, ASSAY_E_CORRUPT, "it carries another counter than its place says");
	else if (strcmp(signature, index->layout_signature) != 0 ||
		 verify_text(base64, strlen(base64), signature, creator) != 0)
		e = refuse(why, ASSAY_E_CRYPTO, "the signature is not the creator's");
	if (e == 0)
		e = parse_layout(l, why, t, text, text_len);
	free(text);
	free(signature);
	free(base64);
	return e;
}

int ticket_remake(const struct ticket *t, const struct ticket_index *index,
		  const uint8_t creator[32], const struct layout *l,
		  const struct artifact_sink *sink)
{
	char *text = layout_base64(l), *body = NULL;
	int e = ASSAY_E_NOMEM;

	if (text != NULL)
		body = joined(text, index->layout_signature);
	if (body == NULL)
		goto out;
	e = verify_text(text, strlen(text), index->layout_signature, creator);
	if (e == 0)
		e = make_copies(NULL, (const uint8_t(*)[32])index->layout_ids, body, t, 0, sink);
	if (e == 0)
		e = make_copies(NULL, (const uint8_t(*)[32])t->index_ids, t->signatures, t, t->max,
				sink);
out:
	free(text);
	free(body);
	return e;
}
