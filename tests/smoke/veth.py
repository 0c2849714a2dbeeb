#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes on DPDK ports over veth pairs in network namespaces: two of them, and ordinary kernel sockets."""
import os
import socket
import struct
import sys

from smoke import SmokeCase, main, needs_namespaces, nodes, prove_body, sample

DEVICE = {"af_packet": "net_af_packet0,iface=veth0", "af_xdp": "net_af_xdp0,iface=veth0"}
KIND = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in DEVICE else "af_packet"


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Veth(SmokeCase):
    def pair(self, account, number):
        """A node on one end of a cable, and the namespace of the other end with kernel addresses."""
        inside, outside = self.space(), self.space()
        nodes.veth(inside, outside)
        outside.run("ip", "addr", "add", f"198.51.100.{number + 1}/24", "dev", "veth0")
        outside.run("ip", "addr", "add", f"2001:db8::{number + 1:x}/64", "dev", "veth0", "nodad")
        node = self.node(account, start=False, prefix=inside.prefix, ports={"p0": (
            f'device = "dpdk:{DEVICE[KIND]}"\n'
            f'\taddresses = {{"198.51.100.{number}/24", "2001:db8::{number:x}/64"}}')})
        return node.start(), outside

    def session(self, node, space, address, account):
        with space.entered():
            session = self.client(node, account=account, address=(address, 4600))
        self.addCleanup(session.socket.close)
        return session.connect()

    def test_kernel_sockets(self):
        """Proofs and reads over IPv4 and IPv6 for a client that is an ordinary socket: ARP and ND are answered."""
        node, outside = self.pair("server", 1)
        data = sample(65532)
        key = bytes.fromhex(node.put(self.file("file", data)))
        for address, account in (("198.51.100.1", "four"), ("2001:db8::1", "six")):
            session = self.session(node, outside, address, account)
            self.assertIsNotNone(session.ping())
            for offset in (0, 1000, 65000):
                for tree, verdict in ((True, "PASS"), (False, "PLAIN")):
                    answer = session.prove(prove_body(data, key, [offset, 40_000], 256, tree))
                    self.assertEqual(verdict, answer.verdict())
            self.assertEqual(data, session.fetch(key))
        self.echo(outside)
        self.assert_adds_up(node)
        self.assert_port_adds_up(node)
        self.assertEqual(0, node.stop())

    def echo(self, space):
        """ping, by hand: the answer is the request with type and checksum changed."""
        body = struct.pack(">HH", 0x4153, 1) + os.urandom(56)
        with space.entered():
            four = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        with four, six:
            request = b"\x08\0" + struct.pack(">H", checksum(b"\x08\0\0\0" + body)) + body
            four.sendto(request, ("198.51.100.1", 0))
            self.reply(four, lambda p: p[20] == 0 and p[24:] == body)
            six.sendto(b"\x80\0\0\0" + body, ("2001:db8::1", 0))
            self.reply(six, lambda p: p[0] == 129 and p[4:] == body)

    @staticmethod
    def reply(raw, good):
        """Until the answer to an echo has come."""
        raw.settimeout(nodes.PATIENCE)
        while not good(raw.recv(2048)):
            pass

    def assert_port_adds_up(self, node):
        port = node.json("stats")["ports"][0]
        self.assertGreater(port["arp_answered"], 0)
        self.assertGreater(port["nd_answered"], 0)
        self.assertEqual(2, port["echo_answered"])

    def test_two_nodes(self):
        """Each challenges the other over its DPDK port, with its own keys, from its side of the cable."""
        left, left_outside = self.pair("left", 1)
        right, right_outside = self.pair("right", 11)
        left.register(right.ctl("node", "id").stdout)
        right.register(left.ctl("node", "id").stdout)
        for asker, target, space in ((right, left, left_outside), (left, right, right_outside)):
            key = target.put(self.file(f"file-{target.account}", sample(100_000, ord(target.account[0]))))
            said = asker.prove(target, [key], count=20, prefix=space.prefix)
            self.assertEqual((20, 20), (said["asked"], said["good"]))
            self.assertEqual({"PASS"}, {proof["verdict"] for proof in said["proofs"]})
            self.assert_adds_up(target)


if __name__ == "__main__":
    needs_namespaces()
    main()
