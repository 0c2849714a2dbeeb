# SPDX-License-Identifier: Apache-2.0
"""assay on this machine. First two nodes: real files stored, challenged in both directions, every proof checked, over kernel
sockets (udp:) and, where this user may, over DPDK ports on veth pairs between network namespaces (af_packet, af_xdp). Then a
network of seven: files put and got back, challenges every epoch, and three nodes that fail in three ways; and another, in which a
file loses two of its holders for good and is healed.

Exits with 0 only if all that is shown came true; the last line is `assay run: ok (N checks)`.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import time

import heal
import network
import nodes
from nodes import Failure, Namespace, Node

MARKER = ".assay-run"
NETWORK = "assay-run"
ASKS = 25  # challenges per file
NOISE = {"hello_unknown", "short", "session", "length"}  # why a node drops what noise() sends
DEVICES = {"af_packet": "net_af_packet0,iface=veth0", "af_xdp": "net_af_xdp0,iface=veth0"}
# Programs and documentation that are on any Debian; as many as are here are used.
PROGRAMS = ["/bin/bash", "/usr/bin/python3", "/usr/bin/gcc", "/usr/bin/ninja", "/bin/ls", "/usr/bin/perl"]
DOCUMENTS = ["/usr/share/common-licenses/GPL-3", "/usr/share/common-licenses/Apache-2.0", "/usr/share/doc/bash/copyright",
             "/usr/share/doc/meson/copyright", "/usr/share/perl/5.36.0/perl5db.pl", "/etc/services"]


class Show:
    """Prints what happens and counts what was checked."""

    def __init__(self):
        self.checks = 0
        self.failed = []

    def title(self, text):
        print(f"\n== {text}")

    def check(self, good, text):
        self.checks += 1
        print(f"  {'ok  ' if good else 'FAIL'} {text}", flush=True)
        if not good:
            self.failed.append(text)
        return good

    def say(self, text):
        print(f"       {text}", flush=True)


def clean_folder(path):
    """An empty folder of ours: a new one, or that of an earlier run, whose daemons are ended first."""
    if path.is_symlink() or (path.exists() and (path.stat().st_uid != os.getuid() or
                                                (any(path.iterdir()) and not (path / MARKER).exists()))):
        raise Failure(f"{path} is there and was not made by tools/run: name another folder with --state")
    if path.exists():
        end_daemons(path)
        shutil.rmtree(path)
    path.mkdir(parents=True, mode=stat.S_IRWXU)
    (path / MARKER).touch()


def end_daemons(path):
    """Ends the daemons that an earlier run with --keep left in this folder."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0].endswith(("assayd", "assayd-liar")) and any(word.startswith(f"{path}/") for word in words):
            os.kill(int(entry.name), signal.SIGTERM)
            nodes.wait_until(lambda e=entry: not e.exists(), f"the daemon of an earlier run to end ({entry.name})")


def real_files(candidates, count=5):
    found = []
    for name in candidates:
        path = pathlib.Path(name).resolve()
        if path.is_file() and 0 < path.stat().st_size < 32 << 20 and os.access(path, os.R_OK) and path not in found:
            found.append(path)
    return found[:count]


def store_files(show, node, files):
    """Stores real files; {key: path}. The keys must be what b3sum prints, where that is installed."""
    stored = {node.put(path): path for path in files}
    for key, path in stored.items():
        show.say(f"{node.account} stores {path}, {path.stat().st_size} bytes: {key[:16]}...")
    show.check(len(stored) > 0, f"{node.account} stores {len(stored)} real files")
    if shutil.which("b3sum"):
        told = subprocess.run(["b3sum", "--no-names", *stored.values()], capture_output=True, text=True, check=True)
        show.check(told.stdout.split() == list(stored), "their keys are what b3sum prints")
    return stored


class Pair:
    """Two nodes that know each other, and where the questions to each are asked from."""

    def __init__(self, folder, ports, spaces=None):
        self.spaces = spaces or {}  # account: (namespace of the node, namespace of those who ask it)
        self.nodes = [Node(folder / account, account, network=NETWORK, ports=ports[account],
                           prefix=self.spaces[account][0].prefix if spaces else ()) for account in ("n1", "n2")]

    def start(self):
        for node in self.nodes:
            node.init()
        for node, other in (self.nodes, self.nodes[::-1]):
            node.register(other.ctl("node", "id").stdout)
        for node in self.nodes:
            node.start()

    def directions(self):
        """(asker, target, prefix of the asker's command)"""
        for target, asker in (self.nodes, self.nodes[::-1]):
            yield asker, target, self.spaces[target.account][1].prefix if self.spaces else ()

    def stop(self):
        return [node.stop() for node in self.nodes]

    def close(self):
        for node in self.nodes:
            node.kill()
        for spaces in self.spaces.values():
            for space in spaces:
                space.close()


