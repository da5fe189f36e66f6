"""Bucket policies and the public access block: documents that the door decides by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from windtunnel.aws.documents import parse_json
from windtunnel.fabric import Fault, Tx
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.state import BUCKET, DOCUMENTS

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

POLICY_BYTES_MAX = 20 * 1024
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
BLOCK_ALL: Mapping[str, Any] = dict.fromkeys(BLOCKS, True)
"""What a new bucket has: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""


def put_bucket_policy(tx: Tx, req: t.PutBucketPolicyRequest) -> None:
    bucket = bucket_of(tx, req)
    name, text = req["Bucket"], req["Policy"]
    statements = _statements_of(name, text)
    block = tx.get(DOCUMENTS, name, "public_access_block") or BLOCK_ALL
    if block.get("BlockPublicPolicy") and _is_public(statements):
        arn = BUCKET.arn_of(bucket.account, bucket.region, name)
        message = f'User: {tx.scope.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "{arn}" because public'
        raise Fault("AccessDenied", message + " policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.")
    tx.put(DOCUMENTS, name, "policy", value={"text": text})


def _statements_of(name: str, text: str) -> list[dict[str, Any]]:
    """A policy's statements. Raises in S3's words where it isn't a policy for this bucket."""
    try:
        document = parse_json(text) if text.startswith("{") else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    if len(text.encode("utf-8", "surrogatepass")) > POLICY_BYTES_MAX:
        raise _malformed("Policy size exceeds maximum allowed size")
    listed = cast("dict[str, Any]", document).get("Statement")
    if not listed:
        raise _malformed("Missing required field Statement")
    statements = cast("list[dict[str, Any]]", listed if isinstance(listed, list) else [listed])
    for statement in statements:
        for field in ("Effect", "Principal", "Action", "Resource"):
            if field not in statement and (field == "Effect" or f"Not{field}" not in statement):
                raise _malformed(f"Missing required field {field}")
        if statement["Effect"] not in ("Allow", "Deny"):
            raise _malformed(f"Invalid effect: {statement['Effect']}")
        if not all(action == "*" or action.lower().startswith("s3:") for action in _listed(statement, "Action")):
            raise _malformed("Policy has invalid action")
        if not all(_is_of(name, resource) for resource in _listed(statement, "Resource")):
            raise _malformed("Policy has invalid resource")
    return statements


def _listed(statement: Mapping[str, Any], field: str) -> list[str]:
    value = statement.get(field, statement.get(f"Not{field}"))
    return [value] if isinstance(value, str) else list(value or [])


def _is_of(name: str, resource: str) -> bool:
    """Whether a resource lies in a bucket; what stands before a wildcard must at least begin like it."""
    path = resource.rpartition(":::")[2] if resource.startswith("arn:") else ""
    bucket = path.partition("/")[0]
    if "*" in bucket or "?" in bucket or "$" in bucket:
        return True
    return bucket == name


def _malformed(message: str) -> Fault:
    return Fault("MalformedPolicy", message)


def _is_public(statements: list[dict[str, Any]]) -> bool:
    """Allows everyone, unconditionally. https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
    for statement in statements:
        principal: Any = statement.get("Principal")
        named: Any = cast("dict[str, Any]", principal).get("AWS") if isinstance(principal, dict) else principal
        everyone = named == "*" or (isinstance(named, list) and "*" in named)
        if statement["Effect"] == "Allow" and everyone and not statement.get("Condition"):
            return True
    return False


def get_bucket_policy(tx: Tx, req: t.GetBucketPolicyRequest) -> t.GetBucketPolicyOutput:
    bucket_of(tx, req)
    return {"Policy": _policy(tx, req["Bucket"])}


def get_bucket_policy_status(tx: Tx, req: t.GetBucketPolicyStatusRequest) -> t.GetBucketPolicyStatusOutput:
    bucket_of(tx, req)
    text = _policy(tx, req["Bucket"])
    return {"PolicyStatus": {"IsPublic": _is_public(_statements_of(req["Bucket"], text))}}


def _policy(tx: Tx, name: str) -> str:
    kept = tx.get(DOCUMENTS, name, "policy")
    if kept is None:
        raise Fault("NoSuchBucketPolicy", "The bucket policy does not exist", BucketName=name)
    return kept["text"]


def delete_bucket_policy(tx: Tx, req: t.DeleteBucketPolicyRequest) -> None:
    bucket_of(tx, req)
    tx.delete(DOCUMENTS, req["Bucket"], "policy")


def put_public_access_block(tx: Tx, req: t.PutPublicAccessBlockRequest) -> None:
    bucket_of(tx, req)
    wanted: Mapping[str, Any] = req["PublicAccessBlockConfiguration"]
    tx.put(DOCUMENTS, req["Bucket"], "public_access_block", value={name: bool(wanted.get(name)) for name in BLOCKS})


def get_public_access_block(tx: Tx, req: t.GetPublicAccessBlockRequest) -> t.GetPublicAccessBlockOutput:
    bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "public_access_block") or BLOCK_ALL
    if "removed" in kept:
        message = "The public access block configuration was not found"
        raise Fault("NoSuchPublicAccessBlockConfiguration", message, BucketName=req["Bucket"])
    return {"PublicAccessBlockConfiguration": {**kept}}  # pyright: ignore[reportReturnType]


def delete_public_access_block(tx: Tx, req: t.DeletePublicAccessBlockRequest) -> None:
    bucket_of(tx, req)
    tx.put(DOCUMENTS, req["Bucket"], "public_access_block", value={"removed": True})
