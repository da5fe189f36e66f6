"""What S3 remembers. All of it is global, for so are bucket names; a bucket's row says which account and region it is in.

A version's key ends in a number that sorts the newest first: 0 for the null version of a bucket that never had versioning (so that
an overwrite finds and replaces it at once), minus a rising serial for all others. The current version of a key is the first row
under it. What a listing shows of it stands once more in a small row of its own, absent where the current one is a delete marker.
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Resource, Table

NULL_ORDER = 0


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One destination of a bucket's notifications."""

    id: str
    kind: str
    """Queue, Topic or CloudFunction."""
    target: str
    events: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()
    """(Prefix or Suffix as it was written, value)."""


class Encryption(msgspec.Struct, frozen=True, omit_defaults=True):
    """How bytes are said to be encrypted at rest."""

    algorithm: str = "AES256"
    key_id: str = ""
    bucket_key: bool = False
    customer: str = ""
    """The MD5 of the customer's own key, in base64."""
    data_key: bytes = b""
    """The object's data key as KMS made it, under the key of `key_id`."""
    context: dict[str, str] = {}
    """What the request added to the encryption context."""


class Retention(msgspec.Struct, frozen=True, omit_defaults=True):
    """How long a bucket keeps what has no retention of its own: days, or years."""

    mode: str
    days: int = 0
    years: int = 0


class Lock(msgspec.Struct, frozen=True, omit_defaults=True):
    """What keeps a version from going."""

    mode: str = ""
    """GOVERNANCE, COMPLIANCE or nothing."""
    until: float = 0
    hold: str = ""
    """ON, OFF, or "" where it never had a legal hold."""


class Restore(msgspec.Struct, frozen=True):
    """An archived version is brought back: from when until when it can be read."""

    ready: float
    until: int


class Bucket(msgspec.Struct, frozen=True, omit_defaults=True):
    """One bucket, with what every write to it asks for."""

    account: str
    region: str
    created: int
    versioning: str = ""
    """"" (never), Enabled or Suspended."""
    rules: tuple[Rule, ...] = ()
    event_bridge: bool = False
    encryption: Encryption = Encryption()
    ownership: str = "BucketOwnerEnforced"
    object_lock: bool = False
    retention: Retention | None = None
    mfa_delete: bool = False
    """Whether a version goes for good only with a code of an MFA device."""
    logged: bool = False
    """Whether it has a logging configuration."""
    requester_pays: bool = False
    replicated: bool = False
    """Whether it has a replication configuration."""


class Listed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a listing shows of a key's current version, word for word: a page of a thousand is read and handed on without a look at each."""

    Key: str
    LastModified: int
    ETag: str
    Size: int
    Common: str
    """Storage class, and algorithm and type of a checksum: mostly the same on a whole page, so one text."""


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of an object, or a delete marker. Its bytes are `inline`, or the blob's."""

    id: str
    modified: int
    owner: str
    etag: str = ""
    size: int = 0
    marker: bool = False
    blob: str = ""
    inline: bytes = b""
    content_type: str = "binary/octet-stream"
    headers: dict[str, str] = {}
    """CacheControl, ContentDisposition, … and WebsiteRedirectLocation, by their members' names."""
    metadata: dict[str, str] = {}
    storage: str = "STANDARD"
    algorithm: str = ""
    checksum: str = ""
    checksum_type: str = ""
    parts: int = 0
    """How many parts it was uploaded in; 0 where in one piece."""
    tags: dict[str, str] = {}
    grants: tuple[dict[str, Any], ...] = ()
    """Its ACL; empty: the owner has full control."""
    encryption: Encryption = Encryption()
    lock: Lock | None = None
    restore: Restore | None = None
    replication: str = ""
    """PENDING, COMPLETED or FAILED where it is replicated, REPLICA where it is one."""
    archive: str = ""
    """The archive tier of INTELLIGENT_TIERING it was moved to, for nobody read it for long."""
    annotations: int = 0
    """How many it has."""


class Annotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named text that a version carries."""

    etag: str
    size: int
    modified: int
    algorithm: str
    checksum: str
    inline: bytes = b""
    blob: str = ""


class ObjectPart(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of one part of an object."""

    number: int
    size: int
    checksum: str


class Upload(msgspec.Struct, frozen=True, omit_defaults=True):
    """A multipart upload under way. `draft` becomes the object."""

    initiated: int
    initiator: str
    draft: Version
    algorithm: str = ""
    checksum_type: str = ""


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of an upload."""

    etag: str
    size: int
    modified: int
    blob: str
    algorithm: str
    checksum: str


BUCKETS = Table(
    "s3.buckets",
    Bucket,
    scope="global",
    hot=True,
    indexes={"account": lambda key, bucket: (bucket.account,)},
    counters={"owned": lambda key, bucket: (bucket.account,)},
)
"""(name,)"""
DOCUMENTS = Table("s3.documents", dict[str, Any], scope="global")
"""(bucket, kind) -> a configuration as it was put: "policy", "cors", …"""
CONFIGURATIONS = Table("s3.configurations", dict[str, Any], scope="global")
"""(bucket, kind, id) -> a metrics, inventory, analytics or tiering configuration as it was put."""
LISTED = Table("s3.listed", Listed, scope="global")
"""(bucket, key)"""
VERSIONS = Table("s3.versions", Version, scope="global")
"""(bucket, key, order)"""
NULLS = Table("s3.nulls", int, scope="global")
"""(bucket, key) -> the order of the null version, where that isn't NULL_ORDER."""
ACCESSES = Table("s3.accesses", float, scope="global")
"""(bucket, key, order) -> when a version in INTELLIGENT_TIERING was last read; absent: not since it was written."""
OBJECT_PARTS = Table("s3.object_parts", tuple[ObjectPart, ...], scope="global")
"""(bucket, key, order)"""
ANNOTATIONS = Table("s3.annotations", Annotation, scope="global")
"""(bucket, key, order, name)"""
SIZES = Table("s3.sizes", int, scope="global")
"""(bucket, storage class, "bytes" or "objects") -> a number that is only added to: what is stored, all versions together."""
REPLICATING = Table("s3.replicating", float, scope="global")
"""(bucket, key, order, destination) -> since when a version is on its way there."""
LOGGED = Table("s3.logged", tuple[float, str], scope="global")
"""(bucket, serial) -> when a request came, and its line; until the log it is in is delivered."""
UPLOADS = Table("s3.uploads", Upload, scope="global")
"""(bucket, key, upload id); an upload's id rises with time."""
PARTS = Table("s3.parts", Part, scope="global")
"""(upload id, number)"""

BUCKET = Resource("AWS::S3::Bucket", BUCKETS, "arn:aws:s3:::{0}")
