# SPDX-License-Identifier: Apache-2.0
"""ChaCha20-Poly1305 (RFC 8439)."""
import struct

QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
            (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


class AuthError(Exception):
    """The authentication tag does not match."""


def _rotate(x, n):
    return (x << n | x >> 32 - n) & 0xFFFFFFFF


def _block(key, counter, nonce):
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    x = list(start)
    for _ in range(10):
        for a, b, c, d in QUARTERS:
            x[a] = (x[a] + x[b]) & 0xFFFFFFFF
            x[d] = _rotate(x[d] ^ x[a], 16)
            x[c] = (x[c] + x[d]) & 0xFFFFFFFF
            x[b] = _rotate(x[b] ^ x[c], 12)
            x[a] = (x[a] + x[b]) & 0xFFFFFFFF
            x[d] = _rotate(x[d] ^ x[a], 8)
            x[c] = (x[c] + x[d]) & 0xFFFFFFFF
            x[b] = _rotate(x[b] ^ x[c], 7)
    return struct.pack("<16I", *((p + q) & 0xFFFFFFFF for p, q in zip(x, start)))


def _stream(key, nonce, data):
    blocks = (_block(key, 1 + i, nonce) for i in range(-(-len(data) // 64)))
    return bytes(p ^ q for p, q in zip(data, b"".join(blocks)))


def _pad(data):
    return data + bytes(-len(data) % 16)


def _tag(key, nonce, sealed, associated):
    one_time = _block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    s = int.from_bytes(one_time[16:32], "little")
    text = _pad(associated) + _pad(sealed) + struct.pack("<QQ", len(associated), len(sealed))
    total = 0
    for i in range(0, len(text), 16):
        total = (total + int.from_bytes(text[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + s) & 2**128 - 1).to_bytes(16, "little")


def seal(key, nonce, plain, associated):
    sealed = _stream(key, nonce, plain)
    return sealed + _tag(key, nonce, sealed, associated)


def unseal(key, nonce, sealed, associated):
    if _tag(key, nonce, sealed[:-16], associated) != sealed[-16:]:
        raise AuthError
    return _stream(key, nonce, sealed[:-16])
