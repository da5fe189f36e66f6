"""Finds the codec of what was asked for: compiled from the model when an operation is first called, kept ever after."""

from collections.abc import Callable
from functools import cache
from typing import Final

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, operation_model, service_model
from windtunnel.wire import cbor_target, ec2, json, query, query_json, rest_json, rest_xml, rpc_v2_cbor
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Response

__all__ = ["Codec", "codec_of", "compiled", "refusal"]

_PROTOCOLS: Final[dict[str, Callable[[OperationModel], Codec]]] = {
    "json": json.codec,
    "query": query.codec,
    "query-json": query_json.codec,
    "ec2": ec2.codec,
    "rest-json": rest_json.codec,
    "rest-xml": rest_xml.codec,
    "smithy-rpc-v2-cbor": rpc_v2_cbor.codec,
    cbor_target.PROTOCOL: cbor_target.codec,
}


def codec_of(match: Match) -> Codec:
    """The codec for a routed request."""
    return compiled(match.service, match.operation, match.protocol)


@cache
def compiled(service: str, operation: str, protocol: str) -> Codec:
    """The codec of one operation in one protocol."""
    return _PROTOCOLS[protocol](operation_model(service, operation))


def refusal(service: str, protocol: str, fault: Fault, request_id: str, *, head: bool = False) -> Response:
    """Writes a fault where no operation is known: an unknown action, a signature that can't be read."""
    match protocol:
        case "query":
            return query.refuser(service)(fault, request_id)
        case "query-json":
            return query_json.refuser(service)(fault, request_id)
        case "ec2":
            return ec2.refuser(service)(fault, request_id)
        case "rest-json":
            return rest_json.refuser(service, head=head)(fault, request_id)
        case "rest-xml":
            return rest_xml.refuser(service, head=head)(fault, request_id)
        case "smithy-rpc-v2-cbor":
            return rpc_v2_cbor.refuser(service)(fault, request_id)
        case cbor_target.PROTOCOL:
            return cbor_target.refuser(service)(fault, request_id)
        case _:
            version = service_model(service).metadata.get("jsonVersion", "1.1")
            return json.refuser(service, f"application/x-amz-json-{version}")(fault, request_id)
