"""Clicks flow through a stream: a dashboard hears them as they come, a function counts them, and an archive gathers them."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

from windtunnel import LocalRegion

ROLE = "arn:aws:iam::000000000000:role/clicks"
COUNTS = """
import base64, boto3, json
def handler(event, context):
    pages = [json.loads(base64.b64decode(record['kinesis']['data']))['page'] for record in event['Records']]
    boto3.client('sqs').send_message(QueueUrl=QUEUE, MessageBody=json.dumps(pages))
"""


def _function(region: LocalRegion, queue: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", COUNTS.replace("QUEUE,", f"{queue!r},"))
    request = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, "Timeout": 20, "Code": {"ZipFile": archive.getvalue()}}
    region.client("lambda").create_function(FunctionName="counts", **request)


def test_clicks_are_heard_counted_and_archived(region: LocalRegion) -> None:
    kinesis, firehose, s3, sqs = (region.client(name) for name in ("kinesis", "firehose", "s3", "sqs"))
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    arn = kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
    queue = sqs.create_queue(QueueName="counts")["QueueUrl"]
    _function(region, queue)
    region.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="counts", StartingPosition="LATEST")
    s3.create_bucket(Bucket="archive")
    firehose.create_delivery_stream(
        DeliveryStreamName="clicks",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={"BucketARN": "arn:aws:s3:::archive", "RoleARN": ROLE, "CompressionFormat": "GZIP"},
    )
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="dashboard")["Consumer"]["ConsumerARN"]
    shard = kinesis.list_shards(StreamName="clicks")["Shards"][0]["ShardId"]
    heard = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]

    clicks = [{"page": f"/{name}"} for name in ("home", "shop", "cart")]
    records = [{"Data": json.dumps(click).encode(), "PartitionKey": "visitor"} for click in clicks]
    kinesis.put_records(StreamName="clicks", Records=records)

    assert [json.loads(one["Data"]) for one in _first(heard)] == clicks
    heard.close()
    region.rest()
    (counted,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(counted["Body"]) == ["/home", "/shop", "/cart"]
    region.jump("5m")
    (kept,) = s3.list_objects_v2(Bucket="archive")["Contents"]
    body = gzip.decompress(s3.get_object(Bucket="archive", Key=kept["Key"])["Body"].read())
    assert body.decode() == "".join(json.dumps(click) for click in clicks)


def _first(heard: Any) -> list[Any]:
    """The records of the first event that has any."""
    return next(event["SubscribeToShardEvent"]["Records"] for event in heard if event["SubscribeToShardEvent"]["Records"])
