#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tickets on a network of three daemons: put and get, a putter killed at every stage, receipts checked by the rule of docs/ledger.md,
and what is refused."""
import base64
import json
import os
import shutil
import struct
import subprocess

from smoke import SmokeCase, blake3, main, nodes, sample, wait_until
from assay_client.curve import tagged_hash, verify
from network import PARAMS, Network

DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
INDEX_COPIES, SYMBOL_COPIES = 3, 1  # parameters that the network does not set


def base58(text):
    number = 0
    for digit in text:
        number = number * 58 + DIGITS.index(digit)
    return number.to_bytes(32, "big")


def lp(text):
    """Length-prefixed, as docs/ledger.md writes it."""
    return struct.pack(">I", len(text)) + text.encode()


class Tickets(SmokeCase):
    """One network for all of it; a test that kills a daemon starts it again."""

    @classmethod
    def setUpClass(cls):
        cls.place = nodes.scratch()
        cls.network = Network(cls.place, count=3, params=PARAMS)
        cls.network.start()
        cls.network.wait_epoch(1)

    @classmethod
    def tearDownClass(cls):
        cls.network.close()
        shutil.rmtree(cls.place, ignore_errors=True)

    def setUp(self):
        super().setUp()
        self.members = self.network.nodes

    def tearDown(self):
        if not self.passed():
            for node in self.members:
                print(f"log of {node.account}: {node.log_tail(15)}")
        super().tearDown()

    def identical(self, node, ticket, data):
        wait_until(lambda: ticket in self.listed(node), f"{node.account} to know the ticket")
        out = self.folder / "got"
        node.ctl("get", ticket, "-o", out, "--force")
        self.assertEqual(data, out.read_bytes())

    def listed(self, node):
        return {ticket["ticket"]: ticket for ticket in node.json("tickets")["tickets"]}

    def entry(self, node, ticket):
        """Data of the entry that recorded a ticket, as a holder's copy of the ledger has it."""
        for item in node.json("ledger", "tail", 1000)["entries"]:
            if item["type"] == "ticket" and item["code"] == 0:
                data = node.json("ledger", "entry", item["seq"])["entry"]["body"]["data"]
                if data["ticket"] == ticket:
                    return data
        return None

    def refused(self, node, *arguments, prefix=()):
        done = subprocess.run([*prefix, *node.command(*arguments)], capture_output=True, text=True, check=False,
                              timeout=4 * nodes.PATIENCE)
        self.assertNotEqual(0, done.returncode, done.stdout)
        return done.stderr

    def test_put_get(self):
        first, second, third = self.members
        data = sample(700_001, 1)
        put = first.json("put", self.file("a", data))
        self.assertFalse(put["existed"])
        ticket = put["ticket"]
        again = first.json("put", self.folder / "a")
        self.assertEqual((ticket, True), (again["ticket"], again["existed"]), "a second time it is there")
        self.assertEqual(1, list(self.listed(first)).count(ticket))
        for node in (second, third):
            self.identical(node, ticket, data)
        shown = second.json("ticket", "show", ticket)
        self.assertEqual(("open", "n1", len(data)), (shown["state"], shown["creator"], shown["size"]))
        self.assertEqual({"n1", "n2", "n3"}, {holder["account"] for holder in shown["held_by"]})
        # No node can act for another one.
        self.assertIn("only the node that put it", self.refused(second, "ticket", "close", ticket))
        first.ctl("rebalance", ticket)
        self.assertTrue(first.json("ticket", "show", ticket)["rehome"])
        first.ctl("ticket", "close", ticket)
        for node in self.members:
            wait_until(lambda n=node: n.json("ticket", "show", ticket)["state"] == "closed", "the ticket to be closed")
            self.assertIn("closed", self.refused(node, "get", ticket, "-o", self.folder / "no"))
        # The same file again is another ticket.
        again = first.json("put", self.folder / "a")
        self.assertFalse(again["existed"])
        self.assertNotEqual(ticket, again["ticket"])
        self.identical(second, again["ticket"], data)

    def test_receipts(self):
        """Every holder signs for exactly its share: the digest is recomputed from the file and the record."""
        first = self.members[0]
        data = sample(900_000, 2)
        path = self.file("b", data)
        ticket = first.json("put", path)["ticket"]
        record = wait_until(lambda: self.entry(self.members[1], ticket), "the entry")
        index = json.loads(base64.b64decode(record["signatures"].split(".")[0]))
        first.ctl("codec", "encode", path, "-o", self.folder / "coded", "--ratio", record["ratio"])
        layout = json.loads((self.folder / "coded" / "layout.json").read_text())
        symbols = [base58(symbol) for block in layout["blocks"] for symbol in block["symbols"]]
        indexes = [base58(key) for key in index["layout_ids"] + record["rq_ids_ids"]]
        self.assertEqual((len(symbols), len(indexes)), (record["symbol_artifact_count"], record["index_artifact_count"]))
        shown = first.json("ticket", "show", ticket)
        receipts, holders = record["receipts"], [holder["account"] for holder in shown["held_by"]]
        self.assertEqual(holders, [receipt["account"] for receipt in receipts])
        for position, (receipt, holder) in enumerate(zip(receipts, shown["held_by"])):
            node = next(node for node in self.members if node.account == receipt["account"])
            share = []
            for keys, copies in ((indexes, INDEX_COPIES), (symbols, SYMBOL_COPIES)):
                copies = min(copies, len(holders))
                share.append([key for i, key in enumerate(keys)
                              if any((i * copies + j) % len(holders) == position for j in range(copies))])
            self.assertEqual((holder["index"], holder["symbols"]), (len(share[0]), len(share[1])))
            digest = blake3(b"".join(share[0] + share[1]))
            self.assertEqual(digest.hex(), receipt["digest"])
            message = lp(ticket) + struct.pack(">Q", record["placement_epoch"]) + lp(receipt["account"]) + digest
            identity = bytes.fromhex(node.registration()["node"]["key"])
            self.assertTrue(verify(bytes.fromhex(receipt["sig"]), identity, tagged_hash("assay/receipt/v1", message)))
            self.assertFalse(verify(bytes.fromhex(receipt["sig"]), identity, tagged_hash("assay/receipt/v1", message[:-1] + b"x")))
            here = {artifact["key"] for artifact in node.json("artifact", "list")["artifacts"]}
            self.assertLessEqual({key.hex() for key in share[0] + share[1]}, here, "what was signed for is there")
            wait_until(lambda n=node, s=share: {item["origin"] for item in n.json("artifact", "list")["artifacts"]
                                                if item["key"] in {key.hex() for key in s[0] + s[1]}} == {"ticket"},
                       f"{node.account} to see that the ticket claims them")

    def test_prove(self):
        """Nodes, network and epoch come from the daemon's ledger: no registry file is needed."""
        first, second = self.members[:2]
        data = sample(300_000, 5)
        first.json("put", self.file("c", data))
        keys = [artifact["key"] for artifact in first.json("artifact", "list")["artifacts"]][:3]
        registry = second.folder / "state" / "registry.json"
        registry.unlink(missing_ok=True)
        told = second.prove(first, keys, count=2)
        self.assertEqual((6, 6), (told["asked"], told["good"]), told)
        self.assertFalse(registry.exists())
        done = second.ctl("prove", "--peer", "n9", f"--key={keys[0]}", check=False)
        self.assertIn("no node n9", done.stderr)

    def killed_put(self, seed, moment):
        """The putter dies at that moment; what it leaves is nothing or all, and the rerun makes it one ticket."""
        putter, other = self.members[2], self.members[0]
        data = sample(3_000_000, seed)
        path = self.file(f"killed-{seed}", data)
        before = set(self.listed(other))
        with subprocess.Popen(putter.command("put", path), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            wait_until(lambda: moment(putter) or client.poll() is not None, "the moment")
            putter.kill()
            client.communicate(timeout=nodes.PATIENCE)
        putter.start()
        self.assertEqual([], list((putter.folder / "state" / "staging").iterdir()), "nothing half-coded is left")
        for ticket in set(self.listed(other)) - before:
            self.identical(other, ticket, data)
        ticket = putter.json("put", path)["ticket"]
        new = set(self.listed(putter)) - before
        self.assertEqual({ticket}, new, "one ticket, however often it was begun")
        self.identical(other, ticket, data)
        return putter

    def staged(self, node):
        folder = node.folder / "state" / "staging"
        return sum(len(list(each.iterdir())) for each in folder.iterdir()) if folder.exists() else 0

    def test_killed_while_encoding(self):
        self.killed_put(10, lambda putter: self.staged(putter) >= 5)

    def test_killed_while_pushing(self):
        pushed = [node.folder / "state" / "artifacts" / "pushed" for node in self.members[:2]]
        before = sum(len(list(folder.iterdir())) for folder in pushed)
        self.killed_put(11, lambda putter: sum(len(list(folder.iterdir())) for folder in pushed) > before + 20)

    def test_killed_before_the_entry(self):
        """A holder has signed; the putter's own share and its entry are still to come."""
        log = self.members[1].log
        begin = log.stat().st_size

        def signed(putter):
            with open(log, "rb") as file:
                file.seek(begin)
                return b"signed that this node holds its share" in file.read()
        self.killed_put(12, signed)

    def test_refused_files(self):
        first = self.members[0]
        self.assertIn("an empty file cannot be stored", self.refused(first, "put", self.file("empty", b"")))
        self.assertIn("No such file", self.refused(first, "put", self.folder / "nothing"))
        self.assertIn("not a regular file", self.refused(first, "put", self.folder))
        secret = self.file("secret", b"mine")
        secret.chmod(0)
        prefix = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
        self.folder.chmod(0o755)
        self.assertIn("Permission denied", self.refused(first, "put", secret, prefix=prefix))
        self.assertIn("there is no ticket", self.refused(first, "get", "0" * 32, "-o", self.folder / "x"))
        self.assertFalse((self.folder / "x").exists())

    def test_too_few_nodes(self):
        """One of three may be left out; with two away nothing is recorded."""
        first, second, third = self.members
        path = self.file("few", sample(100_000, 3))
        before = set(self.listed(first))
        third.kill()
        second.kill()
        self.assertIn("at most a third", self.refused(first, "put", path))
        self.assertEqual(before, set(self.listed(first)))
        second.start()
        ticket = first.json("put", path)["ticket"]
        self.assertEqual({"n1", "n2"}, {holder["account"] for holder in first.json("ticket", "show", ticket)["held_by"]})
        third.start()
        self.identical(third, ticket, path.read_bytes())


if __name__ == "__main__":
    main()
