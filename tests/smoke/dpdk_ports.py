#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The data plane as the operator meets it: workers, manners of idling, a tap device, telemetry, and what keeps it from starting."""
import json
import os
import pathlib
import re
import socket
import subprocess
import time

from smoke import SmokeCase, main, nodes, prove_body, sample, wait_until

TAP = 'device = "dpdk:net_tap0,iface=tap9"\n\taddresses = {"198.51.100.1/24", "2001:db8::1/64"}'


def cpus():
    return sorted(os.sched_getaffinity(0))


class DataPlane(SmokeCase):
    def proves(self, node, count=1, **options):
        """Sessions of that many clients, each with proofs that pass."""
        data = sample(20_000)
        key = bytes.fromhex(node.put(self.file("data", data)))
        for i in range(count):
            session = self.client(node, account=f"client-{i}", **options)
            self.addCleanup(session.socket.close)
            session.connect()
            answer = session.prove(prove_body(data, key, [0, 5000, 19_744], 256))
            self.assertEqual("PASS", answer.verdict())

    def daemon(self, node, *arguments):
        return subprocess.run([*node.prefix, str(node.build / "src" / "assayd"), "--config", str(node.config), *arguments],
                              capture_output=True, text=True, timeout=2 * nodes.PATIENCE, check=False)

    def refused(self, node, *words):
        """Neither starts nor passes the doctor; both say the words."""
        for arguments in ((), ("--doctor",)):
            done = self.daemon(node, *arguments)
            self.assertEqual(1, done.returncode, done.stderr)
            for word in words:
                self.assertIn(word, done.stderr + done.stdout)

    def test_workers_share_the_port(self):
        """Several workers on one udp: port: the kernel spreads clients over their sockets."""
        if len(cpus()) < 2:
            self.skipTest("one CPU only")
        node = self.node("server", settings=f'workers {{ cpus = "{cpus()[0]},{cpus()[1]}" }}\n')
        self.proves(node, count=16)
        workers = node.workers()
        self.assertEqual(2, len(workers))
        self.assertGreaterEqual(sum(worker["proofs"] for worker in workers), 16)  # more when a client asked again
        for worker in workers:
            self.assertGreater(worker["proofs"], 0, "a worker got no client")
        self.assert_adds_up(node)
        self.assertEqual(0, node.stop())

    def test_idle(self):
        """Every manner serves; a worker that waits for events leaves the CPU alone."""
        for idle in ("busy", "adaptive", "interrupt"):
            with self.subTest(idle):
                node = self.node(idle, settings=f"workers {{ idle = {idle} }}\n")
                self.proves(node)
                if idle != "busy":
                    wait_until(lambda n=node: self.cpu_share(n) < 0.3, "the worker to leave the CPU alone")
                self.assertEqual(0, node.stop())

    def cpu_share(self, node):
        """Of one CPU, over about a second."""
        cpu, start = self.cpu_seconds(node), time.monotonic()
        time.sleep(1)
        return (self.cpu_seconds(node) - cpu) / (time.monotonic() - start)

    @staticmethod
    def cpu_seconds(node):
        fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_cold(self):
        """Nothing stays in memory: every proof waits for the fetch role, which reads and checks."""
        node = self.node("server", settings="store { resident_mib = 0 }\n")
        self.proves(node, count=4)
        self.assertEqual(0, node.json("status")["store"]["resident"])
        self.assertGreaterEqual(sum(worker["cold"] for worker in node.workers()), 4)
        self.assert_adds_up(node)
        self.assertEqual(0, node.stop())

    def test_tap(self):
        """An interface of the kernel's own whose other end is the node."""
        if nodes.namespaces_possible() or not os.path.exists("/dev/net/tun"):
            self.skipTest(nodes.namespaces_possible() or "no /dev/net/tun")
        space = self.space()
        node = self.node("server", start=False, prefix=space.prefix, ports={"p0": TAP}).start()
        space.run("ip", "addr", "add", "198.51.100.2/24", "dev", "tap9")
        space.run("ip", "addr", "add", "2001:db8::2/64", "dev", "tap9", "nodad")
        with space.entered():
            self.proves(node, address=("198.51.100.1", 4600))
        self.assert_adds_up(node)
        self.assertEqual(0, node.stop())

    def test_telemetry(self):
        """DPDK's own socket answers /assay/... as dpdk-telemetry.py asks for it."""
        node = self.node("server")
        self.proves(node)
        prefix = re.search(r"prefix=(\S+)", node.log.read_text(encoding="utf-8")).group(1)
        run = "/var/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", str(node.folder / "run"))
        folder = pathlib.Path(run) / "dpdk" / prefix
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
            control.settimeout(nodes.PATIENCE)
            control.connect(str(folder / "dpdk_telemetry.v2"))
            control.recv(1024)
            answers = {}
            for question in ("/assay/stats", "/assay/workers", "/assay/workers,0", "/assay/ports,0"):
                control.send(question.encode())
                answers.update({question: json.loads(control.recv(16384)).popitem()[1]})
            control.send(b"/assay/workers,77")
            self.assertIsNone(json.loads(control.recv(16384)).popitem()[1])
        self.assertGreaterEqual(answers["/assay/stats"]["proofs"], 1)
        self.assertEqual("p0", answers["/assay/ports,0"]["name"])
        self.assertEqual(len(answers["/assay/workers"]), len(node.workers()))
        self.assertIn("serve", answers["/assay/workers,0"]["roles"])
        self.assertEqual(0, node.stop())
        self.assertFalse(folder.exists(), "DPDK's folder goes with the daemon")

    def test_what_keeps_it_from_starting(self):
        node = self.node("server", start=False, settings="memory { hugepages = require eal_mib = 1000000 }\n")
        self.refused(node, "huge pages", "dpdk-hugepages.py --setup")
        node = self.node("many", start=False, settings="workers { count = 64 }\n")
        if len(cpus()) <= 64:
            self.refused(node, "64 workers", "count = ")
        node = self.node("nowhere", start=False, ports={"p0": 'device = "udp:203.0.113.77:4600"'})
        self.refused(node, "203.0.113.77:4600", "ip -br address")
        node = self.node("nodriver", start=False, ports={
            "p0": 'device = "dpdk:net_nothing0"\n\taddresses = {"198.51.100.1/24"}'})
        self.refused(node, "net_nothing", "apt-get install")
        node = self.node("noiface", start=False, ports={
            "p0": 'device = "dpdk:net_af_packet0,iface=nosuch0"\n\taddresses = {"198.51.100.1/24"}'})
        self.refused(node, "nosuch0", "ip -br link")

    def test_kernel_has_the_address(self):
        if nodes.namespaces_possible():
            self.skipTest(nodes.namespaces_possible())
        left, right = self.space(), self.space()
        nodes.veth(left, right)
        left.run("ip", "addr", "add", "198.51.100.1/24", "dev", "veth0")
        node = self.node("server", start=False, prefix=left.prefix, ports={
            "p0": 'device = "dpdk:net_af_packet0,iface=veth0"\n\taddresses = {"198.51.100.1/24"}'})
        self.refused(node, "198.51.100.1", "ip address del 198.51.100.1/24 dev veth0")
        left.run("ip", "addr", "del", "198.51.100.1/24", "dev", "veth0")
        node.start()
        self.assertEqual(0, node.stop())

    def test_stop_under_flood(self):
        """A device that never falls silent does not keep the node from ending."""
        node = self.node("server", ports={"p0": f'device = "udp:127.0.0.1:{nodes.free_port()}"',
                                          "p1": 'device = "dpdk:net_null0"\n\taddresses = {"198.51.100.1/24"}'})
        wait_until(lambda: node.json("stats")["ports"][1]["rx_packets"] > 0, "frames")
        self.proves(node)
        self.assertEqual(0, node.stop())


if __name__ == "__main__":
    main()
