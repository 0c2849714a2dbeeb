/* SPDX-License-Identifier: Apache-2.0 */
/* Tags, lengths and seals for all sizes; the exact bytes are in tests/vectors/protocol.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/sim.h"
#include "crypto/digest.h"
#include "proof/message.h"

static uint64_t seed = 13;
static struct random random_test;

/* Every leaf of every count climbs to the root, and by no other path, place or depth. */
static void every_leaf_climbs(void **state)
{
	static uint8_t nodes[SEAL_NODES_MAX][32];

	for (unsigned count = 1; count <= ASSAY_BATCH_MAX; count++) {
		unsigned depth = seal_depth(count);
		uint8_t path[ASSAY_PATH_MAX * 32], root[32];
		const uint8_t *told;

		assert_true(1u << depth >= count && (depth == 0 || 1u << (depth - 1) < count));
		random_fill(&random_test, nodes, sizeof(nodes));
		told = seal_tree(nodes, count);
		for (unsigned i = 0; i < count; i++) {
			seal_path(path, nodes, count, i);
			seal_climb(root, nodes[i], i, path, depth);
			assert_memory_equal(root, told, 32);
			if (depth == 0)
				continue;
			seal_climb(root, nodes[i], i ^ 1u << i % depth, path, depth);
			assert_memory_not_equal(root, told, 32);
			seal_climb(root, nodes[i], i, path, depth - 1);
			assert_memory_not_equal(root, told, 32);
			path[random_u64(&random_test) % (depth * 32)] ^= 1;
			seal_climb(root, nodes[i], i, path, depth);
			assert_memory_not_equal(root, told, 32);
		}
	}
}

/* The padding up to a power of two is 32 zero bytes a leaf. */
static void missing_leaves_are_zero(void **state)
{
	static uint8_t some[SEAL_NODES_MAX][32], padded[SEAL_NODES_MAX][32];
	const uint8_t *root;

	for (unsigned count = 3; count < ASSAY_BATCH_MAX; count += 5) {
		random_fill(&random_test, some, sizeof(some));
		memset(padded, 0, sizeof(padded));
		memcpy(padded, some, count * 32);
		root = seal_tree(some, count);
		assert_memory_equal(root, seal_tree(padded, 1u << seal_depth(count)), 32);
	}
}

static void seals_bind_all(void **state)
{
	uint8_t network[32] = {1}, root[32] = {2}, aux[32] = {3}, secret[32] = {4};
	uint8_t signature[64], digest[32], other[32];
	struct sign_key key;

	assert_int_equal(sign_key_from_secret(&key, secret), 0);
	seal_sign(signature, &key, network, root, 5, 6, aux);
	assert_true(seal_verify(signature, key.public, network, root, 5, 6));
	assert_false(seal_verify(signature, key.public, root, root, 5, 6));
	assert_false(seal_verify(signature, key.public, network, network, 5, 6));
	assert_false(seal_verify(signature, key.public, network, root, 6, 6));
	assert_false(seal_verify(signature, key.public, network, root, 5, 5));
	seal_digest(digest, root, 5, 6, signature);
	seal_digest(other, root, 6, 6, signature);
	assert_memory_not_equal(digest, other, 32);
	seal_digest(other, root, 5, 7, signature);
	assert_memory_not_equal(digest, other, 32);
	seal_digest(other, network, 5, 6, signature);
	assert_memory_not_equal(digest, other, 32);
	signature[63] ^= 1;
	seal_digest(other, root, 5, 6, signature);
	assert_memory_not_equal(digest, other, 32);
}

/* Every bit of a message but those of the tag itself is under the general tag. */
static void general_tag_covers_all(void **state)
{
	static uint8_t payload[ASSAY_PAYLOAD_MAX];
	uint8_t key[32];

	random_fill(&random_test, key, sizeof(key));
	random_fill(&random_test, payload, sizeof(payload));
	for (size_t len = 56; len <= 300; len += 3) {
		message_head(payload, ASSAY_CALL, (uint16_t)len, 1, 2);
		message_tag_general(payload, len, key);
		assert_true(message_check_general(payload, len, key));
		for (size_t i = 0; i < len; i++) {
			payload[i] ^= 0x10;
			assert_false(message_check_general(payload, len, key));
			payload[i] ^= 0x10;
		}
	}
	message_tag_general(payload, sizeof(payload), key);
	assert_true(message_check_general(payload, sizeof(payload), key));
	payload[sizeof(payload) - 1] ^= 1;
	assert_false(message_check_general(payload, sizeof(payload), key));
	payload[sizeof(payload) - 1] ^= 1;
	key[31] ^= 1;
	assert_false(message_check_general(payload, sizeof(payload), key));
}

