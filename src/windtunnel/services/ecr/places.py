"""Finding repositories and the images in them, and who of another account may.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.policy import Context, Policies, compile_policy, evaluate
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.asking import WILLING, asker, known_of
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
    tx, caller = found.tx, found.tx.scope.principal
    own = caller.account == tx.account
    if own and not found.repository.policy:
        return
    said = "implicit-deny"
    if found.repository.policy:
        context = Context(asker(caller), f"ecr:{action}", found.arn, tx.account, known_of(tx, asker(caller)))
        said = evaluate(Policies(identity=WILLING, resource=(compile_policy(found.repository.policy),)), context)
    if said == "allow" or (own and said == "implicit-deny"):
        return
    why = "with an explicit deny in a resource-based policy"
    if said == "implicit-deny":
        why = f"because no resource-based policy allows the ecr:{action} action"
    raise Fault("AccessDeniedException", f"User: {caller.arn} is not authorized to perform: ecr:{action} on resource: {found.arn} {why}")


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
