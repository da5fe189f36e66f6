"""What ECR remembers: repositories, the images in them by digest and by tag, and layers, whose bytes are blobs.

A layer belongs to the repository it was uploaded to, and stays as long as an image needs it; one that no image needs yet waits for one.
"""

from __future__ import annotations

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Table, Tx


class Repository(msgspec.Struct, frozen=True, omit_defaults=True):
    """A repository without what is in it."""

    id: int
    created: float
    mutability: str = "MUTABLE"
    exclusions: list[str] = []
    """Patterns of tags for which the opposite of `mutability` holds."""
    scan: bool = False
    encryption: str = "AES256"
    kms: str = ""
    policy: str = ""
    lifecycle: str = ""
    evaluated: float = 0.0
    """When the lifecycle policy last acted."""


class Image(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image, or a list of images for several machines."""

    manifest: str
    media_type: str
    artifact: str
    size: int
    pushed: float
    tags: list[str] = []
    layers: list[str] = []
    images: list[str] = []
    """Those that a list of images names."""
    pulled: float = 0.0


class Layer(msgspec.Struct, frozen=True):
    """A layer's bytes."""

    blob: str
    size: int


class Upload(msgspec.Struct, frozen=True, omit_defaults=True):
    """A layer under way: its parts so far, in order."""

    repository: int
    parts: list[Layer] = []

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)


class Preview(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a lifecycle policy would do."""

    text: str
    done: bool = False
    expiring: list[tuple[str, int]] = []
    """(digest, priority of the rule)"""


class Download(msgspec.Struct, frozen=True):
    """A layer that somebody was given a URL for."""

    repository: int
    digest: str


REPOSITORIES = Table("ecr.repositories", Repository)
"""name -> Repository"""
IMAGES = Table("ecr.images", Image)
"""(repository's id, digest) -> Image"""
TAGS = Table("ecr.tags", str)
"""(repository's id, tag) -> digest"""
LAYERS = Table("ecr.layers", Layer)
"""(repository's id, digest) -> Layer"""
NEEDS = Table("ecr.needs", bool)
"""(repository's id, digest of a layer or an image, digest of the image that needs it) -> True"""
UPLOADS = Table("ecr.uploads", Upload)
"""upload id -> Upload"""
PREVIEWS = Table("ecr.previews", Preview)
"""repository's id -> Preview"""
DOWNLOADS = Table("ecr.downloads", Download)
"""token -> Download"""
REGISTRIES = Table("ecr.registries", str)
"""() -> the registry's policy"""


class Found(msgspec.Struct, frozen=True):
    """A repository, and the transaction as seen from its account."""

    tx: Tx
    name: str
    repository: Repository

    @property
    def arn(self) -> str:
        return arn_of(self.tx, self.name)

    @property
    def named(self) -> dict[str, str]:
        """How answers name it."""
        return {"registryId": self.tx.account, "repositoryName": self.name}

    def put(self, **changes: object) -> Found:
        repository = msgspec.structs.replace(self.repository, **changes)
        self.tx.put(REPOSITORIES, self.name, value=repository)
        return Found(self.tx, self.name, repository)


def arn_of(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:ecr:{tx.region}:{tx.account}:repository/{name}"


def host_of(tx: Tx) -> str:
    """A registry's host, in AWS."""
    return f"{tx.account}.dkr.ecr.{tx.region}.amazonaws.com"
