#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Services are off unless the configuration turns them on: a node whose file is from before them neither challenges, rechecks nor heals,
says so once, and answers the others as before."""
import re
import subprocess

from smoke import SmokeCase, main, nodes, sample, wait_until
from network import PARAMS, Network

SERVICES = ("storage_challenge", "lep6", "recheck", "self_healing")


class OffByDefault(SmokeCase):
    def warnings(self, node):
        """What the newest start said."""
        log = node.log.read_text(encoding="utf-8", errors="replace")
        return re.findall(r'services that are off in the configuration off="([^"]*)"', log)

    def test_fresh_file_is_explicit(self):
        folder = self.folder / "made"
        tool = str(nodes.build_folder() / "src" / "assayctl")
        subprocess.run([tool, "init", "--dir", str(folder), "--account", "made", "--network", "some"], check=True,
                       capture_output=True, timeout=nodes.PATIENCE)
        path = folder / "assay.conf"
        text = path.read_text(encoding="utf-8")
        for service in SERVICES[:3]:
            self.assertRegex(text, rf"(?m)^{service} {{\s+enabled = true")
        # Explicit false stays, and a recheck without its parents is an error.
        path.write_text(re.sub(r"(?m)^(recheck {\s+enabled =) true", r"\1 false", text), encoding="utf-8")
        self.assertRegex(self.printed(tool, path).stdout, r"(?m)^recheck {\s+(#.*\s+)*enabled = false")
        path.write_text(re.sub(r"(?m)^(lep6 {\s+enabled =) true", r"\1 false", text), encoding="utf-8")
        self.assertIn("recheck.enabled needs", self.printed(tool, path).stderr)

    def printed(self, tool, path):
        return subprocess.run([tool, "--config", str(path), "config", "print"], check=False, capture_output=True, text=True,
                              timeout=nodes.PATIENCE)

    def test_old_file(self):
        network = Network(self.folder / "net", count=3, params=PARAMS)
        self.addCleanup(network.close)
        self.nodes += network.nodes
        first, _, old = network.nodes
        text = old.config.read_text(encoding="utf-8")
        old.config.write_text(re.sub(r"(?:storage_challenge|lep6|recheck|self_healing) \{.*?\n\}\n", "", text, flags=re.DOTALL),
                              encoding="utf-8")
        for service in SERVICES:
            self.assertNotIn(service, old.config.read_text(encoding="utf-8"))
        network.start()
        network.wait_epoch(1)
        (off,) = self.warnings(old)
        self.assertEqual(set(SERVICES), set(off.split()))
        self.assertFalse(any("storage_challenge" in told for told in self.warnings(first)))
        first.json("put", self.file("a", sample(200_000)))
        wait_until(lambda: any(row["target"] == old.account and row["result"] == "PASS" for row in network.rows(first)),
                   "the old node to be examined, and to answer", 120)
        # The others have had their turn; the old one has reported, and examined nobody.
        epoch = network.epoch()
        network.wait_epoch(epoch + 2)
        rows = network.rows(first)
        self.assertEqual([], [row for row in rows if row["challenger"] == old.account])
        entries = [entry for entry in first.json("ledger", "tail", 1000)["entries"] if entry["author"] == old.account]
        self.assertEqual(set(), {entry["type"] for entry in entries} - {"tick", "start", "report"})
        self.assertGreaterEqual(sum(entry["type"] == "report" and entry["code"] == 0 for entry in entries), 2)
        for line in old.ctl("metrics").stdout.splitlines():
            if line.startswith(("assay_dispatch_results_total", "assay_recheck_submissions_total")):
                self.assertEqual("0", line.split()[-1], line)
        self.assertEqual(1, len(self.warnings(old)), "said once")


if __name__ == "__main__":
    main()
