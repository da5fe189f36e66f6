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
from windtunnel.fabric import Fault, Resource, Table, Tx
from windtunnel.kernel.store.keys import Key
from windtunnel.services.logs.rules import (
    DAY_MILLISECONDS,
    EXPRESSIONS_MAX,
    MILLISECONDS,
    check_group_name,
    check_stream_name,
    expressions_in,
)

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

    def cutoff(self, now: float) -> int:
        """The time before which events are gone."""
        return int(now * MILLISECONDS) - self.retention * DAY_MILLISECONDS if self.retention else 0


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


class MetricFilter(msgspec.Struct, frozen=True, array_like=True):
    created: int
    pattern: str
    transformations: list[dict[str, Any]]
    others: dict[str, Any] = {}


class Subscription(msgspec.Struct, frozen=True, array_like=True):
    created: int
    pattern: str
    destination: str
    role: str = ""
    distribution: str = "ByLogStream"
    others: dict[str, Any] = {}


class Query(msgspec.Struct, frozen=True):
    """A Logs Insights query and how far it is."""

    id: str
    text: str
    groups: list[tuple[int, str]]
    start: int
    end: int
    limit: int
    created: float
    status: str = "Scheduled"
    matched: int = 0
    scanned: int = 0
    bytes: int = 0
    results: int = 0
    named: str = ""
    """The group it was started for, where it names one alone."""
    scheduled: tuple[str, int] | None = None
    """The scheduled query whose run it is, and when that was triggered."""


class Result(msgspec.Struct, frozen=True, array_like=True):
    """One row of a query's result, as (name, value) pairs."""

    fields: list[tuple[str, str]]


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


class Indexed(msgspec.Struct, frozen=True, array_like=True):
    """When an indexed field was looked for, and the times of the first and the last event that had it; milliseconds."""

    scanned: int
    first: int = 0
    last: int = 0


class Lookup(msgspec.Struct, frozen=True, array_like=True):
    """A lookup table: CSV with a line of names."""

    created: int
    updated: int
    body: str
    fields: list[str]
    records: int
    description: str = ""
    kms: str = ""


class Scheduled(msgspec.Struct, frozen=True, array_like=True):
    """A scheduled query, with its settings as they were given."""

    name: str
    created: int
    updated: int
    state: str
    settings: dict[str, Any]


class ScheduledRun(msgspec.Struct, frozen=True, array_like=True):
    """One run of a scheduled query."""

    query: str
    status: str
    error: str = ""
    destinations: list[dict[str, Any]] = []


class Tier(msgspec.Struct, frozen=True, array_like=True):
    """The storage tier of the account."""

    name: str
    updated: int


class Definition(msgspec.Struct, frozen=True, array_like=True):
    """A query that is kept under a name, with its members as they were given."""

    modified: int
    members: dict[str, Any]


class DeliverySource(msgspec.Struct, frozen=True, array_like=True):
    """A resource whose logs of one type can be delivered."""

    resource: str
    service: str
    log_type: str
    serial: int
    configuration: dict[str, str]


class DeliveryDestination(msgspec.Struct, frozen=True, array_like=True):
    """Where vended logs can go. `kind` is S3, CWL, FH or XRAY."""

    resource: str
    kind: str
    serial: int
    format: str = ""
    role: str = ""
    policy: str = ""


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """A source's name, a destination's ARN and type, and how records are written."""

    source: str
    destination: str
    kind: str
    serial: int
    settings: dict[str, Any]


class Destination(msgspec.Struct, frozen=True, array_like=True):
    """A stream that other accounts may subscribe to."""

    created: int
    target: str
    role: str
    policy: str = ""


class Export(msgspec.Struct, frozen=True):
    """An export task; times in milliseconds, `completed` 0 while it isn't over."""

    id: str
    name: str
    group: str
    group_id: int
    streams: str
    """What the names of its streams begin with."""
    begin: int
    end: int
    bucket: str
    prefix: str
    created: int
    code: str = "PENDING"
    message: str = ""
    completed: int = 0

    @property
    def active(self) -> bool:
        return self.code in ("PENDING", "RUNNING", "PENDING_CANCEL")


def _by_serial(key: Key, record: DeliverySource | DeliveryDestination | Delivery) -> Key:
    """The order in which they were made, in which they are described."""
    return (record.serial,)


