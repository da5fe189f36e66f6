"""What is remembered of durable executions: each with its operations and the events of its history."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Table
from windtunnel.kernel.store import Key

Error = dict[str, Any]
"""An ErrorObject, as AWS prints it."""


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why and how an execution is paused, or about to be."""

    requested: float
    stops_timeout: bool
    reason: str | None = None
    begun: float = 0.0
    """When it was paused; 0 while the invocation under way has not come to a checkpoint."""


class Checkpoint(msgspec.Struct, frozen=True):
    """The last checkpoint, which a client may send again."""

    client: str
    token: str
    told: list[int]
    """The numbers of the operations that were answered."""


class Execution(msgspec.Struct, frozen=True, omit_defaults=True):
    """A durable execution. What grows with it lies in rows of its own."""

    id: str
    name: str
    function: str
    qualifier: str
    """As it was invoked."""
    number: int
    """The version that it stays with."""
    timeout: int
    retention: int
    limit: int
    """How many bytes its result may have."""
    expires: float
    """When it times out; while that is paused, what it was then."""
    kms: str = ""
    trace: str = ""
    request_id: str = ""
    """Of the asynchronous event that started it; "" where somebody waits for it."""
    parent: tuple[float, int, int] | None = None
    """The operation of another execution that invoked it."""
    status: str = "RUNNING"
    ended: float = 0.0
    operations: int = 0
    events: int = 0
    written: int = 0
    """Bytes of all payloads so far."""
    changes: int = 0
    """Counts all changes of its operations."""
    seen: int = 0
    """Up to which of them the function knows."""
    run: int = 0
    """Which run of its function is planned or under way, if any."""
    invocation: str = ""
    """The request id of the run that is under way."""
    sequence: int = 0
    """Counts its checkpoints: each has a token of its own."""
    last: Checkpoint | None = None
    failures: int = 0
    """Runs in a row that came to nothing."""
    owed: bool = False
    """Whether its function is to be run once that is possible again."""
    pause: Pause | None = None
    asked: dict[str, float] = {}
    """Client tokens of pauses and resumptions, and when they came."""


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation of an execution: a step, a wait, …, or as number 0 the execution itself."""

    id: str
    type: str
    started: float
    parent: str = ""
    name: str = ""
    subtype: str = ""
    status: str = "STARTED"
    ended: float = 0.0
    changed: int = 0
    input: str | None = None
    result: str | None = None
    error: Error | None = None
    attempt: int = 0
    due: float = 0.0
    """When a wait ends, a step is tried again, or a callback times out."""
    beat: int = 0
    """How many seconds a callback may be silent."""
    beat_due: float = 0.0
    replay: bool = False
    """Whether a context that is over is still shown with what lies within."""
    target: str = ""
    """The function that is invoked."""


class Happened(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event of the history."""

    type: str
    at: float
    id: str = ""
    """Of the operation it is about."""
    name: str = ""
    parent: str = ""
    subtype: str = ""
    details: dict[str, Any] = {}
    data: dict[str, Any] = {}
    """What is left out where execution data isn't wanted."""


def _waits(key: Key, row: Operation) -> Key | None:
    """Operations that end without the function's doing."""
    pending = row.status == "PENDING" or (row.status == "STARTED" and row.type in ("WAIT", "CALLBACK", "CHAINED_INVOKE"))
    return key[:2] if pending else None


EXECUTIONS = Table(
    "lambda.durable.executions",
    Execution,
    indexes={
        "id": lambda key, row: (row.id,),
        "name": lambda key, row: None if row.status == "DELETING" else (row.function, row.name),
        "function": lambda key, row: (row.function,),
        "status": lambda key, row: (row.function, row.status),
        "version": lambda key, row: (row.function, row.number),
        "version-status": lambda key, row: (row.function, row.number, row.status),
    },
)
"""(when it started, serial) -> Execution"""
OPERATIONS = Table(
    "lambda.durable.operations",
    Operation,
    indexes={"id": lambda key, row: (*key[:2], row.id), "changed": lambda key, row: (*key[:2], row.changed)},
    counters={"waits": _waits},
)
"""(when the execution started, its serial, number) -> Operation, in the order in which they started"""
EVENTS = Table("lambda.durable.events", Happened)
"""(when the execution started, its serial, EventId) -> Happened"""
OWNED: tuple[Table[Any], ...] = (OPERATIONS, EVENTS)
"""What goes with an execution."""
