"""Repositories: made, described, set up, tagged and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import TAGS_MAX, remove_all_tags, remove_tags, set_tags, tag_list, tag_map, tags_of
from windtunnel.services.ecr.contents import forget_contents
from windtunnel.services.ecr.paging import page_of, start_of
from windtunnel.services.ecr.places import find_repository
from windtunnel.services.ecr.state import IMAGES, PREVIEWS, REPOSITORIES, Found, Repository, host_of

if TYPE_CHECKING:
    from windtunnel.aws.types import ecr as t

_PAGE_DEFAULT = 100
_MANAGED = "alias/aws/ecr"
_EXCLUDING = "_WITH_EXCLUSION"


def create_repository(tx: Tx, req: t.CreateRepositoryRequest) -> t.CreateRepositoryResponse:
    name, tags = req["repositoryName"], _tags(req.get("tags") or [])
    _check_own(tx, req)
    if tx.get(REPOSITORIES, name) is not None:
        why = f"The repository with name '{name}' already exists in the registry with id '{tx.account}'"
        raise Fault("RepositoryAlreadyExistsException", why)
    encryption: Any = req.get("encryptionConfiguration", {})
    kind = encryption.get("encryptionType", "AES256")
    if kind == "AES256" and "kmsKey" in encryption:
        raise _invalid(
            "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: 'kmsKey needs the encryption type KMS'"
        )
    repository = Repository(
        tx.serial(),
        tx.now,
        scan=bool(req.get("imageScanningConfiguration", {}).get("scanOnPush")),
        encryption=kind,
        kms="" if kind == "AES256" else _key_arn(tx, encryption.get("kmsKey", _MANAGED)),
        **_mutability(req),
    )
    found = Found(tx, name, repository).put()
    set_tags(tx, found.arn, tags)
    return {"repository": _shown(found)}


def _check_own(tx: Tx, req: Any) -> None:
    if req.get("registryId", tx.account) != tx.account:
        raise _invalid("Invalid parameter at 'registryId' failed to satisfy constraint: 'Cross-account access is not allowed'")


def _key_arn(tx: Tx, key: str) -> str:
    """The key that encrypts a repository, as KMS knows it. Raises KmsException."""
    try:
        return tx.call("kms", "describe_key", {"KeyId": key})["KeyMetadata"]["Arn"]
    except Fault as fault:
        raise Fault("KmsException", fault.message, kmsError=fault.code) from fault


def _mutability(req: Any) -> dict[str, Any]:
    mutability = req.get("imageTagMutability", "MUTABLE")
    exclusions = [each["filter"] for each in req.get("imageTagMutabilityExclusionFilters") or ()]
    if mutability.endswith(_EXCLUDING) is not bool(exclusions):
        why = f"'imageTagMutabilityExclusionFilters' go with an 'imageTagMutability' that ends in {_EXCLUDING}"
        raise _invalid(f"Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: {why}")
    return {"mutability": mutability, "exclusions": exclusions}


def _invalid(message: str) -> Fault:
    return Fault("InvalidParameterException", message)


def _shown(found: Found) -> Any:
    repository = found.repository
    encryption = {"encryptionType": repository.encryption, **({"kmsKey": repository.kms} if repository.kms else {})}
    return {
        "repositoryArn": found.arn,
        **found.named,
        "repositoryUri": f"{host_of(found.tx)}/{found.name}",
        "createdAt": repository.created,
        **_shown_mutability(repository),
        "imageScanningConfiguration": {"scanOnPush": repository.scan},
        "encryptionConfiguration": encryption,
    }


def _shown_mutability(repository: Repository) -> dict[str, Any]:
    filters = [{"filterType": "WILDCARD", "filter": each} for each in repository.exclusions]
    return {"imageTagMutability": repository.mutability, **({"imageTagMutabilityExclusionFilters": filters} if filters else {})}


def describe_repositories(tx: Tx, req: t.DescribeRepositoriesRequest) -> t.DescribeRepositoriesResponse:
    if "repositoryNames" in req:
        named = [find_repository(tx, {**req, "repositoryName": name}, "DescribeRepositories") for name in req["repositoryNames"]]
        return {"repositories": [_shown(found) for found in named]}
    _check_own(tx, req)
    page, token = pages.page(tx.scan(REPOSITORIES, start=start_of(req)), req.get("maxResults", _PAGE_DEFAULT))
    return page_of("repositories", [_shown(Found(tx, str(key[0]), repository)) for key, repository in page], token)


def delete_repository(tx: Tx, req: t.DeleteRepositoryRequest) -> t.DeleteRepositoryResponse:
    found = find_repository(tx, req, "DeleteRepository")
    if not req.get("force") and next(found.tx.scan(IMAGES, found.repository.id, limit=1), None) is not None:
        why = (
            f"The repository with name '{found.name}' in registry with id '{found.tx.account}' cannot be deleted because it still contains"
        )
        raise Fault("RepositoryNotEmptyException", f"{why} images")
    forget_contents(found)
    remove_all_tags(found.tx, found.arn)
    found.tx.delete(PREVIEWS, found.repository.id)
    found.tx.cancel_timer("lifecycle", found.name)
    found.tx.delete(REPOSITORIES, found.name)
    return {"repository": _shown(found)}


def put_image_tag_mutability(tx: Tx, req: t.PutImageTagMutabilityRequest) -> t.PutImageTagMutabilityResponse:
    found = find_repository(tx, req, "PutImageTagMutability").put(**_mutability(req))
    return {**found.named, **_shown_mutability(found.repository)}  # pyright: ignore[reportReturnType]


def put_image_scanning_configuration(tx: Tx, req: t.PutImageScanningConfigurationRequest) -> t.PutImageScanningConfigurationResponse:
    scan = bool(req["imageScanningConfiguration"].get("scanOnPush"))
    found = find_repository(tx, req, "PutImageScanningConfiguration").put(scan=scan)
    return {**found.named, "imageScanningConfiguration": {"scanOnPush": scan}}  # pyright: ignore[reportReturnType]


def _tags(given: list[Any]) -> dict[str, str]:
    tags = tag_map(given)
    if len(tags) > TAGS_MAX:
        raise Fault("TooManyTagsException", f"The number of tags can't be more than {TAGS_MAX}.")
    return tags


def _tagged(tx: Tx, text: str, action: str) -> Found:
    arn = parse_or_none(text)
    if arn is None or arn.service != "ecr" or arn.type != "repository" or arn.region != tx.region:
        raise _invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
    return find_repository(tx, {"registryId": arn.account, "repositoryName": arn.id}, action)


def tag_resource(tx: Tx, req: t.TagResourceRequest) -> dict[str, Any]:
    found, given = _tagged(tx, req["resourceArn"], "TagResource"), tag_map(req["tags"])  # pyright: ignore[reportArgumentType]
    _tags([*tag_list(tags_of(found.tx, found.arn)), *tag_list(given)])
    set_tags(found.tx, found.arn, given)
    return {}


def untag_resource(tx: Tx, req: t.UntagResourceRequest) -> dict[str, Any]:
    found = _tagged(tx, req["resourceArn"], "UntagResource")
    remove_tags(found.tx, found.arn, req["tagKeys"])
    return {}


def list_tags_for_resource(tx: Tx, req: t.ListTagsForResourceRequest) -> t.ListTagsForResourceResponse:
    found = _tagged(tx, req["resourceArn"], "ListTagsForResource")
    return {"tags": tag_list(tags_of(found.tx, found.arn))}  # pyright: ignore[reportReturnType]
