"""What a request says of an object before its bytes are there: headers, metadata, tags, encryption, conditions."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.access.grants import check_draft
from windtunnel.services.s3.locks.locks import asked_lock
from windtunnel.services.s3.objects.customer_keys import ALGORITHM, new_key
from windtunnel.services.s3.objects.digests import Received
from windtunnel.services.s3.objects.kms import context_of, with_data_key
from windtunnel.services.s3.objects.metadata import decoded
from windtunnel.services.s3.places import current
from windtunnel.services.s3.rules import (
    KMS,
    METADATA_BYTES_MAX,
    NULL,
    STORAGE_CLASSES,
    check_conditional_write,
    check_key,
    etag_matches,
    failed,
    nested,
)
from windtunnel.services.s3.state import Bucket, Encryption, Version
from windtunnel.services.s3.tagging.tags import header_tags_of

Request = Mapping[str, Any]
REDIRECT_BYTES_MAX = 2048
SYSTEM_HEADERS = (
    "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires", "WebsiteRedirectLocation",
)  # fmt: skip


def draft_of(tx: Tx, bucket: Bucket, req: Request) -> Version:
    """What a request says of an object besides its bytes."""
    check_key(req["Key"])
    if req.get("WriteOffsetBytes") is not None:  # directory buckets alone can be appended to
        message = "A header you provided implies functionality that is not implemented"
        raise Fault("NotImplemented", message, status=501, Header="x-amz-write-offset-bytes")
    _check_redirect(req.get("WebsiteRedirectLocation") or "/")
    storage = req.get("StorageClass") or "STANDARD"
    if storage not in STORAGE_CLASSES:
        raise Fault("InvalidStorageClass", "The storage class you specified is not valid", StorageClassRequested=storage)
    headers = {member: req[member] for member in SYSTEM_HEADERS if req.get(member)}
    if "ContentEncoding" in headers:
        # aws-chunked is how the body travelled, not what it is.
        left = [part.strip() for part in headers["ContentEncoding"].split(",") if part.strip() not in ("", "aws-chunked")]
        headers["ContentEncoding"] = ",".join(left)
        if not left:
            del headers["ContentEncoding"]
    metadata = decoded(nested(req, "Metadata"))
    size = sum(len(name) + len(value.encode("utf-8", "surrogatepass")) for name, value in metadata.items())
    if size > METADATA_BYTES_MAX:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise Fault("MetadataTooLarge", message, Size=str(size), MaxSizeAllowed=str(METADATA_BYTES_MAX))
    return Version(
        id=NULL,
        modified=int(tx.now),
        owner=bucket.account,
        content_type=req.get("ContentType") or "binary/octet-stream",
        headers=headers,
        metadata=metadata,
        storage=storage,
        tags=header_tags_of(req.get("Tagging")),
        grants=check_draft(bucket, req),
        encryption=encryption_of(tx, bucket, req),
        lock=asked_lock(bucket, req, tx.now),
    )


def _check_redirect(location: str) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html"""
    if not location.startswith(("/", "http://", "https://")):
        message = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
        raise Fault("InvalidRedirectLocation", message)
    if len(location.encode("utf-8", "surrogatepass")) > REDIRECT_BYTES_MAX:
        raise Fault("InvalidRedirectLocation", "The length of website redirect location cannot exceed 2,048 characters.")


def encryption_of(tx: Tx, bucket: Bucket, req: Request) -> Encryption:
    """What a request asks for, or what its bucket does by default."""
    customer = new_key(req)
    if customer:
        return Encryption(customer=customer)
    algorithm = req.get("ServerSideEncryption")
    _check_algorithm(algorithm, req.get("SSEKMSKeyId"))
    found = bucket.encryption
    if algorithm is not None:
        bucket_key = req.get("BucketKeyEnabled", found.bucket_key) if algorithm in KMS else False
        found = Encryption(algorithm, req.get("SSEKMSKeyId") or "", bool(bucket_key))
    if found.algorithm not in KMS:
        return found
    found = msgspec.structs.replace(found, context=context_of(req.get("SSEKMSEncryptionContext")))
    return with_data_key(tx, bucket, req["Bucket"], req["Key"], found)


def _check_algorithm(algorithm: str | None, key: str | None) -> None:
    header = "x-amz-server-side-encryption"
    if algorithm not in (None, "AES256", *KMS):
        raise Fault("InvalidArgument", "The encryption method specified is not supported", ArgumentName=header, ArgumentValue=algorithm)
    if key and algorithm not in KMS:
        message = f"Server Side Encryption with AWS KMS managed key requires HTTP header {header} : aws:kms"
        raise Fault("InvalidArgument", message, ArgumentName=header, ArgumentValue=algorithm)


def check_write(tx: Tx, bucket: Bucket, req: Request, *, again: bool = False) -> None:
    """Whether a write's conditions hold; `again`: they did when it began.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    match = req.get("IfMatch")
    if match is None and req.get("IfNoneMatch") is None:
        return
    check_conditional_write(req)
    found = current(tx, req["Bucket"], bucket, req["Key"])
    there = found is not None and not found[1].marker
    if match is None:
        if there:
            raise failed("If-None-Match")
        return
    if found is None or not there:
        if again:
            message = "The conditional request cannot succeed due to a conflicting operation against this resource."
            raise Fault("ConditionalRequestConflict", message, Condition="If-Match", Key=req["Key"])
        raise Fault("NoSuchKey", "The specified key does not exist.", Key=req["Key"])
    if not etag_matches(match, found[1].etag):
        raise failed("If-Match")


def filled(draft: Version, received: Received) -> Version:
    """A draft with its bytes."""
    return msgspec.structs.replace(
        draft,
        etag=_etag_of(received.etag, draft.encryption),
        size=received.size,
        inline=received.inline,
        blob=received.blob,
        algorithm=received.algorithm,
        checksum=received.checksum,
        checksum_type="FULL_OBJECT",
    )


def hides_bytes(encryption: Encryption) -> bool:
    """Whether an ETag tells nothing of the bytes: under a KMS key or a customer's.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html"""
    return bool(encryption.data_key or encryption.customer)


def _etag_of(digest: str, encryption: Encryption) -> str:
    if not hides_bytes(encryption):
        return digest
    salted = digest.encode() + (encryption.data_key or encryption.customer.encode())
    return md5(salted, usedforsecurity=False).hexdigest()


def written_id(version: Version) -> dict[str, str]:
    """The VersionId of an answer to a write: null versions don't have any there."""
    return {} if version.id == NULL else {"VersionId": version.id}


def encryption_shown(encryption: Encryption, *, written: bool = False) -> dict[str, Any]:
    """How an object is encrypted; only who has `written` it is told of the encryption context."""
    if encryption.customer:
        return {"SSECustomerAlgorithm": ALGORITHM, "SSECustomerKeyMD5": encryption.customer}
    shown: dict[str, Any] = {"ServerSideEncryption": encryption.algorithm}
    if encryption.key_id:
        shown["SSEKMSKeyId"] = encryption.key_id
    if encryption.bucket_key:
        shown["BucketKeyEnabled"] = True
    if written and encryption.context:
        shown["SSEKMSEncryptionContext"] = b64encode(msgspec.json.encode(encryption.context)).decode()
    return shown
