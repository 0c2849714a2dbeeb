#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A heal of a file whose artifacts are larger than what its healer may take: its memory stays below the bound that docs/healing.md
states, and so does that of the verifiers, who read the whole file."""
import os
import pathlib
import shutil

from smoke import SmokeCase, main, nodes, skip
import heal
from network import Network

SIZE_MIB = 96
# Symbols being made, the rest of a heal by its size, and what sessions, the ledger and the allocator take meanwhile.
HEALER_MIB = 256 + 37 + SIZE_MIB * 38 / 1024 + 60
VERIFIER_MIB = 64
PARAMS = {**heal.REBALANCE_PARAMS, "placement_width": 4, "epoch_length_blocks": 40,
          "storage_truth_recent_bucket_max_blocks": 40, "storage_truth_old_bucket_min_blocks": 41}


def status_mib(node, name):
    lines = pathlib.Path(f"/proc/{node.process.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024


class HealMemory(SmokeCase):
    def test_bound(self):
        self.assertGreater(7 * SIZE_MIB, 1.5 * HEALER_MIB)  # it could not have everything in memory
        network = Network(self.folder / "net", count=4, params=PARAMS, extra=heal.HEALING + "store { resident_mib = 0 }\n")
        self.addCleanup(network.close)
        network.start()
        network.wait_epoch(1)
        path = self.folder / "file"
        with open(path, "wb") as out:
            for _ in range(SIZE_MIB):
                out.write(os.urandom(1 << 20))
        first = network.nodes[0]
        first.patience = None
        ticket = first.json("put", path)["ticket"]
        before = {}
        for node in network.nodes:
            pathlib.Path(f"/proc/{node.process.pid}/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
            before[node.account] = status_mib(node, "VmRSS")
        first.ctl("rebalance", ticket)
        op = heal.wait_heal(first, ticket, lambda op: op["published"], "it to be healed")
        verifiers = [vote["verifier"] for vote in op["votes"]]
        for node in network.nodes:
            grown = status_mib(node, "VmHWM") - before[node.account]
            print(f"{node.account}{' healer' if node.account == op['healer'] else ''}: {grown:.0f} MiB")
            if node.account == op["healer"]:
                self.assertLess(grown, HEALER_MIB)
            elif node.account in verifiers:
                self.assertLess(grown, VERIFIER_MIB)
        nodes.wait_until(lambda: heal.settled(network), "staging to be empty")


if __name__ == "__main__":
    if os.geteuid() != 0:
        skip("clear_refs of other processes needs root")
    if shutil.disk_usage(os.environ.get("TMPDIR", "/tmp")).free < 30 * SIZE_MIB << 20:
        skip("too little room for temporary files")
    main()
