"""Limits, tokens and forms of durable executions.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#durable-functions-quotas
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.lambda_.durable.state import Error, Happened, Operation
from windtunnel.services.lambda_.rules import arn_of, invalid, not_found, shown_number, without_empty

OPERATIONS_MAX = 3000
WRITTEN_BYTES_MAX = 100 * 1024 * 1024
PAYLOAD_BYTES_MAX = 1_048_576
"""Of operations, asynchronous and chained executions, and errors."""
STATE_BYTES_MAX = 5 * 1024 * 1024
"""Of the operations that an invocation's payload brings along; the function asks for the rest."""
PAGE_DEFAULT, PAGE_MAX = 100, 1000
SYNCHRONOUS_SECONDS_MAX = 900
DAY_SECONDS = 86_400.0
LIFE_SECONDS_MAX = 366 * DAY_SECONDS
REPEAT_SECONDS = 900.0
"""For how long a client token is remembered."""
ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"})
UNQUALIFIED = "You cannot invoke a durable function using an unqualified ARN."
TOO_LONG = "You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes."
INVALID_TOKEN = "Invalid checkpoint token"
OTHERS_TOKEN = "Checkpoint token is not valid for the durable execution ARN"


def absent() -> Fault:
    return not_found("Durable Execution does not exist")


def closed_callback() -> Fault:
    return Fault("CallbackTimeoutException", "The callback is either timed out or already completed", Type="User")


def execution_arn(region: str, account: str, function: str, number: int, name: str, id: str) -> str:
    return f"{arn_of(region, account, function, shown_number(number))}/durable-execution/{name}/{id}"


def token_of(*parts: object) -> str:
    """What AWS gives out as something that only it understands."""
    return b64encode("/".join(map(str, parts)).encode()).decode()


def opened(token: str, parts: int) -> list[str] | None:
    """The parts of a token; None where it is none of ours."""
    try:
        found = b64decode(token, validate=True).decode().split("/")
    except (Base64Error, UnicodeDecodeError):
        return None
    return found if len(found) == parts else None


def size_of(payload: str | None, error: Error | None = None) -> int:
    """Bytes of a payload and an error, as they count for the limits."""
    return len((payload or "").encode()) + (len(msgspec.json.encode(error)) if error else 0)


def check_error(error: Error | None) -> None:
    if size_of(None, error) > PAYLOAD_BYTES_MAX:
        raise invalid(f"Error object size must be less than or equal to {PAYLOAD_BYTES_MAX} bytes.")


def shown(row: Operation, callback: str, moment: Callable[[float], float]) -> dict[str, Any]:
    """An operation as AWS prints it. Its times are told by `moment`: functions get milliseconds, clients of the API seconds."""
    told: dict[str, Any] = {name: value for name, value in (("Result", row.result), ("Error", row.error)) if value is not None}
    match row.type:
        case "EXECUTION":
            name, told = "ExecutionDetails", {} if row.input is None else {"InputPayload": row.input}
        case "CONTEXT":
            name, told = "ContextDetails", {**told, **({"ReplayChildren": True} if row.replay else {})}
        case "STEP":
            name, told = "StepDetails", {"Attempt": row.attempt, **told}
            if row.status == "PENDING":
                told["NextAttemptTimestamp"] = moment(row.due)
        case "WAIT":
            name, told = "WaitDetails", {"ScheduledEndTimestamp": moment(row.due)}
        case "CALLBACK":
            name, told = "CallbackDetails", {"CallbackId": callback, **told}
        case _:
            name = "ChainedInvokeDetails"
    ended = {"EndTimestamp": moment(row.ended)} if row.ended else {}
    known = without_empty({"ParentId": row.parent, "Name": row.name, "SubType": row.subtype})
    return {"Id": row.id, "Type": row.type, **known, "StartTimestamp": moment(row.started), **ended, "Status": row.status, name: told}


def milliseconds(moment: float) -> int:
    return round(moment * 1000)


def seconds(moment: float) -> float:
    return moment


def shown_event(number: int, row: Happened, *, data: bool) -> dict[str, Any]:
    """An event as AWS prints it."""
    details: dict[str, Any] = dict(row.details)
    for member, value in row.data.items():
        payload = {} if value is None else {"Payload": value}
        details[member] = {**payload, "Truncated": False} if data else {"Truncated": True}
    known = without_empty({"Id": row.id, "Name": row.name, "ParentId": row.parent, "SubType": row.subtype})
    return {"EventType": row.type, "EventId": number, **known, "EventTimestamp": row.at, f"{row.type}Details": details}
