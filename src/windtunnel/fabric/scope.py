"""Who calls, from where and into which account and region: what every operation knows about its caller."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, Protocol

import msgspec

PrincipalKind = Literal["Root", "IAMUser", "AssumedRole", "FederatedUser", "AWSService", "Anonymous"]


class Principal(msgspec.Struct, frozen=True):
    """An identity as CloudTrail's `userIdentity` names it.

    `id` is the unique id (AIDA…, AROA…:session, the account for its root), `name` the user's, the role's or the service's
    ("sns.amazonaws.com"), `access_key` the key it signed with.
    """

    kind: PrincipalKind
    account: str
    arn: str
    id: str
    name: str = ""
    access_key: str = ""
    policy: str = ""
    """The session policy that was given when a role was assumed, JSON."""
    tags: dict[str, str] = {}
    """Session tags."""
    transitive_tags: list[str] = []
    """Keys of session tags that go on to roles assumed from this session."""
    policy_arns: list[str] = []
    """Managed policies that limit the session."""
    source_identity: str = ""
    issuer: str = ""
    """The ARN of the role behind a session, its path included."""
    mfa_at: float = 0.0
    """When the session's owner showed a second factor; 0 where they showed none."""
    provider: str = ""
    """The ARN of the identity provider that vouched for who opened the session."""
    scoped: list[str] = []
    """Policies that each narrow the session down, JSON."""


class Scope(msgspec.Struct, frozen=True):
    """One call's place: every key it reads and writes begins with its account and region."""

    account: str
    region: str
    principal: Principal
    request_id: str = ""
    source_ip: str = ""
    user_agent: str = ""
    endpoint: str = "http://localhost:4566"
    """Scheme, host and port the client reached the region by, without a slash at the end: URLs handed out begin with it."""
    cause: str = ""
    """The request id of the call that led to this one; "" where a client called."""
    source_arn: str = ""
    """The resource that a service calls for, which policies know as `aws:SourceArn`; "" where nobody calls for one."""
    via: str = ""
    """The service that calls in the principal's name ("s3.us-east-1.amazonaws.com"), which policies know as `kms:ViaService`."""
    trace: str = ""
    """The header X-Amzn-Trace-Id of the request; "" where the client traces nothing."""
    unseen: bool = False
    """Whether this is no call that anybody sees, but a timer at work."""

    @property
    def link(self) -> str:
        """The request id that what follows from here is told to follow from: of what a timer does, that of the call which wanted it."""
        return self.cause if self.unseen and self.cause else self.request_id


class Proof(Protocol):
    """What a client signed, to be held against the secret of its key."""

    @property
    def access_key(self) -> str: ...

    @property
    def token(self) -> str: ...

    def verify(self, secret: str | None) -> None:
        """Raises the protocol's Fault where the signature is not the secret's, or its time is over. None: the secret is not known,
        so that only the time can be checked."""
        ...


def root(account: str, access_key: str = "") -> Principal:
    return Principal("Root", account, f"arn:aws:iam::{account}:root", account, access_key=access_key)


@lru_cache(1024)
def service_principal(name: str, account: str) -> Principal:
    """The principal of an AWS service, `name` such as "sns.amazonaws.com", acting in an account."""
    return Principal("AWSService", account, name, name, name)


def session_of(role: str, account: str, name: str) -> Principal:
    """A session that a service has of a role it was given, by the role's ARN."""
    role_name = role.rpartition("/")[2]
    return Principal("AssumedRole", account, f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}", role_name, role_name, issuer=role)


def anonymous() -> Principal:
    """A caller who signed nothing."""
    return Principal("Anonymous", "anonymous", "*", "ANONYMOUS_PRINCIPAL")
