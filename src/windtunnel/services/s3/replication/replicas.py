"""Which versions are to be replicated where: a rule's filter, and what it asks of a version; and the rows that have it done.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.s3.lifecycle.ageing import applies
from windtunnel.services.s3.rules import ARCHIVED, KMS, nested, several
from windtunnel.services.s3.state import DOCUMENTS, REPLICATING, Bucket, Version

HANDLER = "replicate"
PENDING, COMPLETED, FAILED, REPLICA = "PENDING", "COMPLETED", "FAILED", "REPLICA"


class Job(msgspec.Struct, frozen=True):
    """One version on its way to one bucket."""

    bucket: str
    key: str
    order: int
    target: str
    rule: str
    operation: str
    asked: float


def target_of(rule: Mapping[str, Any]) -> str:
    """The name of the bucket that a rule replicates to."""
    return str(nested(rule, "Destination").get("Bucket") or "").rpartition(":")[2]


def is_enabled(structure: Mapping[str, Any], name: str) -> bool:
    return nested(structure, name).get("Status") == "Enabled"


def rules_for(tx: Tx, name: str, key: str, version: Version) -> list[Mapping[str, Any]]:
    """The rules that replicate a version, one for each destination: that of the highest priority."""
    found: dict[str, Mapping[str, Any]] = {}
    for rule in several(tx.get(DOCUMENTS, name, "replication") or {}, "Rules"):
        if not applies(rule, key, version) or not _takes(tx, rule, version):
            continue
        other = found.get(target_of(rule))
        if other is None or (rule.get("Priority") or 0) > (other.get("Priority") or 0):
            found[target_of(rule)] = rule
    return list(found.values())


def _takes(tx: Tx, rule: Mapping[str, Any], version: Version) -> bool:
    criteria = nested(rule, "SourceSelectionCriteria")
    if version.marker:
        # Rules of the first version of the schema, which have no Filter, take markers unless they say otherwise; what lifecycle
        # rules hide is hidden in one place only.
        wanted = nested(rule, "DeleteMarkerReplication").get("Status") or ("Disabled" if "Filter" in rule else "Enabled")
        return wanted == "Enabled" and tx.scope.principal.kind != "AWSService"
    if version.storage in ARCHIVED or version.archive:
        return False
    if version.replication == REPLICA and not is_enabled(criteria, "ReplicaModifications"):
        return False
    return version.encryption.algorithm not in KMS or is_enabled(criteria, "SseKmsEncryptedObjects")


def replicate(tx: Tx, name: str, bucket: Bucket, key: str, at: int, version: Version) -> Version:
    """Has a version that was just written or changed replicated where rules say so; the version as it is to be kept."""
    rules = rules_for(tx, name, key, version) if bucket.replicated else ()
    if not rules:
        return version
    place = tx.at(account=bucket.account, region=bucket.region)
    operation = "OBJECT_DELETE" if version.marker else "OBJECT_PUT"
    for rule in rules:
        job = Job(name, key, at, target_of(rule), rule["ID"], operation, tx.now)
        tx.put(REPLICATING, name, key, at, job.target, value=tx.now)
        place.timer(tx.now, HANDLER, msgspec.to_builtins(job))
    return version if version.replication == REPLICA else msgspec.structs.replace(version, replication=PENDING)
