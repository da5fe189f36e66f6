"""Smithy's RPC v2 protocol, which speaks CBOR.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of
from windtunnel.wire import eventstream
from windtunnel.wire.cbor import MalformedCbor, loads, write_any
from windtunnel.wire.cbor_shapes import Read, reader, writer
from windtunnel.wire.json import fault_body, type_of
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response

_MEDIA: Final = "application/cbor"


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation that is called over RPC v2."""
    shape = operation.input_shape
    return Codec(
        parse=parser(operation, reader),
        respond=responder(operation, writer, _MEDIA, _headers, nothing=b"\xa0"),
        refuse=refuser(operation.service_model.service_name),
        streams_in=shape is not None and shape.event_stream_name is not None,
    )


def _headers(request_id: str, media: str) -> list[tuple[str, str]]:
    return [("smithy-protocol", "rpc-v2-cbor"), ("x-amzn-RequestId", request_id), ("Content-Type", media)]


def loaded(body: bytes) -> Any:
    """A body. Raises SerializationException where it isn't CBOR."""
    try:
        return loads(body)
    except MalformedCbor:
        raise Fault("SerializationException", status=400) from None


def parser(operation: OperationModel, compile_reader: Callable[[Shape], Read]) -> Callable[[Request, Match], dict[str, Any]]:
    """What makes an operation's request of a body in CBOR."""
    shape = operation.input_shape
    if shape is None:
        return lambda request, match: {}
    stream = shape.event_stream_name
    if stream is not None:
        events = eventstream.reader(shape.members[stream], compile_reader, loaded)
        return lambda request, match: {stream: events(request)}
    read = compile_reader(shape)
    return lambda request, match: read(loaded(request.body)) if request.body else {}


def responder(
    operation: OperationModel,
    compile_writer: Callable[[Shape], Callable[[Any], bytes]],
    media: str,
    headers: Callable[[str, str], list[tuple[str, str]]],
    nothing: bytes = b"",
) -> Callable[[Mapping[str, Any], str], Response]:
    """What answers with a body in CBOR, or with events; `nothing` where the operation has no result."""
    shape = operation.output_shape
    if shape is None:
        return lambda result, request_id: Response(200, headers(request_id, media), nothing)
    write = compile_writer(shape)
    stream = shape.event_stream_name
    if stream is None:
        return lambda result, request_id: Response(200, headers(request_id, media), write(result))
    events = eventstream.writer(shape.members[stream], compile_writer, bytes, media)

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        first = eventstream.initial_response(write({name: value for name, value in result.items() if name != stream}), media)
        return Response(200, headers(request_id, "application/vnd.amazon.eventstream"), events(result[stream], first))

    return respond


def refuser(service: str) -> Callable[[Fault, str], Response]:
    """Writes faults in RPC v2."""

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        status = fault.status or model.status
        headers = [*_headers(request_id, _MEDIA), *fault.headers.items()]
        if model.query_error:
            headers.append(("x-amzn-query-error", f"{model.query_code};{'Sender' if status < 500 else 'Receiver'}"))
        return Response(status, headers, fault_bytes(service, fault))

    return refuse


def fault_bytes(service: str, fault: Fault) -> bytes:
    """A fault's body."""
    model = fault_of(service, fault.code)
    members = fault_body(fault, None) if model.shape is None else _fault_members(fault, model.shape)
    out = bytearray()
    write_any(members | {"__type": type_of(service, model.code)}, out)
    return bytes(out)


def _fault_members(fault: Fault, shape: Shape) -> dict[str, Any]:
    message = next((name for name in shape.members if name.lower() == "message"), "message")
    known = {name: value for name, value in fault.members.items() if name in shape.members}
    return {message: fault.message} | loads(writer(shape)(known))
