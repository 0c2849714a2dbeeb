/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Millions of verdicts against libsecp256k1: batches of all sizes, drawn from signatures whose
 * verdicts it has given before and from spoilt ones that it is asked about, with few and many keys,
 * cold and cached, with copies, with keys and nonces that are related, with swapped s and errors
 * that cancel, with any share of bad ones, by all methods, in slices. At the end one batch of the
 * most items there may be.
 *
 *   schnorr_long_test [ITEMS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "schnorr/cases.h"

#define POOL	  3000
#define RELATED	  600 /* of them */
#define MOST	  5000
#define KINDS_MAX 12

static struct sig_case pool[POOL];
static bool pool_valid[POOL];
static struct sig_case *cases;
static bool told[ASSAY_SCHNORR_ITEMS_MAX];
static uint64_t seed = 11;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(cases_random(&seed) % n);
}

/* Few keys sign half of it; a tenth is bad. */
static void fill_pool(void)
{
	for (uint32_t i = 0; i < POOL; i++) {
		if (i < RELATED)
			case_sign_related(&pool[i], &seed, below(CASES_RELATED),
					  below(CASES_RELATED));
		else
			case_sign(&pool[i], &seed, below(2) == 0 ? i : i % 40);
		if (i % 10 == 0)
			pool[i].signature[below(64)] ^= (uint8_t)(1u << below(8));
		pool_valid[i] = case_valid(&pool[i]);
	}
}

/* A single bit anywhere, or a whole part from somewhere else. */
static void spoil(struct sig_case *c)
{
	static const uint8_t field[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f};
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
					  0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
					  0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
	const struct sig_case *other = &pool[below(POOL)];

	switch (below(9)) {
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
	case 5: /* r or s next to the end of its range */
		memcpy(c->signature + 32 * below(2), below(2) == 0 ? field : order, 32);
		c->signature[31] += (uint8_t)(below(3) - 1);
		c->signature[63] += (uint8_t)(below(3) - 1);
		break;
	case 6: /* the other parity of R, or nearly */
		for (int i = 32; i < 64; i++)
			c->signature[i] = (uint8_t)~c->signature[i];
		break;
	default:
		c->signature[below(64)] ^= (uint8_t)(1u << below(8));
	}
}

/* Two that would be good together if their coefficients were equal: swapped s, or s + 1 and s - 1.
 */
static void spoil_pair(size_t n)
{
	struct sig_case *a = &cases[below((uint32_t)n)], *b = &cases[below((uint32_t)n)], kept = *a;

	if (below(2) == 0) {
		memcpy(a->signature + 32, b->signature + 32, 32);
		memcpy(b->signature + 32, kept.signature + 32, 32);
	} else {
		a->signature[63]++;
		b->signature[63]--;
	}
	told[a - cases] = case_valid(a);
	told[b - cases] = case_valid(b);
}

/* n cases; one in share spoilt, none when that is 0; some often, when copies. */
static void draw(size_t n, uint32_t share, bool copies, bool good)
{
	uint32_t few = copies ? 1 + below(20) : below(6) == 0 ? RELATED : POOL;
	uint32_t first = copies ? below(POOL - few) : 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t from = first + below(few);

		while (good && !pool_valid[from])
			from = (from + 1) % POOL;
		cases[i] = pool[from];
		told[i] = pool_valid[from];
		if (share == 0 || below(share) != 0)
			continue;
		spoil(&cases[i]);
		told[i] = case_valid(&cases[i]);
	}
	if (share > 20)
		spoil_pair(n);
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

/* A batch for each code and method, and one that remembers how much was bad. */
static unsigned open_batches(struct assay_schnorr *batches[KINDS_MAX])
{
	static const enum assay_schnorr_method methods[4] = {
		ASSAY_SCHNORR_FASTEST, ASSAY_SCHNORR_FASTEST, ASSAY_SCHNORR_JUDGE,
		ASSAY_SCHNORR_SUM};
	unsigned kinds = 0;

	for (enum assay_schnorr_code code = ASSAY_SCHNORR_PLAIN; code <= ASSAY_SCHNORR_IFMA; code++)
		for (int i = 0; i < 4; i++) {
			struct assay_schnorr_config config = {MOST, 500, code, i > 0, methods[i]};
			struct assay_schnorr *b = cases_batch_of(&config);

			if (b != NULL)
				batches[kinds++] = b;
		}
	return kinds;
}

static bool check(struct assay_schnorr *b, uint32_t n, bool cached, uint64_t budget_ns)
{
	int differs = cases_differ(b, cases, n, cached, budget_ns, told);

	if (differs < 0)
		return true;
	printf("%s, item %d of %u: batch says %d\n", assay_schnorr_code_name(b), differs, n,
	       assay_schnorr_valid(b, (uint32_t)differs));
	return false;
}

/* The most items of a batch, all good and some bad. */
static bool check_largest(void)
{
	struct assay_schnorr *b =
		cases_batch(ASSAY_SCHNORR_ITEMS_MAX, ASSAY_SCHNORR_KEYS_MAX, ASSAY_SCHNORR_BEST);
	bool good = true;

	for (int bad = 0; bad < 2 && good; bad++) {
		draw(ASSAY_SCHNORR_ITEMS_MAX, bad ? 10000 : 0, false, true);
		good = check(b, ASSAY_SCHNORR_ITEMS_MAX, true, bad ? 50000 : 0);
	}
	cases_free(b);
	return good;
}

int main(int argc, char **argv)
{
	uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000000, done = 0, bad = 0;
	struct assay_schnorr *batches[KINDS_MAX];
	unsigned kinds;

	cases = calloc(ASSAY_SCHNORR_ITEMS_MAX, sizeof(cases[0]));
	must(cases != NULL);
	fill_pool();
	kinds = open_batches(batches);
	for (uint32_t round = 0; done < wanted; round++) {
		static const uint32_t shares[] = {0, 0, 2000, 300, 20, 3};
		uint32_t n = size_of(round / kinds), share = shares[below(6)];

		draw(n, share, below(5) == 0, below(2) == 0);
		if (!check(batches[round % kinds], n, below(2) == 0, below(2) == 0 ? 0 : 30000)) {
			printf("in round %u\n", round);
			return 1;
		}
		done += n;
		for (uint32_t i = 0; i < n; i++)
			bad += !told[i];
	}
	if (!check_largest())
		return 1;
	printf("%llu verdicts, %llu of them bad, and twice %u: as libsecp256k1 gives them\n",
	       (unsigned long long)done, (unsigned long long)bad, ASSAY_SCHNORR_ITEMS_MAX);
	for (unsigned i = 0; i < kinds; i++)
		cases_free(batches[i]);
	free(cases);
	return 0;
}
