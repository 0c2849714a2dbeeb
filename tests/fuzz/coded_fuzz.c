/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptions of files as a creator who means no good would sign them: the index of a ticket's
 * record, and layout files that the index names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/sim.h"
#include "base/text.h"
#include "codec/artifact.h"
#include "crypto/sign.h"
#include "node/coded.h"

#define MAX 2

static struct sign_key creator;

static void begin(void)
{
	static uint64_t seed = 1;
	struct random random = random_sim(&seed);
	uint8_t secret[32] = {5};

	if (creator.public[0] != 0)
		return;
	digest_init();
	sign_init(&random);
	must(sign_key_from_secret(&creator, secret) == 0);
}

/* "text in base64 . signature in base64". */
static char *signed_text(char **signature, const void *text, size_t len)
{
	static const uint8_t aux[32];
	char *base64 = artifact_base64(text, len), *out;
	const struct sha256_part part = {base64, strlen(base64)};
	uint8_t raw[64];

	sign_tagged(raw, &creator, "assay/artifact/v1", &part, 1, aux);
	*signature = artifact_base64(raw, sizeof(raw));
	out = malloc(strlen(base64) + strlen(*signature) + 2);
	must(out != NULL);
	sprintf(out, "%s.%s", base64, *signature);
	free(base64);
	return out;
}

static struct coded *open_index(const void *index, size_t len)
{
	static const char *const ids[MAX] = {"11111111111111111111111111111111",
					     "11111111111111111111111111111112"};
	char *signature, *signatures = signed_text(&signature, index, len);
	struct coded_record record = {
		.data_hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		.index_ids = ids,
		.signatures = signatures,
		.size = 1000,
		.ic = 1,
		.max = MAX,
		.ratio = 5,
		.symbols = 7,
	};
	struct coded *coded;
	int error;

	memcpy(record.creator, creator.public, 32);
	error = coded_new(&coded, &record);
	must((error == 0) == (coded != NULL));
	free(signature);
	free(signatures);
	return coded;
}

static void look(struct coded *c)
{
	must(coded_index_key(c, 0) != NULL && coded_index_key(c, 2 * MAX - 1) != NULL);
	must(coded_index_key(c, 2 * MAX) == NULL && coded_index_key(c, UINT32_MAX) == NULL);
	must(!coded_has_layout(c) || coded_symbol_key(c, 6) != NULL);
	must(coded_symbol_key(c, 7) == NULL);
	must(coded_bytes(c) > 0);
}

/* An index that names this layout file. */
static void take(const uint8_t *file, size_t len, const char *layout_signature)
{
	uint8_t ids[MAX][32] = {{0}};
	char *index;
	const char *why;
	struct coded *c;

	digest_one(ids[0], NULL, file, len);
	index = artifact_index((const uint8_t(*)[32])ids, MAX, layout_signature);
	must(index != NULL);
	c = open_index(index, strlen(index));
	free(index);
	must(c != NULL);
	if (coded_take_layout(c, &why, file, len) == 0)
		must(coded_has_layout(c));
	else
		must(*why != '\0');
	look(c);
	coded_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct artifact_file file;
	struct coded *c;
	char *signature, *body;

	begin();
	if (len == 0)
		return 0;
	switch (data[0] % 3) {
	case 0: /* the index is anything */
		c = open_index(data + 1, len - 1);
		if (c != NULL)
			look(c);
		coded_free(c);
		break;
	case 1: /* the layout is anything, signed and packed as it should be */
		body = signed_text(&signature, data + 1, len - 1);
		must(artifact_make(&file, body, 1) == 0);
		take(file.data, file.len, signature);
		artifact_free(&file);
		free(body);
		free(signature);
		break;
	default: /* the layout file is anything */
		take(data + 1, len - 1, "AAAA");
	}
	return 0;
}
