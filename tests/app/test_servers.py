"""`windtunnel up --store postgresql://…`: several servers, each at a port of its own, are one region."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.app.kit import up, windtunnel
from tests.postgres import Server

Client = Callable[[str, str], Any]
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@pytest.fixture
def client() -> Iterator[Client]:
    """Clients with connections of their own, closed at the end."""
    made = list[Any]()

    def make(service: str, endpoint: str) -> Any:
        session: Any = Session()
        made.append(session.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}), **KEYS))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def servers(tmp_path: Path, postgres: Server) -> Iterator[list[tuple[int, str]]]:
    """Two servers over one database and one folder, as (process, endpoint); the first leads."""
    postgres.empty()
    words = (tmp_path / "data", "--store", postgres.url)
    with up(*words) as (one, first), up(*words) as (two, second):
        yield [(one.pid, first), (two.pid, second)]


def test_two_servers_over_one_database_are_one_region(servers: list[tuple[int, str]], client: Client) -> None:
    (_, one), (_, two) = servers
    client("s3", one).create_bucket(Bucket="box")
    client("s3", two).put_object(Bucket="box", Key="k", Body=b"x" * 100_000)
    assert client("s3", one).get_object(Bucket="box", Key="k")["Body"].read() == b"x" * 100_000
    url = client("sqs", two).create_queue(QueueName="q")["QueueUrl"]
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(client("sqs", two).receive_message, QueueUrl=url, WaitTimeSeconds=20)
        client("sqs", one).send_message(QueueUrl=url, MessageBody="hello")
        assert poll.result(10)["Messages"][0]["Body"] == "hello"
    assert windtunnel("clock", "still", endpoint=two).returncode == 0
    shown = {windtunnel("clock", endpoint=endpoint).stdout for endpoint in (one, two)}
    assert len(shown) == 1


def test_a_server_that_is_killed_leaves_the_region_to_the_other(servers: list[tuple[int, str]], client: Client) -> None:
    (leader, one), (_, two) = servers
    url = client("sqs", one).create_queue(QueueName="q")["QueueUrl"]
    client("sqs", one).send_message(QueueUrl=url, MessageBody="late", DelaySeconds=600)
    os.kill(leader, signal.SIGKILL)
    assert windtunnel("clock", "jump", "10m", endpoint=two).returncode == 0
    assert client("sqs", two).receive_message(QueueUrl=url)["Messages"][0]["Body"] == "late"


def test_a_database_that_is_away_is_told_and_found_again(servers: list[tuple[int, str]], postgres: Server, client: Client) -> None:
    _, (_, two) = servers
    sqs = client("sqs", two)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=600)
    postgres.stop()
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        sqs.send_message(QueueUrl=url, MessageBody="refused")
    postgres.start()
    for _ in range(50):
        try:
            sqs.send_message(QueueUrl=url, MessageBody="kept")
            break
        except ClientError:
            Event().wait(0.1)
    assert [message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]] == ["kept"]
    assert windtunnel("clock", "jump", "10m", endpoint=two).returncode == 0
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] in {"late", "kept"}


def test_a_store_that_cannot_be_reached_is_said_in_one_sentence(tmp_path: Path) -> None:
    refused = windtunnel("up", "--port", "0", "--data", str(tmp_path / "data"), "--store", f"postgresql://nobody@/none?host={tmp_path}")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"windtunnel: Cannot open the region's state in postgresql://nobody@/none?host={tmp_path}: ")
    assert refused.stderr.count("\n") == 1
