"""S3's small rules as pure functions: names, ids, ranges, conditions, dates."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from zlib import crc32

from windtunnel.fabric import Fault

DAY_SECONDS = 86_400
KEY_BYTES_MAX = 1024
METADATA_BYTES_MAX = 2048
INLINE_BYTES_MAX = 8 * 1024
"""Bodies up to this size stand in the object's row: that is quicker than a file of their own."""
PART_NUMBER_MAX = 10_000
PART_BYTES_MIN = 5 * 1024 * 1024
PUT_BYTES_MAX = 5 * 1024**3
PAGE_KEYS_MAX = 1000
OBJECT_TAGS_MAX = 10
BUCKET_TAGS_MAX = 50
NULL = "null"

REGIONS = frozenset(
    (
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2",
        "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-central-1",
        "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
        "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1",
        "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2",
    )
)  # fmt: skip
"""https://docs.aws.amazon.com/general/latest/gr/s3.html"""
STORAGE_CLASSES = frozenset(
    ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR")
)
KMS = ("aws:kms", "aws:kms:dsse")
ARCHIVED = frozenset(("GLACIER", "DEEP_ARCHIVE"))
TIERED = "INTELLIGENT_TIERING"

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def is_bucket_name(name: str) -> bool:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    if not _NAME.fullmatch(name) or ".." in name or _ADDRESS.fullmatch(name):
        return False
    return not name.startswith(("xn--", "sthree-", "amzn-s3-demo-")) and not name.endswith(
        ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
    )


def check_key(key: str) -> None:
    """Refuse a key that is longer than S3's bound, or no UTF-8: half a surrogate pair, which no listing could print."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise Fault("InvalidURI", "Couldn't parse the specified URI.") from None
    if size > KEY_BYTES_MAX:
        raise Fault("KeyTooLongError", "Your key is too long", Size=str(size), MaxSizeAllowed=str(KEY_BYTES_MAX))


@cache
def canonical_id(account: str) -> str:
    """An account's canonical user id: 64 hexadecimal digits that are its own."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()


def owner_of(account: str) -> dict[str, str]:
    """An owner, as listings and ACLs print it."""
    return {"ID": canonical_id(account)}


def nested(req: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A structure within a request, empty where it is absent."""
    return req.get(name) or {}


def several(req: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of structures within a request, empty where it is absent."""
    return req.get(name) or []


def malformed() -> Fault:
    """A document that isn't what the operation takes."""
    return Fault("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")


# ---------------------------------------------------------------- version and upload ids


def version_id(order: int, salt: bytes) -> str:
    """A version's id: 32 letters that lead back to its place. `salt` has 12 random bytes."""
    packed = (-order).to_bytes(8) + salt
    return b64encode(packed + crc32(packed).to_bytes(4), b"._").decode()


def order_of(text: str) -> int | None:
    """The place a version's id leads to; None for what never was one."""
    try:
        packed = b64decode(text, b"._", validate=True)
    except (NotBase64, ValueError):
        return None
    if len(packed) != 24 or crc32(packed[:20]).to_bytes(4) != packed[20:]:
        return None
    return -int.from_bytes(packed[:8])


# ---------------------------------------------------------------- ranges


def range_of(text: str, size: int) -> tuple[int, int] | None:
    """(offset, length) of a Range header; None where it is to be ignored, as S3 does with several ranges and other nonsense."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        if not length:
            raise _unsatisfiable(text, size)
        return size - length, length
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise _unsatisfiable(text, size)
    return start, min(int(last) if last else size - 1, size - 1) - start + 1


def _unsatisfiable(text: str, size: int) -> Fault:
    return Fault("InvalidRange", "The requested range is not satisfiable", ActualObjectSize=str(size), RangeRequested=text)


def copy_range_of(text: str, size: int) -> tuple[int, int]:
    """(offset, length) of x-amz-copy-source-range."""
    match = _COPY_RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2])) if match else (1, 0)
    if match is None or first > last:
        raise Fault(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the"
            " first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    if first >= size:
        raise Fault("InvalidRequest", "The specified copy range is invalid for the source object size")
    if last >= size:
        raise Fault(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    return first, last - first + 1


# ---------------------------------------------------------------- conditions


def etag_matches(given: str, etag: str) -> bool:
    """Whether an If-(None-)Match header names an ETag."""
    return given.strip() == "*" or etag in [part.strip().removeprefix("W/").strip('"') for part in given.split(",")]


def check_read(req: Mapping[str, Any], etag: str, modified: int, now: float) -> bool:
    """Whether an object is still the one the client has (304); raises where a precondition doesn't hold. RFC 9110, 13.2.2."""
    match = req.get("IfMatch")
    if match is not None:
        if not etag_matches(match, etag):
            raise failed("If-Match")
    elif (since := req.get("IfUnmodifiedSince")) is not None and modified > since:
        raise failed("If-Unmodified-Since")
    none_match = req.get("IfNoneMatch")
    if none_match is not None:
        return etag_matches(none_match, etag)
    since = req.get("IfModifiedSince")
    return since is not None and modified <= since <= now


def check_source(req: Mapping[str, Any], etag: str, modified: int, now: float) -> None:
    """The conditions on the source of a copy: whatever fails is a 412. A date that is yet to come is not looked at."""
    match = req.get("CopySourceIfMatch")
    if match is not None:
        if not etag_matches(match, etag):
            raise failed("x-amz-copy-source-If-Match")
    elif (since := req.get("CopySourceIfUnmodifiedSince")) is not None and modified > since:
        raise failed("x-amz-copy-source-If-Unmodified-Since")
    none_match = req.get("CopySourceIfNoneMatch")
    if none_match is not None:
        if etag_matches(none_match, etag):
            raise failed("x-amz-copy-source-If-None-Match")
    elif (since := req.get("CopySourceIfModifiedSince")) is not None and modified <= since <= now:
        raise failed("x-amz-copy-source-If-Modified-Since")


def check_conditional_write(req: Mapping[str, Any]) -> None:
    """Which conditions S3 takes at all on a write: If-Match an ETag, If-None-Match only "*", never both."""
    match, none_match = req.get("IfMatch"), req.get("IfNoneMatch")
    if match is None and none_match is None:
        return
    if match is not None and none_match is not None:
        raise _unsupported("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
    if none_match is not None and none_match.strip() != "*":
        raise _unsupported("If-None-Match", "We don't accept the provided value of If-None-Match header for this API")
    if match is not None and match.strip() == "*":
        raise _unsupported("If-Match", "We don't accept the provided value of If-Match header for this API")


def _unsupported(header: str, more: str) -> Fault:
    message = "A header you provided implies functionality that is not implemented"
    return Fault("NotImplemented", message, status=501, Header=header, additionalMessage=more)


def failed(condition: str) -> Fault:
    return Fault("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", Condition=condition)


# ---------------------------------------------------------------- multipart


def multipart_etag(etags: Sequence[str]) -> str:
    """The ETag of an object of parts: the MD5 of their MD5s, and how many there are."""
    return f"{hashlib.md5(b''.join(map(bytes.fromhex, etags)), usedforsecurity=False).hexdigest()}-{len(etags)}"
