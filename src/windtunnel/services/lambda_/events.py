"""Asynchronous events: accepted as a row, run in the background, tried again, and passed on when they are done.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.arn import parse
from windtunnel.fabric import Call, Event, Fault, Retry, Tx
from windtunnel.fabric.timers import add_timer
from windtunnel.services.lambda_.execute import Ran, execute
from windtunnel.services.lambda_.lineage import CODE, STOPPED, stopped
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import LATEST, Name, arn_of, moment_z, shown_number
from windtunnel.services.lambda_.sandboxes import Concurrency
from windtunnel.services.lambda_.state import INVOKE_CONFIGS, WAITING, InvokeConfig, Waiting

RETRIES = 2
RETRY_SECONDS = (60.0, 120.0)
"""One minute before the first, two before the second attempt again."""
AGE_SECONDS_MAX = 21_600
BACK_OFF_SECONDS_MAX = 300.0
DEAD_LETTER_TEXT_MAX = 1024
SOURCE = "lambda.amazonaws.com"
DELIVERY = Retry(phases=((3, 1.0, 60.0),))


class Failure(msgspec.Struct, frozen=True):
    """An error as functions answer it."""

    errorMessage: str = ""


def accept(tx: Tx, name: str, qualifier: str, payload: bytes, request_id: str, client_context: str) -> None:
    """Writes an event down; it runs as soon as it can."""
    _wait(tx, tx.serial(), Waiting(name, qualifier, payload, request_id, tx.now, client_context, trace=tx.scope.trace), tx.now)


async def event(call: Call, payload: Mapping[str, Any]) -> None:
    """Timer: one attempt at an event."""
    serial = int(payload["serial"])
    waiting = call.read(Tx.get, WAITING, serial)
    if waiting is None:
        return
    call = call.traced(waiting.trace)
    try:
        found, config = call.read(_look, waiting)
    except Fault:
        await call.transact(Tx.delete, WAITING, serial)  # the function is gone
        return
    age_max = config.age or AGE_SECONDS_MAX
    if call.now() - waiting.accepted > age_max:
        await call.transact(_settle, serial, waiting, found, config, None, "EventAgeExceeded")
        return
    if found.function.reserved == 0:
        await call.transact(_settle, serial, waiting, found, config, None, "ZeroReservedConcurrency")
        return
    if stopped(waiting.trace, found):
        await call.transact(_settle, serial, waiting, found, config, None, CODE)
        return
    try:
        with Concurrency(call, found) as found:
            ran = await execute(call, found, waiting.payload, waiting.request_id, waiting.client_context)
    except Fault as fault:
        if fault.code != "TooManyRequestsException":
            # It can't be run here at all (no such runtime on this machine): trying again wouldn't help.
            error = msgspec.json.encode({"errorType": fault.code, "errorMessage": fault.message})
            failed = msgspec.structs.replace(waiting, attempts=waiting.attempts + 1)
            ran = Ran(error, "Unhandled", shown_number(found.number), "")
            await call.transact(_settle, serial, failed, found, config, ran, "RetriesExhausted")
            return
        delay = min(2.0**waiting.delays, BACK_OFF_SECONDS_MAX)
        if call.now() + delay - waiting.accepted > age_max:
            await call.transact(_settle, serial, waiting, found, config, None, "EventAgeExceeded")
        else:
            later = msgspec.structs.replace(waiting, delays=waiting.delays + 1)
            await call.transact(_wait, serial, later, call.now() + delay)
        return
    call = call.traced(ran.trace)  # what hears of it may lead to the function again
    if not ran.error:
        await call.transact(_settle, serial, waiting, found, config, ran, "Success")
        return
    failed = msgspec.structs.replace(waiting, attempts=waiting.attempts + 1, delays=0)
    retries = RETRIES if config.attempts is None else config.attempts
    delay = RETRY_SECONDS[min(waiting.attempts, len(RETRY_SECONDS) - 1)]
    if failed.attempts > retries:
        await call.transact(_settle, serial, failed, found, config, ran, "RetriesExhausted")
    elif call.now() + delay - waiting.accepted > age_max:
        await call.transact(_settle, serial, failed, found, config, ran, "EventAgeExceeded")
    else:
        await call.transact(_wait, serial, failed, call.now() + delay)


def _look(tx: Tx, waiting: Waiting) -> tuple[Found, InvokeConfig]:
    found = chosen(find(tx, Name(tx.region, tx.account, waiting.name, waiting.qualifier)))
    return found, tx.get(INVOKE_CONFIGS, waiting.name, waiting.qualifier or LATEST) or InvokeConfig(0)


def _wait(tx: Tx, serial: int, waiting: Waiting, due: float) -> None:
    tx.put(WAITING, serial, value=waiting)
    # A lane for each function, so that one which is slow or called a lot leaves the others their turn.
    add_timer(tx, due, tx.service, "event", {"serial": serial}, lane=arn_of(tx.region, tx.account, waiting.name))


def _settle(tx: Tx, serial: int, waiting: Waiting, found: Found, config: InvokeConfig, ran: Ran | None, condition: str) -> None:
    """Forgets an event that is done with, and tells those who want to know."""
    tx.delete(WAITING, serial)
    went_well = condition == "Success"
    arn = arn_of(tx.region, tx.account, waiting.name)
    if destination := config.success if went_well else config.failure:
        qualified = f"{arn}:{waiting.qualifier or LATEST}"
        record = record_of(tx.now, waiting, qualified, ran, condition)
        tx.deliver(destination, _told(destination, record, qualified, went_well), source=SOURCE, source_arn=arn, retry=DELIVERY)
    if found.version.dead_letter and not went_well:
        tx.deliver(found.version.dead_letter, _dead(waiting, ran, condition), source=SOURCE, source_arn=arn, retry=DELIVERY)


def record_of(now: float, waiting: Waiting, arn: str, ran: Ran | None, condition: str) -> str:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": moment_z(now),
        "requestContext": {
            "requestId": waiting.request_id,
            "functionArn": arn,
            "condition": condition,
            "approximateInvokeCount": waiting.attempts + (condition == "Success"),
        },
        "requestPayload": msgspec.Raw(waiting.payload),
    }
    if ran is not None:
        record["responseContext"] = {"statusCode": 200, "executedVersion": ran.version}
        if ran.error:
            record["responseContext"]["functionError"] = ran.error
        record["responsePayload"] = _json(ran.payload)
    return msgspec.json.encode(record).decode()


def _told(destination: str, record: str, arn: str, went_well: bool) -> Event:
    if parse(destination).service != "events":
        return Event(record)
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {'Success' if went_well else 'Failure'}",
        "Detail": record,
        "Resources": [destination, arn],
        "EventBusName": destination,
    }
    return Event(record, parameters={"Entries": [entry]})


def _dead(waiting: Waiting, ran: Ran | None, condition: str) -> Event:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq"""
    message = STOPPED if condition == CODE else condition if ran is None else _message(ran.payload)
    attributes: dict[str, dict[str, Any]] = {
        "RequestID": {"DataType": "String", "StringValue": waiting.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "400" if condition == CODE else "429" if ran is None else "200"},
    }
    if message:
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": message[:DEAD_LETTER_TEXT_MAX]}
    return Event(waiting.payload.decode(), attributes=attributes)


def _message(payload: bytes) -> str:
    try:
        return msgspec.json.decode(payload, type=Failure).errorMessage
    except msgspec.DecodeError:
        return payload.decode("utf-8", "replace")


def _json(payload: bytes) -> Any:
    """A response as a part of a record; custom runtimes may answer something else than JSON."""
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except msgspec.DecodeError:
        return payload.decode("utf-8", "replace")
    return msgspec.Raw(payload)
