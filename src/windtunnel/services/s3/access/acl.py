"""Access control lists of buckets and objects, put and got."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.s3.access.grants import asked_grants, check_allowed, check_canned, shown_grants
from windtunnel.services.s3.notifications.events import tell
from windtunnel.services.s3.places import bucket_of, change, current, lookup
from windtunnel.services.s3.rules import owner_of
from windtunnel.services.s3.state import DOCUMENTS

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t


def put_object_acl(tx: Tx, req: t.PutObjectAclRequest) -> t.PutObjectAclOutput:
    bucket = bucket_of(tx, req)
    found = current(tx, req["Bucket"], bucket, req["Key"]) if req.get("VersionId") is None else None
    # Here, and for no read, a delete marker on top is as one that is named.
    at, version = lookup(tx, bucket, {**req, "VersionId": found[1].id} if found is not None and found[1].marker else req, "PUT")
    grants = asked_grants(req, bucket.account)
    check_allowed(bucket, grants)
    version = msgspec.structs.replace(version, grants=grants)
    change(tx, req["Bucket"], bucket, req["Key"], at, version)
    tell(tx, req["Bucket"], bucket, req["Key"], "ObjectAcl:Put", version)
    return {}


def get_object_acl(tx: Tx, req: t.GetObjectAclRequest) -> t.GetObjectAclOutput:
    bucket = bucket_of(tx, req)
    _, version = lookup(tx, bucket, req, "GET")
    return {"Owner": owner_of(version.owner), "Grants": shown_grants(version.grants, version.owner)}  # pyright: ignore[reportReturnType]


def put_bucket_acl(tx: Tx, req: t.PutBucketAclRequest) -> None:
    bucket = bucket_of(tx, req)
    check_canned(req.get("ACL"), bucket=True)
    grants = asked_grants(req, bucket.account)
    check_allowed(bucket, grants)
    tx.put(DOCUMENTS, req["Bucket"], "acl", value={"grants": list(grants)})


def get_bucket_acl(tx: Tx, req: t.GetBucketAclRequest) -> t.GetBucketAclOutput:
    bucket = bucket_of(tx, req)
    kept = tx.get(DOCUMENTS, req["Bucket"], "acl") or {}
    return {"Owner": owner_of(bucket.account), "Grants": shown_grants(kept.get("grants", ()), bucket.account)}  # pyright: ignore[reportReturnType]
