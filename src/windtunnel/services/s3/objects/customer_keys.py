"""Keys that customers provide (SSE-C): what S3 remembers of one is its MD5, and who reads must bring it again.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.services.s3.state import Version

ALGORITHM = "AES256"
KEY_BYTES = 32
SOURCE = "CopySource"
"""What stands before the members that name the key of a copy's source."""
_HEADER = "x-amz-server-side-encryption"
_BEGIN = "Requests specifying Server Side Encryption with Customer provided keys must provide"


def _asked(req: Mapping[str, Any], prefix: str) -> tuple[str | None, str | None, str | None]:
    """(algorithm, key, MD5) of a request."""
    algorithm, key, md5 = (req.get(f"{prefix}SSECustomer{name}") for name in ("Algorithm", "Key", "KeyMD5"))
    if algorithm is not None and algorithm != ALGORITHM:
        message = "The Encryption request you specified is not valid. Supported value: AES256."
        raise Fault("InvalidEncryptionAlgorithmError", message, ArgumentName=_HEADER, ArgumentValue=algorithm)
    return algorithm, key, md5


def new_key(req: Mapping[str, Any]) -> str:
    """The MD5 of the key that an object is to be written with; "" where there is none."""
    if req.get("SSECustomerAlgorithm") is None and req.get("SSECustomerKey") is None and req.get("SSECustomerKeyMD5") is None:
        return ""
    if req.get("ServerSideEncryption") is not None:
        message = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"
        raise Fault("InvalidArgument", message, ArgumentName=_HEADER, ArgumentValue=req["ServerSideEncryption"])
    algorithm, key, md5 = _asked(req, "")
    if algorithm is None:
        raise _invalid(f"{_BEGIN} a valid encryption algorithm.")
    if key is None:
        raise _invalid(f"{_BEGIN} an appropriate secret key.")
    try:
        data = b64decode(key, validate=True)
    except (NotBase64, ValueError):
        data = b""
    if len(data) != KEY_BYTES or md5 is None:
        raise _invalid("The secret key was invalid for the specified algorithm.")
    if _digest(data) != md5:
        raise _invalid("The calculated MD5 hash of the key did not match the hash that was provided.")
    return md5


def check_key_of(req: Mapping[str, Any], version: Version, prefix: str = "") -> None:
    """Whether a request that reads a version brings the version's key, and only where it has one."""
    kept = version.encryption.customer
    algorithm, key, md5 = _asked(req, prefix)
    if not kept:
        if algorithm is not None:
            raise Fault("InvalidRequest", "The encryption parameters are not applicable to this object.")
        return
    if algorithm is None:
        message = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the"
        raise Fault("InvalidRequest", f"{message} object.")
    if md5 != kept or not _is_key(key, kept):
        raise Fault("AccessDenied", f"{_BEGIN} the correct secret key.")


def check_part_key(req: Mapping[str, Any], draft: Version) -> None:
    """Whether a part comes with its upload's key."""
    kept = draft.encryption.customer
    given = new_key(req)
    if bool(given) != bool(kept):
        message = "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption"
        raise Fault("InvalidRequest", f"{message} parameters.")
    if given != kept:
        raise Fault("InvalidRequest", "The provided encryption parameters did not match the ones used originally.")


def _is_key(text: str | None, md5: str) -> bool:
    try:
        return _digest(b64decode(text or "", validate=True)) == md5
    except (NotBase64, ValueError):
        return False


def _digest(key: bytes) -> str:
    return b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()


def _invalid(message: str) -> Fault:
    return Fault("InvalidArgument", message, ArgumentName=_HEADER)
