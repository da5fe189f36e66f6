"""Kinesis Data Streams: what is put can be read, in order, for as long as the stream keeps it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.refusals import refusal

ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"


@pytest.fixture
def stream(here: Here) -> Any:
    """Kinesis, with a stream `s` of one shard."""
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    return here.kinesis


def iterator(kinesis: Any, kind: str = "TRIM_HORIZON", shard: str = "shardId-000000000000", **more: Any) -> str:
    return kinesis.get_shard_iterator(StreamName="s", ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]


def data(answer: Any) -> list[bytes]:
    return [record["Data"] for record in answer["Records"]]


def test_a_record_is_read_as_it_was_put(stream: Any) -> None:
    put = stream.put_record(StreamName="s", Data=b"one", PartitionKey="k")
    answer = stream.get_records(ShardIterator=iterator(stream))
    assert answer == {
        "Records": [{"SequenceNumber": put["SequenceNumber"], "ApproximateArrivalTimestamp": BEGIN, "Data": b"one", "PartitionKey": "k"}],
        "NextShardIterator": answer["NextShardIterator"],
        "MillisBehindLatest": 0,
    }
    assert stream.get_records(ShardIterator=answer["NextShardIterator"])["Records"] == []


def test_sequence_numbers_order_as_records_do(here: Here, stream: Any) -> None:
    numbers: list[int] = []
    for text in (b"a", b"b", b"c"):
        numbers.append(int(stream.put_record(StreamName="s", Data=text, PartitionKey="k")["SequenceNumber"]))
        here.jump(1)
    assert numbers == sorted(set(numbers))
    assert data(stream.get_records(ShardIterator=iterator(stream))) == [b"a", b"b", b"c"]


def test_each_kind_of_iterator_begins_where_it_says(here: Here, stream: Any) -> None:
    first = stream.put_record(StreamName="s", Data=b"a", PartitionKey="k")["SequenceNumber"]
    here.jump(10)
    stream.put_record(StreamName="s", Data=b"b", PartitionKey="k")
    latest = iterator(stream, "LATEST")
    stream.put_record(StreamName="s", Data=b"c", PartitionKey="k")
    read = [
        data(stream.get_records(ShardIterator=one))
        for one in (
            iterator(stream, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=first),
            iterator(stream, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first),
            iterator(stream, "AT_TIMESTAMP", Timestamp=BEGIN + 5),
            latest,
        )
    ]
    assert read == [[b"a", b"b", b"c"], [b"b", b"c"], [b"b", b"c"], [b"c"]]


def test_an_iterator_expires_after_five_minutes(here: Here, stream: Any) -> None:
    one = iterator(stream)
    here.jump(300)
    assert stream.get_records(ShardIterator=one)["Records"] == []
    here.jump(1)
    said = (
        "Iterator expired. The iterator was created at time Thu Jan 01 00:00:00 UTC 2026 while right now it is "
        "Thu Jan 01 00:05:01 UTC 2026 which is further in the future than the tolerated delay of 300000 milliseconds."
    )
    assert refusal(stream.get_records, ShardIterator=one) == ("ExpiredIteratorException", said)


def test_records_vanish_when_the_retention_period_ends(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"old", PartitionKey="k")
    here.jump(23 * 3600)
    stream.put_record(StreamName="s", Data=b"new", PartitionKey="k")
    here.jump(3600 + 1)
    assert data(stream.get_records(ShardIterator=iterator(stream))) == [b"new"]
    stream.increase_stream_retention_period(StreamName="s", RetentionPeriodHours=48)
    assert data(stream.get_records(ShardIterator=iterator(stream))) == [b"new"]
    here.jump(24 * 3600)
    assert data(stream.get_records(ShardIterator=iterator(stream))) == [b"new"]
    here.jump(24 * 3600)
    assert data(stream.get_records(ShardIterator=iterator(stream))) == []


def test_a_page_ends_at_its_limit_and_tells_how_far_behind_it_is(here: Here, stream: Any) -> None:
    stream.put_records(StreamName="s", Records=[{"Data": bytes([65 + n]), "PartitionKey": "k"} for n in range(3)])
    here.jump(2)
    page = stream.get_records(ShardIterator=iterator(stream), Limit=2)
    assert (data(page), page["MillisBehindLatest"]) == ([b"A", b"B"], 2000)
    rest = stream.get_records(ShardIterator=page["NextShardIterator"])
    assert (data(rest), rest["MillisBehindLatest"]) == ([b"C"], 0)


def test_a_shard_takes_a_thousand_records_a_second(here: Here, stream: Any) -> None:
    records = [{"Data": b"x", "PartitionKey": "k"}] * 500
    for _ in range(2):
        assert stream.put_records(StreamName="s", Records=records)["FailedRecordCount"] == 0
    failed = stream.put_records(StreamName="s", Records=records[:1])
    said = f"Rate exceeded for shard shardId-000000000000 in stream s under account {ACCOUNT}."
    assert failed == {"FailedRecordCount": 1, "Records": [{"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": said}]}
    assert refusal(stream.put_record, StreamName="s", **records[0]) == ("ProvisionedThroughputExceededException", said)
    here.jump(1)
    assert stream.put_records(StreamName="s", Records=records)["FailedRecordCount"] == 0


def test_a_shard_takes_a_megabyte_a_second(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"x" * 1_000_000, PartitionKey="k")
    assert refusal(stream.put_record, StreamName="s", Data=b"x" * 100_000, PartitionKey="k")[0] == "ProvisionedThroughputExceededException"
    here.jump(1)
    stream.put_record(StreamName="s", Data=b"x" * 100_000, PartitionKey="k")
    assert len(stream.get_records(ShardIterator=iterator(stream))["Records"]) == 2


def test_a_shard_is_read_five_times_a_second(here: Here, stream: Any) -> None:
    one = iterator(stream)
    for _ in range(5):
        stream.get_records(ShardIterator=one)
    assert refusal(stream.get_records, ShardIterator=one)[0] == "ProvisionedThroughputExceededException"
    here.jump(1)
    assert stream.get_records(ShardIterator=one)["Records"] == []


def test_a_large_answer_takes_up_the_seconds_after_it(here: Here, stream: Any) -> None:
    for _ in range(12):
        stream.put_record(StreamName="s", Data=b"x" * 1_000_000, PartitionKey="k")
        here.jump(1)
    page = stream.get_records(ShardIterator=iterator(stream))
    assert len(page["Records"]) == 10
    here.jump(3)
    assert refusal(stream.get_records, ShardIterator=page["NextShardIterator"])[0] == "ProvisionedThroughputExceededException"
    here.jump(2)
    assert len(stream.get_records(ShardIterator=page["NextShardIterator"])["Records"]) == 2


def test_keys_and_explicit_hash_keys_choose_the_shard(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=2)
    ranges = [shard["HashKeyRange"] for shard in here.kinesis.list_shards(StreamName="s")["Shards"]]
    half = 1 << 127
    assert ranges == [
        {"StartingHashKey": "0", "EndingHashKey": str(half - 1)},
        {"StartingHashKey": str(half), "EndingHashKey": str(2 * half - 1)},
    ]
    put = here.kinesis.put_records(
        StreamName="s",
        Records=[
            {"Data": b"", "PartitionKey": "1"},  # MD5 c4ca…
            {"Data": b"", "PartitionKey": "5"},  # MD5 e4da…
            {"Data": b"", "PartitionKey": "1", "ExplicitHashKey": str(half - 1)},
            {"Data": b"", "PartitionKey": "1", "ExplicitHashKey": str(half)},
        ],
    )
    assert [record["ShardId"][-1] for record in put["Records"]] == ["1", "1", "0", "1"]


def test_records_survive_the_end_of_the_process(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"one", PartitionKey="k")
    one = iterator(stream)
    here.kill()
    assert data(here.kinesis.get_records(ShardIterator=one)) == [b"one"]


def test_a_dry_run_changes_nothing(stream: Any) -> None:
    said = ("DryRunOperationException", "Request would have succeeded, but DryRun flag is set.")
    assert refusal(stream.put_record, StreamName="s", Data=b"one", PartitionKey="k", DryRun=True) == said
    one = iterator(stream)
    assert refusal(stream.get_records, ShardIterator=one, DryRun=True) == said
    assert stream.get_records(ShardIterator=one)["Records"] == []
