"""What the examples of buckets share: making and emptying one, a queue that S3 may tell things, and the command line."""

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Client = Callable[..., Any]
"""Makes the client of a service: `boto3.client`, or another that knows where the region is."""


def create_bucket(s3: Any, bucket: str, *, versions: bool = False) -> None:
    region = s3.meta.region_name
    if region == "us-east-1":  # the only region that must not be named
        s3.create_bucket(Bucket=bucket)
    else:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    if versions:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def remove_bucket(s3: Any, bucket: str) -> None:
    """Empties a bucket of all versions and deletes it; one that is gone already is fine."""
    with suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found:
                named = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
                s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
        s3.delete_bucket(Bucket=bucket)


def tell_queue(client: Client, bucket: str, events: list[str]) -> str:
    """A queue of the bucket's name that is told of its events; returns the queue's URL."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement), "MessageRetentionPeriod": "1209600"})
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": events}]}
    client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    return url


def remove_queue(client: Client, bucket: str) -> None:
    sqs = client("sqs")
    with suppress(sqs.exceptions.QueueDoesNotExist):
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=bucket)["QueueUrl"])


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def account_of(client: Client) -> str:
    return client("sts").get_caller_identity()["Account"]


def site_of(bucket: str, region: str) -> str:
    """Where a bucket's website is: on AWS, or at the port that AWS_ENDPOINT_URL names."""
    port = os.environ.get("AWS_ENDPOINT_URL", "").rpartition(":")[2]
    return f"http://{bucket}.s3-website-{region}.amazonaws.com" if not port else f"http://{bucket}.s3-website-{region}.localhost:{port}"


def main(deploy: Callable[[str], list[str]], remove: Callable[[str], None], about: str) -> None:
    """`up [PREFIX]` deploys and says what to do next; `down [PREFIX]` takes everything down again."""
    what, prefix = sys.argv[1:2], (sys.argv[2:3] or ["example"])[0]
    if what == ["up"]:
        print("\n".join(deploy(prefix)))
    elif what == ["down"]:
        remove(prefix)
    else:
        sys.exit(about)
