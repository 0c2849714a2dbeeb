# SPDX-License-Identifier: Apache-2.0
"""Nodes on this machine, for tools/run and the process tests: their folders, config, processes and namespaces."""
import contextlib
import ctypes
import errno
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 60  # seconds: for what takes a moment, on the busiest machine
PORTS_GIVEN = set()


class Failure(Exception):
    """Something did not come true; the text says what."""


def build_folder():
    return pathlib.Path(os.environ.get("ASSAY_BUILD", ROOT / "build")).resolve()


def free_port():
    """A UDP port that nobody uses at this moment, below those that the kernel gives to clients, and never the same twice."""
    while True:
        port = random.randrange(10_000, 32_000)
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with socket.socket(family, socket.SOCK_DGRAM) as s:
                    s.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
        if port not in PORTS_GIVEN:
            PORTS_GIVEN.add(port)
            return port


def wait_until(condition, what, seconds=PATIENCE):
    """Polls until condition() is true; its value. Failure after that many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def enter(namespace):
    """setns of this thread; Python has it only from 3.12 on."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace that lives as long as the process that holds it, or a daemon in it."""

    def __init__(self):
        # The holder dies with this process, even if that is killed: nothing to clean up by hand. It has its own /sys,
        # which shows the devices of the namespace it was mounted in.
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c",
             "mount -t sysfs assay /sys && echo ready && exec setpriv --pdeathsig KILL sleep infinity"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise Failure(self.holder.communicate()[1].decode().strip() or "unshare failed")
        self.prefix = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", f"--mount=/proc/{self.holder.pid}/ns/mnt", "--"]
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command):
        done = subprocess.run([*self.prefix, *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    @contextlib.contextmanager
    def entered(self):
        """This thread is in the namespace: sockets made now belong to it for good."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/proc/{self.holder.pid}/ns/net", "rb") as there:
            enter(there)
            try:
                yield
            finally:
                enter(home)

    def close(self):
        self.holder.kill()
        self.holder.communicate()


def namespaces_possible():
    """Empty when network namespaces with veth pairs can be made, else why not."""
    if os.geteuid() != 0:
        return "not root"
    if shutil.which("ip") is None:
        return "no ip command (package iproute2)"
    try:
        space = Namespace()
    except (Failure, OSError) as error:
        return f"no network namespaces here ({error})"
    try:
        space.run("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    except Failure as error:
        return f"no veth pairs here ({error})"
    finally:
        space.close()
    return ""


def veth(left, right, left_name="veth0", right_name="veth0"):
    """A cable between two namespaces; no kernel addresses on it."""
    left.run("ip", "link", "add", left_name, "type", "veth", "peer", "name", "assaytmp")
    left.run("ip", "link", "set", "assaytmp", "netns", str(right.holder.pid))
    right.run("ip", "link", "set", "assaytmp", "name", right_name)
    for space, name in ((left, left_name), (right, right_name)):
        # Without link-local addresses the kernel stays silent on a device that a node drives.
        space.run("ip", "link", "set", name, "addrgenmode", "none", "up")


class Node:
    """One node: a folder with config, state, run directory and log, and the daemon when it runs."""

    def __init__(self, folder, account, build=None, network="test", ports=None, settings="", prefix=()):
        self.folder, self.account = pathlib.Path(folder), account
        self.build = build or build_folder()
        self.prefix = list(prefix)  # command in front of the daemon: a namespace, another user
        self.daemon = [str(self.build / "src" / "assayd")]
        self.process = None
        self.patience = 300  # seconds that one assayctl may take; None: any time
        self.environment = {}  # beside this process' own
        self.config = self.folder / "assay.conf"
        self.log = self.folder / "assayd.log"
        self.socket = self.folder / "run" / "control.sock"
        self.ports = ports or {"p0": f'device = "udp:127.0.0.1:{free_port()}"'}
        for name in ("", "state", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        text = (f'account = "{account}"\nnetwork = "{network}"\n'
                f'state_dir = "{self.folder}/state"\nrun_dir = "{self.folder}/run"\n'
                'metrics { listen = "" }\n' + settings
                + "".join(f'port "{port}" {{\n\t{body}\n}}\n' for port, body in self.ports.items()))
        self.config.write_text(text, encoding="utf-8")

    @property
    def address(self):
        """(ip, port) of the first udp: port."""
        for body in self.ports.values():
            found = re.search(r'"udp:\[?([0-9a-fA-F.:]+?)\]?:(\d+)"', body)
            if found:
                return found.group(1), int(found.group(2))
        raise Failure(f"{self.account} has no udp: port")

    def command(self, *arguments):
        return [str(self.build / "src" / "assayctl"), "--config", str(self.config), *map(str, arguments)]

    def ctl(self, *arguments, check=True, stdin=None):
        """Runs assayctl; its output. Failure with what it said unless it succeeds."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False,
                              input=stdin, timeout=self.patience)
        if check and done.returncode != 0:
            raise Failure(f"{self.account}: assayctl {' '.join(map(str, arguments))}: "
                          f"{(done.stderr or done.stdout).strip()}")
        return done

    def json(self, *arguments):
        return json.loads(self.ctl("--json", *arguments).stdout)

    def init(self):
        self.ctl("init")

    def registration(self):
        """This node's line for the registries of others, as an object."""
        return json.loads(self.ctl("node", "id").stdout)

    def register(self, line):
        """Adds a registration line to this node's registry."""
        self.ctl("registry", "add", "-", stdin=line + "\n")

    def put(self, path):
        """Stores a file; its key in hex."""
        return self.json("artifact", "put", path)["key"]

    def prove(self, target, keys, count=1, plain=False, prefix=()):
        """Challenges another node, with this one's keys, from a namespace if need be: what assayctl prove says."""
        command = [*prefix, *self.command("--json", "prove", "--peer", target.account, "--count", count,
                                          "--plain" if plain else "--tree", *(f"--key={key}" for key in keys))]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if not done.stdout:
            raise Failure(f"{self.account} asks {target.account}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def workers(self):
        """The counters of every worker."""
        return self.json("stats")["workers"]

    def at_rest(self):
        """The counters of every worker, once each datagram received was answered, handed over or dropped."""
        def settled():
            workers = self.workers()
            return all(worker["received"] == worker["answered"] + worker["handed_over"] + sum(worker["drops"].values())
                       for worker in workers) and workers
        return wait_until(settled, f"{self.account} to account for all it received")

    def drops(self):
        """Drop reasons and how often, over all workers; those that did not occur are left out."""
        total = {}
        for worker in self.workers():
            for reason, count in worker["drops"].items():
                total[reason] = total.get(reason, 0) + count
        return {reason: count for reason, count in total.items() if count}

    def start(self, seconds=2 * PATIENCE):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *self.daemon, "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **self.environment})
        wait_until(lambda: self.process.poll() is not None or self.answers(), f"{self.account} to answer", seconds)
        if self.process.poll() is not None:
            raise Failure(f"{self.account} did not start: {self.log_tail()}")
        return self

    def answers(self):
        return self.socket.exists() and self.ctl("status", check=False).returncode == 0

    def stop(self, seconds=PATIENCE):
        """SIGTERM; the exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise Failure(f"{self.account} did not end within {seconds} s of SIGTERM") from error
        self.process = None
        self.clear_runtime()
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.clear_runtime()

    def clear_runtime(self):
        """DPDK leaves a folder for each name that it ran under; the names of these nodes never come again."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        for name in set(re.findall(r" prefix=(assay-[a-z0-9.-]+-[0-9a-f]{8})$", text, re.MULTILINE)):
            shutil.rmtree(pathlib.Path("/var/run/dpdk") / name, ignore_errors=True)

    def log_tail(self, lines=5):
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return " / ".join(text.strip().splitlines()[-lines:]) or "(empty log)"


def scratch():
    """A short temporary folder: paths of sockets are limited to 107 bytes."""
    return pathlib.Path(tempfile.mkdtemp(prefix="assay-", dir=os.environ.get("TMPDIR", "/tmp")))
