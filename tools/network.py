# SPDX-License-Identifier: Apache-2.0
"""A network of seven nodes on this machine: real files stored on it, challenged every epoch, and got back although one node is
stopped, one has lost its artifacts and one serves rotten bytes."""
import hashlib
import json
import pathlib
import subprocess

import nodes
from nodes import Failure, Node

NODES = 7
COMMITTEE = 4
NETWORK = "assay-net"
TICK_MS, EPOCH_TICKS = 500, 10
PARAMS = {"epoch_length_blocks": EPOCH_TICKS, "tick_interval_ms": TICK_MS, "rq_ids_max": 5,
          # A ticket is recent for two epochs and old from then on; everybody is examined in every epoch.
          "storage_truth_recent_bucket_max_blocks": 2 * EPOCH_TICKS,
          "storage_truth_old_bucket_min_blocks": 2 * EPOCH_TICKS + 1,
          "storage_truth_challenge_target_divisor": 1, "consecutive_epochs_to_postpone": 100}
SETTINGS = """genesis = "{folder}/genesis.json"
ledger {{
{engine}
}}
storage_challenge {{
	enabled = true
}}
lep6 {{
	enabled = true
	recipient_read_timeout_ms = 1500
}}
recheck {{
	enabled = true
	tick_interval_ms = 1000
}}
memory {{
	hugepages = off
	eal_mib = 64
}}
workers {{
	count = 1
}}
"""
LONG = 240  # seconds for what takes some epochs


class Etcd:
    """A cluster of three etcd servers on the loopback."""

    def __init__(self, folder):
        self.processes, self.endpoints, peers = [], [], []
        ports = [(nodes.free_port(), nodes.free_port()) for _ in range(3)]
        cluster = ",".join(f"m{i}=http://127.0.0.1:{peer}" for i, (_, peer) in enumerate(ports))
        for i, (client, peer) in enumerate(ports):
            peers.append(peer)
            self.endpoints.append(f"http://127.0.0.1:{client}")
            data = folder / f"etcd{i}"
            with open(folder / f"etcd{i}.log", "wb") as log:
                self.processes.append(subprocess.Popen(
                    ["etcd", "--name", f"m{i}", "--data-dir", str(data), "--listen-client-urls", self.endpoints[i],
                     "--advertise-client-urls", self.endpoints[i], "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                     "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", cluster,
                     "--initial-cluster-state", "new", "--initial-cluster-token", str(folder)],
                    stdout=log, stderr=log))

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


