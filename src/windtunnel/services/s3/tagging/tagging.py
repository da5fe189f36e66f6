"""Tags of buckets and objects, put, got and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags, tag_list, tags_of
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.places import bucket_of, change, lookup, shown_id
from windtunnel.services.s3.rules import BUCKET_TAGS_MAX, OBJECT_TAGS_MAX, malformed
from windtunnel.services.s3.state import BUCKET, Bucket, Version
from windtunnel.services.s3.tagging.tags import tag_set_of

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


def put_object_tagging(tx: Tx, req: t.PutObjectTaggingRequest) -> t.PutObjectTaggingOutput:
    reserved = "Your TagKey cannot be prefixed with aws:"
    tags = tag_set_of(req["Tagging"].get("TagSet") or [], OBJECT_TAGS_MAX, reserved)
    bucket, version = _retag(tx, req, "PUT", tags)
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectTagging:Put", version)
    return {**shown_id(bucket, version)}  # pyright: ignore[reportReturnType]


def get_object_tagging(tx: Tx, req: t.GetObjectTaggingRequest) -> t.GetObjectTaggingOutput:
    bucket = bucket_of(tx, req)
    try:
        _, version = lookup(tx, bucket, req, "GET")
    except Fault as fault:
        if fault.code == "NoSuchKey":  # S3 names the bucket as well, here only
            raise Fault("NoSuchKey", fault.message, headers=fault.headers, Key=f"{req['Bucket']}/{req['Key']}") from None
        raise
    return {"TagSet": tag_list(version.tags), **shown_id(bucket, version)}  # pyright: ignore[reportReturnType]


def delete_object_tagging(tx: Tx, req: t.DeleteObjectTaggingRequest) -> t.DeleteObjectTaggingOutput:
    bucket, version = _retag(tx, req, "DELETE", {})
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectTagging:Delete", version)
    return {**shown_id(bucket, version)}  # pyright: ignore[reportReturnType]


def _listed(req: Mapping[str, Any]) -> list[Any]:
    tagging = req["Tagging"]
    if "TagSet" not in tagging:
        raise malformed()
    return tagging["TagSet"] or []


def _retag(tx: Tx, req: Mapping[str, Any], method: str, tags: dict[str, str]) -> tuple[Bucket, Version]:
    bucket = bucket_of(tx, req)
    at, version = lookup(tx, bucket, req, method)
    version = msgspec.structs.replace(version, tags=tags)
    change(tx, req["Bucket"], bucket, req["Key"], at, version)
    return bucket, version


def put_bucket_tagging(tx: Tx, req: t.PutBucketTaggingRequest) -> None:
    arn = _arn_of(tx, req)
    reserved = "System tags cannot be added/updated by requester"
    tags = tag_set_of(_listed(req), BUCKET_TAGS_MAX, reserved)
    remove_all_tags(tx, arn)
    set_tags(tx, arn, tags)


def get_bucket_tagging(tx: Tx, req: t.GetBucketTaggingRequest) -> t.GetBucketTaggingOutput:
    tags = tags_of(tx, _arn_of(tx, req))
    if not tags:
        raise Fault("NoSuchTagSet", "The TagSet does not exist", BucketName=req["Bucket"])
    return {"TagSet": tag_list(tags)}  # pyright: ignore[reportReturnType]


def delete_bucket_tagging(tx: Tx, req: t.DeleteBucketTaggingRequest) -> None:
    remove_all_tags(tx, _arn_of(tx, req))


def _arn_of(tx: Tx, req: Mapping[str, Any]) -> str:
    bucket = bucket_of(tx, req)
    return BUCKET.arn_of(bucket.account, bucket.region, req["Bucket"])
