"""A bucket as a dictionary of keys, each with its versions, the newest first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from urllib.parse import quote_plus

EMPTY_MD5 = hashlib.md5(b"").hexdigest()


@dataclass(slots=True)
class Version:
    """One version of an object, or a delete marker. Its id is "null" where its bucket made none."""

    id: str
    etag: str = ""
    body: bytes = b""
    tags: dict[str, str] = field(default_factory=dict)
    marker: bool = False

    def __eq__(self, other: object) -> bool:
        """Whether both are the same as far as a listing shows; an id that isn't known is any."""
        assert isinstance(other, Version)
        ids = self.id == other.id or "" in (self.id, other.id)
        return ids and (self.etag, len(self.body), self.marker) == (other.etag, len(other.body), other.marker)

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Shelves:
    """A key's versions as listings show them: those and delete markers in lists of their own, and which kind the latest is."""

    versions: list[Version]
    markers: list[Version]
    latest: str


def shelves(versions: list[Version]) -> Shelves:
    latest = "" if not versions else "marker" if versions[0].marker else "version"
    return Shelves([one for one in versions if not one.marker], [one for one in versions if one.marker], latest)


NOTHING = Shelves([], [], "")


@dataclass(slots=True)
class Upload:
    """A multipart upload under way."""

    bucket: str
    key: str
    parts: dict[int, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Bucket:
    """One bucket. `told` is the queue that hears of its events."""

    name: str
    versioning: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    keys: dict[str, list[Version]] = field(default_factory=dict)
    told: str = ""

    def current(self, key: str) -> Version | None:
        versions = self.keys.get(key)
        return versions[0] if versions and not versions[0].marker else None

    def find(self, key: str, id: str | None) -> Version | None:
        versions = self.keys.get(key, [])
        return next((one for one in versions if id is None or one.id == id), None)

    def added(self, key: str, version: Version) -> list[Version]:
        """The versions of a key once another one is put. Without versioning, or with it suspended, it takes the null version's place."""
        before = self.keys.get(key, [])
        if self.versioning == "Enabled":
            return [replace(version, id=version.id if version.id != "null" else ""), *before]
        return [replace(version, id="null"), *(one for one in before if one.id != "null")]

    def removed(self, key: str, id: str | None) -> tuple[list[Version], str, Version | None]:
        """The versions of a key once it is deleted, the event of it, and the version that it is told of."""
        before = self.keys.get(key, [])
        if id is not None:
            gone = self.find(key, id)
            return [one for one in before if one is not gone], "Delete" if gone else "", gone
        if not self.versioning:
            return [], "Delete" if before else "", before[0] if before else None
        marker = Version("null" if self.versioning == "Suspended" else "", marker=True)
        after = self.added(key, marker)
        return after, "DeleteMarkerCreated", after[0]

    def set(self, key: str, versions: list[Version]) -> None:
        if versions:
            self.keys[key] = versions
        else:
            self.keys.pop(key, None)

    def listed(self, prefix: str, delimiter: str, after: str) -> list[str]:
        """Keys and common prefixes in their order; a prefix stands once, where the first key below it would."""
        found: dict[str, None] = {}
        for key in sorted((key for key in self.keys if self.current(key)), key=str.encode):
            if not key.startswith(prefix) or key.encode() <= after.encode():
                continue
            head, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            found[prefix + head + cut if cut else key] = None
        return list(found)


def label(bucket: str, event: str, key: str, version: Version) -> str:
    """How a message about an event is told from others."""
    etag = "" if event == "ObjectRemoved:Delete" else EMPTY_MD5 if version.marker else version.etag
    return f"s3:{bucket}:{event}:{quote_plus(key, safe='/*')}:{etag}:{version.id if version.id != 'null' else ''}"


def joined_etag(parts: list[bytes]) -> str:
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f"{hashlib.md5(digests).hexdigest()}-{len(parts)}"
