"""The rest-json protocol: HTTP bindings around JSON bodies (Lambda, API Gateway, EFS, …).

https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of
from windtunnel.wire import eventstream, rest
from windtunnel.wire.json import decoder, encoder, fault_body, loads
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response

_MEDIA: Final = "application/json"
_CLASSES: Final = {
    "STRING_VALUE": "class java.lang.String",
    "TRUE_VALUE": "class java.lang.Boolean",
    "FALSE_VALUE": "class java.lang.Boolean",
    "NUMBER_VALUE": "class com.amazon.coral.value.json.numbers.TruncatingBigNumber",
}


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation of a rest-json service."""
    return Codec(
        parse=_parser(operation),
        respond=_responder(operation),
        refuse=refuser(operation.service_model.service_name, head=operation.method == "HEAD"),
        streams_in=rest.is_streaming(operation.input_shape),
    )


def _refuse_parameter(name: str, text: str) -> Fault:
    return Fault("SerializationException", f"Unable to parse value '{text}' of parameter '{name}'", status=400)


def _parser(operation: OperationModel) -> Callable[[Request, Match], dict[str, Any]]:
    shape = operation.input_shape
    if shape is None:
        return lambda request, match: {}
    read_head = rest.reader(operation, _refuse_parameter)
    read_body = _body_reader(operation, shape)

    def parse(request: Request, match: Match) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if read_body is not None:
            read_body(request, out)
        read_head(request, match, out)
        return out

    return parse


def _body_reader(operation: OperationModel, shape: Shape) -> Callable[[Request, dict[str, Any]], None] | None:
    payload: str | None = shape.serialization.get("payload")
    if payload is None:
        if not rest.body_members(shape):
            return None
        decode = decoder(_body_shape(shape))

        def read(request: Request, out: dict[str, Any]) -> None:
            if request.body:
                out.update(_in_javas_words(decode, request.body))

        return read
    member = shape.members[payload]
    if member.serialization.get("eventstream"):
        events = eventstream.reader(member, decoder, loads)
        return lambda request, out: out.update({payload: events(request)})
    if member.type_name == "blob":
        return lambda request, out: rest.payload(out, payload, request.body if request.stream is None else request.stream)
    if member.type_name == "string":
        return lambda request, out: rest.payload(out, payload, request.body.decode("utf-8", "replace"))
    inner = decoder(member)
    return lambda request, out: rest.payload(out, payload, _in_javas_words(inner, request.body) if request.body else None)


def _in_javas_words(decode: Callable[[Any], Any], body: bytes) -> Any:
    """Decodes a body; the REST services name a value of the wrong type by the class that Java gave it."""
    try:
        return decode(loads(body))
    except Fault as fault:
        found, words, wanted = fault.message.partition(" can not be converted to a ")
        if not words:
            raise
        raise Fault(fault.code, f"{_CLASSES[found]} can not be converted to an {wanted}", status=400) from None


def _body_shape(shape: Shape) -> Shape:
    """The structure without what its head carries, so that a body can't set a label."""
    bound = {name for name, member in shape.members.items() if member.serialization.get("location") in {"uri", "querystring", "header"}}
    members = {name: ref for name, ref in shape.raw.get("members", {}).items() if name not in bound}
    return shape.with_members(members)


def _responder(operation: OperationModel) -> Callable[[Mapping[str, Any], str], Response]:
    shape = operation.output_shape
    default: int = operation.http.get("responseCode", 200)
    write_head = rest.writer(shape)
    write_body, media = _body_writer(shape)

    def respond(result: Mapping[str, Any] | None, request_id: str) -> Response:
        result = result or {}
        headers = [("x-amzn-RequestId", request_id)]
        status = write_head(result, headers) or default
        if media and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", media))
        return Response(status, headers, write_body(result))

    return respond


def _body_writer(shape: Shape | None) -> tuple[Callable[[Mapping[str, Any]], Any], str]:
    if shape is None:
        return (lambda result: b""), _MEDIA
    payload: str | None = shape.serialization.get("payload")
    if payload is None:
        body = rest.body_members(shape)
        encode = encoder(shape)
        return (lambda result: orjson.dumps(encode({name: value for name, value in result.items() if name in body}))), _MEDIA
    member = shape.members[payload]
    if member.serialization.get("eventstream"):
        events = eventstream.writer(member, encoder, orjson.dumps, _MEDIA)
        return (lambda result: events(result[payload], b"")), "application/vnd.amazon.eventstream"
    if member.type_name == "blob":
        return (lambda result: rest.opaque(result.get(payload))), "application/octet-stream"
    if member.type_name == "string":
        return (lambda result: (result.get(payload) or "").encode()), "text/plain"
    inner = encoder(member)
    return (lambda result: orjson.dumps(inner(result[payload])) if result.get(payload) is not None else b"{}"), _MEDIA


def refuser(service: str, *, head: bool = False) -> Callable[[Fault, str], Response]:
    """Writes faults of a rest-json service."""

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        headers = [("x-amzn-RequestId", request_id), ("Content-Type", _MEDIA), *fault.headers.items()]
        body = fault_body(fault, model.shape)
        del body["__type"]
        if model.shape is not None:
            rest.writer(model.shape)(fault.members, headers)
        if not any(name.lower() == "x-amzn-errortype" for name, _ in headers):
            headers.append(("x-amzn-ErrorType", model.code))
        return Response(fault.status or model.status, headers, b"" if head else orjson.dumps(body))

    return refuse
