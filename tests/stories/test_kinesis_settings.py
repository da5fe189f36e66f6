"""Streams and what of them can be changed: descriptions, tags, encryption, monitoring, modes, accounts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.refusals import refusal
from tests.stories.test_kinesis_records import data, iterator

ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
METRICS = [
    *("IncomingBytes", "IncomingRecords", "IteratorAgeMilliseconds", "OutgoingBytes", "OutgoingRecords"),
    *("ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded"),
]


@pytest.fixture
def stream(here: Here) -> Any:
    here.kinesis.create_stream(StreamName="s", ShardCount=1, Tags={"team": "blue"})
    return here.kinesis


def summary(kinesis: Any) -> dict[str, Any]:
    return kinesis.describe_stream_summary(StreamARN=ARN)["StreamDescriptionSummary"]


def test_a_stream_is_described_with_all_that_aws_says_of_it(stream: Any) -> None:
    common: dict[str, Any] = {
        "StreamName": "s",
        "StreamARN": ARN,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": int(BEGIN),
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }
    assert summary(stream) == common | {"OpenShardCount": 1, "ConsumerCount": 0, "MaxRecordSizeInKiB": 1024, "QueueCount": 0}
    described = stream.describe_stream(StreamName="s")["StreamDescription"]
    first = described["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"]
    shard = {
        "ShardId": "shardId-000000000000",
        "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "340282366920938463463374607431768211455"},
        "SequenceNumberRange": {"StartingSequenceNumber": first},
    }
    assert described == common | {"Shards": [shard], "HasMoreShards": False}
    assert (len(first), first[:2]) == (56, "49")


def test_listings_of_streams_have_pages(here: Here) -> None:
    for name in ("a", "b", "c"):
        here.kinesis.create_stream(StreamName=name, ShardCount=1)
    first = here.kinesis.list_streams(Limit=2)
    rest = here.kinesis.list_streams(NextToken=first["NextToken"])
    assert (first["StreamNames"], first["HasMoreStreams"], rest["StreamNames"], rest["HasMoreStreams"]) == (["a", "b"], True, ["c"], False)
    assert here.kinesis.list_streams(ExclusiveStartStreamName="b")["StreamSummaries"] == [
        {
            "StreamName": "c",
            "StreamARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/c",
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "StreamCreationTimestamp": int(BEGIN),
        }
    ]


def test_a_deleted_stream_is_empty_when_its_name_comes_again(here: Here, stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"a", PartitionKey="k")
    stream.delete_stream(StreamName="s")
    stream.create_stream(StreamName="s", ShardCount=1)
    assert data(stream.get_records(ShardIterator=iterator(stream))) == []
    assert stream.list_tags_for_stream(StreamName="s")["Tags"] == []


def test_tags_come_by_both_families_of_operations(stream: Any) -> None:
    stream.add_tags_to_stream(StreamName="s", Tags={"a": "1", "b": "2"})
    stream.tag_resource(ResourceARN=ARN, Tags={"c": "3"})
    stream.remove_tags_from_stream(StreamName="s", TagKeys=["b"])
    first = stream.list_tags_for_stream(StreamName="s", Limit=2)
    assert first == {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "c", "Value": "3"}], "HasMoreTags": True}
    rest = stream.list_tags_for_stream(StreamName="s", ExclusiveStartTagKey="c")
    assert rest == {"Tags": [{"Key": "team", "Value": "blue"}], "HasMoreTags": False}
    stream.untag_resource(ResourceARN=ARN, TagKeys=["a", "c"])
    assert stream.list_tags_for_resource(ResourceARN=ARN) == {"Tags": [{"Key": "team", "Value": "blue"}]}


def test_records_say_how_they_are_encrypted(stream: Any) -> None:
    stream.put_record(StreamName="s", Data=b"a", PartitionKey="k")
    stream.start_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert (summary(stream)["EncryptionType"], summary(stream)["KeyId"]) == ("KMS", "alias/aws/kinesis")
    assert stream.put_record(StreamName="s", Data=b"b", PartitionKey="k")["EncryptionType"] == "KMS"
    records = stream.get_records(ShardIterator=iterator(stream))["Records"]
    assert [record.get("EncryptionType") for record in records] == [None, "KMS"]
    stream.stop_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert summary(stream)["EncryptionType"] == "NONE"


def test_encryption_begins_with_a_key_that_can_be_used(here: Here, stream: Any) -> None:
    key = here.kms.create_key()["KeyMetadata"]["Arn"]
    here.kms.disable_key(KeyId=key)
    begin = {"StreamName": "s", "EncryptionType": "KMS"}
    assert refusal(stream.start_stream_encryption, **begin, KeyId=key) == ("KMSDisabledException", f"{key} is disabled.")
    here.kms.schedule_key_deletion(KeyId=key)
    assert refusal(stream.start_stream_encryption, **begin, KeyId=key) == ("KMSInvalidStateException", f"{key} is pending deletion.")
    none = "alias/none"
    assert refusal(stream.start_stream_encryption, **begin, KeyId=none)[0] == "KMSNotFoundException"


def test_metrics_of_shards_are_switched_on_and_off(stream: Any) -> None:
    shown = stream.enable_enhanced_monitoring(StreamName="s", ShardLevelMetrics=["ALL"])
    assert shown == {"StreamName": "s", "StreamARN": ARN, "CurrentShardLevelMetrics": [], "DesiredShardLevelMetrics": METRICS}
    shown = stream.disable_enhanced_monitoring(StreamName="s", ShardLevelMetrics=METRICS[1:])
    assert (shown["CurrentShardLevelMetrics"], shown["DesiredShardLevelMetrics"]) == (METRICS, METRICS[:1])
    assert summary(stream)["EnhancedMonitoring"] == [{"ShardLevelMetrics": METRICS[:1]}]


def test_a_stream_takes_records_as_large_as_it_says(here: Here, stream: Any) -> None:
    stream.update_max_record_size(StreamARN=ARN, MaxRecordSizeInKiB=2048)
    stream.put_record(StreamName="s", Data=b"x" * 2_000_000, PartitionKey="k")
    assert summary(stream)["MaxRecordSizeInKiB"] == 2048
    assert len(stream.get_records(ShardIterator=iterator(stream))["Records"]) == 1


def test_an_account_that_commits_itself_may_warm_its_streams(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    enabled = {"Status": "ENABLED", "StartedAt": BEGIN, "EarliestAllowedEndAt": BEGIN + 86_400}
    asked = {"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}}
    assert here.kinesis.describe_account_settings() == {"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}
    assert here.kinesis.update_account_settings(**asked) == {"MinimumThroughputBillingCommitment": enabled}
    warm = here.kinesis.update_stream_warm_throughput(StreamName="s", WarmThroughputMiBps=10)
    assert warm["WarmThroughput"] == {"TargetMiBps": 10, "CurrentMiBps": 10}
    ended = here.kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "DISABLED"})
    assert ended["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
    here.jump(86_400)
    assert here.kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"] == {
        "Status": "DISABLED",
        "StartedAt": BEGIN,
        "EndedAt": BEGIN + 86_400,
    }


def test_records_are_spread_where_the_stream_says_so(here: Here) -> None:
    here.kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"}, RecordDistributionStrategy="AUTO")
    put = here.kinesis.put_records(StreamName="s", Records=[{"Data": b"x"}] * 100)
    assert len({record["ShardId"] for record in put["Records"]}) == 4
    here.kinesis.update_stream_record_distribution_strategy(StreamARN=ARN, RecordDistributionStrategy="USER_PARTITION_KEY")
    put = here.kinesis.put_records(StreamName="s", Records=[{"Data": b"x", "PartitionKey": "k"}] * 10)
    assert len({record["ShardId"] for record in put["Records"]}) == 1


def test_a_policy_is_kept_as_it_was_written(stream: Any) -> None:
    policy = (
        f'{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"kinesis:PutRecord","Resource":"{ARN}"}}]}}'
    )
    assert stream.get_resource_policy(ResourceARN=ARN) == {"Policy": "{}"}
    stream.put_resource_policy(ResourceARN=ARN, Policy=policy)
    assert stream.get_resource_policy(ResourceARN=ARN) == {"Policy": policy}
    stream.delete_resource_policy(ResourceARN=ARN)
    assert stream.get_resource_policy(ResourceARN=ARN) == {"Policy": "{}"}


def test_a_stream_of_another_account_is_reached_by_its_arn(here: Here, stream: Any) -> None:
    other = here.at(account="111122223333")
    put = other.kinesis.put_record(StreamARN=ARN, Data=b"a", PartitionKey="k")
    at = other.kinesis.get_shard_iterator(StreamARN=ARN, ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert data(other.kinesis.get_records(StreamARN=ARN, ShardIterator=at)) == [b"a"]
