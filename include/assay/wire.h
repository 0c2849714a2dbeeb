/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data-plane protocol, version 1: the datagrams as they lie in memory. One UDP payload is one
 * message. All integers are unsigned little-endian; fields named zero must be zero. The full text
 * is docs/protocol.md.
 */
#ifndef ASSAY_WIRE_H
#define ASSAY_WIRE_H

#include <assert.h>
#include <stdint.h>

#define ASSAY_VERSION_WIRE	1
#define ASSAY_PAYLOAD_DEFAULT	1452 /* 1500 - 40 (IPv6) - 8 (UDP) */
#define ASSAY_PAYLOAD_MAX	9000
#define ASSAY_CHUNK		1024 /* bytes of a BLAKE3 chunk */
#define ASSAY_RANGES_MAX	16   /* ranges of a PROVE */
#define ASSAY_RANGE_LENGTH_MAX	1024 /* bytes of a range */
#define ASSAY_TOTAL_MAX		16384
#define ASSAY_INLINE_MAX	1024 /* range bytes that a PROOF itself can carry */
#define ASSAY_BATCH_MAX		256  /* answers under one seal */
#define ASSAY_PATH_MAX		8    /* log2 of that */
#define ASSAY_READ_MAX		16   /* chunks of a READ */
#define ASSAY_CHUNK_HASHES	11   /* hashes beside the bytes of a chunk */
#define ASSAY_CHUNK_HASHES_ONLY 43   /* hashes of a CHUNK without bytes */
#define ASSAY_NO_CHUNK		0xffffffffu
#define ASSAY_ACCOUNT_MAX	64

enum assay_type {
	ASSAY_HELLO = 0x01,
	ASSAY_WELCOME = 0x02,
	ASSAY_COOKIE = 0x03,
	ASSAY_RESET = 0x04,
	ASSAY_VERSION_MSG = 0x05,
	ASSAY_PING = 0x10,
	ASSAY_PROVE = 0x11,
	ASSAY_READ = 0x12,
	ASSAY_WRITE_OPEN = 0x13,
	ASSAY_WRITE_DATA = 0x14,
	ASSAY_WRITE_COMMIT = 0x15,
	ASSAY_CALL = 0x16,
	ASSAY_CLOSE = 0x1f,
	ASSAY_PONG = 0x90,
	ASSAY_PROOF = 0x91,
	ASSAY_RANGES = 0x92,
	ASSAY_CHUNK_MSG = 0x93,
	ASSAY_WRITE_STATE = 0x94,
	ASSAY_RESULT = 0x96,
	ASSAY_REFUSED = 0x9f,
};

/* Permissions of a session (WELCOME). */
enum { ASSAY_MAY_PROVE = 1, ASSAY_MAY_READ = 2, ASSAY_MAY_WRITE = 4, ASSAY_MAY_CALL = 8 };
/* Flags of PROVE and READ. */
enum { ASSAY_PROVE_TREE = 1 };
enum { ASSAY_READ_HASHES = 1 };
/* Artifact classes, buckets (challenge derivations). */
enum { ASSAY_CLASS_INDEX = 1, ASSAY_CLASS_SYMBOL = 2 };
enum {
	ASSAY_BUCKET_RECENT = 1,
	ASSAY_BUCKET_OLD = 2,
	ASSAY_BUCKET_PROBATION = 3,
	ASSAY_BUCKET_RECHECK = 4,
};

#define ASSAY_PACKED __attribute__((packed))

struct assay_head { /* every message */
	uint8_t version;
	uint8_t type;
	uint16_t length; /* of the whole payload */
} ASSAY_PACKED;

struct assay_session_head { /* messages of a session, type >= 0x10 */
	struct assay_head head;
	uint32_t index;	  /* the receiver's session index */
	uint64_t counter; /* starts at 1, never repeats in a direction */
	uint8_t tag[16];
} ASSAY_PACKED;

struct assay_answer_head {
	uint64_t request; /* counter of the request */
	uint16_t part;
	uint16_t parts;
	uint16_t status;
	uint16_t n; /* bytes in RANGES, PROOF and RESULT; hashes in CHUNK */
} ASSAY_PACKED;

struct assay_hello {
	struct assay_head head;
	uint32_t index; /* initiator's */
	uint64_t time_ns;
	uint8_t hint[16];
	uint8_t ephemeral[33];
	uint8_t sealed_static[49];
	uint8_t sealed_payload[32]; /* datagram limit u16, zero 14 */
	uint8_t zero[14];
	uint8_t mac1[16];
	uint8_t mac2[16];
} ASSAY_PACKED;

struct assay_welcome {
	struct assay_head head;
	uint32_t index; /* initiator's */
	uint8_t ephemeral[33];
	uint8_t sealed_payload[48];
	uint8_t zero[7];
} ASSAY_PACKED;

struct assay_welcome_payload { /* inside sealed_payload */
	uint32_t index;	       /* responder's */
	uint32_t permissions;
	uint32_t rate_kib; /* KiB/s */
	uint32_t burst_kib;
	uint16_t limit; /* datagram limit, bytes */
	uint16_t in_flight;
	uint16_t idle_s;
	uint16_t life_s;
	uint64_t time_ms;
} ASSAY_PACKED;

struct assay_cookie {
	struct assay_head head;
	uint32_t index; /* initiator's */
	uint8_t cookie[16];
	uint8_t mac[16];
} ASSAY_PACKED;

