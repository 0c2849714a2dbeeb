#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The client written from docs/protocol.md alone against a running node."""
import socket
import time

from smoke import Refused, SmokeCase, blake3, main, nodes, prove_body, sample, wait_until, wire

DATA = {size: sample(size, size) for size in (1, 1023, 1024, 1025, 5000, 65532)}
KEY = {size: blake3(data) for size, data in DATA.items()}


class PythonClient(SmokeCase):
    def setUp(self):
        super().setUp()
        self.server = self.node("server")
        for size, data in DATA.items():
            self.assertEqual(KEY[size].hex(), self.server.put(self.file(f"file{size}", data)))

    def connected(self, **options):
        session = self.client(self.server, **options)
        self.addCleanup(session.socket.close)
        return session.connect()

    def wait_dropped(self, *reasons):
        wait_until(lambda: set(reasons) <= set(self.server.drops()), f"drops: {reasons}")

    def test_proofs(self):
        session = self.connected()
        self.assertIsNotNone(session.ping())
        for size, data in DATA.items():
            length = min(256, size)
            offsets = [0, size - length, (size - length) // 2, (size - length) // 3]
            for tree, verdict in ((True, "PASS"), (False, "PLAIN")):
                answer = session.prove(prove_body(data, KEY[size], offsets, length, tree))
                self.assertEqual(verdict, answer.verdict(), (size, tree))
                self.assertEqual([data[o:o + length] for o in offsets], answer.ranges)
                self.assertTrue(wire.evidence_good(answer.evidence(), session.peer.pair, session.peer.network_id,
                                                   session.identity, answer.compound()))
        self.assertEqual([], session.dropped)

    def test_reads(self):
        session = self.connected()
        for size, data in DATA.items():
            self.assertEqual(data, session.fetch(KEY[size]))

    def test_refusals(self):
        session = self.connected()
        data, key = DATA[5000], KEY[5000]
        cases = {
            "epoch": {"epoch": 0}, "prove_class": {"kind": 3}, "prove_bucket": {"bucket": 0},
            "prove_ranges_none": {"offsets": []}, "prove_ranges_many": {"offsets": [0] * 5},
            "prove_length_zero": {"length": 0}, "prove_length_big": {"length": 257},
            "range_end": {"offsets": [4900]}, "artifact_unknown": {"key": bytes(32)}, "artifact_size": {"size": 5001},
        }
        for reason, change in cases.items():
            asked = {"data": data, "key": key, "offsets": [0, 100, 200, 300], "length": 256, **change}
            with self.assertRaises(Refused, msg=reason) as refused:
                session.prove(prove_body(**asked))
            self.assertEqual(reason, refused.exception.reason)
        with self.assertRaises(Refused) as refused:
            session.read(key, 5, 1)
        self.assertEqual("range_end", refused.exception.reason)
        blind = self.connected(account="blind", permissions=["read"])
        with self.assertRaises(Refused) as refused:
            blind.prove(prove_body(data, key, [0], 256))
        self.assertEqual("permission", refused.exception.reason)

    def test_what_is_not_answered(self):
        """Replays, wrong tags, another address: dropped under their names, and nothing is sent back."""
        session = self.connected()
        self.assertIsNotNone(session.ping())
        before = self.server.drops()
        session.socket.send(session.last)
        session.send(wire.PING, bytes(24), tag_change=1)
        self.wait_dropped("replay_seen", "tag")
        self.assertIsNone(session.receive(time.monotonic() + 0.1))
        with socket.socket(session.socket.family, socket.SOCK_DGRAM) as other:
            other.settimeout(nodes.PATIENCE)
            other.sendto(wire.message(session.k_i, wire.PING, session.remote, 1000, bytes(24)), self.server.address)
            reset = other.recv(2048)
        self.assertEqual((32, wire.RESET, 7), (len(reset), reset[1], reset[16]))
        after = self.server.drops()
        for reason in ("replay_seen", "tag", "address"):
            self.assertEqual(before.get(reason, 0) + 1, after.get(reason, 0), reason)
        self.assertIsNotNone(session.ping(), "the session goes on")
        self.assert_adds_up(self.server)

    def test_strangers_and_ends(self):
        session = self.connected()
        self.assertIsNotNone(session.ping())
        session.close()
        wait_until(lambda: session.ping(0.5) is None and "session" in session.resets, "a RESET")
        session.peer.hint = bytes(16)
        session.timeout = 1.0
        with self.assertRaises(TimeoutError):
            session.connect()
        self.wait_dropped("hello_unknown")
        self.assert_adds_up(self.server)


if __name__ == "__main__":
    main()
