/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/layout.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "assay/status.h"
#include "base/text.h"

static int refuse(const char **why, const char *text)
{
	*why = text;
	return ASSAY_E_INVAL;
}

size_t layout_symbol_file(const struct layout *l)
{
	return ASSAY_RQ_PAYLOAD_ID + l->params.symbol_size;
}

/* Fills params and block; the number of symbols and the ids are the caller's. */
static int set_params(struct layout *l, const char **why, uint64_t length)
{
	int e;

	if (length > LAYOUT_FILE_MAX)
		return refuse(why, "the file is larger than 1280 MiB");
	e = assay_rq_params_derive(&l->params, why, length, LAYOUT_PACKET, LAYOUT_MEMORY);
	if (e != 0)
		return e;
	if (l->params.blocks != 1)
		return refuse(why, "the file needs more than one source block");
	return assay_rq_block(&l->block, &l->params, 0);
}

static int make_ids(struct layout *l, uint64_t symbols)
{
	l->symbols = symbols;
	l->ids = calloc(symbols, sizeof(*l->ids));
	return l->ids != NULL ? 0 : ASSAY_E_NOMEM;
}

uint64_t layout_repair(uint64_t length, uint32_t ratio)
{
	return length <= LAYOUT_PACKET ? ratio + 1
				       : (length * ratio + LAYOUT_PACKET - 1) / LAYOUT_PACKET;
}

size_t layout_text_max(uint64_t symbols)
{
	return 512 + symbols * (BASE58_KEY_MAX + 3);
}

int layout_init(struct layout *l, const char **why, uint64_t length, uint32_t ratio)
{
	int e;

	memset(l, 0, sizeof(*l));
	if (length == 0)
		return refuse(why, "the file is empty");
	if (ratio == 0 || ratio > LAYOUT_RATIO_MAX)
		return refuse(why, "the ratio of repair symbols is not 1..64");
	e = set_params(l, why, length);
	return e != 0 ? e : make_ids(l, l->block.symbols + layout_repair(length, ratio));
}

void layout_free(struct layout *l)
{
	free(l->ids);
	l->ids = NULL;
}

int layout_write(char **text, size_t *len, const struct layout *l)
{
	size_t room = layout_text_max(l->symbols), at = 0;
	uint8_t oti[ASSAY_RQ_OTI];
	char id[BASE58_KEY_MAX], *out = malloc(room);

	if (out == NULL)
		return ASSAY_E_NOMEM;
	assay_rq_oti_write(oti, &l->params);
	at += sprintf(out + at, "{\"blocks\":[{\"block_id\":0,\"encoder_parameters\":[");
	for (int i = 0; i < ASSAY_RQ_OTI; i++)
		at += sprintf(out + at, "%s%u", i > 0 ? "," : "", oti[i]);
	at += sprintf(out + at, "],\"original_offset\":0,\"size\":%llu,\"symbols\":[",
		      (unsigned long long)l->params.length);
	for (uint32_t i = 0; i < l->symbols; i++) {
		base58_encode(id, sizeof(id), l->ids[i], sizeof(l->ids[i]));
		at += sprintf(out + at, "%s\"%s\"", i > 0 ? "," : "", id);
	}
	base58_encode(id, sizeof(id), l->hash, sizeof(l->hash));
	at += sprintf(out + at, "],\"hash\":\"%s\"}]}", id);
	*text = out;
	*len = at;
	return 0;
}

/* The 12 octets of encoder_parameters: a list of numbers, or base64. */
static int read_oti(uint8_t oti[ASSAY_RQ_OTI], const json_t *v)
{
	uint8_t decoded[3 * 8];
	size_t i;
	const json_t *item;

	if (json_is_string(v)) {
		if (json_string_length(v) != 4 * ASSAY_RQ_OTI / 3 ||
		    EVP_DecodeBlock(decoded, (const uint8_t *)json_string_value(v),
				    4 * ASSAY_RQ_OTI / 3) != ASSAY_RQ_OTI)
			return ASSAY_E_INVAL;
		memcpy(oti, decoded, ASSAY_RQ_OTI);
		return 0;
	}
	if (json_array_size(v) != ASSAY_RQ_OTI)
		return ASSAY_E_INVAL;
	json_array_foreach(v, i, item)
	{
		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) > 255)
			return ASSAY_E_INVAL;
		oti[i] = json_integer_value(item);
	}
	return 0;
}

static int read_id(uint8_t id[32], const json_t *v)
{
	return json_is_string(v) ? base58_decode(id, 32, json_string_value(v)) : ASSAY_E_INVAL;
}

static int read_block(struct layout *l, const char **why, const json_t *b)
{
	const json_t *size = json_object_get(b, "size"), *ids = json_object_get(b, "symbols"),
		     *item;
	uint8_t oti[ASSAY_RQ_OTI], own[ASSAY_RQ_OTI];
	size_t i;
	int e;

	if (read_oti(oti, json_object_get(b, "encoder_parameters")) != 0)
		return refuse(why, "encoder_parameters are not 12 octets");
	if (!json_is_integer(size) || json_integer_value(size) <= 0)
		return refuse(why, "size is not a positive number");
	e = set_params(l, why, json_integer_value(size));
	if (e != 0)
		return e;
	assay_rq_oti_write(own, &l->params);
	if (memcmp(own, oti, sizeof(oti)) != 0)
		return refuse(why, "encoder_parameters do not belong to the size");
	if (read_id(l->hash, json_object_get(b, "hash")) != 0)
		return refuse(why, "hash is not a BLAKE3 hash in base58");
	if (json_array_size(ids) <= l->block.symbols ||
	    json_array_size(ids) > (uint64_t)l->block.symbols * (LAYOUT_RATIO_MAX + 2) + 2)
		return refuse(why, "the number of symbols does not belong to the size");
	e = make_ids(l, json_array_size(ids));
	if (e != 0)
		return e;
	json_array_foreach(ids, i, item) if (read_id(l->ids[i], item) != 0) return refuse(
		why, "a symbol id is not a BLAKE3 hash in base58");
	return 0;
}

int layout_read(struct layout *l, const char **why, const char *text, size_t len)
{
	json_t *root;
	const json_t *blocks, *b;
	int e;

	memset(l, 0, sizeof(*l));
	*why = "";
	if (len > LAYOUT_TEXT_MAX)
		return refuse(why, "the layout is larger than 64 MiB");
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	blocks = json_object_get(root, "blocks");
	b = json_array_get(blocks, 0);
	if (json_array_size(blocks) != 1 || !json_is_object(b))
		e = refuse(why, "this is no layout of one block");
	else
		e = read_block(l, why, b);
	json_decref(root);
	if (e != 0)
		layout_free(l);
	return e;
}
