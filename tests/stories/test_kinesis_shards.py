"""Shards are split, merged and scaled; what was in them stays to be read, and readers find their way to what follows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import refusal
from tests.stories.test_kinesis_records import data, iterator
from windtunnel.fabric import Table, Tx
from windtunnel.services.kinesis.state import RECORDS, SHARDS, TAILS

MAX = str((1 << 128) - 1)
HALF = 1 << 127


@pytest.fixture
def stream(here: Here) -> Any:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    return here.kinesis


def ids(shards: list[dict[str, Any]]) -> list[int]:
    return [int(shard["ShardId"].partition("-")[2]) for shard in shards]


def opened(kinesis: Any) -> list[int]:
    return ids(kinesis.list_shards(StreamName="s", ShardFilter={"Type": "AT_LATEST"})["Shards"])


def test_a_split_closes_the_parent_and_opens_two_children(here: Here, stream: Any) -> None:
    before = stream.put_record(StreamName="s", Data=b"a", PartitionKey="k")["SequenceNumber"]
    here.jump(1)
    stream.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(HALF))
    parent, low, high = stream.list_shards(StreamName="s")["Shards"]
    assert int(parent["SequenceNumberRange"]["EndingSequenceNumber"]) > int(before)
    assert (low["ParentShardId"], low["HashKeyRange"]) == (parent["ShardId"], {"StartingHashKey": "0", "EndingHashKey": str(HALF - 1)})
    assert (high["ParentShardId"], high["HashKeyRange"]) == (parent["ShardId"], {"StartingHashKey": str(HALF), "EndingHashKey": MAX})
    assert int(low["SequenceNumberRange"]["StartingSequenceNumber"]) > int(before)
    assert stream.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["OpenShardCount"] == 2
    put = stream.put_record(StreamName="s", Data=b"b", PartitionKey="k", ExplicitHashKey=MAX)
    assert put["ShardId"] == high["ShardId"]


def test_a_reader_at_the_end_of_a_closed_shard_is_told_of_its_children(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"a", PartitionKey="k")
    at = iterator(stream)
    stream.split_shard(StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(HALF))
    child = {"ParentShards": ["shardId-000000000000"], "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": str(HALF - 1)}}
    answer = stream.get_records(ShardIterator=at)
    assert (data(answer), "NextShardIterator" in answer) == ([b"a"], False)
    assert answer["ChildShards"][0] == child | {"ShardId": "shardId-000000000001"}
    assert [one["ShardId"] for one in answer["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]


def test_a_merge_has_two_parents(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=2)
    here.kinesis.merge_shards(StreamName="s", ShardToMerge="shardId-000000000000", AdjacentShardToMerge="shardId-000000000001")
    (merged,) = here.kinesis.list_shards(StreamName="s", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert merged == {
        "ShardId": "shardId-000000000002",
        "ParentShardId": "shardId-000000000000",
        "AdjacentParentShardId": "shardId-000000000001",
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": MAX},
        "SequenceNumberRange": merged["SequenceNumberRange"],
    }


@pytest.mark.parametrize(("count", "target"), [(1, 2), (2, 4), (4, 2), (3, 5), (5, 3), (4, 4)])
def test_a_stream_is_scaled_to_shards_of_one_size(here: Here, count: int, target: int) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=count)
    assert here.kinesis.update_shard_count(StreamName="s", TargetShardCount=target, ScalingType="UNIFORM_SCALING") == {
        "StreamName": "s",
        "CurrentShardCount": count,
        "TargetShardCount": target,
        "StreamARN": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s",
    }
    shards = here.kinesis.list_shards(StreamName="s", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    found = sorted(tuple(map(int, shard["HashKeyRange"].values())) for shard in shards)
    size = (1 << 128) // target
    assert [start for start, _ in found] == [number * size for number in range(target)]
    assert [end + 1 for _, end in found] == [*(start for start, _ in found[1:]), 1 << 128]
    assert here.kinesis.describe_limits()["OpenShardCount"] == target


def test_a_stream_is_scaled_ten_times_a_day(here: Here, stream: Any) -> None:
    scale = {"StreamName": "s", "ScalingType": "UNIFORM_SCALING"}
    for number in range(10):
        stream.update_shard_count(**scale, TargetShardCount=2 - number % 2)
    assert refusal(stream.update_shard_count, **scale, TargetShardCount=2)[0] == "LimitExceededException"
    here.jump(24 * 3600)
    assert stream.update_shard_count(**scale, TargetShardCount=2)["TargetShardCount"] == 2


def test_filters_tell_which_shards_were_open_when(here: Here, stream: Any) -> None:
    here.jump(10)
    stream.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    here.jump(10)

    def listed(kind: str, **more: Any) -> list[int]:
        return ids(stream.list_shards(StreamName="s", ShardFilter={"Type": kind, **more})["Shards"])

    moment = here.now - 15
    assert (listed("AT_LATEST"), listed("AT_TRIM_HORIZON"), listed("FROM_TRIM_HORIZON")) == ([1, 2], [0], [0, 1, 2])
    assert (listed("AT_TIMESTAMP", Timestamp=moment), listed("FROM_TIMESTAMP", Timestamp=here.now - 5)) == ([0], [1, 2])
    assert listed("AFTER_SHARD_ID", ShardId="shardId-000000000001") == [2]


def test_a_closed_shard_goes_with_the_last_of_its_records(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"a", PartitionKey="k")
    here.jump(3600)
    stream.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    here.jump(23 * 3600 + 60)
    assert ids(stream.list_shards(StreamName="s")["Shards"]) == [0, 1, 2]
    here.jump(3600)
    assert ids(stream.list_shards(StreamName="s")["Shards"]) == [1, 2]
    said = f"Could not find shard shardId-000000000000 in stream s under account {ACCOUNT}."
    asked = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST"}
    assert refusal(stream.get_shard_iterator, **asked) == ("ResourceNotFoundException", said)


def test_nothing_is_left_of_what_is_too_old(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"a", PartitionKey="k")
    for count in (2, 1, 2):
        stream.update_shard_count(StreamName="s", TargetShardCount=count, ScalingType="UNIFORM_SCALING")
    here.jump(49 * 3600)

    def left(tx: Tx) -> list[int]:
        own = tx.at(account=ACCOUNT, region=REGION)
        tables: tuple[Table[Any], ...] = (RECORDS, SHARDS, TAILS)
        return [len(list(own.scan(table))) for table in tables]

    assert here.cloud.apply(left) == [0, 2, 2]
    stream.delete_stream(StreamName="s")
    here.rest()
    assert here.cloud.apply(left) == [0, 0, 0]


def test_listings_of_shards_have_pages(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=5)
    first = here.kinesis.list_shards(StreamName="s", MaxResults=3)
    rest = here.kinesis.list_shards(NextToken=first["NextToken"])
    assert (ids(first["Shards"]), ids(rest["Shards"]), "NextToken" in rest) == ([0, 1, 2], [3, 4], False)
    described = here.kinesis.describe_stream(StreamName="s", Limit=2, ExclusiveStartShardId="shardId-000000000000")["StreamDescription"]
    assert (ids(described["Shards"]), described["HasMoreShards"]) == ([1, 2], True)
    here.jump(301)
    assert refusal(here.kinesis.list_shards, NextToken=first["NextToken"]) == ("ExpiredNextTokenException", "NextToken has expired.")


def test_a_stream_on_demand_has_four_shards_and_another_mode_keeps_them(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
    limits = {"ShardLimit": 20_000, "OnDemandStreamCountLimit": 50}
    assert here.kinesis.describe_limits() == {**limits, "OpenShardCount": 0, "OnDemandStreamCount": 1}
    here.kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    assert here.kinesis.describe_limits() == {**limits, "OpenShardCount": 4, "OnDemandStreamCount": 0}
    here.kinesis.delete_stream(StreamName="s")
    assert here.kinesis.describe_limits() == {**limits, "OpenShardCount": 0, "OnDemandStreamCount": 0}


def test_a_stream_on_demand_grows_with_what_comes_in(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    records = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": "0"}] * 500

    def busy() -> list[int]:
        for _ in range(2):
            here.kinesis.put_records(StreamName="s", Records=records)
        here.jump(1)
        return opened(here.kinesis)

    assert busy() == [0, 1, 2, 3]
    here.jump(900)
    assert busy() == [1, 2, 3, 4, 5]
    assert busy() == [1, 2, 3, 4, 5]
    here.jump(900)
    assert busy() == [1, 2, 3, 5, 6, 7]
