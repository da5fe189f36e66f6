"""Signature version 2 as S3 still takes it: `Authorization: AWS key:signature`, and presigned URLs with `Expires`.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

import hmac
from base64 import b64encode
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from windtunnel.aws.errors import Fault
from windtunnel.wire.credential import Credential
from windtunnel.wire.message import Request
from windtunnel.wire.sigfaults import SKEW_SECONDS, request_expired, s3_does_not_match, too_skewed

_SUBRESOURCES = frozenset({
    "accelerate", "acl", "analytics", "cors", "delete", "defaultObjectAcl", "encryption", "intelligent-tiering", "inventory",
    "legal-hold", "lifecycle", "location", "logging", "metrics", "notification", "object-lock", "ownershipControls", "partNumber",
    "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "response-cache-control",
    "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type",
    "response-expires", "restore", "retention", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads",
    "versionId", "versioning", "versions", "website",
})  # fmt: skip


def verify(request: Request, credential: Credential, secret: str, now: float | None) -> None:
    """Raise S3's fault unless the request was signed with `secret`, within its time."""
    if now is not None:
        _check_time(request, credential, now)
    given = credential.signature.encode()
    # A bucket may stand in the path or in the host's name; whichever was signed is right.
    candidates = [_string_to_sign(request, credential, resource) for resource in _resources(request)]
    for text in candidates:
        if hmac.compare_digest(b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")), given):
            return
    raise s3_does_not_match(credential, candidates[0])


def _check_time(request: Request, credential: Credential, now: float) -> None:
    if credential.expires is not None:
        if now > credential.expires:
            raise request_expired(credential.expires, now)
        return
    text = request.headers.get("x-amz-date") or request.headers.get("date", "")
    try:
        signed = parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise Fault("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", status=403) from None
    if abs(now - signed) > SKEW_SECONDS:
        raise too_skewed(text, now)


def _string_to_sign(request: Request, credential: Credential, resource: str) -> str:
    headers = request.headers
    date = "" if "x-amz-date" in headers else headers.get("date", "")
    if credential.expires is not None:
        date = str(credential.expires)
    amz = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    if credential.presigned:
        # Temporary credentials and object headers may travel in the query, where they count as headers.
        for part in request.query.split("&"):
            name, _, value = part.partition("=")
            if name.lower().startswith("x-amz-"):
                amz[name.lower()] = unquote(value)
    lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    lines += [f"{name}:{' '.join(value.split())}" for name, value in sorted(amz.items())]
    return "\n".join([*lines, resource])


def _resources(request: Request) -> list[str]:
    pairs = (part.partition("=") for part in request.query.split("&"))
    named = sorted((name, equals, unquote(value)) for name, equals, value in pairs if name in _SUBRESOURCES)
    query = "&".join(f"{name}{equals}{value}" for name, equals, value in named)
    path = f"{request.path}?{query}" if query else request.path
    host = request.host.partition(":")[0]
    bucket, dot, _ = host.partition(".s3")
    if not dot:
        bucket = host.rpartition(".")[0] if host.endswith(".localhost") else host
    return [path, f"/{bucket}{path}"] if bucket else [path]
