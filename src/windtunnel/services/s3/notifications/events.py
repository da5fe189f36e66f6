"""What S3 tells others of its objects: the Records message for queues, topics and functions, and facts for EventBridge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import orjson

from windtunnel.aws.request_ids import host_id
from windtunnel.fabric import Event, Retry, Tx
from windtunnel.services.s3.rules import NULL, canonical_id
from windtunnel.services.s3.state import BUCKET, Bucket, Rule, Version

SOURCE = "s3.amazonaws.com"
SUBJECT = "Amazon S3 Notification"
RETRY = Retry(phases=((3, 1, 10), (10, 20, 600)), age_seconds_max=86_400)
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
RESTORED = ("ObjectRestore:Post", "ObjectRestore:Completed")
FACTS = {
    "ObjectCreated:Put": ("Object Created", "PutObject"),
    "ObjectCreated:Post": ("Object Created", "POST Object"),
    "ObjectCreated:Copy": ("Object Created", "CopyObject"),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", "CompleteMultipartUpload"),
    "ObjectRemoved:Delete": ("Object Deleted", "DeleteObject"),
    "ObjectRemoved:DeleteMarkerCreated": ("Object Deleted", "DeleteObject"),
    "ObjectRestore:Post": ("Object Restore Initiated", ""),
    "ObjectRestore:Completed": ("Object Restore Completed", ""),
    "ObjectRestore:Delete": ("Object Restore Expired", ""),
    "LifecycleExpiration:Delete": ("Object Deleted", "Lifecycle Expiration"),
    "LifecycleExpiration:DeleteMarkerCreated": ("Object Deleted", "Lifecycle Expiration"),
    "LifecycleTransition": ("Object Storage Class Changed", ""),
    "IntelligentTiering": ("Object Access Tier Changed", ""),
    "ObjectTagging:Put": ("Object Tags Added", ""),
    "ObjectTagging:Delete": ("Object Tags Deleted", ""),
    "ObjectAcl:Put": ("Object ACL Updated", ""),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html"""


def tell(tx: Tx, name: str, bucket: Bucket, key: str, event: str, version: Version, more: Mapping[str, Any] | None = None) -> None:
    """Tells whoever the bucket's notification configuration names, in this transaction; `more` are further members of a record."""
    if not bucket.rules and not bucket.event_bridge:
        return
    place = tx.at(account=bucket.account, region=bucket.region)
    sequencer = f"{tx.serial():018X}"
    arn = BUCKET.arn_of(bucket.account, bucket.region, name)
    for rule in bucket.rules:
        if matches(rule, event, key):
            record = _record(tx, name, bucket, key, event, version, sequencer, rule.id)
            body = orjson.dumps({"Records": [{**record, **(more or {})}]}).decode()
            parameters = _traced(tx.scope.trace) if rule.kind == "Queue" else {}
            place.deliver(rule.target, Event(body=body, subject=SUBJECT, parameters=parameters), source=SOURCE, source_arn=arn, retry=RETRY)
    if bucket.event_bridge and event in FACTS:
        title, reason = FACTS[event]
        place.emit("aws.s3", title, _detail(tx, name, bucket, key, event, version, sequencer, reason), [arn])


def _traced(trace: str) -> dict[str, Any]:
    """The trace of the request goes on through the queue."""
    return {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}} if trace else {}


def matches(rule: Rule, event: str, key: str) -> bool:
    """Whether a rule is for an event of a key."""
    if not any(wanted == f"s3:{event}" or (wanted.endswith("*") and f"s3:{event}".startswith(wanted[:-1])) for wanted in rule.events):
        return False
    return all(key.startswith(value) if kind.lower() == "prefix" else key.endswith(value) for kind, value in rule.filters)


def told_key(key: str) -> str:
    """A key as messages write it: as an HTML form would, but for its slashes."""
    return quote_plus(key, safe="/*", errors="surrogatepass")


