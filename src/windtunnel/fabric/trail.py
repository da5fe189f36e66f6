"""What was called, by whom and with what result: the live list of calls, and the rows CloudTrail reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric.scope import Principal, Scope
from windtunnel.kernel.store import Table

CALLS_KEPT_MAX = 10_000
BODY_CHARACTERS_MAX = 4_096
PARENT_DIGITS = 16
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


class TrailEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One management call. `request` holds its parameters, bytes and long values left out."""

    service: str
    operation: str
    time: float
    principal: Principal
    request_id: str
    source_ip: str
    user_agent: str
    request: dict[str, Any]
    error_code: str = ""
    error_message: str = ""
    cause: str = ""


TRAIL = Table("trail.events", TrailEvent)
"""(time, serial) -> TrailEvent"""


class CallRecord(msgspec.Struct, frozen=True):
    """One call of any kind, in the live list. Time in seconds since 1970, duration in seconds of the machine's clock."""

    serial: int
    time: float
    service: str
    operation: str
    account: str
    region: str
    principal: str
    error: str
    duration: float
    request_id: str
    cause: str
    """The request id of the call that led to this one, or, where a function made it, the last 16 digits of that it ran for."""
    resource: str = ""
    """What it is about: the name, ARN or URL that its request begins with."""
    marks: tuple[str, ...] = ()
    """What other calls know it by: ids of messages and ends of receipt handles."""


_Kept = tuple[int, float, str, str, Scope, str, float, str, tuple[str, ...]]


class Calls:
    """The last calls, in memory, newest last."""

    def __init__(self) -> None:
        self._kept: deque[_Kept] = deque(maxlen=CALLS_KEPT_MAX)
        self._serial = 0
        self._waiting: list[asyncio.Future[None]] = []

    def add(
        self,
        time: float,
        service: str,
        operation: str,
        scope: Scope,
        error: str,
        duration: float,
        resource: str = "",
        marks: tuple[str, ...] = (),
    ) -> None:
        self._serial += 1
        self._kept.append((self._serial, time, service, operation, scope, error, duration, resource, marks))
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    @property
    def last(self) -> int:
        """The serial number of the newest."""
        return self._serial

    def forget_after(self, serial: int) -> None:
        """Forgets those after a serial number: their transaction is run again, and tells of them anew."""
        while self._serial > serial:
            self._serial -= 1
            if self._kept:
                self._kept.pop()

    async def more(self, serial: int) -> None:
        """Returns once there is one after a serial number."""
        while self._serial <= serial:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    def after(self, serial: int) -> list[CallRecord]:
        """Those that came after a serial number."""
        found: list[CallRecord] = []
        for call in reversed(self._kept):
            if call[0] <= serial:
                break
            found.append(_told(call))
        found.reverse()
        return found


def _told(kept: _Kept) -> CallRecord:
    """A call as it is listed: made when somebody looks."""
    serial, time, service, operation, scope, error, duration, resource, marks = kept
    place, cause = (scope.account, scope.region, scope.principal.arn), scope.cause or _cause(scope.trace)
    return CallRecord(serial, time, service, operation, *place, error, duration, scope.request_id, cause, resource, marks)


def parent_of(request_id: str) -> str:
    """The parent in the trace that a function is given to run in: what it calls carries it along and is told from it."""
    return request_id.replace("-", "")[-PARENT_DIGITS:]


def _cause(trace: str) -> str:
    """Of a call that came with a trace: its parent, which is of the request that the function ran for."""
    return next((part.removeprefix("Parent=") for part in trace.split(";") if part.startswith("Parent=")), "")


def trail_event(service: str, operation: str, now: float, scope: Scope, request: Mapping[str, Any], fault: Fault | None) -> TrailEvent:
    """The row of one management call."""
    return TrailEvent(
        service,
        operation,
        now,
        scope.principal,
        scope.request_id,
        scope.source_ip,
        scope.user_agent,
        {name: shown(value) for name, value in request.items()},
        fault.code if fault else "",
        fault.message if fault else "",
        scope.cause,
    )


def shown(value: Any) -> Any:
    """A parameter as a trail shows it: plain values, long text cut, bytes and streams by their kind only."""
    if isinstance(value, str):
        return value[:BODY_CHARACTERS_MAX]
    if isinstance(value, dict):
        return {str(name): shown(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [shown(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if value is None or isinstance(value, bool | int | float):
        return value
    return HIDDEN
