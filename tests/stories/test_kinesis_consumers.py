"""Consumers with a throughput of their own: records are pushed to them as they come."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.refusals import refusal
from windtunnel.fabric import Fault

STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
CONSUMER = f"{STREAM}/consumer/c:{int(BEGIN)}"
SHARD = "shardId-000000000000"


@pytest.fixture
def kinesis(here: Here) -> Any:
    """Kinesis, with a stream `s` and its consumer `c`."""
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    here.kinesis.register_stream_consumer(StreamARN=STREAM, ConsumerName="c")
    return here.kinesis


def subscribe(kinesis: Any, kind: str = "TRIM_HORIZON", **more: Any) -> Any:
    return kinesis.subscribe_to_shard(ConsumerARN=CONSUMER, ShardId=SHARD, StartingPosition={"Type": kind, **more})["EventStream"]


def event(here: Here, flow: Any) -> Any:
    """The next event of a stream; None at its end."""

    async def following() -> Any:
        async def read() -> Any:
            return await anext(flow, None)

        return await here.cloud.loop.spawn(read())

    told = here.run(following())
    return None if told is None else told["SubscribeToShardEvent"]


def texts(told: Any) -> list[bytes]:
    return [record["Data"] for record in told["Records"]]


def test_a_consumer_is_described_by_its_arn_or_by_its_name(kinesis: Any) -> None:
    consumer = {"ConsumerName": "c", "ConsumerARN": CONSUMER, "ConsumerStatus": "ACTIVE", "ConsumerCreationTimestamp": int(BEGIN)}
    described = {"ConsumerDescription": {**consumer, "StreamARN": STREAM}}
    assert kinesis.describe_stream_consumer(ConsumerARN=CONSUMER) == described
    assert kinesis.describe_stream_consumer(StreamARN=STREAM, ConsumerName="c") == described
    assert kinesis.list_stream_consumers(StreamARN=STREAM) == {"Consumers": [consumer]}
    made = kinesis.register_stream_consumer(StreamARN=STREAM, ConsumerName="d")["Consumer"]
    assert made["ConsumerStatus"] == "CREATING"
    first = kinesis.list_stream_consumers(StreamARN=STREAM, MaxResults=1)
    rest = kinesis.list_stream_consumers(StreamARN=STREAM, NextToken=first["NextToken"])
    assert [one["ConsumerName"] for one in (*first["Consumers"], *rest["Consumers"])] == ["c", "d"]
    kinesis.deregister_stream_consumer(ConsumerARN=CONSUMER)
    assert [one["ConsumerName"] for one in kinesis.list_stream_consumers(StreamARN=STREAM)["Consumers"]] == ["d"]


def test_records_are_pushed_as_they_come(here: Here, kinesis: Any) -> None:
    kinesis.put_record(StreamName="s", Data=b"a", PartitionKey="k")
    flow = subscribe(kinesis)
    first = event(here, flow)
    assert (texts(first), first["MillisBehindLatest"]) == ([b"a"], 0)
    put = kinesis.put_record(StreamName="s", Data=b"b", PartitionKey="k")
    second = event(here, flow)
    assert (texts(second), second["ContinuationSequenceNumber"]) == ([b"b"], put["SequenceNumber"])
    here.run(flow.aclose())


def test_a_subscription_goes_on_where_another_was(here: Here, kinesis: Any) -> None:
    kinesis.put_record(StreamName="s", Data=b"a", PartitionKey="k")
    flow = subscribe(kinesis)
    place = event(here, flow)["ContinuationSequenceNumber"]
    here.run(flow.aclose())
    kinesis.put_record(StreamName="s", Data=b"b", PartitionKey="k")
    again = subscribe(kinesis, "AFTER_SEQUENCE_NUMBER", SequenceNumber=place)
    assert texts(event(here, again)) == [b"b"]
    here.run(again.aclose())


def test_a_subscription_ends_after_five_minutes(here: Here, kinesis: Any) -> None:
    flow = subscribe(kinesis, "LATEST")
    assert texts(event(here, flow)) == []
    here.jump(300)
    assert event(here, flow) is None


def test_who_subscribes_next_takes_over_but_not_within_five_seconds(here: Here, kinesis: Any) -> None:
    flow = subscribe(kinesis, "LATEST")
    event(here, flow)
    said = f"Another active subscription exists for this consumer: {CONSUMER} and shard {SHARD}"
    asked = {"ConsumerARN": CONSUMER, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}}
    assert refusal(kinesis.subscribe_to_shard, **asked) == ("ResourceInUseException", said)
    here.jump(5)
    again = subscribe(kinesis, "LATEST")
    with pytest.raises(Fault) as taken:
        event(here, flow)
    assert taken.value.code == "ResourceInUseException"
    here.run(again.aclose())


def test_a_subscription_to_a_shard_that_is_split_ends_with_its_children(here: Here, kinesis: Any) -> None:
    flow = subscribe(kinesis)
    event(here, flow)
    kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    last = event(here, flow)
    assert [child["ShardId"] for child in last["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]
    assert event(here, flow) is None


def test_a_stream_with_consumers_is_deleted_only_where_that_is_meant(kinesis: Any) -> None:
    assert refusal(kinesis.delete_stream, StreamName="s")[0] == "ResourceInUseException"
    kinesis.delete_stream(StreamName="s", EnforceConsumerDeletion=True)
    assert kinesis.list_streams()["StreamNames"] == []


def test_a_consumer_has_tags_and_a_policy(kinesis: Any) -> None:
    kinesis.tag_resource(ResourceARN=CONSUMER, Tags={"team": "blue", "x": "y"})
    kinesis.untag_resource(ResourceARN=CONSUMER, TagKeys=["x"])
    assert kinesis.list_tags_for_resource(ResourceARN=CONSUMER) == {"Tags": [{"Key": "team", "Value": "blue"}]}
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kinesis:SubscribeToShard","Resource":"'
        f'{CONSUMER}"}}]}}'
    )
    kinesis.put_resource_policy(ResourceARN=CONSUMER, Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=CONSUMER) == {"Policy": policy}
    kinesis.delete_resource_policy(ResourceARN=CONSUMER)
    assert kinesis.get_resource_policy(ResourceARN=CONSUMER) == {"Policy": "{}"}
