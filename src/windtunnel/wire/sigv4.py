"""Verifies AWS's signatures (version 4): the one place that makes a request canonical and signs it again.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote_to_bytes

import msgspec

from windtunnel.wire import sigv2
from windtunnel.wire.credential import ECDSA, LEGACY, Credential, credential_of, looks_like_s3
from windtunnel.wire.message import Request
from windtunnel.wire.sigfaults import (
    SKEW_SECONDS,
    body_differs,
    check_time,
    content_sha256_invalid,
    content_sha256_mismatch,
    content_sha256_missing,
    date_missing,
    does_not_match,
    headers_not_signed,
    scope_date_wrong,
)

if TYPE_CHECKING:
    from _hashlib import HASH

__all__ = [
    "SKEW_SECONDS",
    "Credential",
    "PayloadHash",
    "check_payload_hash",
    "credential_of",
    "looks_like_s3",
    "payload_hash_of",
    "signing_key",
    "timestamp_of",
    "verify",
]

UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

_NAME = re.compile(r"[a-z0-9!#$&'*+.^_`|~-]+")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_ISO = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9\-._~/]*")
_CLEAN_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~=&]|%[0-9A-F]{2})*")
_DIRTY_SEGMENTS = re.compile(r"//|/\.\.?(?:/|$)")

Kind = Literal["exact", "body", "unsigned", "signed chunks", "signed chunks and trailer", "unsigned trailer", "signed events"]
_STREAMING: dict[str, Kind] = {
    UNSIGNED: "unsigned",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": "signed chunks",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": "signed chunks and trailer",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD": "signed chunks",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER": "signed chunks and trailer",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": "unsigned trailer",
    "STREAMING-AWS4-HMAC-SHA256-EVENTS": "signed events",
}


class PayloadHash(msgspec.Struct, frozen=True):
    """What a request says of its payload.

    `exact`: the body must have the SHA-256 `value`. `body`: no header tells, so the signature covers the hash of the body,
    which must be at hand to verify it. `unsigned`: nothing to check. The rest is framed: `wire/chunked.py` reads it.
    """

    kind: Kind
    value: str


def payload_hash_of(request: Request, credential: Credential | None = None) -> PayloadHash:
    """Which check of the payload applies. For S3 a value that is none of AWS's raises `InvalidArgument`."""
    value = request.headers.get("x-amz-content-sha256")
    if credential is not None and credential.presigned and credential.service in _S3:
        value = _presigned_hash(request, credential)
    if value is None:
        return PayloadHash("body", "")
    kind = _STREAMING.get(value)
    if kind is not None:
        return PayloadHash(kind, value)
    if credential is not None and credential.service in _S3 and _HEX64.fullmatch(value) is None:
        raise content_sha256_invalid(value)
    return PayloadHash("exact", value)


def check_payload_hash(expected: str, computed: str, *, s3: bool) -> None:
    """For a body that was read as a stream: `expected` is the value of an exact `PayloadHash`, `computed` a hex SHA-256."""
    if not hmac.compare_digest(expected.encode(), computed.encode()):
        raise content_sha256_mismatch(expected, computed, s3=s3)


def verify(request: Request, credential: Credential, secret: str, now: float | None, *, s3: bool, body_sha256: str | None = None) -> None:
    """Raise AWS's fault unless `credential` was made with `secret`, for this request, within its time.

    `now` is the time that clients live in, None to leave all clocks out (a region whose clock was moved is ahead of its
    clients). `body_sha256` is the hex hash of the body where the caller has it already; else `request.body` is hashed where
    it must be. A request with a `stream` is verified by its head; its payload is checked while it is read (`payload_hash_of`).
    """
    if credential.algorithm == LEGACY:
        sigv2.verify(request, credential, secret, now)
        return
    timestamp, signed = credential.timestamp, timestamp_of(credential.timestamp)
    if signed is None:
        timestamp = _date(request, credential, s3=s3)
        signed = timestamp_of(timestamp)
    if timestamp[:8] != credential.date:
        raise scope_date_wrong(request, credential, timestamp, s3=s3)
    check_time(request, credential, timestamp, signed, now, s3=s3)
    if s3:
        for name in request.headers:
            if name.startswith("x-amz-") and name not in credential.signed_headers and name != "x-amz-content-sha256":
                raise headers_not_signed(request, credential)
    payload = _payload(request, credential, body_sha256, s3=s3)
    canonical = _canonical(request, credential, payload, s3=s3)
    if not _fits(credential, secret, timestamp, canonical.encode()) and not _fits_as_latin_1(credential, secret, timestamp, canonical):
        string_to_sign = _string_to_sign(credential, timestamp, canonical.encode())
        raise does_not_match(request, credential, string_to_sign, canonical, s3=s3)
    if request.stream is None and payload not in _STREAMING and request.headers.get("x-amz-content-sha256"):
        _check_body(request, credential, payload, body_sha256, s3=s3)


def _fits(credential: Credential, secret: str, timestamp: str, canonical: bytes) -> bool:
    text = _string_to_sign(credential, timestamp, canonical)
    if credential.algorithm == ECDSA:
        from windtunnel.wire import sigv4a  # and with it a library that few regions need

        return sigv4a.matches(text, credential, secret)
    inner, outer = _pads(secret, credential.date, credential.region, credential.service)
    inner, outer = inner.copy(), outer.copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    return hmac.compare_digest(outer.hexdigest().encode(), credential.signature.encode())


