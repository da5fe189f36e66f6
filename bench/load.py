"""The generator: a process of its own that keeps a few connections busy with ready-made bytes and spends little CPU on answers.

It reads a pickled `Load` from standard input and prints a JSON `Outcome`.
"""

import itertools
import json
import os
import pickle
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, field

from bench.proc import Cpu
from bench.sign import Signer

SILENCE_SECONDS_MAX = 60.0
ERRORS_MAX = 20
SMALL_BYTES = 65536
"""Answers up to this length are kept, for the script to read; of longer ones only the length counts."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"^HTTP/1\.0|\r\nconnection: *close", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """What to send, how, and for how long at the most."""

    port: int
    pid: int
    connections: int
    seconds: float
    count: int = 10**9
    requests: list[bytes] = field(default_factory=list[bytes])
    once: bool = False
    """Every request is sent once, instead of all of them again and again."""
    warm: int = 0
    """Answers before the measuring begins."""
    drain: "Drain | None" = None
    core: int | None = None


@dataclass(frozen=True)
class Drain:
    """Receive+Delete: pairs of requests where the second depends on the first; `refill` is sent between chunks, outside the measure."""

    signer: Signer
    queue_url: str
    chunk: int
    refill: list[bytes]


@dataclass
class Outcome:
    """What was measured: `done` units (requests, or pairs of them) in `seconds`, with the server's CPU for all of them."""

    done: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    bytes: int = 0
    empty: int = 0
    errors: list[str] = field(default_factory=list[str])
    latencies: list[float] = field(default_factory=list[float])


Script = Generator[bytes, bytes, None]