class Network:
    """Founded in a folder and started; `close` ends it whatever happened."""

    def __init__(self, folder, count=NODES, etcd=False, params=None, extra=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.etcd = Etcd(self.folder) if etcd else None
        engine = f'\tfile = "{self.folder}/ledger.db"'
        if etcd:
            engine = "\tengine = etcd\n\tendpoints = {" + ", ".join(f'"{e}"' for e in self.etcd.endpoints) + "}"
        settings = SETTINGS.format(folder=self.folder, engine=engine) + extra
        self.nodes = [Node(self.folder / f"n{i}", f"n{i}", network=NETWORK, settings=settings) for i in range(1, count + 1)]
        self.found(min(COMMITTEE, count), params or PARAMS)

    def found(self, members, params):
        lines = []
        for i, node in enumerate(self.nodes):
            node.init()
            lines.append(node.ctl("node", "id").stdout)
            if i < members:
                lines.append(node.ctl("ledger", "tip").stdout)
        (self.folder / "founders").write_text("".join(lines), encoding="utf-8")
        (self.folder / "params.json").write_text(json.dumps(params), encoding="utf-8")
        first = self.nodes[0]
        key = first.ctl("authority", "init", self.folder / "authority.json").stdout.strip()
        first.ctl("ledger", "init", self.folder / "founders", "--network", NETWORK, "--authority", key, "--committee",
                  ",".join(node.account for node in self.nodes[:members]), "--params", self.folder / "params.json", "-o",
                  self.folder / "genesis.json")

    def start(self):
        for node in self.nodes:
            node.start()
        return self

    def running(self):
        return [node for node in self.nodes if node.process is not None]

    def epoch(self):
        return self.nodes[0].json("ledger", "status")["epoch"]

    def wait_epoch(self, epoch):
        nodes.wait_until(lambda: self.epoch() >= epoch, f"epoch {epoch}", LONG)

    def rows(self, node, epochs=1000):
        return node.json("challenges", epochs)["rows"]

    def agree(self):
        """A height at which all running nodes have the same entries and the same state."""
        def same():
            told = [node.json("ledger", "status") for node in self.running()]
            return len({(t["seq"], t["log"], t["state"]) for t in told}) == 1 and told[0]
        return nodes.wait_until(same, "all nodes to have the same state", LONG)

    def close(self):
        for node in self.nodes:
            node.kill()
        if self.etcd:
            self.etcd.close()


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def put(show, node, path):
    ticket = node.json("put", path)["ticket"]
    shown = node.json("ticket", "show", ticket)
    show.check(shown["state"] == "open" and shown["size"] == path.stat().st_size,
               f"{node.account} puts {path} ({path.stat().st_size} bytes): ticket {ticket}")
    show.say(f"{shown['symbol_artifacts']} symbols and {shown['index_artifacts']} index artifacts on "
             + ", ".join(f"{h['account']} ({h['symbols']}+{h['index']})" for h in shown["held_by"]))
    return ticket


def get(show, node, ticket, path, folder):
    out = folder / f"got-{node.account}-{ticket[:8]}"
    node.ctl("get", ticket, "-o", out, "--force")
    show.check(digest(out) == digest(path), f"{node.account} gets {path.name} back, identical")
    out.unlink()


def found_rows(network, asked, conditions):
    """For every condition a row of a report that meets it, as far as there is one by now."""
    rows = network.rows(asked)
    return {name: next((row for row in rows if condition(row)), None) for name, condition in conditions.items()}


def wait_rows(network, asked, conditions, what):
    def all_there():
        found = found_rows(network, asked, conditions)
        return found if all(found.values()) else None
    try:
        return nodes.wait_until(all_there, what, LONG)
    except Failure as error:
        found = found_rows(network, asked, conditions)
        missing = ", ".join(name for name, row in found.items() if row is None)
        raise Failure(f"{error}; missing: {missing}") from error


def is_row(target, result, recheck=None):
    return lambda row: row["target"] == target and row["result"] == result and (recheck is None or row["recheck"] in recheck)


def healthy(show, network, files):
    """Files are put, and everybody passes for recent and old tickets."""
    first, second = network.nodes[0], network.nodes[1]
    tickets = {put(show, node, path): path for node, path in zip((first, second), files)}
    network.wait_epoch(network.epoch() + 1)
    conditions = {f"PASS in {bucket}": lambda row, b=bucket: row["bucket"] == b and row["result"] == "PASS"
                  for bucket in ("RECENT", "OLD")}
    wait_rows(network, first, conditions, "PASS rows in both buckets")
    rows = network.rows(first)
    bad = [row for row in rows if row["result"] not in ("PASS", "NO_ELIGIBLE")]
    passed = sum(row["result"] == "PASS" for row in rows)
    show.check(not bad, f"{passed} proofs asked over the network passed, each with its tree and its seal; none failed")
    for row in bad[:5]:
        show.say(json.dumps(row))
    for ticket, path in tickets.items():
        get(show, network.nodes[2], ticket, path, network.folder)
    return tickets


def break_three(show, network):
    """One node is stopped, one loses its artifacts, one serves rotten bytes from now on."""
    stopped, loser, rotten = network.nodes[4:7]
    stopped.stop()
    show.say(f"{stopped.account} is stopped")
    for artifact in loser.json("artifact", "list")["artifacts"]:
        loser.ctl("artifact", "remove", artifact["key"])
    show.say(f"{loser.account} loses all its artifacts")
    rotten.stop()
    rotten.daemon = [str(rotten.build / "tests" / "assayd-liar"), "--byzantine", "serve-rot"]
    rotten.start()
    show.say(f"{rotten.account} is replaced by assayd-liar --byzantine serve-rot")
    return stopped, loser, rotten


def broken(show, network, tickets):
    first = network.nodes[0]
    stopped, loser, rotten = break_three(show, network)
    found = wait_rows(network, first, {
        "TIMEOUT_OR_NO_RESPONSE of the stopped": is_row(stopped.account, "TIMEOUT_OR_NO_RESPONSE"),
        "INVALID_TRANSCRIPT of the loser": is_row(loser.account, "INVALID_TRANSCRIPT"),
        "HASH_MISMATCH of the rotten": is_row(rotten.account, "HASH_MISMATCH"),
        "a recheck of the stopped": is_row(stopped.account, "TIMEOUT_OR_NO_RESPONSE", ("repeated", "confirmed")),
        "a recheck of the loser": is_row(loser.account, "INVALID_TRANSCRIPT", ("repeated", "confirmed")),
        "a confirmed recheck of the rotten": is_row(rotten.account, "HASH_MISMATCH", ("confirmed",)),
    }, "the three failures and their rechecks")
    for name, row in found.items():
        show.check(True, f"{name}: epoch {row['epoch']}, found by {row['challenger']}"
                         + (f", {row['recheck']} by another node" if row["recheck"] else "")
                         + (f" ({row['details']})" if row["details"] else ""))
    said = {node["account"]: node for node in first.json("nodes")["nodes"]}
    for node in (stopped, rotten):
        show.check(said[node.account]["suspicion"] > 0, f"the ledger's suspicion of {node.account} is "
                   f"{said[node.account]['suspicion']} {said[node.account]['band']}")
    good = [account for account, node in said.items() if account not in (stopped.account, loser.account, rotten.account)]
    show.check(all(said[account]["suspicion"] == 0 for account in good), f"of {', '.join(good)} it is 0")
    for ticket, path in tickets.items():
        get(show, network.nodes[3], ticket, path, network.folder)


def show_network(show, folder, files, etcd=False):
    show.title(f"a network of {NODES} nodes, its ledger in {'a cluster of three etcd servers' if etcd else 'an SQLite file'}")
    network = Network(folder, etcd=etcd)
    try:
        network.start()
        network.wait_epoch(1)
        show.check(True, f"{NODES} nodes follow one ledger; epoch 1 has begun, {EPOCH_TICKS} ticks of {TICK_MS} ms each")
        tickets = healthy(show, network, files)
        broken(show, network, tickets)
        told = network.agree()
        show.check(True, f"all running nodes have the same state at entry {told['seq']}: {told['state'][:16]}...")
        show.check([node.stop() for node in network.running()] == [0] * (NODES - 1), "all nodes end with status 0")
    finally:
        network.close()
