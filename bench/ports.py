#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proofs a second of one worker through memif, af_xdp, af_packet and udp:, in one run, beside testpmd on the same device.

  bench/ports.py [--build DIR] [--kinds memif,udp,...] [--artifacts N] [--rounds N] [--seconds S] [--window N] [--no-testpmd]

The node has one worker on CPU 1 (control on CPU 0), the load generator runs on CPU 0. Artifacts of 65,532 bytes are stored once in a
folder on /dev/shm and are in memory before the first trial. Rounds of the kinds take turns, so that a machine whose speed
drifts disturbs all of them alike. Every answer that the generator keeps is checked after its trial.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from nodes import Failure, Namespace, Node, free_port, namespaces_possible, veth, wait_until  # noqa: E402

SIZE = 65532
SERVER_MAC, LOAD_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
SETTINGS = """
workers { count = 1 cpus = "1" control_cpu = "0" idle = busy }
memory { eal_mib = 512 }
store { resident_mib = %d reserve_mib = 64 }
prove { ranges_max = 16 length_max = 1024 }
session { in_flight = 4096 }
"""


class Wire:
    """How the node and the generator are connected: devices, addresses, namespaces."""

    def __init__(self, kind, folder):
        self.kind, self.spaces, self.port = kind, [], 4600
        self.server_mac, self.prefix, self.load_prefix = SERVER_MAC, [], []
        if kind == "udp":
            self.port = free_port()
            self.node_port = f'device = "udp:127.0.0.1:{self.port}"'
            self.load = ["--port", "udp:127.0.0.1:0", "--server", f"127.0.0.1:{self.port}"]
            return
        server, client = getattr(self, kind)(folder)
        self.node_port = f'device = "dpdk:{server}"\n\taddresses = {{"192.0.2.1/24"}}\n\tudp_port = 4600'
        self.load = ["--port", f"dpdk:{client}", "--address", "192.0.2.2", "--server", "192.0.2.1:4600",
                     "--peer-mac", self.server_mac]
        self.devices = server, client

    def memif(self, folder):
        common = f"socket={folder}/memif.sock,socket-abstract=no,rsize=12"
        return f"net_memif0,role=server,mac={SERVER_MAC},{common}", f"net_memif0,role=client,mac={LOAD_MAC},{common}"

    def cable(self):
        self.spaces = [Namespace(), Namespace()]
        veth(*self.spaces)
        self.prefix, self.load_prefix = self.spaces[0].prefix, self.spaces[1].prefix
        link = json.loads(self.spaces[0].run("ip", "-j", "link", "show", "veth0"))
        self.server_mac = link[0]["address"]

    def af_packet(self, _):
        self.cable()
        return ("net_af_packet0,iface=veth0",) * 2

    def af_xdp(self, _):
        self.cable()
        return ("net_af_xdp0,iface=veth0",) * 2

    def close(self):
        for space in self.spaces:
            space.close()


