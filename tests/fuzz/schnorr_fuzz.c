/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of up to 24 signatures, valid but for what the input says, against libsecp256k1: an item
 * is a source u8 and a change u8 (what), u8 (where), u8 (by what).
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "schnorr/cases.h"

#define SOURCES 16
#define MOST	24

static void change(struct sig_case *c, unsigned what, unsigned where, uint8_t by)
{
	static uint8_t *const none = NULL;
	uint8_t *field[] = {none, c->message, c->key, c->signature, c->signature + 32};

	if (what % 16 == 5)
		memcpy(c->signature, c->key, 32);
	else if (what % 16 == 6)
		memset(c->signature + 32, by, 32);
	else if (what % 16 < 5 && field[what % 16] != NULL)
		field[what % 16][where % 32] ^= by;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct sig_case source[SOURCES], cases[MOST];
	static struct assay_schnorr *batch;
	struct reader r = reader_of(data, len);
	uint64_t seed = 3;
	size_t n = 0;

	if (batch == NULL) {
		batch = cases_batch(MOST, 4, ASSAY_SCHNORR_BEST);
		for (uint32_t i = 0; i < SOURCES; i++)
			case_sign(&source[i], &seed, i % 12 + 1);
	}
	for (; r.left >= 4 && n < MOST; n++) {
		cases[n] = source[read_u8(&r) % SOURCES];
		unsigned what = read_u8(&r), where = read_u8(&r);

		change(&cases[n], what, where, read_u8(&r));
	}
	if (cases_differ(batch, cases, n, len % 2 != 0, len % 3 * 1000, NULL) >= 0)
		abort();
	return 0;
}
