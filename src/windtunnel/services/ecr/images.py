"""Images: pushed by their manifests, read, listed and deleted.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Fault, Tx
from windtunnel.services.ecr.contents import forget_image, needed
from windtunnel.services.ecr.events import tell
from windtunnel.services.ecr.manifests import read_manifest
from windtunnel.services.ecr.paging import page_of, start_of
from windtunnel.services.ecr.places import digest_of, find_repository, image_of
from windtunnel.services.ecr.state import IMAGES, LAYERS, NEEDS, TAGS, Found, Image, Repository

if TYPE_CHECKING:
    from windtunnel.aws.types import ecr as t

_PAGE_DEFAULT = 100


def put_image(tx: Tx, req: t.PutImageRequest) -> t.PutImageResponse:
    found, text, tag = find_repository(tx, req, "PutImage"), req["imageManifest"], req.get("imageTag", "")
    digest = f"sha256:{sha256(text.encode()).hexdigest()}"
    if req.get("imageDigest", digest) != digest:
        why = f"The provided image digest '{req.get('imageDigest')}' does not match the digest '{digest}' of the manifest"
        raise Fault("ImageDigestDoesNotMatchException", why)
    kept = found.tx.get(IMAGES, found.repository.id, digest)
    image = kept or _new(found, text, req.get("imageManifestMediaType", ""))
    before = found.tx.get(TAGS, found.repository.id, tag) if tag else None
    where = f"in the repository with name '{found.name}' in the registry with id '{found.tx.account}'"
    if kept is not None and (not tag or before == digest):
        tagged = f" and the tag '{tag}'" if tag else ""
        raise Fault("ImageAlreadyExistsException", f"Image with digest '{digest}'{tagged} already exists {where}")
    if before is not None and _is_fixed(found.repository, tag):
        why = f"The image tag '{tag}' already exists {where} and cannot be overwritten because the tag is immutable."
        raise Fault("ImageTagAlreadyExistsException", why)
    if kept is None:
        for each in (*image.layers, *image.images):
            found.tx.put(NEEDS, found.repository.id, each, digest, value=True)
    found.tx.put(IMAGES, found.repository.id, digest, value=image)
    if tag:
        _tag(found, digest, tag)
    tell(found, "PUSH", digest, tag, image.media_type)
    return {"image": _shown(found, digest, image, tag)}


def _new(found: Found, text: str, media_type: str) -> Image:
    """An image of a manifest whose parts are all there. Raises LayersNotFoundException, ReferencedImagesNotFoundException."""
    manifest = read_manifest(text, media_type)
    where = f"the repository with name '{found.name}' in the registry with id '{found.tx.account}'"
    images = [found.tx.get(IMAGES, found.repository.id, digest) for digest in manifest.images]
    absent = [digest for digest, image in zip(manifest.images, images, strict=True) if image is None]
    if absent:
        raise Fault(
            "ReferencedImagesNotFoundException",
            f"Images with digests '[{', '.join(absent)}]' required for pushing image into {where} don't exist",
        )
    layers = [found.tx.get(LAYERS, found.repository.id, digest) for digest in manifest.layers]
    absent = [digest for digest, layer in zip(manifest.layers, layers, strict=True) if layer is None]
    if absent:
        raise Fault(
            "LayersNotFoundException", f"Layers with digests '[{', '.join(absent)}]' required for pushing image into {where} don't exist"
        )
    size = sum(layer.size for layer in layers if layer is not None) + max([0, *(image.size for image in images if image is not None)])
    return Image(text, manifest.media_type, manifest.artifact, size, found.tx.now, [], manifest.layers, manifest.images)


def _is_fixed(repository: Repository, tag: str) -> bool:
    """Whether a tag stays on its image."""
    excluded = any(fnmatchcase(tag, pattern) for pattern in repository.exclusions)
    return repository.mutability.startswith("IMMUTABLE") is not excluded


def _tag(found: Found, digest: str, tag: str) -> None:
    """Puts a tag on an image, and takes it off the one that had it."""
    before = found.tx.get(TAGS, found.repository.id, tag)
    if before is not None:
        _untag(found, before, tag)
    image = image_of(found, digest)
    found.tx.put(IMAGES, found.repository.id, digest, value=msgspec.structs.replace(image, tags=sorted({*image.tags, tag})))
    found.tx.put(TAGS, found.repository.id, tag, value=digest)


def _untag(found: Found, digest: str, tag: str) -> Image:
    image = image_of(found, digest)
    image = msgspec.structs.replace(image, tags=[each for each in image.tags if each != tag])
    found.tx.put(IMAGES, found.repository.id, digest, value=image)
    found.tx.delete(TAGS, found.repository.id, tag)
    return image


def _shown(found: Found, digest: str, image: Image, tag: str) -> Any:
    id = {"imageDigest": digest, **({"imageTag": tag} if tag else {})}
    return {**found.named, "imageId": id, "imageManifest": image.manifest, "imageManifestMediaType": image.media_type}


def batch_get_image(tx: Tx, req: t.BatchGetImageRequest) -> t.BatchGetImageResponse:
    """An image that is asked for by its digest alone is told with each of its tags."""
    found = find_repository(tx, req, "BatchGetImage")
    images: list[Any] = []
    failures: list[Any] = []
    for asked in req["imageIds"]:
        digest, code, why = digest_of(found, asked)
        if code:
            failures.append({"imageId": asked, "failureCode": code, "failureReason": why})
            continue
        image = msgspec.structs.replace(image_of(found, digest), pulled=tx.now)
        found.tx.put(IMAGES, found.repository.id, digest, value=image)
        tags = [asked["imageTag"]] if "imageTag" in asked else image.tags or [""]
        images += [_shown(found, digest, image, tag) for tag in tags]
    return {"images": images, "failures": failures}


def describe_images(tx: Tx, req: t.DescribeImagesRequest) -> t.DescribeImagesResponse:
    found = find_repository(tx, req, "DescribeImages")
    _check_status(req)
    if "imageIds" in req:
        digests: dict[str, None] = {}
        for asked in req["imageIds"]:
            digest, code, _ = digest_of(found, asked)
            if code:
                named = ", ".join(f"{name}:'{asked.get(name, 'null')}'" for name in ("imageDigest", "imageTag"))
                where = f"the repository with name '{found.name}' in the registry with id '{found.tx.account}'"
                raise Fault("ImageNotFoundException", f"The image with imageId {{{named}}} does not exist within {where}")
            digests[digest] = None
        return {"imageDetails": [_described(found, digest, image_of(found, digest)) for digest in digests]}
    page, token = pages.page(_filtered(found, req), req.get("maxResults", _PAGE_DEFAULT))
    return page_of("imageDetails", [_described(found, str(key[1]), image) for key, image in page], token)


def _check_status(req: Any) -> None:
    status = req.get("filter", {}).get("imageStatus", "ACTIVE")
    if status not in ("ACTIVE", "ANY"):
        raise Fault("NotImplemented", f"windtunnel does not implement images that are {status}.", status=501)


def _filtered(found: Found, req: Any) -> Iterator[tuple[Any, Image]]:
    """The images of a repository, by whether they have tags."""
    status, start = req.get("filter", {}).get("tagStatus", "ANY"), start_of(req)
    for key, image in found.tx.scan(IMAGES, found.repository.id, start=None if start is None else start[1:]):
        if status == "ANY" or (status == "TAGGED") is bool(image.tags):
            yield key, image


def _described(found: Found, digest: str, image: Image) -> Any:
    told = {"imageTags": image.tags, "artifactMediaType": image.artifact, "lastRecordedPullTime": image.pulled}
    return {
        **found.named,
        "imageDigest": digest,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed,
        "imageManifestMediaType": image.media_type,
        "imageStatus": "ACTIVE",
        **{name: value for name, value in told.items() if value},
    }


def list_images(tx: Tx, req: t.ListImagesRequest) -> t.ListImagesResponse:
    """A line for each tag of an image, and one for an image without any; a page ends with an image."""
    found = find_repository(tx, req, "ListImages")
    _check_status(req)
    page, token = pages.page(_filtered(found, req), req.get("maxResults", _PAGE_DEFAULT))
    return page_of("imageIds", [each for key, image in page for each in _ids(str(key[1]), image.tags)], token)


def _ids(digest: str, tags: Iterable[str]) -> list[dict[str, str]]:
    return [{"imageDigest": digest, "imageTag": tag} for tag in tags] or [{"imageDigest": digest}]


def batch_delete_image(tx: Tx, req: t.BatchDeleteImageRequest) -> t.BatchDeleteImageResponse:
    """By its digest an image goes with all its tags; by a tag it loses that one, and goes with the last."""
    found = find_repository(tx, req, "BatchDeleteImage")
    gone: list[Any] = []
    failures: list[Any] = []
    for asked in req["imageIds"]:
        digest, code, why = digest_of(found, asked)
        image = None if code else image_of(found, digest)
        if image is not None and needed(found, digest) and ("imageTag" not in asked or len(image.tags) == 1):
            code, why = "ImageReferencedByManifestList", f"Requested image referenced by manifest list: [{digest}]"
        if image is None or code:
            failures.append({"imageId": asked, "failureCode": code, "failureReason": why})
        elif "imageTag" in asked:
            gone.append({"imageDigest": digest, "imageTag": asked["imageTag"]})
            image = _untag(found, digest, asked["imageTag"])
            if not image.tags:
                forget_image(found, digest, image)
        else:
            gone += _ids(digest, image.tags)
            forget_image(found, digest, image)
    return {"imageIds": gone, "failures": failures}
