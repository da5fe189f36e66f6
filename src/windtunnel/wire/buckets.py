"""Finds S3's operations: the bucket in the host or the path, keys that keep every slash, and the rest told by query and headers.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

from functools import cache

from windtunnel.aws.model import service_model
from windtunnel.wire.message import Request
from windtunnel.wire.paths import Candidate, Labels, Query, candidate_of, choose, ranked
from windtunnel.wire.query import unquoted


@cache
def _levels() -> dict[tuple[str, str], list[Candidate]]:
    """The operations by level (the service, a bucket, an object) and method."""
    levels: dict[tuple[str, str], list[Candidate]] = {}
    model = service_model("s3")
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, candidate = candidate_of(operation)
        key = (path, operation.method)
        levels[key] = ranked([*levels.get(key, ()), candidate])
    return levels


def find(request: Request, host_bucket: str, query: Query) -> tuple[str, Labels] | None:
    """The operation of a request to S3 and its Bucket and Key, decoded."""
    if request.path == "/WriteGetObjectResponse" and request.method == "POST" and "x-amz-request-route" in request.headers:
        return "WriteGetObjectResponse", {}
    bucket, key = place_of(request, host_bucket)
    if key:
        labels = {"Bucket": bucket, "Key": key}
        level = "/{Bucket}/{Key+}"
    elif bucket:
        labels = {"Bucket": bucket}
        level = "/{Bucket}"
    else:
        labels = {}
        level = "/"
    candidates = _levels().get((level, request.method))
    if candidates is None:
        return None
    operation = _hinted(candidates, query) or choose(candidates, query, request.headers)
    return (operation, labels) if operation is not None else None


def place_of(request: Request, host_bucket: str) -> tuple[str, str]:
    """The bucket and the key that a request names, decoded; "" where it names none."""
    if host_bucket:
        bucket, key = host_bucket, request.path[1:]
    else:
        bucket, _, key = request.path[1:].partition("/")
        if "%" in bucket:
            bucket = unquoted(bucket)
    return bucket, unquoted(key) if "%" in key else key


def _hinted(candidates: list[Candidate], query: Query) -> str | None:
    """SDKs say in `x-id` which operation they mean; it tells apart what nothing else does (ListBuckets, ListDirectoryBuckets)."""
    if "x-id" not in query:
        return None
    wanted = query["x-id"][0]
    named = next((candidate for candidate in candidates if candidate.operation == wanted), None)
    return wanted if named is not None and all(name in query for name, _ in named.literals) else None
