#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at many moments while artifacts are being stored: what was acknowledged is there, nothing else is left."""
import json
import os
import subprocess
import time

from smoke import SmokeCase, main

SIZE = 16 * 1024 * 1024
# When to kill: as soon as so much of the bytes has been written, then by what is there, then by the clock after that.
WRITTEN = [0, 0.01, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.99, 1.0]
AFTER_WRITTEN = [0.0, 0.005, 0.02, 0.08, 0.3]


class Crash(SmokeCase):
    def test_kill_while_storing(self):
        node = self.node("server", settings="store { resident_mib = 0 }\n")
        artifacts = node.folder / "state" / "artifacts"
        acknowledged, survived = {node.put(self.file("first", os.urandom(1 << 20)))}, 0
        moments = [(part, 0.0) for part in WRITTEN] + [(1.0, delay) for delay in AFTER_WRITTEN]
        for turn, (part, delay) in enumerate(moments):
            path = self.file("file", os.urandom(SIZE))
            with subprocess.Popen(node.command("--json", "artifact", "put", path), stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) as put:
                self.wait_written(artifacts / "tmp", part * SIZE, put)
                time.sleep(delay)
                node.kill()
                out = put.communicate(timeout=30)[0]
            new = set()
            if put.returncode == 0:
                new = {json.loads(out)["key"]}
                survived += 1
            node.start()
            listed = {item["key"] for item in node.json("artifact", "list")["artifacts"]}
            self.assertLessEqual(acknowledged | new, listed, f"moment {turn}")
            for key in listed - acknowledged:  # one that was not acknowledged may be there, but then it is whole
                node.ctl("artifact", "verify", key)
                node.ctl("artifact", "remove", key)
            self.assertEqual([], os.listdir(artifacts / "tmp"))
            on_disk = {name.removesuffix(".tree") for _, _, names in os.walk(artifacts) for name in names}
            self.assertEqual(acknowledged, on_disk, f"moment {turn}")
        for key in acknowledged:
            node.ctl("artifact", "verify", key)
        print(f"{len(moments)} kills, {survived} puts acknowledged before theirs")
        self.assertLessEqual(survived, len(AFTER_WRITTEN) + 1, "the early kills came during a put")
        self.assertEqual(0, node.stop())

    @staticmethod
    def wait_written(folder, size, put):
        """Until a temporary file is that long, or is gone again, or the put has ended."""
        seen, deadline = False, time.monotonic() + 20
        while put.poll() is None and time.monotonic() < deadline:
            try:
                sizes = [entry.stat().st_size for entry in os.scandir(folder)]
            except FileNotFoundError:  # renamed in between
                return
            if seen and not sizes or sizes and max(sizes) >= size:
                return
            seen = bool(sizes)


if __name__ == "__main__":
    main()
