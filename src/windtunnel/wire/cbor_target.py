"""AWS's older protocol over CBOR, which the SDKs for Java speak with Kinesis: that of JSON 1.1, its bodies written in CBOR.

The operation is named by X-Amz-Target. Times are whole milliseconds (tag 1), where CBOR itself would have seconds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of
from windtunnel.wire import cbor, eventstream
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response

MEDIA: Final = "application/x-amz-cbor-1.1"
PROTOCOL: Final = "cbor-1.1"


def _write_time(value: float, out: bytearray) -> None:
    out.append(0xC1)
    cbor.write_int(round(value * 1000), out)


def _writer(shape: Shape) -> Callable[[Any], bytes]:
    return cbor.writer(shape, {"timestamp": _write_time})


def _reader(shape: Shape) -> Callable[[Any], Any]:
    return cbor.reader(shape, {"timestamp": lambda value: cbor.typed(value, (int, float)) / 1000})


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation."""
    return Codec(parse=_parser(operation), respond=_responder(operation), refuse=refuser(operation.service_model.service_name))


def _parser(operation: OperationModel) -> Callable[[Request, Match], dict[str, Any]]:
    shape = operation.input_shape
    if shape is None:
        return lambda request, match: {}
    read = _reader(shape)
    return lambda request, match: read(cbor.loaded(request.body)) if request.body else {}


def _headers(request_id: str, media: str = MEDIA) -> list[tuple[str, str]]:
    return [("x-amzn-RequestId", request_id), ("Content-Type", media)]


def _responder(operation: OperationModel) -> Callable[[Mapping[str, Any], str], Response]:
    shape = operation.output_shape
    if shape is None:
        return lambda result, request_id: Response(200, _headers(request_id))
    write = _writer(shape)
    stream = shape.event_stream_name
    if stream is None:
        return lambda result, request_id: Response(200, _headers(request_id), write(result))
    events = eventstream.writer(shape.members[stream], _writer, bytes, MEDIA)

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        first = eventstream.initial_response(write({name: value for name, value in result.items() if name != stream}), MEDIA)
        return Response(200, _headers(request_id, "application/vnd.amazon.eventstream"), events(result[stream], first))

    return respond


def refuser(service: str) -> Callable[[Fault, str], Response]:
    """Writes faults."""

    def refuse(fault: Fault, request_id: str) -> Response:
        status = fault.status or fault_of(service, fault.code).status
        return Response(status, [*_headers(request_id), *fault.headers.items()], cbor.fault_bytes(service, fault))

    return refuse
