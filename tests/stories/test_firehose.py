"""Data Firehose: records are gathered, transformed, and taken to buckets and HTTP endpoints under the region's clock."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from base64 import b64decode
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.lambdas import arn as function_arn
from tests.stories.lambdas import logged, make, refusal
from tests.stories.s3_kit import content
from windtunnel.services.firehose.aggregated import MARK

ROLE = f"arn:aws:iam::{ACCOUNT}:role/delivers"
ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/d"
SOURCE = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
UPPER = """
import base64, json
def handler(event, context):
    print('got', json.dumps(event))
    out = []
    for record in event['records']:
        text = base64.b64decode(record['data']).decode()
        result = {'drop': 'Dropped', 'fail': 'ProcessingFailed'}.get(text, 'Ok')
        data = base64.b64encode(text.upper().encode()).decode()
        out.append({'recordId': record['recordId'], 'result': result, 'data': data, 'metadata': {'partitionKeys': {'first': text[0]}}})
    return {'records': [one for one in out if one['data'] != 'TE9TVA=='] + [one for one in out if one['data'] == 'VFdJQ0U=']}
"""


@pytest.fixture
def bucket(here: Here) -> str:
    here.s3.create_bucket(Bucket="lake")
    return "arn:aws:s3:::lake"


def create(here: Here, bucket: str, more: dict[str, Any] | None = None, **settings: Any) -> None:
    place = {"RoleARN": ROLE, "BucketARN": bucket, "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}, **settings}
    here.firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=place, **(more or {}))


def put(here: Here, *texts: str) -> None:
    here.firehose.put_record_batch(DeliveryStreamName="d", Records=[{"Data": text.encode()} for text in texts])


def objects(here: Here, name: str = "lake") -> dict[str, bytes]:
    """What lies in a bucket, by key."""
    listed = here.s3.list_objects_v2(Bucket=name).get("Contents", [])
    return {one["Key"]: content(here.s3.get_object(Bucket=name, Key=one["Key"])) for one in listed}


def processing(*processors: tuple[str, dict[str, str]]) -> dict[str, Any]:
    return {
        "Enabled": True,
        "Processors": [
            {"Type": kind, "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]}
            for kind, parameters in processors
        ],
    }


def test_records_become_an_object_when_the_interval_is_over(here: Here, bucket: str) -> None:
    create(here, bucket)
    put(here, "one", "two")
    here.jump(59)
    assert objects(here) == {}
    here.jump(1)
    ((key, body),) = objects(here).items()
    assert key.startswith("2026/01/01/00/d-1-2026-01-01-00-01-00-")
    assert body == b"onetwo"
    put(here, "three")
    here.jump(60)
    assert sorted(objects(here).values()) == [b"onetwo", b"three"]


def test_a_buffer_that_is_full_is_delivered_at_once(here: Here, bucket: str) -> None:
    create(here, bucket)
    for _ in range(3):
        here.firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x" * 600_000})
    here.rest()
    assert [len(body) for body in objects(here).values()] == [1_200_000]


def test_what_waits_in_a_buffer_survives_the_end_of_the_process(here: Here, bucket: str) -> None:
    create(here, bucket)
    put(here, "one")
    here.kill()
    here.jump(60)
    assert list(objects(here).values()) == [b"one"]


def test_prefixes_are_evaluated_and_objects_compressed(here: Here, bucket: str) -> None:
    prefix = "raw/year=!{timestamp:yyyy}/day=!{timestamp:MM-dd'T'HH}/!{firehose:random-string}/"
    create(
        here,
        bucket,
        Prefix=prefix,
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        CompressionFormat="GZIP",
        CustomTimeZone="Asia/Tokyo",
    )
    put(here, "one")
    here.jump(60)
    ((key, body),) = objects(here).items()
    assert key.startswith("raw/year=2026/day=01-01T09/")
    assert key.endswith(".gz")
    assert (len(key.split("/")[3]), gzip.decompress(body)) == (11, b"one")


def test_a_function_transforms_drops_and_fails_records(here: Here, bucket: str) -> None:
    make(here, "f", UPPER)
    create(here, bucket, ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function_arn("f")})))
    put(here, "one", "drop", "fail", "lost", "twice")
    here.jump(60)
    found = objects(here)
    (good,) = (body for key, body in found.items() if key.startswith("2026/"))
    (bad,) = (body for key, body in found.items() if key.startswith("processing-failed/2026/01/01/00/d-1-"))
    assert good == b"ONE"
    failed = {b64decode(one["rawData"]): one for one in map(json.loads, bad.splitlines())}
    assert failed[b"fail"] == {
        "attemptsMade": 1,
        "arrivalTimestamp": int(BEGIN * 1000),
        "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record",
        "attemptEndingTimestamp": failed[b"fail"]["attemptEndingTimestamp"],
        "rawData": "ZmFpbA==",
        "lambdaArn": function_arn("f"),
    }
    assert [failed[text]["errorCode"] for text in (b"lost", b"twice")] == ["Lambda.MissingRecordId", "Lambda.DuplicatedRecordId"]
    (event,) = (json.loads(line[4:]) for line in logged(here, "/aws/lambda/f") if line.startswith("got "))
    assert (event["deliveryStreamArn"], event["region"], len(event["records"])) == (ARN, REGION, 5)
    assert sorted(event["records"][0]) == ["approximateArrivalTimestamp", "data", "recordId"]


def test_a_function_that_fails_is_tried_four_times(here: Here, bucket: str) -> None:
    make(here, "f", "def handler(event, context):\n    print('got')\n    raise ValueError('no')\n")
    create(here, bucket, ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function_arn("f")})))
    put(here, "one")
    here.jump(60)
    ((key, body),) = objects(here).items()
    assert key.startswith("processing-failed/")
    assert (json.loads(body)["attemptsMade"], json.loads(body)["errorCode"]) == (4, "Lambda.FunctionError")
    assert logged(here, "/aws/lambda/f").count("got\n") == 4


def test_a_function_that_is_not_there_fails_all_records(here: Here, bucket: str) -> None:
    create(here, bucket, ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function_arn("f"), "NumberOfRetries": "1"})))
    put(here, "one")
    here.jump(60)
    (body,) = objects(here).values()
    told = json.loads(body)
    assert (told["errorCode"], told["attemptsMade"], b64decode(told["rawData"])) == ("Lambda.ResourceNotFound", 2, b"one")


def test_records_are_partitioned_by_what_stands_in_them(here: Here, bucket: str) -> None:
    query = '{customer: .customer.id, year: .time|strftime("%Y")}'
    create(
        here,
        bucket,
        Prefix="c=!{partitionKeyFromQuery:customer}/y=!{partitionKeyFromQuery:year}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60},
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration=processing(
            ("RecordDeAggregation", {"SubRecordType": "JSON"}),
            ("MetadataExtraction", {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}),
            ("AppendDelimiterToRecord", {"Delimiter": "\\n"}),
        ),
    )
    one, two = '{"customer":{"id":1},"time":1767225600}', '{"customer":{"id":2},"time":0}'
    put(here, one + two, one, '{"customer":null}', '{"customer":{"id":1},"time":1e99}', '{"customer":[]}', "no JSON", "[" * 100_000)
    here.jump(60)
    found = {key.rpartition("/")[0]: body.decode() for key, body in objects(here).items()}
    assert found == {"c=1/y=2026": f"{one}\n{one}\n", "c=2/y=1970": f"{two}\n", "bad/processing-failed": found["bad/processing-failed"]}
    codes = [json.loads(line)["errorCode"] for line in found["bad/processing-failed"].splitlines()]
    assert sorted(codes) == [*["DynamicPartitioning.MetadataExtractionFailed"] * 3, *["RecordDeAggregation.Failed"] * 2]


def test_a_function_may_name_the_partition(here: Here, bucket: str) -> None:
    make(here, "f", UPPER)
    create(
        here,
        bucket,
        Prefix="first=!{partitionKeyFromLambda:first}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function_arn("f")})),
    )
    put(here, "apple", "berry", "avocado")
    here.jump(60)
    assert {key.partition("/")[0]: body for key, body in objects(here).items()} == {"first=a": b"APPLEAVOCADO", "first=b": b"BERRY"}


def test_a_backup_has_the_records_as_they_came(here: Here, bucket: str) -> None:
    make(here, "f", UPPER)
    here.s3.create_bucket(Bucket="backup")
    backup = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::backup", "Prefix": "source/"}
    lambda_ = processing(("Lambda", {"LambdaArn": function_arn("f")}))
    create(here, bucket, ProcessingConfiguration=lambda_, S3BackupMode="Enabled", S3BackupConfiguration=backup)
    put(here, "one")
    here.jump(60)
    assert (list(objects(here).values()), list(objects(here, "backup").values())) == ([b"ONE"], [b"one"])


def test_a_bucket_that_is_not_there_is_tried_again(here: Here) -> None:
    create(here, "arn:aws:s3:::lake")
    put(here, "one")
    here.jump(60)
    here.s3.create_bucket(Bucket="lake")
    here.jump(600)
    assert list(objects(here).values()) == [b"one"]


def test_errors_are_told_to_a_log_where_the_stream_says_so(here: Here) -> None:
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    create(here, "arn:aws:s3:::lake", CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": "g", "LogStreamName": "s"})
    put(here, "one")
    here.jump(60)
    (event,) = here.logs.filter_log_events(logGroupName="g")["events"]
    assert json.loads(event["message"]) == {
        "deliveryStreamARN": ARN,
        "destination": "arn:aws:s3:::lake",
        "deliveryStreamVersionId": 1,
        "message": "The specified bucket does not exist",
        "errorCode": "S3.NoSuchBucket",
    }


def test_what_could_not_be_written_for_a_day_is_gone(here: Here) -> None:
    create(here, "arn:aws:s3:::lake")
    put(here, "one")
    here.jump(25 * 3600)
    here.s3.create_bucket(Bucket="lake")
    here.jump(3600)
    assert objects(here) == {}


def test_objects_may_be_zipped(here: Here, bucket: str) -> None:
    create(here, bucket, CompressionFormat="ZIP")
    put(here, "one")
    here.jump(60)
    ((key, body),) = objects(here).items()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert [(f"{name}.zip", archive.read(name)) for name in archive.namelist()] == [(key.rpartition("/")[2], b"one")]


def test_a_kinesis_stream_is_read_from_when_the_delivery_stream_was_made(here: Here, bucket: str) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    here.kinesis.put_record(StreamName="s", Data=b"before", PartitionKey="k")
    source = {"KinesisStreamARN": SOURCE, "RoleARN": ROLE}
    create(here, bucket, {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source})
    here.kinesis.put_record(StreamName="s", Data=b"one", PartitionKey="k")
    here.kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    here.kinesis.put_record(StreamName="s", Data=b"two", PartitionKey="k")
    here.rest()
    here.restart()
    here.kinesis.put_record(StreamName="s", Data=b"three", PartitionKey="k")
    here.jump(120)
    assert b"".join(body for _, body in sorted(objects(here).items())) == b"onetwothree"
    said = "This operation is not permitted on KinesisStreamAsSource delivery stream type."
    assert refusal(here.firehose.put_record, DeliveryStreamName="d", Record={"Data": b""}) == ("InvalidArgumentException", said)


def test_what_the_producer_library_put_together_is_taken_apart(here: Here, bucket: str) -> None:
    here.kinesis.create_stream(StreamName="s", ShardCount=1)
    make(here, "f", UPPER)
    source = {"KinesisStreamARN": SOURCE, "RoleARN": ROLE}
    kind = {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": source}
    create(here, bucket, kind, ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function_arn("f")})))
    records = b"".join(b"\x1a" + bytes([len(text) + 4]) + b"\x08\x00\x1a" + bytes([len(text)]) + text for text in (b"one", b"two"))
    message = b"\x0a\x01k" + records
    whole = MARK + message + hashlib.md5(message, usedforsecurity=False).digest()
    for data in (whole, b"three"):
        here.kinesis.put_record(StreamName="s", Data=data, PartitionKey="k")
    here.jump(60)
    (event,) = (json.loads(line[4:]) for line in logged(here, "/aws/lambda/f") if line.startswith("got "))
    told = [(b64decode(one["data"]), one["kinesisRecordMetadata"]["subsequenceNumber"]) for one in event["records"]]
    assert told == [(b"one", 0), (b"two", 1), (b"three", 0)]


def test_logs_are_unpacked_on_their_way(here: Here, bucket: str) -> None:
    create(
        here,
        bucket,
        ProcessingConfiguration=processing(
            ("Decompression", {"CompressionFormat": "GZIP"}), ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"})
        ),
    )
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    here.logs.put_subscription_filter(logGroupName="g", filterName="all", filterPattern="", destinationArn=ARN, roleArn=ROLE)
    events = [{"timestamp": int(here.now * 1000), "message": text} for text in ("one", "two")]
    here.logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    here.jump(60)
    assert list(objects(here).values()) == [b"one\ntwo\n"]


def test_a_topic_delivers_to_a_stream(here: Here, bucket: str) -> None:
    create(here, bucket)
    topic = here.sns.create_topic(Name="news")["TopicArn"]
    here.sns.subscribe(TopicArn=topic, Protocol="firehose", Endpoint=ARN, Attributes={"SubscriptionRoleArn": ROLE})
    here.sns.publish(TopicArn=topic, Message="hello")
    here.jump(60)
    (body,) = objects(here).values()
    told = json.loads(body)
    assert (told["Type"], told["TopicArn"], told["Message"]) == ("Notification", topic, "hello")


def test_a_deleted_stream_takes_what_waits_with_it(here: Here, bucket: str) -> None:
    create(here, bucket)
    put(here, "one")
    here.firehose.delete_delivery_stream(DeliveryStreamName="d")
    create(here, bucket)
    here.jump(60)
    assert objects(here) == {}


def test_a_stream_is_described_with_what_aws_adds(here: Here, bucket: str) -> None:
    made = here.firehose.create_delivery_stream(
        DeliveryStreamName="d", S3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": bucket}, Tags=[{"Key": "team", "Value": "blue"}]
    )
    assert made == {"DeliveryStreamARN": ARN}
    place = {
        "RoleARN": ROLE,
        "BucketARN": bucket,
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }
    assert here.firehose.describe_delivery_stream(DeliveryStreamName="d") == {
        "DeliveryStreamDescription": {
            "DeliveryStreamName": "d",
            "DeliveryStreamARN": ARN,
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
            "DeliveryStreamType": "DirectPut",
            "VersionId": "1",
            "CreateTimestamp": BEGIN,
            "Destinations": [
                {
                    "DestinationId": "destinationId-000000000001",
                    "S3DestinationDescription": place,
                    "ExtendedS3DestinationDescription": {**place, "S3BackupMode": "Disabled"},
                }
            ],
            "HasMoreDestinations": False,
        }
    }
    assert here.firehose.list_tags_for_delivery_stream(DeliveryStreamName="d") == {
        "Tags": [{"Key": "team", "Value": "blue"}],
        "HasMoreTags": False,
    }
    assert here.firehose.list_delivery_streams() == {"DeliveryStreamNames": ["d"], "HasMoreDeliveryStreams": False}


def test_a_changed_destination_is_another_version(here: Here, bucket: str) -> None:
    create(here, bucket)
    update = {"DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": "1", "DestinationId": "destinationId-000000000001"}
    here.firehose.update_destination(**update, ExtendedS3DestinationUpdate={"Prefix": "new/", "BufferingHints": {"IntervalInSeconds": 10}})
    put(here, "one")
    here.jump(10)
    assert [key[:21] for key in objects(here)] == ["new/2026/01/01/00/d-2"]
    said = "Cannot update firehose: d since the current version id: 2 and specified version id: 1 do not match"
    again = refusal(here.firehose.update_destination, **update, ExtendedS3DestinationUpdate={"Prefix": "newer/"})
    assert again == ("ConcurrentModificationException", said)
