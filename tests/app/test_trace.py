"""The way of a call through the services, as `windtunnel trace` tells it."""

from __future__ import annotations

import io
import zipfile

from tests.app.kit import windtunnel
from windtunnel import LocalRegion
from windtunnel.app.commands.trace import WIDTH

SENDS = """
import boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="http://localhost/000000000000/q", MessageBody="x")
"""


def told(region: LocalRegion, *arguments: str) -> list[str]:
    """The tree without its times."""
    lines = windtunnel("trace", *arguments, endpoint=region.endpoint).stdout.splitlines()
    return [line[:WIDTH].rstrip() for line in lines[1:]]


def test_a_publish_is_followed_to_the_queues_and_on_to_the_dead_letters(region: LocalRegion) -> None:
    sqs, sns = region.client("sqs"), region.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    for name in ("a", "b"):
        sqs.create_queue(QueueName=name)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}")
    published = sns.publish(TopicArn=topic, Message="hello")["ResponseMetadata"]["RequestId"]
    expected = ["sns Publish", "├─ sqs SendMessage", "└─ sqs SendMessage"]
    assert told(region, published) == expected
    assert told(region) == expected
    sent = next(call for call in region.calls() if call["operation"] == "SendMessage")["request_id"]
    assert told(region, sent) == expected


def test_what_a_function_calls_belongs_to_the_call_it_runs_for(region: LocalRegion) -> None:
    region.client("sqs").create_queue(QueueName="q")
    s3, functions = region.client("s3"), region.client("lambda")
    s3.create_bucket(Bucket="box")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", SENDS)
    role = "arn:aws:iam::000000000000:role/sender"
    arn = functions.create_function(
        FunctionName="sends", Runtime="python3.11", Handler="app.handler", Role=role, Code={"ZipFile": code.getvalue()}, Timeout=20
    )["FunctionArn"]
    functions.add_permission(FunctionName="sends", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    wanted = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]})
    put = s3.put_object(Bucket="box", Key="k", Body=b"")["ResponseMetadata"]["RequestId"]
    region.rest()
    tree = told(region, put)
    assert tree == ["s3 PutObject", "└─ lambda Invoke", "   └─ sqs SendMessage"]


def test_an_id_that_nobody_had_is_said(region: LocalRegion) -> None:
    ended = windtunnel("trace", "nobody", endpoint=region.endpoint)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "none has a request id that begins with 'nobody'" in ended.stderr
