"""Requests to function URLs: each is an invocation with an HTTP request as its event, and its result is the response.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.policy import Principal
from windtunnel.fabric import Answer, Call, Fault, Tx, Visit
from windtunnel.fabric.asking import asker
from windtunnel.services.lambda_.access.sharing import denied, permitted
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import SYNCHRONOUS_BYTES_MAX, Name
from windtunnel.services.lambda_.running.execute import Ran
from windtunnel.services.lambda_.running.run import run
from windtunnel.services.lambda_.running.streaming import Pieces, Streaming
from windtunnel.services.lambda_.state import URL_IDS, URLS, Url, UrlOf
from windtunnel.services.lambda_.urls.cors import allowed, preflight
from windtunnel.services.lambda_.urls.payloads import BROKEN, JSON, answer_of, event_of, head_of

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
HTTP_TYPE = "application/vnd.awslambda.http-integration-response"
HEAD_END = bytes(8)
HEAD_BYTES_MAX = 65_536


async def serve(call: Call, visit: Visit) -> Answer:
    """Answers one request."""
    place = call.read(Tx.get, URL_IDS, visit.name)
    if place is None or place.region != visit.region:
        return _refused(call, 403, "AccessDeniedException", {"Message": None})
    own = call.at(account=place.account)
    url = own.read(Tx.get, URLS, place.name, place.qualifier)
    if url is None or url.id != visit.name:
        return _refused(call, 403, "AccessDeniedException", {"Message": FORBIDDEN})
    if url.cors and (answer := preflight(url.cors, visit)) is not None:
        return answer
    try:
        caller = _caller(call, url, visit)
        if not own.read(_may, url, place, caller):
            return _refused(call, 403, "AccessDeniedException", {"Message": FORBIDDEN})
        answer = await _run(own, url, place, visit, caller)
    except Fault as fault:
        answer = _refused(call, call.cloud.status_of(call.service, fault), fault.code, {"Message": fault.message, **fault.members})
    return msgspec.structs.replace(answer, headers=[*answer.headers, *allowed(url.cors, visit)]) if url.cors else answer


async def _run(call: Call, url: Url, place: UrlOf, visit: Visit, caller: Principal) -> Answer:
    request_id = call.scope.request_id
    payload = msgspec.json.encode(event_of(call, url, visit, caller))
    if len(payload) > SYNCHRONOUS_BYTES_MAX:
        raise Fault("RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes", status=413)
    found = chosen(call.read(_found, place))
    if url.mode == "RESPONSE_STREAM":
        answer = await _streamed(Streaming(call, found, payload, request_id))
    else:
        ran = await run(call, found, payload, request_id)
        answer = BROKEN if ran.error else answer_of(ran.payload)
    return msgspec.structs.replace(answer, headers=[*answer.headers, ("x-amzn-RequestId", request_id)])


async def _streamed(streaming: Streaming) -> Answer:
    """A response from its first piece on. A handler that doesn't stream answers what it returns, as it is.

    A stream may begin with its head, as JSON, and eight zero bytes:
    https://docs.aws.amazon.com/lambda/latest/dg/response-streaming-tutorial.html
    """
    await streaming.begun()
    if streaming.ran is not None and streaming.ran.error and not streaming.stream.size:
        return BROKEN
    content_type = streaming.stream.content_type or "application/octet-stream"
    head, rest = Answer(200, [("Content-Type", content_type)], b""), b""
    if content_type == HTTP_TYPE:
        data = b""
        async for piece in streaming.stream:
            data += piece
            if HEAD_END in data or len(data) > HEAD_BYTES_MAX:
                break
        prelude, found, rest = data.partition(HEAD_END)
        head = head_of(prelude) if found else BROKEN
        if head is BROKEN:
            streaming.stream.close()
            return BROKEN
    return msgspec.structs.replace(head, body=Body(rest, Pieces(streaming, bytes, _whole)))


def _whole(ran: Ran) -> None:
    """A response that fails midway is cut off, so that nobody takes it for the whole."""
    if ran.error:
        raise ConnectionResetError("the function failed after its response had begun")


class Body:
    """A stream whose beginning has been read already."""

    def __init__(self, first: bytes, rest: Pieces[bytes]) -> None:
        self._first, self._rest = first, rest

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, b""
        return first or await anext(self._rest)

    async def aclose(self) -> None:
        await self._rest.aclose()


def _caller(call: Call, url: Url, visit: Visit) -> Principal:
    """Who asks. What was signed is of no meaning to a URL without authorisation."""
    if url.auth == "NONE" or visit.proof is None:
        return Principal("anonymous")
    return asker(call.cloud.identified(call.scope, visit.proof, call.service).principal)


def _may(tx: Tx, url: Url, place: UrlOf, caller: Principal) -> bool:
    """https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html: callers of another account need the function's policy, and nobody in
    particular needs it too."""
    name = Name(place.region, place.account, place.name, place.qualifier)
    asked = ("lambda:InvokeFunctionUrl", {"lambda:functionurlauthtype": url.auth})
    if caller.kind != "anonymous" and caller.account == place.account:
        return not denied(tx, name, caller, *asked)
    if url.auth == "AWS_IAM" and caller.kind == "anonymous":
        return False
    return permitted(tx, name, caller, *asked)


def _found(tx: Tx, place: UrlOf) -> Found:
    return find(tx, Name(place.region, place.account, place.name, place.qualifier))


def _refused(call: Call, status: int, code: str, members: Mapping[str, Any]) -> Answer:
    headers = [JSON, ("x-amzn-RequestId", call.scope.request_id), ("x-amzn-ErrorType", code)]
    return Answer(status, headers, msgspec.json.encode(members))
