"""Asynchronous events: accepted as a row, run in the background, tried again, and passed on when they are done.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.timers import add_timer
from windtunnel.services.lambda_.events.destinations import letter, record_of, tell
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import LATEST, Name, arn_of, shown_number
from windtunnel.services.lambda_.running.execute import Ran, execute
from windtunnel.services.lambda_.running.lineage import CODE, stopped
from windtunnel.services.lambda_.running.sandboxes import Concurrency, room
from windtunnel.services.lambda_.state import INVOKE_CONFIGS, WAITING, InvokeConfig, Waiting

RETRIES = 2
RETRY_SECONDS = (60.0, 120.0)
"""One minute before the first, two before the second attempt again."""
AGE_SECONDS_MAX = 21_600
BACK_OFF_SECONDS_MAX = 300.0
LANES = 8
"""A lane of timers runs 32 at a time, so that a function's events run 256 at a time."""


def accept(tx: Tx, name: str, qualifier: str, payload: bytes, request_id: str, client_context: str) -> None:
    """Writes an event down; it runs as soon as it can."""
    _wait(tx, tx.serial(), Waiting(name, qualifier, payload, request_id, tx.now, client_context, trace=tx.scope.trace), tx.now)


async def event(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: one attempt at an event, and more where it found the function busy and there is room before it would be tried again."""
    while await _attempt(call, int(payload["serial"])):
        pass


async def _attempt(call: Call, serial: int) -> bool:
    """Whether to try at once again."""
    waiting = call.read(Tx.get, WAITING, serial)
    if waiting is None:
        return False
    call = call.traced(waiting.trace)
    try:
        found, config = call.read(_look, waiting)
    except Fault:
        await call.transact(Tx.delete, WAITING, serial)  # the function is gone
        return False
    age_max = config.age or AGE_SECONDS_MAX
    if call.now() - waiting.accepted > age_max:
        await call.transact(_settle, serial, waiting, found, config, None, "EventAgeExceeded")
        return False
    if found.function.reserved == 0:
        await call.transact(_settle, serial, waiting, found, config, None, "ZeroReservedConcurrency")
        return False
    if stopped(waiting.trace, found):
        await call.transact(_settle, serial, waiting, found, config, None, CODE)
        return False
    try:
        with Concurrency(call, found) as found:
            ran = await execute(call, found, waiting.payload, waiting.request_id, waiting.client_context, patient=True)
    except Fault as fault:
        if fault.code == "TooManyRequestsException":
            return await _throttled(call, serial, waiting, found, config)
        # It can't be run here at all (no such runtime on this machine): trying again wouldn't help.
        error = msgspec.json.encode({"errorType": fault.code, "errorMessage": fault.message})
        failed = msgspec.structs.replace(waiting, attempts=waiting.attempts + 1)
        ran = Ran(error, "Unhandled", shown_number(found.number), "")
        await call.transact(_settle, serial, failed, found, config, ran, "RetriesExhausted")
        return False
    call = call.traced(ran.trace)  # what hears of it may lead to the function again
    if not ran.error:
        await call.transact(_settle, serial, waiting, found, config, ran, "Success")
        return False
    failed = msgspec.structs.replace(waiting, attempts=waiting.attempts + 1, delays=0)
    retries = RETRIES if config.attempts is None else config.attempts
    delay = RETRY_SECONDS[min(waiting.attempts, len(RETRY_SECONDS) - 1)]
    if failed.attempts > retries:
        await call.transact(_settle, serial, failed, found, config, ran, "RetriesExhausted")
    elif call.now() + delay - waiting.accepted > age_max:
        await call.transact(_settle, serial, failed, found, config, ran, "EventAgeExceeded")
    else:
        await call.transact(_wait, serial, failed, call.now() + delay)
    return False


async def _throttled(call: Call, serial: int, waiting: Waiting, found: Found, config: InvokeConfig) -> bool:
    """Waits until the function has room, or until the event has been held back long enough; whether there is room."""
    due = call.now() + min(2.0**waiting.delays, BACK_OFF_SECONDS_MAX)
    if due - waiting.accepted > (config.age or AGE_SECONDS_MAX):
        await call.transact(_settle, serial, waiting, found, config, None, "EventAgeExceeded")
        return False
    while not await call.wait(room(found), until=due):
        pass
    if call.now() < due:
        return True
    later = msgspec.structs.replace(waiting, delays=waiting.delays + 1)
    await call.transact(_wait, serial, later, call.now())  # behind those that have waited longer
    return False


def _look(tx: Tx, waiting: Waiting) -> tuple[Found, InvokeConfig]:
    found = chosen(find(tx, Name(tx.region, tx.account, waiting.name, waiting.qualifier)))
    return found, tx.get(INVOKE_CONFIGS, waiting.name, waiting.qualifier or LATEST) or InvokeConfig(0)


def _wait(tx: Tx, serial: int, waiting: Waiting, due: float) -> None:
    tx.put(WAITING, serial, value=waiting)
    # Lanes for each function, so that one which is slow or called a lot leaves the others their turn.
    # Where several processes serve the region, the last ten bits of a serial number are the process's.
    lane = f"{arn_of(tx.region, tx.account, waiting.name)}#{(serial ^ serial >> 10) % LANES}"
    add_timer(tx, due, tx.service, "event", {"serial": serial}, lane=lane)


def _settle(tx: Tx, serial: int, waiting: Waiting, found: Found, config: InvokeConfig, ran: Ran | None, condition: str) -> None:
    """Forgets an event that is done with, and tells those who want to know."""
    tx.delete(WAITING, serial)
    went_well = condition == "Success"
    arn = arn_of(tx.region, tx.account, waiting.name)
    if destination := config.success if went_well else config.failure:
        record = record_of(tx.now, waiting, f"{arn}:{waiting.qualifier or LATEST}", ran, condition)
        tell(tx, destination, waiting.name, record, went_well=went_well)
    if found.version.dead_letter and not went_well:
        letter(tx, found.version.dead_letter, waiting, ran, condition)
