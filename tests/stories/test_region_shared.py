"""One region, two servers over the same rows: whichever a client asks, the answers are those of one region."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from psycopg import pq

from tests.postgres import Server
from tests.stories.here import BEGIN, Here
from tests.stories.lambdas import bodies, logged, make, queue, run
from tests.stories.s3_kit import content
from windtunnel.app.boot import Storage
from windtunnel.aws.errors import Fault
from windtunnel.fabric import Table, Tx, peers, roll, sweep
from windtunnel.kernel.store import StoreFull

Pair = tuple[Here, Here]
NUMBERS = Table("tests.numbers", list[int], scope="global")
NEWS_SECONDS = 0.05
"""So soon the servers of a region hear of one another."""


@pytest.fixture
def pair(tmp_path: Path, storage: Storage) -> Iterator[Pair]:
    with two_servers(tmp_path / "region", msgspec.structs.replace(storage, shared=not storage.url)) as pair:
        yield pair


@contextmanager
def two_servers(data: Path, storage: Storage) -> Generator[Pair]:
    """Two servers in one event loop; the first leads."""
    one = Here(data, storage=storage)
    two = Here(data, storage=msgspec.structs.replace(storage, first=False), loop=one.loop, joins=True)
    yield one, two
    two.leave()
    one.close()


def soon(here: Here, reached: Callable[[], bool], seconds: float = NEWS_SECONDS) -> bool:
    """Whether something comes to be before news would be late; on a busy machine, before as many turns of the loop as that would be."""
    deadline, turns = here.loop.time() + seconds, 0
    while not reached() and (here.loop.time() < deadline or turns < seconds * 1000):
        here.run(asyncio.sleep(0.001))
        turns += 1
    return reached()


def pace(here: Here, rate: float) -> None:
    async def set_rate() -> None:
        here.cloud.clock.run(rate)

    here.run(set_rate())


def numbers(here: Here) -> list[int]:
    return here.cloud.apply(lambda tx: tx.get(NUMBERS)) or []


def test_what_one_server_writes_the_other_reads(pair: Pair) -> None:
    one, two = pair
    url = one.sqs.create_queue(QueueName="q")["QueueUrl"]
    for number in range(10):
        (one, two)[number % 2].sqs.send_message(QueueUrl=url, MessageBody=str(number))
    assert two.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"] == {
        "ApproximateNumberOfMessages": "10"
    }
    taken = [server.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=5)["Messages"] for server in (two, one)]
    assert sorted(message["Body"] for messages in taken for message in messages) == [str(number) for number in range(10)]
    for message in taken[0]:
        one.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = two.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert counted == {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "5"}


def test_versions_that_two_servers_put_lie_in_the_order_of_their_making(pair: Pair) -> None:
    one, two = pair
    one.s3.create_bucket(Bucket="box")
    one.s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    made = [(one, two)[number % 2].s3.put_object(Bucket="box", Key="k", Body=b"x")["VersionId"] for number in range(8)]
    assert [version["VersionId"] for version in two.s3.list_object_versions(Bucket="box")["Versions"]] == made[::-1]


def test_a_message_sent_to_one_server_ends_a_long_poll_on_the_other(pair: Pair) -> None:
    one, two = pair
    url = one.sqs.create_queue(QueueName="q")["QueueUrl"]
    waiting = two.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    two.run(asyncio.sleep(0))
    assert not waiting.done()
    one.sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert soon(two, waiting.done)
    assert [message["Body"] for message in two.result(waiting)["Messages"]] == ["hello"]


@pytest.mark.parametrize("unknown", [b"LISTEN", b"pg_notify"])
def test_a_database_without_notifications_is_looked_at_instead(
    tmp_path: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch, unknown: bytes
) -> None:
    class Deaf:
        """A connection to a server that doesn't know a word."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        @staticmethod
        def connect(place: bytes, connect: Any = pq.PGconn.connect) -> Deaf:
            return Deaf(connect(place))

        def exec_(self, command: bytes) -> Any:
            return self._connection.exec_(command.replace(unknown, b"nobody_knows_this"))

        def prepare(self, name: bytes, command: bytes) -> Any:
            return self._connection.prepare(name, command.replace(unknown, b"nobody_knows_this"))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

    postgres.empty()
    monkeypatch.setattr(pq, "PGconn", Deaf)
    with two_servers(tmp_path / "region", Storage(url=postgres.url)) as pair:
        test_a_message_sent_to_one_server_ends_a_long_poll_on_the_other(pair)
        test_timers_of_all_servers_run_on_the_one_that_leads(pair)


