"""`windtunnel up --workers N`: one region, whichever process answers; one that is killed takes nothing with it but its open requests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.app.kit import up, windtunnel

LEASE_SECONDS = 2.5
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


def client(service: str, endpoint: str) -> Any:
    """A client with connections of its own, so that another worker may answer it than the last one."""
    boto: Any = boto3
    return boto.session.Session().client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}), **KEYS)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that serve, in the order of their start."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("the system doesn't tell of a process's children")
    return sorted(map(int, children.read_text().split()))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with up(tmp_path / "data", "--workers", "2") as (process, endpoint):
        yield process, endpoint
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_long_poll_of_one_worker_receives_what_another_was_sent(served: tuple[subprocess.Popen[str], str]) -> None:
    _, endpoint = served
    url = client("sqs", endpoint).create_queue(QueueName="q")["QueueUrl"]
    with ThreadPoolExecutor(8) as pool:
        senders = [client("sqs", endpoint) for _ in range(8)]
        polls = [pool.submit(client("sqs", endpoint).receive_message, QueueUrl=url, WaitTimeSeconds=20) for _ in range(8)]
        for number, sender in enumerate(senders):
            sender.send_message(QueueUrl=url, MessageBody=str(number))
        bodies = [message["Body"] for poll in polls for message in poll.result(20).get("Messages", [])]
    assert sorted(bodies) == [str(number) for number in range(8)]


def test_workers_that_are_killed_lose_nothing_that_was_acknowledged(served: tuple[subprocess.Popen[str], str]) -> None:
    process, endpoint = served
    url = client("sqs", endpoint).create_queue(QueueName="q")["QueueUrl"]
    acknowledged: list[str] = []
    enough = Event()

    def send(sender: int) -> None:
        number, sqs = 0, client("sqs", endpoint)
        while not enough.is_set():
            try:
                sqs.send_message(QueueUrl=url, MessageBody=f"{sender}-{number}")
                acknowledged.append(f"{sender}-{number}")
            except (BotoCoreError, ClientError):
                pass  # its worker was killed under it
            number += 1

    threads = [Thread(target=send, args=(sender,)) for sender in range(3)]
    for thread in threads:
        thread.start()
    for kills in range(5):
        while len(acknowledged) < 20 * (kills + 1) and any(thread.is_alive() for thread in threads):
            enough.wait(0.01)
        if kills < 4:
            os.kill(workers_of(process)[0], signal.SIGKILL)
    enough.set()
    for thread in threads:
        thread.join()
    found: set[str] = set()
    sqs = client("sqs", endpoint)
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600).get("Messages", []):
        found |= {message["Body"] for message in messages}
    assert len(acknowledged) >= 100
    assert not set(acknowledged) - found


def test_timers_go_on_after_their_leader_was_killed(served: tuple[subprocess.Popen[str], str]) -> None:
    process, endpoint = served
    s3, sqs = client("s3", endpoint), client("sqs", endpoint)
    assert windtunnel("clock", "jump", "1h", endpoint=endpoint).returncode == 0
    os.kill(workers_of(process)[0], signal.SIGKILL)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=600)
    # The jump is the new leader's, once the lease of the old one is over.
    assert windtunnel("clock", "jump", "10m", endpoint=endpoint).returncode == 0
    assert client("sqs", endpoint).receive_message(QueueUrl=url)["Messages"][0]["Body"] == "late"
    assert s3.list_buckets()["Buckets"] == []


def test_a_reset_reaches_all_workers(served: tuple[subprocess.Popen[str], str]) -> None:
    _, endpoint = served
    url = client("sqs", endpoint).create_queue(QueueName="q")["QueueUrl"]
    with ThreadPoolExecutor(6) as pool:
        polls = [pool.submit(client("sqs", endpoint).receive_message, QueueUrl=url, WaitTimeSeconds=20) for _ in range(6)]
        Event().wait(0.5)
        assert windtunnel("state", "reset", endpoint=endpoint).returncode == 0
        faults: list[Any] = [poll.exception(5) for poll in polls]
        codes = [fault.response["Error"]["Code"] for fault in faults]
    assert set(codes) <= {"ServiceUnavailable", "AWS.SimpleQueueService.NonExistentQueue"}
    assert all(not client("sqs", endpoint).list_queues().get("QueueUrls") for _ in range(4))
