"""How images and layers go: an image with its tags, and with it the layers that no other image needs."""

from __future__ import annotations

from windtunnel.services.ecr.events import tell
from windtunnel.services.ecr.state import IMAGES, LAYERS, NEEDS, TAGS, UPLOADS, Found, Image


def needed(found: Found, digest: str) -> bool:
    """Whether an image needs this layer or image."""
    return next(found.tx.scan(NEEDS, found.repository.id, digest, limit=1), None) is not None


def forget_image(found: Found, digest: str, image: Image) -> None:
    tx, id = found.tx, found.repository.id
    for tag in image.tags:
        tx.delete(TAGS, id, tag)
    for each in (*image.layers, *image.images):
        tx.delete(NEEDS, id, each, digest)
    for layer in image.layers:
        if not needed(found, layer):
            _forget_layer(found, layer)
    tx.delete(IMAGES, id, digest)
    tell(found, "DELETE", digest, "")


def _forget_layer(found: Found, digest: str) -> None:
    layer = found.tx.get(LAYERS, found.repository.id, digest)
    if layer is not None:
        found.tx.delete(LAYERS, found.repository.id, digest)
        found.tx.drop(layer.blob)


def forget_upload(found: Found, upload_id: str) -> None:
    """An upload with its parts."""
    upload = found.tx.get(UPLOADS, upload_id)
    if upload is not None and upload.repository == found.repository.id:
        for part in upload.parts:
            found.tx.drop(part.blob)
        found.tx.delete(UPLOADS, upload_id)


def forget_contents(found: Found) -> None:
    """All that is in a repository."""
    for (_, digest), image in list(found.tx.scan(IMAGES, found.repository.id)):
        forget_image(found, str(digest), image)
    for (_, digest), _ in list(found.tx.scan(LAYERS, found.repository.id)):
        _forget_layer(found, str(digest))
