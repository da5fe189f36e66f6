"""What happens by itself: lifecycle policies act and are previewed, uploads that nobody completes and old URLs go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.ecr.contents import forget_image
from windtunnel.services.ecr.rules import expiring, rules_of
from windtunnel.services.ecr.state import DOWNLOADS, IMAGES, NEEDS, PREVIEWS, REPOSITORIES, UPLOADS, Found, Image

EVERY_SECONDS = 86_400
Payload = Mapping[str, Any]


def evaluate(tx: Tx, payload: Payload) -> None:
    """What a repository's policy does to it today."""
    repository = tx.get(REPOSITORIES, payload["name"])
    if repository is None or not repository.lifecycle:
        return
    found = Found(tx, payload["name"], repository).put(evaluated=tx.now)
    images = _images(found)
    for digest, _ in _expiring(found, repository.lifecycle, images):
        forget_image(found, digest, images[digest])
    tx.timer(tx.now + EVERY_SECONDS, "lifecycle", payload, name=found.name)


def _images(found: Found) -> dict[str, Image]:
    return {str(key[1]): image for key, image in found.tx.scan(IMAGES, found.repository.id)}


def _expiring(found: Found, text: str, images: Mapping[str, Image]) -> list[tuple[str, int]]:
    """(digest, rule's priority) of the images that a policy removes: none of those that a list of images names."""
    held = {str(key[1]) for key, _ in found.tx.scan(NEEDS, found.repository.id)}
    return [(digest, priority) for digest, priority in expiring(rules_of(text), images, found.tx.now) if digest not in held]


def preview(tx: Tx, payload: Payload) -> None:
    """What a policy would do."""
    repository = tx.get(REPOSITORIES, payload["name"])
    asked = None if repository is None else tx.get(PREVIEWS, repository.id)
    if repository is None or asked is None:
        return
    found = Found(tx, payload["name"], repository)
    result = _expiring(found, asked.text, _images(found))
    tx.put(PREVIEWS, repository.id, value=msgspec.structs.replace(asked, done=True, expiring=sorted(result)))


def abandon(tx: Tx, payload: Payload) -> None:
    """An upload that nobody completed."""
    upload = tx.get(UPLOADS, payload["upload"])
    if upload is not None:
        for part in upload.parts:
            tx.drop(part.blob)
        tx.delete(UPLOADS, payload["upload"])


def close(tx: Tx, payload: Payload) -> None:
    """A URL's time is over."""
    tx.delete(DOWNLOADS, payload["token"])