def ask(show, asker, target, stored, prefix, count):
    """Challenges for every file, with tree and without; each verdict is looked at."""
    for plain, wanted in ((False, "PASS"), (True, "PLAIN")):
        said = asker.prove(target, stored, 1 if plain else count, plain, prefix)
        proofs, asked, good = said["proofs"], said["asked"], said["good"]
        bad = [proof for proof in proofs if proof["verdict"] != wanted or not proof["evidence_good"]]
        show.check(asked > 0 and good == asked == len(proofs) and not bad,
                   f"{asker.account} asks {target.account} {'without' if plain else 'with'} tree: {asked} asked, "
                   f"{good} answered and verified ({wanted})")
        show.say(f"{sum(proof['asked'] - 1 for proof in proofs if 'asked' in proof)} asked again, "
                 f"{sum(proof.get('answered_bytes', 0) for proof in proofs)} bytes of answers, "
                 f"slowest {max(proof.get('took_us', 0) for proof in proofs) / 1000:.1f} ms")
        for proof in bad[:5]:
            show.say(f"{stored[proof['key']]}: {proof['verdict']} {proof['why']}")


def ask_in_vain(show, asker, target, own_key, prefix):
    """An artifact that the target does not have must be refused, by name."""
    proof = asker.prove(target, [own_key], 1, False, prefix)["proofs"][0]
    show.check(proof["verdict"] != "PASS" and "artifact_unknown" in json.dumps(proof),
               f"{asker.account} asks {target.account} for what it does not have: {proof['why'] or proof.get('refused')}")


def account_for(show, node):
    """Where every datagram went: the worker's books must balance."""
    node.at_rest()
    total = node.json("stats")["total"]
    show.check(total["in_progress"] == 0 and total["received"] == total["answered"] + total["handed_over"] + total["dropped"],
               f"{node.account}: {total['received']} datagrams received = {total['answered']} answered + "
               f"{total['handed_over']} handed over + {total['dropped']} dropped")
    show.say(f"{total['proofs']} proofs under {total['seals']} signatures")
    for title, reasons in (("refused", total["refused"]), ("dropped", total["drops"])):
        for reason, count in sorted(reasons.items()):
            show.say(f"{title}: {count} {reason}")


def noise(address, prefix):
    """A few datagrams that no node may answer: a stranger's HELLO, garbage, an unknown session."""
    program = ("import os, socket, sys\n"
               "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
               "for p in (bytes([1, 1, 192, 0]) + os.urandom(142) + bytes(14) + os.urandom(32), b'hello',\n"
               "          bytes([1, 16, 56, 0]) + os.urandom(52), bytes([1, 16, 9, 0]) + bytes(52)):\n"
               "    s.sendto(p, (sys.argv[1], int(sys.argv[2])))\n")
    subprocess.run([*prefix, sys.executable, "-c", program, address[0], str(address[1])], check=True)


def more_drops(node, before):
    """The reasons that occurred since then."""
    return {reason for reason, count in node.drops().items() if count > before.get(reason, 0)}


def show_pair(show, pair, addresses, count):
    pair.start()
    stored = {}
    for node, candidates in zip(pair.nodes, (PROGRAMS, DOCUMENTS)):
        stored[node.account] = store_files(show, node, real_files(candidates))
    for asker, target, prefix in pair.directions():
        ask(show, asker, target, stored[target.account], prefix, count)
        ask_in_vain(show, asker, target, next(iter(stored[asker.account])), prefix)
        before = target.drops()
        noise(addresses[target.account], prefix)
        nodes.wait_until(lambda t=target, b=before: NOISE <= more_drops(t, b), "datagrams of a stranger to be dropped")
        show.check(True, f"{target.account} drops what a stranger sends, each under its reason: {', '.join(sorted(NOISE))}")
    for node in pair.nodes:
        account_for(show, node)


