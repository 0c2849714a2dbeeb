/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both sides of a session compute over a message: tags, request digests, seals
 * (docs/protocol.md, "Tag", "PROVE", "Seal"). One message at a time; the responder's bursts use the
 * same inputs through digest_many.
 */
#ifndef PROOF_MESSAGE_H
#define PROOF_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/status.h"
#include "assay/wire.h"
#include "crypto/sign.h"

/* Longest tag input: K ‖ p[0..16) ‖ p[32..9000), padded. */
#define TAG_INPUT_MAX 9024

/*
 * Tag inputs, zero-padded to whole blocks; each returns the number of 64-byte blocks. out has room
 * for what the form needs: general 48 + length - 32, seal 128, chunk 48 + 40 + 32 + 32 * hashes (or
 * 24 instead of 40 for WRITE_DATA).
 */
unsigned tag_input_general(uint8_t *out, const uint8_t key[32], const uint8_t *payload, size_t len);
unsigned tag_input_seal(uint8_t out[128], const uint8_t key[32], const uint8_t *payload,
			const uint8_t compound[32], const uint8_t sealed[32]);
/* fixed = 40 bytes of CHUNK or 24 of WRITE_DATA from p[32]; value = chunk value, or NULL when there
 * is no chunk. */
unsigned tag_input_chunk(uint8_t *out, const uint8_t key[32], const uint8_t *payload, size_t fixed,
			 const uint8_t *value, const uint8_t *hashes, size_t hash_count);
/* First 16 bytes of the digest of an input of that many blocks. */
void tag_of(uint8_t tag[16], const uint8_t *input, unsigned blocks);

/* Writes the head of a session message, without its tag. */
void message_head(void *payload, uint8_t type, uint16_t length, uint32_t index, uint64_t counter);
/* Sets the general tag of a whole payload. */
void message_tag_general(uint8_t *payload, size_t len, const uint8_t key[32]);
bool message_check_general(const uint8_t *payload, size_t len, const uint8_t key[32]);

/* True when len is a legal payload length of the type (limit = datagram limit of the session). */
bool message_length_legal(uint8_t type, size_t len, size_t limit);

/* request digest = BK("assay/v1/request", z64(PAIR ‖ body)), body = PROVE p[32..length). */
void request_digest(uint8_t out[32], const uint8_t pair[32], const uint8_t *body, size_t len);

/* --- seals ---------------------------------------------------------------------------------- */
void seal_leaf(uint8_t out[32], const uint8_t compound[32], const uint8_t digest[32]);
/* Nodes of the padded tree of count leaves, level by level: 2 * 2^d hashes; d = ceil(log2 count).
 */
#define SEAL_NODES_MAX (2 * ASSAY_BATCH_MAX)
unsigned seal_depth(unsigned count);
/* nodes[0..2^d) holds the leaves (count of them; the rest is set to zero here); fills all levels;
 * returns the root. */
const uint8_t *seal_tree(uint8_t nodes[SEAL_NODES_MAX][32], unsigned count);
/* Path of leaf index: d hashes, leaf to root. */
void seal_path(uint8_t *out, uint8_t nodes[SEAL_NODES_MAX][32], unsigned count, unsigned index);
/* Root that leaf, index and path give. */
void seal_climb(uint8_t root[32], const uint8_t leaf[32], unsigned index, const uint8_t *path,
		unsigned depth);
/* T over network id ‖ root ‖ time ‖ count: signs and verifies. */
void seal_sign(uint8_t signature[64], const struct sign_key *identity, const uint8_t network_id[32],
	       const uint8_t root[32], uint64_t time_ms, uint16_t count, const uint8_t aux[32]);
bool seal_verify(const uint8_t signature[64], const uint8_t identity[32],
		 const uint8_t network_id[32], const uint8_t root[32], uint64_t time_ms,
		 uint16_t count);
/* D = BK("assay/v1/sealed", z64(root ‖ time ‖ count ‖ signature)). */
void seal_digest(uint8_t out[32], const uint8_t root[32], uint64_t time_ms, uint16_t count,
		 const uint8_t signature[64]);

#endif
