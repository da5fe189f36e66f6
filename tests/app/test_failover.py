"""Two servers behind a balancer, of which one and then the other is killed under load: boto3's own retries are all that a client needs."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.app.kit import up
from tests.balanced import Balancer
from tests.postgres import Server
from windtunnel.app.local import Clients

LEASE_SECONDS = 2.5
PAUSE_SECONDS = 0.1
ROLE = "arn:aws:iam::000000000000:role/runs"


class Pair:
    """Two servers that can be killed and started again at their ports; `region.client` asks the balancer."""

    def __init__(self, folder: Path, store: Server) -> None:
        self._folder, self._words = folder, ("--store", store.url, "--blobs", f"file://{folder}/bytes")
        self._running = ExitStack()
        self._processes: dict[str, int] = {}
        self._ports = {"one": 0, "two": 0}
        for name in self._ports:
            self.start(name)
        self._balancer = Balancer(list(self._ports.values()))
        self._running.callback(self._balancer.close)
        self._clients = Clients(f"http://localhost:{self._balancer.port}")
        self._running.callback(self._clients.close)

    def start(self, name: str) -> None:
        process, endpoint = self._running.enter_context(up(self._folder / name, *self._words, "--port", str(self._ports[name])))
        self._processes[name], self._ports[name] = process.pid, urlsplit(endpoint).port or 0

    def kill(self, name: str) -> None:
        os.kill(self._processes[name], signal.SIGKILL)

    def client(self, service: str) -> Any:
        """With boto3's settings as they are."""
        return self._clients.client(service, "us-east-1", ("test", "test"), {})

    def close(self) -> None:
        self._running.close()


@pytest.fixture
def pair(tmp_path: Path, postgres: Server) -> Iterator[Pair]:
    postgres.empty()
    pair = Pair(tmp_path, postgres)
    yield pair
    pair.close()
    gc.collect()


class Load:
    """Calls one after the other, each of which has to succeed."""

    def __init__(self, call: Callable[[int], object]) -> None:
        self._call = call
        self.done = 0
        self.failure: Exception | None = None
        self._enough = Event()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._enough.is_set() and self.failure is None:
            try:
                self._call(self.done)
            except Exception as failure:  # whatever it is, it is what the story is about
                self.failure = failure
            else:
                self.done += 1
                self._enough.wait(PAUSE_SECONDS)

    def end(self) -> int:
        """How many succeeded."""
        self._enough.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure
        return self.done


def received(sqs: Any, url: str, until: Callable[[list[str]], bool]) -> list[str]:
    """The bodies of a queue's messages, once they are what is waited for."""
    bodies: list[str] = []
    for _ in range(200):
        if messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", []):
            bodies += [message["Body"] for message in messages]
            entries = [{"Id": message["MessageId"], "ReceiptHandle": message["ReceiptHandle"]} for message in messages]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        if until(bodies):
            break
    return bodies


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3 leaves it to the collector to close what broke under it
def test_servers_that_are_killed_in_turn_go_unnoticed(pair: Pair) -> None:
    sqs, s3, functions = pair.client("sqs"), pair.client("s3"), pair.client("lambda")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("plain", "late", "ran")}
    urls["fifo"] = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    s3.create_bucket(Bucket="box")
    _make_function(functions, urls["ran"])

    def order(number: int) -> None:
        sqs.send_message(QueueUrl=urls["fifo"], MessageBody=str(number), MessageGroupId="g", MessageDeduplicationId=str(number))

    def put(number: int) -> None:
        body = str(number).encode() * 30_000
        s3.put_object(Bucket="box", Key=f"k{number % 5}", Body=body)
        assert s3.get_object(Bucket="box", Key=f"k{number % 5}")["Body"].read() == body

    def invoke(number: int) -> None:
        functions.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps(number))

    time = Event()
    loads = {
        "plain": Load(lambda number: sqs.send_message(QueueUrl=urls["plain"], MessageBody=str(number))),
        "late": Load(lambda number: sqs.send_message(QueueUrl=urls["late"], MessageBody=str(number), DelaySeconds=3)),
        "fifo": Load(order),
        "put": Load(put),
        "ran": Load(invoke),
    }
    try:
        for name in ("one", "two"):
            time.wait(1)
            pair.kill(name)  # it leads
            time.wait(LEASE_SECONDS + 1.5)
            pair.start(name)
    finally:
        done = {name: load.end() for name, load in loads.items()}
    assert min(done.values()) > 20, done
    for name in ("plain", "late", "ran"):
        wanted = {str(number) for number in range(done[name])}
        assert set(received(sqs, urls[name], lambda bodies, wanted=wanted: wanted <= set(bodies))) == wanted, name
    in_order = [str(number) for number in range(done["fifo"])]
    assert received(sqs, urls["fifo"], lambda bodies: len(bodies) >= len(in_order)) == in_order


def _make_function(functions: Any, url: str) -> None:
    """What it is invoked with goes to a queue, without an SDK, which takes long to load where many environments start at once."""
    source = f"""
import json, os
from urllib.request import Request, urlopen

HEADERS = {{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}}

def handler(event, context):
    body = json.dumps({{"QueueUrl": {url!r}, "MessageBody": str(event)}}).encode()
    urlopen(Request(os.environ["AWS_ENDPOINT_URL"], body, HEADERS)).close()
"""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("app.py", source)
    runtime = f"python3.{sys.version_info.minor}"
    code = {"ZipFile": zipped.getvalue()}
    functions.create_function(FunctionName="f", Runtime=runtime, Handler="app.handler", Role=ROLE, Code=code, Timeout=20, MemorySize=256)
