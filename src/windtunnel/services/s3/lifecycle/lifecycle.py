"""Lifecycle configurations, put and got; `sweeps` does what they say as time passes.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.lifecycle.ageing import MINIMUM_SIZE, SMALL_TAKEN
from windtunnel.services.s3.lifecycle.rules import check_rule
from windtunnel.services.s3.lifecycle.sweeps import schedule
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.rules import malformed
from windtunnel.services.s3.state import DOCUMENTS

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

RULES_MAX = 1000


def put_bucket_lifecycle_configuration(tx: Tx, req: t.PutBucketLifecycleConfigurationRequest) -> t.PutBucketLifecycleConfigurationOutput:
    bucket = bucket_of(tx, req)
    if bucket.mfa_delete:
        raise Fault("InvalidBucketState", "Lifecycle configurations are not supported on buckets with MFA delete.")
    minimum = req.get("TransitionDefaultMinimumObjectSize") or MINIMUM_SIZE
    if minimum not in SMALL_TAKEN:
        raise Fault("InvalidRequest", f"Invalid TransitionDefaultMinimumObjectSize found: {minimum}")
    rules: list[Any] = list((req.get("LifecycleConfiguration") or {}).get("Rules") or [])
    if not 1 <= len(rules) <= RULES_MAX:
        raise malformed()
    kept: list[dict[str, Any]] = []
    for rule in rules:
        check_rule(rule)
        kept.append({**rule, "ID": rule.get("ID") or tx.ids.text(48)})
    if len({rule["ID"] for rule in kept}) != len(kept):
        message = "Rule ID must be unique. Found same ID for more than one rule"
        raise Fault("InvalidArgument", message, ArgumentName="ID")
    tx.put(DOCUMENTS, req["Bucket"], "lifecycle", value={"Rules": kept, "TransitionDefaultMinimumObjectSize": minimum})
    schedule(tx, req["Bucket"], bucket)
    return {"TransitionDefaultMinimumObjectSize": minimum}


def get_bucket_lifecycle_configuration(tx: Tx, req: t.GetBucketLifecycleConfigurationRequest) -> t.GetBucketLifecycleConfigurationOutput:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "lifecycle")
    if kept is None:
        raise Fault("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", BucketName=req["Bucket"])
    return {**kept}  # pyright: ignore[reportReturnType]


def delete_bucket_lifecycle(tx: Tx, req: t.DeleteBucketLifecycleRequest) -> None:
    bucket = bucket_of(tx, req)
    tx.delete(DOCUMENTS, req["Bucket"], "lifecycle")
    schedule(tx, req["Bucket"], bucket)
