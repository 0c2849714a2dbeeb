/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/drbg.h"

#include <string.h>

#include "crypto/sign.h"

/* 16 digests of a counter under the key: the first is the next key, the others are the pool. */
static void drbg_refill(struct drbg *d)
{
	uint8_t block[DIGEST_LANES][DIGEST_BLOCK] = {0}, out[DIGEST_LANES][DIGEST_LEN];
	const uint8_t *in[DIGEST_LANES];

	for (unsigned i = 0; i < DIGEST_LANES; i++) {
		block[i][0] = (uint8_t)i;
		in[i] = block[i];
	}
	digest_many(out[0], d->key, in, DIGEST_LANES, 1);
	memcpy(d->key, out[0], sizeof(d->key));
	memcpy(d->pool, out[1], sizeof(d->pool));
	d->used = 0;
	wipe(out, sizeof(out));
}

static void drbg_fill(void *ctx, void *out, size_t len)
{
	struct drbg *d = ctx;
	uint8_t *p = out;

	while (len > 0) {
		size_t take;

		if (d->used == sizeof(d->pool))
			drbg_refill(d);
		take = sizeof(d->pool) - d->used;
		take = len < take ? len : take;
		memcpy(p, d->pool + d->used, take);
		wipe(d->pool + d->used, take);
		d->used += take;
		p += take;
		len -= take;
	}
}

void drbg_init(struct drbg *d, const struct random *seed)
{
	random_fill(seed, d->key, sizeof(d->key));
	d->used = sizeof(d->pool);
}

void drbg_wipe(struct drbg *d)
{
	wipe(d, sizeof(*d));
}

struct random random_drbg(struct drbg *d)
{
	return (struct random){drbg_fill, d};
}