struct assay_reset {
	struct assay_head head;
	uint32_t index;	  /* of the datagram as received */
	uint64_t counter; /* likewise */
	uint16_t reason;
	uint8_t zero[14];
} ASSAY_PACKED;

struct assay_version_msg {
	struct assay_head head;
	uint8_t lowest;
	uint8_t highest;
	uint16_t zero;
} ASSAY_PACKED;

struct assay_ping { /* PING and CLOSE */
	struct assay_session_head head;
	uint8_t opaque[24];
} ASSAY_PACKED;

struct assay_pong {
	struct assay_session_head head;
	uint8_t opaque[24];
} ASSAY_PACKED;

struct assay_prove { /* then k offsets, u64 each */
	struct assay_session_head head;
	uint64_t epoch;
	uint8_t nonce[16];
	uint8_t key[32]; /* artifact key */
	uint8_t derivation[32];
	uint64_t size; /* artifact size */
	uint32_t ordinal;
	uint8_t class;
	uint8_t bucket;
	uint8_t k;
	uint8_t flags;
	uint16_t range_length;
	uint16_t zero;
	uint64_t offsets[];
} ASSAY_PACKED;

struct assay_proof { /* then n inline bytes, then struct assay_seal, then the path */
	struct assay_session_head head;
	struct assay_answer_head answer;
	uint8_t compound[32];
} ASSAY_PACKED;

struct assay_seal { /* then d hashes of 32 bytes, leaf to root */
	uint64_t time_ms;
	uint16_t index;
	uint16_t count;
	uint32_t zero;
	uint8_t signature[64];
} ASSAY_PACKED;

struct assay_ranges { /* then n bytes */
	struct assay_session_head head;
	struct assay_answer_head answer;
} ASSAY_PACKED;

struct assay_chunk { /* then length bytes, then answer.n hashes of 32 bytes */
	struct assay_session_head head;
	struct assay_answer_head answer;
	uint32_t chunk; /* index, or ASSAY_NO_CHUNK */
	uint16_t length;
	uint16_t zero;
	uint64_t size; /* artifact size */
	uint32_t hash_first;
	uint32_t hash_total;
} ASSAY_PACKED;

struct assay_read {
	struct assay_session_head head;
	uint8_t key[32];
	uint32_t first; /* chunk, or ASSAY_NO_CHUNK for the last one */
	uint16_t count;
	uint16_t flags;
	uint64_t grant;
} ASSAY_PACKED;

struct assay_write_open {
	struct assay_session_head head;
	uint8_t key[32];
	uint64_t size;
	uint64_t grant;
} ASSAY_PACKED;

struct assay_write_data { /* then length bytes */
	struct assay_session_head head;
	uint32_t transfer;
	uint32_t chunk;
	uint16_t length;
	uint8_t zero[14];
} ASSAY_PACKED;

struct assay_write_commit {
	struct assay_session_head head;
	uint32_t transfer;
	uint8_t zero[20];
} ASSAY_PACKED;

struct assay_write_state {
	struct assay_session_head head;
	struct assay_answer_head answer;
	uint32_t transfer;
	uint16_t state;
	uint16_t code;
	uint32_t first_missing;
	uint32_t window;
	uint64_t set;
} ASSAY_PACKED;

struct assay_call { /* then n bytes */
	struct assay_session_head head;
	uint16_t method;
	uint8_t zero[6];
	uint8_t nonce[16];
} ASSAY_PACKED;

struct assay_result { /* then answer.n bytes */
	struct assay_session_head head;
	struct assay_answer_head answer;
	uint8_t zero[8];
} ASSAY_PACKED;

struct assay_refused {
	struct assay_session_head head;
	struct assay_answer_head answer; /* status = reason */
	uint32_t wait_ms;
	uint32_t parameter;
} ASSAY_PACKED;

static_assert(sizeof(struct assay_session_head) == 32, "");
static_assert(sizeof(struct assay_answer_head) == 16, "");
static_assert(sizeof(struct assay_hello) == 192, "");
static_assert(sizeof(struct assay_welcome) == 96, "");
static_assert(sizeof(struct assay_welcome_payload) == 32, "");
static_assert(sizeof(struct assay_cookie) == 40, "");
static_assert(sizeof(struct assay_reset) == 32, "");
static_assert(sizeof(struct assay_version_msg) == 8, "");
static_assert(sizeof(struct assay_ping) == 56, "");
static_assert(sizeof(struct assay_pong) == 56, "");
static_assert(sizeof(struct assay_prove) == 140, "");
static_assert(sizeof(struct assay_proof) == 80, "");
static_assert(sizeof(struct assay_seal) == 80, "");
static_assert(sizeof(struct assay_ranges) == 48, "");
static_assert(sizeof(struct assay_chunk) == 72, "");
static_assert(sizeof(struct assay_read) == 80, "");
static_assert(sizeof(struct assay_write_open) == 80, "");
static_assert(sizeof(struct assay_write_data) == 56, "");
static_assert(sizeof(struct assay_write_commit) == 56, "");
static_assert(sizeof(struct assay_write_state) == 72, "");
static_assert(sizeof(struct assay_call) == 56, "");
static_assert(sizeof(struct assay_result) == 56, "");
static_assert(sizeof(struct assay_refused) == 56, "");

#endif
