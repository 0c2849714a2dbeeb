/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/status.h"
#include "bench.h"
#include "schnorr_bench.h"

#define SINGLES 24

static secp256k1_context *context;
static secp256k1_context *(*create)(unsigned flags) = secp256k1_context_create;
static __typeof__(secp256k1_xonly_pubkey_parse) *parse = secp256k1_xonly_pubkey_parse;
static __typeof__(secp256k1_schnorrsig_verify) *verify = secp256k1_schnorrsig_verify;

static void item_sign(struct signed_item *item, const secp256k1_context *signer, uint64_t *seed)
{
	secp256k1_keypair pair;
	secp256k1_xonly_pubkey key;
	uint64_t secret[4];

	for (int i = 0; i < 4; i++) {
		uint64_t word = bench_random(seed);

		memcpy(item->message + 8 * i, &word, 8);
		secret[i] = bench_random(seed) >> 1;
	}
	if (!secp256k1_keypair_create(signer, &pair, (const uint8_t *)secret) ||
	    !secp256k1_keypair_xonly_pub(signer, &key, NULL, &pair) ||
	    !secp256k1_xonly_pubkey_serialize(signer, item->key, &key) ||
	    !secp256k1_schnorrsig_sign32(signer, item->signature, item->message, &pair, NULL))
		abort();
}

struct signed_item *items_make(uint32_t n)
{
	secp256k1_context *signer = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	uint32_t drawn = n < SINGLES ? SINGLES : n;
	struct signed_item *items = bench_memory(drawn * sizeof(items[0]));
	uint64_t seed = 1;

	for (uint32_t i = 0; i < drawn; i++)
		item_sign(&items[i], signer, &seed);
	secp256k1_context_destroy(signer);
	return items;
}

struct assay_schnorr *batch_make(const struct assay_schnorr_config *config)
{
	static const uint8_t secret[32] = "nobody tries to fool a benchmark";
	size_t size = assay_schnorr_size(config);
	struct assay_schnorr *batch;

	if (assay_schnorr_init(&batch, bench_memory(size), size, config, secret) == 0)
		return batch;
	fprintf(stderr, "assay-bench: this processor or build lacks that code\n");
	return NULL;
}

void batch_run(struct assay_schnorr *batch, const struct signed_item *items, uint32_t n,
	       bool cached)
{
	assay_schnorr_reset(batch);
	for (uint32_t i = 0; i < n; i++) {
		const struct signed_item *s = &items[i];

		if (cached)
			assay_schnorr_add_cached(batch, s->message, 32, s->handle, s->signature);
		else
			assay_schnorr_add(batch, s->message, 32, s->key, s->signature);
	}
	assay_schnorr_run(batch, 0);
}

double own_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int singles_use(const char *library)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);

	if (handle != NULL) {
		*(void **)&create = dlsym(handle, "secp256k1_context_create");
		*(void **)&parse = dlsym(handle, "secp256k1_xonly_pubkey_parse");
		*(void **)&verify = dlsym(handle, "secp256k1_schnorrsig_verify");
	}
	if (handle != NULL && create != NULL && parse != NULL && verify != NULL)
		return 0;
	fprintf(stderr, "assay-bench: %s is no libsecp256k1 with Schnorr signatures: %s\n", library,
		handle == NULL ? dlerror() : "functions are missing");
	return ASSAY_E_INVAL;
}

double singles_seconds(const struct signed_item *items, bool cached)
{
	static secp256k1_xonly_pubkey key[SINGLES];
	double start;

	if (context == NULL)
		context = create(SECP256K1_CONTEXT_NONE);
	start = own_seconds();
	for (int i = 0; i < SINGLES; i++)
		if (!parse(context, &key[i], items[i].key))
			abort();
	if (cached)
		start = own_seconds();
	for (int i = 0; i < SINGLES; i++)
		if (!verify(context, items[i].signature, items[i].message, 32, &key[i]))
			abort();
	return (own_seconds() - start) / SINGLES;
}
