"""How templates deploy repositories.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html
"""

from __future__ import annotations

from typing import Any

from windtunnel.fabric import At, Deploy, Properties, Resource
from windtunnel.fabric.resource import camel, changed
from windtunnel.fabric.tags import tag_list
from windtunnel.services.ecr.state import REPOSITORIES

_MUTABILITY = ("ImageTagMutability", "ImageTagMutabilityExclusionFilters")


def _scanning(properties: Properties) -> dict[str, Any] | None:
    """With a capital letter, other than the API."""
    given = properties.get("ImageScanningConfiguration")
    return None if given is None else {"scanOnPush": given.get("ScanOnPush")}


def _mutability(properties: Properties) -> dict[str, Any]:
    filters: list[dict[str, Any]] = properties.get("ImageTagMutabilityExclusionFilters") or []
    renamed = [
        {"filterType": each["ImageTagMutabilityExclusionFilterType"], "filter": each["ImageTagMutabilityExclusionFilterValue"]}
        for each in filters
    ]
    return {"imageTagMutability": properties.get("ImageTagMutability"), "imageTagMutabilityExclusionFilters": renamed or None}


async def _create(at: At, properties: Properties) -> str:
    name = properties["RepositoryName"]
    request = {
        "repositoryName": name,
        "tags": at.tag_list(properties.get("Tags")),
        "imageScanningConfiguration": _scanning(properties),
        "encryptionConfiguration": camel(properties.get("EncryptionConfiguration")),
        **_mutability(properties),
    }
    await at.aws.ecr.create_repository(request)
    await at.made(name)
    await _put_policies(at, name, properties, {})
    return name


async def _put_policies(at: At, name: str, new: Properties, old: Properties) -> None:
    if changed(new, old, "RepositoryPolicyText"):
        if "RepositoryPolicyText" in new:
            await at.aws.ecr.set_repository_policy({"repositoryName": name, "policyText": new["RepositoryPolicyText"]})
        else:
            await at.aws.ecr.delete_repository_policy({"repositoryName": name})
    if changed(new, old, "LifecyclePolicy"):
        policy: dict[str, Any] = new.get("LifecyclePolicy") or {}
        text = policy.get("LifecyclePolicyText")
        if text is not None:
            await at.aws.ecr.put_lifecycle_policy({"repositoryName": name, "lifecyclePolicyText": text})
        else:
            await at.aws.ecr.delete_lifecycle_policy({"repositoryName": name})


async def _update(at: At, id: str, new: Properties, old: Properties) -> None:
    if changed(new, old, *_MUTABILITY):
        mutability = {"imageTagMutability": "MUTABLE", **{key: value for key, value in _mutability(new).items() if value is not None}}
        await at.aws.ecr.put_image_tag_mutability({"repositoryName": id, **mutability})
    if changed(new, old, "ImageScanningConfiguration"):
        scanning = _scanning(new) or {"scanOnPush": False}
        await at.aws.ecr.put_image_scanning_configuration({"repositoryName": id, "imageScanningConfiguration": scanning})
    await _put_policies(at, id, new, old)
    added, removed = at.tag_changes(new.get("Tags"), old.get("Tags"))
    if added or removed:
        arn = (await _told(at, id, new))["Arn"]
        if added:
            await at.aws.ecr.tag_resource({"resourceArn": arn, "tags": tag_list(added)})
        if removed:
            await at.aws.ecr.untag_resource({"resourceArn": arn, "tagKeys": removed})


async def _delete(at: At, id: str, properties: Properties) -> None:
    await at.aws.ecr.delete_repository({"repositoryName": id, "force": properties.get("EmptyOnDelete")})


async def _told(at: At, id: str, properties: Properties) -> dict[str, Any]:
    shown = (await at.aws.ecr.describe_repositories({"repositoryNames": [id]}))["repositories"][0]
    return {"Arn": shown["repositoryArn"], "RepositoryUri": shown["repositoryUri"]}


async def _read(at: At, id: str, properties: Properties) -> Properties:
    shown = (await at.aws.ecr.describe_repositories({"repositoryNames": [id]}))["repositories"][0]
    known = {"RepositoryName": id, "ImageTagMutability": shown["imageTagMutability"]}
    known["ImageScanningConfiguration"] = {"ScanOnPush": shown["imageScanningConfiguration"]["scanOnPush"]}
    return {name: value for name, value in known.items() if name in properties}


RESOURCES = (
    Resource(
        "AWS::ECR::Repository",
        REPOSITORIES,
        "arn:aws:ecr:{region}:{account}:repository/{0}",
        Deploy(
            properties="RepositoryName EmptyOnDelete EncryptionConfiguration ImageScanningConfiguration ImageTagMutability"
            " ImageTagMutabilityExclusionFilters LifecyclePolicy RepositoryPolicyText Tags",
            replaced="RepositoryName EncryptionConfiguration",
            name="RepositoryName",
            name_max=256,
            lower=True,
            create=_create,
            update=_update,
            delete=_delete,
            attributes=_told,
            read=_read,
            tagged=True,
        ),
    ),
)
