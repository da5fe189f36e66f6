"""How templates deploy buckets and their policies.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_S3.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import changed, deletes
from windtunnel.services.s3.state import BUCKET
from windtunnel.services.s3.template import (
    acl_of,
    cors_of,
    encryption_of,
    lifecycle_of,
    listed_of,
    locks_of,
    logging_of,
    notifications_of,
    replication_of,
    website_of,
)


class Setting(msgspec.Struct, frozen=True):
    """A property that one operation sets and, where a template leaves it out, another takes back (or the same with `neutral`)."""

    put: str
    member: str
    form: Callable[[Any], Any] = lambda value: value
    delete: str = ""
    neutral: Mapping[str, Any] = {}


SETTINGS: dict[str, Setting] = {
    # Versions and owners first: replication, locks and ACLs need them.
    "OwnershipControls": Setting("put_bucket_ownership_controls", "OwnershipControls", delete="delete_bucket_ownership_controls"),
    "PublicAccessBlockConfiguration": Setting(
        "put_public_access_block", "PublicAccessBlockConfiguration", delete="delete_public_access_block"
    ),
    "VersioningConfiguration": Setting("put_bucket_versioning", "VersioningConfiguration", neutral={"Status": "Suspended"}),
    "AccessControl": Setting("put_bucket_acl", "ACL", acl_of, neutral={"": "private"}),
    "AccelerateConfiguration": Setting(
        "put_bucket_accelerate_configuration",
        "AccelerateConfiguration",
        lambda value: {"Status": value["AccelerationStatus"]},
        neutral={"Status": "Suspended"},
    ),
    "BucketEncryption": Setting("put_bucket_encryption", "ServerSideEncryptionConfiguration", encryption_of, "delete_bucket_encryption"),
    "CorsConfiguration": Setting("put_bucket_cors", "CORSConfiguration", cors_of, "delete_bucket_cors"),
    "LifecycleConfiguration": Setting(
        "put_bucket_lifecycle_configuration", "LifecycleConfiguration", lifecycle_of, "delete_bucket_lifecycle"
    ),
    "LoggingConfiguration": Setting("put_bucket_logging", "BucketLoggingStatus", logging_of),
    "NotificationConfiguration": Setting("put_bucket_notification_configuration", "NotificationConfiguration", notifications_of),
    "ObjectLockConfiguration": Setting("put_object_lock_configuration", "ObjectLockConfiguration", locks_of),
    "ReplicationConfiguration": Setting("put_bucket_replication", "ReplicationConfiguration", replication_of, "delete_bucket_replication"),
    "WebsiteConfiguration": Setting("put_bucket_website", "WebsiteConfiguration", website_of, "delete_bucket_website"),
}
LISTS = {
    "AnalyticsConfigurations": "analytics",
    "IntelligentTieringConfigurations": "intelligent_tiering",
    "InventoryConfigurations": "inventory",
    "MetricsConfigurations": "metrics",
}
"""Properties that are lists of things with ids."""
BYTES_OF_NAMES = 63


async def _create(at: At, properties: Properties) -> str:
    name = properties["BucketName"]
    request: dict[str, Any] = {"Bucket": name, "ObjectOwnership": _ownership(properties)}
    if at.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": at.region}
    if plain_text(properties.get("ObjectLockEnabled", False)).lower() == "true":
        request["ObjectLockEnabledForBucket"] = True
    await at.aws.s3.create_bucket(request)
    await at.made(name)
    await _set(at, name, properties, {})
    return str(name)


def _ownership(properties: Properties) -> str | None:
    """A new bucket takes ACLs only where its owner isn't enforced."""
    return "ObjectWriter" if properties.get("AccessControl", "Private") != "Private" and "OwnershipControls" not in properties else None


async def _set(at: At, id: str, new: Properties, old: Properties) -> None:
    s3 = at.aws.s3
    for name, setting in SETTINGS.items():
        if not changed(new, old, name):
            continue
        if name in new:
            await getattr(s3, setting.put)({"Bucket": id, setting.member: setting.form(new[name])})
        elif setting.delete:
            await getattr(s3, setting.delete)({"Bucket": id})
        else:
            await getattr(s3, setting.put)({"Bucket": id, setting.member: setting.neutral.get("", setting.neutral)})
    for name, noun in LISTS.items():
        await _set_list(at, id, noun, new.get(name, []), old.get(name, []))
    if tags := at.tags(new.get("Tags")) if changed(new, old, "Tags") or at.stacked.tags != at.stacked.tags_before else {}:
        await s3.put_bucket_tagging({"Bucket": id, "Tagging": {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}})
    elif changed(new, old, "Tags"):
        await s3.delete_bucket_tagging({"Bucket": id})


async def _set_list(at: At, id: str, noun: str, new: list[Any], old: list[Any]) -> None:
    for each in new:
        if each not in old:
            request = listed_of(noun, each)
            member = next(name for name in request if name != "Id")
            await getattr(at.aws.s3, f"put_bucket_{noun}_configuration")({"Bucket": id, "Id": each["Id"], member: request[member]})
    for each in old:
        if each["Id"] not in [other["Id"] for other in new]:
            await getattr(at.aws.s3, f"delete_bucket_{noun}_configuration")({"Bucket": id, "Id": each["Id"]})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    await at.aws.s3.head_bucket({"Bucket": id})
    dash = (
        "-"
        if at.region in ("us-east-1", "us-west-1", "us-west-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "eu-west-1")
        else "."
    )
    return {
        "Arn": f"arn:aws:s3:::{id}",
        "DomainName": f"{id}.s3.amazonaws.com",
        "DualStackDomainName": f"{id}.s3.dualstack.{at.region}.amazonaws.com",
        "RegionalDomainName": f"{id}.s3.{at.region}.amazonaws.com",
        "WebsiteURL": f"http://{id}.s3-website{dash}{at.region}.amazonaws.com",
    }


async def _read(at: At, id: str, properties: Properties) -> Properties:
    await at.aws.s3.head_bucket({"Bucket": id})
    found = dict(properties)
    if "VersioningConfiguration" in properties:
        found["VersioningConfiguration"] = {"Status": (await at.aws.s3.get_bucket_versioning({"Bucket": id})).get("Status")}
    return found


async def _put_policy(at: At, properties: Properties) -> str:
    await at.aws.s3.put_bucket_policy({"Bucket": properties["Bucket"], "Policy": properties["PolicyDocument"]})
    return str(properties["Bucket"])


async def _update_policy(at: At, id: str, new: Properties, old: Properties) -> None:
    await _put_policy(at, new)


RESOURCES = (
    msgspec.structs.replace(
        BUCKET,
        deploy=Deploy(
            properties=" ".join([*SETTINGS, *LISTS, "BucketName", "ObjectLockEnabled", "Tags"]),
            create=_create,
            update=_set,
            delete=deletes("s3", "delete_bucket", "Bucket"),
            attributes=_told,
            read=_read,
            replaced="BucketName ObjectLockEnabled",
            name="BucketName",
            name_max=BYTES_OF_NAMES,
            lower=True,
            tagged=True,
        ),
    ),
    Resource(
        "AWS::S3::BucketPolicy",
        deploy=Deploy(
            properties="Bucket PolicyDocument",
            required="Bucket PolicyDocument",
            create=_put_policy,
            update=_update_policy,
            delete=deletes("s3", "delete_bucket_policy", "Bucket"),
            replaced="Bucket",
        ),
    ),
)
