"""Lifecycle configurations: checked and kept. What they do to objects as time passes is not here yet.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.rules import malformed, several
from windtunnel.services.s3.state import DOCUMENTS

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

RULES_MAX = 1000
AND_PARTS_MIN = 2
DAY_SECONDS = 86_400
MINIMUM_SIZE = "all_storage_classes_128K"
MINIMUM_SIZES = (MINIMUM_SIZE, "varies_by_storage_class")
ACTIONS = ("Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
FILTERS = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And")


def put_bucket_lifecycle_configuration(tx: Tx, req: t.PutBucketLifecycleConfigurationRequest) -> t.PutBucketLifecycleConfigurationOutput:
    bucket_of(tx, req)
    minimum = req.get("TransitionDefaultMinimumObjectSize") or MINIMUM_SIZE
    if minimum not in MINIMUM_SIZES:
        raise Fault("InvalidRequest", f"Invalid TransitionDefaultMinimumObjectSize found: {minimum}")
    rules: list[Any] = list((req.get("LifecycleConfiguration") or {}).get("Rules") or [])
    if not 1 <= len(rules) <= RULES_MAX:
        raise malformed()
    kept: list[dict[str, Any]] = []
    for rule in rules:
        _check_rule(rule)
        kept.append({**rule, "ID": rule.get("ID") or tx.ids.text(48)})
    if len({rule["ID"] for rule in kept}) != len(kept):
        message = "Rule ID must be unique. Found same ID for more than one rule"
        raise Fault("InvalidArgument", message, ArgumentName="ID")
    tx.put(DOCUMENTS, req["Bucket"], "lifecycle", value={"Rules": kept, "TransitionDefaultMinimumObjectSize": minimum})
    return {"TransitionDefaultMinimumObjectSize": minimum}


def _check_rule(rule: Mapping[str, Any]) -> None:
    found = rule.get("Filter")
    if (found is None) == (rule.get("Prefix") is None) or not any(rule.get(action) for action in ACTIONS):
        raise malformed()
    if found is not None:
        if len([name for name in FILTERS if found.get(name) is not None]) > 1:
            raise malformed()
        both = found.get("And")
        if both is not None:
            _check_both(both)
    expiration = rule.get("Expiration")
    if expiration is not None:
        if len([name for name in ("Date", "Days", "ExpiredObjectDeleteMarker") if expiration.get(name) is not None]) != 1:
            raise malformed()
        _check_when(expiration, "Expiration")
    for transition in several(rule, "Transitions"):
        if not transition.get("StorageClass") or (transition.get("Date") is None) == (transition.get("Days") is None):
            raise malformed()
        _check_when(transition, "Transition")
    later = rule.get("NoncurrentVersionExpiration")
    if later is not None and not later.get("NoncurrentDays"):
        raise malformed()


def _check_both(both: Mapping[str, Any]) -> None:
    keys = [tag["Key"] for tag in several(both, "Tags")]
    if len(set(keys)) != len(keys):
        raise Fault("InvalidRequest", "Duplicate Tag Keys are not allowed.")
    if len(keys) + len([name for name in FILTERS if both.get(name) is not None]) < AND_PARTS_MIN:
        raise malformed()


def _check_when(action: Mapping[str, Any], name: str) -> None:
    date, days = action.get("Date"), action.get("Days")
    if date is not None and date % DAY_SECONDS:
        shown = datetime.fromtimestamp(date, UTC).isoformat().replace("+00:00", "Z")
        raise Fault("InvalidArgument", "'Date' must be at midnight GMT", ArgumentName="Date", ArgumentValue=shown)
    least = 1 if name == "Expiration" else 0
    if days is not None and days < least:
        message = f"'Days' for {name} action must be a {'positive' if least else 'nonnegative'} integer"
        raise Fault("InvalidArgument", message, ArgumentName="Days", ArgumentValue=str(days))


def get_bucket_lifecycle_configuration(tx: Tx, req: t.GetBucketLifecycleConfigurationRequest) -> t.GetBucketLifecycleConfigurationOutput:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "lifecycle")
    if kept is None:
        raise Fault("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", BucketName=req["Bucket"])
    return {**kept}  # pyright: ignore[reportReturnType]


def delete_bucket_lifecycle(tx: Tx, req: t.DeleteBucketLifecycleRequest) -> None:
    bucket_of(tx, req)
    tx.delete(DOCUMENTS, req["Bucket"], "lifecycle")
