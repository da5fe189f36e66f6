"""Requests to function URLs: each is an invocation with an HTTP request as its event, and its result is the response.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote

import msgspec

from windtunnel.aws.policy import Principal
from windtunnel.fabric import Answer, Call, Fault, Tx, Visit
from windtunnel.fabric.asking import asker
from windtunnel.services.lambda_.access.sharing import denied, permitted
from windtunnel.services.lambda_.places import Found, chosen, find
from windtunnel.services.lambda_.rules import SYNCHRONOUS_BYTES_MAX, Name
from windtunnel.services.lambda_.running.execute import Ran, execute
from windtunnel.services.lambda_.running.sandboxes import Concurrency
from windtunnel.services.lambda_.running.streaming import Pieces, Streaming
from windtunnel.services.lambda_.state import URL_IDS, URLS, Url, UrlOf
from windtunnel.services.lambda_.urls.cors import allowed, preflight

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml", "application/vnd.api+json")
"""What an event has as text; all other bodies are in base64."""
# A function sees that its URL was called over TLS, which is all that AWS's door takes.
TLS = {"x-amzn-tls-version": "TLSv1.3", "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256"}
JSON = ("Content-Type", "application/json")
HTTP_TYPE = "application/vnd.awslambda.http-integration-response"
HEAD_END = bytes(8)
HEAD_BYTES_MAX = 65_536
BROKEN = Answer(502, [JSON], b"Internal Server Error")


class Given(msgspec.Struct, frozen=True):
    """A response as functions write it."""

    statusCode: Annotated[int, msgspec.Meta(ge=100, le=599)]
    headers: dict[str, Any] | None = None
    cookies: list[str] | None = None
    body: Any = None
    isBase64Encoded: bool = False


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
        with Concurrency(call, found) as found:
            ran = await execute(call, found, payload, request_id)
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
        head = _head(prelude) if found else BROKEN
        if head is BROKEN:
            streaming.stream.close()
            return BROKEN
    return msgspec.structs.replace(head, body=Body(rest, Pieces(streaming, bytes, _whole)))


def _head(prelude: bytes) -> Answer:
    try:
        given = msgspec.json.decode(prelude, type=dict[str, Any])
    except msgspec.DecodeError:
        return BROKEN
    headers: dict[str, Any] = given.get("headers") or {}
    if not any(name.lower() == "content-type" for name in headers):
        headers = {"Content-Type": "application/octet-stream", **headers}
    return answer_of(msgspec.json.encode({"statusCode": 200, **given, "headers": headers}))


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


def event_of(call: Call, url: Url, visit: Visit, caller: Principal) -> dict[str, Any]:
    """The request as functions get it: payload format 2.0."""
    scope, headers = call.scope, {name: value for name, value in visit.headers.items() if name != "connection"}
    path = "/" + unquote(visit.path).lstrip("/")
    host = headers.get("host", "")
    now = datetime.fromtimestamp(call.now(), UTC)
    headers |= {
        "x-forwarded-for": scope.source_ip,
        "x-forwarded-proto": visit.scheme,
        "x-forwarded-port": host.partition(":")[2] or ("443" if visit.scheme == "https" else "80"),
        "x-amzn-trace-id": f"Root=1-{int(call.now()):08x}-{call.ids.hex(24)}",
        **TLS,
    }
    event: dict[str, Any] = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": visit.query}
    if cookies := headers.pop("cookie", ""):
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    event["headers"] = headers
    if visit.query:
        parameters: dict[str, str] = {}
        for name, value in parse_qsl(visit.query, keep_blank_values=True):
            parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
        event["queryStringParameters"] = parameters
    event["requestContext"] = {
        "accountId": "anonymous" if url.auth == "NONE" else caller.account,
        "apiId": url.id,
        **_authorizer(url, visit, caller),
        "domainName": host,
        "domainPrefix": url.id,
        "http": {"method": visit.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": scope.source_ip, "userAgent": scope.user_agent},
        "requestId": scope.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(call.now() * 1000),
    }
    return event | _body(visit)


def answer_of(payload: bytes) -> Answer:
    """A response of a function as an HTTP response. What names no status is the body of one that went well."""
    try:
        result: Any = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return Answer(200, [JSON], payload)
    if not isinstance(result, dict) or "statusCode" not in result:
        return Answer(200, [JSON], _bytes(result))
    try:
        given = msgspec.convert(result, Given, strict=False)
        body = b"" if given.body is None else _bytes(given.body)
        headers = [(name, value if isinstance(value, str) else _bytes(value).decode()) for name, value in (given.headers or {}).items()]
        headers += [("Set-Cookie", cookie) for cookie in given.cookies or ()]
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(JSON)
        return Answer(given.statusCode, headers, b64decode(body) if given.isBase64Encoded else body)
    except (msgspec.ValidationError, Base64Error):
        return BROKEN


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)


def _body(visit: Visit) -> dict[str, Any]:
    if not visit.body:
        return {"isBase64Encoded": False}
    if visit.headers.get("content-type", "").lower().startswith(TEXT_TYPES):
        try:
            return {"body": visit.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass  # it is not what it says it is
    return {"body": b64encode(visit.body).decode(), "isBase64Encoded": True}


def _authorizer(url: Url, visit: Visit, caller: Principal) -> dict[str, Any]:
    if url.auth == "NONE" or visit.proof is None:
        return {}
    iam = {"accessKey": visit.proof.access_key, "accountId": caller.account, "callerId": caller.id, "userArn": caller.arn}
    return {"authorizer": {"iam": iam | {"userId": caller.id, "cognitoIdentity": None, "principalOrgId": None}}}


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