/* Inputs are padded to whole blocks and no further. */
static void chunk_inputs_fit(void **state)
{
	uint8_t input[48 + 40 + 32 + 32 * ASSAY_CHUNK_HASHES_ONLY + DIGEST_BLOCK + 1];
	uint8_t key[32] = {1}, payload[72] = {2}, value[32] = {3};
	uint8_t hashes[32 * ASSAY_CHUNK_HASHES_ONLY];

	random_fill(&random_test, hashes, sizeof(hashes));
	for (unsigned n = 0; n <= ASSAY_CHUNK_HASHES_ONLY; n++) {
		size_t len = 48 + 40 + 32 + 32 * n;
		unsigned blocks;

		memset(input, 0xee, sizeof(input));
		blocks = tag_input_chunk(input, key, payload, 40, n % 2 == 0 ? value : NULL, hashes,
					 n);
		assert_int_equal(blocks, (len + 63) / 64);
		assert_int_equal(input[88], n % 2 == 0 ? 3 : 0);
		assert_memory_equal(input + 120, hashes, 32 * n);
		for (size_t i = len; i < blocks * 64; i++)
			assert_int_equal(input[i], 0);
		assert_int_equal(input[blocks * 64], 0xee);
	}
}

static void legal_lengths(void **state)
{
	static const struct {
		uint8_t type;
		uint16_t good[3], bad[4];
	} t[] = {
		{ASSAY_HELLO, {192, 192, 192}, {191, 193, 0, 1452}},
		{ASSAY_WELCOME, {96, 96, 96}, {95, 97, 0, 192}},
		{ASSAY_PROVE, {140, 172, 268}, {56, 139, 173, 171}},
		{ASSAY_PROOF, {160, 161, 1440}, {159, 80, 1441, 1452}},
		{ASSAY_RANGES, {48, 49, 1072}, {47, 1073, 1452, 0}},
		{ASSAY_CHUNK_MSG, {72, 1096, 1448}, {71, 1449, 1452, 0}},
		{ASSAY_WRITE_DATA, {56, 57, 1080}, {55, 1081, 1452, 0}},
		{ASSAY_CALL, {56, 57, 1400}, {55, 1401, 1452, 0}},
		{ASSAY_RESULT, {56, 57, 1400}, {55, 1401, 1452, 0}},
		{ASSAY_PING, {56, 56, 56}, {55, 57, 1452, 0}},
		{ASSAY_READ, {80, 80, 80}, {79, 81, 56, 0}},
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (unsigned j = 0; j < 3; j++)
			assert_true(message_length_legal(t[i].type, t[i].good[j],
							 ASSAY_PAYLOAD_DEFAULT));
		for (unsigned j = 0; j < 4; j++)
			assert_false(message_length_legal(t[i].type, t[i].bad[j],
							  ASSAY_PAYLOAD_DEFAULT));
	}
	/* Above the session's limit, whatever the type allows; types that do not exist. */
	assert_false(message_length_legal(ASSAY_PROVE, 1460, ASSAY_PAYLOAD_DEFAULT));
	assert_true(message_length_legal(ASSAY_PROVE, 1460, ASSAY_PAYLOAD_MAX));
	assert_false(message_length_legal(0x06, 0, ASSAY_PAYLOAD_DEFAULT));
	assert_false(message_length_legal(0x17, 56, ASSAY_PAYLOAD_DEFAULT));
	assert_false(message_length_legal(0x95, 56, ASSAY_PAYLOAD_DEFAULT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_leaf_climbs), cmocka_unit_test(missing_leaves_are_zero),
		cmocka_unit_test(seals_bind_all),    cmocka_unit_test(general_tag_covers_all),
		cmocka_unit_test(chunk_inputs_fit),  cmocka_unit_test(legal_lengths),
	};

	random_test = random_sim(&seed);
	digest_init();
	sign_init(&random_test);
	return cmocka_run_group_tests_name("proof: messages and seals", tests, NULL, NULL);
}
