#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Healing in a network whose nodes are killed at the named points of it, one after the other: every op is published all the same,
with one claim and one vote of each, and nothing stays staged."""
import os
import signal

from smoke import SmokeCase, main, nodes
import heal
from network import Network, digest

NODES = 5
PARAMS = {**heal.REBALANCE_PARAMS, "storage_truth_max_self_heal_ops_per_epoch": 20, "placement_width": 4}
# A healer that has just died is back before its verifiers give up.
SETTINGS = heal.HEALING.replace("verifier_fetch_timeout_ms = 10000", "verifier_fetch_attempts = 10")
# Who heals is drawn, so a point may have to wait for its node's turn. Entries come at all times: that one goes first.
KILLS = ["ledger.apply:30", "heal.mkdir", "heal.staged", "heal.pending", "heal.submitted", "heal.marked", "vote.fetched", "vote.pending",
         "vote.submitted", "heal.publish_partial", "heal.placed", "heal.published", "heal.row_deleted"]
LIES = ["heal.submit_ack_lost", "heal.submit_garbled", "heal.submit_unsent", "vote.submit_unsent"]
ROUNDS, TICKETS = 10, 6  # at most; in each


class HealCrash(SmokeCase):
    def arm(self, node, names):
        """(Re)starts it with the next name, or none when all have been. Some are passed during the start already."""
        while True:
            name = names.pop(0) if names else None
            node.environment = {"ASSAY_FAILPOINT": name} if name else {}
            self.armed[node.account] = name
            try:
                node.start()
                return
            except nodes.Failure:
                if node.process.poll() != -signal.SIGKILL:
                    raise
                self.hit(node)

    def hit(self, node):
        self.hits.append(self.armed[node.account])
        node.kill()

    def look(self, names):
        """Brings back whoever has died at its point."""
        for node in self.network.nodes:
            status = node.process.poll()
            if status is None:
                continue
            self.assertEqual(-signal.SIGKILL, status, f"{node.account} at {self.armed[node.account]}: {node.log_tail()}")
            self.hit(node)
            self.arm(node, names)

    def put_files(self):
        """All tickets are one node's."""
        tickets = []
        for _ in range(TICKETS):
            path = self.folder / f"file{len(self.files)}"
            path.write_bytes(os.urandom(30_000 + 1000 * len(self.files)))
            tickets.append(self.first.json("put", path)["ticket"])
            self.files[tickets[-1]] = path
        return tickets

    def round(self, names):
        """Some files are to be placed anew, which is healing too, while nodes die. The first node only looks on."""
        tickets = self.put_files()
        for ticket in tickets:
            self.first.ctl("rebalance", ticket)
        for node in self.network.nodes[1:]:
            if self.armed.get(node.account) is None and names:
                node.stop()
                self.arm(node, names)

        def done():
            self.look(names)
            published = {op["ticket"] for op in heal.heals(self.first) if op["published"]}
            return published >= set(tickets) and heal.settled(self.network)
        nodes.wait_until(done, "all files to be healed", heal.LONG)

    def test_every_point(self):
        self.armed, self.hits, self.files = {}, [], {}
        self.network = Network(self.folder / "net", count=NODES, params=PARAMS, extra=SETTINGS)
        self.addCleanup(self.network.close)
        self.network.start()
        self.network.wait_epoch(1)
        self.first = self.network.nodes[0]
        names = list(KILLS)
        for _ in range(ROUNDS):
            self.round(names)
            if set(self.hits) >= set(KILLS):
                break
        self.assertLessEqual(set(KILLS), set(self.hits))
        self.round(list(LIES))
        for op in heal.heals(self.first):
            self.assertEqual(("verified", True), (op["state"], op["published"]), op)
        for ticket, path in self.files.items():
            out = self.folder / "out"
            self.network.nodes[-1].ctl("get", ticket, "-o", out, "--force")
            self.assertEqual(digest(path), digest(out))
        for node in self.network.nodes:
            self.assertIn("\nassay_heal_claims 0\n", node.json("metrics")["text"])
        self.network.agree()


if __name__ == "__main__":
    main()
