"""What IAM remembers of an account, and under which keys.

Everything that belongs to a user, group or role (inline policies, attachments, memberships, keys) lies under the entity's unique
id, so that renaming an entity moves one row. Entities themselves lie under their names in lower case, because two names of an
account may not differ by case alone (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). Counts (of
attachments, of uses as a boundary, of members) are counters of the tables.
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Fault, Table, Tx
from windtunnel.kernel.store.keys import Key


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user. `boundary` is the ARN of a managed policy."""

    id: str
    name: str
    path: str
    created: float
    boundary: str = ""


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """A group of users."""

    id: str
    name: str
    path: str
    created: float


class Role(msgspec.Struct, frozen=True, omit_defaults=True):
    """A role. `trust` is the policy that says who may assume it, as it was written."""

    id: str
    name: str
    path: str
    created: float
    trust: str
    description: str | None = None
    seconds_max: int = 3600
    boundary: str = ""
    linked_to: str = ""
    """The service it is linked to: nobody else may change it."""


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """An instance profile, with the id of the role in it."""

    id: str
    name: str
    path: str
    created: float
    role: str = ""


class Certificate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server certificate with its chain, in PEM."""

    id: str
    name: str
    path: str
    created: float
    expires: float
    body: str
    chain: str = ""


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """A managed policy of the account."""

    id: str
    name: str
    path: str
    created: float
    updated: float
    description: str | None = None
    default: int = 1
    last: int = 1
    """The number of the newest version there ever was; numbers don't come back."""


class Version(msgspec.Struct, frozen=True):
    """One version of a managed policy."""

    document: str
    created: float


class Login(msgspec.Struct, frozen=True):
    """A user's password for the console. Only its digest is kept."""

    salt: str
    digest: str
    created: float
    changed: float
    reset: bool = False


class Job(msgspec.Struct, frozen=True):
    """A report of which services the holders of policies reached: about whom, and which services their policies let them reach."""

    arn: str
    created: float
    services: list[str]


class Report(msgspec.Struct, frozen=True):
    """The account's credential report, CSV; without a text it is under way."""

    generated: float
    text: str = ""


class Credential(msgspec.Struct, frozen=True, array_like=True):
    """A user's credential for one service. `name` is what the user is called there, `number` tells a user's two apart."""

    service: str
    name: str
    created: float
    number: int = 0
    status: str = "Active"


class SshKey(msgspec.Struct, frozen=True):
    """A user's public key for git over SSH, as it was uploaded."""

    body: str
    fingerprint: str
    created: float
    status: str = "Active"


class SigningCertificate(msgspec.Struct, frozen=True):
    """A user's certificate for services that take signed messages, in PEM."""

    body: str
    digest: str
    created: float
    status: str = "Active"


class Provider(msgspec.Struct, frozen=True, omit_defaults=True):
    """An identity provider: OpenID Connect (url, audiences, thumbprints) or SAML (name, metadata)."""

    created: float
    url: str = ""
    audiences: list[str] = []
    thumbprints: list[str] = []
    metadata: str = ""
    valid_until: float = 0.0
    uuid: str = ""


def _by_path(key: Key, record: Any) -> Key:
    return (record.path,)


def _by_id(key: Key, record: Any) -> Key:
    return (record.id,)


def _by_boundary(key: Key, record: Any) -> Key | None:
    return (record.boundary,) if record.boundary else None


def _all(key: Key, record: Any) -> Key:
    return ()


