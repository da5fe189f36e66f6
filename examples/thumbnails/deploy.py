"""Deploys the picture example with boto3: to AWS, or to a region on this machine when AWS_ENDPOINT_URL names one.

    python deploy.py up [PREFIX]      python deploy.py down [PREFIX]

An upload into one bucket runs a function, which puts a thumbnail into another; its arrival is announced to three queues.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

FUNCTION = Path(__file__).parent / "function"
RUNTIME = f"python3.{min(max(sys.version_info.minor, 10), 14)}"
"""The version of this Python, so that what pip finds for it fits the function."""
SUFFIXES = (".png", ".jpg")
BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
QUEUES = ("catalogue", "portraits", "audit")
ROLE_ATTEMPTS_MAX = 10

Client = Callable[[str], Any]
"""Makes the client of a service: `boto3.client`, or another that knows where the region is."""


@dataclass(frozen=True)
class Pictures:
    """What is deployed, by its names."""

    prefix: str
    uploads: str
    thumbnails: str
    function: str
    function_arn: str
    role: str
    topic_arn: str
    catalogue: str
    """The URL of the queue that gets every notice, in SNS's envelope."""
    portraits: str
    """Gets those of keys that begin with `portraits/`."""
    audit: str
    """Gets every notice as S3 wrote it."""


def deploy(prefix: str, client: Client = boto3.client, *, bring_pillow: bool = True) -> Pictures:
    """Builds everything, from what comes last back to the bucket that sets it off."""
    account = client("sts").get_caller_identity()["Account"]
    s3 = client("s3")
    uploads, thumbnails = f"{prefix}-uploads-{account}", f"{prefix}-thumbnails-{account}"
    for bucket in (uploads, thumbnails):
        create_bucket(s3, bucket)
    topic_arn = create_topic(client("sns"), f"{prefix}-thumbnails", thumbnails, account)
    # Before anyone subscribes, for S3 sends a test event to every new destination.
    s3.put_bucket_notification_configuration(
        Bucket=thumbnails, NotificationConfiguration={"TopicConfigurations": [{"TopicArn": topic_arn, "Events": ["s3:ObjectCreated:*"]}]}
    )
    catalogue = subscribe_queue(client, f"{prefix}-catalogue", topic_arn, {})
    portraits = subscribe_queue(
        client,
        f"{prefix}-portraits",
        topic_arn,
        {
            "FilterPolicyScope": "MessageBody",
            "FilterPolicy": json.dumps({"Records": {"s3": {"object": {"key": [{"prefix": "portraits/"}]}}}}),
        },
    )
    audit = subscribe_queue(client, f"{prefix}-audit", topic_arn, {"RawMessageDelivery": "true"})
    role = f"{prefix}-thumbnailer"
    role_arn = create_role(client("iam"), role, uploads, thumbnails)
    function_arn = create_function(client, f"{prefix}-thumbnailer", role_arn, thumbnails, package(bring_pillow=bring_pillow))
    client("lambda").add_permission(
        FunctionName=function_arn,
        StatementId="uploads",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{uploads}",
        SourceAccount=account,
    )
    rules = [
        {
            "LambdaFunctionArn": function_arn,
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": suffix}]}},
        }
        for suffix in SUFFIXES
    ]
    s3.put_bucket_notification_configuration(Bucket=uploads, NotificationConfiguration={"LambdaFunctionConfigurations": rules})
    return Pictures(prefix, uploads, thumbnails, f"{prefix}-thumbnailer", function_arn, role, topic_arn, catalogue, portraits, audit)


def create_bucket(s3: Any, bucket: str) -> None:
    region = s3.meta.region_name
    if region == "us-east-1":  # the only region that must not be named
        s3.create_bucket(Bucket=bucket)
    else:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})


def create_topic(sns: Any, name: str, bucket: str, account: str) -> str:
    """A topic to which S3 may publish what happens in one bucket."""
    topic_arn = sns.create_topic(Name=name)["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}, "StringEquals": {"aws:SourceAccount": account}},
    }
    sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy(statement))
    return topic_arn