def _object(event: str, version: Version) -> tuple[dict[str, Any], bool]:
    """What is said of the object besides its key, and whether the event has a place in the order of the key's changes."""
    known: dict[str, Any] = {}
    if event.startswith(("ObjectCreated", "ObjectRestore", "LifecycleTransition", "IntelligentTiering", "Replication")):
        known["size"] = version.size
    if event not in ("ObjectRemoved:Delete", "LifecycleExpiration:Delete"):
        known["eTag"] = EMPTY_MD5 if version.marker else version.etag
    if version.id != NULL:
        known["versionId"] = version.id
    return known, event.startswith(("ObjectCreated", "ObjectRemoved", "LifecycleExpiration"))


def _more(event: str, version: Version) -> tuple[dict[str, Any], dict[str, Any]]:
    """What some events tell besides: in a record, and in a fact."""
    match event:
        case "LifecycleTransition":
            data = {"transitionEventData": {"destinationStorageClass": version.storage}}
            return {"lifecycleEventData": data}, {"destination-storage-class": version.storage}
        case "IntelligentTiering":
            return {"intelligentTieringEventData": {"destinationAccessTier": version.archive}}, {"destination-access-tier": version.archive}
        case "ObjectRestore:Completed" if version.restore is not None:
            data = {"lifecycleRestorationExpiryTime": iso(version.restore.until), "lifecycleRestoreStorageClass": version.storage}
            until = iso(version.restore.until).replace(".000", "")
            return {"glacierEventData": {"restoreEventData": data}}, {"restore-expiry-time": until, "source-storage-class": version.storage}
        case "ObjectRestore:Post":
            return {}, {"source-storage-class": version.storage}
        case _:
            return {}, {}


def _version_of(event: str) -> str:
    """Of the messages' form, which grew by kind of event."""
    family = event.partition(":")[0]
    if family == "Replication":
        return "2.2"
    return "2.1" if family in ("ObjectCreated", "ObjectRemoved") or event in RESTORED else "2.3"


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record(
    tx: Tx, name: str, bucket: Bucket, key: str, event: str, version: Version, sequencer: str, configuration: str
) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""
    known, ordered = _object(event, version)
    restored, family = event in RESTORED, event.partition(":")[0]
    by_itself = tx.scope.principal.kind == "AWSService"
    principal = tx.scope.principal.name if by_itself else f"AWS:{tx.scope.principal.id}"
    return {
        "eventVersion": _version_of(event),
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": iso(tx.now),
        "eventName": event,
        "userIdentity": {"principalId": f"AmazonCustomer:{canonical_id(bucket.account)}" if by_itself and restored else principal},
        "requestParameters": {"sourceIPAddress": tx.scope.principal.name if by_itself else tx.scope.source_ip},
        "responseElements": {"x-amz-request-id": tx.scope.request_id, "x-amz-id-2": host_id(tx.scope.request_id)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": name,
                "ownerIdentity": {"principalId": canonical_id(bucket.account)},
                "arn": BUCKET.arn_of(bucket.account, bucket.region, name),
            },
            "object": {
                "key": told_key(key),
                **known,
                **({"sequencer": sequencer} if ordered or restored or family == "Replication" else {}),
            },
        },
        **_more(event, version)[0],
    }


def _detail(tx: Tx, name: str, bucket: Bucket, key: str, event: str, version: Version, sequencer: str, reason: str) -> dict[str, Any]:
    known, ordered = _object(event, version)
    names = {"size": "size", "eTag": "etag", "versionId": "version-id"}
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": name},
        "object": {"key": key, **{names[word]: value for word, value in known.items()}, **({"sequencer": sequencer} if ordered else {})},
        "request-id": tx.scope.request_id,
    }
    if tx.scope.principal.kind == "AWSService":
        detail["requester"] = tx.scope.principal.name
    else:
        detail |= {"requester": tx.scope.principal.account or bucket.account, "source-ip-address": tx.scope.source_ip}
    if reason:
        detail["reason"] = reason
    detail |= _more(event, version)[1]
    if event.startswith(("ObjectRemoved", "LifecycleExpiration")):
        detail["deletion-type"] = "Permanently Deleted" if event.endswith(":Delete") else "Delete Marker Created"
    return detail


def test_event(tx: Tx, name: str) -> str:
    """What a destination gets when it is put into a configuration."""
    told = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso(tx.now),
        "Bucket": name,
        "RequestId": tx.scope.request_id,
        "HostId": host_id(tx.scope.request_id),
    }
    return orjson.dumps(told).decode()
