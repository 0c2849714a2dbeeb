#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
How fast a node rebuilds a file, beside the raw codec on the same symbols, as docs/healing.md has it:

    bench/heal.py BUILD --size 10 --size 256 --size 1024 --rounds 5

A network of seven nodes on the loopback stores a random file of that many MiB and is told to place it anew, so the ledger schedules
a heal. Measured is the healer's work from its staging folder to the manifest: reading its own symbols, fetching the others over
sessions, decoding, all other symbols, hashing, writing, syncing. The codec's figure is `assayctl codec heal --daemon` of the same
node on a folder with exactly these symbols, once the heal is over and all nodes are idle again. Both use the workers of that one node;
the memory is what its resident set grows by. Rounds follow each other on the same network, each with a heal and a codec's run.

Every node has coded once before, so that nobody pays for fresh memory, and before each measurement the other's files were deleted, as a
heal's are after its publication: free memory that was in use a moment ago is quicker than what a virtual machine's host has to give. ext4 makes
whoever creates files near recently deleted ones pay for that, so the codec's folders are spread over the disk as staging folders are
(`chattr +T`), under new names. --folder /dev/shm leaves the disk out. All nodes share this machine's cores, so
they sleep when idle (`workers.idle`): else the naps of the other six, which have just sent their symbols, take half a core from the
heal and nothing from the codec.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOOLS = pathlib.Path(__file__).resolve().parent.parent / "tools"
MIB = 1 << 20
TICK_MS = 500
REST_S = 10  # before each measurement: a virtual machine's host takes freed memory back meanwhile, and both pay for it alike


def network_of(folder, size_mib, count):
    """Epochs long enough for the work, so that no deadline comes between."""
    import network
    ticks = max(10, size_mib // 4)
    params = {**network.PARAMS, "epoch_length_blocks": ticks, "tick_interval_ms": TICK_MS,
              "storage_truth_recent_bucket_max_blocks": 2 * ticks, "storage_truth_old_bucket_min_blocks": 2 * ticks + 1}
    if "self_healing" not in network.SETTINGS:
        network.SETTINGS = network.SETTINGS.replace("workers {{", "self_healing {{\n\tenabled = true\n}}\nworkers {{\n\tidle = interrupt")
    return network.Network(folder, count=count, params=params)


def status_kib(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def watch(net, patience):
    """Waits for a whole heal: its healer, how long it took, and how far its memory grew."""
    before, deadline = {}, time.monotonic() + patience
    for node in net.nodes:
        pathlib.Path(f"/proc/{node.process.pid}/clear_refs").write_text("5", encoding="ascii")
        before[node.account] = status_kib(node.process.pid, "VmRSS")
    while time.monotonic() < deadline:
        for node in net.nodes:
            for manifest in (node.folder / "state" / "heal-staging").glob("*/manifest.json"):
                try:
                    # Nothing is made in symbols/ after its one folder, which is the first thing of all.
                    began, ended = (manifest.parent / "symbols").stat().st_mtime, manifest.stat().st_mtime
                except FileNotFoundError:
                    continue
                peak = status_kib(node.process.pid, "VmHWM")
                return node, ended - began, (peak - before[node.account]) / 1024
        time.sleep(0.02)
    raise SystemExit(f"no heal within {patience} s")


def settle(net, patience):
    """Until the op is published and cleaned: then the same nodes idle as before."""
    deadline = time.monotonic() + patience
    while any(any((node.folder / "state" / "heal-staging").glob("*")) for node in net.nodes) and time.monotonic() < deadline:
        time.sleep(0.1)


def collected(node, shown, ids):
    """The symbols that a heal takes: the healer's own first, then by number, a fifth of all."""
    holders = [h["account"] for h in shown["held_by"]]
    own = set(range(holders.index(node.account), len(ids), len(holders))) if node.account in holders else set()
    order = sorted(own) + [i for i in range(len(ids)) if i not in own]
    return {ids[i] for i in order[:-(-len(ids) // 5)]}


def codec_seconds(node, path, folder, shown, rest=0):
    """The raw codec on a folder with the same symbols."""
    whole = path.parent / "whole"
    if not whole.exists():
        node.ctl("codec", "encode", path, "-o", whole)
    layout = json.loads((whole / "layout.json").read_text(encoding="ascii"))
    folder.mkdir()
    for name in collected(node, shown, layout["blocks"][0]["symbols"]) | {"layout.json"}:
        os.link(whole / name, folder / name)
    os.sync()
    time.sleep(rest)
    began = time.monotonic()
    node.ctl("codec", "heal", "--daemon", folder)
    took = time.monotonic() - began
    shutil.rmtree(folder)
    return took


def measure(size_mib, count, rounds, folder):
    """Seconds of the heal and of the codec, and MiB, of each round."""
    net = network_of(folder, size_mib, count)
    try:
        net.start()
        path = folder / "file"
        with open(path, "wb") as out:
            for _ in range(size_mib):
                out.write(os.urandom(MIB))
        for node in net.nodes:
            node.patience = None
        first = net.nodes[0]
        ticket = first.json("put", path)["ticket"]
        shown = first.json("ticket", "show", ticket)
        spread_apart = pathlib.Path(tempfile.mkdtemp(prefix="codec-", dir=folder))
        subprocess.run(["chattr", "+T", spread_apart], check=False, stderr=subprocess.DEVNULL)
        for node in net.nodes:
            codec_seconds(node, path, spread_apart / f"{spread_apart.name}-{node.account}", shown)
        for number in range(rounds):
            shown = first.json("ticket", "show", ticket)
            os.sync()
            time.sleep(REST_S)
            first.ctl("rebalance", ticket)
            node, seconds, grown = watch(net, 60 + 4 * size_mib)
            settle(net, 60 + 4 * size_mib)
            yield seconds, codec_seconds(node, path, spread_apart / f"{spread_apart.name}-{number}", shown, REST_S), grown
    finally:
        net.close()


def spread(values, form):
    """Median, and least to greatest where there are several."""
    values = sorted(values)
    middle = form.format(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({form.format(values[0])} to {form.format(values[-1])})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="build folder of assay")
    parser.add_argument("--size", type=int, action="append", metavar="MIB", help="of the file; may be repeated (default 10)")
    parser.add_argument("--nodes", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path, help="where the nodes live; 20 times the size is needed")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the nodes end with it
    os.environ["ASSAY_BUILD"] = str(arguments.build.resolve())
    sys.path.insert(0, str(TOOLS))
    print("| MiB | heal, MiB/s | codec alone, MiB/s | ratio | memory, MiB |\n|---|---|---|---|---|")
    for size in arguments.size or [10]:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-heal-", dir=arguments.folder))
        try:
            rows = list(measure(size, arguments.nodes, arguments.rounds, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"| {size} | {spread([size / heal for heal, _, _ in rows], '{:.1f}')} | {spread([size / codec for _, codec, _ in rows], '{:.1f}')} | "
              f"{spread([codec / heal for heal, codec, _ in rows], '{:.2f}')} | {max(grown for _, _, grown in rows):.0f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