def subscribe_queue(client: Client, name: str, topic_arn: str, attributes: dict[str, str]) -> str:
    """A queue that a topic may send to, and its subscription; returns the queue's URL."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
    client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return url


def create_role(iam: Any, name: str, uploads: str, thumbnails: str) -> str:
    """What the function may do: read uploads, write thumbnails, write its log."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role_arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    pictures = policy(
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{uploads}/*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{thumbnails}/*"},
    )
    iam.put_role_policy(RoleName=name, PolicyName="pictures", PolicyDocument=pictures)
    return role_arn


def create_function(client: Client, name: str, role_arn: str, thumbnails: str, code: bytes) -> str:
    """The function, once it is ready to run; returns its ARN."""
    functions = client("lambda")
    for attempt in range(ROLE_ATTEMPTS_MAX):
        try:
            functions.create_function(
                FunctionName=name,
                Runtime=RUNTIME,
                Role=role_arn,
                Handler="handler.handler",
                Code={"ZipFile": code},
                Timeout=30,
                MemorySize=512,
                Environment={"Variables": {"THUMBNAILS": thumbnails}},
            )
            break
        except functions.exceptions.InvalidParameterValueException:
            # On AWS it takes some seconds until Lambda may assume a new role.
            if attempt + 1 == ROLE_ATTEMPTS_MAX:
                raise
            time.sleep(2)
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]


def package(*, bring_pillow: bool) -> bytes:
    """The function's zip: its source and, for AWS, Pillow as pip finds it for Amazon Linux.

    A region on this machine lends functions the packages of the Python it runs with, so that nothing needs downloading there.
    """
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive, tempfile.TemporaryDirectory() as folder:
        roots = [FUNCTION]
        if bring_pillow:
            wanted = ["--platform", "manylinux2014_x86_64", "--python-version", RUNTIME.removeprefix("python"), "--only-binary", ":all:"]
            subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, *wanted, "Pillow"], check=True)
            roots.append(Path(folder))
        for root in roots:
            for path in sorted(root.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(root))
    return zipped.getvalue()


def remove(prefix: str, client: Client = boto3.client) -> None:
    """Takes everything down that `deploy` built with this prefix. What is gone already is fine."""
    account = client("sts").get_caller_identity()["Account"]
    s3, sqs, sns, iam, functions, logs = (client(name) for name in ("s3", "sqs", "sns", "iam", "lambda", "logs"))
    function = f"{prefix}-thumbnailer"
    gone = (
        s3.exceptions.NoSuchBucket, sqs.exceptions.QueueDoesNotExist, iam.exceptions.NoSuchEntityException,
        functions.exceptions.ResourceNotFoundException, logs.exceptions.ResourceNotFoundException,
    )  # fmt: skip
    for step in (
        *(lambda bucket=f"{prefix}-{use}-{account}": remove_bucket(s3, bucket) for use in ("uploads", "thumbnails")),
        lambda: functions.delete_function(FunctionName=function),
        lambda: logs.delete_log_group(logGroupName=f"/aws/lambda/{function}"),
        lambda: remove_topic(sns, f"arn:aws:sns:{sns.meta.region_name}:{account}:{prefix}-thumbnails"),
        *(lambda name=f"{prefix}-{use}": sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"]) for use in QUEUES),
        lambda: iam.detach_role_policy(RoleName=function, PolicyArn=BASIC_EXECUTION),
        lambda: iam.delete_role_policy(RoleName=function, PolicyName="pictures"),
        lambda: iam.delete_role(RoleName=function),
    ):
        with suppress(*gone):
            step()


def remove_bucket(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)


def remove_topic(sns: Any, topic_arn: str) -> None:
    with suppress(sns.exceptions.NotFoundException):
        for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
            for subscription in page["Subscriptions"]:
                sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sns.delete_topic(TopicArn=topic_arn)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def main() -> None:
    what, prefix = sys.argv[1:2], (sys.argv[2:3] or ["pictures"])[0]
    if what == ["up"]:
        pictures = deploy(prefix, bring_pillow="AWS_ENDPOINT_URL" not in os.environ)
        print(f"Upload with:  aws s3 cp picture.png s3://{pictures.uploads}/portraits/picture.png")
        print(f"Thumbnails:   aws s3 ls --recursive s3://{pictures.thumbnails}/")
        print(f"Notices:      aws sqs receive-message --queue-url {pictures.catalogue}")
    elif what == ["down"]:
        remove(prefix)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
