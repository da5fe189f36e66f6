"""Invoking functions: at once, as an event for later, or only to ask whether one may."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.lambda_.events import accept
from windtunnel.services.lambda_.execute import context_of, execute
from windtunnel.services.lambda_.places import Found, chosen, find, named
from windtunnel.services.lambda_.rules import arn_of, check_payload
from windtunnel.services.lambda_.sandboxes import Concurrency
from windtunnel.services.lambda_.sharing import permitted, principal_of

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

ACTION = "lambda:InvokeFunction"


async def invoke(call: Call, req: t.InvocationRequest) -> dict[str, Any]:
    kind = req.get("InvocationType", "RequestResponse")
    payload: Any = req.get("Payload") or b"{}"
    found = call.read(_find, req)
    check_payload(payload, kind)
    context = context_of(req.get("ClientContext", ""))
    if kind == "DryRun":
        return {"StatusCode": 204}
    request_id = call.scope.request_id or call.ids.uuid()
    if kind == "Event":
        call.at(account=found.tx.account).act(accept, found.name, found.qualifier, payload, request_id, context)
        return {"StatusCode": 202}
    found = chosen(found)
    with Concurrency(call, found) as found:
        ran = await execute(call, found, payload, request_id, context)
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": ran.version, "Payload": ran.payload}
    if ran.error:
        answer["FunctionError"] = ran.error
    if req.get("LogType") == "Tail":
        answer["LogResult"] = b64encode(ran.tail.encode()).decode()
    return answer


async def invoke_with_response_stream(call: Call, req: t.InvokeWithResponseStreamRequest) -> dict[str, Any]:
    """What a function answers comes in one piece, when it has ended."""
    found = call.read(_find, req)
    if req.get("InvocationType") == "DryRun":
        return {"StatusCode": 204, "EventStream": _events()}
    payload: Any = req.get("Payload") or b"{}"
    check_payload(payload, "RequestResponse")
    context = context_of(req.get("ClientContext", ""))
    found = chosen(found)
    with Concurrency(call, found) as found:
        ran = await execute(call, found, payload, call.scope.request_id or call.ids.uuid(), context)
    complete: dict[str, Any] = {}
    if ran.error:
        complete = {"ErrorCode": ran.error, "ErrorDetails": ran.payload.decode("utf-8", "replace")}
    if req.get("LogType") == "Tail":
        complete["LogResult"] = b64encode(ran.tail.encode()).decode()
    chunks = () if ran.error else ({"PayloadChunk": {"Payload": ran.payload}},)
    return {
        "StatusCode": 200,
        "ExecutedVersion": ran.version,
        "ResponseStreamContentType": "application/octet-stream",
        "EventStream": _events(*chunks, {"InvokeComplete": complete}),
    }


async def _events(*events: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event


def _find(tx: Tx, req: t.InvocationRequest | t.InvokeWithResponseStreamRequest) -> Found:
    name, caller = named(tx, req), tx.scope.principal
    if name.account != tx.account and caller.kind != "AWSService" and not permitted(tx, name, principal_of(caller), ACTION, {}):
        raise Fault(
            "AccessDeniedException",
            f"User: {caller.arn} is not authorized to perform: {ACTION} on resource: "
            f"{arn_of(name.region, name.account, name.name, name.qualifier)} because no resource-based policy allows the {ACTION} action",
        )
    return find(tx, name)
