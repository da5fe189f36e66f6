"""The way of a call and of a message through the services, as `windtunnel trace` tells it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

from tests.app.kit import windtunnel
from windtunnel import LocalRegion
from windtunnel.app.commands.trace import WIDTH

ARN = "arn:aws:sqs:us-east-1:000000000000:"
SENDS = """
import boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="http://localhost/000000000000/q", MessageBody="x")
"""
FAILS = """
def handler(event, context):
    raise ValueError("no")
"""
NOISE = re.compile("iam|sts|logs")
"""Services that are asked on the way: for a role, and to keep what is printed."""


def told(region: LocalRegion, *arguments: str, results: bool = False) -> list[str]:
    """The tree without its times, or with the results and moments."""
    lines = windtunnel("trace", *arguments, endpoint=region.endpoint).stdout.splitlines()[1:]
    lines = [line for line in lines if not NOISE.search(line)]
    return [" ".join((line if results else line[:WIDTH]).split()[: -2 if results else None]) for line in lines]


def function(region: LocalRegion, name: str, code: str, **more: Any) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", code)
    role = f"arn:aws:iam::000000000000:role/{name}"
    made = {"Runtime": "python3.11", "Handler": "app.handler", "Role": role, "Code": {"ZipFile": packed.getvalue()}, "Timeout": 20, **more}
    return region.client("lambda").create_function(FunctionName=name, **made)["FunctionArn"]


def test_a_publish_is_followed_to_the_queues(region: LocalRegion) -> None:
    sqs, sns = region.client("sqs"), region.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    for name in ("a", "b"):
        sqs.create_queue(QueueName=name)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{ARN}{name}")
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+491701234567")
    published = sns.publish(TopicArn=topic, Message="hello")["ResponseMetadata"]["RequestId"]
    region.rest()
    tree = told(region, published)
    assert [tree[0], *sorted(line.strip("├└─ ") for line in tree[1:])] == [
        "sns Publish news",
        "sns sms +491701234567",
        "sqs SendMessage a",
        "sqs SendMessage b",
    ]
    assert told(region) == tree
    sent = next(call for call in region.calls() if call["operation"] == "SendMessage")["request_id"]
    assert told(region, sent) == tree


def test_a_message_is_followed_from_who_sends_to_who_receives_it_and_to_the_dead_letters_and_back(region: LocalRegion) -> None:
    sqs = region.client("sqs")
    grave = sqs.create_queue(QueueName="grave")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": f"{ARN}grave", "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="q", Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "30"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="another")
    id = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "x"}])["Successful"][0]["MessageId"]
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    region.jump("30s")
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    sqs.start_message_move_task(SourceArn=f"{ARN}grave")
    region.rest()
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    expected = [
        "sqs SendMessageBatch q",
        "├─ sqs ReceiveMessage q",
        "├─ sqs DeadLetter grave",
        "└─ sqs Redrive q",
        "└─ sqs ReceiveMessage q",
        "└─ sqs DeleteMessage q",
    ]
    assert told(region, id) == expected
    assert grave


def test_what_a_function_calls_belongs_to_the_call_it_runs_for(region: LocalRegion) -> None:
    region.client("sqs").create_queue(QueueName="q")
    s3, functions = region.client("s3"), region.client("lambda")
    s3.create_bucket(Bucket="box")
    arn = function(region, "sends", SENDS)
    functions.add_permission(FunctionName="sends", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    wanted = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]})
    put = s3.put_object(Bucket="box", Key="k", Body=b"")["ResponseMetadata"]["RequestId"]
    region.rest()
    assert told(region, put) == ["s3 PutObject box", "└─ lambda Invoke sends", "├─ lambda Run sends", "│ └─ sqs SendMessage q"]


def test_a_function_that_a_queue_feeds_runs_for_its_message(region: LocalRegion) -> None:
    sqs = region.client("sqs")
    sqs.create_queue(QueueName="q")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    function(region, "sends", SENDS)
    region.client("lambda").create_event_source_mapping(EventSourceArn=f"{ARN}work", FunctionName="sends")
    id = sqs.send_message(QueueUrl=url, MessageBody="x")["MessageId"]
    region.rest()
    assert told(region, id) == [
        "sqs SendMessage work",
        "├─ sqs ReceiveMessage work",
        "│ └─ sqs DeleteMessageBatch work",
        "└─ lambda Run sends",
        "└─ sqs SendMessage q",
    ]


def test_a_function_that_a_stream_feeds_runs_for_its_record(region: LocalRegion) -> None:
    region.client("sqs").create_queue(QueueName="q")
    kinesis = region.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    region.rest()
    region.jump("1m")
    function(region, "sends", SENDS)
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
    region.client("lambda").create_event_source_mapping(EventSourceArn=stream, FunctionName="sends", StartingPosition="TRIM_HORIZON")
    put = kinesis.put_record(StreamName="clicks", Data=b"x", PartitionKey="p")["ResponseMetadata"]["RequestId"]
    region.rest()
    assert told(region, put) == ["kinesis PutRecord clicks", "└─ lambda Run sends", "└─ sqs SendMessage q"]


def test_attempts_and_where_they_end_are_told_with_their_times(region: LocalRegion) -> None:
    functions = region.client("lambda")
    region.client("sqs").create_queue(QueueName="grave")
    function(region, "fails", FAILS, DeadLetterConfig={"TargetArn": f"{ARN}grave"})
    invoked = functions.invoke(FunctionName="fails", InvocationType="Event")["ResponseMetadata"]["RequestId"]
    region.rest()
    region.jump("5m")
    assert told(region, invoked, results=True) == [
        "lambda Invoke fails ok +0.000 s",
        "├─ lambda Run fails Unhandled +0.000 s",
        "├─ lambda Run fails Unhandled +60.000 s",
        "├─ lambda Run fails Unhandled +180.000 s",
        "├─ sqs SendMessage grave ok +180.000 s",
    ]


def test_posts_to_a_subscriber_are_told_until_it_is_given_up(region: LocalRegion) -> None:
    sns = region.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    subscribed = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://localhost:9/hook")["ResponseMetadata"]["RequestId"]
    region.rest()
    region.jump("1h")
    assert told(region, subscribed, results=True) == [
        "sns Subscribe news ok +0.000 s",
        "├─ sns POST localhost:9/hook ConnectionFailed +0.000 s",
        "├─ sns POST localhost:9/hook ConnectionFailed +20.000 s",
        "├─ sns POST localhost:9/hook ConnectionFailed +40.000 s",
        "└─ sns POST localhost:9/hook ConnectionFailed +60.000 s",
    ]


def test_an_id_that_nobody_had_is_said(region: LocalRegion) -> None:
    ended = windtunnel("trace", "nobody", endpoint=region.endpoint)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "none has a request id that begins with 'nobody'" in ended.stderr
