/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <assert.h>
#include <stdbool.h>

#include "base/must.h"
#include "crypto/digest_impl.h"

static_assert(sizeof(blake3_hasher) <= sizeof(((struct digest_stream *)0)->state), "");

static uint8_t label_keys[DIGEST_LABEL_COUNT][32];
static bool ready;

void digest_init(void)
{
	static const char *const labels[] = {
#define X(name, text) text,
		DIGEST_LABELS(X)
#undef X
	};

	/* Whoever opens a session calls this, on many threads. */
	if (ready)
		return;
	/* The first compression also makes the package choose its SIMD code. */
	for (unsigned i = 0; i < DIGEST_LABEL_COUNT; i++)
		digest_one(label_keys[i], NULL, labels[i], strlen(labels[i]));
	ready = true;
}

const uint8_t *digest_label_key(enum digest_label label)
{
	must(ready);
	return label_keys[label];
}

/* The words a hash starts from. x86-64 is little-endian, as BLAKE3 is. */
static const uint32_t *key_words(uint32_t words[8], const uint8_t *key)
{
	if (key == NULL)
		return IV;
	memcpy(words, key, 32);
	return words;
}

void digest_one(uint8_t out[32], const uint8_t *key, const void *data, size_t len)
{
	uint32_t words[8];
	struct digest_stream s;

	if (len <= BLAKE3_CHUNK_LEN) {
		digest_chunk(out, key_words(words, key), data, len, 0, key != NULL ? KEYED_HASH : 0,
			     true);
		return;
	}
	digest_stream_init(&s, key);
	digest_stream_add(&s, data, len);
	digest_stream_end(&s, out);
}

void digest_many(uint8_t *out, const uint8_t *key, const uint8_t *const *in, size_t n,
		 unsigned blocks)
{
	uint32_t words[8];

	must(blocks >= 1 && blocks <= BLAKE3_CHUNK_LEN / BLAKE3_BLOCK_LEN);
	blake3_hash_many(in, n, blocks, key_words(words, key), 0, false,
			 key != NULL ? KEYED_HASH : 0, CHUNK_START, CHUNK_END | ROOT, out);
}

void digest_stream_init(struct digest_stream *s, const uint8_t *key)
{
	if (key == NULL)
		blake3_hasher_init((blake3_hasher *)s->state);
	else
		blake3_hasher_init_keyed((blake3_hasher *)s->state, key);
}

void digest_stream_add(struct digest_stream *s, const void *data, size_t len)
{
	blake3_hasher_update((blake3_hasher *)s->state, data, len);
}

void digest_stream_end(const struct digest_stream *s, uint8_t out[32])
{
	blake3_hasher_finalize((const blake3_hasher *)s->state, out, 32);
}
