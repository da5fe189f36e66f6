"""One region, two servers over the same rows: whichever a client asks, the answers are those of one region."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.stories.here import BEGIN, Here
from windtunnel.app.boot import Storage


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Here, Here]]:
    loop = asyncio.new_event_loop()
    storage = Storage(shared=True)
    first = Here(tmp_path / "region", storage=storage, loop=loop)
    second = Here(tmp_path / "region", storage=msgspec.structs.replace(storage, first=False), loop=loop, joins=True)
    yield first, second
    second.leave()
    first.close()


def test_what_one_server_writes_the_other_reads(pair: tuple[Here, Here]) -> None:
    one, two = pair
    url = one.sqs.create_queue(QueueName="q")["QueueUrl"]
    for number in range(10):
        (one, two)[number % 2].sqs.send_message(QueueUrl=url, MessageBody=str(number))
    found = [
        message["Body"] for _ in range(2) for message in two.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]
    assert sorted(found) == [str(number) for number in range(10)]


def test_a_message_sent_to_one_server_ends_a_long_poll_on_the_other(pair: tuple[Here, Here]) -> None:
    one, two = pair
    url = one.sqs.create_queue(QueueName="q")["QueueUrl"]
    waiting = two.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    two.run(asyncio.sleep(0))
    assert not waiting.done()
    one.sqs.send_message(QueueUrl=url, MessageBody="hello")
    began = one.loop.time()
    assert [message["Body"] for message in two.result(waiting)["Messages"]] == ["hello"]
    assert one.loop.time() - began < 0.05


def test_the_clock_that_one_server_moves_is_the_others_as_well(pair: tuple[Here, Here]) -> None:
    one, two = pair
    assert (one.now, two.now) == (BEGIN, BEGIN)
    two.jump(60)
    assert (one.now, two.now) == (BEGIN + 60, BEGIN + 60)
    one.jump(60)
    two.run(asyncio.sleep(0.05))
    assert two.now == BEGIN + 120
