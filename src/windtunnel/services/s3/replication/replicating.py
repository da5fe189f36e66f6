"""Replication at work: a version with its bytes, tags and lock gets into another bucket under the same id, or its failure is told.

A job says only which version is to be the same in which bucket, so that it can be done twice: after a kill, or for a change of tags.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.scope import session_of
from windtunnel.services.s3.locks.locks import with_default
from windtunnel.services.s3.notifications.events import iso, tell
from windtunnel.services.s3.objects.kms import open_data_key, with_data_key
from windtunnel.services.s3.places import insert, rewrite
from windtunnel.services.s3.replication.replicas import COMPLETED, FAILED, PENDING, REPLICA, Job, is_enabled
from windtunnel.services.s3.rules import KMS, nested, several
from windtunnel.services.s3.state import BUCKETS, DOCUMENTS, OBJECT_PARTS, REPLICATING, VERSIONS, Bucket, Encryption, Version


class Work(msgspec.Struct, frozen=True):
    """What a job comes to now: the buckets, the rule, the version, and what is in its place at the destination."""

    source: Bucket
    version: Version
    rule: Mapping[str, Any]
    target: Bucket | None
    there: Version | None


async def copy_out(call: Call, payload: Mapping[str, Any]) -> None:
    """Takes one version to one bucket. Bytes first, then the row that names them."""
    job = msgspec.convert(payload, Job)
    work = call.read(_work, job)
    blob = ""
    if work is not None and work.target is not None and work.there is None and work.version.blob:
        try:
            blob = (await call.blobs.copy(work.version.blob)).id
        except FileNotFoundError:
            blob = ""  # the version went meanwhile
    kept = False
    try:
        kept = await call.transact(_settle, job, blob)
    finally:
        if blob and not kept:
            call.blobs.delete(blob)


def _work(tx: Tx, job: Job) -> Work | None:
    """None where there is nothing to replicate any more."""
    source, version = tx.get(BUCKETS, job.bucket), tx.get(VERSIONS, job.bucket, job.key, job.order)
    rules = several(tx.get(DOCUMENTS, job.bucket, "replication") or {}, "Rules")
    rule = next((rule for rule in rules if rule["ID"] == job.rule), None)
    if source is None or version is None or rule is None:
        return None
    return Work(source, version, rule, tx.get(BUCKETS, job.target), tx.get(VERSIONS, job.target, job.key, job.order))


def _settle(tx: Tx, job: Job, blob: str) -> bool:
    """Makes the destination's version the source's; whether the blob is in use now."""
    work = _work(tx, job)
    tx.delete(REPLICATING, job.bucket, job.key, job.order, job.target)
    if work is None:
        return False
    version, reason = work.version, _hindrance(work)
    encryption = version.encryption
    if not reason and work.there is None and work.target is not None and encryption.algorithm in KMS:
        reason, encryption = _sealed(tx, job, work, work.target)
    if not reason and work.there is None and version.blob and not blob:
        reason = "SrcObjectNotFound"
    if reason:
        _keep(tx, job, version, FAILED)
        if is_enabled(nested(work.rule, "Destination"), "Metrics"):
            told = {
                "replicationRuleId": job.rule,
                "destinationBucket": nested(work.rule, "Destination")["Bucket"],
                "s3Operation": job.operation,
                "requestTime": iso(job.asked),
                "failureReason": reason,
            }
            tell(tx, job.bucket, work.source, job.key, "Replication:OperationFailedReplication", version, {"replicationEventData": told})
        return False
    assert work.target is not None
    if work.there is None:
        _arrive(tx, job, work, work.target, blob, encryption)
    else:
        changed = msgspec.structs.replace(work.there, tags=version.tags, grants=version.grants, lock=version.lock)
        rewrite(tx, job.target, job.key, job.order, changed)
    if version.replication == PENDING and next(tx.scan(REPLICATING, job.bucket, job.key, job.order, limit=1), None) is None:
        _keep(tx, job, version, COMPLETED)
    return work.there is None and bool(blob)


def _hindrance(work: Work) -> str:
    """Why a version can't get to its destination, in S3's words; "" where it can.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-failure-codes.html"""
    target, account = work.target, nested(work.rule, "Destination").get("Account")
    if target is None:
        return "DstBucketNotFound"
    if target.versioning != "Enabled":
        return "DstBucketUnversioned"
    if work.source.object_lock and not target.object_lock:
        return "DstBucketObjectLockConfigMissing"
    return "DstPutObjNotPermitted" if account is not None and account != target.account else ""


def _sealed(tx: Tx, job: Job, work: Work, target: Bucket) -> tuple[str, Encryption]:
    """How an object under a KMS key is encrypted at its destination; or why it can't be, in S3's words. The rule's role asks KMS."""
    version, role = work.version, (tx.get(DOCUMENTS, job.bucket, "replication") or {})["Role"]
    named = nested(nested(work.rule, "Destination"), "EncryptionConfiguration").get("ReplicaKmsKeyID") or version.encryption.key_id
    wanted = Encryption(version.encryption.algorithm, named, target.encryption.bucket_key)
    asking = tx.acting_as(session_of(role, work.source.account, "s3-replication"))
    step = "Src"
    try:
        if version.encryption.data_key:
            open_data_key(asking, job.bucket, job.key, version.encryption)
        step = "Dst"
        return "", with_data_key(asking, target, job.target, job.key, wanted)
    except Fault as fault:
        missing = fault.code == "KMS.NotFoundException"
        return f"{step}KmsKey{'NotFound' if missing else 'InvalidState'}", wanted


def _arrive(tx: Tx, job: Job, work: Work, target: Bucket, blob: str, encryption: Encryption) -> None:
    version, destination = work.version, nested(work.rule, "Destination")
    own = target.ownership == "BucketOwnerEnforced" or destination.get("AccessControlTranslation") is not None
    arrived = msgspec.structs.replace(
        version,
        blob=blob,
        replication=REPLICA,
        annotations=0,
        owner=target.account if own else version.owner,
        grants=() if own else version.grants,
        storage=destination.get("StorageClass") or version.storage,
        encryption=encryption,
        restore=None,
    )
    insert(tx, job.target, target, job.key, job.order, with_default(target, arrived))
    parts = tx.get(OBJECT_PARTS, job.bucket, job.key, job.order)
    if parts is not None:
        tx.put(OBJECT_PARTS, job.target, job.key, job.order, value=parts)
    tell(tx, job.target, target, job.key, "ObjectRemoved:DeleteMarkerCreated" if version.marker else "ObjectCreated:Put", arrived)


def _keep(tx: Tx, job: Job, version: Version, status: str) -> None:
    rewrite(tx, job.bucket, job.key, job.order, msgspec.structs.replace(version, replication=status))