GROUPS = Table("logs.groups", Group)
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
QUERIES = Table("logs.queries", Query, counters={"running": lambda key, query: () if query.status in ("Scheduled", "Running") else None})
"""serial -> Query"""
QUERY_SERIALS = Table("logs.query_serials", int)
"""id of a query -> its serial"""
RESULTS = Table("logs.results", Result)
"""(serial of the query, number) -> Result"""
POLICIES = Table("logs.policies", Policy)
"""name -> Policy"""
GROUP_POLICIES = Table("logs.group_policies", GroupPolicy, hot=True)
"""(group's name, kind) -> GroupPolicy"""
ACCOUNT_POLICIES = Table("logs.account_policies", AccountPolicy, counters={"all": lambda key, policy: ()}, hot=True)
"""(type, name) -> AccountPolicy"""
INDEXED = Table("logs.indexed", Indexed)
"""(group, field) -> Indexed"""
LOOKUPS = Table("logs.lookups", Lookup)
"""name -> Lookup"""
SCHEDULED = Table("logs.scheduled", Scheduled, indexes={"name": lambda key, scheduled: (scheduled.name,)})
"""id -> Scheduled"""
RUNS = Table("logs.runs", ScheduledRun)
"""(scheduled query, when it was triggered) -> ScheduledRun"""
TIERS = Table("logs.tiers", Tier)
"""() -> Tier"""
GROUP_RESOURCE_POLICIES = Table("logs.group_resource_policies", Policy)
"""(group's name) -> Policy"""
DEFINITIONS = Table("logs.definitions", Definition)
"""id -> Definition"""
TAILS = Table("logs.tails", float)
"""(group, live session) -> when the session ends at the latest"""
TAIL_SESSIONS = Table("logs.tail_sessions", float, counters={"all": lambda key, until: ()})
"""live session -> when it ends at the latest"""
TAILED = Table("logs.tailed", tuple[int, int])
"""(live session, serial) -> (group, time of the first event) of a chunk that the session did not take yet"""
METRIC_FILTERS = Table("logs.metric_filters", MetricFilter)
"""(group's name, filter's name) -> MetricFilter"""
MATCHED = Table("logs.matched", bool)
"""(group, minute, metric filter's name) -> whether it matched anything that came in in that minute"""
SUBSCRIPTIONS = Table("logs.subscriptions", Subscription)
"""(group's name, filter's name) -> Subscription"""

DELIVERY_SOURCES = Table(
    "logs.delivery_sources",
    DeliverySource,
    indexes={"serial": _by_serial, "resource": lambda key, source: (source.resource, source.log_type)},
)
"""name -> DeliverySource"""
DELIVERY_DESTINATIONS = Table("logs.delivery_destinations", DeliveryDestination, indexes={"serial": _by_serial})
"""name -> DeliveryDestination"""
DELIVERIES = Table(
    "logs.deliveries",
    Delivery,
    indexes={
        "serial": _by_serial,
        "source": lambda key, delivery: (delivery.source,),
        "destination": lambda key, delivery: (delivery.destination,),
    },
)
"""id -> Delivery"""
DESTINATIONS = Table("logs.destinations", Destination)
"""name -> Destination"""
EXPORTS = Table(
    "logs.exports",
    Export,
    indexes={
        "id": lambda key, task: (task.id,),
        "code": lambda key, task: (task.code,),
        "active": lambda key, task: () if task.active else None,
    },
)
"""serial -> Export"""

GROUP = Resource("AWS::Logs::LogGroup", GROUPS, "arn:aws:logs:{region}:{account}:log-group:{0}")


def find_group(tx: Tx, name: str) -> Group:
    """The group of a name. A name that can't be one is only looked at when there is none."""
    group = tx.get(GROUPS, name)
    if group is None:
        check_group_name(name)
        raise no_such_group()
    return group


def check_expressions(tx: Tx, name: str, filter_name: str, pattern: str) -> None:
    """Refuses a filter with which a group's filters would have too many regular expressions."""
    added = expressions_in(pattern)
    if not added:
        return
    others = (*tx.scan(METRIC_FILTERS, name), *tx.scan(SUBSCRIPTIONS, name))
    patterns = [kept.pattern for key, kept in others if key[1] != filter_name]
    if added + sum(map(expressions_in, patterns)) > EXPRESSIONS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")


def find_stream(tx: Tx, group: Group, name: str) -> Stream:
    stream = tx.get(STREAMS, group.id, name)
    if stream is None:
        check_stream_name(name)
        raise no_such_stream()
    return stream


def source_named(tx: Tx, name: str) -> DeliverySource:
    source = tx.get(DELIVERY_SOURCES, name)
    if source is None:
        raise Fault("ResourceNotFoundException", "Requested Delivery Source does not exist in this account.")
    return source


def delivery_destination_named(tx: Tx, name: str) -> DeliveryDestination:
    destination = tx.get(DELIVERY_DESTINATIONS, name)
    if destination is None:
        raise no_such_delivery_destination()
    return destination


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


def no_such_delivery_destination() -> Fault:
    return Fault("ResourceNotFoundException", "Requested Delivery Destination does not exist in this account.")


def no_such_stream() -> Fault:
    return Fault("ResourceNotFoundException", "The specified log stream does not exist.")
