/* SPDX-License-Identifier: Apache-2.0 */
#include "schnorr/cases.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"

static secp256k1_context *context(void)
{
	static secp256k1_context *c;

	if (c == NULL)
		c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	return c;
}

uint64_t cases_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void cases_fill(uint64_t *state, void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)cases_random(state);
}

static int fixed_nonce(unsigned char *out, const unsigned char *msg, size_t len,
		       const unsigned char *key, const unsigned char *pk, const unsigned char *algo,
		       size_t algolen, void *data)
{
	memcpy(out, data, 32);
	return 1;
}

void case_sign_nonce(struct sig_case *c, uint64_t *state, const uint8_t secret[32],
		     const uint8_t nonce[32])
{
	secp256k1_schnorrsig_extraparams extra = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
	secp256k1_keypair pair;
	secp256k1_xonly_pubkey key;
	uint8_t aux[32];

	memset(c, 0, sizeof(*c));
	c->len = cases_random(state) % 4 == 0 ? cases_random(state) % sizeof(c->message) : 32;
	cases_fill(state, c->message, c->len);
	cases_fill(state, aux, sizeof(aux));
	extra.ndata = nonce != NULL ? (void *)nonce : aux;
	extra.noncefp = nonce != NULL ? fixed_nonce : NULL;
	must(secp256k1_keypair_create(context(), &pair, secret));
	must(secp256k1_keypair_xonly_pub(context(), &key, NULL, &pair));
	must(secp256k1_xonly_pubkey_serialize(context(), c->key, &key));
	must(secp256k1_schnorrsig_sign_custom(context(), c->signature, c->message, c->len, &pair,
					      &extra));
}

void case_sign(struct sig_case *c, uint64_t *state, uint32_t number)
{
	uint8_t secret[32] = {0};

	memcpy(secret + 28, &number, 4);
	secret[20] = 1;
	case_sign_nonce(c, state, secret, NULL);
}

void case_sign_related(struct sig_case *c, uint64_t *state, unsigned key, unsigned nonce)
{
	static const char *const secrets[CASES_RELATED] = {
		"0000000000000000000000000000000000000000000000000000000000000001",
		"5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72",
		"ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283ce",
		"0000000000000000000000000000000100000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000002",
		"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
	};
	uint8_t secret[32], other[32];

	must(hex_decode(secret, 32, secrets[key]) == 0);
	must(hex_decode(other, 32, secrets[nonce]) == 0);
	case_sign_nonce(c, state, secret, other);
}

bool case_valid(const struct sig_case *c)
{
	secp256k1_xonly_pubkey key;

	return secp256k1_xonly_pubkey_parse(context(), &key, c->key) &&
	       secp256k1_schnorrsig_verify(context(), c->signature, c->message, c->len, &key);
}

struct assay_schnorr *cases_batch_of(const struct assay_schnorr_config *config)
{
	static const uint8_t secret[32] = "a secret of the tests, not known";
	size_t size = assay_schnorr_size(config);
	void *memory = aligned_alloc(ASSAY_SCHNORR_ALIGN, size);
	struct assay_schnorr *b;

	must(size > 0 && memory != NULL);
	memset(memory, 0xa5, size);
	if (assay_schnorr_init(&b, memory, size, config, secret) != 0) {
		free(memory);
		return NULL;
	}
	return b;
}

struct assay_schnorr *cases_batch(uint32_t items_max, uint32_t keys_max,
				  enum assay_schnorr_code code)
{
	const struct assay_schnorr_config config = {items_max, keys_max, code, true};

	return cases_batch_of(&config);
}

/* A batch lies at the start of its memory. */
void cases_free(struct assay_schnorr *b)
{
	free(b);
}

static int add(struct assay_schnorr *b, const struct sig_case *c, bool cached)
{
	uint64_t handle;

	if (cached && assay_schnorr_key(b, &handle, c->key) == 0)
		return assay_schnorr_add_cached(b, c->message, c->len, handle, c->signature);
	return assay_schnorr_add(b, c->message, c->len, c->key, c->signature);
}

int cases_differ(struct assay_schnorr *b, const struct sig_case *cases, size_t n, bool cached,
		 uint64_t budget_ns, const bool *told)
{
	int error;

	assay_schnorr_reset(b);
	for (size_t i = 0; i < n; i++)
		must(add(b, &cases[i], cached && i % 3 == 0) == 0);
	do
		error = assay_schnorr_run(b, budget_ns);
	while (error == ASSAY_E_AGAIN);
	must(error == 0);
	for (size_t i = 0; i < n; i++)
		if (assay_schnorr_valid(b, (uint32_t)i) !=
		    (told != NULL ? told[i] : case_valid(&cases[i])))
			return (int)i;
	return -1;
}
