#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assayctl as a program: exit codes, files, jobs that are cancelled, reloads, challenges."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import nodes  # noqa: E402

CTL = pathlib.Path(os.environ.get("ASSAY_BUILD", ROOT / "build")) / "src" / "assayctl"


def ctl(*arguments, stdin=None):
    return subprocess.run([str(CTL), *map(str, arguments)], capture_output=True, text=True, check=False,
                          input=stdin, timeout=2 * nodes.PATIENCE)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = nodes.scratch()
        self.nodes = []

    def tearDown(self):
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def good(self, *arguments, stdin=None):
        done = ctl(*arguments, stdin=stdin)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def bad(self, code, words, *arguments, stdin=None):
        done = ctl(*arguments, stdin=stdin)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stderr, words)
        return done.stdout

    def init(self, name, network="net"):
        port = nodes.free_port()
        self.good("init", "--dir", self.folder / name, "--account", name, "--network", network,
                  "--address", f"127.0.0.1:{port}")
        return self.folder / name

    def node(self, account, settings=""):
        node = nodes.Node(self.folder / account, account, network="net", settings=settings)
        self.nodes.append(node)
        node.init()
        return node.start()

    def file(self, name, size):
        path = self.folder / name
        path.write_bytes(os.urandom(size))
        return path


class Files(Case):
    """What needs no daemon."""

    def test_usage(self):
        self.assertIn("commands:", self.good("--help"))
        self.assertRegex(self.good("--version"), r"^assayctl \d+\.\d+")
        self.assertIn("--peer ACCOUNT", self.good("prove", "--help"))
        self.assertIn("artifact put", self.good("artifact", "--help"))
        self.bad(2, "commands:")
        self.bad(2, "no command", "frobnicate")
        self.bad(2, "unrecognized option", "status", "--colour")
        self.bad(2, "takes no --peer", "status", "--peer", "x")
        self.bad(2, "usage: assayctl registry remove ACCOUNT", "registry", "remove")
        self.bad(2, "index is missing", "sessions", "close")
        self.bad(2, "too many arguments", "status", "please")
        self.bad(2, "--count must be 1..1000000", "prove", "--peer", "x", "--count", "0")
        self.bad(2, "name artifacts", "prove", "--peer", "x")
        self.bad(2, "not an artifact key", "prove", "--peer", "x", "--key", "xyz")
        self.bad(2, "xyz: not an artifact key", "artifact", "verify", "xyz")

    def test_completion_is_bash(self):
        script = self.good("completion", "bash")
        done = subprocess.run(["bash", "-c", script + "\nCOMP_WORDS=(assayctl artifact ''); COMP_CWORD=2; _assayctl; "
                               "echo ${COMPREPLY[@]}"], capture_output=True, text=True, check=True)
        self.assertLessEqual({"put", "get", "list", "verify", "remove", "scrub"}, set(done.stdout.split()))

    def test_init(self):
        folder = self.init("a")
        keys = folder / "state" / "node-keys.json"
        self.assertEqual(0o600, keys.stat().st_mode & 0o777)
        before = keys.read_bytes()
        self.bad(1, "is there already", "init", "--dir", folder, "--account", "a", "--network", "net")
        self.bad(1, "never overwritten", "--dir", folder, "init")
        self.assertEqual(before, keys.read_bytes())
        self.assertIn('account = "a"', self.good("--dir", folder, "config", "print"))
        self.bad(1, r"assay\.conf:\d+: 'account' must be", "init", "--dir", self.folder / "b", "--account", "B",
                 "--network", "net")
        self.assertFalse((self.folder / "b" / "assay.conf").exists(), "a configuration that is wrong is not kept")
        self.bad(2, "go together", "init", "--dir", self.folder / "c", "--account", "c")
        self.bad(1, "No such file", "--config", self.folder / "none", "status")
        self.bad(3, "is assayd running", "--dir", folder, "status")

    def test_registry(self):
        a, b = self.init("a"), self.init("b")
        line = self.good("--dir", b, "node", "id")
        self.assertEqual("net", json.loads(line)["network"])
        self.good("--dir", a, "registry", "add", "-", stdin=line)
        self.bad(1, "line 1: b: account is already", "--dir", a, "registry", "add", "-", stdin=line)
        me = self.good("client", "init", self.folder / "me.json", "--account", "me", "--permissions", "prove")
        self.assertEqual(0o600, (self.folder / "me.json").stat().st_mode & 0o777)
        self.bad(1, "never overwritten", "client", "init", self.folder / "me.json", "--account", "me")
        self.bad(2, "--account", "client", "init", self.folder / "you.json")
        # All or none: the second line is wrong, so the first one is not taken either.
        self.bad(1, "line 2: not JSON", "--dir", a, "registry", "add", "-", stdin=me + "nonsense\n")
        listed = json.loads(self.good("--dir", a, "--json", "registry", "list"))
        self.assertEqual(["a", "b"], [node["account"] for node in listed["nodes"]])
        self.assertEqual([], listed["clients"])
        self.good("--dir", a, "registry", "add", "-", stdin=me)
        self.assertIn("me       client", self.good("--dir", a, "registry", "list"))
        stranger = self.good("--dir", self.init("c", network="other"), "node", "id")
        self.bad(1, "is of network other", "--dir", a, "registry", "add", "-", stdin=stranger)
        forged = json.loads(line)
        forged["node"]["account"] = "b2"
        self.bad(1, "does not prove possession", "--dir", a, "registry", "add", "-", stdin=json.dumps(forged))
        self.bad(1, "no registration line", "--dir", a, "registry", "add", "-", stdin="\n")
        self.good("--dir", a, "registry", "remove", "b")
        self.bad(1, "no account b", "--dir", a, "registry", "remove", "b")
        self.bad(1, "this node itself", "--dir", a, "registry", "remove", "a")


    def test_codec(self):
        """A file, its symbols, what damage does to them, and back."""
        data, coded, out = self.file("data", 400_000), self.folder / "coded", self.folder / "out"
        self.good("codec", "encode", data, "-o", coded, "--ratio", 2)
        whole = {path.name: path.read_bytes() for path in coded.iterdir()}
        self.assertEqual(7 + 13 + 1, len(whole))
        symbols = sorted(path for path in coded.iterdir() if path.name != "layout.json")
        symbols[0].unlink()
        symbols[1].write_bytes(b"x")
        (coded / "other").write_bytes(b"y")
        facts = json.loads(self.good("codec", "inspect", coded, "--json"))
        self.assertEqual((18, 1, 1, 0), tuple(facts[name] for name in ("present", "damaged", "foreign", "needed")))
        self.good("codec", "decode", coded, "-o", out)
        self.assertEqual(data.read_bytes(), out.read_bytes())
        self.bad(1, "--force", "codec", "decode", coded, "-o", out)
        self.good("codec", "decode", coded, "-o", out, "--force")
        (coded / "other").unlink()
        self.assertEqual("", self.good("codec", "heal", coded))
        self.assertEqual(whole, {path.name: path.read_bytes() for path in coded.iterdir()})
        for path in symbols[:15]:
            path.unlink()
        self.bad(1, "at least 2 more are needed", "codec", "decode", coded, "-o", self.folder / "never")
        self.bad(1, "at least 2 more are needed", "codec", "heal", coded)
        self.assertEqual([], list(self.folder.glob("never*")))
        self.bad(1, "No such file", "codec", "encode", self.folder / "none", "-o", coded)
        self.bad(2, "takes -o", "codec", "encode", data)
        self.bad(1, "no layout.json", "codec", "inspect", self.folder)


