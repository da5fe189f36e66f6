"""An archive: objects get colder as they age, are brought back when somebody asks, and go after a year. A queue is told of each step.

python archive.py up [PREFIX]      python archive.py down [PREFIX]
"""

from dataclasses import dataclass

import boto3
from common import Client, account_of, create_bucket, main, remove_bucket, remove_queue, tell_queue

RULES = [
    {
        "ID": "cool-down",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "records/", "ObjectSizeGreaterThan": 0}},  # a filter by size takes small objects along
        "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}],
        "Expiration": {"Days": 365},
    },
    {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
]
EVENTS = ["s3:LifecycleTransition", "s3:LifecycleExpiration:*", "s3:ObjectRestore:*"]


@dataclass(frozen=True)
class Archive:
    """What is deployed: the bucket, and the URL of the queue that hears of each step."""

    bucket: str
    queue: str


def deploy(prefix: str, client: Client = boto3.client) -> Archive:
    s3, bucket = client("s3"), f"{prefix}-archive-{account_of(client)}"
    create_bucket(s3, bucket)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": RULES})
    return Archive(bucket, tell_queue(client, bucket, EVENTS))


def remove(prefix: str, client: Client = boto3.client) -> None:
    bucket = f"{prefix}-archive-{account_of(client)}"
    remove_queue(client, bucket)
    remove_bucket(client("s3"), bucket)


def _up(prefix: str) -> list[str]:
    archive = deploy(prefix)
    return [
        f"Put:   aws s3 cp README.md s3://{archive.bucket}/records/",
        "Wait:  windtunnel clock jump 91d",
        f"Back:  aws s3api restore-object --bucket {archive.bucket} --key records/README.md --restore-request Days=2",
        f"Told:  {archive.queue}",
    ]


if __name__ == "__main__":
    main(_up, remove, __doc__ or "")
