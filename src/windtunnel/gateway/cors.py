"""Lets browser consoles call in from any origin: preflights answered, permissive headers on replies.

An application is wrapped in `Cors`; `applies` keeps out what has rules of its own, such as an S3 bucket with a CORS configuration.
"""

from collections.abc import Callable

from windtunnel.wire.message import Request, Response

from .http.app import App, Reply, Upgrade

_MAX_AGE_SECONDS = 86_400
_METHODS = "HEAD,GET,PUT,POST,DELETE,OPTIONS,PATCH"
_HEADERS = (
    "authorization,cache-control,content-length,content-md5,content-type,etag,location,x-amz-acl,x-amz-content-sha256,x-amz-date,"
    "x-amz-request-id,x-amz-security-token,x-amz-tagging,x-amz-target,x-amz-user-agent,x-amz-version-id,x-amzn-requestid,"
    "amz-sdk-invocation-id,amz-sdk-request"
)
_EXPOSED = (
    "etag,x-amz-version-id,x-amz-request-id,x-amz-id-2,x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,x-amz-crc32,"
    "x-amz-function-error,x-amz-log-result,x-amz-executed-version,x-amz-server-side-encryption,x-amz-delete-marker,content-range,location"
)


def is_preflight(request: Request) -> bool:
    headers = request.headers
    return request.method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight(request: Request) -> Response:
    """Allow whatever the browser asks for."""
    headers = request.headers
    asked = headers.get("access-control-request-headers")
    given = [
        *_origin(request),
        ("Access-Control-Allow-Methods", _METHODS),
        ("Access-Control-Allow-Headers", asked or _HEADERS),
        ("Access-Control-Max-Age", str(_MAX_AGE_SECONDS)),
    ]
    if headers.get("access-control-request-private-network") == "true":
        # Chrome asks before a public page may call this machine: https://wicg.github.io/private-network-access/
        given.append(("Access-Control-Allow-Private-Network", "true"))
    return Response(204, given)


def permit(request: Request, response: Response) -> Response:
    """The response with the headers that let the page of the request's origin read it; untouched if it has its own."""
    if any(name.lower() == "access-control-allow-origin" for name, _ in response.headers):
        return response
    headers = [*response.headers, *_origin(request), ("Access-Control-Expose-Headers", _EXPOSED)]
    return Response(response.status, headers, response.body)


def _origin(request: Request) -> list[tuple[str, str]]:
    """The origin itself instead of "*", which browsers refuse for requests with credentials."""
    return [("Access-Control-Allow-Origin", request.headers["origin"]), ("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")]


class ChangedReply:
    """A reply whose response is changed on its way out."""

    def __init__(self, reply: Reply, change: Callable[[Response], Response]) -> None:
        self._reply = reply
        self._change = change

    def __call__(self, response: Response, /) -> None:
        self._reply(self._change(response))

    @property
    def closed(self) -> bool:
        return self._reply.closed

    def on_close(self, callback: Callable[[], None], /) -> None:
        self._reply.on_close(callback)


class Cors:
    """An application with CORS around it."""

    def __init__(self, app: App, applies: Callable[[Request], bool]) -> None:
        self._app = app
        self._applies = applies
        self.streams = app.streams
        self.websocket: Callable[[Request, Upgrade], None] = app.websocket

    def handle(self, request: Request, reply: Reply, /) -> None:
        if "origin" not in request.headers or not self._applies(request):
            self._app.handle(request, reply)
        elif is_preflight(request):
            reply(preflight(request))
        else:
            self._app.handle(request, ChangedReply(reply, lambda response: permit(request, response)))
