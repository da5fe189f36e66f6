"""Replication configurations: checked and kept. Nothing is replicated by them yet.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.rules import malformed, nested, several
from windtunnel.services.s3.state import BUCKETS, DOCUMENTS

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

RULES_MAX = 1000


def put_bucket_replication(tx: Tx, req: t.PutBucketReplicationRequest) -> None:
    bucket = bucket_of(tx, req)
    wanted = req["ReplicationConfiguration"]
    rules = several(wanted, "Rules")
    if not 1 <= len(rules) <= RULES_MAX:
        raise malformed()
    if bucket.versioning != "Enabled":
        raise Fault("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    kept = [{**rule, "ID": rule.get("ID") or tx.ids.text(48)} for rule in rules]
    for rule in kept:
        target = tx.get(BUCKETS, str(nested(rule, "Destination").get("Bucket") or "").rpartition(":")[2])
        if target is None or target.versioning != "Enabled":
            raise Fault("InvalidRequest", "Destination bucket must have versioning enabled.")
    tx.put(DOCUMENTS, req["Bucket"], "replication", value={**wanted, "Rules": kept})


def get_bucket_replication(tx: Tx, req: t.GetBucketReplicationRequest) -> t.GetBucketReplicationOutput:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "replication")
    if kept is None:
        raise Fault("ReplicationConfigurationNotFoundError", "The replication configuration was not found", BucketName=req["Bucket"])
    return {"ReplicationConfiguration": kept}  # pyright: ignore[reportReturnType]


def delete_bucket_replication(tx: Tx, req: t.DeleteBucketReplicationRequest) -> None:
    bucket_of(tx, req)
    tx.delete(DOCUMENTS, req["Bucket"], "replication")
