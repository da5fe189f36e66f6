"""Manifests: which layers an image is made of, or which images a list of them names.

https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from windtunnel.fabric import Fault

_LISTS = ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
_IMAGES = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json")


class Manifest(msgspec.Struct, frozen=True):
    """What a manifest says."""

    media_type: str
    artifact: str
    """The media type of what an image is: that of its configuration, unless the manifest names another."""
    layers: list[str]
    images: list[str]


def read_manifest(text: str, media_type: str) -> Manifest:
    """A manifest in version 2 of Docker's form or in OCI's. Raises InvalidParameterException."""
    try:
        given = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise _invalid("Image manifest is not valid JSON") from error
    kind = given.get("mediaType") or media_type
    if not kind:
        raise _invalid("Image manifest media type is neither in the manifest nor in the request")
    if kind not in (*_LISTS, *_IMAGES) or given.get("schemaVersion") != 2:
        raise _invalid(f"Image manifest with media type {kind} and schema version {given.get('schemaVersion')} is not supported")
    try:
        if kind in _LISTS:
            return Manifest(kind, str(given.get("artifactType", "")), [], _digests(given["manifests"]))
        config = cast("dict[str, Any]", given["config"])
        artifact = str(given.get("artifactType") or config["mediaType"])
        return Manifest(kind, artifact, _digests([*given["layers"], config]), [])
    except (KeyError, TypeError) as error:
        raise _invalid("Image manifest lacks what its media type demands") from error


def _digests(parts: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(part["digest"] for part in parts))


def _invalid(why: str) -> Fault:
    return Fault("InvalidParameterException", f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{why}'")
