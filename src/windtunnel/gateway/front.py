"""Between the gateway and the cloud: a request becomes a call, its result or fault a response, held until it is durable."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric.access import Proof
from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.scope import Scope, anonymous
from windtunnel.fabric.service import Handled
from windtunnel.fabric.visits import Answer, Host, Visit
from windtunnel.gateway.admin import PREFIX, Admin
from windtunnel.gateway.http.app import Reply, Upgrade
from windtunnel.gateway.proof import SignedRequest
from windtunnel.kernel.store import StoreFull
from windtunnel.planes.blobs import Digest
from windtunnel.wire.chunked import ChunkedBody, decode, decoded_length, decoder_of
from windtunnel.wire.codec import codec_of, refusal
from windtunnel.wire.credential import credential_of
from windtunnel.wire.hosts import website_bucket
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import BodyStream, Request, Response
from windtunnel.wire.route import RouteFault, route
from windtunnel.wire.sigv4 import check_payload_hash, payload_hash_of

log = logging.getLogger(__name__)
DEFAULT_REGION = "us-east-1"
BUFFERED_BYTES_MAX = 262_144
"""Payloads up to this size are handed over whole also where an operation could stream them: that is quicker."""
UNAVAILABLE = Answer(503, [("Content-Type", "text/plain")], b"Service Unavailable")
_REGION_IN_HOST = re.compile(r"(?:^|\.)((?:us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov)-[a-z]+-\d)\.")

_HEADERS_IN_QUERY = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-md5",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
        "range",
    }
)


class Front:
    """The application behind the region's port."""

    def __init__(self, cloud: Cloud, admin: Admin) -> None:
        self._cloud = cloud
        self._admin = admin

    def streams(self, request: Request, /) -> bool:
        """Whether the payload goes to the operation while it arrives."""
        headers = request.headers
        if "x-amz-target" in headers or request.path.startswith(PREFIX):
            return False
        if self._cloud.visits.host(request.host) is not None or self._cloud.visits.path(request.path) is not None:
            return False
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) <= BUFFERED_BYTES_MAX:
            return False
        try:
            match = route(request)
            return codec_of(match).streams_in
        except Fault:
            return False

    def handle(self, request: Request, reply: Reply, /) -> None:
        try:
            self._handle(request, reply)
        except StoreFull as failure:
            # What is looked up on the way to a call may be out of reach, in a database that is away.
            log.warning("the store could not be read: %s", failure)
            reply(Response(UNAVAILABLE.status, UNAVAILABLE.headers, UNAVAILABLE.body))

    def _handle(self, request: Request, reply: Reply) -> None:
        if request.path.startswith(PREFIX):
            self._admin.handle(request, reply)
            return
        if (host := self._cloud.visits.host(request.host) or self._cloud.visits.path(request.path)) is not None:
            task = self._cloud.loop.spawn(self._visited(host, request, reply))
            self._cloud.loop.when_parked(task, lambda: reply.on_close(lambda: self._cloud.loop.give_up(task)))
            return
        if request.method == "GET" and (page := self._cloud.visits.page(request.path)) is not None:
            reply(Response(200, [("Content-Type", page[0])], page[1]))
            return
        request_id = self._cloud.ids.uuid()
        if bucket := website_bucket(request.host):
            from windtunnel.gateway.websites import Website

            scope = self._scope(request, Match("s3", "GetObject", "rest-xml"), request_id)
            reply(Website(self._cloud, request, bucket, scope).answer())
            return
        try:
            match = route(request)
            codec = codec_of(match)
        except RouteFault as fault:
            if fault.service == "s3" and fault.code == "MethodNotAllowed" and self._beside(request, reply, request_id):
                return
            reply(refusal(fault.service, fault.protocol, fault, request_id, head=request.method == "HEAD"))
            return
        proof = self._proof(request, match)
        try:
            payload = _unframed(request, match, proof)
            if match.service == "s3" and match.credential is not None and match.credential.presigned:
                payload = _with_query(payload, match)
            members = codec.parse(payload, match)
            handled = self._cloud.handled(match.service, match.operation)
        except Fault as fault:
            scope = self._scope(request, match, request_id)
            said = self._disowned(match, scope, proof) or fault
            self._cloud.calls.add(self._cloud.clock.now(), match.service, match.operation, scope, said.code, 0)
            reply(self._refused(codec, match, said, request_id))
            return
        if "origin" in request.headers and match.service == "s3":
            from windtunnel.gateway import buckets

            reply = buckets.shared(self._cloud, request, match.labels.get("Bucket", ""), reply)
        self._run(handled, match, codec, members, self._scope(request, match, request_id), proof, reply)

    def _run(
        self, handled: Handled, match: Match, codec: Codec, members: dict[str, Any], scope: Scope, proof: Proof | None, reply: Reply
    ) -> None:
        """Makes a call and answers it: at once or later, when it is durable."""
        request_id, together, signed = scope.request_id, self._cloud.together, proof is not None
        if not handled.plain or (together is not None and together.gathers(handled.function)):
            call = self._cloud.run(match.service, match.operation, members, scope, proof=proof, signed=signed, waits=True)
            task = self._cloud.loop.spawn(self._answer(call, codec, match, request_id, reply))
            # Who waits long may be left; what ends by itself is answered also to a client that has closed its half of the connection.
            loop = self._cloud.loop
            loop.when_parked(task, lambda: reply.on_close(lambda: loop.give_up(task)))
            return
        try:
            result = self._cloud.act(handled, members, scope, proof=proof, signed=signed)
            response = self._response(codec, match, result, request_id)
        except Fault as fault:
            response = self._refused(codec, match, fault, request_id)
        self._cloud.store.when_committed(lambda failure: reply(response if failure is None else self._full(codec, failure, request_id)))

    def _beside(self, request: Request, reply: Reply, request_id: str) -> bool:
        """What browsers ask of a bucket and no SDK does; False for anything else."""
        from windtunnel.gateway import buckets

        asked = buckets.asked(self._cloud, request, request_id)
        if asked is None:
            return False
        if isinstance(asked, Response):
            reply(asked)
            return True
        if "origin" in request.headers:
            reply = buckets.shared(self._cloud, request, asked.match.labels.get("Bucket", ""), reply)
        handled = self._cloud.handled(asked.match.service, asked.match.operation)
        self._run(handled, asked.match, asked.codec, asked.members, self._scope(request, asked.match, request_id), asked.proof, reply)
        return True

    def websocket(self, request: Request, upgrade: Upgrade, /) -> None:
        """No API of the region's own port is spoken over WebSockets yet."""
        upgrade.refuse(Response(400, [("Content-Type", "text/plain")], b"Nothing here speaks WebSocket."))

    async def _answer(self, call: Any, codec: Codec, match: Match, request_id: str, reply: Reply) -> None:
        try:
            response = await self._durable(call, codec, match, request_id)
        except StoreFull as failure:
            response = self._full(codec, failure, request_id)
        except asyncio.CancelledError:
            # The client has gone, or the region is reset under it: then it is told, or it would wait for ever.
            if not reply.closed:
                reply(self._refused(codec, match, Fault("ServiceUnavailable", "The region was reset.", status=503), request_id))
            raise
        # Also where the client has gone: a body that nobody reads is let go of there.
        reply(response)

    async def _durable(self, call: Any, codec: Codec, match: Match, request_id: str) -> Response:
        """What a call is answered, once all that it saw is durable: a refusal may tell of what others have just written."""
        try:
            result = await call
            await self._cloud.store.committed()
            return self._response(codec, match, result, request_id)
        except Fault as fault:
            await self._cloud.store.committed()
            return self._refused(codec, match, fault, request_id)

    async def _visited(self, host: Host, request: Request, reply: Reply) -> None:
        """A request to a host that a service serves beside its API; the service answers, whatever it is."""
        try:
            credential = credential_of(request)
        except Fault:
            credential = None  # an Authorization header of somebody else's
        proof = None if credential is None else SignedRequest(request, credential, self._cloud.clock, s3=False)
        visit = Visit(
            host.name, host.region, request.method, request.path, request.query, request.headers, request.body, request.scheme, proof
        )
        endpoint = f"{request.scheme}://{request.host}"
        agent = request.headers.get("user-agent", "")
        request_id = self._cloud.ids.uuid()
        scope = Scope(self._cloud.account, host.region, _ANONYMOUS, request_id, request.source_ip, agent, endpoint)
        answer = UNAVAILABLE
        try:
            answer = await self._cloud.visits.answer(host, visit, scope)
            await self._cloud.store.committed()
        except StoreFull as failure:
            log.warning("nothing of this turn could be kept: %s", failure)
            answer = UNAVAILABLE
        finally:
            # Also where the region is reset under it, or the client would wait for ever.
            if not reply.closed:
                reply(Response(answer.status, answer.headers, answer.body))

    def _response(self, codec: Codec, match: Match, result: dict[str, Any], request_id: str) -> Response:
        """A result that doesn't fit the model is a bug of the operation: it is said so, and the connection goes on."""
        try:
            return codec.respond(result, request_id)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            log.exception("%s.%s answered what its model doesn't have", match.service, match.operation)
            raise Fault("InternalFailure", f"{match.operation}: {type(error).__name__}: {error}", status=500) from error

    def _disowned(self, match: Match, scope: Scope, proof: Proof | None) -> Fault | None:
        """What a signature that doesn't hold is refused with: whoever sent it doesn't learn what is wrong with the rest of the request."""
        try:
            self._cloud.identified(scope, proof, match.service)
        except Fault as fault:
            return fault
        return None

    def _refused(self, codec: Codec, match: Match, fault: Fault, request_id: str) -> Response:
        if fault.status is None and (service := self._cloud.services.find(match.service)) is not None:
            fault.status = service.faults.get(fault.code)
        return codec.refuse(fault, request_id)

    def _full(self, codec: Codec, failure: StoreFull, request_id: str) -> Response:
        log.error("nothing of this turn could be kept: %s", failure)
        return codec.refuse(Fault("ServiceUnavailable", f"The region's store could not write: {failure}", status=503), request_id)

    def _proof(self, request: Request, match: Match) -> SignedRequest | None:
        if match.credential is None:
            return None
        return SignedRequest(request, match.credential, self._cloud.clock, s3=match.service == "s3")

    def _scope(self, request: Request, match: Match, request_id: str) -> Scope:
        credential = match.credential
        host = request.headers.get("host", "")
        if credential is not None and credential.region:
            region = credential.region
        else:
            found = _REGION_IN_HOST.search(host)
            region = found[1] if found else self._region_of(match) or DEFAULT_REGION
        return Scope(
            self._cloud.account,
            region,
            _ANONYMOUS,
            request_id,
            request.source_ip,
            request.headers.get("user-agent", ""),
            f"{request.scheme}://{host}" if host else self._cloud.endpoint,
            trace=request.headers.get("x-amzn-trace-id", ""),
        )

    def _region_of(self, match: Match) -> str:
        name = match.labels.get("Bucket", "") if match.service == "s3" and match.operation != "CreateBucket" else ""
        if not name:
            return ""
        from windtunnel.gateway import buckets

        return buckets.region_of(self._cloud, name)


