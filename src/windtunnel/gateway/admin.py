"""The region's own API under `/_windtunnel/`: health, the clock, the state, the outbox, and what was called."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson

from windtunnel.aws.errors import Fault
from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.outbox import OUTBOX
from windtunnel.gateway.http.app import Reply
from windtunnel.kernel.store import StoreFull
from windtunnel.wire.message import Request, Response

PREFIX = "/_windtunnel/"
_JSON = [("Content-Type", "application/json")]
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_STEP = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def seconds_of(text: str) -> float:
    """The length of a span such as "90", "30d" or "1h30m", in seconds. Raises ValueError."""
    if _SPAN.fullmatch(text) is None:
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{text!r} is no span: say 90 (seconds), 30d or 1h30m") from None
    return sum(float(number) * _UNITS[unit] for number, unit in _STEP.findall(text))


def moment_of(text: str) -> float:
    """The seconds since 1970 of an ISO 8601 moment, in UTC unless it says otherwise. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment: say 2027-01-01 or 2027-01-01T12:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class Admin:
    """The handlers by method and path."""

    def __init__(self, cloud: Cloud, *, version: str) -> None:
        self._cloud = cloud
        self._version = version
        self._running: set[asyncio.Task[None]] = set()
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "health"): self._health,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._set_clock,
            ("GET", "outbox"): self._outbox,
            ("POST", "state/reset"): self._reset,
            ("POST", "state/save"): self._save,
            ("POST", "state/load"): self._load,
        }

    def handle(self, request: Request, reply: Reply) -> None:
        name = request.path.removeprefix(PREFIX).rstrip("/")
        members = dict(parse_qsl(request.query))
        if name == "calls" and request.method == "GET":
            reply(self._calls(members))
            return
        handler = self._handlers.get((request.method, name))
        if handler is None:
            known = ", ".join(f"{method} {PREFIX}{path}" for method, path in sorted({*self._handlers, ("GET", "calls")}))
            reply(_json(404, {"message": f"There is no {request.method} {request.path}. There are: {known}."}))
            return
        # Not one of the region's tasks: a jump of the clock waits for those to rest.
        task = asyncio.get_running_loop().create_task(self._run(handler, request, members, reply))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, handler: Handler, request: Request, members: dict[str, Any], reply: Reply) -> None:
        try:
            if request.body:
                members |= orjson.loads(request.body)
            done = await handler(members)
            if request.method == "POST":
                await self._cloud.settle()
            response = _json(200, done)
        except (ValueError, TypeError, Fault, OSError, StoreFull) as error:
            response = _json(400, {"message": str(error)})
        reply(response)

    async def _health(self, members: dict[str, Any]) -> dict[str, Any]:
        services = self._cloud.services.names
        return {"status": "running", "version": self._version, "account": self._cloud.account, "services": services}

    async def _clock(self, members: dict[str, Any]) -> dict[str, Any]:
        now = self._cloud.clock.now()
        return {"now": now, "time": datetime.fromtimestamp(now, UTC).isoformat(), "rate": self._cloud.clock.rate}

    async def _set_clock(self, members: dict[str, Any]) -> dict[str, Any]:
        clock = self._cloud.clock
        match members:
            case {"rate": rate}:
                if not 0 <= float(rate) <= RATE_MAX:
                    raise ValueError(f"rate is 0 to {RATE_MAX:g} region seconds a second")
                clock.run(float(rate))
            case {"jump": span}:
                await self._jump(clock.now() + seconds_of(str(span)))
            case {"to": moment}:
                await self._jump(moment_of(str(moment)))
            case _:
                raise ValueError('say {"rate": 1}, {"jump": "30d"} or {"to": "2027-01-01T00:00:00Z"}')
        return await self._clock(members)

    async def _jump(self, target: float) -> None:
        if target < self._cloud.clock.now():
            raise ValueError("the region's time doesn't go back")
        await self._cloud.jump(target)

    async def _outbox(self, members: dict[str, Any]) -> dict[str, Any]:
        """What would have left for a person, oldest first; `?to=` names one address."""
        letters = self._cloud.apply(lambda tx: [letter for _, letter in tx.scan(OUTBOX)])
        return {"letters": [msgspec.to_builtins(letter) for letter in letters if members.get("to") in (None, letter.to)]}

    async def _reset(self, members: dict[str, Any]) -> dict[str, Any]:
        await self._cloud.reset()
        return {}

    async def _save(self, members: dict[str, Any]) -> dict[str, Any]:
        return {"bytes": await self._cloud.save(_file(members))}

    async def _load(self, members: dict[str, Any]) -> dict[str, Any]:
        await self._cloud.load(_file(members))
        return {}

    def _calls(self, members: dict[str, Any]) -> Response:
        after = int(members.get("after", 0))
        if members.get("follow") != "true":
            return _json(200, {"calls": msgspec.to_builtins(self._cloud.calls.after(after))})
        return Response(200, [("Content-Type", "application/x-ndjson")], self._follow(after))

    async def _follow(self, after: int) -> AsyncIterator[bytes]:
        """One line of JSON a call, those after a serial number first, then each as it comes."""
        calls = self._cloud.calls
        while True:
            news = calls.after(after)
            if news:
                after = news[-1].serial
                yield b"".join(orjson.dumps(msgspec.to_builtins(call)) + b"\n" for call in news)
            await calls.more(after)


RATE_MAX = 1e6


def _file(members: dict[str, Any]) -> Path:
    path = Path(str(members.get("path", "")))
    if not path.is_absolute():
        raise ValueError('say {"path": …} with the absolute path of a file')
    return path


def _json(status: int, value: dict[str, Any]) -> Response:
    return Response(status, _JSON, orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
