/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of codes. Two kinds:
 *
 *  - reasons: why a datagram or frame was not answered, or was refused. 1..33 go out in REFUSED and
 * RESET (docs/protocol.md, "Refusals") and are never renumbered; 64.. stay inside the node. The
 * same list feeds wire, counters, metrics, `assayctl stats` and the table in docs/reasons.md.
 *  - errors: what a function of this project returns: 0 or one of these negative codes.
 */
#ifndef ASSAY_STATUS_H
#define ASSAY_STATUS_H

/* X(number, CONSTANT, name, explanation) */
#define ASSAY_REASONS(X)                                                                        \
	X(1, SHORT, "short", "datagram shorter than 8 bytes")                                   \
	X(2, VERSION, "version", "protocol version this node does not speak")                   \
	X(3, TYPE, "type", "message type that does not exist")                                  \
	X(4, LENGTH, "length", "length field wrong, or length not legal for the type")          \
	X(5, SESSION, "session", "no session with that index")                                  \
	X(6, ROLE, "role", "message that this side of the session does not take")               \
	X(7, ADDRESS, "address", "source address is not that of the session")                   \
	X(8, EXPIRED, "expired", "session is past its life")                                    \
	X(9, RESERVED, "reserved", "bytes or flags that must be zero are not")                  \
	X(10, REPLAY_OLD, "replay_old", "counter is 0 or below the replay window")              \
	X(11, REPLAY_SEEN, "replay_seen", "counter was seen before")                            \
	X(12, TAG, "tag", "authentication tag does not match")                                  \
	X(13, RATE, "rate", "over the session's token bucket")                                  \
	X(14, PERMISSION, "permission", "session lacks the permission")                         \
	X(15, DRAINING, "draining", "node is shutting down")                                    \
	X(16, EPOCH, "epoch", "epoch is 0 or not a current one")                                \
	X(17, PROVE_CLASS, "prove_class", "artifact class is neither INDEX nor SYMBOL")         \
	X(18, PROVE_BUCKET, "prove_bucket", "bucket is not 1..4")                               \
	X(19, PROVE_RANGES_NONE, "prove_ranges_none", "challenge without ranges")               \
	X(20, PROVE_RANGES_MANY, "prove_ranges_many", "more ranges than allowed")               \
	X(21, PROVE_LENGTH_ZERO, "prove_length_zero", "range length is zero")                   \
	X(22, PROVE_LENGTH_BIG, "prove_length_big", "range length is over the limit")           \
	X(23, PROVE_TOTAL, "prove_total", "total of the ranges is over the limit")              \
	X(24, RANGE_END, "range_end", "range ends after the artifact")                          \
	X(25, ARTIFACT_UNKNOWN, "artifact_unknown", "artifact is not stored here")              \
	X(26, ARTIFACT_PRIVATE, "artifact_private", "artifact is staged or being written")      \
	X(27, ARTIFACT_ROT, "artifact_rot", "stored bytes no longer match their digest")        \
	X(28, ARTIFACT_SIZE, "artifact_size", "stated size differs from the stored size")       \
	X(29, BUSY, "busy", "too much is waiting; try again later")                             \
	X(30, LATE, "late", "bytes did not come from the disk in time")                         \
	X(31, TX_FULL, "tx_full", "no room to send the answer")                                 \
	X(32, GRANT, "grant", "no such grant for this account and artifact")                    \
	X(33, DISK_FULL, "disk_full", "no space to store the artifact")                         \
	X(64, HELLO_LENGTH, "hello_length", "HELLO is not 192 bytes")                           \
	X(65, HELLO_UNKNOWN, "hello_unknown", "HELLO hint belongs to no registered key")        \
	X(66, HELLO_MAC1, "hello_mac1", "HELLO mac1 does not match")                            \
	X(67, HELLO_COOKIE, "hello_cookie", "HELLO without a good cookie while cookies are on") \
	X(68, HELLO_QUEUE, "hello_queue", "handshake queue is full")                            \
	X(69, HELLO_REPLAY, "hello_replay", "HELLO time not above the last, or too far ahead")  \
	X(70, HELLO_RATE, "hello_rate", "too many handshakes of this key")                      \
	X(71, HELLO_POINT, "hello_point", "HELLO ephemeral key is not on the curve")            \
	X(72, HELLO_CRYPTO, "hello_crypto", "HELLO does not decrypt")                           \
	X(73, HELLO_IDENTITY, "hello_identity", "HELLO static key is not the hinted one")       \
	X(74, SESSION_FULL, "session_full", "no session slot left")                             \
	X(75, HANDOVER_FULL, "handover_full", "ring to the session's worker is full")           \
	X(76, NOT_MINE, "not_mine", "frame for another MAC, address, protocol or port")         \
	X(77, VLAN, "vlan", "frame with a VLAN tag")                                            \
	X(78, IP_HEADER, "ip_header", "IP version, options or checksum")                        \
	X(79, IP_FRAGMENT, "ip_fragment", "IP fragment")                                        \
	X(80, IP_LENGTH, "ip_length", "IP length does not fit the frame")                       \
	X(81, UDP_LENGTH, "udp_length", "UDP length does not fit the packet")

enum assay_reason {
	ASSAY_R_NONE = 0,
#define X(number, constant, name, text) ASSAY_R_##constant = number,
	ASSAY_REASONS(X)
#undef X
		ASSAY_R_MAX = 96, /* size of counter arrays */
};

/* X(number, CONSTANT, explanation) */
#define ASSAY_ERRORS(X)                                                    \
	X(1, INVAL, "invalid argument or malformed input")                 \
	X(2, NOMEM, "out of memory")                                       \
	X(3, IO, "input/output error")                                     \
	X(4, NOSPC, "no space left on the device")                         \
	X(5, NOTFOUND, "not found")                                        \
	X(6, EXISTS, "already there")                                      \
	X(7, CORRUPT, "bytes do not match their digest or format")         \
	X(8, PERM, "permission denied")                                    \
	X(9, TIMEOUT, "no answer in time")                                 \
	X(10, RANGE, "out of range")                                       \
	X(11, BUSY, "busy, try again")                                     \
	X(12, FULL, "table, queue or buffer is full")                      \
	X(13, AGAIN, "not ready yet")                                      \
	X(14, CRYPTO, "key, signature or authentication tag is not valid") \
	X(15, REFUSED, "peer refused")                                     \
	X(16, CLOSED, "closed")                                            \
	X(17, UNSUPPORTED, "not supported here")                           \
	X(18, CHANGED, "file changed while it was read")

enum assay_error {
	ASSAY_OK = 0,
#define X(number, constant, text) ASSAY_E_##constant = -(number),
	ASSAY_ERRORS(X)
#undef X
};

/* Short name of a reason, "none" for 0 and "unknown" for a number that is not in the list. */
const char *assay_reason_name(unsigned reason);
/* One sentence about a reason. */
const char *assay_reason_text(unsigned reason);
/* True when the number is in the list. */
int assay_reason_known(unsigned reason);
/* One sentence about an error code (0 or negative). */
const char *assay_error_text(int error);

#endif
