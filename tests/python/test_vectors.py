#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Python client against the protocol's vectors. `test_vectors.py [FILE]`, default tests/vectors/protocol.json."""
import json
import os
import sys
import unittest

from assay_client import tree, wire
from assay_client.answer import ProveAnswer, ReadAnswer
from assay_client.blake3 import blake3, blake3_keyed
from assay_client.curve import public_key
from assay_client.noise import Handshake, Peer
from assay_client.session import ReplayWindow

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT = os.path.join(HERE, "..", "vectors", "protocol.json")
FILE = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].endswith(".json") else DEFAULT
with open(FILE, encoding="utf-8") as file:
    CASES = json.load(file)["cases"]


def made(rule):
    """The bytes of a data_rule."""
    return bytes((i * rule["mul"] + rule["add"] + (i >> 8)) % 256 for i in range(rule["len"]))


def unhex(text):
    return bytes.fromhex(text)


class FixedPeer(Peer):
    """A peer of which only the names matter."""

    def __init__(self, i):
        super().__init__(unhex(i["network"]), i["challenger"], i["target"], bytes(31) + b"\1", public_key(bytes(31) + b"\2"))


class Vectors(unittest.TestCase):
    maxDiff = None

    def same_message(self, told, got):
        if isinstance(told, str):
            self.assertEqual(told, got.hex())
            return
        self.assertEqual(told["length"], len(got))
        self.assertEqual(told["head"], got[:72].hex())
        self.assertEqual(told["hash"], blake3(got).hex())

    def hash(self, i, out):
        self.assertEqual(out["hash"], blake3(made(i["data_rule"])).hex())

    def keyed_hash(self, i, out):
        self.assertEqual(out["hash"], blake3_keyed(i["label"], made(i["data_rule"])).hex())

    def pair(self, i, out):
        self.assertEqual(out["pair"], FixedPeer(dict(i, target=i["target"])).pair.hex())

    def handshake(self, i, out):
        peer = Peer(unhex(i["network"]), i["initiator"], i["responder"], unhex(i["s_i"]), unhex(out["S_r"]))
        for name, value in (("S_i", peer.public), ("dh_static", peer.dh), ("hint", peer.hint), ("M", peer.m)):
            self.assertEqual(out[name], value.hex(), name)
        attempt = Handshake(peer, unhex(i["e_i"]), i["initiator_index"], int(i["time_ns"]), i["limit"])
        self.assertEqual(out["hello"], attempt.hello.hex())
        k_i, k_r, welcome = attempt.read_welcome(unhex(out["welcome"]))
        self.assertEqual((out["K_i"], out["K_r"]), (k_i.hex(), k_r.hex()))
        self.assertEqual(dict(i["welcome"], time_ms=int(i["welcome"]["time_ms"])), welcome)
        self.assertEqual([value for _, value in out["trace"]], [value.hex() for value in attempt.state.trace])
        damaged = bytearray(unhex(out["welcome"]))
        damaged[50] ^= 1
        again = Handshake(peer, unhex(i["e_i"]), i["initiator_index"], int(i["time_ns"]), i["limit"])
        self.assertIsNone(again.read_welcome(bytes(damaged)))

    def cookie(self, i, out):
        s_r = public_key(unhex(i["s_r"]))
        peer = Peer(unhex(i["network"]), i["initiator"], i["responder"], unhex(i["s_i"]), s_r)
        first = Handshake(peer, b"\1" * 32, int.from_bytes(unhex(i["hello"])[4:8], "little"), 1)
        first.mac1 = unhex(i["hello"])[160:176]
        cookie = first.read_cookie(unhex(out["cookie_message"]))
        self.assertEqual(out["cookie"], cookie.hex())
        second = Handshake(peer, unhex(i["second_e_i"]), i["second_index"], int(i["second_time_ns"]), i["limit"], cookie)
        self.assertEqual(out["second_hello"], second.hello.hex())
        first.mac1 = bytes(16)
        self.assertIsNone(first.read_cookie(unhex(out["cookie_message"])))

    def message(self, i, out):
        got = wire.message(unhex(i["key"]), i["type"], i["index"], int(i["counter"]), unhex(i["body"]))
        self.same_message(out["payload"], got)
        if i["type"] == wire.PROVE and "fields" in i:
            f = i["fields"]
            body = wire.prove_body(int(f["epoch"]), unhex(f["nonce"]), unhex(f["artifact"]), unhex(f["derivation"]),
                                   int(f["size"]), [int(o) for o in f["offsets"]], f["range_length"],
                                   f["flags"] & 1, f["ordinal"], f["class"], f["bucket"])
            self.assertEqual(i["body"], body.hex())

    def write_data(self, i, out):
        data, size = made(i["data_rule"]), int(i["size_of_transfer"])
        cv = tree.chunk_value(data, i["chunk"], tree.chunk_count(size) == 1)
        got = wire.write_data(unhex(i["key"]), i["index"], int(i["counter"]), i["transfer"], i["chunk"], data, cv)
        self.assertEqual((out["cv"], out["head"], out["payload_hash"]), (cv.hex(), got[:56].hex(), blake3(got).hex()))

    def request_digest(self, i, out):
        digest = wire.request_digest(unhex(i["pair"]), unhex(i["body"]))
        self.assertEqual(out["digest"], digest.hex())
        self.assertEqual(out["leaf"], wire.leaf(unhex(i["compound_hash"]), digest).hex())

    def seal(self, i, out):
        leaves = [blake3_keyed("assay/v1/leaf", n.to_bytes(4, "little") * 16) for n in range(i["count"])]
        levels, network = wire.levels(leaves), unhex(i["network"])
        root, time_ms, secret = levels[-1][0], int(i["time_ms"]), unhex(i["identity_secret"])
        signature = wire.seal_sign(secret, network, root, time_ms, i["count"])
        self.assertEqual(out["root"], root.hex())
        self.assertEqual(out["identity"], public_key(secret)[1:].hex())
        self.assertEqual(out["digest"], wire.seal_message(network, root, time_ms, i["count"]).hex())
        self.assertEqual(out["signature"], signature.hex())
        self.assertEqual(out["D"], wire.seal_digest(root, time_ms, i["count"], signature).hex())
        for told in out["paths"]:
            path = wire.path_of(levels, told["index"])
            self.assertEqual(told["path"], [h.hex() for h in path])
            self.assertEqual(root, wire.climb(leaves[told["index"]], told["index"], path))

    def tree(self, i, out):
        data = made(i["data_rule"])
        count = tree.chunk_count(len(data))
        self.assertEqual((out["chunks"], out["key"]), (count, blake3(data).hex()))
        for told in out["values"]:
            self.assertEqual(told["value"], tree.node_value(data, told["chunk"], told["chunk"] + 1).hex())

    def prove_answer(self, i, out):
        """An honest answer is taken apart and found good."""
        peer, body = FixedPeer(i), unhex(i["body"])
        answer = ProveAnswer(unhex(i["K_r"]), {int(i["request_counter"])}, peer,
                             public_key(unhex(i["identity_secret"]))[1:], body)
        self.assertEqual(out["digest"], wire.request_digest(peer.pair, body).hex())
        if any(not isinstance(m, str) for m in out["messages"]):
            self.whole_tree(i, out, answer)
            return
        self.index_above_path(answer, bytearray(unhex(out["proof"])))
        for p in [out["proof"], *out["messages"]]:
            self.assertEqual("", answer.add(unhex(p)))
        self.assertEqual("PASS" if i["flags"] else "PLAIN", answer.verdict())
        data = made(i["data_rule"])
        self.assertEqual([data[int(o):int(o) + i["range_length"]] for o in i["offsets"]], answer.ranges)
        self.assertTrue(wire.evidence_good(answer.evidence(), peer.pair, peer.network_id, answer.identity,
                                           unhex(out["compound_hash"])))

    def index_above_path(self, answer, p):
        """Bits that the way to the root does not use are under no tag: such a PROOF is not taken at all."""
        inline = int.from_bytes(p[46:48], "little")
        depth = (len(p) - 160 - inline) // 32
        place = 80 + inline + 8
        index = int.from_bytes(p[place:place + 2], "little")
        for bit in range(depth, 16):
            p[place:place + 2] = (index | 1 << bit).to_bytes(2, "little")
            self.assertEqual("tag", answer.add(bytes(p)))

    def whole_tree(self, i, out, answer):
        """Long messages are given by their digest: what they must contain is made here and compared."""
        data = made(i["data_rule"])
        self.assertEqual("", answer.add(unhex(out["proof"])))
        total = len(out["messages"]) + 1
        if not i["flags"]:
            joined = b"".join(data[int(o):int(o) + i["range_length"]] for o in i["offsets"])
            made_parts = [self.ranges_message(i, joined[n:n + 1024], 1 + n // 1024, total)
                          for n in range(0, len(joined), 1024)]
        else:
            self.assertEqual(out["touched"], answer.touched)
            hashes = self.hash_list(data, answer.touched, out)
            made_parts = self.chunk_messages(i, data, answer.touched, hashes, 1, total)
        self.assertEqual(len(out["messages"]), len(made_parts))
        for told, got in zip(out["messages"], made_parts):
            self.same_message(told, got)
            self.assertEqual("", answer.add(got))
        self.assertEqual("PASS" if i["flags"] else "PLAIN", answer.verdict())

    def hash_list(self, data, touched, out):
        """Made here and compared; for large data, which takes long in Python, the told one: it must lead to the key."""
        nodes = tree.hash_nodes(tree.chunk_count(len(data)), touched)
        self.assertEqual(len(out["hashes"]), len(nodes))
        if len(data) > 256 * 1024:
            return [unhex(h) for h in out["hashes"]]
        hashes = [tree.node_value(data, a, b) for a, b in nodes]
        self.assertEqual(out["hashes"], [h.hex() for h in hashes])
        return hashes

    @staticmethod
    def answer_head(i, part, parts, n):
        return (int(i["request_counter"]).to_bytes(8, "little")
                + b"".join(v.to_bytes(2, "little") for v in (part, parts, 0, n)))

    def ranges_message(self, i, data, part, parts):
        body = self.answer_head(i, part, parts, len(data)) + data
        return wire.message(unhex(i["K_r"]), wire.RANGES, i["initiator_index"], int(i["first_counter"]) + part, body)

    def chunk_messages(self, i, data, touched, hashes, first_part, parts):
        """What an honest responder sends; the oracle for messages that the vectors give by digest."""
        out, position, todo = [], 0, [*touched]
        while todo or position < len(hashes):
            chunk = todo.pop(0) if todo else wire.NO_CHUNK
            some = hashes[position:position + (43 if chunk == wire.NO_CHUNK else 11)]
            cut = b"" if chunk == wire.NO_CHUNK else data[chunk * 1024:chunk * 1024 + 1024]
            part = first_part + len(out)
            fixed = (self.answer_head(i, part, parts, len(some)) + chunk.to_bytes(4, "little")
                     + len(cut).to_bytes(2, "little") + bytes(2) + len(data).to_bytes(8, "little")
                     + position.to_bytes(4, "little") + len(hashes).to_bytes(4, "little"))
            value = tree.node_value(data, chunk, chunk + 1) if cut else bytes(32)
            start = wire.head(wire.CHUNK, 72 + len(cut) + 32 * len(some), i["initiator_index"],
                              int(i["first_counter"]) + part)
            tag = wire.tag(unhex(i["K_r"]), start, fixed + value + b"".join(some))
            out.append(start + tag + fixed + cut + b"".join(some))
            position += len(some)
        return out

    def read_answer(self, i, out):
        data, body = made(i["data_rule"]), unhex(i["body"])
        self.assertEqual(i["body"], wire.read_body(body[:32], i["first"], i["count"], i["flags"]).hex())
        if out["refused"]:
            return
        count = tree.chunk_count(len(data))
        first = count - 1 if i["first"] == wire.NO_CHUNK else i["first"]
        touched = list(range(first, min(first + i["count"], count)))
        hashes = self.hash_list(data, touched, out) if i["flags"] else []
        messages = self.chunk_messages(i, data, touched, hashes, 0, len(out["messages"]))
        answer = ReadAnswer(unhex(i["K_r"]), {int(i["request_counter"])}, body)
        for told, got in zip(out["messages"], messages, strict=True):
            self.same_message(told, got)
            self.assertEqual("", answer.add(got))
        if i["flags"]:
            self.assertEqual({c: data[c * 1024:c * 1024 + 1024] for c in touched}, answer.verified())

    def verify_read(self, i, out):
        body = wire.read_body(unhex(i["key"]), i["first"], i["count"])
        answer = ReadAnswer(unhex(i["K_r"]), {int(i["request_counter"])}, body)
        self.assertEqual(out["reasons"], [answer.add(unhex(p)) for p in i["datagrams"]])
        self.assertEqual(out["verified"], answer.verified() is not None)
        self.assertEqual(out["proves_size"], answer.proves_size)

    def verify_answer(self, i, out):
        peer, window, reasons = FixedPeer(i), ReplayWindow(), []
        answer = ProveAnswer(unhex(i["K_r"]), {int(i["request_counter"])}, peer, unhex(i["identity"]), unhex(i["body"]))
        for p in map(unhex, i["datagrams"]):
            counter = int.from_bytes(p[8:16], "little")
            reasons.append(window.check(counter) or answer.add(p))
            if not reasons[-1]:
                window.mark(counter)
        self.assertEqual((out["reasons"], out["verdict"]), (reasons, answer.verdict()))

    def replay_window(self, i, out):
        window, reasons = ReplayWindow(), []
        for counter in map(int, i["counters"]):
            reasons.append(window.check(counter))
            if not reasons[-1]:
                window.mark(counter)
        self.assertEqual(out["reasons"], reasons)

    def evidence(self, i, out):
        peer = FixedPeer(i)
        self.assertEqual(out["length"], len(unhex(i["record"])))
        good = wire.evidence_good(unhex(i["record"]), peer.pair, peer.network_id, unhex(i["identity"]),
                                  unhex(i["compound_hash"]))
        self.assertEqual(out["valid"], good)


# What only a responder does; the C vector runner covers it.
RESPONDER_ONLY = {"hello_admit", "reset", "version", "datagram_check", "admit"}


def add_section(name, cases):
    run = getattr(Vectors, name)

    def test(self):
        for case in cases:
            with self.subTest(case["id"], note=case.get("note", "")):
                run(self, case["in"], case["out"])
    setattr(Vectors, "test_" + name, test)


for section, section_cases in CASES.items():
    if section not in RESPONDER_ONLY:
        add_section(section, [c for c in section_cases if not c.get("source_only")])

if __name__ == "__main__":
    unittest.main()