USERS = Table(
    "iam.users",
    User,
    scope="account",
    indexes={"path": _by_path, "id": _by_id, "boundary": _by_boundary},
    counters={"all": _all, "bounded": _by_boundary},
)
"""name in lower case -> User"""
GROUPS = Table("iam.groups", Group, scope="account", indexes={"path": _by_path, "id": _by_id}, counters={"all": _all})
"""name in lower case -> Group"""
ROLES = Table(
    "iam.roles",
    Role,
    scope="account",
    indexes={"path": _by_path, "id": _by_id, "boundary": _by_boundary},
    counters={"all": _all, "bounded": _by_boundary},
)
"""name in lower case -> Role"""
PROFILES = Table(
    "iam.profiles",
    Profile,
    scope="account",
    indexes={"path": _by_path, "role": lambda key, profile: (profile.role,) if profile.role else None},
    counters={"all": _all},
)
"""name in lower case -> Profile"""
POLICIES = Table("iam.policies", Policy, scope="account", indexes={"path": _by_path}, counters={"all": _all})
"""name in lower case -> Policy"""
VERSIONS = Table("iam.versions", Version, scope="account", counters={"policy": lambda key, version: key[:1], "all": _all})
"""(policy id, number) -> Version"""
INLINE = Table("iam.inline", str, scope="account", counters={"entity": lambda key, document: key[:1]})
"""(entity id, policy name) -> document"""
ATTACHED = Table(
    "iam.attached",
    str,
    scope="account",
    indexes={"policy": lambda key, name: (key[1],)},
    counters={"entity": lambda key, name: key[:1], "uses": lambda key, name: (key[1],)},
)
"""(entity id, policy ARN) -> policy name"""
MEMBERS = Table(
    "iam.members",
    float,
    scope="account",
    indexes={"user": lambda key, since: (key[1],)},
    counters={"users": lambda key, since: (key[0],), "groups": lambda key, since: (key[1],)},
)
"""(group id, user id) -> since when"""
KEYS = Table("iam.keys", float, scope="account", counters={"user": lambda key, created: (key[0],), "all": _all})
"""(user id, access key id) -> when it was made; the key itself is in fabric.access"""
CREDENTIALS = Table("iam.credentials", Credential, scope="account", counters={"user": lambda key, credential: (key[0],)})
"""(user id, credential id) -> Credential"""
SSH_KEYS = Table("iam.ssh_keys", SshKey, scope="account", counters={"user": lambda key, _: (key[0],)})
"""(user id, key id) -> SshKey"""
SIGNING = Table(
    "iam.signing",
    SigningCertificate,
    scope="account",
    indexes={"digest": lambda key, certificate: (certificate.digest,)},
    counters={"user": lambda key, _: (key[0],)},
)
"""(user id, or the account for its root, certificate id) -> SigningCertificate"""
LOGINS = Table("iam.logins", Login, scope="account")
"""user id -> Login"""
ALIASES = Table("iam.aliases", str, scope="global")
"""alias -> account"""
ALIAS_OF = Table("iam.alias_of", str, scope="account")
"""() -> the account's alias"""
PROVIDERS = Table(
    "iam.providers",
    Provider,
    scope="account",
    counters={
        "all": _all,
        "openid": lambda key, provider: () if provider.url else None,
        "saml": lambda key, provider: () if provider.metadata else None,
    },
)
"""ARN -> Provider"""
DELETIONS = Table("iam.deletions", str, scope="account")
"""task id of a service-linked role's deletion -> the role's name"""
CERTIFICATES = Table("iam.certificates", Certificate, scope="account", indexes={"path": _by_path}, counters={"all": _all})
"""name in lower case -> Certificate"""
TOKEN_VERSION = Table("iam.token_version", int, scope="account")
"""() -> the version of the tokens that the global endpoint of STS issues"""
REPORT = Table("iam.report", Report, scope="account")
"""() -> Report"""
JOBS = Table("iam.jobs", Job, scope="account")
"""job id -> Job"""
PASSWORDS = Table("iam.passwords", dict[str, Any], scope="account")
"""() -> the account's password policy"""

Entity = User | Group | Role


def user_named(tx: Tx, name: str) -> User:
    """A user. Raises NoSuchEntity."""
    user = tx.get(USERS, name.lower())
    if user is None or user.name != name:
        raise Fault("NoSuchEntity", f"The user with name {name} cannot be found.")
    return user


def group_named(tx: Tx, name: str) -> Group:
    """A group. Raises NoSuchEntity."""
    group = tx.get(GROUPS, name.lower())
    if group is None or group.name != name:
        raise Fault("NoSuchEntity", f"The group with name {name} cannot be found.")
    return group


def role_named(tx: Tx, name: str) -> Role:
    """A role. Raises NoSuchEntity."""
    role = tx.get(ROLES, name.lower())
    if role is None or role.name != name:
        raise Fault("NoSuchEntity", f"The role with name {name} cannot be found.")
    return role


def own_role_named(tx: Tx, name: str) -> Role:
    """A role that its account may change. Raises NoSuchEntity, and UnmodifiableEntity for one that is linked to a service."""
    role = role_named(tx, name)
    if role.linked_to:
        raise Fault(
            "UnmodifiableEntity", f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
        )
    return role


def with_id(tx: Tx, table: Table[Any], id: str) -> Any:
    """The user, group or role of a unique id; None where it is gone."""
    return next((record for _, record in tx.find(table, "id", id)), None)


def arn_of(tx: Tx, entity: Entity | Profile | Policy | Certificate) -> str:
    """The ARN of an entity of the transaction's account."""
    return f"arn:aws:iam::{tx.account}:{_KINDS[type(entity)]}{entity.path}{entity.name}"


_KINDS: dict[type, str] = {
    User: "user",
    Group: "group",
    Role: "role",
    Profile: "instance-profile",
    Policy: "policy",
    Certificate: "server-certificate",
}