_ANONYMOUS = anonymous()


def _unframed(request: Request, match: Match, proof: SignedRequest | None) -> Request:
    """The request with its payload as the operation takes it: out of its aws-chunked frame, its hash checked on the way."""
    value, credential = request.headers.get("x-amz-content-sha256"), match.credential
    if value is None:
        return request
    if request.stream is not None:
        request.stream = _Payload(request, match, proof)
        return request
    framed = value.startswith("STREAMING") or (credential is not None and credential.presigned)
    decoder = decoder_of(request, credential, None) if framed else None
    if decoder is not None:
        if proof is not None:
            proof.framed = request.body
        request.body = decode(request.body, decoder)
        for name, value in decoder.trailers.items():
            request.headers.setdefault(name, value)
    return request


def _with_query(request: Request, match: Match) -> Request:
    """A presigned request to S3 as its operation sees it: parameters that are named as headers are headers.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html#RESTAuthenticationQueryStringAuth"""
    lowered = ((name.lower(), values[0]) for name, values in match.query.items())
    found = {name: value for name, value in lowered if name.startswith("x-amz-") or name in _HEADERS_IN_QUERY}
    headers = {**found, **request.headers}
    return request if len(headers) == len(request.headers) else msgspec.structs.replace(request, headers=headers)


class _Payload:
    """A streamed payload: its frame taken off, its hash compared at the end."""

    def __init__(self, request: Request, match: Match, proof: SignedRequest | None) -> None:
        assert request.stream is not None
        self._request = request
        self._stream: BodyStream = request.stream
        self._match = match
        self._proof = proof
        self.trailers: dict[str, str] = {}
        expected = payload_hash_of(request, match.credential)
        self._expected = expected.value if expected.kind == "exact" else None
        self._digest = hashlib.sha256()
        self._digest_taken = False
        framed = decoder_of(request, match.credential, None) is not None
        self.length = decoded_length(request) if framed else self._stream.length

    def take_digests(self) -> tuple[Digest, ...]:
        """What the reader is to feed with all that it reads, in threads of its own, before it calls `check`."""
        self._digest_taken = True
        return () if self._expected is None else (self._digest,)

    def check(self) -> None:
        """Raises the fault of a payload that is not what was signed."""
        if self._expected is not None:
            check_payload_hash(self._expected, self._digest.hexdigest(), s3=self._match.service == "s3")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        secret = self._proof.secret if self._proof is not None else None
        decoder = decoder_of(self._request, self._match.credential, secret)
        if decoder is not None:
            body = ChunkedBody(self._stream, decoder, decoded_length(self._request))
            async for piece in body:
                yield piece
            self.trailers.update(body.trailers)
            return
        hashes = self._expected is not None and not self._digest_taken
        async for data in self._stream:
            if hashes:
                self._digest.update(data)
            yield data
        if hashes:
            self.check()
