"""Requests of every service and protocol, bent: whatever is made of them is a request that the model knows, or a fault."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.bends import BYTES, bent, bent_text
from tests.wire import peer, samples
from windtunnel.aws.errors import Fault
from windtunnel.aws.model import services
from windtunnel.aws.validate import validator
from windtunnel.wire.codec import codec_of
from windtunnel.wire.message import Request
from windtunnel.wire.route import refuse_unrouted, route

NAMES = services()
PROTOCOLS = ("json", "query", "ec2", "rest-json", "rest-xml", "smithy-rpc-v2-cbor")
SPOKEN = {protocol: [name for name in NAMES if protocol in peer.protocols(name)] for protocol in PROTOCOLS}
HEADERS = (
    "authorization",
    "content-type",
    "host",
    "x-amz-target",
    "x-amz-date",
    "content-length",
    "content-encoding",
    "expect",
    "range",
    "x-amz-meta-a",
)


@st.composite
def written(draw: st.DrawFn) -> Request:
    """A request as botocore writes it, of any operation in any protocol."""
    protocol = draw(st.sampled_from(PROTOCOLS))
    service = draw(st.sampled_from(SPOKEN[protocol]))
    operation = peer.model(service).operation_model(draw(st.sampled_from(peer.model(service).operation_names)))
    params: dict[str, Any] = samples.request_of(operation.input_shape) if operation.input_shape else {}
    return peer.request_for(operation, protocol, params)


@st.composite
def bent_requests(draw: st.DrawFn) -> Request:
    request = draw(written())
    body = draw(st.just(request.body) | bent(request.body) | BYTES)
    path = draw(st.just(request.path) | bent_text(request.path).map(lambda text: "/" + text.lstrip("/")))
    query = draw(st.just(request.query) | bent_text(request.query))
    headers = dict(request.headers)
    for name in draw(st.lists(st.sampled_from(HEADERS), max_size=2, unique=True)):
        headers[name] = draw(bent_text(headers.get(name, "")) | st.just(""))
    method = draw(st.sampled_from([request.method, request.method, "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]))
    return msgspec.structs.replace(request, method=method, path=path, query=query, headers=headers, body=body)


@given(bent_requests())
def test_a_bent_request_is_understood_or_refused(request: Request) -> None:
    try:
        match = route(request)
    except Fault as fault:
        answer = refuse_unrouted(request, fault, "id")
    else:
        codec = codec_of(match)
        try:
            asked = codec.parse(request, match)
            validator(match.service, match.operation)(asked)
            return
        except Fault as fault:
            answer = codec.refuse(fault, "id")
    assert answer.status >= 300
