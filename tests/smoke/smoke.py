# SPDX-License-Identifier: Apache-2.0
"""Frame of the process tests: nodes that clean up after themselves, clients in Python, skips with a word."""
import json
import os
import pathlib
import shutil
import struct
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "python"), str(HERE.parent.parent / "tools")]
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from assay_client import wire  # noqa: E402
from assay_client.blake3 import blake3  # noqa: E402
from assay_client.curve import public_key  # noqa: E402
from assay_client.noise import Handshake, Peer  # noqa: E402, F401
from assay_client.session import Refused, Session  # noqa: E402
import nodes  # noqa: E402
from nodes import Failure, Namespace, Node, wait_until  # noqa: E402, F401

NETWORK = "test"


def sample(size, seed=0):
    """Bytes that differ everywhere and are quick to make."""
    return b"".join(struct.pack("<QQ", i * 0x9E3779B97F4A7C15 + seed & 2**64 - 1, i) for i in range(size // 16 + 1))[:size]


class SmokeCase(unittest.TestCase):
    """One test with its folder, nodes and namespaces."""

    def setUp(self):
        self.folder = nodes.scratch()
        self.nodes, self.spaces = [], []

    def tearDown(self):
        for node in self.nodes:
            node.kill()
            if not self.passed():
                print(f"log of {node.account}: {node.log_tail(20)}", file=sys.stderr)
        for space in self.spaces:
            space.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def passed(self):
        outcome = self._outcome.result
        return not any(test is self for test, _ in outcome.errors + outcome.failures)

    def node(self, account, start=True, **options):
        node = Node(self.folder / account, account, network=NETWORK, **options)
        self.nodes.append(node)
        node.init()
        return node.start() if start else node

    def space(self):
        space = Namespace()
        self.spaces.append(space)
        return space

    def file(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def client(self, node, account="client", permissions=("prove", "read"), address=None, timeout=nodes.PATIENCE):
        """A client in Python, registered at the node; its session is not open yet."""
        secret = os.urandom(32)
        line = {"v": 1, "client": {"account": account, "session_key": public_key(secret).hex(),
                                   "permissions": list(permissions)}}
        node.register(json.dumps(line))
        me = node.registration()["node"]
        peer = Peer(blake3(NETWORK.encode()), account, node.account, secret, bytes.fromhex(me["session_key"]))
        return Session(peer, bytes.fromhex(me["key"]), address or node.address, timeout)

    def assert_adds_up(self, node):
        """At rest: received = answered + handed over + drops, on every worker."""
        for worker in node.at_rest():
            left = worker["answered"] + worker["handed_over"] + sum(worker["drops"].values())
            self.assertEqual(worker["received"], left, worker)


def prove_body(data, key, offsets, length, tree=True, size=None, **fields):
    return wire.prove_body(fields.pop("epoch", 1), os.urandom(16), key, os.urandom(32),
                           len(data) if size is None else size, offsets, length, tree, **fields)


def skip(why):
    """Ends the program as skipped, for Meson, with a word."""
    print(f"skipped: {why}")
    sys.exit(77)


def needs_namespaces():
    why = nodes.namespaces_possible()
    if why:
        skip(why)


def main():
    unittest.main(verbosity=2)
