#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file of 1 GiB: stored, proved from memory and from the disk, and read back identical."""
import filecmp
import os
import shutil
import subprocess

from smoke import SmokeCase, main, skip, wait_until

SIZE = 1 << 30


class Large(SmokeCase):
    def test_one_gib(self):
        path = self.folder / "large"
        with open(path, "wb") as out:
            for _ in range(SIZE >> 24):
                out.write(os.urandom(1 << 24))
        for resident_mib in (4608, 0):  # an artifact may take a quarter of it
            with self.subTest(resident_mib=resident_mib):
                self.store_and_prove(path, resident_mib)

    def store_and_prove(self, path, resident_mib):
        account = f"node{resident_mib}"
        server = self.node(account, settings=f"store {{ resident_mib = {resident_mib} }}\n")
        asker = self.node(f"asker{resident_mib}")
        asker.register(server.ctl("node", "id").stdout)
        server.register(asker.ctl("node", "id").stdout)
        key = server.put(path)
        if shutil.which("b3sum"):
            told = subprocess.run(["b3sum", "--no-names", path], capture_output=True, text=True, check=True).stdout
            self.assertEqual(told.strip(), key)
        if resident_mib:
            wait_until(lambda: server.json("artifact", "stat", key)["resident"], "the artifact to be in memory", 300)
        said = asker.prove(server, [key], count=200)
        self.assertEqual((200, 200), (said["asked"], said["good"]))
        cold = server.json("stats")["total"]["cold"]
        self.assertEqual(resident_mib == 0, cold > 0, f"{cold} cold reads")
        back = self.folder / "back"
        server.ctl("artifact", "get", key, back)
        self.assertTrue(filecmp.cmp(path, back, shallow=False))
        back.unlink()
        self.assertEqual(0, asker.stop())
        self.assertEqual(0, server.stop())
        shutil.rmtree(server.folder)


if __name__ == "__main__":
    if shutil.disk_usage(os.environ.get("TMPDIR", "/tmp")).free < 6 * SIZE:
        skip("less than 6 GiB free for temporary files")
    main()
