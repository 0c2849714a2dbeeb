/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of OpenSSL that work on a context of the caller: no heap, no lock, and per message a
 * third of what the fetched ones cost. They are marked deprecated in OpenSSL 3, and there to stay
 * in Debian 12.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <string.h>

#include "crypto/digest.h"

static void add_parts(SHA256_CTX *c, const struct sha256_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (parts[i].len > 0)
			SHA256_Update(c, parts[i].data, parts[i].len);
}

void sha256_parts(uint8_t out[32], const struct sha256_part *parts, size_t n)
{
	SHA256_CTX c;

	SHA256_Init(&c);
	add_parts(&c, parts, n);
	SHA256_Final(out, &c);
}

void sha256_tagged(uint8_t out[32], const char *tag, const struct sha256_part *parts, size_t n)
{
	uint8_t prefix[64];
	SHA256_CTX c;

	sha256_parts(prefix, &(struct sha256_part){tag, strlen(tag)}, 1);
	memcpy(prefix + 32, prefix, 32);
	SHA256_Init(&c);
	SHA256_Update(&c, prefix, sizeof(prefix));
	add_parts(&c, parts, n);
	SHA256_Final(out, &c);
}