def test_a_transaction_runs_again_when_another_server_was_quicker(pair: Pair) -> None:
    one, two = pair
    seen: list[list[int]] = []

    def add(tx: Tx) -> None:
        found = tx.get(NUMBERS) or []
        if not seen:
            two.cloud.apply(lambda tx: tx.put(NUMBERS, value=[2]))
        seen.append(found)
        tx.put(NUMBERS, value=[*found, 1])

    calls = one.cloud.calls.last
    one.cloud.apply(add)
    assert seen == [[], [2]]
    assert numbers(two) == [2, 1]
    assert one.cloud.calls.last == calls


def test_a_transaction_that_always_meets_others_ends_with_a_fault(pair: Pair, storage: Storage) -> None:
    if not storage.url:
        pytest.skip("over a file the second try locks others out")
    one, two = pair

    def add(tx: Tx) -> None:
        found = tx.get(NUMBERS) or []
        two.cloud.apply(lambda tx: tx.put(NUMBERS, value=[*(tx.get(NUMBERS) or []), 2]))
        tx.put(NUMBERS, value=[*found, 1])

    with pytest.raises(StoreFull, match="too many transactions at once"):
        one.cloud.apply(add)
    assert set(numbers(one)) == {2}


def test_counters_that_two_servers_add_to_never_collide(pair: Pair) -> None:
    one, two = pair
    amounts = Table[int]("tests.amounts", int, scope="global")
    seen: list[int] = []

    def add(tx: Tx) -> None:
        seen.append(1)
        if len(seen) == 1:
            two.cloud.apply(lambda tx: tx.add(amounts, "a", amount=5))
        tx.add(amounts, "a", amount=-3)

    one.cloud.apply(add)
    assert two.cloud.apply(lambda tx: (tx.amount(amounts, "a"), list(tx.scan(amounts)))) == (2, [(("a",), 2)])
    two.cloud.apply(lambda tx: tx.add(amounts, "a", amount=-2))
    assert one.cloud.apply(lambda tx: (tx.amount(amounts, "a"), list(tx.scan(amounts)))) == (0, [])


def test_the_clock_that_one_server_moves_is_the_others_as_well(pair: Pair) -> None:
    one, two = pair
    assert (one.now, two.now) == (BEGIN, BEGIN)
    two.jump(60)
    assert (one.now, two.now) == (BEGIN + 60, BEGIN + 60)
    one.jump(60)
    assert soon(two, lambda: two.now == BEGIN + 120)
    pace(two, 1.0)
    assert soon(one, lambda: one.cloud.clock.rate == 1.0)
    assert abs(one.now - two.now) < 0.001
    pace(one, 0.0)
    assert soon(two, lambda: two.now == one.now)


def test_an_order_that_was_answered_holds_for_all(pair: Pair) -> None:
    one, two = pair
    for first, other in (pair, pair[::-1]):
        url = other.sqs.create_queue(QueueName="q")["QueueUrl"]
        waiting = other.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        first.run(asyncio.sleep(0))
        first.run(first.cloud.reset())
        first.run(first.cloud.settle())
        assert waiting.cancelled()
    two.jump(60)
    two.run(two.cloud.settle())
    assert (one.now, two.now) == (BEGIN + 60, BEGIN + 60)


def test_bytes_that_were_found_can_be_read_though_another_server_drops_them(pair: Pair) -> None:
    one, two = pair
    one.s3.create_bucket(Bucket="box")
    one.s3.put_object(Bucket="box", Key="k", Body=b"x" * 100_000)
    found = one.s3.get_object(Bucket="box", Key="k")
    two.s3.delete_object(Bucket="box", Key="k")
    two.run(asyncio.sleep(0.01))
    assert content(found) == b"x" * 100_000


