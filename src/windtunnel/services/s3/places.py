"""Where things are: the bucket a request names, the versions of a key, and how a version comes and goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.locks.locks import with_default
from windtunnel.services.s3.replication.replicas import replicate
from windtunnel.services.s3.rules import NULL, TIERED, order_of, version_id
from windtunnel.services.s3.state import (
    ACCESSES,
    ANNOTATIONS,
    BUCKETS,
    LISTED,
    NULL_ORDER,
    NULLS,
    OBJECT_PARTS,
    SIZES,
    VERSIONS,
    Bucket,
    Listed,
    Version,
)

Request = Mapping[str, Any]


def bucket_of(tx: Tx, req: Request, *, anywhere: bool = False) -> Bucket:
    """The bucket a request names. Raises where there is none, where it is in another region (unless it may be `anywhere`), or not its
    expected owner's."""
    name = req["Bucket"]
    bucket = tx.get(BUCKETS, name)
    if bucket is None:
        raise Fault("NoSuchBucket", "The specified bucket does not exist", BucketName=name)
    if bucket.region != tx.region and not anywhere and tx.scope.principal.kind != "AWSService":
        raise elsewhere(tx, name, bucket)
    if (expected := req.get("ExpectedBucketOwner")) is not None:
        check_owner(expected, bucket)
    if is_charged(tx, bucket) and req.get("RequestPayer") != "requester":
        raise Fault("AccessDenied", "Access Denied")
    return bucket


def is_charged(tx: Tx, bucket: Bucket) -> bool:
    """Whether the caller pays for its request itself. https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html"""
    principal = tx.scope.principal
    return bucket.requester_pays and principal.kind != "AWSService" and principal.account != bucket.account


def charge_shown(tx: Tx, bucket: Bucket) -> dict[str, str]:
    """The RequestCharged member of an answer."""
    return {"RequestCharged": "requester"} if is_charged(tx, bucket) else {}


def region_of(tx: Tx, name: str) -> str:
    """A bucket's region; "" where there is no such bucket."""
    bucket = tx.get(BUCKETS, name)
    return "" if bucket is None else bucket.region


def elsewhere(tx: Tx, name: str, bucket: Bucket) -> Fault:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html"""
    if tx.region == "aws-global":
        message = f"The authorization header is malformed; the region 'aws-global' is wrong; expecting '{bucket.region}'"
        return Fault("AuthorizationHeaderMalformed", message, headers={"x-amz-bucket-region": bucket.region}, Region=bucket.region)
    return Fault(
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to"
        " this endpoint.",
        headers={"x-amz-bucket-region": bucket.region},
        Endpoint=f"{name}.s3.{bucket.region}.amazonaws.com",
        Bucket=name,
    )


def check_owner(expected: str, bucket: Bucket) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"""
    if len(expected) != 12 or not expected.isdigit():
        message = f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]"
        raise Fault("InvalidBucketOwnerAWSAccountID", message)
    if expected != bucket.account:
        raise Fault("AccessDenied", "Access Denied")


# ---------------------------------------------------------------- finding versions


def current(tx: Tx, name: str, bucket: Bucket, key: str) -> tuple[int, Version] | None:
    """The newest version of a key, delete markers included, and its order."""
    if not bucket.versioning:
        version = tx.get(VERSIONS, name, key, NULL_ORDER)
        return None if version is None else (NULL_ORDER, version)
    for found, version in tx.scan(VERSIONS, name, key, limit=1):
        return order(found), version
    return None


def order(key: tuple[Any, ...]) -> int:
    """The last part of a version's key."""
    return key[2]


def versions(tx: Tx, name: str, after: tuple[str, int] | None, limit: int) -> list[tuple[str, int, Version]]:
    """A page of a bucket's versions, delete markers included, as (key, order, version): those after a key's order, or the first."""
    rows: Any = tx.scan(VERSIONS, name, start=None if after is None else (after[0], after[1] + 1), limit=limit)
    return [(key[1], key[2], version) for key, version in rows]


def find(tx: Tx, name: str, key: str, given: str) -> tuple[int, Version] | None:
    """The version of that id. Raises where the text never was a version's id."""
    if given == NULL:
        at = tx.get(NULLS, name, key) or NULL_ORDER
    elif not given:
        raise Fault("InvalidArgument", "Version id cannot be the empty string", ArgumentName="versionId", ArgumentValue="")
    else:
        found = order_of(given)
        if found is None:
            raise Fault("InvalidArgument", "Invalid version id specified", ArgumentName="versionId", ArgumentValue=given)
        at = found
    version = tx.get(VERSIONS, name, key, at)
    return None if version is None or version.id != given else (at, version)