def fill(build, folder, count):
    """A node with that many artifacts and one client; its folder can be used again with other ports."""
    node = Node(folder, "bench-node", build=build, network="bench", settings=SETTINGS % (count * 72 // 1024 + 256))
    node.init()
    line = json.loads(node.ctl("client", "init", folder / "client.json", "--account", "bench-client").stdout)
    line["client"].update(rate_kib=2**32 - 1, burst_kib=2**32 - 1)  # the token bucket is not what is measured
    node.register(json.dumps(line))
    node.start()
    source = folder / "source"
    source.mkdir()
    for i in range(count):
        (source / str(i)).write_bytes(i.to_bytes(8, "little") + os.urandom(1024) * 64)
        os.truncate(source / str(i), SIZE)
    names = sorted(str(p) for p in source.iterdir())
    for at in range(0, count, 512):
        node.ctl("artifact", "put", *names[at:at + 512])
    shutil.rmtree(source)
    (folder / "artifacts.txt").write_text("".join(f'{a["key"]} {a["size"]}\n' for a in node.json("artifact", "list")["artifacts"]))
    node.stop()


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.build = pathlib.Path(options.build).resolve()
        self.results = {}
        self.first = ["chrt", "-r", "10"] if options.realtime else []

    def trial(self, wire, question):
        """One start of the node, one run of the generator; proofs a second of each of its rounds."""
        node = Node(self.folder, "bench-node", build=self.build, network="bench", ports={"p0": wire.node_port},
                    settings=SETTINGS % (self.options.artifacts * 72 // 1024 + 256), prefix=[*wire.prefix, *self.first])
        node.start(60)
        try:
            wait_until(lambda: node.json("status")["store"]["resident"] >= self.options.artifacts, "artifacts in memory", 300)
            (self.folder / "node.json").write_text(node.ctl("node", "id").stdout)
            command = [*wire.load_prefix, *self.first, str(self.build / "bench" / "assay-bench"), "load", *wire.load,
                       "--node", str(self.folder / "node.json"), "--client-keys", str(self.folder / "client.json"),
                       "--account", "bench-client", "--artifacts", str(self.folder / "artifacts.txt"),
                       f"--{question}", "--window", str(self.options.window), "--rounds", str(self.options.rounds),
                       "--seconds", str(self.options.seconds), "--cpu", "0", "--json"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            if done.returncode != 0 or not rows:
                raise Failure(f"{wire.kind} {question}: exit {done.returncode}: {done.stdout.strip()} {done.stderr.strip()}")
            self.results.setdefault((wire.kind, question), []).extend(rows)
            return rows
        finally:
            node.stop()

    def testpmd(self, wire):
        """Frames a second of testpmd txonly at 1450 bytes over the same device: what the device can carry."""
        def command(device, mode, cpu, prefix, name):
            return [*prefix, *self.first, "dpdk-testpmd", "--lcores", f"0@{cpu},1@{cpu}", "--no-huge", "--no-shconf", "--no-pci", "-m", "512",
                    "--file-prefix", name, "--vdev", device, "--", f"--forward-mode={mode}", "--txpkts=1450", "--stats-period=1",
                    "--total-num-mbufs=16384"]
        server, client = wire.devices
        receiver = subprocess.Popen(command(server, "rxonly", 1, wire.prefix, "tpr"), stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            wait_until(lambda: wire.kind != "memif" or (self.folder / "memif.sock").exists(), "testpmd's socket")
            sender = subprocess.run(["timeout", "-s", "INT", "6", *command(client, "txonly", 0, wire.load_prefix, "tps")],
                                    stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            return [int(n) for n in re.findall(r"Tx-pps:\s+(\d+)", sender.stdout)][2:]
        finally:
            receiver.terminate()
            receiver.communicate()

    def report(self):
        base = {q: self.median("udp", q) for q in ("tree", "plain")}
        print(f'{"port":10} {"question":8} {"proofs/s least":>15} {"median":>9} {"most":>9} {"x udp:":>7} {"datagrams/s":>12} '
              f'{"p50 us":>7} {"p99 us":>7} {"checked":>9} {"bad":>4} {"lost":>6}')
        for (kind, question), rows in self.results.items():
            rates = sorted(r["proofs_per_s"] for r in rows)
            ratio = statistics.median(rates) / base[question] if base[question] else 0
            print(f'{kind:10} {question:8} {rates[0]:15.0f} {statistics.median(rates):9.0f} {rates[-1]:9.0f} {ratio:7.2f} '
                  f'{statistics.median(r["datagrams"] / r["seconds"] for r in rows):12.0f} '
                  f'{statistics.median(r["latency_us"]["p50"] for r in rows):7.0f} '
                  f'{statistics.median(r["latency_us"]["p99"] for r in rows):7.0f} '
                  f'{sum(r["checked"] for r in rows):9} {sum(r["bad"] for r in rows):4} {sum(r["lost"] for r in rows):6}')

    def median(self, kind, question):
        rows = self.results.get((kind, question))
        return statistics.median(r["proofs_per_s"] for r in rows) if rows else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build")
    parser.add_argument("--kinds", default="memif,af_xdp,af_packet,udp")
    parser.add_argument("--artifacts", type=int, default=16384)
    parser.add_argument("--turns", type=int, default=2, help="how often the kinds take turns")
    parser.add_argument("--rounds", type=int, default=3, help="trials of each turn")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--no-testpmd", action="store_true")
    parser.add_argument("--realtime", action="store_true", help="round-robin scheduling, against other programs on the CPUs")
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    why = namespaces_possible()
    if why:
        kinds = [k for k in kinds if k in ("memif", "udp")]
        print(f"af_xdp and af_packet left out: {why}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ab-", dir="/dev/shm"))
    bench = Bench(options, folder)
    wires = []
    try:
        print(f"storing {options.artifacts} artifacts of {SIZE} bytes ...", flush=True)
        fill(bench.build, folder, options.artifacts)
        for kind in kinds:
            wires.append(Wire(kind, folder))
        for _ in range(options.turns):
            for question in ("tree", "plain"):
                for wire in wires:
                    rows = bench.trial(wire, question)
                    print(f"{wire.kind} {question}: " + ", ".join(f'{r["proofs_per_s"]:.0f}' for r in rows), flush=True)
        bench.report()
        for wire in wires:
            if wire.kind != "udp" and not options.no_testpmd:
                rates = bench.testpmd(wire)
                print(f"testpmd txonly, 1450 bytes, {wire.kind}: {rates} frames/s")
    finally:
        for wire in wires:
            wire.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"bench/ports.py: {failure}")