def test_bytes_that_no_row_names_are_swept_once_nobody_can_be_about_to(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair
    one.s3.create_bucket(Bucket="box")
    one.s3.put_object(Bucket="box", Key="k", Body=b"x" * 100_000)
    lost = two.run(two.cloud.blobs.write(b"as left by kill -9"))
    later = sweep.wall() + 2 * sweep.SWEEP_SECONDS
    monkeypatch.setattr(sweep, "wall", lambda: later)
    monkeypatch.setattr(sweep, "ORPHAN_SECONDS", 10 * sweep.SWEEP_SECONDS)
    assert one.run(sweep.sweep_if_due(one.cloud)) == 0
    monkeypatch.setattr(sweep, "ORPHAN_SECONDS", sweep.SWEEP_SECONDS)
    assert one.run(sweep.sweep_if_due(one.cloud)) == 0, "it was done this day"
    later += sweep.SWEEP_SECONDS
    assert one.run(sweep.sweep_if_due(one.cloud)) == 1
    assert not two.cloud.blobs.path(lost.id).exists()
    assert content(two.s3.get_object(Bucket="box", Key="k")) == b"x" * 100_000


def test_the_one_that_leads_sweeps(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair
    lost = two.run(two.cloud.blobs.write(b"as left by kill -9"))
    later = sweep.wall() + 2 * sweep.SWEEP_SECONDS
    monkeypatch.setattr(sweep, "wall", lambda: later)
    one.run(one.cloud.peers.stop())  # type: ignore[union-attr]
    assert soon(two, lambda: not two.cloud.blobs.path(lost.id).exists())


def test_who_was_killed_is_waited_for_but_once(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair
    monkeypatch.setattr(roll, "SILENT_SECONDS_MAX", 0.1)

    def never(coroutine: Coroutine[Any, Any, None]) -> None:
        coroutine.close()

    monkeypatch.setattr(one.cloud.peers, "_spawn", never)
    assert two.cloud.apply(lambda tx: len(list(tx.scan(roll.ROLL)))) == 2
    two.run(two.cloud.settle())
    assert two.cloud.apply(lambda tx: len(list(tx.scan(roll.ROLL)))) == 1


def test_timers_of_all_servers_run_on_the_one_that_leads(pair: Pair) -> None:
    one, two = pair
    assert (one.cloud.leads, two.cloud.leads) == (True, False)
    topic = two.sns.create_topic(Name="t")["TopicArn"]
    queue = two.sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:dead"
    two.sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:000000000000:nowhere",
        Attributes={"RedrivePolicy": f'{{"deadLetterTargetArn": "{arn}"}}'},
    )
    two.sns.publish(TopicArn=topic, Message="lost")
    two.jump(3_600)
    assert len(one.sqs.receive_message(QueueUrl=queue)["Messages"]) == 1


def test_functions_run_where_they_are_invoked_and_queues_are_polled_by_the_one_that_leads(pair: Pair) -> None:
    one, two = pair
    make(two, "f", "def handler(event, context):\n    print('got', len(event['Records']))\n    return 'done'\n")
    assert run(one, "f", {"Records": []}) == run(two, "f", {"Records": []}) == "done"
    url, queue_arn = queue(two, "q")
    made = two.lambda_.create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="f")
    two.sqs.send_message(QueueUrl=url, MessageBody="x")
    assert "got 1\n" in logged(two, "/aws/lambda/f")
    two.lambda_.update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    two.rest()
    two.sqs.send_message(QueueUrl=url, MessageBody="y")
    two.rest()
    assert bodies(one, url) == ["y"]


def test_who_leads_no_more_is_followed_by_another(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair
    monkeypatch.setattr(peers, "LEASE_SECONDS", 0.2)
    monkeypatch.setattr(peers, "BEAT_SECONDS", 0.05)
    killed: Any = one.cloud.peers
    killed._left, killed.leads = True, False  # as kill -9 does: nothing is let go of, and nothing done

    assert soon(two, lambda: two.cloud.leads, 5)
    url = two.sqs.create_queue(QueueName="q")["QueueUrl"]
    two.sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=60)
    two.jump(60)
    assert two.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "late"


def test_a_server_that_stops_leaves_the_lead_at_once(pair: Pair) -> None:
    one, two = pair
    one.run(one.cloud.peers.stop())  # type: ignore[union-attr]
    assert soon(two, lambda: two.cloud.leads)


def test_a_reset_reaches_both(pair: Pair) -> None:
    one, two = pair
    url = one.sqs.create_queue(QueueName="q")["QueueUrl"]
    one.jump(60)
    waiting = one.begin.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    one.run(asyncio.sleep(0))
    two.run(two.cloud.reset())
    assert soon(one, waiting.done)
    assert waiting.cancelled()
    for server in pair:
        with pytest.raises(Fault, match="does not exist"):
            server.sqs.receive_message(QueueUrl=url)
        assert server.now == BEGIN + 60
    url = two.sqs.create_queue(QueueName="q")["QueueUrl"]
    two.sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=60)
    two.jump(60)
    assert one.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "late"


