#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Artifacts pushed to a running node by the client written from docs/protocol.md alone; calls; kill -9 on the way."""
import os
import random
import struct

from smoke import Refused, SmokeCase, blake3, main, sample, wire

MAY = ("prove", "read", "write", "call")


class Write(SmokeCase):
    def connected(self, node, **options):
        session = self.client(node, **{"permissions": MAY, **options})
        self.addCleanup(session.socket.close)
        return session.connect()

    def listed(self, node):
        return {item["key"] for item in node.json("artifact", "list")["artifacts"]}

    def test_push(self):
        node = self.node("server")
        session = self.connected(node)
        shuffled = random.Random(7)
        for size in (1, 1024, 1025, 65532, 700_001):
            data = sample(size, size)
            key = blake3(data)
            state = session.push(key, data, lambda chunks: shuffled.sample(chunks, len(chunks)))
            self.assertEqual(session_state(state), "durable")
            self.assertEqual(data, session.fetch(key), "it can be read back at once")
            self.assertIn(key.hex(), self.listed(node))
            again = session.write(wire.WRITE_OPEN, wire.write_open_body(key, size))
            self.assertEqual(session_state(again), "durable")
        self.assert_adds_up(node)

    def test_wrong_bytes(self):
        node = self.node("server")
        session = self.connected(node)
        data = sample(5000, 1)
        state = session.push(blake3(data + b"x"), data)
        self.assertEqual(("failed", "artifact_rot"), (session_state(state), state.code))
        self.assertEqual(set(), self.listed(node))

    def test_refusals(self):
        node = self.node("server", settings="store { staging_mib = 1 }\n")
        session = self.connected(node)
        key = bytes(32)
        for reason, body in {"artifact_size": wire.write_open_body(key, 0), "disk_full": wire.write_open_body(key, 2 << 20),
                             "grant": wire.write_open_body(key, 100, grant=3)}.items():
            with self.assertRaises(Refused) as refused:
                session.write(wire.WRITE_OPEN, body)
            self.assertEqual(reason, refused.exception.reason)
        with self.assertRaises(Refused) as refused:
            session.write(wire.WRITE_COMMIT, wire.write_commit_body(99))
        self.assertEqual("artifact_unknown", refused.exception.reason)
        reader = self.connected(node, account="reader", permissions=("read",))
        for ask in (lambda: reader.write(wire.WRITE_OPEN, wire.write_open_body(key, 100)), lambda: reader.call(1, key)):
            with self.assertRaises(Refused) as refused:
                ask()
            self.assertEqual("permission", refused.exception.reason)

    def test_call(self):
        node = self.node("server")
        session = self.connected(node)
        self.assertEqual(1, session.call(4242, b"hello").status, "no such method")
        self.assertEqual(2, session.call(1, b"too short").status, "not of the method's form")
        nonce = os.urandom(16)
        answers = [session.call(1, bytes(32), nonce) for _ in range(3)]
        for answer in answers:
            self.assertEqual((3, 1), (answer.status, struct.unpack_from("<H", answer.body)[0]), "no ledger, no receipt")
        self.assertEqual(2, session.call(1, b"\1" * 32, nonce).status, "the nonce is another question's")
        self.assert_adds_up(node)

    def test_kill(self):
        """kill -9 at any moment: what was said to be durable is there, nothing half is left."""
        node = self.node("server")
        durable, rounds = {}, 3
        for turn in range(rounds):
            session = self.connected(node, account=f"writer{turn}", timeout=20.0)
            for i in range(8):
                data = sample(3000 + 4000 * i, 100 * turn + i)
                key = blake3(data)
                if i < 6:
                    self.assertEqual("durable", session_state(session.push(key, data)))
                    durable[key] = data
                    continue
                # Two are under way when the node dies: one in the middle, one just committed.
                state = session.write(wire.WRITE_OPEN, wire.write_open_body(key, len(data)))
                chunks = [data[at:at + 1024] for at in range(0, len(data), 1024)]
                for n in range(len(chunks) if i == 7 else turn * 10):
                    session.write_chunk(state.transfer, n, chunks[n])
                if i == 7:
                    session.send(wire.WRITE_COMMIT, wire.write_commit_body(state.transfer))
            node.kill()
            node.start()
            self.assertEqual([], list((node.folder / "state" / "artifacts" / "tmp").iterdir()))
            self.assertLessEqual({key.hex() for key in durable}, self.listed(node))
        session = self.connected(node, account="reader")
        for key, data in durable.items():
            self.assertEqual(data, session.fetch(key))


def session_state(state):
    return {1: "open", 2: "checking", 3: "durable", 4: "failed"}[state.state]


if __name__ == "__main__":
    main()
