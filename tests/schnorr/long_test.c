/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Millions of verdicts against libsecp256k1: batches of all sizes, drawn from signatures whose
 * verdicts it has given before and from spoilt ones that it is asked about, with few and many keys,
 * cold, cached and known ones, with copies, with any share of bad ones, in slices.
 *
 *   schnorr_long_test [ITEMS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "schnorr/cases.h"

#define POOL 3000
#define MOST 5000

static struct sig_case pool[POOL];
static bool pool_valid[POOL];
static struct sig_case *cases;
static bool told[MOST];
static uint64_t seed = 11;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(cases_random(&seed) % n);
}

/* A third of the keys sign most of it; a tenth is bad. */
static void fill_pool(void)
{
	for (uint32_t i = 0; i < POOL; i++) {
		case_sign(&pool[i], &seed, below(2) == 0 ? i : i % 40);
		if (i % 10 == 0)
			pool[i].signature[below(64)] ^= (uint8_t)(1u << below(8));
		pool_valid[i] = case_valid(&pool[i]);
	}
}

/* A single bit anywhere, or a whole part from somewhere else. */
static void spoil(struct sig_case *c)
{
	const struct sig_case *other = &pool[below(POOL)];

	switch (below(6)) {
	case 0:
		c->key[below(32)] ^= (uint8_t)(1u << below(8));
		break;
	case 1:
		memcpy(c->key, other->key, 32);
		break;
	case 2:
		memcpy(c->signature, other->signature, 32);
		break;
	case 3:
		memcpy(c->signature + 32, other->signature + 32, 32);
		break;
	case 4:
		memset(c->signature + 32 * below(2), below(2) == 0 ? 0 : 0xff, 32);
		break;
	default:
		c->signature[below(64)] ^= (uint8_t)(1u << below(8));
	}
}

/* n cases; one in share spoilt, none when that is 0; some often, when copies. */
static void draw(size_t n, uint32_t share, bool copies, bool good)
{
	uint32_t few = copies ? 1 + below(20) : POOL;

	for (size_t i = 0; i < n; i++) {
		uint32_t from = below(few);

		while (good && !pool_valid[from])
			from = (from + 1) % POOL;
		cases[i] = pool[from];
		told[i] = pool_valid[from];
		if (share == 0 || below(share) != 0)
			continue;
		spoil(&cases[i]);
		told[i] = case_valid(&cases[i]);
	}
}

static uint32_t size_of(uint32_t round)
{
	switch (round % 4) {
	case 0:
		return 1 + below(40);
	case 1:
		return 1 + below(400);
	default:
		return 1 + below(MOST);
	}
}

int main(int argc, char **argv)
{
	uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000000, done = 0, bad = 0;
	struct assay_schnorr *batches[6];
	unsigned kinds = 0;

	cases = calloc(MOST, sizeof(cases[0]));
	must(cases != NULL);
	fill_pool();
	for (enum assay_schnorr_code code = ASSAY_SCHNORR_PLAIN; code <= ASSAY_SCHNORR_IFMA; code++)
		for (int forgets = 0; forgets < 2; forgets++) {
			struct assay_schnorr_config config = {MOST, 500, code, forgets};
			struct assay_schnorr *b = cases_batch_of(&config);

			if (b != NULL)
				batches[kinds++] = b;
		}
	for (uint32_t round = 0; done < wanted; round++) {
		static const uint32_t shares[] = {0, 0, 2000, 300, 20, 3};
		struct assay_schnorr *b = batches[round % kinds];
		uint32_t n = size_of(round / kinds), share = shares[below(6)];
		int differs;

		draw(n, share, below(5) == 0, below(2) == 0);
		differs = cases_differ(b, cases, n, below(2) == 0, below(2) == 0 ? 0 : 30000, told);
		if (differs >= 0) {
			printf("round %u, %s, item %d of %u: batch says %d\n", round,
			       assay_schnorr_code_name(b), differs, n,
			       assay_schnorr_valid(b, (uint32_t)differs));
			return 1;
		}
		done += n;
		for (uint32_t i = 0; i < n; i++)
			bad += !told[i];
	}
	printf("%llu verdicts, %llu of them bad: as libsecp256k1 gives them\n",
	       (unsigned long long)done, (unsigned long long)bad);
	for (unsigned i = 0; i < kinds; i++)
		cases_free(batches[i]);
	free(cases);
	return 0;
}
