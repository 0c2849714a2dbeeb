# SPDX-License-Identifier: Apache-2.0
"""A file that loses two of its holders for good: the ledger schedules a heal, a node rebuilds it, others verify it, new holders
take the place of those that are gone."""
import pathlib
import shutil
import time

import nodes
from network import LONG, Network, get, put

TICK_MS, EPOCH_TICKS = 400, 8
WIDTH = 5
PARAMS = {"epoch_length_blocks": EPOCH_TICKS, "tick_interval_ms": TICK_MS, "rq_ids_max": 5, "placement_width": WIDTH,
          # Recent for one epoch, old from then on; everybody is examined in every epoch.
          "storage_truth_recent_bucket_max_blocks": EPOCH_TICKS,
          "storage_truth_old_bucket_min_blocks": EPOCH_TICKS + 1,
          "storage_truth_challenge_target_divisor": 1,
          "storage_truth_enforcement_mode": 2,
          # A node that makes no report for two epochs is out; two failures of a ticket are enough for a heal, and whoever
          # has just failed does not heal.
          "consecutive_epochs_to_postpone": 2, "storage_truth_ticket_deterioration_heal_threshold": 6,
          "storage_truth_node_suspicion_threshold_watch": 2, "storage_truth_node_suspicion_threshold_probation": 5,
          "storage_truth_heal_deadline_epochs": 7, "storage_truth_probation_epochs": 1}
# The same where heals come from `rebalance` alone, and nodes that die in between are not held against them.
REBALANCE_PARAMS = {**PARAMS, "storage_truth_ticket_deterioration_heal_threshold": 100_000, "consecutive_epochs_to_postpone": 100,
                    "storage_truth_node_suspicion_threshold_watch": 20, "storage_truth_node_suspicion_threshold_probation": 50_000,
                    "storage_truth_node_suspicion_threshold_postpone": 90_000,
                    "storage_truth_node_suspicion_threshold_strong_postpone": 140_000,
                    "storage_truth_heal_deadline_epochs": 25}
HEALING = """self_healing {
	enabled = true
	poll_interval_ms = 200
	verifier_fetch_timeout_ms = 10000
	verifier_fetch_backoff_base_ms = 200
}
"""


def healing_network(folder, count=7):
    return Network(folder, count=count, params=PARAMS, extra=HEALING)


def holders(node, ticket):
    return [held["account"] for held in node.json("ticket", "show", ticket)["held_by"]]


def victims_of(network, held, committee=4, wanted=2):
    """Holders that the committee can do without; one of its own if there are too few others."""
    outside = [node for node in network.nodes[committee:] if node.account in held]
    inside = [node for node in network.nodes[1:committee] if node.account in held]
    return (outside + inside[:1])[:wanted]


def destroy(node):
    """For good: the process and all it stored."""
    node.kill()
    shutil.rmtree(node.folder / "state")


def staged(node):
    """Ops that a node has staged."""
    folder = node.folder / "state" / "heal-staging"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def heals(node, ticket=None):
    return [heal for heal in node.json("heals")["heals"] if ticket in (None, heal["ticket"])]


def wait_heal(node, ticket, condition, what):
    """The newest op of the ticket that is so."""
    def look():
        found = [heal for heal in heals(node, ticket) if condition(heal)]
        return found and found[-1]
    return nodes.wait_until(look, what, LONG)


def watch(show, node, ticket):
    """Tells every step of the ticket's ops until one is published; that op."""
    told, deadline = set(), time.monotonic() + LONG
    while time.monotonic() < deadline:
        for heal in heals(node, ticket):
            votes = sum(vote["vote"] == "for" for vote in heal["votes"])
            step = (heal["op"], heal["state"], votes, heal["published"])
            if step in told:
                continue
            told.add(step)
            show.say(f"epoch {heal['epoch']}, heal {heal['op']}: {heal['state']}{', published' if heal['published'] else ''}, "
                     f"healer {heal['healer']}, {votes} of {len(heal['votes'])} votes for it"
                     + (f"; next: {heal['next']}" if heal["next"] else ""))
            if heal["published"]:
                return heal
        time.sleep(0.05)
    raise nodes.Failure(f"waited {LONG} s for a heal of {ticket}: {heals(node, ticket)}")


def settled(network, accounts=None):
    """Nothing is staged anywhere, and no op is open."""
    running = [node for node in network.running() if accounts is None or node.account in accounts]
    return all(not staged(node) for node in running) and not running[0].json("heals", "--open")["heals"]


def show_heal(show, folder, path):
    show.title("a file that loses two of its holders for good, and is healed")
    path, network = pathlib.Path(path), healing_network(folder)
    try:
        network.start()
        network.wait_epoch(1)
        first = network.nodes[0]
        ticket = put(show, first, path)
        before = holders(first, ticket)
        victims = victims_of(network, before)
        for node in victims:
            destroy(node)
        gone = [node.account for node in victims]
        show.say(f"{' and '.join(gone)} are killed, and all they stored is deleted")
        heal = wait_heal(first, ticket, lambda heal: True, "the ledger to schedule a heal")
        show.check(heal["ticket"] == ticket, f"the ledger schedules heal {heal['op']} in epoch {heal['scheduled_epoch']}: "
                   f"healer {heal['healer']}, verifiers {', '.join(vote['verifier'] for vote in heal['votes'])}")
        heal = watch(show, first, ticket)
        show.check(heal["healer"] not in gone and heal["state"] == "verified",
                   f"heal {heal['op']} was verified by {' and '.join(v['verifier'] for v in heal['votes'] if v['vote'] == 'for')}")
        after = holders(first, ticket)
        show.check(not set(after) & set(gone) and len(after) == WIDTH,
                   f"{heal['healer']} has brought it to new holders: {', '.join(after)} instead of {', '.join(before)}")
        reader = next(node for node in reversed(network.running()) if node.account != heal["healer"])
        get(show, reader, ticket, path, network.folder)
        nodes.wait_until(lambda: settled(network), "all that was staged to be gone", LONG)
        show.check(True, f"nothing is staged any more, and {' and '.join(gone)} are still gone")
        told = network.agree()
        show.check(True, f"all running nodes have the same state at entry {told['seq']}: {told['state'][:16]}...")
        show.check(all(node.stop() == 0 for node in network.running()), "all nodes end with status 0")
    finally:
        network.close()
