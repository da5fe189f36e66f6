"""Multipart uploads: parts come in any order and any number of times; completing makes one object of those that are named.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.checksums import checksum
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.lifecycle.expiration import abortion_shown, expiration_shown
from windtunnel.services.s3.multipart.uploads import (
    check_mode,
    check_parts,
    check_whole,
    checksum_type_of,
    discard,
    no_such_upload,
    upload_of,
    whole_checksum,
)
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.objects.customer_keys import check_part_key
from windtunnel.services.s3.objects.digests import BODY_READ_BYTES, DEFAULT, MEMBERS, Md5, Received, given_checksum, receive
from windtunnel.services.s3.objects.drafts import Request, check_write, draft_of, encryption_shown, written_id
from windtunnel.services.s3.objects.kms import open_data_key
from windtunnel.services.s3.objects.sources import Source, source_of
from windtunnel.services.s3.places import add, bucket_of
from windtunnel.services.s3.rules import PART_NUMBER_MAX, copy_range_of, multipart_etag
from windtunnel.services.s3.state import OBJECT_PARTS, PARTS, UPLOADS, ObjectPart, Part, Upload

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


def create_multipart_upload(tx: Tx, req: t.CreateMultipartUploadRequest) -> t.CreateMultipartUploadOutput:
    bucket = bucket_of(tx, req)
    draft = draft_of(tx, bucket, req)
    algorithm, kind = checksum_type_of(req)
    upload_id = f"{tx.serial():020x}{tx.ids.text(44)}"
    upload = Upload(int(tx.now), tx.scope.principal.account or bucket.account, draft, algorithm, kind)
    tx.put(UPLOADS, req["Bucket"], req["Key"], upload_id, value=upload)
    return {
        "Bucket": req["Bucket"],
        "Key": req["Key"],
        "UploadId": upload_id,
        **encryption_shown(draft.encryption, written=True),
        **abortion_shown(tx, req["Bucket"], req["Key"], upload.initiated),
        **({"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if algorithm else {}),
    }  # pyright: ignore[reportReturnType]


def abort_multipart_upload(tx: Tx, req: t.AbortMultipartUploadRequest) -> t.AbortMultipartUploadOutput:
    bucket_of(tx, req)
    upload_of(tx, req)
    discard(tx, req)
    return {}


# ---------------------------------------------------------------- parts


async def upload_part(call: Call, req: t.UploadPartRequest) -> t.UploadPartOutput:
    upload = call.read(_check_part, req)
    given = given_checksum(req)
    if upload.algorithm and given and given[0] != upload.algorithm:
        expected, actual = upload.algorithm.lower(), given[0].lower()
        message = f"Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual}"
        raise Fault("InvalidRequest", message)
    received = await receive(call, req, keep=upload.algorithm or DEFAULT)
    await _store_part(call, req, upload, received)
    return {"ETag": f'"{received.etag}"', **encryption_shown(upload.draft.encryption), MEMBERS[received.algorithm]: received.checksum}  # pyright: ignore[reportReturnType]


def _check_part(tx: Tx, req: Request) -> Upload:
    bucket_of(tx, req)
    number = req.get("PartNumber")
    if number is None or not 1 <= number <= PART_NUMBER_MAX:
        message = f"Part number must be an integer between 1 and {PART_NUMBER_MAX}, inclusive"
        raise Fault("InvalidArgument", message, ArgumentName="partNumber", ArgumentValue="" if number is None else str(number))
    upload = upload_of(tx, req)
    check_part_key(req, upload.draft)
    return upload


async def _store_part(call: Call, req: Request, upload: Upload, received: Received) -> int:
    try:
        return await call.transact(_put_part, req, upload.algorithm or DEFAULT, received)
    except BaseException:
        call.blobs.delete(received.blob)
        raise


def _open(tx: Tx, req: Request, upload: Upload) -> None:
    """Parts of an object under a KMS key are written, and become an object, for whom KMS opens the upload's data key."""
    if upload.draft.encryption.data_key:
        open_data_key(tx, req["Bucket"], req["Key"], upload.draft.encryption)


def _put_part(tx: Tx, req: Request, algorithm: str, received: Received) -> int:
    _open(tx, req, upload_of(tx, req))
    old = tx.get(PARTS, req["UploadId"], req["PartNumber"])
    if old is not None:
        tx.drop(old.blob)
    now = int(tx.now)
    part = Part(received.etag, received.size, now, received.blob, algorithm, received.kept)
    tx.put(PARTS, req["UploadId"], req["PartNumber"], value=part)
    tx.hold(received.blob)
    return now


