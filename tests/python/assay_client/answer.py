# SPDX-License-Identifier: Apache-2.0
"""An answer in parts: what to collect, and the verdict (docs/protocol.md, "PROVE" to "Verdict", "READ")."""
import struct

from . import tree, wire
from .blake3 import CHUNK, blake3, chunk_value


class ChunkPart:
    """A CHUNK message."""

    def __init__(self, p):
        self.head = wire.AnswerHead(p)
        self.chunk, self.length, self.zero, self.size, self.first, self.total = struct.unpack_from("<IHHQII", p, 48)
        self.data = p[72:72 + self.length]
        self.hashes = [p[i:i + 32] for i in range(72 + self.length, len(p), 32)]

    def covered(self, p, only_one):
        """What the tag covers; the chunk's bytes through its value."""
        value = bytes(32) if self.chunk == wire.NO_CHUNK else chunk_value(self.data, self.chunk, only_one)
        return p[32:72] + value + b"".join(self.hashes)

    def lengths_fit(self, p):
        return (len(p) == 72 + self.length + 32 * self.head.n and self.length <= CHUNK
                and (self.chunk != wire.NO_CHUNK or self.length == 0))


def plan(count, touched, with_hashes, first_part):
    """(length of the hash list, number of all parts) that an honest responder sends."""
    total = len(tree.hash_nodes(count, touched)) if with_hashes else 0
    left = max(0, total - 11 * len(touched))
    return total, first_part + len(touched) + -(-left // 43)


def chunks_shaped(parts, size, touched, total, parts_all):
    """Shape of CHUNK parts in order: what shows without hashing."""
    if [c.chunk for c in parts if c.chunk != wire.NO_CHUNK] != touched:
        return False
    position = 0
    for c in parts:
        expected = 0
        if c.chunk != wire.NO_CHUNK:
            expected = min(CHUNK, size - c.chunk * CHUNK)
        if (c.size, c.total, c.first, c.length) != (size, total, position, expected):
            return False
        if (c.head.parts, c.head.status, c.zero) != (parts_all, 0, 0):
            return False
        position += len(c.hashes)
    return position == total


class Answer:
    """Parts of the answer to one request; add() takes messages whose head and replay window are good."""

    def __init__(self, key, counters):
        self.key, self.counters = key, counters  # K_r; counters this body was sent under
        self.parts, self.refused = {}, None

    def add(self, p):
        """Reason why the message was not taken, empty if it was."""
        if p[1] == wire.REFUSED:
            return self._add_refused(p)
        covered = self._covered(p)
        if covered is None or wire.tag(self.key, p, covered) != p[16:32]:
            return "tag"
        self.parts[wire.AnswerHead(p).part] = p
        return ""

    def _add_refused(self, p):
        head = wire.AnswerHead(p)
        if wire.tag(self.key, p, p[32:]) != p[16:32]:
            return "tag"
        if head.request not in self.counters:
            return "role"
        self.refused = (wire.CODES.get(head.status, str(head.status)), *struct.unpack_from("<II", p, 48))
        return ""


class ProveAnswer(Answer):
    def __init__(self, key, counters, peer, identity, body):
        super().__init__(key, counters)
        self.peer, self.identity, self.body = peer, identity, body
        self.artifact = body[24:56]
        self.size, = struct.unpack_from("<Q", body, 88)
        self.k, self.flags, self.length = struct.unpack_from("<BBH", body, 102)
        self.offsets = struct.unpack_from(f"<{self.k}Q", body, 108)
        self.with_tree = bool(self.flags & 1)
        if self.with_tree:
            self.touched = tree.touched_chunks(self.offsets, self.length)
            self.hash_total, self.parts_all = plan(tree.chunk_count(self.size), self.touched, True, 1)
            self.inline = 0
        else:
            total = self.k * self.length
            self.inline = total if total <= 1024 else 0
            self.parts_all = 1 if self.inline else 1 + -(-total // 1024)

    def _covered(self, p):
        head = wire.AnswerHead(p)
        if p[1] == wire.PROOF:
            return self._covered_proof(p, head) if head.request in self.counters else None
        if p[1] == wire.CHUNK:
            part = ChunkPart(p)
            return part.covered(p, tree.chunk_count(self.size) == 1) if part.lengths_fit(p) else None
        return p[32:] if p[1] == wire.RANGES and len(p) == 48 + head.n else None

    def _covered_proof(self, p, head):
        if len(p) < 160 + head.n or (len(p) - 160 - head.n) % 32:
            return None
        seal = wire.Seal(p[80 + head.n:])
        if seal.index >> len(seal.path):
            return None
        compound = blake3(p[80:80 + head.n]) if head.n else p[48:80]
        root = wire.climb(wire.leaf(p[48:80], self._digest()), seal.index, seal.path)
        return p[32:48] + compound + wire.seal_digest(root, seal.time_ms, seal.count, seal.signature)

    def _digest(self):
        return wire.request_digest(self.peer.pair, self.body)

    def verdict(self):
        if self.refused:
            return "REFUSED"
        shaped = all(wire.AnswerHead(p).parts == self.parts_all and part < self.parts_all
                     for part, p in self.parts.items())
        if shaped and len(self.parts) < self.parts_all:
            return "INCOMPLETE"
        if not shaped or not self._shaped():
            return "INVALID_TRANSCRIPT"
        proof = self.parts[0]
        if not self._bytes_good(proof[48:80]):
            return "HASH_MISMATCH"
        if not self.seal.good(self.identity, self.peer.network_id, wire.leaf(proof[48:80], self._digest())):
            return "INVALID_TRANSCRIPT"
        return "PASS" if self.with_tree else "PLAIN"

    def _shaped(self):
        proof = self.parts[0]
        head = wire.AnswerHead(proof)
        if proof[1] != wire.PROOF or head.status or head.n != self.inline:
            return False
        self.seal = wire.Seal(proof[80 + head.n:])
        rest = [self.parts[i] for i in range(1, self.parts_all)]
        if self.with_tree:
            if any(p[1] != wire.CHUNK for p in rest):
                return False
            self.chunks = [ChunkPart(p) for p in rest]
            return chunks_shaped(self.chunks, self.size, self.touched, self.hash_total, self.parts_all)
        lengths = [min(1024, self.k * self.length - 1024 * i) for i in range(len(rest))]
        return all(p[1] == wire.RANGES and len(p) == 48 + n and not wire.AnswerHead(p).status
                   for p, n in zip(rest, lengths))

    def _bytes_good(self, compound):
        if not self.with_tree:
            joined = b"".join(self.parts[i][48:] for i in range(1, self.parts_all))
            data = self.parts[0][80:80 + self.inline] if self.inline else joined
            self.ranges = [data[i:i + self.length] for i in range(0, len(data), self.length)]
            return blake3(data) == compound
        data = {c.chunk: c.data for c in self.chunks if c.chunk != wire.NO_CHUNK}
        hashes = [h for c in self.chunks for h in c.hashes]
        if not tree.verify(self.artifact, self.size, data, hashes):
            return False
        self.ranges = [self._cut(data, offset) for offset in self.offsets]
        return blake3(b"".join(self.ranges)) == compound

    def _cut(self, data, offset):
        first, last = offset // CHUNK, (offset + self.length - 1) // CHUNK
        joined = b"".join(data[c] for c in range(first, last + 1))
        return joined[offset - first * CHUNK:][:self.length]

    def evidence(self):
        """The record a third party can judge; only after a verdict of PASS or PLAIN."""
        return self.body + self.parts[0][80 + self.inline:]

    def compound(self):
        return self.parts[0][48:80]


class WriteAnswer(Answer):
    """One WRITE_STATE: where a transfer stands."""
    OPEN, CHECKING, DURABLE, FAILED = 1, 2, 3, 4

    def _covered(self, p):
        if p[1] != wire.WRITE_STATE or len(p) != 72 or wire.AnswerHead(p).request not in self.counters:
            return None
        self.transfer, self.state, code, self.first_missing, self.window, self.there = struct.unpack_from("<IHHIIQ", p, 48)
        self.code = wire.CODES.get(code)
        return p[32:]

    def limit(self):
        """Chunks below this one were taken."""
        return self.first_missing + self.window


class CallAnswer(Answer):
    """One RESULT."""

    def _covered(self, p):
        head = wire.AnswerHead(p)
        if p[1] != wire.RESULT or head.request not in self.counters or len(p) != 56 + head.n:
            return None
        self.status, self.body = head.status, p[56:]
        return p[32:]


class ReadAnswer(Answer):
    """Chunks with hashes. The size is what the answer states, and proved only when the last chunk is there."""

    def __init__(self, key, counters, body):
        super().__init__(key, counters)
        self.artifact = body[:32]
        self.first, self.count, self.flags = struct.unpack_from("<IHH", body, 32)
        self.proves_size = False

    def _covered(self, p):
        if p[1] != wire.CHUNK:
            return None
        part = ChunkPart(p)
        if part.head.request not in self.counters or not part.lengths_fit(p):
            return None
        return part.covered(p, tree.chunk_count(part.size) == 1)

    def complete(self):
        return bool(self.parts) and len(self.parts) == wire.AnswerHead(next(iter(self.parts.values()))).parts

    def verified(self):
        """{chunk: bytes} when all is there and the tree leads to the key, else None."""
        if not self.complete() or sorted(self.parts) != list(range(len(self.parts))):
            return None
        parts = [ChunkPart(self.parts[i]) for i in range(len(self.parts))]
        size = parts[0].size
        count = tree.chunk_count(size)
        first = count - 1 if self.first == wire.NO_CHUNK else self.first
        touched = list(range(first, min(first + self.count, count)))
        total, parts_all = plan(count, touched, bool(self.flags & 1), 0)
        if not touched or not chunks_shaped(parts, size, touched, total, parts_all):
            return None
        data = {c.chunk: c.data for c in parts if c.chunk != wire.NO_CHUNK}
        if not tree.verify(self.artifact, size, data, [h for c in parts for h in c.hashes]):
            return None
        self.proves_size = count - 1 in touched
        return data
