"""Data keys of objects: KMS makes one for each object under a KMS key, and opens it again for whoever reads the object.

S3 asks in its caller's name, so that the key's policy and its state decide over objects as well. The data key is kept as KMS gave it, under
its key, with the version; bytes lie as they came. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.state import BUCKET, BUCKETS, Bucket, Encryption

MANAGED = "alias/aws/s3"
_ARN = "aws:s3:arn"
_NO_CONTEXT = (
    "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string"
    " map"
)
_context = msgspec.json.Decoder(dict[str, str])


def with_data_key(tx: Tx, bucket: Bucket, name: str, key: str, encryption: Encryption) -> Encryption:
    """An object's encryption with a fresh data key, and its KMS key by its ARN. Raises KMS's refusals in S3's words."""
    place = tx.at(region=bucket.region)
    if not encryption.key_id:
        # The key that AWS manages is that of the bucket's account.
        place = place.at(account=bucket.account)
    asked = {"KeyId": encryption.key_id or MANAGED, "KeySpec": "AES_256", "EncryptionContext": _bound(bucket, name, key, encryption)}
    made = _ask(place, "generate_data_key_without_plaintext", asked)
    return msgspec.structs.replace(encryption, key_id=made["KeyId"], data_key=made["CiphertextBlob"])


def open_data_key(tx: Tx, name: str, key: str, encryption: Encryption) -> None:
    """Has KMS open an object's data key. Raises its refusals in S3's words."""
    bucket = tx.get(BUCKETS, name)
    assert bucket is not None, "the bucket of an object"
    asked = {"KeyId": encryption.key_id, "CiphertextBlob": encryption.data_key, "EncryptionContext": _bound(bucket, name, key, encryption)}
    _ask(tx.at(region=bucket.region), "decrypt", asked)


def _bound(bucket: Bucket, name: str, key: str, encryption: Encryption) -> dict[str, str]:
    """The encryption context: the object, or its bucket where that has a key of its own, and what the request adds."""
    arn = BUCKET.arn_of(bucket.account, bucket.region, name)
    return {_ARN: arn if encryption.bucket_key else f"{arn}/{key}"} | encryption.context


def context_of(text: str | None) -> dict[str, str]:
    """The encryption context that a request brings."""
    if text is None:
        return {}
    try:
        return _context.decode(b64decode(text, validate=True))
    except (ValueError, msgspec.DecodeError) as error:
        raise Fault("InvalidArgument", _NO_CONTEXT, ArgumentName="x-amz-server-side-encryption-context", ArgumentValue=text) from error


def _ask(tx: Tx, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return tx.call("kms", operation, request)
    except Fault as fault:
        if fault.code == "AccessDeniedException":
            raise Fault("AccessDenied", fault.message) from fault
        if fault.code == "InvalidArnException":
            raise Fault("KMS.NotFoundException", fault.message, status=400) from fault
        raise Fault(f"KMS.{fault.code}", fault.message, status=400) from fault