async def upload_part_copy(call: Call, req: t.UploadPartCopyRequest) -> t.UploadPartCopyOutput:
    upload = call.read(_check_part, req)
    source = call.read(source_of, req)
    text = req.get("CopySourceRange")
    offset, length = copy_range_of(text, source.version.size) if text is not None else (0, source.version.size)
    received = await _taken(call, source, offset, length, upload.algorithm or DEFAULT)
    modified = await _store_part(call, req, upload, received)
    result: Any = {"ETag": f'"{received.etag}"', "LastModified": modified}
    if upload.algorithm:
        result[MEMBERS[upload.algorithm]] = received.kept
    return {
        "CopyPartResult": result,
        **encryption_shown(upload.draft.encryption),
        **({"CopySourceVersionId": source.shown_id} if source.shown_id is not None else {}),
    }  # pyright: ignore[reportReturnType]


async def _taken(call: Call, source: Source, offset: int, length: int, algorithm: str) -> Received:
    """A part of another object's bytes, under a name of its own."""
    md5, running = Md5(), checksum(algorithm)
    version = source.version
    if version.blob:
        body: Any = call.blobs.iter(version.blob, offset, length, BODY_READ_BYTES)
    else:
        body = version.inline[offset : offset + length]
    try:
        stored = await call.blobs.write(body, digests=(md5, running))
    except FileNotFoundError:  # the source went while it was read
        raise Fault("NoSuchKey", "The specified key does not exist.", Key=source.key) from None
    text = running.base64()
    return Received(stored.size, b"", stored.id, md5.hexdigest(), algorithm, text, text)


# ---------------------------------------------------------------- completing


async def complete_multipart_upload(call: Call, req: t.CompleteMultipartUploadRequest) -> t.CompleteMultipartUploadOutput:
    """The parts' files are joined first (which costs next to nothing where the disk shares extents), then the rows change."""
    parts = call.read(_check_complete, req)
    try:
        blob = await call.blobs.concat([part.blob for _, part in parts])
    except FileNotFoundError:  # another completed or gave up the upload meanwhile
        raise no_such_upload(req) from None
    try:
        return await call.transact(_complete, req, parts, blob.id)
    except BaseException:
        call.blobs.delete(blob.id)
        raise


def _check_complete(tx: Tx, req: Request, *, again: bool = False) -> list[tuple[int, Part]]:
    bucket = bucket_of(tx, req)
    if "UploadId" not in req:  # a POST of an object that is no completion
        message = "The specified method is not allowed against this resource."
        raise Fault("MethodNotAllowed", message, Method="POST", ResourceType="OBJECT")
    upload = upload_of(tx, req)
    check_mode(req, upload)
    parts = check_parts(tx, req, upload)
    check_whole(req, upload, parts)
    check_write(tx, bucket, req, again=again)
    return parts


def _complete(tx: Tx, req: Request, parts: list[tuple[int, Part]], blob: str) -> t.CompleteMultipartUploadOutput:
    if _check_complete(tx, req, again=True) != parts:
        raise no_such_upload(req)
    bucket, upload = bucket_of(tx, req), upload_of(tx, req)
    _open(tx, req, upload)
    name, key = req["Bucket"], req["Key"]
    version = msgspec.structs.replace(
        upload.draft,
        modified=int(tx.now),
        etag=multipart_etag([part.etag for _, part in parts]),
        size=sum(part.size for _, part in parts),
        blob=blob,
        parts=len(parts),
    )
    if upload.algorithm or not upload.draft.encryption.customer:  # of what it can't read by itself S3 keeps no checksum unasked
        version = msgspec.structs.replace(
            version,
            algorithm=upload.algorithm or DEFAULT,
            checksum=whole_checksum(upload, parts),
            checksum_type=upload.checksum_type or "FULL_OBJECT",
        )
    at, version = add(tx, name, bucket, key, version)
    shown = tuple(ObjectPart(number, part.size, part.checksum if upload.algorithm else "") for number, part in parts)
    tx.put(OBJECT_PARTS, name, key, at, value=shown)
    discard(tx, req)
    tell(tx, name, bucket, key, "ObjectCreated:CompleteMultipartUpload", version)
    return {
        "Location": f"{tx.scope.endpoint}/{name}/{key}",
        "Bucket": name,
        "Key": key,
        "ETag": f'"{version.etag}"',
        **({"ChecksumType": version.checksum_type, MEMBERS[version.algorithm]: version.checksum} if version.algorithm else {}),
        **({} if version.encryption.customer else encryption_shown(version.encryption)),
        **expiration_shown(tx, name, key, version),
        **written_id(version),
    }  # pyright: ignore[reportReturnType]
