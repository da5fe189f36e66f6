"""AWS's older protocol over CBOR, which the SDKs for Java speak with Kinesis: that of JSON 1.1, its bodies written in CBOR.

The operation is named by X-Amz-Target. Times are whole milliseconds (tag 1), where CBOR itself would have seconds.
"""

from collections.abc import Callable
from typing import Any, Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of
from windtunnel.wire.cbor import write_int
from windtunnel.wire.cbor_shapes import reader, typed, writer
from windtunnel.wire.match import Codec
from windtunnel.wire.message import Response
from windtunnel.wire.rpc_v2_cbor import fault_bytes, parser, responder

MEDIA: Final = "application/x-amz-cbor-1.1"
PROTOCOL: Final = "cbor-1.1"


def _write_time(value: float, out: bytearray) -> None:
    out.append(0xC1)
    write_int(round(value * 1000), out)


def _writer(shape: Shape) -> Callable[[Any], bytes]:
    return writer(shape, {"timestamp": _write_time})


def _reader(shape: Shape) -> Callable[[Any], Any]:
    return reader(shape, {"timestamp": lambda value: typed(value, (int, float)) / 1000})


def _headers(request_id: str, media: str = MEDIA) -> list[tuple[str, str]]:
    return [("x-amzn-RequestId", request_id), ("Content-Type", media)]


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation."""
    return Codec(
        parse=parser(operation, _reader),
        respond=responder(operation, _writer, MEDIA, _headers),
        refuse=refuser(operation.service_model.service_name),
    )


def refuser(service: str) -> Callable[[Fault, str], Response]:
    """Writes faults."""

    def refuse(fault: Fault, request_id: str) -> Response:
        status = fault.status or fault_of(service, fault.code).status
        return Response(status, [*_headers(request_id), *fault.headers.items()], fault_bytes(service, fault))

    return refuse
