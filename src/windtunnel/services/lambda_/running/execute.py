"""One run of a function: in a sandbox, with its log."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence

import msgspec

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.planes.compute import Invocation, Kind, Outcome, Stream
from windtunnel.services.lambda_.places import Found
from windtunnel.services.lambda_.rules import shown_number
from windtunnel.services.lambda_.running.journal import billed_ms
from windtunnel.services.lambda_.running.lineage import trace_of
from windtunnel.services.lambda_.running.sandboxes import sandbox_of, started_again


class Ran(msgspec.Struct, frozen=True):
    """What came of a run, as the caller is answered."""

    payload: bytes
    error: str
    """"Unhandled", or "" where it went well."""
    version: str
    tail: str
    trace: str = ""
    """The trace it ran in."""
    durable: str = ""
    """The ARN of the durable execution that it was."""


async def execute(
    call: Call,
    found: Found,
    payload: bytes,
    request_id: str,
    client_context: str = "",
    stream: Stream | None = None,
    *,
    patient: bool = False,
    messages: Sequence[str] = (),
) -> Ran:
    """Runs a version of a function. The caller has taken a place among its invocations, and is `patient` where nobody waits for it.

    A `stream` gets the response as it comes. `messages` are the ids of those it runs for.
    """
    run = _execute(call, found, payload, request_id, client_context, stream, patient=patient)
    if call.scope.request_id == request_id:
        return await run  # somebody's call waits for it, and tells of it
    return await call.told("Run", found.name, run, lambda ran: ran.error, request_id=request_id, marks=tuple(messages))


async def _execute(
    call: Call, found: Found, payload: bytes, request_id: str, client_context: str, stream: Stream | None, *, patient: bool
) -> Ran:
    version, shown = found.version, shown_number(found.number)
    trace = trace_of(call, found, request_id)
    environment, journal, fresh = await sandbox_of(call, found, patient=patient)
    pool = await call.cloud.compute.pool()
    try:
        if fresh and (failed := await environment.ready()) is not None:
            journal.init_report("init", failed)
            first, environment = environment, await started_again(call, found, environment.spec, journal)
            pool.release(first)
            if (failed := await environment.ready()) is not None:
                journal.init_report("invoke", failed)
        start = journal.start(request_id, shown)
        invocation = Invocation(
            request_id, payload, int((call.cloud.clock.machine() + version.timeout) * 1000), found.arn, trace, client_context
        )
        outcome = await environment.invoke(invocation, stream)
    finally:
        pool.release(environment)
    tail = journal.report(request_id, start, outcome, version.memory, version.timeout)
    call.act(_meter, found, outcome)
    if outcome.kind is Kind.TIMEOUT:
        message = f"RequestId: {request_id} Error: Task timed out after {version.timeout:.2f} seconds"
        error = msgspec.json.encode({"errorType": "Sandbox.Timedout", "errorMessage": message})
        return Ran(error, "Unhandled", shown, tail, trace)
    return Ran(outcome.payload, "" if outcome.kind is Kind.OK else "Unhandled", shown, tail, trace)


def context_of(text: str) -> str:
    """The JSON within a ClientContext."""
    if not text:
        return ""
    try:
        decoded = b64decode(text, validate=True)
        msgspec.json.decode(decoded, type=msgspec.Raw)
        return decoded.decode()
    except (Base64Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        message = "Client context must be a valid Base64-encoded JSON object."
        raise Fault("InvalidRequestContentException", message, Type="User") from error


def _meter(tx: Tx, found: Found, outcome: Outcome) -> None:
    """https://aws.amazon.com/lambda/pricing/: requests, and memory over time; on Arm they have usage types of their own."""
    suffix = "-ARM" if found.version.architectures == ["arm64"] else ""
    tx.meter(f"Request{suffix}", 1, found.name)
    tx.meter(f"Lambda-GB-Second{suffix}", found.version.memory / 1024 * billed_ms(outcome) / 1000, found.name)
