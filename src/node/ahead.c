/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "assay/schnorr_batch.h"
#include "base/must.h"
#include "base/text.h"

#define ITEMS_MAX 2048
#define SLOTS	  4096 /* a power of two */
#define KEYS_MAX  4096

struct item {
	uint8_t sig[64], message[32], key[32];
};

struct ahead {
	struct assay_schnorr *batch;
	void *memory;
	struct item item[ITEMS_MAX];
	unsigned n;
	bool ran;
	uint16_t slot[SLOTS]; /* item + 1 by the signature's first bytes; 0: empty */
	struct ahead_counters counters;
};

struct ahead *ahead_new(const struct random *random)
{
	const struct assay_schnorr_config config = {.items_max = ITEMS_MAX, .keys_max = KEYS_MAX};
	size_t size = assay_schnorr_size(&config);
	struct ahead *a = calloc(1, sizeof(*a));
	uint8_t secret[32];

	must(a != NULL && size > 0);
	must(posix_memalign(&a->memory, ASSAY_SCHNORR_ALIGN, size) == 0);
	random_fill(random, secret, sizeof(secret));
	must(assay_schnorr_init(&a->batch, a->memory, size, &config, secret) == 0);
	return a;
}

void ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	free(a->memory);
	free(a);
}

void ahead_begin(struct ahead *a)
{
	assay_schnorr_reset(a->batch);
	memset(a->slot, 0, sizeof(a->slot));
	a->n = 0;
	a->ran = false;
}

/* The slot of that item, or the free one where it would be. */
static uint16_t *slot_of(struct ahead *a, const uint8_t sig[64], const uint8_t message[32],
			 const uint8_t key[32])
{
	uint32_t at;

	memcpy(&at, sig, sizeof(at));
	for (;; at++) {
		uint16_t *slot = &a->slot[at % SLOTS];
		const struct item *i = *slot != 0 ? &a->item[*slot - 1] : NULL;

		if (i == NULL ||
		    (memcmp(i->sig, sig, 64) == 0 && memcmp(i->message, message, 32) == 0 &&
		     memcmp(i->key, key, 32) == 0))
			return slot;
	}
}

static void add(struct ahead *a, const uint8_t sig[64], const uint8_t message[32],
		const uint8_t key[32])
{
	uint16_t *slot = slot_of(a, sig, message, key);
	struct item *i = &a->item[a->n];

	if (*slot != 0)
		return;
	memcpy(i->sig, sig, 64);
	memcpy(i->message, message, 32);
	memcpy(i->key, key, 32);
	must(assay_schnorr_add_known(a->batch, i->message, 32, i->key, i->sig) == 0);
	*slot = (uint16_t)++a->n;
}

/* The rows of a report, as the state machine verifies them. */
static void add_rows(struct ahead *a, const json_t *data, const uint8_t key[32])
{
	const json_t *rows = json_object_get(data, "rows");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *transcript = json_string_value(json_object_get(row, "transcript"));
		const char *sig_hex = json_string_value(json_object_get(row, "sig"));
		uint8_t message[32], sig[64];
		uint8_t tail[2] = {0, (uint8_t)json_integer_value(json_object_get(row, "result"))};

		if (transcript == NULL || sig_hex == NULL || hex_decode(sig, 64, sig_hex) != 0)
			continue;
		sha256_tagged(message, TAG_ROW,
			      (struct sha256_part[]){{transcript, strlen(transcript)}, {tail, 2}},
			      2);
		add(a, sig, message, key);
	}
}

bool ahead_add(struct ahead *a, struct state *s, const struct entry *e)
{
	const char *key_hex = state_author_key(s, e->author);
	size_t rows = json_array_size(json_object_get(e->data, "rows"));
	uint8_t key[32];

	must(!a->ran);
	if (rows + 1 > ITEMS_MAX || key_hex == NULL || hex_decode(key, 32, key_hex) != 0)
		return true; /* singly, if at all */
	if (a->n + rows + 1 > ITEMS_MAX)
		return false;
	add(a, e->sig, e->id, key);
	if (strcmp(e->type, "report") == 0)
		add_rows(a, e->data, key);
	return true;
}

void ahead_run(struct ahead *a)
{
	must(assay_schnorr_run(a->batch, 0) == 0);
	a->counters.batched += a->n;
	a->ran = true;
}

static bool verify(void *ctx, const uint8_t sig[64], const uint8_t message[32],
		   const uint8_t key[32])
{
	struct ahead *a = ctx;
	uint16_t slot = a->ran ? *slot_of(a, sig, message, key) : 0;

	if (slot != 0) {
		a->counters.found++;
		return assay_schnorr_valid(a->batch, slot - 1u);
	}
	a->counters.singles++;
	return verify_message(sig, key, message, 32);
}

struct state_verifier ahead_verifier(struct ahead *a)
{
	return (struct state_verifier){verify, a};
}

void ahead_counters(const struct ahead *a, struct ahead_counters *out)
{
	*out = a->counters;
}
