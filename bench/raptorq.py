#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The codec beside other implementations, as docs/raptorq-performance.md has it: every case in turn by everybody, for some rounds,
so that all see the same machine; then the codec's own report.

    chrt -r 10 bench/raptorq.py BUILD --peer nanorq=PATH --peer cberner=PATH

A peer is a driver as in bench/peers, called with K, T and seconds. A ratio is the codec's figure over the best peer's of the same
round; the table has the median of the rounds' ratios, and in brackets the least and the greatest.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys

CASES = ((100, 1280), (1000, 1280), (10000, 1280), (50000, 1280), (17, 65528), (161, 65528), (1601, 65528), (16387, 65528))
NAMES = {"warm": "encode, 10 % repair", "cold": "the same, cold", "d5": "decode, 5 % lost", "d17": "17 % lost", "d50": "50 % lost",
         "d83": "83 % lost", "heal": "heal: decode and 5K repair"}
TARGETS = {(100, 1280): {"warm": 8, "cold": 6, "d5": 9, "d50": 7}, (1000, 1280): {"warm": 5, "cold": 5.2, "d5": 5.6, "d50": 6},
           (10000, 1280): {"warm": 4.8, "cold": 4.8, "d5": 5, "d50": 5.5}, (50000, 1280): {"warm": 5, "cold": 5, "d5": 5.5, "d50": 5},
           (161, 65528): {"warm": 7, "d83": 7, "heal": 9}, (1601, 65528): {"warm": 7, "d83": 6.5, "heal": 8},
           (16387, 65528): {"warm": 6.5, "d83": 5.5}}
LARGE = 500_000_000  # bytes of a block from which on one round and two runs have to do


def run(command, k, t, seconds, cpu, huge):
    """What a driver prints, as numbers by name; nothing when it fails."""
    environment = dict(os.environ)
    environment.pop("HUGE", None)
    if huge:
        environment["HUGE"] = "1"
    # The heap keeps what it has, so that nobody pays for fresh pages in every run.
    environment |= {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "68719476736", "MALLOC_TOP_PAD_": "67108864"}
    done = subprocess.run(["taskset", "-c", str(cpu), *command, str(k), str(t), str(seconds)], capture_output=True, text=True,
                          check=False, env=environment)
    words = [word for word in done.stdout.split() if "=" not in word][1:]
    if done.returncode != 0:
        print(f"{command[0]} {k} {t}: {done.stderr.strip().splitlines()[-1:] or done.returncode}", file=sys.stderr)
    return {name: float(value) for name, value in zip(words[::2], words[1::2])}


def show(case, results, names):
    """One table: a row for each measurement of the case."""
    k, t = case
    print(f"\n| K={k} T={t} | {' | '.join(names)} | ratio | target |")
    print("|---" * (len(names) + 3) + "|")
    for what, text in NAMES.items():
        rounds = [r for r in results if what in r[names[0]]]
        if not rounds:
            continue
        ratios = sorted(r[names[0]][what] / max(others) for r in rounds
                        if (others := [r[name][what] for name in names if not name.startswith("assay") and what in r[name]]))
        best = [max((r[name].get(what, 0) for r in rounds), default=0) for name in names]
        ratio = f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})" if ratios else ""
        print(f"| {text} | {' | '.join(f'{value:.0f}' if value else '-' for value in best)} | {ratio} | "
              f"{TARGETS.get(case, {}).get(what, '')} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="build folder of assay")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH", help="driver of a peer; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each measurement")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--case", action="append", metavar="K,T", help="only these; may be repeated")
    parser.add_argument("--no-report", action="store_true", help="only the comparison")
    arguments = parser.parse_args()
    own = str(arguments.build / "bench" / "raptorq_bench")
    peers = dict(peer.split("=", 1) for peer in arguments.peer)
    drivers = {"assay": ([own, "--driver"], True), "assay, heap": ([own, "--driver"], False)}
    drivers |= {name: ([path], False) for name, path in peers.items()}
    cases = [tuple(map(int, case.split(","))) for case in arguments.case] if arguments.case else CASES
    for k, t in cases:
        large = k * t > LARGE
        results = []
        for _ in range(2 if large else arguments.rounds):
            results.append({name: run(command, k, t, 0 if large else arguments.seconds, arguments.cpu, huge)
                            for name, (command, huge) in drivers.items()})
        show((k, t), results, list(drivers))
    if not arguments.no_report:
        print(flush=True)
        for huge in ({"HUGE": "1"}, {}):
            subprocess.run([own], check=True, env=os.environ | huge)


if __name__ == "__main__":
    main()
