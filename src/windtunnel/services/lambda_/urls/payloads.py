"""Requests to function URLs as events of payload format 2.0, and what functions answer as responses.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote

import msgspec

from windtunnel.aws.policy import Principal
from windtunnel.fabric import Answer, Call, Visit
from windtunnel.services.lambda_.state import Url

TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml", "application/vnd.api+json")
"""What an event has as text; all other bodies are in base64."""
# A function sees that its URL was called over TLS, which is all that AWS's door takes.
TLS = {"x-amzn-tls-version": "TLSv1.3", "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256"}
JSON = ("Content-Type", "application/json")
BROKEN = Answer(502, [JSON], b"Internal Server Error")


class Given(msgspec.Struct, frozen=True):
    """A response as functions write it."""

    statusCode: Annotated[int, msgspec.Meta(ge=100, le=599)]
    headers: dict[str, Any] | None = None
    cookies: list[str] | None = None
    body: Any = None
    isBase64Encoded: bool = False


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


def head_of(prelude: bytes) -> Answer:
    """The head of a streamed response: what stands before its body, as JSON."""
    try:
        given = msgspec.json.decode(prelude, type=dict[str, Any])
    except msgspec.DecodeError:
        return BROKEN
    headers: dict[str, Any] = given.get("headers") or {}
    if not any(name.lower() == "content-type" for name in headers):
        headers = {"Content-Type": "application/octet-stream", **headers}
    return answer_of(msgspec.json.encode({"statusCode": 200, **given, "headers": headers}))


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


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
