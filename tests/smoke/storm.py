#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Malformed datagrams in masses: clients keep being served, and every datagram is accounted for."""
import os
import random
import socket
import threading
import time

from smoke import Handshake, SmokeCase, main, nodes, prove_body, sample, wire

PROOFS = 50
REASONS = {"short", "version", "type", "length", "session", "address", "reserved", "replay_seen", "tag",
           "hello_length", "hello_unknown", "hello_mac1"}


class Storm(SmokeCase):
    def test_storm(self):
        server = self.node("server")
        data = sample(65532)
        key = bytes.fromhex(server.put(self.file("file", data)))
        client = self.client(server)
        victim = self.client(server, account="victim").connect()
        client.connect()
        self.addCleanup(client.socket.close)
        self.addCleanup(victim.socket.close)
        self.assertIsNotNone(victim.ping())
        known = [victim.last, wire.message(victim.k_i, wire.PROVE, victim.remote, 7,
                                           prove_body(data, key, [0, 1000, 2000, 3000], 256)),
                 wire.message(victim.k_i, wire.READ, victim.remote, 8, wire.read_body(key, 0, 16)),
                 Handshake(victim.peer, os.urandom(32), 9, time.time_ns()).hello]
        # From a stranger's address, and from the one that the session belongs to.
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.connect(server.address)
        self.addCleanup(stranger.close)
        sockets = (stranger, victim.socket)
        counts, stop = [0] * len(sockets), threading.Event()
        threads = [threading.Thread(target=self.storm, args=(out, known, stop, counts, i))
                   for i, out in enumerate(sockets)]
        for thread in threads:
            thread.start()
        served, deadline = 0, time.monotonic() + 2 * nodes.PATIENCE
        try:
            while served < PROOFS or not REASONS <= set(server.drops()):
                self.assertLess(time.monotonic(), deadline, f"{served} proofs, drops: {server.drops()}")
                offsets = [random.randrange(len(data) - 256) for _ in range(4)]
                answer = client.prove(prove_body(data, key, offsets, 256))
                self.assertEqual("PASS", answer.verdict())
                served += 1
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        print(f"{sum(counts)} malformed datagrams, {served} proofs served meanwhile, drops: {server.drops()}")
        self.assertIsNotNone(client.ping())
        self.assert_adds_up(server)
        received = sum(worker["received"] for worker in server.workers())
        self.assertGreater(received, served)

    @staticmethod
    def storm(out, known, stop, counts, number):
        """Random bytes, and good datagrams with some bits turned or cut."""
        rng = random.Random(number)
        while not stop.is_set():
            for _ in range(20):
                p = bytearray(rng.choice(known) if rng.random() < 0.8 else rng.randbytes(rng.randrange(1500)))
                for _ in range(rng.choice((0, 1, 1, 2, 4))):
                    if p:
                        p[rng.randrange(len(p))] ^= 1 << rng.randrange(8)
                if rng.random() < 0.2:
                    p = p[:rng.randrange(len(p) + 1)]
                try:
                    out.send(p)
                    counts[number] += 1
                except OSError:  # an ICMP error for an earlier datagram
                    pass
            time.sleep(0.002)


if __name__ == "__main__":
    main()
