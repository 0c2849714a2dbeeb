# SPDX-License-Identifier: Apache-2.0
"""A client on a UDP socket: handshake with cookie, PING, PROVE, READ, CLOSE."""
import os
import random
import socket
import struct
import time

from . import wire
from .answer import CallAnswer, ProveAnswer, ReadAnswer, WriteAnswer
from .blake3 import CHUNK, chunk_value
from .noise import Handshake

WINDOW = 2048


class ReplayWindow:
    def __init__(self):
        self.highest, self.seen = 0, set()

    def check(self, counter):
        if counter == 0 or counter + WINDOW <= self.highest:
            return "replay_old"
        return "replay_seen" if counter in self.seen else ""

    def mark(self, counter):
        self.highest = max(self.highest, counter)
        self.seen.add(counter)
        if len(self.seen) > 2 * WINDOW:
            self.seen = {c for c in self.seen if c + WINDOW > self.highest}


class Refused(Exception):
    """The responder refused: its reason, the wait in ms and the parameter."""

    def __init__(self, reason, wait_ms, parameter):
        super().__init__(reason)
        self.reason, self.wait_ms, self.parameter = reason, wait_ms, parameter


class Session:
    """One session of an initiator. `last` keeps the last datagram sent, for tests that replay it."""

    def __init__(self, peer, identity, address, timeout=10.0):
        self.peer, self.identity, self.timeout = peer, identity, timeout
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.counter, self.window = 0, ReplayWindow()
        self.dropped = []  # reasons why incoming datagrams were not taken
        self.resets, self.last, self.cookies = [], b"", 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def connect(self):
        """The handshake, with retries and a cookie when one is asked for."""
        deadline, waits, cookie = time.monotonic() + self.timeout, [0.5, 1, 2, 4], None
        while waits and time.monotonic() < deadline:
            attempt = Handshake(self.peer, os.urandom(32), random.getrandbits(32), time.time_ns(), cookie=cookie)
            self.socket.send(attempt.hello)
            answer = self._handshake_answer(attempt, time.monotonic() + waits[0] * random.uniform(0.8, 1.2))
            if isinstance(answer, bytes):
                cookie, self.cookies = answer, self.cookies + 1
                continue
            if answer:
                self.k_i, self.k_r, self.welcome = answer
                self.index, self.remote = attempt.index, self.welcome["index"]
                self.counter, self.window = 0, ReplayWindow()
                return self
            waits.pop(0)
        raise TimeoutError("no answer to the handshake")

    def _handshake_answer(self, attempt, deadline):
        while (p := self.receive(deadline)) is not None:
            found = attempt.read_cookie(p) or attempt.read_welcome(p)
            if found:
                return found
        return None

    def receive(self, deadline):
        """Next datagram before the deadline (monotonic seconds), or None."""
        self.socket.settimeout(max(0.0, deadline - time.monotonic()) or 1e-6)
        try:
            return self.socket.recv(9000)
        except (TimeoutError, BlockingIOError):
            return None

    def send(self, kind, body, tag_change=0):
        """Sends a request; returns its counter. tag_change is xored into the tag's first byte, for tests."""
        self.counter += 1
        p = bytearray(wire.message(self.k_i, kind, self.remote, self.counter, body))
        p[16] ^= tag_change
        self.last = bytes(p)
        self.socket.send(self.last)
        return self.counter

    def open(self, p):
        """Checks the head of an incoming datagram: reason, or empty when it is a message of this session."""
        if len(p) < 8:
            return "short"
        version, kind, length, index = struct.unpack_from("<BBHI", p)
        if version != 1:
            return "version"
        if kind not in wire.SHORTEST:
            return "role" if kind in (wire.RESET, wire.VERSION) else "type"
        if length != len(p) or len(p) < wire.SHORTEST[kind]:
            return "length"
        if index != self.index:
            return "session"
        return self.window.check(struct.unpack_from("<Q", p, 8)[0])

    def next_message(self, deadline):
        """Next message of this session with a fresh counter, or None. RESETs are noted and skipped."""
        while (p := self.receive(deadline)) is not None:
            reason = self.open(p)
            if reason == "":
                return p
            if len(p) == 32 and p[:4] == struct.pack("<BBH", 1, wire.RESET, 32):
                self.resets.append(wire.CODES.get(struct.unpack_from("<H", p, 16)[0]))
            else:
                self.dropped.append(reason)
        return None

    def accept(self, p):
        self.window.mark(struct.unpack_from("<Q", p, 8)[0])

    def ping(self, wait=60.0):
        """Asks every second until the deadline. Round trip in seconds since the first question, or None."""
        opaque, start = os.urandom(24), time.monotonic()
        while (now := time.monotonic()) < start + wait:
            self.send(wire.PING, opaque)
            while (p := self.next_message(min(now + 1, start + wait))) is not None:
                if p[1] == wire.PONG and p[32:] == opaque and wire.tag(self.k_r, p, p[32:]) == p[16:32]:
                    self.accept(p)
                    return time.monotonic() - start
        return None

    def close(self):
        self.send(wire.CLOSE, bytes(24))

    def ask(self, kind, body, answer, done):
        """Sends, repeats and collects until done(answer) or the deadline; raises Refused."""
        return self.collect(lambda: self.send(kind, body), answer, done)

    def collect(self, send, answer, done):
        deadline, wait = time.monotonic() + self.timeout, 0.25
        while time.monotonic() < deadline:
            answer.counters.add(send())
            until = min(deadline, time.monotonic() + wait)
            while (p := self.next_message(until)) is not None:
                reason = answer.add(p)
                if reason:
                    self.dropped.append(reason)
                    continue
                self.accept(p)
                if answer.refused:
                    raise Refused(*answer.refused)
                if done(answer):
                    return answer
            wait *= 2
        return answer

    def prove(self, body):
        """Asks for a proof; the answer's verdict() says what it is worth."""
        answer = ProveAnswer(self.k_r, set(), self.peer, self.identity, body)
        return self.ask(wire.PROVE, body, answer, lambda a: a.verdict() != "INCOMPLETE")

    def write(self, kind, body):
        """WRITE_OPEN or WRITE_COMMIT: what the responder says of the transfer."""
        return self.ask(kind, body, WriteAnswer(self.k_r, set()), lambda a: a.parts)

    def write_chunk(self, transfer, chunk, data, only=False):
        """WRITE_DATA, whose tag is over the chunk's value."""
        def send():
            self.counter += 1
            value = chunk_value(data, chunk, only)
            self.last = wire.write_data(self.k_i, self.remote, self.counter, transfer, chunk, data, value)
            self.socket.send(self.last)
            return self.counter
        return self.collect(send, WriteAnswer(self.k_r, set()), lambda a: a.parts)

    def push(self, key, data, order=lambda chunks: chunks):
        """The whole artifact, chunk after chunk in that order, until it is durable; the last state."""
        state = self.write(wire.WRITE_OPEN, wire.write_open_body(key, len(data)))
        chunks = [data[i:i + CHUNK] for i in range(0, len(data), CHUNK)]
        while state.state == WriteAnswer.OPEN and state.first_missing < len(chunks):
            for i in order(list(range(state.first_missing, min(len(chunks), state.limit())))):
                state = self.write_chunk(state.transfer, i, chunks[i], len(chunks) == 1)
        wait, deadline = 0.02, time.monotonic() + self.timeout
        while state.state in (WriteAnswer.OPEN, WriteAnswer.CHECKING) and time.monotonic() < deadline:
            state = self.write(wire.WRITE_COMMIT, wire.write_commit_body(state.transfer))
            time.sleep(wait)
            wait *= 1.5
        return state

    def call(self, method, question, nonce=None):
        """A question to the responder's control: its RESULT."""
        body = wire.call_body(method, nonce or os.urandom(16), question)
        return self.ask(wire.CALL, body, CallAnswer(self.k_r, set()), lambda a: a.parts)

    def read(self, key, first, count, hashes=True, grant=0):
        body = wire.read_body(key, first, count, hashes, grant)
        return self.ask(wire.READ, body, ReadAnswer(self.k_r, set(), body), lambda a: a.complete())

    def fetch(self, key, grant=0):
        """The whole artifact, every chunk verified; the size is proved by its last chunk first."""
        last = self.read(key, wire.NO_CHUNK, 1, grant=grant)
        if last.verified() is None or not last.proves_size:
            raise ValueError("last chunk does not verify")
        count = max(last.verified()) + 1
        data = {}
        for first in range(0, count, 16):
            part = self.read(key, first, 16, grant=grant).verified()
            if part is None:
                raise ValueError(f"chunks from {first} do not verify")
            data.update(part)
        return b"".join(data[i] for i in range(count))
