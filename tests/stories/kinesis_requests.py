"""Valid requests of Kinesis Data Streams but for the stream, the resource or the queue that they name."""

from __future__ import annotations

from typing import Any

SHARD = "shardId-000000000000"
RECORD: dict[str, Any] = {"Data": b"", "PartitionKey": "k"}
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kinesis:*","Resource":"*"}]}'

OF_A_STREAM: dict[str, dict[str, Any]] = {
    "add_tags_to_stream": {"Tags": {"a": "b"}},
    "decrease_stream_retention_period": {"RetentionPeriodHours": 24},
    "delete_stream": {},
    "describe_stream": {},
    "describe_stream_summary": {},
    "disable_enhanced_monitoring": {"ShardLevelMetrics": ["ALL"]},
    "enable_enhanced_monitoring": {"ShardLevelMetrics": ["ALL"]},
    "get_shard_iterator": {"ShardId": SHARD, "ShardIteratorType": "LATEST"},
    "increase_stream_retention_period": {"RetentionPeriodHours": 24},
    "list_shards": {},
    "list_tags_for_stream": {},
    "merge_shards": {"ShardToMerge": SHARD, "AdjacentShardToMerge": "shardId-000000000001"},
    "put_record": RECORD,
    "put_records": {"Records": [RECORD]},
    "remove_tags_from_stream": {"TagKeys": ["a"]},
    "split_shard": {"ShardToSplit": SHARD, "NewStartingHashKey": "5"},
    "start_stream_encryption": {"EncryptionType": "KMS", "KeyId": "k"},
    "stop_stream_encryption": {"EncryptionType": "KMS", "KeyId": "k"},
    "update_shard_count": {"TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"},
    "update_stream_warm_throughput": {"WarmThroughputMiBps": 1},
}
"""Valid requests but for their stream."""
BY_ARN: dict[str, dict[str, Any]] = {
    "list_stream_consumers": {},
    "register_stream_consumer": {"ConsumerName": "c"},
    "update_max_record_size": {"MaxRecordSizeInKiB": 1024},
    "update_stream_mode": {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
    "update_stream_record_distribution_strategy": {"RecordDistributionStrategy": "AUTO"},
}
OF_A_RESOURCE: dict[str, dict[str, Any]] = {
    "delete_resource_policy": {},
    "get_resource_policy": {},
    "list_tags_for_resource": {},
    "put_resource_policy": {"Policy": POLICY},
    "tag_resource": {"Tags": {"a": "b"}},
    "untag_resource": {"TagKeys": ["a"]},
}
HANDLES = {"Entries": [{"ReceiptHandle": "h"}]}
POSTPONED = {"Entries": [{"ReceiptHandle": "h", "VisibilityTimeoutSeconds": 1}]}
OF_A_QUEUE: dict[str, dict[str, Any]] = {
    "acknowledge_dead_letter_queue_records": HANDLES,
    "acknowledge_queue_records": HANDLES,
    "delete_queue": {},
    "describe_queue": {},
    "receive_dead_letter_queue_records": {},
    "receive_queue_records": {},
    "restore_dead_letter_queue_records": HANDLES,
    "update_dead_letter_queue_records_visibility": POSTPONED,
    "update_queue": {"QueueAttributes": {}},
    "update_queue_records_visibility": POSTPONED,
}
