#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The role verify of a running node: a node is ready only after its workers told good signatures from bad ones."""
import os
import subprocess

from smoke import SmokeCase, main, nodes

SIGNATURES, SPOILT = 24, 2  # of the known answer


class Verify(SmokeCase):
    def ready(self, settings):
        """A node that says it is ready, with the counters of its workers."""
        node = self.node("server", settings=settings)
        return node, [worker["verify"] for worker in node.workers()]

    def assert_answered(self, counters):
        self.assertEqual(SIGNATURES, sum(c["jobs"] for c in counters))
        self.assertEqual(SPOILT, sum(c["bad"] for c in counters))
        for c in counters:
            self.assertEqual(c["batches"], sum(c["sizes"]))
            self.assertGreaterEqual(c["slices"], c["batches"])

    def test_one_worker_for_all(self):
        node, counters = self.ready("workers { count = 1 }\n")
        self.assert_answered(counters)
        total = node.json("stats")["total"]["verify"]
        self.assertEqual((SIGNATURES, SPOILT), (total["jobs"], total["bad"]))
        self.assertIn(f'assay_verify_signatures_total{{worker="0"}} {SIGNATURES}\n', node.ctl("metrics").stdout)
        self.assertIn("batches", node.ctl("doctor", check=False).stdout)

    def test_sleeping_worker(self):
        self.assert_answered(self.ready('workers {\n\tcount = 1\n\tidle = "interrupt"\n}\n')[1])

    def test_only_who_has_the_role(self):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            self.skipTest("needs two CPUs")
        _, counters = self.ready(f'workers {{\n\tcpus = "{cpus[0]},{cpus[1]}"\n\troles = {{"serve", "verify"}}\n}}\n')
        self.assertEqual(0, counters[0]["slices"])
        self.assert_answered(counters[1:])

    def test_nobody_has_the_role(self):
        node = self.node("server", start=False, settings='workers {\n\tcount = 1\n\troles = {"serve"}\n}\n')
        done = subprocess.run([str(node.build / "src" / "assayd"), "--config", str(node.config)],
                              capture_output=True, text=True, timeout=2 * nodes.PATIENCE, check=False)
        self.assertGreater(done.returncode, 0, done.stderr)
        self.assertIn("verify", done.stderr)


if __name__ == "__main__":
    main()
