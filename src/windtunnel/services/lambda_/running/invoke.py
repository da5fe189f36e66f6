"""Invoking functions: at once, as an event for later, or only to ask whether one may."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.asking import asker
from windtunnel.services.lambda_.access.sharing import denied, permitted
from windtunnel.services.lambda_.durable.starting import accept as begin
from windtunnel.services.lambda_.durable.starting import check_invocation
from windtunnel.services.lambda_.events.events import accept
from windtunnel.services.lambda_.places import Found, chosen, find, named
from windtunnel.services.lambda_.rules import LATEST, Name, arn_of, check_payload, not_found, shown_number
from windtunnel.services.lambda_.running.execute import Ran, context_of
from windtunnel.services.lambda_.running.run import run
from windtunnel.services.lambda_.running.streaming import Pieces, Streaming

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

ACTION = "lambda:InvokeFunction"


async def invoke(call: Call, req: t.InvocationRequest) -> dict[str, Any]:
    kind = req.get("InvocationType", "RequestResponse")
    payload: Any = req.get("Payload") or b"{}"
    found = call.read(_find, req)
    check_payload(payload, kind)
    context = context_of(req.get("ClientContext", ""))
    check_invocation(found, kind)
    if kind == "DryRun":
        return {"StatusCode": 204}
    request_id = call.scope.request_id or call.ids.uuid()
    name = req.get("DurableExecutionName", "")
    if kind == "Event" and found.version.durable is not None:
        return {"StatusCode": 202, "DurableExecutionArn": call.act(begin, chosen(found), payload, name, request_id)}
    if kind == "Event":
        call.at(account=found.tx.account).act(accept, found.name, found.qualifier, payload, request_id, context)
        return {"StatusCode": 202}
    ran = await run(call, chosen(found), payload, request_id, context, name=name)
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": ran.version, "Payload": ran.payload}
    if ran.durable:
        answer["DurableExecutionArn"] = ran.durable
    if ran.error:
        answer["FunctionError"] = ran.error
    if req.get("LogType") == "Tail":
        answer["LogResult"] = b64encode(ran.tail.encode()).decode()
    return answer


def invoke_async(tx: Tx, req: t.InvokeAsyncRequest) -> dict[str, Any]:
    """The older way to say Event."""
    found, payload = _find(tx, req), req["InvokeArgs"]
    check_payload(payload, "Event")  # pyright: ignore[reportArgumentType]
    check_invocation(found, "Event")
    request_id = tx.scope.request_id or tx.ids.uuid()
    if found.version.durable is not None:
        begin(tx, chosen(found), payload, "", request_id)  # pyright: ignore[reportArgumentType]
        return {"Status": 202}
    accept(tx.at(account=found.tx.account), found.name, found.qualifier, payload, request_id, "")  # pyright: ignore[reportArgumentType]
    return {"Status": 202}


async def invoke_with_response_stream(call: Call, req: t.InvokeWithResponseStreamRequest) -> dict[str, Any]:
    found = call.read(_find, req)
    payload: Any = req.get("Payload") or b"{}"
    check_payload(payload, "RequestResponse")
    context = context_of(req.get("ClientContext", ""))
    if req.get("InvocationType") == "DryRun":
        return {"StatusCode": 204, "EventStream": _nothing()}
    found = chosen(found)
    streaming = Streaming(call, found, payload, call.scope.request_id or call.ids.uuid(), context)
    await streaming.begun()

    def complete(ran: Ran) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if ran.error:
            told = {"ErrorCode": ran.error, "ErrorDetails": ran.payload.decode("utf-8", "replace")}
        if req.get("LogType") == "Tail":
            told["LogResult"] = b64encode(ran.tail.encode()).decode()
        return {"InvokeComplete": told}

    return {
        "StatusCode": 200,
        "ExecutedVersion": shown_number(found.number),
        "ResponseStreamContentType": streaming.stream.content_type or "application/octet-stream",
        "EventStream": Pieces(streaming, lambda piece: {"PayloadChunk": {"Payload": piece}}, complete),
    }


async def _nothing() -> AsyncIterator[dict[str, Any]]:
    return
    yield


def _find(tx: Tx, req: Mapping[str, Any]) -> Found:
    name, caller = named(tx, req), tx.scope.principal
    if caller.kind != "AWSService" and (why := _refusal(tx, name)):
        arn = arn_of(name.region, name.account, name.name, name.qualifier)
        raise Fault("AccessDeniedException", f"User: {caller.arn} is not authorized to perform: {ACTION} on resource: {arn} {why}")
    try:
        return find(tx, name)
    except Fault as fault:
        # Who invokes is told of the version, where others are told of the function.
        arn = arn_of(name.region, name.account, name.name, name.qualifier or LATEST)
        raise not_found(f"Function not found: {arn}") from fault


def _refusal(tx: Tx, name: Name) -> str:
    """Why a function's policy keeps the caller out; "" where it doesn't. Its own account's callers it only keeps out by a word."""
    who = asker(tx.scope.principal)
    if denied(tx, name, who, ACTION, {}):
        return "with an explicit deny in a resource-based policy"
    if name.account != tx.account and not permitted(tx, name, who, ACTION, {}):
        return f"because no resource-based policy allows the {ACTION} action"
    return ""
