/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"
#include "proof/message.h"

static void pair_digest(uint8_t out[32], enum digest_label label, const uint8_t left[32],
			const uint8_t right[32])
{
	uint8_t block[64];

	memcpy(block, left, 32);
	memcpy(block + 32, right, 32);
	digest_one(out, digest_label_key(label), block, sizeof(block));
}

void seal_leaf(uint8_t out[32], const uint8_t compound[32], const uint8_t digest[32])
{
	pair_digest(out, DIGEST_LEAF, compound, digest);
}

unsigned seal_depth(unsigned count)
{
	must(count >= 1 && count <= ASSAY_BATCH_MAX);
	return count == 1 ? 0 : 32 - (unsigned)__builtin_clz(count - 1);
}

const uint8_t *seal_tree(uint8_t nodes[SEAL_NODES_MAX][32], unsigned count)
{
	const uint8_t *key = digest_label_key(DIGEST_NODE);
	const uint8_t *pairs[ASSAY_BATCH_MAX / 2];
	unsigned width = 1u << seal_depth(count);

	memset(nodes[count], 0, (size_t)(width - count) * 32);
	for (; width > 1; width /= 2) {
		for (unsigned i = 0; i < width / 2; i++)
			pairs[i] = nodes[2 * i];
		digest_many(nodes[width], key, pairs, width / 2, 1);
		nodes += width;
	}
	return nodes[0];
}

void seal_path(uint8_t *out, uint8_t nodes[SEAL_NODES_MAX][32], unsigned count, unsigned index)
{
	for (unsigned width = 1u << seal_depth(count); width > 1; width /= 2) {
		memcpy(out, nodes[index ^ 1], 32);
		out += 32;
		nodes += width;
		index /= 2;
	}
}

void seal_climb(uint8_t root[32], const uint8_t leaf[32], unsigned index, const uint8_t *path,
		unsigned depth)
{
	memcpy(root, leaf, 32);
	for (unsigned j = 0; j < depth; j++, path += 32)
		if ((index >> j & 1) != 0)
			pair_digest(root, DIGEST_NODE, path, root);
		else
			pair_digest(root, DIGEST_NODE, root, path);
}

/* What the signature is over: network id ‖ root ‖ time u64 ‖ count u16. */
struct sealed {
	uint8_t network_id[32];
	uint8_t root[32];
	uint64_t time_ms;
	uint16_t count;
} ASSAY_PACKED;

static struct sealed sealed_of(const uint8_t network_id[32], const uint8_t root[32],
			       uint64_t time_ms, uint16_t count)
{
	struct sealed s = {.time_ms = time_ms, .count = count};

	memcpy(s.network_id, network_id, 32);
	memcpy(s.root, root, 32);
	return s;
}

void seal_sign(uint8_t signature[64], const struct sign_key *identity, const uint8_t network_id[32],
	       const uint8_t root[32], uint64_t time_ms, uint16_t count, const uint8_t aux[32])
{
	struct sealed s = sealed_of(network_id, root, time_ms, count);

	sign_tagged(signature, identity, TAG_BATCH_SEAL, &(struct sha256_part){&s, sizeof(s)}, 1,
		    aux);
}

bool seal_verify(const uint8_t signature[64], const uint8_t identity[32],
		 const uint8_t network_id[32], const uint8_t root[32], uint64_t time_ms,
		 uint16_t count)
{
	struct sealed s = sealed_of(network_id, root, time_ms, count);

	return verify_tagged(signature, identity, TAG_BATCH_SEAL,
			     &(struct sha256_part){&s, sizeof(s)}, 1);
}

void seal_digest(uint8_t out[32], const uint8_t root[32], uint64_t time_ms, uint16_t count,
		 const uint8_t signature[64])
{
	uint8_t input[128] = {0};

	memcpy(input, root, 32);
	memcpy(input + 32, &time_ms, 8);
	memcpy(input + 40, &count, 2);
	memcpy(input + 42, signature, 64);
	digest_one(out, digest_label_key(DIGEST_SEALED), input, sizeof(input));
}
