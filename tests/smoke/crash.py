#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 while artifacts are being stored: what was acknowledged is there, nothing else is left."""
import json
import os
import subprocess
import time

from smoke import SmokeCase, main, nodes

SIZE = 16 * 1024 * 1024
WRITTEN = [0, 0.2, 0.4, 0.6, 0.8, 1.0]  # kills when so much of the bytes has been written
LATER = [0.005, 0.02, 0.08]  # and so many seconds after all have


class Crash(SmokeCase):
    def setUp(self):
        super().setUp()
        self.kill_at = self.folder / "kill-at"
        shim = nodes.build_folder() / "tests" / "smoke" / "libkill_at.so"
        self.server = self.node("server", settings="store { resident_mib = 0 }\n",
                                prefix=["env", f"LD_PRELOAD={shim}", f"ASSAY_KILL_AT={self.kill_at}"])
        self.artifacts = self.server.folder / "state" / "artifacts"
        self.acknowledged = set()

    def put(self, data):
        """assayctl artifact put of these bytes, begun."""
        return subprocess.Popen(self.server.command("--json", "artifact", "put", self.file("file", data)),
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def end(self, put):
        """Waits for it and for the daemon; true when it was acknowledged."""
        out = put.communicate(timeout=nodes.PATIENCE)[0]
        if put.returncode == 0:
            self.acknowledged.add(json.loads(out)["key"])
        return put.returncode == 0

    def check(self):
        """A clean start. What was not acknowledged may be there, but then it is whole."""
        self.server.start()
        listed = {item["key"] for item in self.server.json("artifact", "list")["artifacts"]}
        self.assertLessEqual(self.acknowledged, listed)
        for key in listed - self.acknowledged:
            self.server.ctl("artifact", "verify", key)
            self.server.ctl("artifact", "remove", key)
        self.assertEqual([], os.listdir(self.artifacts / "tmp"))
        on_disk = {name.removesuffix(".tree") for _, _, names in os.walk(self.artifacts) for name in names}
        self.assertEqual(self.acknowledged, on_disk)
        for key in self.acknowledged:
            self.server.ctl("artifact", "verify", key)

    def test_before_every_call(self):
        """Before the first call that changes the disk, the second, ... until a put passes them all."""
        for size, kills_min in ((1, 6), (400_000, 12)):
            for n in range(1, 1000):
                self.kill_at.write_text(f"{n}\n", encoding="utf-8")
                with self.put(os.urandom(size)) as put:
                    acknowledged = self.end(put)
                self.kill_at.unlink()
                alive = self.server.process.poll() is None
                self.server.kill()
                self.check()
                if acknowledged and alive:
                    break
            print(f"{n - 1} kills during a put of {size} bytes")
            self.assertGreaterEqual(n - 1, kills_min)
        self.assertEqual(0, self.server.stop())

    def test_at_any_moment(self):
        """While bytes are on their way, and after."""
        for part, delay in [(part, 0.0) for part in WRITTEN] + [(1.0, delay) for delay in LATER]:
            with self.put(os.urandom(SIZE)) as put:
                self.wait_written(part * SIZE, put)
                time.sleep(delay)
                self.server.kill()
                self.end(put)
            self.check()
        self.assertEqual(0, self.server.stop())

    def wait_written(self, size, put):
        """Until a temporary file is that long, or is gone again, or the put has ended."""
        seen = False
        while put.poll() is None:
            try:
                sizes = [entry.stat().st_size for entry in os.scandir(self.artifacts / "tmp")]
            except FileNotFoundError:  # renamed in between
                return
            if seen and not sizes or sizes and max(sizes) >= size:
                return
            seen = bool(sizes)


if __name__ == "__main__":
    main()
