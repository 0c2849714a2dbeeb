# SPDX-License-Identifier: Apache-2.0
"""Touched chunks, hash lists and their verification (docs/protocol.md, "Tree")."""
from .blake3 import CHUNK, chunk_value, left_chunks, parent_value, subtree_value


def chunk_count(size):
    return max(1, -(-size // CHUNK))


def touched_chunks(offsets, length):
    return sorted({c for offset in offsets for c in range(offset // CHUNK, (offset + length - 1) // CHUNK + 1)})


def hash_nodes(count, touched):
    """The [a, b) of the maximal subtrees of count chunks without a touched one, left to right."""
    def walk(a, b):
        if not any(a <= c < b for c in touched):
            return [(a, b)]
        if b - a == 1:
            return []
        middle = a + left_chunks(b - a)
        return walk(a, middle) + walk(middle, b)
    return walk(0, count)


def node_value(data, a, b):
    """Value of the node over chunks [a, b) of data, for whoever holds the bytes."""
    return subtree_value(data[a * CHUNK:b * CHUNK], a, a == 0 and b == chunk_count(len(data)))


def verify(key, size, chunks, hashes):
    """chunks: {number: bytes}; hashes: the hash list. True when they lead to the key and all are used."""
    rest, count = list(hashes), chunk_count(size)

    def value(a, b):
        root = (a, b) == (0, count)
        if not any(a <= c < b for c in chunks):
            return rest.pop(0)
        if b - a == 1:
            return chunk_value(chunks[a], a, root)
        middle = a + left_chunks(b - a)
        left = value(a, middle)
        return parent_value(left, value(middle, b), root)

    try:
        return value(0, count) == key and not rest
    except IndexError:
        return False
