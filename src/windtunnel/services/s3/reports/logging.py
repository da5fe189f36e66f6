"""Server access logs: a line for each request to a bucket, put into its target bucket by the batch.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from windtunnel.aws.model import operation_model
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.s3.objects.digests import Received, receive
from windtunnel.services.s3.reports.deliveries import put
from windtunnel.services.s3.rules import canonical_id, nested
from windtunnel.services.s3.state import BUCKETS, DOCUMENTS, LOGGED, Bucket

HANDLER = "deliver_logs"
WAIT_SECONDS = 300
"""How long lines wait for others."""
BATCH_LINES_MAX = 5_000
CONTENT_TYPE = "text/plain"
UNIQUE_LETTERS = "0123456789ABCDEF"
_RESOURCES = {
    "versions": "BUCKETVERSIONS", "policy": "BUCKETPOLICY", "policyStatus": "POLICY_STATUS", "logging": "LOGGING_STATUS",
    "requestPayment": "REQUEST_PAYMENT", "uploadId": "UPLOAD", "partNumber": "PART", "delete": "MULTI_OBJECT_DELETE",
    "publicAccessBlock": "PUBLIC_ACCESS_BLOCK", "ownershipControls": "OWNERSHIP_CONTROLS", "object-lock": "OBJECT_LOCK_CONFIGURATION",
    "legal-hold": "OBJECT_LOCK_LEGALHOLD", "retention": "OBJECT_LOCK_RETENTION",
}  # fmt: skip
"""What a subresource is called in a log, where that isn't its name in capitals."""
_VERBS = {
    "CopyObject": "COPY.OBJECT", "UploadPart": "PUT.PART", "UploadPartCopy": "COPY.PART", "ListParts": "GET.UPLOAD",
    "AbortMultipartUpload": "DELETE.UPLOAD", "CompleteMultipartUpload": "POST.UPLOAD",
}  # fmt: skip
_NO_CONTENT = (
    "AbortMultipartUpload", "DeleteObject", "DeleteObjectAnnotation", "DeleteObjectTagging", "DeletePublicAccessBlock", "PutBucketPolicy",
    "PutBucketTagging",
)  # fmt: skip


def log(
    tx: Tx, operation: str, req: Mapping[str, Any], result: Mapping[str, Any], fault: Fault | None, status: int, seconds: float
) -> None:
    """Told of every call of S3: writes its line where its bucket is logged."""
    name = req.get("Bucket")
    bucket = tx.get(BUCKETS, name) if name else None
    if name is None or bucket is None or not bucket.logged or tx.scope.principal.kind == "AWSService":
        return
    if next(tx.scan(LOGGED, name, limit=1), None) is None:
        tx.at(account=bucket.account, region=bucket.region).timer(tx.now + WAIT_SECONDS, HANDLER, {"Bucket": name}, name=name)
    if fault is None:
        status = 206 if "ContentRange" in result else 204 if operation in _NO_CONTENT or operation.startswith("DeleteBucket") else 200
    tx.put(LOGGED, name, tx.serial(), value=(tx.now, _line(tx, bucket, operation, req, result, fault, status, seconds)))


def _line(
    tx: Tx,
    bucket: Bucket,
    operation: str,
    req: Mapping[str, Any],
    result: Mapping[str, Any],
    fault: Fault | None,
    status: int,
    seconds: float,
) -> str:
    scope, principal = tx.scope, tx.scope.principal
    name, key = req["Bucket"], quote(req.get("Key") or "", safe="/", errors="surrogatepass")
    unsigned = principal.kind == "Anonymous"
    requester = "-" if unsigned else canonical_id(principal.account) if principal.kind == "Root" else principal.arn
    verb, method, subresource = ("POST.OBJECT", "POST", "") if req.get("Posted") else _verb(operation)
    asked = (("", subresource), ("uploadId=", req.get("UploadId")), ("partNumber=", req.get("PartNumber")))
    query = "&".join(f"{word}{value}" for word, value in asked if value)
    path = (f"/{name}/{key}" if key else f"/{name}") + (f"?{query}" if query else "")
    sent, size = _sizes(operation, req, result)
    milliseconds = str(int(seconds * 1000))
    words = [
        canonical_id(bucket.account),
        name,
        datetime.fromtimestamp(tx.now, UTC).strftime("[%d/%b/%Y:%H:%M:%S +0000]"),
        scope.source_ip or "-",
        requester,
        scope.request_id,
        f"REST.{verb}",
        key or "-",
        f'"{method} {path} HTTP/1.1"',
        str(status),
        "-" if fault is None else fault.code,
        sent,
        size,
        milliseconds,
        milliseconds,
        '"-"',
        '"{}"'.format(scope.user_agent.replace('"', "%22") or "-"),
        str(req.get("VersionId") or "-"),
        scope.request_id,
        "-" if unsigned else "SigV4",
        "-",
        "-" if unsigned else "AuthHeader",
        scope.endpoint.partition("://")[2],
        "-",
        "-",
        "-",
    ]
    return " ".join(words)


