"""StartLiveTail: events as they come in, once a second, for as long as somebody looks.

A session is a row; while a group has any, PutLogEvents leaves each chunk's place with each of them, and the session takes them away.
So a session misses nothing however old the events' times are, and groups that nobody watches pay nothing for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs.events.state import TAIL_SESSIONS, TAILED, TAILS
from windtunnel.services.logs.events.subscribed import end_tail
from windtunnel.services.logs.rules import invalid, matcher
from windtunnel.services.logs.state import CHUNKS, GROUPS, check_standard, find_group, name_of

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

SESSION_SECONDS_MAX = 3 * 3600
SESSIONS_MAX = 15
"""At once in an account: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
UPDATE_SECONDS = 1.0
UPDATE_EVENTS_MAX = 500
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html"""
BEHIND_CHUNKS_MAX = 5000
"""Beyond this the oldest of what a session did not take yet is dropped."""


class Session(msgspec.Struct, frozen=True):
    """What one watcher asked for."""

    id: str
    groups: dict[int, str]
    until: float
    wanted: Callable[[str], bool]
    matches: Callable[[str], bool]


async def start_live_tail(call: Call, req: t.StartLiveTailRequest) -> t.StartLiveTailResponse:
    session = await call.transact(_open, req)
    start: dict[str, Any] = {
        "requestId": call.scope.request_id,
        "sessionId": session.id,
        "logGroupIdentifiers": req["logGroupIdentifiers"],
        "logStreamNames": req.get("logStreamNames", []),
        "logStreamNamePrefixes": req.get("logStreamNamePrefixes", []),
        "logEventFilterPattern": req.get("logEventFilterPattern", ""),
    }
    return {"responseStream": _session(call, session, start)}  # pyright: ignore[reportReturnType]


def _open(tx: Tx, req: t.StartLiveTailRequest) -> Session:
    identifiers = req["logGroupIdentifiers"]
    names, prefixes = req.get("logStreamNames"), req.get("logStreamNamePrefixes")
    if names is not None and prefixes is not None:
        raise invalid("LogStreamNames and LogStreamNamePrefixes are mutually exclusive parameters.")
    if (names is not None or prefixes is not None) and len(identifiers) > 1:
        raise invalid("LogStreamNames and LogStreamNamePrefixes can only be specified with a single log group.")
    if tx.count(TAIL_SESSIONS, "all") >= SESSIONS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    groups: dict[int, str] = {}
    until = tx.now + SESSION_SECONDS_MAX
    session_id = tx.new_id()
    tx.put(TAIL_SESSIONS, session_id, value=until)
    for identifier in identifiers:
        if parse_or_none(identifier) is None or identifier.endswith("*"):
            raise invalid(f"Invalid log group identifier: {identifier}. It must be the ARN of a log group.")
        name = name_of(tx, identifier)
        group = find_group(tx, name)
        check_standard(group)
        groups[group.id] = f"{tx.account}:{name}"
        tx.put(TAILS, group.id, session_id, value=until)
        tx.put(GROUPS, name, value=msgspec.structs.replace(group, tailed=until))
    tx.timer(until, "end_tail", {"id": session_id, "groups": list(groups)}, name=session_id)
    begins = tuple(prefixes or ())
    if names is not None:
        wanted: Callable[[str], bool] = frozenset(names).__contains__
    else:
        wanted = (lambda name: name.startswith(begins)) if prefixes is not None else (lambda _: True)
    return Session(session_id, groups, until, wanted, matcher(req.get("logEventFilterPattern", "")))


async def _session(call: Call, session: Session, start: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    try:
        yield {"sessionStart": start}
        while True:
            if call.now() >= session.until:
                raise Fault("SessionTimeoutException", "The session has timed out.", status=400)
            await call.wait(until=call.now() + UPDATE_SECONDS)
            results, sampled = await call.transact(_take, session)
            yield {"sessionUpdate": {"sessionMetadata": {"sampled": sampled}, "sessionResults": results}}
    finally:
        await call.transact(_close, session)


def _close(tx: Tx, session: Session) -> None:
    tx.cancel_timer("end_tail", session.id)
    end_tail(tx, {"id": session.id, "groups": list(session.groups)})


def _take(tx: Tx, session: Session) -> tuple[list[dict[str, Any]], bool]:
    """The events that came in since the last time, at most UPDATE_EVENTS_MAX of them, and whether that is not all."""
    results: list[dict[str, Any]] = []
    places = list(tx.scan(TAILED, session.id, limit=BEHIND_CHUNKS_MAX, reverse=True))
    for key, (group, first) in reversed(places):
        tx.delete(TAILED, *key)
        chunk = tx.get(CHUNKS, group, first, key[1])
        if chunk is None or not session.wanted(chunk.name):
            continue
        results += [
            {
                "logStreamName": chunk.name,
                "logGroupIdentifier": session.groups[group],
                "message": message,
                "timestamp": time,
                "ingestionTime": chunk.ingested,
            }
            for time, message in zip(chunk.times, chunk.messages, strict=True)
            if session.matches(message)
        ]
    if len(results) <= UPDATE_EVENTS_MAX:
        return results, False
    step = len(results) / UPDATE_EVENTS_MAX
    return [results[int(number * step)] for number in range(UPDATE_EVENTS_MAX)], True
