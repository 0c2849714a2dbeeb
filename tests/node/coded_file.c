/* SPDX-License-Identifier: Apache-2.0 */
#include "node/coded_file.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/sim.h"
#include "base/text.h"
#include "codec/ticket.h"
#include "crypto/digest.h"

#define RATIO 5

void coded_file_symbol(uint8_t key[32], uint64_t size, uint32_t ordinal)
{
	char text[64];

	snprintf(text, sizeof(text), "symbol %u of %llu", ordinal, (unsigned long long)size);
	digest_one(key, NULL, text, strlen(text));
}

static int take(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
		const void *data, size_t len)
{
	struct coded_file *f = ctx;

	must(class == ARTIFACT_INDEX && ordinal < 2 * CODED_MAX);
	memcpy(f->index[ordinal].key, id, 32);
	f->index[ordinal].data = malloc(len);
	must(f->index[ordinal].data != NULL);
	memcpy(f->index[ordinal].data, data, len);
	f->index[ordinal].len = len;
	return 0;
}

void coded_file_make(struct coded_file *f, const struct sign_key *creator, uint64_t size)
{
	uint64_t seed = 3;
	const struct random random = random_sim(&seed);
	const struct ticket_terms terms = {
		.creator = creator, .random = &random, .ic = 1, .max = CODED_MAX, .ratio = RATIO};
	const struct artifact_sink sink = {take, f};
	struct ticket ticket;
	struct layout layout;
	const char *why;

	*f = (struct coded_file){.size = size, .ratio = RATIO};
	must(layout_init(&layout, &why, size, RATIO) == 0);
	for (uint32_t i = 0; i < layout.symbols; i++)
		coded_file_symbol(layout.ids[i], size, i);
	digest_one(layout.hash, NULL, &size, sizeof(size));
	must(ticket_make(&ticket, &layout, &terms, &sink) == 0);
	f->symbols = layout.symbols;
	EVP_EncodeBlock((uint8_t *)f->data_hash, layout.hash, 32);
	for (uint32_t i = 0; i < CODED_MAX; i++)
		base58_encode(f->index_id[i], sizeof(f->index_id[i]), ticket.index_ids[i], 32);
	f->signatures = strdup(ticket.signatures);
	ticket_free(&ticket);
	layout_free(&layout);
}

void coded_file_free(struct coded_file *f)
{
	for (unsigned i = 0; i < 2 * CODED_MAX; i++)
		free(f->index[i].data);
	free(f->signatures);
}
