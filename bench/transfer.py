#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts nodes on this machine and runs `assay-bench transfer` against them: pushes and pulls over udp: ports of the loopback."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import nodes  # noqa: E402  pylint: disable=wrong-import-position


def start(folder, count, line):
    """Nodes that let the client of that registration line push and pull."""
    started = []
    for i in range(count):
        node = nodes.Node(folder / f"n{i}", f"n{i}", network="main", settings="store { staging_mib = 65536\n scrub = false }\n")
        node.init()
        node.register(line)
        said = node.registration()
        said["node"]["address"] = "%s:%u" % node.address
        (folder / f"n{i}.json").write_text(json.dumps(said), encoding="utf-8")
        started.append(node.start())
    return started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--state", help="where the nodes keep their artifacts (default: a temporary folder)")
    parser.add_argument("rest", nargs="*", help="options of assay-bench transfer, after --")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-", dir=options.state)) if options.state else nodes.scratch()
    build = pathlib.Path(os.environ.get("ASSAY_BUILD", nodes.ROOT / "build"))
    keys = folder / "client.json"
    started = []
    try:
        made = subprocess.run([build / "src" / "assayctl", "client", "init", "--account", "bench", "--permissions",
                               "read,write", str(keys)], check=True, capture_output=True, text=True)
        line = json.dumps(json.loads(made.stdout))
        started = start(folder, options.nodes, line)
        return subprocess.run([build / "bench" / "assay-bench", "transfer", "--client-keys", keys, "--account", "bench",
                               *options.rest, *(folder / f"n{i}.json" for i in range(options.nodes))], check=False).returncode
    finally:
        for node in started:
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