class Daemon(Case):
    """With assayd."""

    def test_codec(self):
        """The workers make the same files as assayctl itself."""
        node = self.node("a")
        data, out = self.file("data", 3_000_000), self.folder / "out"
        here, there = self.folder / "here", self.folder / "there"
        self.good("codec", "encode", data, "-o", here)
        node.ctl("codec", "encode", data, "-o", there, "--daemon")
        whole = {path.name: path.read_bytes() for path in here.iterdir()}
        self.assertEqual(whole, {path.name: path.read_bytes() for path in there.iterdir()})
        for path in sorted(there.iterdir())[:200]:
            if path.name != "layout.json":
                path.unlink()
        (there / "other").write_bytes(b"y")
        done = node.ctl("codec", "decode", there, "-o", out, "--daemon")
        self.assertIn("skipped other", done.stderr)
        self.assertEqual(data.read_bytes(), out.read_bytes())
        (there / "other").unlink()
        node.ctl("codec", "heal", there, "--daemon")
        self.assertEqual(whole, {path.name: path.read_bytes() for path in there.iterdir()})
        # cancelled, and refused
        big = self.folder / "big"
        with open(big, "wb") as file:
            file.truncate(1 << 30)
        with subprocess.Popen(node.command("codec", "encode", big, "-o", self.folder / "cut", "--daemon"),
                              stderr=subprocess.PIPE, text=True) as encode:
            nodes.wait_until(lambda: node.json("job", "list")["jobs"], "the job")
            encode.send_signal(signal.SIGINT)
            said = encode.communicate(timeout=nodes.PATIENCE)[1]
        self.assertEqual(1, encode.returncode)
        self.assertIn("cancelled", said)
        self.assertFalse((self.folder / "cut" / "layout.json").exists())
        self.assertEqual(0, node.stop())

    def test_codec_rights(self):
        """The daemon may be root: it writes into folders of the caller's only, and what it makes is the caller's."""
        if os.geteuid() != 0:
            self.skipTest("needs root to become somebody else")
        node = self.node("a")
        data, theirs = self.file("data", 100_000), self.folder / "theirs"
        theirs.mkdir()
        os.chown(theirs, 12345, 12345)
        (self.folder / "ours").mkdir()
        for path in (self.folder, node.folder, node.folder / "run"):
            path.chmod(0o755)
        (node.folder / "assay.conf").chmod(0o644)
        node.socket.chmod(0o666)
        prefix = ["setpriv", "--reuid=12345", f"--regid={os.stat(node.socket).st_gid}", "--clear-groups"]
        if subprocess.run([*prefix, str(CTL), "--version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("the programs are not there for others")

        def encode(folder):
            return subprocess.run([*prefix, *node.command("codec", "encode", data, "-o", folder, "--daemon")],
                                  capture_output=True, text=True, check=False)
        done = encode(self.folder / "ours")
        self.assertEqual(1, done.returncode)
        self.assertIn("belongs to somebody else", done.stderr)
        done = encode(theirs)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual({12345}, {path.stat().st_uid for path in theirs.iterdir()})

    def test_artifacts(self):
        node = self.node("a")
        data = self.file("data", 300_000)
        put = node.json("artifact", "put", data)
        self.assertEqual((300_000, False), (put["size"], put["existed"]))
        self.assertTrue(node.json("artifact", "put", data)["existed"])
        out = self.folder / "out"
        node.ctl("artifact", "get", put["key"], out)
        self.assertEqual(data.read_bytes(), out.read_bytes())
        again = node.ctl("artifact", "get", put["key"], out, check=False)
        self.assertEqual(1, again.returncode)
        self.assertIn("--force", again.stderr)
        node.ctl("artifact", "get", put["key"], out, "--force")
        piped = subprocess.run(node.command("artifact", "get", put["key"], "-"), capture_output=True, check=True)
        self.assertEqual(data.read_bytes(), piped.stdout)
        stored = subprocess.run(node.command("--json", "artifact", "put", "-"), input=b"from a pipe",
                                capture_output=True, check=True)
        self.assertEqual(11, json.loads(stored.stdout)["size"])
        failed = node.ctl("artifact", "get", "00" * 32, self.folder / "missing", check=False)
        self.assertEqual(1, failed.returncode)
        self.assertIn("no such artifact", failed.stderr)
        self.assertEqual([], list(self.folder.glob("missing*")), "nothing half done stays behind")
        several = node.json("artifact", "put", data, self.file("more", 10))
        self.assertEqual(2, len(several["artifacts"]))
        self.assertEqual(3, node.json("artifact", "scrub")["checked"])
        self.assertEqual(3, len(node.json("artifact", "list")["artifacts"]))

    def test_interrupt_cancels(self):
        node = self.node("a")
        big = self.folder / "big"
        with open(big, "wb") as out:
            out.truncate(4 << 30)
        with subprocess.Popen(node.command("artifact", "put", big), stderr=subprocess.PIPE, text=True) as put:
            nodes.wait_until(lambda: node.json("job", "list")["jobs"], "the job")
            put.send_signal(signal.SIGINT)
            said = put.communicate(timeout=nodes.PATIENCE)[1]
        self.assertEqual(1, put.returncode)
        self.assertIn("cancelled", said)
        self.assertEqual([], node.json("artifact", "list")["artifacts"])
        # Killed instead: the connection ends, and so does the job.
        with subprocess.Popen(node.command("artifact", "put", big), stderr=subprocess.DEVNULL) as put:
            nodes.wait_until(lambda: node.json("job", "list")["jobs"], "the job")
            put.kill()
        nodes.wait_until(lambda: not node.json("job", "list")["jobs"], "the job to end")
        self.assertEqual(0, node.stop())

    def test_prove(self):
        a, b = self.node("a"), self.node("b")
        a.register(b.ctl("node", "id").stdout)
        b.register(a.ctl("node", "id").stdout)
        key = b.put(self.file("data", 100_000))
        table = a.ctl("prove", "--peer", "b", "--key", key, "--count", 2).stdout
        self.assertEqual(3, table.count("PASS "), table)  # two rows and the sum
        self.assertIn("asked 2, PASS 2, other 0", table)
        # More than the node's limits allow is refused by name, and that is not a PASS.
        done = a.ctl("prove", "--peer", "b", "--key", key, "--ranges", 16, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("more ranges than allowed", done.stdout)

    def test_prove_repeats(self):
        settings = "prove { ranges_max = 16 length_max = 1024 }\n"
        a, b = self.node("a"), self.node("b", settings)
        a.register(b.ctl("node", "id").stdout)
        me = self.good("client", "init", self.folder / "me.json", "--account", "me")
        b.register(a.ctl("node", "id").stdout)
        b.register(me)
        key = b.put(self.file("data", 100_000))
        wanted = ("prove", "--peer", "all", "--key", key, "--seed", "0102", "--ranges", 16, "--length", 1024)
        one, two = a.json(*wanted)["proofs"][0], a.json(*wanted)["proofs"][0]
        self.assertEqual("PASS", one["verdict"])
        self.assertEqual({"good"}, set(one["steps"].values()))
        self.assertEqual(one["compound"], two["compound"], "one seed, one question")
        self.assertEqual(100_000, one["size"])
        client = a.ctl("prove", "--peer", "b", "--key", key, "--client-keys", self.folder / "me.json",
                       "--account", "me")
        self.assertIn("PASS 1", client.stdout)
        plain = a.ctl("prove", "--peer", "b", "--key", key, "--plain").stdout
        self.assertIn("asked 1, PLAIN 1", plain)
        self.assertIn("is who asks", a.ctl("prove", "--peer", "a", "--key", key, check=False).stderr)
        keys = self.folder / "keys"
        keys.write_text(f"# {'long' * 100}\n# all\n{key} 100000\n\n{'00' * 32}\n", encoding="utf-8")
        some = a.ctl("--json", "prove", "--peer", "b", "--keys", keys, check=False)
        self.assertEqual(1, some.returncode)
        self.assertEqual((2, 1), tuple(json.loads(some.stdout)[name] for name in ("asked", "good")))
        self.assertEqual(1, a.ctl("prove", "--peer", "nobody", "--key", key, check=False).returncode)
        b.stop()
        gone = a.ctl("--json", "prove", "--peer", "b", "--key", key, check=False)
        self.assertEqual(1, gone.returncode)
        self.assertEqual("ERROR", json.loads(gone.stdout)["proofs"][0]["verdict"])

    def test_reload(self):
        node = self.node("a", "prove { ranges_max = 4 }\n")
        text = node.config.read_text(encoding="utf-8")
        node.config.write_text(text.replace("ranges_max = 4", "ranges_max = 17"), encoding="utf-8")
        done = node.ctl("config", "reload", check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"assay\.conf:\d+: 'ranges_max' must be 1\.\.16, got 17.*nothing was changed")
        self.assertEqual(4, node.json("config", "show")["prove"]["ranges_max"])
        node.config.write_text(text.replace("ranges_max = 4", "ranges_max = 5") + "store { resident_mib = 3 }\n",
                               encoding="utf-8")
        node.process.send_signal(signal.SIGHUP)
        nodes.wait_until(lambda: node.json("config", "show")["prove"]["ranges_max"] == 5, "the reload")
        again = node.json("config", "reload")
        self.assertEqual(([], ["store.resident_mib"]), (again["applied"], again["restart"]))
        self.assertIn("after a restart: store.resident_mib", node.ctl("config", "reload").stdout)

    def test_shows(self):
        node = self.node("a")
        self.assertIn("a on net: running", node.ctl("status").stdout)
        self.assertIn("control", node.ctl("topology").stdout)
        self.assertIn("received", node.ctl("stats").stdout)
        self.assertTrue(node.ctl("metrics").stdout.endswith("# EOF\n"))
        self.assertEqual([], node.json("sessions", "list")["sessions"])
        self.assertEqual("debug", node.json("log", "level", "debug")["level"])
        self.assertEqual(2, node.ctl("sessions", "close", "x", check=False).returncode)
        self.assertEqual(1, node.ctl("sessions", "close", "7", check=False).returncode)
        self.assertIn(node.json("doctor")["verdict"], ("good", "warning"))
        with subprocess.Popen(node.command("stats", "--watch", "1"), stdout=subprocess.PIPE, text=True) as watch:
            self.assertIn("per second", watch.stdout.readline())
            watch.terminate()
        node.stop()
        self.assertEqual(3, node.ctl("status", check=False).returncode)
        offline = node.ctl("doctor", check=False)  # assayd --doctor
        self.assertIn(offline.returncode, (0, 1))
        self.assertIn("huge pages", offline.stdout)

    def test_rights(self):
        """A stranger's process is turned away; one of the socket's group is not."""
        if os.geteuid() != 0:
            self.skipTest("needs root to become somebody else")
        node = self.node("a")
        for path in (self.folder, node.folder, node.folder / "run"):
            path.chmod(0o755)
        node.socket.chmod(0o666)  # let the kernel through, so that the daemon has to decide
        call = """
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    try:
        s.sendall(b'{"jsonrpc":"2.0","id":1,"method":"node.topology"}\\n')
    except BrokenPipeError:
        pass  # turned away before it asked
    print(s.recv(4096).decode())
"""
        for group, words in ((12345, "no right"), (os.stat(node.socket).st_gid, '"result"')):
            done = subprocess.run(["setpriv", "--reuid=12345", f"--regid={group}", "--clear-groups", sys.executable,
                                   "-c", call, str(node.socket)], capture_output=True, text=True, check=False)
            if "Permission denied" in done.stderr and "python" in done.stderr:
                self.skipTest("the interpreter is not there for others")
            self.assertIn(words, done.stdout + done.stderr)
        self.assertIn("no right", node.log.read_text(encoding="utf-8"))

    def test_garbage(self):
        """Bytes that are no requests, from many at once, and the daemon goes on."""
        node = self.node("a")
        for line in (b"\n\n\n", b"\x00" * 100 + b"\n", b"{" * 70_000, b'{"jsonrpc":"2.0","id":1}\n', b"\xff\xfe\n"):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(node.socket))
                s.sendall(line)
        self.assertRegex(node.ctl("status").stdout, r"running")
        self.assertEqual(0, node.stop())
        self.assertFalse(re.search("sanitizer|must", node.log.read_text(encoding="utf-8")))


class Heals(Case):
    """What a daemon may say of heals, by one that says only that."""

    def say(self, *results):
        path = self.folder / "said.sock"
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen(1)

        def serve():
            with server, server.accept()[0] as s, s.makefile("rw", encoding="utf-8") as lines:
                for line, result in zip(lines, results):
                    lines.write(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": result}) + "\n")
                    lines.flush()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, nodes.PATIENCE)
        return ("--socket", path)

    def heal(self, op=7, state="reported", **more):
        return {"op": op, "ticket": "ab" * 16, "state": state, "published": False, "healer": "n1", "scheduled_epoch": 3,
                "votes": [{"verifier": name, "vote": vote} for name, vote in (("n2", "for"), ("n3", "against"), ("n4", "none"))],
                "deadline_epoch": 6, "epoch": 4, "next": "2 of 3 votes for it; 1 for and 1 against are there", "part": [],
                "size": 300_000, "data_hash": "D=", "result_hash": "R=", "notes": "", "copy": "current", **more}

    def test_show(self):
        part = {"role": "healer", "phase": "rebuilding", "waiting_for": "", "failed_attempts": 2, "why": "n5, n6 do not answer",
                "done": 1024, "total": 4096}
        text = self.good("heal", "show", 7, *self.say(self.heal(part=[part], copy="behind")))
        for words in ("heal operation 7 of ticket " + "ab" * 16 + " (293 KiB): reported",
                      "scheduled in epoch 3, deadline epoch 6; it is epoch 4", "hash of the file   D=", "hash of the result R=",
                      "verifier n2: for", "verifier n3: against", "verifier n4: no vote yet", "next: 2 of 3 votes for it",
                      "this node, as healer: rebuilding, 1.00 KiB of 4.00 KiB",
                      "  attempts that failed: 2, the last: n5, n6 do not answer", "its copy of the ledger is behind"):
            self.assertIn(words + "\n", text.replace("it; 1 for and 1 against are there", "it"))
        # Other nodes' words say nothing to the terminal, whatever else they say.
        notes = "a\x1b[2Jb\x7fc\x9b2Jd\x85e\u00e9\u20ac"
        self.assertIn("notes: a?[2Jb?c?2Jd?e\u00e9\u20ac\n", self.good("heal", "show", 7, *self.say(self.heal(notes=notes))))
        self.assertEqual(notes, json.loads(self.good("heal", "show", 7, "--json", *self.say(self.heal(notes=notes))))["notes"])

    def test_pages(self):
        first, second = [self.heal(op) for op in range(1, 101)], [self.heal(101, "verified", published=True)]
        current, behind = ({"condition": condition} for condition in ("current", "behind"))
        lines = self.good("heals", *self.say({"heals": first, "more": True}, {"heals": second, "more": False}, current)).splitlines()
        self.assertEqual(1 + 101, len(lines))
        self.assertRegex(lines[1], r"^ +1 +(ab){16} +reported +n1 +1-1/3 +6 ")
        self.assertRegex(lines[-1], r"^101 +(ab){16} +published +n1 ")
        self.assertEqual("", self.good("heals", *self.say({"heals": [], "more": False}, current)))
        said = self.say({"heals": second, "more": False}, behind)
        self.assertRegex(self.good("heals", *said), r"(?m)^101 .*\nthis node does nothing now: its copy of the ledger is behind\n")
        said = self.say({"heals": second, "more": False}, behind)
        self.assertEqual({"heals": second, "copy": "behind"}, json.loads(self.good("heals", "--json", *said)))

    def test_daemon_ends(self):
        shown = self.bad(1, "assayctl: .", "heals", "--watch", 1,
                         *self.say({"heals": [self.heal()], "more": False}, {"condition": "current"}))
        self.assertRegex(shown, r"(?m)^ *7 .* reported ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