class Connection:
    """One keep-alive connection that plays one script; it connects again where the server closes."""

    def __init__(self, load: Load, outcome: Outcome, epoll: select.epoll, script: Script) -> None:
        self.load, self.outcome, self.epoll, self.script = load, outcome, epoll, script
        self.buffer = bytearray(1 << 20)
        self.view = memoryview(self.buffer)
        self.connect()
        self.alive = self.play(None)

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.load.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.epoll.register(self.socket.fileno(), select.EPOLLIN)
        self.blocked = False

    def play(self, answer: bytes | None) -> bool:
        try:
            request = next(self.script) if answer is None else self.script.send(answer)
        except StopIteration:
            self.close()
            return False
        self.head, self.wanted, self.got, self.closes = b"", -1, 0, False
        self.out = memoryview(request)
        self.write()
        return True

    def write(self) -> None:
        try:
            while self.out:
                self.out = self.out[self.socket.send(self.out) :]
        except BlockingIOError:
            if not self.blocked:
                self.blocked = True
                self.epoll.modify(self.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
        except (BrokenPipeError, ConnectionResetError):
            self.out = self.out[:0]  # an answer may lie there all the same
        if self.blocked and not self.out:
            self.blocked = False
            self.epoll.modify(self.socket.fileno(), select.EPOLLIN)

    def read(self) -> None:
        try:
            size = self.socket.recv_into(self.view)
        except BlockingIOError:
            return
        except ConnectionResetError:
            size = 0
        if self.wanted == -1:
            self.head += bytes(self.view[:size])
            end = self.head.find(b"\r\n\r\n")
            if end >= 0:
                self.begin_body(end)
        else:
            self.got += size
            if self.wanted < SMALL_BYTES:
                self.head += bytes(self.view[:size])
        if self.complete():
            self.finish()
        elif not size:
            self.broken("closed before the end of an answer")

    def complete(self) -> bool:
        if self.wanted == -2:
            return self.head.endswith(b"0\r\n\r\n")
        return 0 <= self.wanted <= self.got

    def begin_body(self, end: int) -> None:
        head = self.head[: end + 2]
        self.closes = bool(CLOSES.search(head))
        if CHUNKED.search(head):
            self.wanted = -2
        else:
            length = LENGTH.search(head)
            self.wanted = int(length[1]) if length else 0
        self.got = len(self.head) - end - 4

    def finish(self) -> None:
        answer, self.outcome.bytes = self.head, self.outcome.bytes + self.got
        if answer[9:10] != b"2":
            self.outcome.errors.append(answer[:600].decode("latin-1"))
        if self.closes:
            self.reconnect()
        self.alive = self.play(answer)

    def broken(self, why: str) -> None:
        self.outcome.errors.append(why)
        self.reconnect()
        self.alive = self.play(b"")

    def reconnect(self) -> None:
        self.close()
        self.connect()

    def close(self) -> None:
        self.epoll.unregister(self.socket.fileno())
        self.socket.close()


def play(load: Load, outcome: Outcome, scripts: list[Script]) -> None:
    """Plays every script to its end, each on a connection of its own."""
    with select.epoll() as epoll:
        connections = [Connection(load, outcome, epoll, script) for script in scripts]
        alive = [c for c in connections if c.alive]
        by_number = {c.socket.fileno(): c for c in alive}
        while alive and len(outcome.errors) < ERRORS_MAX:
            ready = epoll.poll(SILENCE_SECONDS_MAX)
            if not ready:
                outcome.errors.append(f"no answer for {SILENCE_SECONDS_MAX:.0f} seconds")
                break
            for number, events in ready:
                connection = by_number.pop(number)
                if events & select.EPOLLOUT:
                    connection.write()
                if events & ~select.EPOLLOUT:
                    connection.read()
                if connection.alive:
                    by_number[connection.socket.fileno()] = connection
            alive = list(by_number.values())
        for connection in alive:
            connection.close()


def cycle(requests: list[bytes], latencies: list[float], proceed: Callable[[], bool]) -> Script:
    for request in itertools.cycle(requests):
        if not proceed():
            return
        began = time.perf_counter()
        yield request
        latencies.append(time.perf_counter() - began)


def send_once(requests: Iterator[bytes], deadline: float, outcome: Outcome) -> Script:
    """Several of these share one iterator."""
    for request in requests:
        yield request
        outcome.done += 1
        if time.perf_counter() > deadline:
            return


def receive_and_delete(drain: Drain, outcome: Outcome, proceed: Callable[[], bool]) -> Script:
    receive = json.dumps({"QueueUrl": drain.queue_url, "MaxNumberOfMessages": 1, "VisibilityTimeout": 3600}).encode()
    receive_request = drain.signer.sqs("ReceiveMessage", receive)
    while proceed():
        began = time.perf_counter()
        answer = yield receive_request
        handle = re.search(rb'"ReceiptHandle" *: *("(?:[^"\\]|\\.)*")', answer)
        if not handle:
            outcome.empty += 1
            if outcome.empty > ERRORS_MAX:
                outcome.errors.append("the queue gave nothing")
                return
            continue
        delete = json.dumps({"QueueUrl": drain.queue_url, "ReceiptHandle": json.loads(handle[1])}).encode()
        yield drain.signer.sqs("DeleteMessage", delete)
        outcome.latencies.append(time.perf_counter() - began)


def share(requests: list[bytes], index: int, connections: int) -> list[bytes]:
    """Each connection has requests of its own, so that no two write the same object at the same time."""
    return requests[index::connections] if len(requests) >= connections else requests


def budget(count: int, deadline: float) -> Callable[[], bool]:
    """True as often as there is something left to send, to all connections together."""
    left = iter(range(count))
    return lambda: next(left, None) is not None and time.perf_counter() < deadline


def send_everything(load: Load, outcome: Outcome, requests: list[bytes]) -> Outcome:
    rest, deadline = iter(requests), time.perf_counter() + load.seconds
    play(load, outcome, [send_once(rest, deadline, outcome) for _ in range(min(load.connections, len(requests)))])
    return outcome


def run(load: Load) -> Outcome:
    outcome, cpu = Outcome(), Cpu(load.pid)
    if load.once:
        return send_everything(load, outcome, load.requests)
    deadline = time.perf_counter() + load.seconds
    if load.warm:
        proceed = budget(load.warm, deadline)
        play(load, outcome, [cycle(share(load.requests, i, load.connections), [], proceed) for i in range(load.connections)])
        outcome = Outcome(errors=outcome.errors)
        deadline = time.perf_counter() + load.seconds
    while time.perf_counter() < deadline and len(outcome.latencies) < load.count and not outcome.errors:
        drain = load.drain
        count = min(load.count - len(outcome.latencies), drain.chunk if drain else load.count)
        proceed = budget(count, deadline)
        scripts = [
            receive_and_delete(drain, outcome, proceed)
            if drain
            else cycle(share(load.requests, index, load.connections), outcome.latencies, proceed)
            for index in range(load.connections)
        ]
        cpu.begin()
        began = time.perf_counter()
        play(load, outcome, scripts)
        outcome.seconds += time.perf_counter() - began
        cpu.end()
        if drain:
            send_everything(load, Outcome(errors=outcome.errors), drain.refill)
    outcome.done = len(outcome.latencies)
    outcome.cpu = cpu.seconds
    return outcome


def main() -> None:
    load: Load = pickle.load(sys.stdin.buffer)
    if load.core is not None:
        os.sched_setaffinity(0, {load.core})
    outcome = asdict(run(load))
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main()
