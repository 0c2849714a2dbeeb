/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/coded.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/sim.h"
#include "base/text.h"
#include "codec/ticket.h"
#include "crypto/digest.h"

#define RATIO 5

struct taker {
	void (*take)(void *ctx, bool symbol, unsigned ordinal, const uint8_t key[32],
		     const uint8_t *data, size_t len);
	void *ctx;
};

static int take_index(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
		      const void *data, size_t len)
{
	const struct taker *t = ctx;

	t->take(t->ctx, false, ordinal, id, data, len);
	return 0;
}

static void symbol_bytes(uint8_t *out, size_t len, uint64_t file, uint32_t number)
{
	uint64_t seed = file * 65537 + number;
	struct random random = random_sim(&seed);

	random_fill(&random, out, len);
}

void coded_ticket_make(struct coded_ticket *t, const struct sign_key *creator, uint64_t size,
		       void (*take)(void *ctx, bool symbol, unsigned ordinal, const uint8_t key[32],
				    const uint8_t *data, size_t len),
		       void *ctx)
{
	uint64_t seed = 3;
	const struct random random = random_sim(&seed);
	const struct ticket_terms terms = {.creator = creator,
					   .random = &random,
					   .ic = 1,
					   .max = CODED_TICKET_MAX,
					   .ratio = RATIO};
	struct taker taker = {take, ctx};
	const struct artifact_sink sink = {take_index, &taker};
	struct ticket ticket;
	struct layout layout;
	const char *why;
	uint8_t *symbol;
	size_t len;

	must(layout_init(&layout, &why, size, RATIO) == 0);
	len = layout_symbol_file(&layout);
	symbol = malloc(len);
	must(symbol != NULL);
	for (uint32_t i = 0; i < layout.symbols; i++) {
		symbol_bytes(symbol, len, size, i);
		digest_one(layout.ids[i], NULL, symbol, len);
	}
	digest_one(layout.hash, NULL, &size, sizeof(size));
	must(ticket_make(&ticket, &layout, &terms, &sink) == 0);
	for (uint32_t i = 0; i < layout.symbols; i++) {
		symbol_bytes(symbol, len, size, i);
		take(ctx, true, i, layout.ids[i], symbol, len);
	}
	*t = (struct coded_ticket){.max = CODED_TICKET_MAX, .symbols = layout.symbols};
	EVP_EncodeBlock((uint8_t *)t->data_hash, layout.hash, 32);
	for (uint32_t i = 0; i < CODED_TICKET_MAX; i++)
		base58_encode(t->index_id[i], sizeof(t->index_id[i]), ticket.index_ids[i], 32);
	t->signatures = strdup(ticket.signatures);
	free(symbol);
	ticket_free(&ticket);
	layout_free(&layout);
}

void coded_ticket_free(struct coded_ticket *t)
{
	free(t->signatures);
}
