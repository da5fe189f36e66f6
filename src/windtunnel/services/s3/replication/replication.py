"""Replication configurations, put and got; `replicating` does what they say.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.lifecycle.ageing import wanted_of
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.replication.replicas import is_enabled, target_of
from windtunnel.services.s3.rules import malformed, nested, several
from windtunnel.services.s3.state import BUCKETS, DOCUMENTS

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

RULES_MAX = 1000
ID_LENGTH_MAX = 255
_SCHEMA = "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information."


def put_bucket_replication(tx: Tx, req: t.PutBucketReplicationRequest) -> None:
    bucket = bucket_of(tx, req)
    wanted = req["ReplicationConfiguration"]
    rules = several(wanted, "Rules")
    if not 1 <= len(rules) <= RULES_MAX or not wanted["Role"]:
        raise malformed()
    if bucket.versioning != "Enabled":
        raise Fault("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    kept = [{**rule, "ID": rule.get("ID") or tx.ids.text(48)} for rule in rules]
    for rule in kept:
        _check_rule(tx, req["Bucket"], rule)
    if len({rule["ID"] for rule in kept}) != len(kept):
        raise Fault("InvalidArgument", "Rule Id must be unique")
    priorities = [rule["Priority"] for rule in kept if rule.get("Priority") is not None]
    for priority in priorities:
        if priorities.count(priority) > 1:
            raise Fault("InvalidRequest", f"Found duplicate priority {priority} in replication configuration")
    tx.put(DOCUMENTS, req["Bucket"], "replication", value={**wanted, "Rules": kept})
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, replicated=True))


def _check_rule(tx: Tx, name: str, rule: Mapping[str, Any]) -> None:
    destination, criteria = nested(rule, "Destination"), nested(rule, "SourceSelectionCriteria")
    if rule.get("Filter") is not None and rule.get("Prefix") is not None:
        raise malformed()
    if len(rule["ID"]) > ID_LENGTH_MAX:
        raise Fault("InvalidArgument", f"ID length should not exceed allowed limit of {ID_LENGTH_MAX}")
    if rule.get("Filter") is not None:
        if rule.get("Priority") is None:
            raise Fault("InvalidRequest", f"Priority must be specified {_SCHEMA}")
        if rule.get("DeleteMarkerReplication") is None:
            raise Fault("InvalidRequest", f"DeleteMarkerReplication must be specified {_SCHEMA}")
        if wanted_of(rule)[1] and is_enabled(rule, "DeleteMarkerReplication"):
            message = "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for"
            raise Fault("InvalidRequest", f"{message} more information.")
    target = tx.get(BUCKETS, target_of(rule))
    if target is None or target.versioning != "Enabled":
        raise Fault("InvalidRequest", "Destination bucket must have versioning enabled.")
    if target_of(rule) == name:
        raise Fault("InvalidRequest", "Destination bucket cannot be the same as the source bucket.")
    if destination.get("AccessControlTranslation") is not None and destination.get("Account") is None:
        message = "Account must be specified when AccessControlTranslation is specified."
        raise Fault("InvalidArgument", message)
    selected, keyed = is_enabled(criteria, "SseKmsEncryptedObjects"), nested(destination, "EncryptionConfiguration").get("ReplicaKmsKeyID")
    if selected and not keyed:
        raise Fault("InvalidRequest", "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")
    if keyed and not selected:
        raise Fault("InvalidRequest", "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")


def get_bucket_replication(tx: Tx, req: t.GetBucketReplicationRequest) -> t.GetBucketReplicationOutput:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "replication")
    if kept is None:
        raise Fault("ReplicationConfigurationNotFoundError", "The replication configuration was not found", BucketName=req["Bucket"])
    return {"ReplicationConfiguration": kept}  # pyright: ignore[reportReturnType]


def delete_bucket_replication(tx: Tx, req: t.DeleteBucketReplicationRequest) -> None:
    bucket = bucket_of(tx, req)
    tx.delete(DOCUMENTS, req["Bucket"], "replication")
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, replicated=False))
