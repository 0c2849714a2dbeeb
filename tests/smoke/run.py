#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/run itself: what it says came true, nodes that are kept can be talked to, and a second run needs no cleaning."""
import os
import pathlib
import re
import subprocess

from smoke import SmokeCase, main, nodes


class Run(SmokeCase):
    def run_tool(self, *arguments):
        state = self.folder / "state"
        done = subprocess.run([str(nodes.ROOT / "tools" / "run"), "--state", str(state), "--count", "5", *arguments],
                              capture_output=True, text=True, timeout=600, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout.rstrip().splitlines()[-1], r"^assay run: ok \(\d+ checks\)$")
        self.assertNotIn("FAIL", done.stdout)
        return done.stdout

    def daemons(self):
        """Processes of assayd that run from this test's folder."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except (OSError, UnicodeDecodeError):
                continue
            if words[0].endswith(("/assayd", "/assayd-liar")) and any(str(self.folder) in word for word in words):
                found.append(int(entry.name))
        return found

    def test_keep_then_again(self):
        said = self.run_tool("--pair", "--udp-only", "--keep")
        self.addCleanup(lambda: [os.kill(pid, 9) for pid in self.daemons()])
        self.assertEqual(2, len(self.daemons()))
        commands = re.findall(r"^  (/.*assayctl .*)$", said, re.MULTILINE)
        self.assertEqual(3, len(commands))
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True, timeout=2 * nodes.PATIENCE)
        os.kill(self.daemons()[0], 9)
        said = self.run_tool()
        if not nodes.namespaces_possible():
            for kind in ("af_packet", "af_xdp"):
                self.assertIn(kind, said)
        self.assertIn("identical", said)
        self.assertEqual([], self.daemons())

    def test_foreign_folder(self):
        """A folder that it did not make is not touched."""
        (self.folder / "state").mkdir()
        (self.folder / "state" / "precious").touch()
        with self.assertRaises(AssertionError):
            self.run_tool("--udp-only")
        self.assertTrue((self.folder / "state" / "precious").exists())


if __name__ == "__main__":
    main()
