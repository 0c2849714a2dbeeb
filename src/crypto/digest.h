/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLAKE3-256 from the official C and assembly sources of the installed package, SHA-256 by OpenSSL.
 * The *_many calls hash independent messages in SIMD lanes (16 with AVX-512, 8 with AVX2): the hot
 * path always collects a burst and calls them once. Their twin is the one-message call; tests
 * compare the two.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN   32
#define DIGEST_LANES 16
#define DIGEST_BLOCK 64

/* Keys of BK(label, x) = BLAKE3 keyed with BLAKE3(label). One list; text is the label itself. */
#define DIGEST_LABELS(X)               \
	X(PAIR, "assay/v1/pair")       \
	X(HINT, "assay/v1/hint")       \
	X(HELLO, "assay/v1/hello")     \
	X(COOKIE, "assay/v1/cookie")   \
	X(REQUEST, "assay/v1/request") \
	X(LEAF, "assay/v1/leaf")       \
	X(NODE, "assay/v1/node")       \
	X(SEALED, "assay/v1/sealed")

enum digest_label {
#define X(name, text) DIGEST_##name,
	DIGEST_LABELS(X)
#undef X
		DIGEST_LABEL_COUNT
};

/* Call once before anything else of this header; idempotent, not thread-safe. */
void digest_init(void);
/* The 32-byte key of a label; NULL stands for "unkeyed" wherever a key is taken. */
const uint8_t *digest_label_key(enum digest_label label);

/* One message of any length, keyed with 32 bytes or unkeyed (key == NULL). */
void digest_one(uint8_t out[32], const uint8_t *key, const void *data, size_t len);

/*
 * n messages of exactly blocks * 64 bytes each, 1 <= blocks <= 16: out[i] = digest_one(key, in[i]).
 * out is n * 32 bytes and may not overlap the inputs. Any n.
 */
void digest_many(uint8_t *out, const uint8_t *key, const uint8_t *const *in, size_t n,
		 unsigned blocks);

/* Streaming, for messages that do not lie in one piece. Opaque; no heap. */
struct digest_stream {
	_Alignas(64) uint8_t state[1984];
};
void digest_stream_init(struct digest_stream *s, const uint8_t *key);
void digest_stream_add(struct digest_stream *s, const void *data, size_t len);
void digest_stream_end(const struct digest_stream *s, uint8_t out[32]);

/* SHA-256 of parts one after the other. */
struct sha256_part {
	const void *data;
	size_t len;
};
void sha256_parts(uint8_t out[32], const struct sha256_part *parts, size_t n);
/* BIP-340 tagged hash: SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ parts). */
void sha256_tagged(uint8_t out[32], const char *tag, const struct sha256_part *parts, size_t n);

#endif
