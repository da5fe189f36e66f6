"""What SQS remembers, and under which keys: delay, visibility, redelivery and retention are ranges of keys, not flags.

A standard queue's message lies under `(store, visible at, serial)`: what can be received is one range. One that was sent and not
touched since is visible at the moment it was sent; all others (received, delayed, dead-lettered) have a row in PLACES under
`(store, sent at, serial)` that says where the message lies now. So a receipt handle finds it, and what is too old is one range in both.

A standard queue's message with a group always has a row in PLACES, and lies in FAIR, by group: see fair.py.

A FIFO queue's message lies under `(store, group, serial)`. HEADS holds the first message of each group by the time at which it can
be received: a group waits for its head alone.

`store` is a number that a queue gets anew when it is created or purged: the rows of the old one are out of sight at once and are
removed in slices later.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import ceil
from typing import Any, Final

import msgspec

from windtunnel.aws.arn import parse_or_none, partition_of
from windtunnel.fabric import Fault, Table, Tx
from windtunnel.services.sqs.rules import address_of

TENTHS = 10
_WILDCARD: Final = "http://localhost.localstack.cloud"
"""An endpoint on this machine, where every name below the host's leads here as well (TLS certificates don't reach that far)."""
LATE = "LateBody"
"""A member of a request to send that no client can give: the service that completes the body when it is read."""


class Queue(msgspec.Struct, frozen=True, array_like=True):
    """A queue's attributes as send and receive need them. `texts` holds those that are kept as they were written."""

    id: int
    store: int
    created: float
    modified: float
    fifo: bool = False
    delay: int = 0
    visibility: int = 30
    wait: int = 0
    retention: int = 345_600
    size_max: int = 1_048_576
    content_deduplication: bool = False
    group_deduplication: bool = False
    dead_letter: str = ""
    receives_max: int = 0
    purged: float = 0.0
    texts: dict[str, str] = {}
    scoped: float = 0.0
    """From when on `group_deduplication` holds; until then the opposite does."""
    fair: bool = False
    """Whether messages with a group were ever in it, of standard queues."""


class Message(msgspec.Struct, frozen=True, array_like=True):
    """A message. `body` is empty where it lies in BODIES (`large`). `visible` and `held` are a FIFO queue's only."""

    id: str
    body: str
    md5: str
    sender: str
    sent: float
    count: int = 0
    first: float = 0.0
    """When it was first received."""
    attributes: dict[str, dict[str, Any]] = {}
    attributes_md5: str = ""
    trace: str = ""
    group: str = ""
    deduplication: str = ""
    origin: str = ""
    """The ARN of the queue from which it came here as a dead letter."""
    large: bool = False
    visible: float = 0.0
    held: bool = False
    late: str = ""
    """The service that completes the body when it is read; there is no `md5` until then."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a message lies now, and by which of the counters it is counted: "held", "delayed" or neither."""

    visible: float
    kind: str = ""
    large: bool = False
    group: str = ""


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """What a deduplication id stands for."""

    at: float
    id: str
    serial: int


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """What a receive attempt was given: (group, serial, visible at) of each message."""

    at: float
    rows: list[tuple[str, int, float]]


class Task(msgspec.Struct, frozen=True):
    """A message move task."""

    id: str
    source: str
    destination: str
    rate: int
    status: str
    started: float
    moved: int
    to_move: int
    last: int
    """A serial after those of the messages that were there when it started; later ones stay."""
    reason: str = ""


