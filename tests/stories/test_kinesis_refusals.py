"""What Kinesis Data Streams refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.kinesis_requests import BY_ARN, OF_A_QUEUE, OF_A_RESOURCE, OF_A_STREAM, RECORD, SHARD
from tests.stories.refusals import Case, filled, refusal, untold
from windtunnel.services.kinesis import rules

ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/"
GONE = ("ResourceNotFoundException", f"Stream gone under account {ACCOUNT} not found.")
CONSUMER = f"{ARN}s/consumer/none:1"
NO_CONSUMER = ("ResourceNotFoundException", f"Consumer none, ARN {CONSUMER} not found under stream s.")
INVALID = "InvalidArgumentException"
WHERE = f"in stream s under account {ACCOUNT}"
CHOICE = (
    "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
    "(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified "
)
CHARACTERS = "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @."
TAGS = {str(number): "" for number in range(51)}
TOO_MANY = f"under account {ACCOUNT} because a given stream cannot have more than 50 tags associated with it."
ON_DEMAND = "is only supported for data streams with the provisioned capacity mode."

QUEUE = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:queue/none"
NAMELESS = (INVALID, "Either StreamARN or StreamName must be provided.")
MISMATCH = (INVALID, "StreamARN and StreamName do not match.")
SHORT = "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short."
LONG = "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long."

CASES: list[Case] = [
    *((operation, {"StreamName": "gone", **request}, *GONE) for operation, request in OF_A_STREAM.items()),
    *((operation, {"StreamARN": f"{ARN}gone", **request}, *GONE) for operation, request in BY_ARN.items()),
    *((operation, {"ResourceARN": f"{ARN}gone", **request}, *GONE) for operation, request in OF_A_RESOURCE.items()),
    *((operation, request, *NAMELESS) for operation, request in OF_A_STREAM.items() if operation != "list_shards"),
    *(
        (operation, {"QueueARN": QUEUE, **request}, "ResourceNotFoundException", f"Queue {QUEUE} not found.")
        for operation, request in OF_A_QUEUE.items()
    ),
    ("create_queue", {"QueueName": "n", "StreamConfigurationList": [{"StreamARN": f"{ARN}gone"}]}, *GONE),
    (
        "create_queue",
        {"QueueName": "n", "StreamConfigurationList": [{"StreamARN": f"{ARN}s"}]},
        "ValidationException",
        "Queues are supported only on data streams in on-demand capacity mode.",
    ),
    (
        "create_queue",
        {"QueueName": "n", "StreamConfigurationList": [{"StreamARN": f"{ARN}o"}] * 2},
        "ValidationException",
        "StreamConfigurationList must contain exactly one entry.",
    ),
    (
        "create_queue",
        {"QueueName": "n", "StreamConfigurationList": [{"StreamARN": f"{ARN}o", "StartingPosition": {"Type": "AT_TIMESTAMP"}}]},
        "ValidationException",
        "Timestamp must be specified where Type is AT_TIMESTAMP, and only there.",
    ),
    (
        "create_queue",
        {"QueueName": "q", "StreamConfigurationList": [{"StreamARN": f"{ARN}o"}]},
        "ResourceInUseException",
        f"Queue q under account {ACCOUNT} already exists.",
    ),
    ("create_queue", {"QueueName": "n", "StreamConfigurationList": [{"StreamARN": f"{ARN}o"}], "Tags": {"a": "!"}}, INVALID, CHARACTERS),
    (
        "update_queue",
        {"QueueARN": "$queue", "QueueAttributes": {"DeadLetterConfiguration": {"TargetType": "BUILT_IN"}}},
        "ValidationException",
        "MaxReceiveCount must be specified where TargetType is BUILT_IN.",
    ),
    ("list_queues", {"NextToken": "cut"}, INVALID, "NextToken is invalid."),
    ("describe_stream", {"StreamName": "other", "StreamARN": f"{ARN}s"}, *MISMATCH),
    ("create_stream", {"StreamName": "s", "ShardCount": 1}, "ResourceInUseException", f"Stream s under account {ACCOUNT} already exists."),
    (
        "create_stream",
        {"StreamName": "t", "ShardCount": 1, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
        "ValidationException",
        "Requests to create on-demand streams can't have ShardCount. Remove ShardCount and try again.",
    ),
    (
        "create_stream",
        {"StreamName": "t", "StreamModeDetails": {"StreamMode": "PROVISIONED"}},
        "ValidationException",
        "Requests to create provisioned streams must have ShardCount.",
    ),
    (
        "create_stream",
        {"StreamName": "t", "ShardCount": 1, "WarmThroughputMiBps": 1},
        "ValidationException",
        "WarmThroughputMiBps can only be set for on-demand streams.",
    ),
    (
        "create_stream",
        {"StreamName": "t", "ShardCount": 1, "RecordDistributionStrategy": "AUTO"},
        INVALID,
        "RecordDistributionStrategy AUTO is only supported for on-demand streams.",
    ),
    ("create_stream", {"StreamName": "t", "ShardCount": 1, "Tags": {"a": "!"}}, INVALID, CHARACTERS),
    (
        "create_stream",
        {"StreamName": "t", "ShardCount": 20_001},
        "LimitExceededException",
        (
            f"This request would exceed the shard limit for the account {ACCOUNT} in {REGION}. Current shard count for the account: 4. "
            "Limit: 20000. Number of additional shards that would have resulted from this request: 20001. "
            "Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) "
            "for current limits and how to request higher limits."
        ),
    ),
    ("list_streams", {"NextToken": "cut"}, INVALID, "NextToken is invalid."),
    ("list_shards", {}, INVALID, "Either NextToken or StreamName should be provided."),
    ("list_shards", {"NextToken": "t", "StreamName": "s"}, INVALID, "NextToken and StreamName cannot be provided together."),
    ("list_shards", {"NextToken": "cut"}, INVALID, "NextToken is invalid."),
    (
        "list_shards",
        {"StreamName": "s", "ShardFilter": {"Type": "AT_TIMESTAMP"}},
        INVALID,
        "Timestamp must be specified in the ShardFilter of type AT_TIMESTAMP.",
    ),
    (
        "list_shards",
        {"StreamName": "s", "ShardFilter": {"Type": "AFTER_SHARD_ID"}},
        INVALID,
        "ShardId must be specified in the ShardFilter of type AFTER_SHARD_ID.",
    ),
    (
        "split_shard",
        {"StreamName": "s", "ShardToSplit": "shardId-000000000009", "NewStartingHashKey": "5"},
        "ResourceNotFoundException",
        f"Could not find shard shardId-000000000009 {WHERE}.",
    ),
    (
        "split_shard",
        {"StreamName": "s", "ShardToSplit": SHARD, "NewStartingHashKey": "1"},
        INVALID,
        (
            f"NewStartingHashKey 1 used in SplitShard() on shard {SHARD} {WHERE} is not both greater than one plus the shard's "
            "StartingHashKey 0 and less than the shard's EndingHashKey 170141183460469231731687303715884105727."
        ),
    ),
    (
        "split_shard",
        {"StreamName": "o", "ShardToSplit": SHARD, "NewStartingHashKey": "5"},
        "ValidationException",
        f"SplitShard {ON_DEMAND}",
    ),
    (
        "split_shard",
        {"StreamName": "closed", "ShardToSplit": SHARD, "NewStartingHashKey": "5"},
        INVALID,
        (
            f"Shard {SHARD} in stream closed under account {ACCOUNT} "
            "has already been merged or split, and thus is not eligible for merging or splitting."
        ),
    ),
    (
        "merge_shards",
        {"StreamName": "s", "ShardToMerge": SHARD, "AdjacentShardToMerge": SHARD},
        INVALID,
        f"Shards {SHARD} and {SHARD} {WHERE} are not an adjacent pair of shards eligible for merging",
    ),
    (
        "merge_shards",
        {"StreamName": "o", "ShardToMerge": SHARD, "AdjacentShardToMerge": SHARD},
        "ValidationException",
        f"MergeShards {ON_DEMAND}",
    ),
    (
        "update_shard_count",
        {"StreamName": "s", "TargetShardCount": 5, "ScalingType": "UNIFORM_SCALING"},
        "LimitExceededException",
        "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: 2 Target shard count: 5",
    ),
    (
        "update_shard_count",
        {"StreamName": "o", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"},
        "ValidationException",
        f"UpdateShardCount {ON_DEMAND}",
    ),
    *(
        (
            operation,
            {"StreamName": "s", **request},
            INVALID,
            (
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
                "Specified value was 340282366920938463463374607431768211456"
            ),
        )
        for operation, request in (
            ("put_record", {**RECORD, "ExplicitHashKey": str(1 << 128)}),
            ("put_records", {"Records": [{**RECORD, "ExplicitHashKey": str(1 << 128)}]}),
        )
    ),
    (
        "put_record",
        {"StreamName": "s", **RECORD, "SequenceNumberForOrdering": "7"},
        INVALID,
        f"ExclusiveMinimumSequenceNumber 7 used in PutRecord on stream s under account {ACCOUNT} is invalid.",
    ),
    (
        "put_record",
        {"StreamName": "s", "Data": b"x" * 1_048_576, "PartitionKey": "k"},
        INVALID,
        "Record size of 1048577 bytes exceeds the stream's limit of 1024 KiB.",
    ),
    ("put_record", {"StreamName": "s", **RECORD, "DryRun": True}, "DryRunOperationException", "$dry"),
    ("put_records", {"StreamName": "s", "Records": [RECORD], "DryRun": True}, "DryRunOperationException", "$dry"),
    ("get_records", {"ShardIterator": "$iterator", "DryRun": True}, "DryRunOperationException", "$dry"),
    ("get_records", {"ShardIterator": "cut"}, INVALID, "Invalid ShardIterator."),
    (
        "get_records",
        {"ShardIterator": "$lost"},
        "ResourceNotFoundException",
        f"Shard {SHARD} in stream lost under account {ACCOUNT} does not exist",
    ),
    (
        "get_shard_iterator",
        {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "LATEST", "DryRun": True},
        "DryRunOperationException",
        "$dry",
    ),
    (
        "get_shard_iterator",
        {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER"},
        INVALID,
        f"{CHOICE}AT_SEQUENCE_NUMBER and no StartingSequenceNumber.",
    ),
    (
        "get_shard_iterator",
        {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "LATEST", "StartingSequenceNumber": "1"},
        INVALID,
        f"{CHOICE}LATEST and also a StartingSequenceNumber.",
    ),
    (
        "get_shard_iterator",
        {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "7"},
        INVALID,
        f"StartingSequenceNumber 7 used in GetShardIterator on shard {SHARD} {WHERE} is invalid.",
    ),
    (
        "get_shard_iterator",
        {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": "$sequence"},
        INVALID,
        f"Invalid StartingSequenceNumber. It encodes shardId-000000000001, while it was used in a call to a shard with {SHARD}",
    ),
    (
        "get_shard_iterator",
        {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "AT_TIMESTAMP"},
        INVALID,
        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.",
    ),
    (
        "get_shard_iterator",
        {"StreamName": "s", "ShardId": SHARD, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": BEGIN + 1},
        INVALID,
        (
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            "timestampInMillis: 1767225601000, currentTimestampInMillis: 1767225600000"
        ),
    ),
    ("increase_stream_retention_period", {"StreamName": "s", "RetentionPeriodHours": 23}, INVALID, SHORT),
    ("increase_stream_retention_period", {"StreamName": "s", "RetentionPeriodHours": 8761}, INVALID, LONG),
    ("decrease_stream_retention_period", {"StreamName": "s", "RetentionPeriodHours": 23}, INVALID, SHORT),
    (
        "decrease_stream_retention_period",
        {"StreamName": "s", "RetentionPeriodHours": 48},
        INVALID,
        (
            "Requested retention period (48 hours) for stream s can not be longer than existing retention period (24 hours). "
            "Use IncreaseRetentionPeriod API."
        ),
    ),
    *(
        (operation, {"StreamName": "s", "EncryptionType": "NONE", "KeyId": "k"}, INVALID, f"Encryption type NONE is not valid for {name}.")
        for operation, name in (("start_stream_encryption", "StartStreamEncryption"), ("stop_stream_encryption", "StopStreamEncryption"))
    ),
    (
        "update_stream_mode",
        {"StreamARN": f"{ARN}s", "StreamModeDetails": {"StreamMode": "PROVISIONED"}},
        INVALID,
        f"Stream s under account {ACCOUNT} already has the stream mode PROVISIONED.",
    ),
    (
        "update_stream_mode",
        {"StreamARN": f"{ARN}o", "StreamModeDetails": {"StreamMode": "PROVISIONED"}, "WarmThroughputMiBps": 1},
        "ValidationException",
        "WarmThroughputMiBps can only be set for on-demand streams.",
    ),
    (
        "update_stream_warm_throughput",
        {"StreamName": "s", "WarmThroughputMiBps": 1},
        "ValidationException",
        "UpdateStreamWarmThroughput is only supported for data streams with the on-demand capacity mode.",
    ),
    (
        "update_stream_warm_throughput",
        {"StreamName": "o", "WarmThroughputMiBps": 1},
        "ValidationException",
        "Warm throughput requires MinimumThroughputBillingCommitment to be enabled for the account.",
    ),
    (
        "update_stream_record_distribution_strategy",
        {"StreamARN": f"{ARN}s", "RecordDistributionStrategy": "AUTO"},
        INVALID,
        "RecordDistributionStrategy AUTO is only supported for on-demand streams.",
    ),
    ("describe_stream_consumer", {"ConsumerARN": CONSUMER}, *NO_CONSUMER),
    ("deregister_stream_consumer", {"ConsumerARN": CONSUMER}, *NO_CONSUMER),
    ("subscribe_to_shard", {"ConsumerARN": CONSUMER, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}}, *NO_CONSUMER),
    *(
        (operation, {"StreamARN": f"{ARN}s"}, INVALID, "Either ConsumerARN or both StreamARN and ConsumerName must be provided.")
        for operation in ("describe_stream_consumer", "deregister_stream_consumer")
    ),
    (
        "describe_stream_consumer",
        {"StreamARN": f"{ARN}s", "ConsumerName": "none"},
        "ResourceNotFoundException",
        f"Consumer none under stream s not found for account {ACCOUNT}.",
    ),
    (
        "describe_stream_consumer",
        {"StreamARN": f"{ARN}o", "ConsumerARN": "$consumer"},
        INVALID,
        "ConsumerARN does not match StreamARN and ConsumerName.",
    ),
    (
        "register_stream_consumer",
        {"StreamARN": f"{ARN}s", "ConsumerName": "c"},
        "ResourceInUseException",
        f"Consumer c under stream s already exists for account {ACCOUNT}.",
    ),
    ("register_stream_consumer", {"StreamARN": f"{ARN}s", "ConsumerName": "d", "Tags": {"a": "!"}}, INVALID, CHARACTERS),
    ("list_stream_consumers", {"StreamARN": f"{ARN}s", "NextToken": "cut"}, INVALID, "NextToken is invalid."),
    (
        "subscribe_to_shard",
        {"ConsumerARN": "$consumer", "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}, "DryRun": True},
        "DryRunOperationException",
        "$dry",
    ),
    (
        "subscribe_to_shard",
        {"ConsumerARN": "$consumer", "ShardId": SHARD, "StartingPosition": {"Type": "AT_SEQUENCE_NUMBER"}},
        INVALID,
        f"{CHOICE}AT_SEQUENCE_NUMBER and no StartingSequenceNumber.",
    ),
    ("add_tags_to_stream", {"StreamName": "s", "Tags": {"a": "!"}}, INVALID, CHARACTERS),
    ("add_tags_to_stream", {"StreamName": "s", "Tags": TAGS}, INVALID, f"Failed to add tags to stream s {TOO_MANY}"),
    ("tag_resource", {"ResourceARN": f"{ARN}s", "Tags": {"a": "!"}}, INVALID, CHARACTERS),
    ("put_resource_policy", {"ResourceARN": f"{ARN}s", "Policy": "{"}, INVALID, "$policy"),
    (
        "put_resource_policy",
        {"ResourceARN": f"{ARN}s", "Policy": " " * 20_481},
        "LimitExceededException",
        "Resource policy exceeds the limit of 20480 bytes.",
    ),
    (
        "delete_resource_policy",
        {"ResourceARN": f"{ARN}s"},
        "ResourceNotFoundException",
        f"No resource policy found for resource ARN {ARN}s",
    ),
]

ELSEWHERE = {
    "get_records ExpiredIteratorException": "test_kinesis_records.py::test_an_iterator_expires_after_five_minutes",
    "get_records ProvisionedThroughputExceededException": "test_kinesis_records.py::test_a_shard_is_read_five_times_a_second",
    "put_record ProvisionedThroughputExceededException": "test_kinesis_records.py::test_a_shard_takes_a_thousand_records_a_second",
    "delete_stream ResourceInUseException": "test_kinesis_consumers.py::test_a_stream_with_consumers_is_deleted_only_where_that_is_meant",
    "list_shards ExpiredNextTokenException": "test_kinesis_shards.py::test_listings_of_shards_have_pages",
    "subscribe_to_shard ResourceInUseException": (
        "test_kinesis_consumers.py::test_who_subscribes_next_takes_over_but_not_within_five_seconds"
    ),
}
NEVER = {
    # No key is asked for, nobody is denied, nothing fails.
    *("KMSDisabledException", "KMSInvalidStateException", "KMSAccessDeniedException", "KMSNotFoundException", "KMSOptInRequired"),
    *("ThrottlingException", "KMSThrottlingException", "AccessDeniedException", "InternalFailureException"),
}
"""README.md says why. What is documented of all operations alike, but comes in some only, is asked of those in `ONLY`."""
ONLY = {
    "ResourceInUseException": {"create_queue", "create_stream", "delete_stream", "register_stream_consumer", "subscribe_to_shard"},
    "LimitExceededException": {"create_stream", "update_shard_count", "put_resource_policy"},
    "ValidationException": {"create_stream", "split_shard", "merge_shards", "update_shard_count", "update_stream_mode", "create_queue"},
    "ProvisionedThroughputExceededException": {"get_records", "put_record"},
    "InvalidArgumentException": {operation for operation, _, code, _ in CASES if code == INVALID},
    "ExpiredNextTokenException": {"list_shards"},
}


@pytest.fixture
def world(here: Here) -> dict[str, str]:
    kinesis = here.kinesis
    kinesis.create_stream(StreamName="s", ShardCount=2)
    kinesis.create_stream(StreamName="o", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kinesis.create_stream(StreamName="closed", ShardCount=1)
    kinesis.update_shard_count(StreamName="closed", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    consumer = kinesis.register_stream_consumer(StreamARN=f"{ARN}s", ConsumerName="c")["Consumer"]["ConsumerARN"]
    put = kinesis.put_record(StreamName="s", **RECORD, ExplicitHashKey=str(rules.HASH_KEY_MAX))
    kinesis.create_stream(StreamName="lost", ShardCount=1)
    asked = {"ShardId": SHARD, "ShardIteratorType": "LATEST"}
    source = [{"StreamARN": f"{ARN}o"}]
    queue = kinesis.create_queue(QueueName="q", StreamConfigurationList=source)["QueueDescription"]["QueueARN"]
    lost = kinesis.get_shard_iterator(StreamName="lost", **asked)["ShardIterator"]
    kinesis.delete_stream(StreamName="lost")
    return {
        "$iterator": kinesis.get_shard_iterator(StreamName="s", **asked)["ShardIterator"],
        "$lost": lost,
        "$sequence": put["SequenceNumber"],
        "$consumer": consumer,
        "$queue": queue,
        "$dry": "Request would have succeeded, but DryRun flag is set.",
        "$policy": "Invalid resource policy: Syntax errors in policy.",
    }


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_kinesis_refuses_is_refused_in_its_words(
    here: Here, world: dict[str, str], operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    assert refusal(getattr(here.kinesis, operation), **filled(request_, world)) == (code, filled(said, world))


def test_a_stream_has_twenty_consumers(here: Here, world: dict[str, str]) -> None:
    for number in range(19):
        here.kinesis.register_stream_consumer(StreamARN=f"{ARN}s", ConsumerName=f"c{number}")
    said = f"Stream s under account {ACCOUNT} already has 20 consumers."
    again = refusal(here.kinesis.register_stream_consumer, StreamARN=f"{ARN}s", ConsumerName="more")
    assert again == ("LimitExceededException", said)


def test_queues_count_among_a_stream_s_consumers(here: Here, world: dict[str, str]) -> None:
    for number in range(19):
        here.kinesis.register_stream_consumer(StreamARN=f"{ARN}o", ConsumerName=f"c{number}")
    said = f"Stream o under account {ACCOUNT} already has 20 consumers."
    again = refusal(here.kinesis.create_queue, QueueName="more", StreamConfigurationList=[{"StreamARN": f"{ARN}o"}])
    assert again == ("LimitExceededException", said)


def test_each_error_that_the_model_documents_has_its_story() -> None:
    left = untold("kinesis", CASES, ELSEWHERE, NEVER)
    assert [one for one in left if one.split()[0] in ONLY.get(one.split()[1], {one.split()[0]})] == []
