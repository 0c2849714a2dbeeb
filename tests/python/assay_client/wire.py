# SPDX-License-Identifier: Apache-2.0
"""Messages of a session: heads, tags, digests, seals (docs/protocol.md, "Header and types" to "Seal")."""
import struct

from .blake3 import blake3, blake3_keyed
from .curve import sign, tagged_hash, verify

PING, PROVE, READ, WRITE_OPEN, WRITE_DATA, WRITE_COMMIT, CALL, CLOSE = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x1F
PONG, PROOF, RANGES, CHUNK, WRITE_STATE, RESULT, REFUSED = 0x90, 0x91, 0x92, 0x93, 0x94, 0x96, 0x9F
RESET, VERSION = 0x04, 0x05
NO_CHUNK = 0xFFFFFFFF
SHORTEST = {PONG: 56, PROOF: 160, RANGES: 48, CHUNK: 72, WRITE_STATE: 72, RESULT: 56, REFUSED: 56}
CODES = dict(enumerate(
    "short version type length session role address expired reserved replay_old replay_seen tag rate permission "
    "draining epoch prove_class prove_bucket prove_ranges_none prove_ranges_many prove_length_zero prove_length_big "
    "prove_total range_end artifact_unknown artifact_private artifact_rot artifact_size busy late tx_full grant "
    "disk_full".split(), 1))


def z64(data):
    return data + bytes(-len(data) % 64)


def tag(key, p, covered):
    return blake3(z64(key + p[:16] + covered))[:16]


def head(kind, length, index, counter):
    return struct.pack("<BBHIQ", 1, kind, length, index, counter)


def message(key, kind, index, counter, body):
    """A whole message with the general tag."""
    start = head(kind, 32 + len(body), index, counter)
    return start + tag(key, start, body) + body


def write_data(key, index, counter, transfer, chunk, data, value):
    """WRITE_DATA: its tag covers the chunk's value instead of its bytes."""
    fixed = struct.pack("<IIH14x", transfer, chunk, len(data))
    start = head(WRITE_DATA, 56 + len(data), index, counter)
    return start + tag(key, start, fixed + value) + fixed + data


def prove_body(epoch, nonce, key, derivation, size, offsets, range_length, tree=True, ordinal=0, kind=1, bucket=1):
    return struct.pack("<Q16s32s32sQIBBBBHH", epoch, nonce, key, derivation, size, ordinal, kind, bucket,
                       len(offsets), 1 if tree else 0, range_length, 0) + struct.pack(f"<{len(offsets)}Q", *offsets)


def read_body(key, first, count, hashes=True, grant=0):
    return struct.pack("<32sIHHQ", key, first, count, 1 if hashes else 0, grant)


def write_open_body(key, size, grant=0):
    return struct.pack("<32sQQ", key, size, grant)


def write_commit_body(transfer):
    return struct.pack("<I20x", transfer)


def call_body(method, nonce, question):
    return struct.pack("<H6x16s", method, nonce) + question


class AnswerHead:
    def __init__(self, p):
        self.request, self.part, self.parts, self.status, self.n = struct.unpack_from("<QHHHH", p, 32)


def request_digest(pair, body):
    return blake3_keyed("assay/v1/request", z64(pair + body))


def leaf(compound, digest):
    return blake3_keyed("assay/v1/leaf", compound + digest)


def node(left, right):
    return blake3_keyed("assay/v1/node", left + right)


def depth(count):
    return (count - 1).bit_length()


def levels(leaves):
    """All levels of the Merkle tree, the padded leaves first."""
    level = list(leaves) + [bytes(32)] * ((1 << depth(len(leaves))) - len(leaves))
    out = [level]
    while len(level) > 1:
        level = [node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        out.append(level)
    return out


def path_of(tree, index):
    return [level[index >> j ^ 1] for j, level in enumerate(tree[:-1])]


def climb(value, index, path):
    for j, other in enumerate(path):
        value = node(other, value) if index >> j & 1 else node(value, other)
    return value


def seal_message(network_id, root, time_ms, count):
    return tagged_hash("assay/batch-seal/v1", network_id + root + struct.pack("<QH", time_ms, count))


def seal_sign(secret, network_id, root, time_ms, count):
    return sign(secret, seal_message(network_id, root, time_ms, count))


def seal_digest(root, time_ms, count, signature):
    return blake3_keyed("assay/v1/sealed", z64(root + struct.pack("<QH", time_ms, count) + signature))


class Seal:
    """Time, place in the batch, signature and path as they stand in a PROOF or in evidence."""

    def __init__(self, data):
        self.time_ms, self.index, self.count, self.zero = struct.unpack_from("<QHHI", data)
        self.signature = data[16:80]
        self.path = [data[i:i + 32] for i in range(80, len(data), 32)]

    def shaped(self):
        return 1 <= self.count <= 256 and self.index < self.count and len(self.path) == depth(self.count)

    def good(self, identity, network_id, value):
        """True when the path leads from the leaf value to a root that the identity has signed."""
        if not self.shaped() or self.zero:
            return False
        root = climb(value, self.index, self.path)
        return verify(self.signature, identity, seal_message(network_id, root, self.time_ms, self.count))


def evidence_good(record, pair, network_id, identity, compound):
    """Judges a record as a third party does (docs/protocol.md, "Evidence")."""
    if len(record) < 108 + 80:
        return False
    end = 108 + 8 * record[102]
    rest = record[end:]
    if len(rest) < 80 or len(rest) % 32 != 16:
        return False
    return Seal(rest).good(identity, network_id, leaf(compound, request_digest(pair, record[:end])))
