"""Copies in another region: whatever is put into a bucket is replicated, and a queue over there is told of each arrival.

python replication.py up [PREFIX]      python replication.py down [PREFIX]
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
from common import Client, account_of, create_bucket, main, policy, remove_bucket, remove_queue, tell_queue

FAR = "eu-west-1"
far_client = partial(boto3.client, region_name=FAR)


@dataclass(frozen=True)
class Mirror:
    """What is deployed: a bucket, its copy in the other region, and the URL of the queue there."""

    original: str
    copy: str
    queue: str


def deploy(prefix: str, client: Client = boto3.client, far: Client = far_client) -> Mirror:
    account = account_of(client)
    original, copy, role = f"{prefix}-original-{account}", f"{prefix}-copy-{account}", f"{prefix}-replicator"
    create_bucket(client("s3"), original, versions=True)
    create_bucket(far("s3"), copy, versions=True)
    queue = tell_queue(far, copy, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    rule = {
        "ID": "everything",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{copy}", "StorageClass": "STANDARD_IA"},
    }
    configuration = {"Role": create_role(client("iam"), role, original, copy), "Rules": [rule]}
    client("s3").put_bucket_replication(Bucket=original, ReplicationConfiguration=configuration)
    return Mirror(original, copy, queue)


def create_role(iam: Any, name: str, original: str, copy: str) -> str:
    """What S3 may do on its own: read one bucket's versions, and replicate them into the other."""
    trust = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    reads = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    writes = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
    allowed = policy(
        {"Effect": "Allow", "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"], "Resource": f"arn:aws:s3:::{original}"},
        {"Effect": "Allow", "Action": reads, "Resource": f"arn:aws:s3:::{original}/*"},
        {"Effect": "Allow", "Action": writes, "Resource": f"arn:aws:s3:::{copy}/*"},
    )
    iam.put_role_policy(RoleName=name, PolicyName="replicate", PolicyDocument=allowed)
    return arn


def remove(prefix: str, client: Client = boto3.client, far: Client = far_client) -> None:
    account, iam, role = account_of(client), client("iam"), f"{prefix}-replicator"
    remove_bucket(client("s3"), f"{prefix}-original-{account}")
    remove_queue(far, f"{prefix}-copy-{account}")
    remove_bucket(far("s3"), f"{prefix}-copy-{account}")
    iam.delete_role_policy(RoleName=role, PolicyName="replicate")
    iam.delete_role(RoleName=role)


def _up(prefix: str) -> list[str]:
    mirror = deploy(prefix)
    return [
        f"Put:   aws s3 cp README.md s3://{mirror.original}/",
        f"There: aws s3 ls s3://{mirror.copy}/ --region {FAR}",
        f"Told:  {mirror.queue}",
    ]


if __name__ == "__main__":
    main(_up, remove, __doc__ or "")