QUEUES = Table("sqs.queues", Queue, hot=True, indexes={"sources": lambda key, queue: (queue.dead_letter,) if queue.dead_letter else None})
"""name -> Queue; "sources" by the ARN of their dead-letter queue"""
DELETED = Table("sqs.deleted", float)
"""name -> when a queue of that name was deleted, for a minute"""
MESSAGES = Table("sqs.messages", Message)
"""(store, visible at, serial) -> Message"""
FAIR = Table("sqs.fair", Message)
"""(store, group, visible at, serial) -> Message, of standard queues' messages with a group; see fair.py"""
NOISY = Table("sqs.noisy", float)
"""(store, group) -> until when a message of a noisy group is in flight"""
PLACES = Table("sqs.places", Place)
"""(store, sent at, serial) -> Place"""
GROUPED = Table("sqs.grouped", Message)
"""(store, group, serial) -> Message, of FIFO queues"""
HEADS = Table("sqs.heads", bool)
"""(store, kind, at, serial, group) of the first message of each group; see fifo.py and fair.py"""
BODIES = Table("sqs.bodies", str)
"""(store, serial) -> the body of a message that is `large`"""
NUMBERS = Table("sqs.numbers", int, hot=True)
"""(store, "all" | "held"), (store, "of", group) and (store, "held" | "delayed" | "fresh", tenth of a second) -> how many messages"""
LAST = Table("sqs.last", int)
"""queue's id -> the serial of the message that came last, of FIFO queues: their order is the queue's, whichever process takes them in"""
DEDUPLICATION = Table("sqs.deduplication", Sent)
"""(store, group or "", deduplication id) -> Sent"""
ATTEMPTS = Table("sqs.attempts", Attempt)
"""(store, receive request attempt id) -> Attempt"""
AGES = Table("sqs.ages", bool)
"""(store, at, "d" | "a", …the rest of the key in DEDUPLICATION or ATTEMPTS), to forget them in time"""
TASKS = Table("sqs.tasks", Task)
"""(queue's id, serial) -> Task"""
STORED: tuple[Table[Any], ...] = (MESSAGES, FAIR, NOISY, PLACES, GROUPED, HEADS, BODIES, NUMBERS, DEDUPLICATION, ATTEMPTS, AGES)
"""Every table whose keys begin with a queue's store."""


class Found(msgspec.Struct, frozen=True):
    """A queue, and the transaction as seen from its account and region."""

    tx: Tx
    name: str
    queue: Queue


def find_queue(tx: Tx, url: str) -> Found:
    """The queue at a URL, whatever host it names."""
    region, account, name = address_of(url)
    if (region and region != tx.region) or (account and account != tx.account):
        tx = tx.at(account=account or None, region=region or None)
    queue = tx.get(QUEUES, name)
    if queue is None:
        raise no_such_queue()
    return Found(tx, name, queue)


def find_arn(tx: Tx, text: str) -> Found | None:
    """The queue of an ARN, if there is one."""
    arn = parse_or_none(text)
    if arn is None:
        return None
    tx = tx.at(account=arn.account, region=arn.region)
    queue = tx.get(QUEUES, arn.resource)
    return None if queue is None else Found(tx, arn.resource, queue)


def no_such_queue() -> Fault:
    return Fault("QueueDoesNotExist", "The specified queue does not exist.")


@lru_cache(maxsize=4096)
def arn_of(region: str, account: str, name: str) -> str:
    return f"arn:{partition_of(region)}:sqs:{region}:{account}:{name}"


def url_of(tx: Tx, name: str) -> str:
    """A queue's URL on the host that the client used, with service and region in front of it, as in AWS's, where such names lead here."""
    endpoint = tx.scope.endpoint
    if endpoint.startswith(_WILDCARD):
        endpoint = endpoint.replace("://", f"://sqs.{tx.region}.", 1)
    return f"{endpoint}/{tx.account}/{name}"


def changed(queue: Queue) -> tuple[str, int]:
    """The channel that is woken when a queue may have something to receive."""
    return ("sqs.queue", queue.id)


def count_at(tx: Tx, store: int, kind: str, at: float, amount: int) -> None:
    """Counts a message that is "held" or "delayed" until `at`, or takes it out of the count.

    Time moves messages from one state to another by itself, so they are counted by the tenth of a second in which that happens:
    how many are in flight is the sum of the tenths to come.
    """
    tx.add(NUMBERS, store, kind, ceil(at * TENTHS), amount=amount)


def count_after(tx: Tx, store: int, kind: str, after: float) -> int:
    """How many messages are counted at later tenths of a second."""
    return int(tx.total(NUMBERS, store, kind, start=(int(after * TENTHS) + 1,)))


def body_of(tx: Tx, store: int, serial: int, message: Message) -> str:
    return (tx.get(BODIES, store, serial) or "") if message.large else message.body


def forget(tx: Tx, table: Table[Any], keys: Iterable[tuple[Any, ...]]) -> int:
    """Removes rows; tells how many there were."""
    number = 0
    for key in keys:
        tx.delete(table, *key)
        number += 1
    return number