def test_a_region_that_is_loaded_is_loaded_for_both(pair: Pair, tmp_path: Path) -> None:
    one, two = pair
    url = one.sqs.create_queue(QueueName="q")["QueueUrl"]
    one.sqs.send_message(QueueUrl=url, MessageBody="kept")
    one.cloud.apply(lambda tx: tx.put(roll.ROLL, 99, value=0))  # a process of that time
    one.run(one.cloud.save(tmp_path / "saved"))
    one.cloud.apply(lambda tx: tx.delete(roll.ROLL, 99))
    two.jump(60)
    assert two.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"
    two.run(two.cloud.load(tmp_path / "saved"))
    assert two.cloud.apply(lambda tx: len(list(tx.scan(roll.ROLL)))) == 2
    assert soon(one, lambda: one.now == BEGIN)
    assert one.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"


def test_the_first_of_several_sweeps_at_once_where_somebody_was_killed(tmp_path: Path) -> None:
    several = Here(tmp_path / "region", storage=Storage(shared=True))
    lost = several.cloud.blobs.path(several.run(several.cloud.blobs.write(b"as left by kill -9")).id)
    several.restart()
    assert lost.exists(), "all had left by themselves"
    two = Here(tmp_path / "region", storage=Storage(shared=True, first=False), loop=several.loop, joins=True)
    two.cloud.peers._left = True  # type: ignore[union-attr]  # as kill -9 does
    two.cloud.store.close()
    several.restart()
    assert not lost.exists()
    several.close()


def test_a_file_that_several_served_goes_on_with_one(tmp_path: Path) -> None:
    several = Here(tmp_path / "region", storage=Storage(shared=True))
    several.s3.create_bucket(Bucket="box")
    several.s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    first = several.s3.put_object(Bucket="box", Key="k", Body=b"first")["VersionId"]
    several.close()
    alone = Here(tmp_path / "region")
    second = alone.s3.put_object(Bucket="box", Key="k", Body=b"second")["VersionId"]
    assert [version["VersionId"] for version in alone.s3.list_object_versions(Bucket="box")["Versions"]] == [second, first]
    alone.close()


def test_what_both_servers_are_asked_for_at_once_is_all_done(pair: Pair) -> None:
    one, _ = pair
    url = one.sqs.create_queue(QueueName="q")["QueueUrl"]
    for here in pair:
        here.sqs.send_message(QueueUrl=url, MessageBody="known to write from now on")
        here.sqs.receive_message(QueueUrl=url)
    sent = [here.begin.sqs.send_message(QueueUrl=url, MessageBody=str(number)) for number in range(8) for here in pair]
    ids = [one.result(each)["MessageId"] for each in sent]
    taken = [here.begin.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=3) for _ in range(4) for here in pair]
    received = [message["MessageId"] for each in taken for message in one.result(each).get("Messages", [])]
    assert sorted(received) == sorted(ids)
    missing = one.begin.sqs.send_message(QueueUrl=f"{url}-not", MessageBody="x")
    with pytest.raises(Fault, match="does not exist"):
        one.result(missing)
    assert [call.operation for call in one.cloud.calls.after(0)].count("SendMessage") == 10


def test_what_was_to_happen_can_be_called_off_where_serials_are_great_numbers(tmp_path: Path) -> None:
    several = Here(tmp_path / "region", storage=Storage(shared=True))
    key = several.kms.create_key()["KeyMetadata"]["KeyId"]
    several.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    several.kms.cancel_key_deletion(KeyId=key)
    several.jump(8 * 86_400)
    assert several.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    several.close()