def _fits_as_latin_1(credential: Credential, secret: str, timestamp: str, canonical: str) -> bool:
    """Header values beyond ASCII were bytes once, and a client signs bytes: as UTF-8, or as one byte a character."""
    try:
        return not canonical.isascii() and _fits(credential, secret, timestamp, canonical.encode("latin-1"))
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key that signs for one day, region and service; worth keeping, as deriving it costs four times what it is used for."""
    key = hmac.digest(f"AWS4{secret}".encode(), date.encode(), "sha256")
    for part in (region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=1024)
def _pads(secret: str, date: str, region: str, service: str) -> "tuple[HASH, HASH]":
    """HMAC's two hashes with the signing key taken in (RFC 2104), to be copied: a third of what a fresh HMAC costs."""
    key = signing_key(secret, date, region, service).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in key)), hashlib.sha256(bytes(byte ^ 0x5C for byte in key))


@lru_cache(maxsize=256)
def timestamp_of(text: str) -> float | None:
    """Epoch seconds of `YYYYMMDDTHHMMSSZ`, None for anything else."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None


_S3 = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})


def _date(request: Request, credential: Credential, *, s3: bool) -> str:
    """The time of signing where no X-Amz-Date tells it."""
    text = credential.timestamp or request.headers.get("date", "")
    if timestamp_of(text) is not None:
        return text
    try:
        return parsedate_to_datetime(text).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except ValueError:
        raise date_missing(request, credential, s3=s3) from None


def _payload(request: Request, credential: Credential, body_sha256: str | None, *, s3: bool) -> str:
    """The last line of the canonical request."""
    if s3 and credential.presigned:
        return _presigned_hash(request, credential)
    value = request.headers.get("x-amz-content-sha256")
    if value is not None:
        if s3 and value not in _STREAMING and _HEX64.fullmatch(value) is None:
            raise content_sha256_invalid(value)
        return value
    if s3:
        raise content_sha256_missing()
    if body_sha256 is not None:
        return body_sha256
    return hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_SHA256


def _presigned_hash(request: Request, credential: Credential) -> str:
    if "x-amz-content-sha256" in credential.signed_headers:
        return request.headers.get("x-amz-content-sha256", "")
    match = re.search(r"(?:^|&)X-Amz-Content-Sha256=([^&]*)", request.query, re.IGNORECASE)
    return match[1] if match else UNSIGNED


def _check_body(request: Request, credential: Credential, payload: str, body_sha256: str | None, *, s3: bool) -> None:
    if body_sha256 is None:
        body_sha256 = hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_SHA256
    if s3:
        check_payload_hash(payload, body_sha256, s3=True)
    elif payload != body_sha256:
        raise body_differs(request, credential)


def _canonical(request: Request, credential: Credential, payload: str, *, s3: bool) -> str:
    path = "/" if request.path == "/" else _canonical_path(request.path, s3=s3)
    query = _canonical_query(request.query, presigned=credential.presigned) if request.query else ""
    return f"{request.method}\n{path}\n{query}\n{_canonical_headers(request.headers, credential.signed_headers)}\n{payload}"


@lru_cache(maxsize=1024)
def _form_of(names: tuple[str, ...]) -> str:
    """What clients who sign the same headers have in common, to be filled in; "" where a name is none."""
    if not all(map(_NAME.fullmatch, names)):
        return ""
    return "".join([f"{name}:%({name})s\n" for name in names]) + "\n" + ";".join(names)


def _canonical_headers(headers: dict[str, str], names: tuple[str, ...]) -> str:
    """The signed headers' lines, and their list."""
    try:
        text = _form_of(names) % headers
    except KeyError:
        text = ""
    if text and "  " not in text:
        return text
    # Runs of spaces count as one, as AWS's signers trim them.
    values = [headers.get(name, "") for name in names]
    trimmed = [" ".join(value.split()) if "  " in value or value != value.strip() else value for value in values]
    return "".join([f"{name}:{value}\n" for name, value in zip(names, trimmed, strict=True)]) + "\n" + ";".join(names)


def _canonical_path(path: str, *, s3: bool) -> str:
    """S3 takes the path as it is and encodes it once; every other service normalises it and encodes what is encoded again."""
    if path == "/":
        return path
    if s3:
        return path or "/" if _PLAIN_PATH.fullmatch(path) else quote(unquote_to_bytes(path), safe="/-._~")
    if _DIRTY_SEGMENTS.search(path):
        path = _normalised(path)
    return path or "/" if _PLAIN_PATH.fullmatch(path) else quote(path, safe="/-._~")


def _normalised(path: str) -> str:
    """RFC 3986's removal of dot segments, and no empty segments."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    slash = "/" if path.endswith("/") and kept else ""
    return f"/{'/'.join(kept)}{slash}"


def _canonical_query(query: str, *, presigned: bool) -> str:
    if not query:
        return ""
    if _CLEAN_QUERY.fullmatch(query):
        pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
    else:
        pairs = [(_encoded(name), _encoded(value)) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
    if presigned:
        pairs = [pair for pair in pairs if pair[0] != "X-Amz-Signature"]
    # By name and then value, never by the joined text: "-" sorts before "=".
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="-._~")


def _string_to_sign(credential: Credential, timestamp: str, canonical: bytes) -> str:
    region = "" if credential.algorithm == ECDSA else f"{credential.region}/"
    digest = hashlib.sha256(canonical).hexdigest()
    return f"{credential.algorithm}\n{timestamp}\n{credential.date}/{region}{credential.service}/aws4_request\n{digest}"
