"""Annotations of objects: put, read, listed and deleted."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.annotations.rules import NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, annotate, check_name
from windtunnel.services.s3.locks.locks import may_go, protected
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.objects.digests import MEMBERS, Received, receive
from windtunnel.services.s3.objects.drafts import Request
from windtunnel.services.s3.places import bucket_of, charge_shown, lookup, rewrite, shown_id
from windtunnel.services.s3.rules import PAGE_KEYS_MAX, etag_matches, failed
from windtunnel.services.s3.state import ANNOTATIONS, Annotation, Bucket, Version

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


async def put_object_annotation(call: Call, req: t.PutObjectAnnotationRequest) -> t.PutObjectAnnotationOutput:
    call.read(_check, req)
    body: Any = req.get("AnnotationPayload", b"")
    if (getattr(body, "length", 0) or 0) > PAYLOAD_BYTES_MAX:
        raise _wrong_size()
    received = await receive(call, {**req, "Body": body})
    try:
        if not 1 <= received.size <= PAYLOAD_BYTES_MAX:
            raise _wrong_size()
        _check_text(received.inline or await call.blobs.read(received.blob))
        return await call.transact(_put, req, received)
    except BaseException:
        if received.blob:
            call.blobs.delete(received.blob)
        raise


def _wrong_size() -> Fault:
    return Fault("InvalidRequest", "The annotation payload must be between 1 byte and 1 MiB in size.")


def _check_text(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise Fault("UnsupportedMediaType", "The annotation payload must be valid UTF-8 encoded text.") from None


def _check(tx: Tx, req: Request) -> tuple[Bucket, int, Version]:
    """The version that a request for a change names, where it may be annotated."""
    check_name(req.get("AnnotationName") or "")
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "PUT")
    match = req.get("ObjectIfMatch")
    if match is not None and not etag_matches(match, version.etag):
        raise failed("x-amz-object-if-match")
    if version.encryption.customer:
        raise Fault("InvalidRequest", "Objects encrypted with SSE-C cannot have annotations.")
    return bucket, at, version


def _put(tx: Tx, req: Request, received: Received) -> t.PutObjectAnnotationOutput:
    bucket, at, version = _check(tx, req)
    annotation = Annotation(
        received.etag, received.size, int(tx.now), received.algorithm, received.checksum, received.inline, received.blob
    )
    annotate(tx, req["Bucket"], req["Key"], at, version, [(req["AnnotationName"], annotation)])
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectAnnotation:Put", version)
    return {
        "Key": req["Key"],
        "AnnotationName": req["AnnotationName"],
        "ETag": f'"{annotation.etag}"',
        "ChecksumType": "FULL_OBJECT",
        MEMBERS[annotation.algorithm]: annotation.checksum,
        "ServerSideEncryption": version.encryption.algorithm,
        **_version_shown(tx, bucket, version),
    }  # pyright: ignore[reportReturnType]


def _version_shown(tx: Tx, bucket: Bucket, version: Version) -> dict[str, str]:
    shown = {"ObjectVersionId": version.id} if shown_id(bucket, version) else {}
    return {**shown, **charge_shown(tx, bucket)}


def get_object_annotation(tx: Tx, req: t.GetObjectAnnotationRequest) -> t.GetObjectAnnotationOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "GET")
    found = tx.get(ANNOTATIONS, req["Bucket"], req["Key"], at, req["AnnotationName"])
    if found is None:
        raise Fault("NoSuchAnnotation", "The specified annotation does not exist.")
    checked = (req.get("ChecksumMode") or "").upper() == "ENABLED"
    return {
        "AnnotationPayload": tx.blobs.piece(found.blob, 0, found.size) if found.blob else found.inline,
        "LastModified": found.modified,
        "ContentLength": found.size,
        "ETag": f'"{found.etag}"',
        "ServerSideEncryption": version.encryption.algorithm,
        **({MEMBERS[found.algorithm]: found.checksum, "ChecksumType": "FULL_OBJECT"} if checked else {}),
        **_version_shown(tx, bucket, version),
    }  # pyright: ignore[reportReturnType]


def list_object_annotations(tx: Tx, req: t.ListObjectAnnotationsRequest) -> t.ListObjectAnnotationsOutput:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, "GET")
    prefix, token = req.get("AnnotationPrefix") or "", req.get("ContinuationToken")
    if len(prefix.encode("utf-8", "surrogatepass")) > NAME_BYTES_MAX:
        raise Fault("InvalidPrefix", "The annotation prefix you provided is invalid.")
    most = req.get("MaxAnnotationResults", PAGE_KEYS_MAX)
    if not 1 <= most <= PAGE_KEYS_MAX:
        message = f"Argument max-annotation-results must be an integer between 1 and {PAGE_KEYS_MAX}"
        raise Fault("InvalidArgument", message, ArgumentName="max-annotation-results", ArgumentValue=str(most))
    start = _place_of(token) if token else (prefix,)
    rows = tx.scan(ANNOTATIONS, req["Bucket"], req["Key"], at, start=start)
    taken = list(islice(takewhile(lambda row: str(row[0][3]).startswith(prefix), rows), most + 1))
    page = [_listed(str(place[3]), annotation) for place, annotation in taken[:most]]
    result: Any = {
        "Annotations": page,
        "Bucket": req["Bucket"],
        "Key": req["Key"],
        "MaxAnnotationResults": most,
        "AnnotationCount": len(page),
        **_version_shown(tx, bucket, version),
    }
    if prefix:
        result["AnnotationPrefix"] = prefix
    if token:
        result["ContinuationToken"] = token
    if len(taken) > most:
        result["NextContinuationToken"] = pages.encode((taken[most][0][3],))
    return result


def _place_of(token: str) -> tuple[Any, ...]:
    try:
        return pages.decode(token)
    except ValueError:
        raise Fault("InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token") from None


def _listed(name: str, annotation: Annotation) -> dict[str, Any]:
    return {
        "AnnotationName": name,
        "LastModified": annotation.modified,
        "ETag": f'"{annotation.etag}"',
        "ChecksumAlgorithm": [annotation.algorithm],
        "Size": annotation.size,
    }


def delete_object_annotation(tx: Tx, req: t.DeleteObjectAnnotationRequest) -> t.DeleteObjectAnnotationOutput:
    """It is gone for good, whatever versioning the bucket has."""
    bucket, at, version = _check(tx, req)
    found = tx.get(ANNOTATIONS, req["Bucket"], req["Key"], at, req["AnnotationName"])
    if found is not None:
        if not may_go(version, tx.now, bypass=False):
            raise protected()
        tx.delete(ANNOTATIONS, req["Bucket"], req["Key"], at, req["AnnotationName"])
        if found.blob:
            tx.drop(found.blob)
        rewrite(tx, req["Bucket"], req["Key"], at, msgspec.structs.replace(version, annotations=version.annotations - 1))
        tell(tx, req["Bucket"], bucket, req["Key"], "ObjectAnnotation:Delete", version)
    return _version_shown(tx, bucket, version)  # pyright: ignore[reportReturnType]