def _verb(operation: str) -> tuple[str, str, str]:
    """("GET.ACL", "GET", "acl") of an operation: what a log calls it, its HTTP method, its subresource."""
    http = operation_model("s3", operation).http
    method, uri = http["method"], http["requestUri"]
    path, _, query = uri.partition("?")
    subresource = next((part for part in query.split("&") if part and not part.startswith(("x-id=", "list-type="))), "")
    of_object = "{Key" in path
    word = _RESOURCES.get(subresource) or subresource.upper().replace("-", "_") or ("OBJECT" if of_object else "BUCKET")
    if of_object and subresource == "tagging":
        word = "OBJECT_TAGGING"
    return _VERBS.get(operation) or f"{method}.{word}", method, subresource


def _sizes(operation: str, req: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[str, str]:
    """(bytes sent, size of the object), "-" where there are none."""
    length = result.get("ContentLength")
    if length is not None:
        whole = str(result.get("ContentRange") or f"/{length}").rpartition("/")[2]
        return (str(length) if operation == "GetObject" else "-"), whole
    body = req.get("Body")
    return "-", "-" if body is None else str(len(body) if isinstance(body, bytes) else getattr(body, "length", "-"))


async def deliver_logs(call: Call, payload: Mapping[str, Any]) -> None:
    """Puts the lines that have waited into the target bucket: an object for each batch, or for each day where keys tell the day."""
    name, done = payload["Bucket"], False
    while not done:
        lines = call.read(_waiting, name)
        day = lines[0][1][0] // 86_400 if lines else 0
        batch = [(serial, line) for serial, (moment, line) in lines if moment // 86_400 == day]
        body = "".join(f"{line}\n" for _, line in batch).encode()
        received = await receive(call, {"Body": body})
        used = False
        try:
            used, done = await call.transact(_settle, name, [serial for serial, _ in batch], day * 86_400, received)
        finally:
            if received.blob and not used:
                call.blobs.delete(received.blob)


def _waiting(tx: Tx, name: str) -> list[tuple[int, tuple[float, str]]]:
    rows: Any = tx.scan(LOGGED, name, limit=BATCH_LINES_MAX)
    return [(key[1], kept) for key, kept in rows]


def _settle(tx: Tx, name: str, serials: Sequence[int], day: float, received: Received) -> tuple[bool, bool]:
    """(whether the bytes are in use, whether these were the last lines)"""
    for serial in serials:
        tx.delete(LOGGED, name, serial)
    bucket, wanted = tx.get(BUCKETS, name), tx.get(DOCUMENTS, name, "logging")
    used = False
    if bucket is not None and wanted is not None and serials:
        key = _key(tx, name, bucket, wanted, day)
        used = put(tx, wanted["TargetBucket"], key, received, CONTENT_TYPE)
    return used, next(tx.scan(LOGGED, name, limit=1), None) is None


def _key(tx: Tx, name: str, bucket: Bucket, wanted: Mapping[str, Any], day: float) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html#server-log-keyname-format"""
    moment, unique, prefix = datetime.fromtimestamp(tx.now, UTC), tx.ids.text(16, UNIQUE_LETTERS), wanted["TargetPrefix"]
    partitioned = nested(nested(wanted, "TargetObjectKeyFormat"), "PartitionedPrefix")
    if not partitioned:
        return f"{prefix}{moment:%Y-%m-%d-%H-%M-%S}-{unique}"
    if partitioned.get("PartitionDateSource") == "EventTime":
        moment = datetime.fromtimestamp(day, UTC)
    return f"{prefix}{bucket.account}/{bucket.region}/{name}/{moment:%Y/%m/%d/%Y-%m-%d-%H-%M-%S}-{unique}"
