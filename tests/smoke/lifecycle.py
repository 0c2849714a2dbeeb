#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, and what the operator is told when something is wrong."""
import os
import subprocess

from smoke import SmokeCase, main, nodes, sample


class Lifecycle(SmokeCase):
    def refused(self, node, *words):
        """The daemon ends at once with status other than 0 and says all the words."""
        done = subprocess.run([str(node.build / "src" / "assayd"), "--config", str(node.config)],
                              capture_output=True, text=True, timeout=2 * nodes.PATIENCE, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertGreater(done.returncode, 0, f"died of a signal: {done.stderr}")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_start_stop_start(self):
        node = self.node("server")
        key = node.put(self.file("file", sample(3000)))
        self.assertEqual(0, node.stop())
        self.assertFalse(node.socket.exists(), "the socket goes with the daemon")
        node.start()
        self.assertEqual([key], [item["key"] for item in node.json("artifact", "list")["artifacts"]])
        node.kill()
        node.start()
        self.assertEqual(0, node.stop())

    def test_two_daemons(self):
        node = self.node("server")
        self.refused(node, str(node.folder))
        node.ctl("status")

    def test_mistakes(self):
        good = self.node("server", start=False)
        text = good.config.read_text(encoding="utf-8")
        mistakes = {
            "syntax": (text + "nonsense = 1\n", [f"{good.config}:", "nonsense"]),
            "range": (text + "session { life_s = 5 }\n", [f"{good.config}:", "life_s"]),
            "account": (text.replace('"server"', '"No Such"'), [f"{good.config}:", "account"]),
            "port twice": (text + text[text.index("port"):], ["p0"]),
            "device": (text.replace('"udp:', '"ucp:'), ["device"]),
        }
        for name, (broken, words) in mistakes.items():
            with self.subTest(name):
                good.config.write_text(broken, encoding="utf-8")
                self.refused(good, *words)
        good.config.write_text(text, encoding="utf-8")
        good.start()

    def test_same_device_twice(self):
        port = nodes.free_port()
        body = f'device = "udp:127.0.0.1:{port}"'
        node = self.node("server", start=False, ports={"p0": body})
        with open(node.config, "a", encoding="utf-8") as config:
            config.write(f'port "p1" {{\n\t{body}\n}}\n')
        self.refused(node, f"{node.config}:", "p0", "p1")

    def test_taken_address(self):
        first = self.node("first")
        second = self.node("second", start=False, ports=first.ports)
        self.refused(second, first.address[0])

    def test_keys(self):
        node = self.node("server", start=False)
        keys = [path for path in (node.folder / "state").iterdir() if path.stat().st_mode & 0o777 == 0o600]
        self.assertEqual(1, len(keys), "one key file, mode 0600")
        os.chmod(keys[0], 0o644)
        self.refused(node, str(keys[0].name), "chmod")
        os.chmod(keys[0], 0o600)
        again = node.ctl("init", check=False)
        self.assertNotEqual(0, again.returncode, "keys are never overwritten")
        node.start()
        keys[0].rename(keys[0].with_suffix(".away"))
        node.stop()
        self.refused(node, "init")


if __name__ == "__main__":
    main()
