# SPDX-License-Identifier: Apache-2.0
"""The handshake of docs/protocol.md from the initiator's side: HELLO, COOKIE, WELCOME."""
import struct

from . import aead
from .blake3 import blake3, blake3_keyed
from .curve import public_key, shared_secret

NAME = b"Noise_IK_secp256k1_ChaChaPoly_BLAKE3"
HELLO, WELCOME, COOKIE = 0x01, 0x02, 0x03
WELCOME_FIELDS = ("index", "permissions", "rate", "burst", "limit", "in_flight", "idle", "life", "time_ms")


def lp(text):
    data = text.encode()
    return struct.pack("<H", len(data)) + data


def hmac_blake3(key, data):
    key = key.ljust(64, b"\0")
    inner = blake3(bytes(b ^ 0x36 for b in key) + data)
    return blake3(bytes(b ^ 0x5C for b in key) + inner)


def hkdf(ck, material):
    temp = hmac_blake3(ck, material)
    first = hmac_blake3(temp, b"\1")
    return first, hmac_blake3(temp, first + b"\2")


class Symmetric:
    """The symmetric state of Noise; `trace` collects each h, dh, ck and k for the vectors."""

    def __init__(self):
        self.h = self.ck = blake3(NAME)
        self.k, self.n = None, 0
        self.trace = [self.h]

    def mix_hash(self, data):
        self.h = blake3(self.h + data)
        self.trace.append(self.h)

    def mix_key(self, material):
        self.ck, self.k = hkdf(self.ck, material)
        self.n = 0
        self.trace += [material, self.ck, self.k]

    def _nonce(self):
        self.n += 1
        return bytes(4) + struct.pack("<Q", self.n - 1)

    def encrypt(self, plain):
        sealed = aead.seal(self.k, self._nonce(), plain, self.h)
        self.mix_hash(sealed)
        return sealed

    def decrypt(self, sealed):
        plain = aead.unseal(self.k, self._nonce(), sealed, self.h)
        self.mix_hash(sealed)
        return plain


class Peer:
    """What an initiator keeps about a responder: names, keys, and what follows from them."""

    def __init__(self, network_id, initiator, responder, secret, responder_key):
        self.network_id, self.initiator, self.responder = network_id, initiator, responder
        self.secret, self.public = secret, public_key(secret)
        self.responder_key = responder_key
        self.dh = shared_secret(secret, responder_key)
        self.hint = blake3_keyed("assay/v1/hint", responder_key + self.public)[:16]
        self.m = blake3_keyed("assay/v1/hello", self.dh + network_id + self.public + responder_key)
        self.pair = blake3_keyed("assay/v1/pair", network_id + lp(initiator) + lp(responder))


class Handshake:
    """One HELLO and what is needed to read its WELCOME."""

    def __init__(self, peer, ephemeral, index, time_ns, limit=1452, cookie=None):
        self.peer, self.index, self.ephemeral = peer, index, ephemeral
        self.state = state = Symmetric()
        head = struct.pack("<BBHIQ", 1, HELLO, 192, index, time_ns) + peer.hint
        prologue = b"assay session v1" + peer.network_id + lp(peer.initiator) + lp(peer.responder) + head
        state.mix_hash(prologue)
        state.mix_hash(peer.responder_key)
        e = public_key(ephemeral)
        state.mix_hash(e)
        state.mix_key(shared_secret(ephemeral, peer.responder_key))
        sealed_static = state.encrypt(peer.public)
        state.mix_key(peer.dh)
        sealed_payload = state.encrypt(struct.pack("<H14x", limit))
        hello = head + e + sealed_static + sealed_payload + bytes(14)
        self.mac1 = blake3(peer.m + hello)[:16]
        hello += self.mac1
        self.hello = hello + (blake3(cookie + hello)[:16] if cookie else bytes(16))

    def read_cookie(self, p):
        """The cookie of a COOKIE for this HELLO, or None."""
        if len(p) != 40 or p[:8] != struct.pack("<BBHI", 1, COOKIE, 40, self.index):
            return None
        return p[8:24] if blake3(self.peer.m + self.mac1 + p[:24])[:16] == p[24:] else None

    def read_welcome(self, p):
        """(K_i, K_r, fields) of a WELCOME for this HELLO, or None."""
        if len(p) != 96 or p[:8] != struct.pack("<BBHI", 1, WELCOME, 96, self.index) or any(p[89:]):
            return None
        state = self.state
        e = p[8:41]
        try:
            state.mix_hash(e)
            state.mix_key(shared_secret(self.ephemeral, e))
            state.mix_key(shared_secret(self.peer.secret, e))
            payload = state.decrypt(p[41:89])
        except (ValueError, aead.AuthError):
            return None
        k_i, k_r = hkdf(state.ck, b"")
        return k_i, k_r, dict(zip(WELCOME_FIELDS, struct.unpack("<IIIIHHHHQ", payload)))