def over_udp(show, folder, count):
    show.title("over kernel sockets (udp:) on the loopback")
    ports = {account: nodes.free_port() for account in ("n1", "n2")}
    pair = Pair(folder / "udp", {account: {"p0": f'device = "udp:127.0.0.1:{port}"'} for account, port in ports.items()})
    try:
        show_pair(show, pair, {account: ("127.0.0.1", port) for account, port in ports.items()}, count)
    except BaseException:
        pair.close()
        raise
    return pair


def over_dpdk(show, folder, kind, count):
    """Each node drives one end of a veth pair with DPDK; the other end has the addresses of the kernel that asks it."""
    show.title(f"over DPDK ports ({kind}) on veth pairs between network namespaces")
    spaces, ports, addresses = {}, {}, {}
    for number, account in ((1, "n1"), (11, "n2")):
        inside, outside = spaces[account] = (Namespace(), Namespace())
        nodes.veth(inside, outside)
        outside.run("ip", "addr", "add", f"198.51.100.{number + 1}/24", "dev", "veth0")
        ports[account] = {"p0": f'device = "dpdk:{DEVICES[kind]}"\n\taddresses = {{"198.51.100.{number}/24"}}'}
        addresses[account] = (f"198.51.100.{number}", 4600)
    pair = Pair(folder / kind, ports, spaces)
    try:
        show_pair(show, pair, addresses, count)
        for node in pair.nodes:
            port = node.json("stats")["ports"][0]
            show.check(port["arp_answered"] > 0, f"{node.account}: port {port['name']} ({port['driver']}) answered "
                       f"{port['arp_answered']} ARP requests, received {port['rx_packets']} frames, sent {port['tx_packets']}")
        show.check(pair.stop() == [0, 0], "both nodes end with status 0")
    finally:
        pair.close()


def keep(pair):
    first, second = pair.nodes
    ctl = first.build / "src" / "assayctl"
    key = first.json("artifact", "list")["artifacts"][0]["key"]
    print(f"""
The nodes go on running. To talk to them:
  {ctl} --config {first.config} status
  {ctl} --config {first.config} stats
  {ctl} --config {second.config} prove --peer {first.account} --key {key}
To end them: kill {first.process.pid} {second.process.pid}; or run tools/run again.
""")


def two_nodes(show, folder, options):
    """The two nodes on the loopback when they are to go on running, else None."""
    pair = over_udp(show, folder, options.count)
    try:
        why = "--udp-only" if options.udp_only else nodes.namespaces_possible()
        if why:
            show.title(f"DPDK ports in network namespaces: left out ({why})")
        else:
            for kind in DEVICES:
                over_dpdk(show, folder, kind, options.count)
    except BaseException:
        pair.close()
        raise
    if options.keep:
        return pair
    show.check(pair.stop() == [0, 0], "both nodes on the loopback end with status 0")
    return None


def main():
    parser = argparse.ArgumentParser(prog="tools/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = pathlib.Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp")) / f"assay-run-{os.getuid()}"
    parser.add_argument("--state", type=pathlib.Path, default=default, help=f"folder of the nodes (default {default})")
    parser.add_argument("--keep", action="store_true", help="leave the two nodes on the loopback running")
    parser.add_argument("--pair", action="store_true", help="only the two nodes")
    parser.add_argument("--network", action="store_true", help="only the networks of seven")
    parser.add_argument("--etcd", action="store_true", help="the network's ledger in a cluster of three etcd servers")
    parser.add_argument("--udp-only", action="store_true", help="leave out the part over DPDK ports")
    parser.add_argument("--count", type=int, default=ASKS, help=f"challenges per file (default {ASKS})")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    show, start = Show(), time.monotonic()
    try:
        clean_folder(options.state.absolute())
        folder = options.state.absolute()
        kept = None
        if not options.network:
            kept = two_nodes(show, folder, options)
        if not options.pair:
            network.show_network(show, folder / "network", real_files(PROGRAMS, 1) + real_files(DOCUMENTS, 1), options.etcd)
            heal.show_heal(show, folder / "heal", real_files(PROGRAMS, 1)[0])
        if kept:
            keep(kept)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    except (Failure, OSError, subprocess.SubprocessError) as error:
        show.check(False, str(error))
    except KeyboardInterrupt:
        show.check(False, "interrupted")
    print(f"\n{time.monotonic() - start:.0f} s")
    if show.failed:
        print(f"assay run: FAILED ({len(show.failed)} of {show.checks} checks)")
        sys.exit(1)
    print(f"assay run: ok ({show.checks} checks)")


main()
