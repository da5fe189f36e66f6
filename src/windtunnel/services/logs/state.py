"""What CloudWatch Logs remembers, and under which keys: a request's events lie together, in the order of their group's time.

Events come in batches and are read in runs, so one row holds the events of a batch that lie within SPAN of each other: a *chunk*,
under `(group, time of its first event, serial)`. Ten lines cost two rows instead of twenty. Reading merges the chunks that overlap;
since none is longer than SPAN, only those that begin up to SPAN earlier can reach into a range. STREAM_CHUNKS says for a stream
which chunks are its own.

Groups and streams have numbers: the rows of a deleted one belong to a number nobody has any more, are out of sight at once and are
removed in slices later. What is older than the retention is the beginning of a group's range.
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import parse_or_none, partition_of
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.logs.rules import check_group_name, check_stream_name

PROTECTION, TRANSFORMER, INDEXES, UNPROTECTED = 1, 2, 4, 8
"""The kinds of policies that a group may have, and that it had one of data protection."""
SPAN_MILLISECONDS = 1000
CHUNK_EVENTS_MAX = 512
CHUNK_BYTES_MAX = 131_072


class Group(msgspec.Struct, frozen=True, array_like=True):
    """A log group. The counts let PutLogEvents pass by what the group doesn't have."""

    id: int
    created: int
    retention: int = 0
    kind: str = "STANDARD"
    kms: str = ""
    protected: bool = False
    metric_filters: int = 0
    subscriptions: int = 0
    tailed: float = 0.0
    """Until when somebody may be watching the group live."""
    policies: int = 0
    """Which of PROTECTION, TRANSFORMER, INDEXES and UNPROTECTED hold of the group, as a sum."""
    detectors: int = 0


class Stream(msgspec.Struct, frozen=True, array_like=True):
    """A log stream; times in milliseconds, 0 where there was no event yet."""

    id: int
    created: int
    first: int = 0
    last: int = 0
    ingested: int = 0
    serial: int = 0
    """Of the last batch."""


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Events of one batch, in their order, at most SPAN apart."""

    stream: int
    name: str
    ingested: int
    size: int
    times: list[int]
    messages: list[str]
    """As they are shown: with asterisks where a policy hides something."""
    originals: dict[int, str] = {}
    """What came in, of the messages that hide something, by their numbers."""
    transformed: list[str] = []
    """What a transformer made of each message, if there is one; "" where it failed."""

    def shown(self, number: int, *, unmask: bool) -> str:
        """A message, with what it hides where that is asked for (and allowed, by `logs:Unmask`)."""
        return self.originals.get(number, self.messages[number]) if unmask else self.messages[number]


class Policy(msgspec.Struct, frozen=True, array_like=True):
    """A resource policy of the account, or of a group, which has revisions."""

    updated: int
    document: str
    name: str = ""
    revision: str = ""


class GroupPolicy(msgspec.Struct, frozen=True, array_like=True):
    """A policy of a single group: of data protection, a transformer or field indexes."""

    created: int
    updated: int
    document: str


class AccountPolicy(msgspec.Struct, frozen=True, array_like=True):
    """A policy for all groups of the account, or for those that its criteria select."""

    updated: int
    document: str
    criteria: str = ""
    created: int = 0
    before: tuple[str, str] | None = None
    """The document and the criteria that hold until this one does: see retention.py."""


class Tier(msgspec.Struct, frozen=True, array_like=True):
    """The storage tier of the account."""

    name: str
    updated: int


GROUPS = Table("logs.groups", Group, counters={"all": lambda key, group: ()})
"""name -> Group"""
STREAMS = Table("logs.streams", Stream)
"""(group, name) -> Stream"""
RECENT = Table("logs.recent", bool)
"""(group, time of the last event, name) of each stream"""
CHUNKS = Table("logs.chunks", Chunk)
"""(group, time of the first event, serial) -> Chunk"""
STREAM_CHUNKS = Table("logs.stream_chunks", int)
"""(stream, time of the first event, serial) -> group"""
STORED = Table("logs.stored", int)
"""group -> bytes stored"""
POLICIES = Table("logs.policies", Policy)
"""name -> Policy"""
GROUP_POLICIES = Table("logs.group_policies", GroupPolicy, hot=True)
"""(group's name, kind) -> GroupPolicy"""
ACCOUNT_POLICIES = Table("logs.account_policies", AccountPolicy, counters={"all": lambda key, policy: ()}, hot=True)
"""(type, name) -> AccountPolicy"""
TIERS = Table("logs.tiers", Tier)
"""() -> Tier"""
GROUP_RESOURCE_POLICIES = Table("logs.group_resource_policies", Policy)
"""(group's name) -> Policy"""


def find_group(tx: Tx, name: str) -> Group:
    """The group of a name. A name that can't be one is only looked at when there is none."""
    group = tx.get(GROUPS, name)
    if group is None:
        check_group_name(name)
        raise no_such_group()
    return group


def find_stream(tx: Tx, group: Group, name: str) -> Stream:
    stream = tx.get(STREAMS, group.id, name)
    if stream is None:
        check_stream_name(name)
        raise no_such_stream()
    return stream


def check_standard(group: Group) -> None:
    """Refuses what groups of other classes can not have.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html
    """
    if group.kind != "STANDARD":
        raise Fault("ValidationException", "This operation is only supported on the Standard log class.")


def name_of(tx: Tx, identifier: str) -> str:
    """The name of the group that a name or an ARN stands for."""
    arn = parse_or_none(identifier)
    if arn is None:
        return identifier
    if arn.service != "logs" or arn.type != "log-group" or (arn.account, arn.region) != (tx.account, tx.region):
        raise no_such_group()
    return arn.id.removesuffix(":*")


def named_group(tx: Tx, req: Any) -> tuple[str, Group]:
    """The group of a request that names it by `logGroupName` or `logGroupIdentifier`."""
    name, identifier = req.get("logGroupName"), req.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise Fault("ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if name is not None:
        return name, find_group(tx, name)
    if identifier is None:
        raise Fault("ValidationException", "At least one of LogGroup name or LogGroup ARN must be specified.")
    name = name_of(tx, identifier)
    return name, find_group(tx, name)


def arn_of(tx: Tx, name: str) -> str:
    return arn_within(tx, "log-group", name)


def arn_within(tx: Tx, kind: str, name: str) -> str:
    """The ARN of something of the transaction's account and region."""
    return f"arn:{partition_of(tx.region)}:logs:{tx.region}:{tx.account}:{kind}:{name}"


def no_such_group() -> Fault:
    return Fault("ResourceNotFoundException", "The specified log group does not exist.")


def no_such_stream() -> Fault:
    return Fault("ResourceNotFoundException", "The specified log stream does not exist.")
