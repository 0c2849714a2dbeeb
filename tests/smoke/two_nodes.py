#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two daemons on the loopback that challenge each other through assayctl, and what the operator can do about sessions."""
from smoke import SmokeCase, main, nodes, sample


class TwoNodes(SmokeCase):
    def pair(self, address):
        pair = [self.node(name, ports={"p0": f'device = "udp:{address}:{nodes.free_port()}"'}) for name in ("left", "right")]
        for node, other in (pair, pair[::-1]):
            node.register(other.ctl("node", "id").stdout)
        return pair

    def challenge_each_other(self, address):
        pair = self.pair(address)
        for asker, target in (pair, pair[::-1]):
            keys = [target.put(self.file(f"{target.account}{size}", sample(size, size))) for size in (1, 1025, 300_000)]
            said = asker.prove(target, keys, count=10)
            self.assertEqual((30, 30), (said["asked"], said["good"]))
            for proof in said["proofs"]:
                self.assertEqual("PASS", proof["verdict"])
                self.assertEqual({"good"}, set(proof["steps"].values()), proof)
                self.assertTrue(proof["evidence_good"])
            said = asker.prove(target, keys, count=5, plain=True)
            self.assertEqual((15, 15), (said["asked"], said["good"]))
            said = asker.prove(target, ["00" * 32])
            self.assertEqual((1, 0), (said["asked"], said["good"]))
            self.assertIn("artifact_unknown", str(said["proofs"][0]))
            self.assert_adds_up(target)
        for node in pair:
            self.assertEqual(0, node.stop())

    def test_ipv4(self):
        self.challenge_each_other("127.0.0.1")

    def test_ipv6(self):
        self.challenge_each_other("[::1]")

    def test_node_that_is_down(self):
        left, right = self.pair("127.0.0.1")
        right.kill()
        said = left.prove(right, ["00" * 32])
        self.assertEqual((1, 0), (said["asked"], said["good"]))
        self.assertIn("did not answer", str(said["proofs"]))

    def test_sessions(self):
        """An operator sees sessions and ends them; who leaves the registry is out at once."""
        node = self.node("server")
        sessions = [self.client(node, account=name).connect() for name in ("alice", "bob")]
        for session in sessions:
            self.addCleanup(session.socket.close)
            self.assertIsNotNone(session.ping())
        listed = {item["account"]: item for item in node.json("sessions", "list")["sessions"]}
        self.assertEqual({"alice", "bob"}, set(listed))
        node.ctl("sessions", "close", listed["alice"]["index"])
        self.assertIsNone(sessions[0].ping(0.5))
        self.assertIsNotNone(sessions[1].ping())
        node.ctl("registry", "remove", "bob")
        nodes.wait_until(lambda: sessions[1].ping(0.2) is None, "the session of one who was removed to end")
        sessions[1].timeout = 1.0
        with self.assertRaises(TimeoutError):
            sessions[1].connect()
        self.assertIsNotNone(sessions[0].connect().ping(), "one whose session was closed may come again")
        self.assert_adds_up(node)


if __name__ == "__main__":
    main()
