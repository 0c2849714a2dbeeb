#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node as an ordinary user: no huge pages, no NIC, no capability. Files it may not read are refused in words."""
import os
import pwd
import shutil
import subprocess

from smoke import SmokeCase, main, prove_body, sample, skip

USER = "nobody"


class Unprivileged(SmokeCase):
    def setUp(self):
        super().setUp()
        self.prefix = []
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            self.prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
                           "--inh-caps=-all", "--no-new-privs", "--"]

    def test_node(self):
        node = self.node("server", start=False, prefix=self.prefix)
        if self.prefix:
            # The build may lie where nobody else can go; the user gets the programs in the folder.
            build = self.folder / "build"
            (build / "src").mkdir(parents=True)
            for name in ("assayd", "assayctl"):
                shutil.copy(node.build / "src" / name, build / "src")
            node.build = build
            user = pwd.getpwnam(USER)
            for path, folders, files in os.walk(self.folder):
                for name in [".", *folders, *files]:
                    os.chown(os.path.join(path, name), user.pw_uid, user.pw_gid)
        node.start()
        data = sample(50_000)
        path = self.file("file", data)
        os.chmod(path, 0o644)
        key = bytes.fromhex(node.put(path))
        with self.client(node).connect() as session:
            answer = session.prove(prove_body(data, key, [0, 20_000, 49_744], 256))
            self.assertEqual("PASS", answer.verdict())
        if self.prefix:
            secret = self.file("secret", data)
            os.chmod(secret, 0o600)
            done = subprocess.run([*self.prefix, *node.command("artifact", "put", secret)],
                                  capture_output=True, text=True, check=False)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(str(secret), done.stderr)
        self.assert_adds_up(node)
        self.assertEqual(0, node.stop())


if __name__ == "__main__":
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        skip("no setpriv")
    main()
