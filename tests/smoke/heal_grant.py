#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a healer has staged is for the verifiers of its op alone, from its claim to their votes, and for nobody else at any time."""
import base64
import json
import os
import signal
import subprocess

from smoke import Peer, Refused, Session, SmokeCase, blake3, main, nodes, prove_body
import heal
from network import LONG, Network

OFF = heal.HEALING.replace("enabled = true", "enabled = false")


class HealGrant(SmokeCase):
    def session(self, healer, account):
        """As that node, with its keys."""
        node = next(node for node in self.network.nodes if node.account == account)
        secret = bytes.fromhex(json.loads((node.folder / "state" / "node-keys.json").read_text())["session"])
        me = healer.registration()["node"]
        network_id = blake3(b"assay/genesis/v1" + (self.network.folder / "genesis.json").read_bytes())
        peer = Peer(network_id, account, healer.account, secret, bytes.fromhex(me["session_key"]))
        session = Session(peer, bytes.fromhex(me["key"]), healer.address, nodes.PATIENCE)
        session.connect()
        self.addCleanup(session.socket.close)
        return session

    def refused(self, reason, ask, *arguments, **options):
        with self.assertRaises(Refused) as caught:
            ask(*arguments, **options)
        self.assertEqual(reason, caught.exception.reason)

    def readable(self, session, key, grant):
        try:
            return key == blake3(session.fetch(key, grant=grant))
        except Refused:
            return False

    def enable(self, *accounts):
        for node in self.network.nodes:
            if node.account in accounts:
                node.config.write_text(node.config.read_text(encoding="utf-8").replace(OFF, heal.HEALING), encoding="utf-8")
                node.stop()
                node.start()

    def op(self, condition, what):
        return heal.wait_heal(self.network.nodes[0], self.ticket, condition, what)

    def scheduled(self):
        data = os.urandom(40_000)
        first = self.network.nodes[0]
        self.ticket = first.json("put", self.file("file", data))["ticket"]
        first.ctl("rebalance", self.ticket)
        return data, self.op(lambda op: op["state"] == "scheduled", "a heal to be scheduled")

    def test_who_may_read_when(self):
        self.network = Network(self.folder / "net", count=4, params=heal.REBALANCE_PARAMS, extra=OFF)
        self.addCleanup(self.network.close)
        self.network.start()
        self.network.wait_epoch(1)
        data, op = self.scheduled()
        number, key = op["op"], blake3(data)
        healer = next(node for node in self.network.nodes if node.account == op["healer"])
        verifiers = [vote["verifier"] for vote in op["votes"]]
        other = next(node.account for node in self.network.nodes if node.account not in (op["healer"], *verifiers))

        session = self.session(healer, verifiers[0])
        self.refused("grant", session.fetch, key, grant=number)  # nothing is claimed
        self.refused("artifact_unknown", session.fetch, key)

        self.assertIn("this node, as healer: off; waits for self_healing.enabled", healer.ctl("heal", "show", number).stdout)
        self.enable(op["healer"])
        self.op(lambda op: op["state"] == "reported", "the healer to claim")
        for verifier in verifiers:
            session = self.session(healer, verifier)
            self.assertEqual(data, session.fetch(key, grant=number))
            self.refused("grant", session.fetch, key, grant=number + 1)
            self.refused("grant", session.fetch, bytes(32), grant=number)
            self.refused("artifact_private", session.fetch, key)
            self.refused("artifact_private", session.prove, prove_body(data, key, (0, 500), 256, epoch=self.network.epoch()))
        self.refused("grant", self.session(healer, other).fetch, key, grant=number)
        # The operator puts that very file and removes it again: what the verifiers are to read is made anew.
        self.assertEqual(key.hex(), healer.json("artifact", "put", self.file("the-same", data))["key"])
        self.assertEqual(data, session.fetch(key))
        healer.ctl("artifact", "remove", key.hex())
        nodes.wait_until(lambda: self.readable(session, key, number), "the staged file to be readable again")
        self.refused("artifact_private", session.fetch, key)
        self.assertNotIn(key.hex(), [a["key"] for a in healer.json("artifact", "list")["artifacts"]])
        off = next(node for node in self.network.nodes if node.account == verifiers[0]).json("heal", "show", number)
        self.assertEqual(("verifier", "off", "current"), (off["part"][0]["role"], off["part"][0]["phase"], off["copy"]))
        shown = healer.json("heal", "show", number)
        self.assertEqual(base64.b64encode(key).decode(), shown["result_hash"])
        self.assertEqual("serving verifiers", shown["part"][0]["phase"])
        text = healer.ctl("heal", "show", number).stdout
        for words in (f"verifier {verifiers[1]}: no vote yet", "this node, as finalizer: serving verifiers", "next: 2 of 2 votes for it"):
            self.assertIn(words, text)
        self.assertRegex(healer.ctl("heals", "--open").stdout, rf"(?m)^ *{number} +{self.ticket} +reported +{op['healer']} +0/2 ")
        self.assertIn("no heal operation 999", healer.ctl("heal", "show", 999, check=False).stderr)

        self.enable(*verifiers)
        self.op(lambda op: op["published"], "it to be published")
        nodes.wait_until(lambda: heal.settled(self.network), "staging to be empty")
        session = self.session(healer, verifiers[0])
        self.refused("grant", session.fetch, key, grant=number)
        self.refused("artifact_unknown", session.fetch, key)
        self.assertEqual([], healer.json("heals", "--open")["heals"])
        self.assertRegex(healer.ctl("heals").stdout, rf"(?m)^ *{number} +{self.ticket} +published +{op['healer']} +2/2 ")
        self.assertIn('assay_heal_ops{status="published"} 1\n', healer.json("metrics")["text"])
        self.assertIn('assay_heal_messages_total{message="published",outcome="accepted"} 1\n', healer.json("metrics")["text"])

    def test_expired(self):
        """Nobody votes: nothing is readable any more, and what a kill in the middle of cleaning leaves goes at the next start."""
        self.network = Network(self.folder / "net", count=4, params={**heal.REBALANCE_PARAMS, "storage_truth_heal_deadline_epochs": 3,
                                                                     "storage_truth_probation_epochs": 25}, extra=OFF)
        self.addCleanup(self.network.close)
        self.network.start()
        self.network.wait_epoch(1)
        data, op = self.scheduled()
        healer = next(node for node in self.network.nodes if node.account == op["healer"])
        watcher = next(node for node in self.network.nodes if node is not healer)
        healer.environment = {"ASSAY_FAILPOINT": "heal.clean_removed"}
        self.enable(op["healer"])
        reported = heal.wait_heal(watcher, self.ticket, lambda op: op["state"] == "reported", "the healer to claim")
        session = self.session(healer, op["votes"][0]["verifier"])
        self.assertEqual(data, session.fetch(blake3(data), grant=op["op"]))
        self.ends_with_the_deadline(watcher, session, blake3(data), reported)
        heal.wait_heal(watcher, self.ticket, lambda op: op["state"] == "expired", "the deadline")
        nodes.wait_until(lambda: healer.process.poll() is not None, "the healer to die while it cleans")
        self.assertEqual(-signal.SIGKILL, healer.process.returncode)
        self.assertEqual([], heal.staged(healer))
        healer.environment = {}
        healer.start()
        nodes.wait_until(lambda: "\nassay_heal_claims 0\n" in healer.json("metrics")["text"], "the row to go")
        session = self.session(healer, op["votes"][0]["verifier"])
        self.refused("grant", session.fetch, blake3(data), grant=op["op"])
        self.refused("artifact_unknown", session.fetch, blake3(data))

    def ends_with_the_deadline(self, watcher, session, key, op):
        """In the op's deadline epoch nothing is readable, although it may still be verified there. Says nothing where the machine
        is too slow to look at that epoch more than twice."""
        number, granted, session.timeout = op["op"], 0, 5

        def state():
            return watcher.json("heal", "show", number)
        nodes.wait_until(lambda: state()["epoch"] >= op["deadline_epoch"], "the deadline epoch", LONG)
        while True:
            try:
                session.fetch(key, grant=number)
                granted += 1
            except Refused as refused:
                self.assertEqual("grant", refused.reason)
                return
            except (ValueError, OSError):  # it has expired, and the healer has died of it
                return
            if state()["state"] != "reported":
                break
        self.assertLess(granted, 3, "readable in the deadline epoch")

    def test_wrong_failpoint(self):
        node = self.node("alone", start=False)
        node.environment = {"ASSAY_FAILPOINT": "heal.mkdri"}
        with self.assertRaisesRegex(nodes.Failure, "heal.mkdri: not name.*assayd --failpoints"):
            node.start()
        self.assertEqual(78, node.process.returncode)
        listed = subprocess.run([*node.daemon, "--failpoints"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(listed, r"(?m)^heal\.mkdir +dies after")


if __name__ == "__main__":
    main()
