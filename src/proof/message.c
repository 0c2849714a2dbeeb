/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/message.h"

#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"

#define HEAD_BEFORE_TAG 16
#define HEAD_WITH_TAG	32

/* Zeros to the next whole block; returns the number of blocks. */
static inline unsigned pad(uint8_t *input, size_t len)
{
	unsigned blocks = (unsigned)((len + DIGEST_BLOCK - 1) / DIGEST_BLOCK);

	memset(input + len, 0, blocks * DIGEST_BLOCK - len);
	return blocks;
}

static inline void tag_prefix(uint8_t *out, const uint8_t key[32], const uint8_t *payload)
{
	memcpy(out, key, 32);
	memcpy(out + 32, payload, HEAD_BEFORE_TAG);
}

unsigned tag_input_general(uint8_t *out, const uint8_t key[32], const uint8_t *payload, size_t len)
{
	size_t body = len - HEAD_WITH_TAG;

	tag_prefix(out, key, payload);
	memcpy(out + 48, payload + HEAD_WITH_TAG, body);
	return pad(out, 48 + body);
}

unsigned tag_input_seal(uint8_t out[128], const uint8_t key[32], const uint8_t *payload,
			const uint8_t compound[32], const uint8_t sealed[32])
{
	tag_prefix(out, key, payload);
	memcpy(out + 48, payload + HEAD_WITH_TAG, 16);
	memcpy(out + 64, compound, 32);
	memcpy(out + 96, sealed, 32);
	return 2;
}

unsigned tag_input_chunk(uint8_t *out, const uint8_t key[32], const uint8_t *payload, size_t fixed,
			 const uint8_t *value, const uint8_t *hashes, size_t hash_count)
{
	uint8_t *p = out + 48;

	tag_prefix(out, key, payload);
	memcpy(p, payload + HEAD_WITH_TAG, fixed);
	p += fixed;
	if (value != NULL)
		memcpy(p, value, 32);
	else
		memset(p, 0, 32);
	p += 32;
	if (hash_count > 0)
		memcpy(p, hashes, 32 * hash_count);
	return pad(out, (size_t)(p - out) + 32 * hash_count);
}

void tag_of(uint8_t tag[16], const uint8_t *input, unsigned blocks)
{
	uint8_t digest[32];

	digest_one(digest, NULL, input, (size_t)blocks * DIGEST_BLOCK);
	memcpy(tag, digest, 16);
}

void message_head(void *payload, uint8_t type, uint16_t length, uint32_t index, uint64_t counter)
{
	struct assay_session_head *head = payload;

	head->head = (struct assay_head){ASSAY_VERSION_WIRE, type, length};
	head->index = index;
	head->counter = counter;
}

static void general_tag(uint8_t tag[16], const uint8_t *payload, size_t len, const uint8_t key[32])
{
	uint8_t input[TAG_INPUT_MAX];

	must(len >= HEAD_WITH_TAG && len <= ASSAY_PAYLOAD_MAX);
	tag_of(tag, input, tag_input_general(input, key, payload, len));
}

void message_tag_general(uint8_t *payload, size_t len, const uint8_t key[32])
{
	general_tag(payload + HEAD_BEFORE_TAG, payload, len, key);
}

bool message_check_general(const uint8_t *payload, size_t len, const uint8_t key[32])
{
	uint8_t tag[16];

	general_tag(tag, payload, len, key);
	return equal_ct(tag, payload + HEAD_BEFORE_TAG, sizeof(tag));
}

bool message_length_legal(uint8_t type, size_t len, size_t limit)
{
	static const struct {
		uint16_t min, max, multiple; /* of what is above min; a power of two */
	} legal[256] = {
		[ASSAY_HELLO] = {192, 192, 1},
		[ASSAY_WELCOME] = {96, 96, 1},
		[ASSAY_COOKIE] = {40, 40, 1},
		[ASSAY_RESET] = {32, 32, 1},
		[ASSAY_VERSION_MSG] = {8, 8, 1},
		[ASSAY_PING] = {56, 56, 1},
		[ASSAY_PONG] = {56, 56, 1},
		[ASSAY_PROVE] = {140, ASSAY_PAYLOAD_MAX, 8},
		[ASSAY_PROOF] = {160, 160 + ASSAY_INLINE_MAX + 32 * ASSAY_PATH_MAX, 1},
		[ASSAY_RANGES] = {48, 48 + 1024, 1},
		[ASSAY_CHUNK_MSG] = {72, 72 + ASSAY_CHUNK_HASHES_ONLY * 32, 1},
		[ASSAY_READ] = {80, 80, 1},
		[ASSAY_WRITE_OPEN] = {80, 80, 1},
		[ASSAY_WRITE_COMMIT] = {56, 56, 1},
		[ASSAY_WRITE_DATA] = {56, 56 + ASSAY_CHUNK, 1},
		[ASSAY_WRITE_STATE] = {72, 72, 1},
		[ASSAY_CALL] = {56, 56 + 1344, 1},
		[ASSAY_RESULT] = {56, 56 + 1344, 1},
		[ASSAY_REFUSED] = {56, 56, 1},
		[ASSAY_CLOSE] = {56, 56, 1},
	};

	size_t above = len - legal[type].min;

	return legal[type].multiple != 0 && len >= legal[type].min && len <= legal[type].max &&
	       len <= limit && (above & (legal[type].multiple - 1u)) == 0;
}

void request_digest(uint8_t out[32], const uint8_t pair[32], const uint8_t *body, size_t len)
{
	uint8_t input[TAG_INPUT_MAX];

	must(len <= ASSAY_PAYLOAD_MAX - HEAD_WITH_TAG);
	memcpy(input, pair, 32);
	memcpy(input + 32, body, len);
	digest_one(out, digest_label_key(DIGEST_REQUEST), input,
		   (size_t)pad(input, 32 + len) * DIGEST_BLOCK);
}
