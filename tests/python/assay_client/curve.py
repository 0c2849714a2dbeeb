# SPDX-License-Identifier: Apache-2.0
"""secp256k1 and BIP-340. Not constant time: for tests only."""
import hashlib

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def _double(p):
    x, y, z = p
    if y == 0:
        return (0, 1, 0)
    s = 4 * x * y * y % P
    m = 3 * x * x % P
    nx = (m * m - 2 * s) % P
    return (nx, (m * (s - nx) - 8 * pow(y, 4, P)) % P, 2 * y * z % P)


def _add(p, q):
    if p[2] == 0:
        return q
    if q[2] == 0:
        return p
    z1, z2 = p[2] * p[2] % P, q[2] * q[2] % P
    u1, u2 = p[0] * z2 % P, q[0] * z1 % P
    s1, s2 = p[1] * z2 * q[2] % P, q[1] * z1 * p[2] % P
    if u1 == u2:
        return _double(p) if s1 == s2 else (0, 1, 0)
    h, r = u2 - u1, s2 - s1
    h2 = h * h % P
    h3, v = h * h2 % P, u1 * h2 % P
    x = (r * r - h3 - 2 * v) % P
    return (x, (r * (v - x) - s1 * h3) % P, h * p[2] * q[2] % P)


def multiply(scalar, point):
    """scalar times an affine point; None is the point at infinity."""
    result, addend = (0, 1, 0), (*point, 1)
    while scalar:
        if scalar & 1:
            result = _add(result, addend)
        addend = _double(addend)
        scalar >>= 1
    return _affine(result)


def _affine(p):
    if p[2] == 0:
        return None
    inverse = pow(p[2], -1, P)
    return (p[0] * inverse**2 % P, p[1] * inverse**3 % P)


def lift_x(x, odd=0):
    """The point with that x and that parity of y; ValueError when there is none."""
    square = (x**3 + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if x >= P or y * y % P != square:
        raise ValueError("not on the curve")
    return (x, y if y & 1 == odd else P - y)


def secret_scalar(secret):
    value = int.from_bytes(secret, "big")
    if not 0 < value < N:
        raise ValueError("not a secret key")
    return value


def encode(point):
    return bytes([2 + (point[1] & 1)]) + point[0].to_bytes(32, "big")


def decode(key):
    if len(key) != 33 or key[0] not in (2, 3):
        raise ValueError("not a compressed public key")
    return lift_x(int.from_bytes(key[1:], "big"), key[0] & 1)


def public_key(secret):
    return encode(multiply(secret_scalar(secret), G))


def shared_secret(secret, key):
    """DH of docs/protocol.md: SHA-256 of the compressed shared point."""
    return hashlib.sha256(encode(multiply(secret_scalar(secret), decode(key)))).digest()


def tagged_hash(tag, data):
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + data).digest()


def sign(secret, message, aux=bytes(32)):
    d = secret_scalar(secret)
    point = multiply(d, G)
    if point[1] & 1:
        d = N - d
    x = point[0].to_bytes(32, "big")
    masked = d ^ int.from_bytes(tagged_hash("BIP0340/aux", aux), "big")
    k = int.from_bytes(tagged_hash("BIP0340/nonce", masked.to_bytes(32, "big") + x + message), "big") % N
    nonce = multiply(k, G)
    if nonce[1] & 1:
        k = N - k
    r = nonce[0].to_bytes(32, "big")
    e = int.from_bytes(tagged_hash("BIP0340/challenge", r + x + message), "big") % N
    return r + ((k + e * d) % N).to_bytes(32, "big")


def verify(signature, identity, message):
    """BIP-340: signature of 64 bytes by the x-only key over the message."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        point = lift_x(int.from_bytes(identity, "big"))
    except ValueError:
        return False
    if r >= P or s >= N or len(signature) != 64:
        return False
    e = int.from_bytes(tagged_hash("BIP0340/challenge", signature[:32] + identity + message), "big") % N
    negated = multiply(N - e, point) if e else None
    sum_ = _add((*multiply(s, G), 1) if s else (0, 1, 0), (*negated, 1) if negated else (0, 1, 0))
    result = _affine(sum_)
    return result is not None and result[1] & 1 == 0 and result[0] == r
