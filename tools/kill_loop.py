"""Kills a region under load with SIGKILL, again and again, and checks each time that it lost nothing it had acknowledged.

    python -m tools.kill_loop --rounds 200 [--seed N]

A round: load from several threads, kill -9 at a random moment, start again, let pass the time of delays and retries, and audit.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.kill_work import Invoker, Orderly, Publisher, Putter, Sender, Worker

ROOT = Path(__file__).resolve().parents[1]
RUNTIME = f"python3.{sys.version_info.minor}"
LOAD_SECONDS = (0.05, 1.2)
START_SECONDS_MAX = 120.0
SETTLE = "20m"
"""Longer than any delay, visibility timeout or retry of the load."""


class Region:
    """`windtunnel up` as a process that can be killed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._log = (data / "log.txt").open("ab")

    def start(self) -> float:
        """Returns the seconds until the first answer."""
        begin = time.perf_counter()
        command = [sys.executable, "-m", "windtunnel", "up", "--port", str(self.port), "--data", str(self.data / "region")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        self._process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log)
        while time.perf_counter() - begin < START_SECONDS_MAX:
            try:
                self._ask("health")
                return time.perf_counter() - begin
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None:
                    break
                time.sleep(0.01)
        raise RuntimeError(f"the region does not start again; see {self._log.name}")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def settle(self) -> None:
        """Lets pass so much time that everything that is to happen has happened."""
        self._ask("clock", b'{"jump": "' + SETTLE.encode() + b'"}')

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _ask(self, name: str, body: bytes | None = None) -> None:
        with urllib.request.urlopen(f"{self.endpoint}/_windtunnel/{name}", data=body, timeout=START_SECONDS_MAX) as answer:
            answer.read()


class Clients:
    """boto3's clients, which never try twice: what a call's answer says is what counts."""

    def __init__(self, endpoint: str) -> None:
        self._session = boto3.session.Session("test", "test", region_name="us-east-1")
        self._endpoint = endpoint

    def __call__(self, service: str) -> Any:
        patience = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60)
        return self._session.client(service, endpoint_url=self._endpoint, config=patience)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="chooses the moments and the load (default: a new one)")
    parsed = parser.parse_args(arguments)
    seed = parsed.seed if parsed.seed is not None else int(time.time())
    print(f"seed {seed}, {parsed.rounds} rounds", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="windtunnel-kill-"))
    wrong = run(folder, parsed.rounds, Random(seed))
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    if wrong:
        print(f"the region's folder and log are left in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def run(folder: Path, rounds: int, random: Random) -> list[str]:
    """Returns what was found wrong, in sentences."""
    region = Region(folder)
    totals: Counter[str] = Counter()
    wrong: list[str] = []
    try:
        first = region.start()
        client = Clients(region.endpoint)
        workers: list[Worker] = [
            Sender(client, "sent"),
            Sender(client, "delayed", delay=30),
            Orderly(client),
            Publisher(client),
            Putter(client),
            Invoker(client, RUNTIME),
        ]
        print(f"started in {first * 1_000:.0f} ms", flush=True)
        for number in range(1, rounds + 1):
            wrong += _round(region, workers, random, number, totals)
            if wrong:
                break
    finally:
        region.close()
    print("in all: " + ", ".join(f"{count:,} {name}" for name, count in totals.items()) + f"; {len(wrong)} wrong", flush=True)
    return wrong


def _round(region: Region, workers: list[Worker], random: Random, number: int, totals: Counter[str]) -> list[str]:
    wrong: list[str] = []
    before = {worker.name: worker.acknowledged for worker in workers}
    threads = [Thread(target=_work, args=(worker, Random(random.random()), wrong), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    seconds = random.uniform(*LOAD_SECONDS)
    time.sleep(seconds)
    region.kill()
    for thread in threads:
        thread.join()
    back = region.start()
    region.settle()
    for worker in workers:
        try:
            wrong += worker.audit()
        except ClientError as error:
            wrong.append(f"{worker.name}: the audit was refused: {error}")
    done = {worker.name: worker.acknowledged - before[worker.name] for worker in workers}
    totals.update(done)
    told = ", ".join(f"{count} {name}" for name, count in done.items())
    print(
        f"{number:>4}: killed after {seconds:.2f} s with {told} acknowledged; back in {back * 1_000:.0f} ms; {len(wrong)} wrong", flush=True
    )
    return [f"round {number}: {sentence}" for sentence in wrong]


def _work(worker: Worker, random: Random, wrong: list[str]) -> None:
    """Works until the connection breaks, as it must when the region is killed. A refusal is wrong."""
    try:
        while True:
            worker.step(random)
    except ClientError as error:
        wrong.append(f"{worker.name}: {error}")
    except BotoCoreError:
        return


if __name__ == "__main__":
    sys.exit(main())
