"""The digests that come with a body in headers, held against it; in the words of S3.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from hashlib import md5
from typing import Any, cast

from windtunnel.aws.checksums import ALGORITHMS, checksum, is_checksum
from windtunnel.aws.errors import Fault

HEADERS = {algorithm: f"x-amz-checksum-{algorithm.lower()}" for algorithm in ALGORITHMS}
MD5_BYTES, HEX_AS_BASE64_BYTES = 16, 24


def check_document(headers: Mapping[str, str], body: bytes) -> None:
    """Refuse a document that isn't what its sender says it is."""
    if "content-md5" in headers:
        told = md5_of(headers["content-md5"])
        found = md5(body, usedforsecurity=False).digest()
        if told != found:
            raise wrong_md5(told.hex(), found)
    for algorithm, header in HEADERS.items():
        given = headers.get(header)
        if given is None:
            continue
        if not is_checksum(algorithm, given):
            raise Fault("InvalidRequest", f"Value for {header} header is invalid.", status=400)
        running = checksum(algorithm)
        running.update(body)
        if running.base64() != given:
            raise wrong_checksum(algorithm)


def md5_of(text: str) -> bytes:
    """What a Content-MD5 header says."""
    try:
        value = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        value = b""
    # Hexadecimal digits are base64 as well, of 24 bytes; S3 takes them for a digest that is merely wrong.
    if len(value) not in (MD5_BYTES, HEX_AS_BASE64_BYTES):
        members = cast("dict[str, Any]", {"Content-MD5": text})
        raise Fault("InvalidDigest", "The Content-MD5 you specified was invalid.", status=400, **members)
    return value


def wrong_md5(told: str, found: bytes) -> Fault:
    message, calculated = "The Content-MD5 you specified did not match what we received.", b64encode(found).decode()
    return Fault("BadDigest", message, status=400, ExpectedDigest=told, CalculatedDigest=calculated)


def wrong_checksum(algorithm: str) -> Fault:
    return Fault("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.", status=400)
