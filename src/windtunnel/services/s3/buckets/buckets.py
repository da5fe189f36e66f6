"""Buckets: their names belong to all accounts and regions together."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.s3.access.grants import OWNER_ENFORCED, check_canned, check_ownership, check_unshared, grants_of
from windtunnel.services.s3.lifecycle.sweeps import schedule
from windtunnel.services.s3.locks.factors import check_factor
from windtunnel.services.s3.multipart.uploads import discard
from windtunnel.services.s3.places import bucket_of
from windtunnel.services.s3.rules import REGIONS, is_bucket_name, owner_of
from windtunnel.services.s3.state import BUCKET, BUCKETS, CONFIGURATIONS, DOCUMENTS, UPLOADS, VERSIONS, Bucket
from windtunnel.services.s3.tagging.tags import bucket_tags_of

if TYPE_CHECKING:
    from windtunnel.aws.types import s3 as t

HOME = "us-east-1"
BUCKETS_MAX = 10_000
"""https://docs.aws.amazon.com/general/latest/gr/s3.html#limits_s3"""


def create_bucket(tx: Tx, req: t.CreateBucketRequest) -> t.CreateBucketOutput:
    name = req["Bucket"]
    if not is_bucket_name(name):
        raise Fault("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)
    configuration = req.get("CreateBucketConfiguration") or {}
    region = _region_of(tx, configuration.get("LocationConstraint"))
    check_canned(req.get("ACL"), bucket=True)
    ownership = check_ownership(req.get("ObjectOwnership"))
    tags = bucket_tags_of(configuration.get("Tags") or [])
    location = f"/{name}" if region == HOME else f"http://{name}.s3.amazonaws.com/"
    arn = BUCKET.arn_of(tx.account, region, name)
    found = tx.get(BUCKETS, name)
    if found is not None:
        _check_again(tx, name, found, region, tagged=bool(tags))
        return {"Location": location, "BucketArn": arn}
    if tx.count(BUCKETS, "owned", tx.account) >= BUCKETS_MAX:
        raise Fault("TooManyBuckets", "You have attempted to create more buckets than allowed")
    locks = bool(req.get("ObjectLockEnabledForBucket"))
    bucket = Bucket(tx.account, region, int(tx.now), "Enabled" if locks else "", ownership=ownership, object_lock=locks)
    grants = grants_of(req, tx.account)
    if ownership == OWNER_ENFORCED:
        check_unshared(grants, tx.account)
    tx.put(BUCKETS, name, value=bucket)
    if grants:
        tx.put(DOCUMENTS, name, "acl", value={"grants": list(grants)})
    set_tags(tx, arn, tags)
    return {"Location": location, "BucketArn": arn}


def _region_of(tx: Tx, constraint: str | None) -> str:
    """Where a new bucket goes. The endpoint of us-east-1 makes buckets everywhere, the others only at home."""
    if tx.region in (HOME, "aws-global"):
        if constraint is None:
            return HOME
        if constraint == "EU":
            return "eu-west-1"
        if constraint == HOME or constraint not in REGIONS:
            raise Fault("InvalidLocationConstraint", "The specified location-constraint is not valid", LocationConstraint=constraint)
        return constraint
    if constraint != tx.region:
        shown = constraint or "unspecified"
        message = f"The {shown} location constraint is incompatible for the region specific endpoint this request was sent to."
        raise Fault("IllegalLocationConstraintException", message)
    return tx.region


def _check_again(tx: Tx, name: str, found: Bucket, region: str, *, tagged: bool) -> None:
    """In us-east-1 an owner may create a bucket again, for old times' sake."""
    if found.account != tx.account:
        raise Fault(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a"
            " different name and try again.",
            BucketName=name,
        )
    if found.region != HOME or region != HOME or tagged:
        message = "Your previous request to create the named bucket succeeded and you already own it."
        raise Fault("BucketAlreadyOwnedByYou", message, BucketName=name)


def delete_bucket(tx: Tx, req: t.DeleteBucketRequest) -> None:
    name = req["Bucket"]
    bucket = bucket_of(tx, req)
    if next(tx.scan(VERSIONS, name, limit=1), None) is not None:
        message = "The bucket you tried to delete is not empty"
        raise Fault(
            "BucketNotEmpty", message + (". You must delete all versions in the bucket." if bucket.versioning else ""), BucketName=name
        )
    for (_, key, upload_id), _ in list(tx.scan(UPLOADS, name)):
        discard(tx, {"Bucket": name, "Key": key, "UploadId": upload_id})
    for key, _ in list(tx.scan(DOCUMENTS, name)):
        tx.delete(DOCUMENTS, *key)
    for key, _ in list(tx.scan(CONFIGURATIONS, name)):
        tx.delete(CONFIGURATIONS, *key)
    schedule(tx, name, bucket)
    remove_all_tags(tx, BUCKET.arn_of(bucket.account, bucket.region, name))
    tx.delete(BUCKETS, name)


def head_bucket(tx: Tx, req: t.HeadBucketRequest) -> t.HeadBucketOutput:
    bucket = bucket_of(tx, req)
    arn = BUCKET.arn_of(bucket.account, bucket.region, req["Bucket"])
    return {"BucketArn": arn, "BucketRegion": bucket.region, "AccessPointAlias": False}


def get_bucket_location(tx: Tx, req: t.GetBucketLocationRequest) -> t.GetBucketLocationOutput:
    """The one question about a bucket that every region answers."""
    bucket = bucket_of(tx, req, anywhere=True)
    return {} if bucket.region == HOME else {"LocationConstraint": bucket.region}


def list_buckets(tx: Tx, req: t.ListBucketsRequest) -> t.ListBucketsOutput:
    """An account's buckets of all regions, by name."""
    region, prefix, token, most = req.get("BucketRegion"), req.get("Prefix"), req.get("ContinuationToken"), req.get("MaxBuckets")
    if region is not None and region not in REGIONS:
        raise Fault("InvalidArgument", f"Argument value {region} is not a valid AWS Region", ArgumentName="bucket-region")
    if most is not None and not 1 <= most <= BUCKETS_MAX:
        message = f"Argument max-buckets must be an integer between 1 and {BUCKETS_MAX}"
        raise Fault("InvalidArgument", message, ArgumentName="max-buckets", ArgumentValue=str(most))
    paged = any(value is not None for value in (region, prefix, token, most))
    start: tuple[Any, ...] | None = None
    if token:
        try:
            start = pages.decode(token)
        except ValueError:
            raise Fault("InvalidArgument", "The continuation token provided is incorrect", ArgumentName="continuation-token") from None
    found = (
        (key, bucket)
        for key, bucket in tx.find(BUCKETS, "account", tx.account, start=start)
        if (region is None or bucket.region == region) and str(key[0]).startswith(prefix or "")
    )
    taken = list(islice(found, (most or BUCKETS_MAX) + 1))
    result: Any = {"Buckets": [], "Owner": owner_of(tx.account)}
    if len(taken) > (most or BUCKETS_MAX):
        result["ContinuationToken"] = pages.encode(taken.pop()[0])
    for key, bucket in taken:
        name = str(key[0])
        shown: dict[str, Any] = {"Name": name, "CreationDate": bucket.created}
        if paged:
            shown |= {"BucketRegion": bucket.region, "BucketArn": BUCKET.arn_of(bucket.account, bucket.region, name)}
        result["Buckets"].append(shown)
    if prefix is not None:
        result["Prefix"] = prefix
    return result


def get_bucket_versioning(tx: Tx, req: t.GetBucketVersioningRequest) -> t.GetBucketVersioningOutput:
    bucket = bucket_of(tx, req)
    if not bucket.versioning:
        return {}
    return {"Status": bucket.versioning, **({"MFADelete": "Enabled"} if bucket.mfa_delete else {})}  # pyright: ignore[reportReturnType]


def put_bucket_versioning(tx: Tx, req: t.PutBucketVersioningRequest) -> None:
    bucket = bucket_of(tx, req)
    wanted = req.get("VersioningConfiguration") or {}
    status = wanted.get("Status")
    if not status:
        raise Fault("IllegalVersioningConfigurationException", "The Versioning element must be specified")
    mfa_delete = wanted.get("MFADelete", "Enabled" if bucket.mfa_delete else "Disabled") == "Enabled"
    if mfa_delete or bucket.mfa_delete:
        check_factor(tx, bucket, req)
    if mfa_delete and tx.get(DOCUMENTS, req["Bucket"], "lifecycle") is not None:
        message = "A lifecycle configuration is present on this bucket, so the MFA state cannot be changed."
        raise Fault("InvalidBucketState", message)
    if bucket.object_lock and status != "Enabled":
        message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise Fault("InvalidBucketState", message)
    if bucket.replicated and status != "Enabled":
        message = "A replication configuration is present on this bucket, so the versioning state cannot be changed."
        raise Fault("InvalidBucketState", message)
    tx.put(BUCKETS, req["Bucket"], value=msgspec.structs.replace(bucket, versioning=status, mfa_delete=mfa_delete))
