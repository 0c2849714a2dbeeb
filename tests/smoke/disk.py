#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of odd sizes, and disks and files that do not play along: clear words, and nothing lost."""
import os
import subprocess

from smoke import SmokeCase, blake3, main, nodes, prove_body, Refused, sample

SIZES = (1, 1023, 1024, 1025, 65532, 200_000)


class Disk(SmokeCase):
    def refused(self, node, *arguments, words=()):
        done = node.ctl(*arguments, check=False)
        self.assertNotEqual(0, done.returncode)
        for word in words:
            self.assertIn(word, done.stderr)

    def stored(self, node, key):
        """The file that holds an artifact's bytes."""
        return next((node.folder / "state" / "artifacts").glob(f"*/{key}"))

    def test_sizes(self):
        node = self.node("server")
        for size in SIZES:
            data = sample(size, size)
            path = self.file(f"file{size}", data)
            key = node.put(path)
            self.assertEqual(blake3(data).hex(), key)
            node.ctl("artifact", "verify", key)
            back = self.folder / f"back{size}"
            node.ctl("artifact", "get", key, back)
            self.assertEqual(data, back.read_bytes())
            self.assertEqual(key, node.put(path), "storing it again changes nothing")
        listed = node.json("artifact", "list")["artifacts"]
        self.assertEqual(sorted(SIZES), sorted(item["size"] for item in listed))
        for item in listed:
            node.ctl("artifact", "remove", item["key"])
        self.assertEqual([], node.json("artifact", "list")["artifacts"])

    def test_what_is_no_file(self):
        node = self.node("server")
        self.refused(node, "artifact", "put", self.folder / "absent", words=["absent"])
        self.refused(node, "artifact", "put", self.folder, words=[str(self.folder)])
        self.refused(node, "artifact", "put", self.file("empty", b""))
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        self.refused(node, "artifact", "put", fifo)
        self.refused(node, "artifact", "get", "00" * 32, self.folder / "out")
        self.refused(node, "artifact", "get", "nonsense", self.folder / "out")
        self.refused(node, "artifact", "verify", "00" * 32)

    def test_file_that_shrinks(self):
        node = self.node("server")
        path = self.folder / "shrinks"
        with open(path, "wb") as out:
            out.truncate(1 << 31)
        with subprocess.Popen(node.command("artifact", "put", path), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as put:
            nodes.wait_until(lambda: any(job["done"] > 0 for job in node.json("job", "list")["jobs"]), "the put to get on")
            os.truncate(path, 4096)
            said = put.communicate(timeout=2 * nodes.PATIENCE)[1]
        self.assertNotEqual(0, put.returncode)
        self.assertIn("changed", said)
        self.assertEqual([], node.json("artifact", "list")["artifacts"])
        self.assertEqual([], os.listdir(node.folder / "state" / "artifacts" / "tmp"))

    def test_rot(self):
        """Bytes that change under a running node, and while it is down, are reported and never served."""
        node = self.node("server", settings="store { resident_mib = 0 }\n")
        data = sample(100_000)
        key = node.put(self.file("file", data))
        with self.client(node).connect() as session:
            self.assertEqual("PASS", session.prove(prove_body(data, bytes.fromhex(key), [70_000], 256)).verdict())
            with open(self.stored(node, key), "r+b") as stored:
                stored.seek(70_100)
                stored.write(bytes([data[70_100] ^ 1]))
            with self.assertRaises(Refused) as refused:
                session.prove(prove_body(data, bytes.fromhex(key), [70_000], 256))
            self.assertEqual("artifact_rot", refused.exception.reason)
        self.refused(node, "artifact", "verify", key)
        self.refused(node, "artifact", "get", key, self.folder / "out")
        self.assertEqual(["rot"], [item["state"] for item in node.json("artifact", "list")["artifacts"]])

    def test_truncated_in_the_store(self):
        node = self.node("server")
        short, good = (node.put(self.file(name, sample(50_000, seed))) for seed, name in enumerate(("a", "b")))
        node.stop()
        os.truncate(self.stored(node, short), 40_000)
        node.start()
        node.ctl("artifact", "verify", good)
        self.refused(node, "artifact", "verify", short)
        self.assertIn(short[:8], node.log.read_text(encoding="utf-8"))

    def test_full_disk(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a small disk")
        mount = ('cp -a "$0/state" "$0/seed" && mount -t tmpfs -o size=4m assay "$0/state" && '
                 'cp -a "$0/seed/." "$0/state/" && exec "$@"')
        node = self.node("server", start=False, settings="store { reserve_mib = 0 }\n",
                         prefix=["unshare", "--mount", "sh", "-c", mount, str(self.folder / "server")])
        node.start()
        kept = node.put(self.file("small", sample(1_000_000)))
        self.refused(node, "artifact", "put", self.file("large", sample(5_000_000)), words=["space"])
        node.ctl("artifact", "verify", kept)
        self.assertEqual([kept], [item["key"] for item in node.json("artifact", "list")["artifacts"]])
        second = node.put(self.file("fits", sample(1_000_000, 1)))
        node.ctl("artifact", "verify", second)
        self.assertEqual(0, node.stop())


if __name__ == "__main__":
    main()
