/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/must.h"
#include "crypto/sign.h"

static const uint8_t zeros[32];

/* One context a thread, made at its first handshake: fetching the cipher takes heap and locks. */
static pthread_key_t context_key;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void free_context(void *context)
{
	EVP_CIPHER_CTX_free(context);
}

static void make_key(void)
{
	must(pthread_key_create(&context_key, free_context) == 0);
}

static EVP_CIPHER_CTX *thread_context(void)
{
	EVP_CIPHER_CTX *c;

	must(pthread_once(&context_once, make_key) == 0);
	c = pthread_getspecific(context_key);
	if (c != NULL)
		return c;
	c = EVP_CIPHER_CTX_new();
	must(c != NULL);
	must(EVP_CipherInit_ex(c, EVP_chacha20_poly1305(), NULL, NULL, NULL, 1) == 1);
	must(pthread_setspecific(context_key, c) == 0);
	return c;
}

/* Key, nonce and associated data; sealing or opening. */
static EVP_CIPHER_CTX *begin(const uint8_t key[32], const uint8_t ad[32], bool sealing)
{
	EVP_CIPHER_CTX *c = thread_context();
	int n;

	must(EVP_CipherInit_ex(c, NULL, NULL, key, zeros, sealing) == 1);
	must(EVP_CipherUpdate(c, NULL, &n, ad, 32) == 1);
	return c;
}

/* The context outlives the key: a zero key takes its place. */
static void forget(EVP_CIPHER_CTX *c)
{
	must(EVP_CipherInit_ex(c, NULL, NULL, zeros, zeros, 1) == 1);
}

void aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t ad[32], const uint8_t *plain,
	       size_t len)
{
	EVP_CIPHER_CTX *c = begin(key, ad, true);
	int n;

	must(EVP_CipherUpdate(c, out, &n, plain, (int)len) == 1 && n == (int)len);
	must(EVP_CipherFinal_ex(c, out + len, &n) == 1);
	must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + len) == 1);
	forget(c);
}

bool aead_open(uint8_t *out, const uint8_t key[32], const uint8_t ad[32], const uint8_t *in,
	       size_t len)
{
	EVP_CIPHER_CTX *c = begin(key, ad, false);
	uint8_t end[AEAD_TAG];
	bool good;
	int n;

	must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, (void *)(in + len)) == 1);
	must(EVP_CipherUpdate(c, out, &n, in, (int)len) == 1 && n == (int)len);
	good = EVP_CipherFinal_ex(c, end, &n) == 1;
	forget(c);
	if (!good)
		wipe(out, len);
	return good;
}
