"""Invoking functions: at once, as an event for later, or only to ask whether one may."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Call, Tx
from windtunnel.services.lambda_.events import accept
from windtunnel.services.lambda_.execute import context_of, execute
from windtunnel.services.lambda_.places import Found, chosen, find, named
from windtunnel.services.lambda_.rules import check_payload
from windtunnel.services.lambda_.sandboxes import Concurrency

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


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


def _find(tx: Tx, req: t.InvocationRequest) -> Found:
    return find(tx, named(tx, req))
