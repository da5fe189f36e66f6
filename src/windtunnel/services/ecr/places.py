"""Finding repositories and the images in them, and who of another account may.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.asking import check_let_in
from windtunnel.services.ecr.state import IMAGES, REPOSITORIES, TAGS, Found, Image

ImageId = Mapping[str, Any]


def find_repository(tx: Tx, req: Mapping[str, Any], action: str) -> Found:
    """The repository that a request names, for who may. Raises RepositoryNotFoundException, AccessDeniedException."""
    place, name = tx.at(account=req.get("registryId")), str(req["repositoryName"])
    repository = place.get(REPOSITORIES, name)
    if repository is None:
        why = f"The repository with name '{name}' does not exist in the registry with id '{place.account}'"
        raise Fault("RepositoryNotFoundException", why)
    found = Found(place, name, repository)
    check_access(found, action)
    return found


def check_access(found: Found, action: str) -> None:
    """Raises AccessDeniedException where a repository's policy denies the caller, or doesn't let one of another account."""
    policies = [found.repository.policy] if found.repository.policy else []
    check_let_in(found.tx, policies, f"ecr:{action}", found.arn)


def digest_of(found: Found, asked: ImageId) -> tuple[str, str, str]:
    """(digest, failure's code, its reason): the image that an id means, or why there is none."""
    digest, tag = asked.get("imageDigest", ""), asked.get("imageTag", "")
    if not digest and not tag:
        return "", "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"
    if digest and not digest.startswith("sha256:"):
        return "", "InvalidImageDigest", "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
    tagged = found.tx.get(TAGS, found.repository.id, tag) if tag else digest
    if tag and digest and tagged is not None and tagged != digest:
        return "", "ImageTagDoesNotMatchDigest", "Invalid request parameters: image tag does not match digest"
    if tagged is None or found.tx.get(IMAGES, found.repository.id, digest or tagged) is None:
        return "", "ImageNotFound", "Requested image not found"
    return digest or tagged, "", ""


def image_of(found: Found, digest: str) -> Image:
    image = found.tx.get(IMAGES, found.repository.id, digest)
    assert image is not None, "an image that was found"
    return image
