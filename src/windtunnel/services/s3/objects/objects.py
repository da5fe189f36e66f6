"""Objects, written in one piece and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.lifecycle.expiration import expiration_shown
from windtunnel.services.s3.locks.factors import check_factor
from windtunnel.services.s3.locks.locks import may_go, protected
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.objects.digests import MEMBERS, Received, receive
from windtunnel.services.s3.objects.drafts import Request, check_write, draft_of, encryption_shown, filled, written_id
from windtunnel.services.s3.places import add, bucket_of, charge_shown, current, find, remove
from windtunnel.services.s3.rules import NULL, PAGE_KEYS_MAX, PUT_BYTES_MAX, check_key, etag_matches, failed, malformed
from windtunnel.services.s3.state import Bucket, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


async def put_object(call: Call, req: t.PutObjectRequest) -> t.PutObjectOutput:
    """Bytes first, then the row that names them."""
    if not isinstance(req.get("Body", b""), bytes):
        call.read(_check_put, req)
    received = await receive(call, req)
    try:
        return await call.transact(_put, req, received)
    except BaseException:
        if received.blob:
            call.blobs.delete(received.blob)
        raise


def _check_put(tx: Tx, req: Request) -> None:
    """What can be refused before a body has arrived is refused then, and once more when it is written."""
    bucket = bucket_of(tx, req)
    draft_of(tx, bucket, req)
    check_write(tx, bucket, req)


def _put(tx: Tx, req: Request, received: Received) -> t.PutObjectOutput:
    bucket = bucket_of(tx, req)
    if received.size > PUT_BYTES_MAX:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise Fault("EntityTooLarge", message, ProposedSize=str(received.size), MaxSizeAllowed=str(PUT_BYTES_MAX))
    check_write(tx, bucket, req, again=not isinstance(req.get("Body", b""), bytes))
    version = filled(draft_of(tx, bucket, req), received)
    name, key = req["Bucket"], req["Key"]
    _, version = add(tx, name, bucket, key, version)
    tell(tx, name, bucket, key, "ObjectCreated:Post" if req.get("Posted") else "ObjectCreated:Put", version)
    return {
        "ETag": f'"{version.etag}"',
        "ChecksumType": "FULL_OBJECT",
        **encryption_shown(version.encryption, written=True),
        **expiration_shown(tx, name, key, version),
        **written_id(version),
        **charge_shown(tx, bucket),
        MEMBERS[version.algorithm]: version.checksum,
    }  # pyright: ignore[reportReturnType]


# ---------------------------------------------------------------- deleting


def delete_object(tx: Tx, req: t.DeleteObjectRequest) -> t.DeleteObjectOutput:
    bucket = bucket_of(tx, req)
    bypass = _check_delete(bucket, req)
    check_key(req["Key"])
    if bucket.mfa_delete and req.get("VersionId") is not None:
        check_factor(tx, bucket, req)
    shown = _delete(tx, req["Bucket"], bucket, req["Key"], req.get("VersionId"), req.get("IfMatch"), bypass=bypass)
    return {**shown, **charge_shown(tx, bucket)}  # pyright: ignore[reportReturnType]


def _check_delete(bucket: Bucket, req: Request) -> bool:
    """Whether the request bypasses governance; raises what S3 refuses of its headers."""
    bypass = req.get("BypassGovernanceRetention")
    if bypass is not None and not bucket.object_lock:
        message = "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets."
        raise Fault("InvalidArgument", message, ArgumentName="x-amz-bypass-governance-retention")
    for member, header in (("IfMatchLastModifiedTime", "x-amz-if-match-last-modified-time"), ("IfMatchSize", "x-amz-if-match-size")):
        if req.get(member) is not None:
            message = "A header you provided implies functionality that is not implemented"
            raise Fault("NotImplemented", message, status=501, Header=header)
    return bool(bypass)


def _delete(tx: Tx, name: str, bucket: Bucket, key: str, given: str | None, match: str | None, *, bypass: bool) -> dict[str, Any]:
    """Deletes a version for good, or, without a version id, the key as its bucket does. Answers as DeleteObject does."""
    if match is not None:
        found = current(tx, name, bucket, key) if given is None else find(tx, name, key, given)
        if found is None or found[1].marker or not etag_matches(match, found[1].etag):
            raise failed("If-Match")
    if given is not None:
        found = find(tx, name, key, given)
        if found is None:
            return {"VersionId": given}
        if not may_go(found[1], tx.now, bypass=bypass):
            raise protected()
        remove(tx, name, bucket, key, *found)
        tell(tx, name, bucket, key, "ObjectRemoved:Delete", found[1])
        return {"VersionId": given, **({"DeleteMarker": True} if found[1].marker else {})}
    if not bucket.versioning:
        found = current(tx, name, bucket, key)
        if found is not None:
            remove(tx, name, bucket, key, *found)
            tell(tx, name, bucket, key, "ObjectRemoved:Delete", found[1])
        return {}
    _, marker = add(tx, name, bucket, key, Version(id=NULL, modified=int(tx.now), owner=bucket.account, marker=True))
    tell(tx, name, bucket, key, "ObjectRemoved:DeleteMarkerCreated", marker)
    return {"VersionId": marker.id, "DeleteMarker": True}


def delete_objects(tx: Tx, req: t.DeleteObjectsRequest) -> t.DeleteObjectsOutput:
    """Up to a thousand at once; each succeeds or fails by itself."""
    bucket = bucket_of(tx, req)
    bypass = _check_delete(bucket, req)
    wanted = req["Delete"].get("Objects") or []
    if not 1 <= len(wanted) <= PAGE_KEYS_MAX or not all(item["Key"] for item in wanted):
        raise malformed()
    if bucket.mfa_delete and any(item.get("VersionId") is not None for item in wanted):
        check_factor(tx, bucket, req)
    deleted: list[Any] = []
    errors: list[Any] = []
    for item in wanted:
        key, given = item["Key"], item.get("VersionId")
        named = {"Key": key, **({"VersionId": given} if given is not None else {})}
        try:
            shown = _delete(tx, req["Bucket"], bucket, key, given, item.get("ETag"), bypass=bypass)
        except Fault as fault:
            known = fault.code != "InvalidArgument"
            code, message = (fault.code, fault.message) if known else ("NoSuchVersion", "The specified version does not exist.")
            errors.append({**named, "Code": code, "Message": message})
            continue
        marker = {"DeleteMarker": True, "DeleteMarkerVersionId": shown["VersionId"]} if shown.get("DeleteMarker") else {}
        deleted.append({**named, **marker})
    result: t.DeleteObjectsOutput = {**charge_shown(tx, bucket)}  # pyright: ignore[reportAssignmentType]
    if deleted and not req["Delete"].get("Quiet"):
        result["Deleted"] = deleted
    if errors:
        result["Errors"] = errors
    return result
