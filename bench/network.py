#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts files on a network of nodes on this machine and gets them back from another node: MB/s of the file's bytes, and where the time goes."""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import nodes  # noqa: E402  pylint: disable=wrong-import-position
from network import PARAMS, Network, digest  # noqa: E402  pylint: disable=wrong-import-position

# Epochs of two minutes: a placement holds for the current and the next one.
TERMS = {**PARAMS, "epoch_length_blocks": 240, "rq_ids_max": 50}


def write_file(path, mib):
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1 << 20))


def cpu_seconds(network):
    """Of all daemons so far."""
    ticks = 0
    for node in network.nodes:
        fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Timer:
    """Prints what came of a transfer: of the file's bytes, how long, where the time went, and the processors' time of all daemons."""

    def __init__(self, network, what, mib):
        self.network, self.what, self.mib = network, what, mib
        self.cpu, self.begun = cpu_seconds(network), time.monotonic()

    def tell(self, phases):
        seconds, cpu = time.monotonic() - self.begun, cpu_seconds(self.network) - self.cpu
        where = ", ".join(f"{name} {ms / 1000:.1f}" for name, ms in phases.items())
        print(f"{self.what} {self.mib:5d} MiB {self.mib * 1.048576 / seconds:8.1f} MB/s {seconds:8.1f} s   {where};  cpu {cpu:.1f} s",
              flush=True)


def measure(network, folder, mib):
    path, back = folder / f"file{mib}", folder / f"back{mib}"
    write_file(path, mib)
    timer = Timer(network, "put", mib)
    told = network.nodes[0].json("put", path)
    timer.tell(told["took_ms"])
    getter = network.nodes[-1]
    nodes.wait_until(lambda: any(t["ticket"] == told["ticket"] for t in getter.json("tickets")["tickets"]), "the ticket")
    timer = Timer(network, "get", mib)
    got = getter.json("get", told["ticket"], "-o", back)
    timer.tell(got["took_ms"])
    good = digest(path) == digest(back)
    path.unlink()
    back.unlink()
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=7)
    parser.add_argument("--state", help="where the nodes keep what they store (default: a temporary folder)")
    parser.add_argument("sizes", nargs="*", type=int, default=[1, 64], help="of the files, in MiB (default: 1 64)")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-", dir=options.state)) if options.state else nodes.scratch()
    network = None
    try:
        network = Network(folder / "net", count=options.nodes, params=TERMS)
        network.start()
        for node in network.nodes:
            node.patience = None
        return 0 if all([measure(network, folder, mib) for mib in options.sizes]) else 1
    finally:
        if network:
            network.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
