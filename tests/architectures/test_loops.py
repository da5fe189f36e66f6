"""Functions that feed what calls them: the loop is stopped after sixteen turns, whichever way it goes."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from windtunnel import LocalRegion

ROLE = "arn:aws:iam::000000000000:role/loops"
LOOPS = {
    "bucket": "boto3.client('s3').put_object(Bucket='loop', Key=context.aws_request_id, Body=b'again')",
    "queue": "sqs = boto3.client('sqs'); sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName='loop')['QueueUrl'], MessageBody='again')",
    "topic": "boto3.client('sns').publish(TopicArn='arn:aws:sns:us-east-1:000000000000:loop', Message='again')",
    "function": "boto3.client('lambda').invoke(FunctionName='loop', InvocationType='Event')",
}
RUNS_MAX = 16


@pytest.mark.parametrize("way", LOOPS)
def test_a_loop_ends_after_sixteen_turns(region: LocalRegion, way: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("app.py", f"import boto3\ndef handler(event, context):\n    {LOOPS[way]}\n")
    functions = region.client("lambda")
    code = {"ZipFile": archive.getvalue()}
    made = functions.create_function(FunctionName="loop", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=code, Timeout=20)
    functions.add_permission(FunctionName="loop", StatementId="all", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    functions.add_permission(FunctionName="loop", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")
    _begin(region, way, made["FunctionArn"])
    region.rest()
    region.jump("1h")
    logged = region.client("logs").filter_log_events(logGroupName="/aws/lambda/loop", filterPattern="START")["events"]
    assert len([event for event in logged if event["message"].startswith("START")]) == RUNS_MAX


def _begin(region: LocalRegion, way: str, function: str) -> None:
    if way == "bucket":
        s3: Any = region.client("s3")
        s3.create_bucket(Bucket="loop")
        rule = {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(Bucket="loop", NotificationConfiguration={"LambdaFunctionConfigurations": [rule]})
        s3.put_object(Bucket="loop", Key="first", Body=b"x")
    elif way == "queue":
        dead = region.client("sqs").create_queue(QueueName="dead")
        assert dead["QueueUrl"]
        policy = '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": "2"}'
        url = region.client("sqs").create_queue(QueueName="loop", Attributes={"RedrivePolicy": policy})["QueueUrl"]
        region.client("lambda").create_event_source_mapping(FunctionName="loop", EventSourceArn="arn:aws:sqs:us-east-1:000000000000:loop")
        region.client("sqs").send_message(QueueUrl=url, MessageBody="first")
    elif way == "topic":
        topic = region.client("sns").create_topic(Name="loop")["TopicArn"]
        region.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
        region.client("sns").publish(TopicArn=topic, Message="first")
    else:
        region.client("lambda").invoke(FunctionName="loop", InvocationType="Event")