def lookup(tx: Tx, bucket: Bucket, req: Request, method: str) -> tuple[int, Version]:
    """The version a request names, or the current one. Raises where there is none, or a delete marker."""
    name, key, given = req["Bucket"], req["Key"], req.get("VersionId")
    if given is None:
        found = current(tx, name, bucket, key)
        if found is None or found[1].marker:
            headers = {} if found is None else {"x-amz-delete-marker": "true", "x-amz-version-id": found[1].id}
            raise Fault("NoSuchKey", "The specified key does not exist.", headers=headers, Key=key)
        return found
    found = find(tx, name, key, given)
    if found is None:
        raise Fault("NoSuchVersion", "The specified version does not exist.", Key=key, VersionId=given)
    if found[1].marker:
        raise Fault(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            headers={"x-amz-delete-marker": "true", "x-amz-version-id": given, "Allow": "DELETE"},
            Method=method,
            ResourceType="DeleteMarker",
        )
    return found


def shown_id(bucket: Bucket, version: Version) -> dict[str, str]:
    """The VersionId member of an answer; buckets that never had versioning don't show any."""
    return {"VersionId": version.id} if bucket.versioning else {}


# ---------------------------------------------------------------- versions come and go


def add(tx: Tx, name: str, bucket: Bucket, key: str, draft: Version) -> tuple[int, Version]:
    """Makes a draft the newest version of a key; what it replaces for good goes."""
    draft = with_default(bucket, draft)
    if bucket.versioning == "Enabled":
        at = -tx.serial()
        version = msgspec.structs.replace(draft, id=version_id(at, tx.ids.bytes(12)))
    else:
        version, at = draft, NULL_ORDER
        old = tx.get(NULLS, name, key) or NULL_ORDER if bucket.versioning else NULL_ORDER
        replaced = tx.get(VERSIONS, name, key, old)
        if replaced is not None:
            _forget(tx, name, key, old, replaced)
        if bucket.versioning:
            at = -tx.serial()
            tx.delete(VERSIONS, name, key, old)
            tx.put(NULLS, name, key, value=at)
    version = replicate(tx, name, bucket, key, at, version)
    _write(tx, name, key, at, version)
    _list(tx, name, key, version)
    return at, version


def _write(tx: Tx, name: str, key: str, at: int, version: Version) -> None:
    tx.put(VERSIONS, name, key, at, value=version)
    _count(tx, name, version, 1)
    if version.blob:
        tx.hold(version.blob)


def insert(tx: Tx, name: str, bucket: Bucket, key: str, at: int, version: Version) -> None:
    """Puts a version from another bucket to the place its id leads to, be there newer ones or not."""
    _write(tx, name, key, at, version)
    newest = current(tx, name, bucket, key)
    assert newest is not None
    _list(tx, name, key, newest[1])


def remove(tx: Tx, name: str, bucket: Bucket, key: str, at: int, version: Version) -> None:
    """Deletes a version for good; where it was the current one, the one before it is again."""
    _forget(tx, name, key, at, version)
    tx.delete(VERSIONS, name, key, at)
    if version.id == NULL and at != NULL_ORDER:
        tx.delete(NULLS, name, key)
    newest = current(tx, name, bucket, key)
    if newest is None:
        tx.delete(LISTED, name, key)
    else:
        _list(tx, name, key, newest[1])


def rewrite(tx: Tx, name: str, key: str, at: int, version: Version) -> None:
    """Puts a version's row again after a change that listings don't show."""
    tx.put(VERSIONS, name, key, at, value=version)


def change(tx: Tx, name: str, bucket: Bucket, key: str, at: int, version: Version) -> None:
    """As `rewrite`, for what a request changed (tags, ACL, locks) and replicas get as well."""
    rewrite(tx, name, key, at, replicate(tx, name, bucket, key, at, version))


def move(tx: Tx, name: str, bucket: Bucket, key: str, at: int, version: Version, storage: str) -> Version:
    """Puts a version into another storage class."""
    _count(tx, name, version, -1)
    moved = msgspec.structs.replace(version, storage=storage, archive="", restore=None)
    _count(tx, name, moved, 1)
    rewrite(tx, name, key, at, moved)
    newest = current(tx, name, bucket, key)
    if newest is not None and newest[0] == at:
        _list(tx, name, key, moved)
    if storage == TIERED:
        tx.put(ACCESSES, name, key, at, value=tx.now)
    return moved


def _count(tx: Tx, name: str, version: Version, sign: int) -> None:
    tx.add(SIZES, name, version.storage, "objects", amount=sign)
    if version.size:
        tx.add(SIZES, name, version.storage, "bytes", amount=sign * version.size)


def _forget(tx: Tx, name: str, key: str, at: int, version: Version) -> None:
    _count(tx, name, version, -1)
    if version.blob:
        tx.drop(version.blob)
    if version.parts:
        tx.delete(OBJECT_PARTS, name, key, at)
    if version.storage == TIERED:
        tx.delete(ACCESSES, name, key, at)
    for place, annotation in list(tx.scan(ANNOTATIONS, name, key, at)) if version.annotations else ():
        tx.delete(ANNOTATIONS, *place)
        if annotation.blob:
            tx.drop(annotation.blob)


def _list(tx: Tx, name: str, key: str, newest: Version) -> None:
    if newest.marker:
        tx.delete(LISTED, name, key)
        return
    common = f"{newest.storage} {newest.algorithm} {newest.checksum_type}" if newest.algorithm else newest.storage
    tx.put(LISTED, name, key, value=Listed(key, newest.modified, f'"{newest.etag}"', newest.size, common))
