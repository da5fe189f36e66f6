"""AWS's JSON 1.0 and 1.1 protocols, and the JSON bodies that rest-json and event streams share with them.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

import orjson

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of, service_model
from windtunnel.wire import eventstream
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response
from windtunnel.wire.scalar import GREATEST, LEAST, blob_of, iso8601, number, number_of, rfc822, time_of, unix

Decode = Callable[[Any], Any]
Encode = Callable[[Any], Any]
"""None in place of an encoder: the value is written as it is."""
Memo = dict[tuple[str, str | None], Any]

_NAMESPACES: Final = {
    "cloudwatch": "com.amazonaws.cloudwatch.v2010_08_01#",
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
    "sqs": "com.amazonaws.sqs#",
}
"""What these services write before a code in `__type`; clients cut it off, but users compare recorded answers."""
_FRAMEWORK: Final = {
    "SerializationException": "com.amazon.coral.service#",
    "UnknownOperationException": "com.amazon.coral.service#",
    "InternalFailure": "com.amazon.coral.service#",
    "AccessDeniedException": "com.amazon.coral.service#",
    "InvalidParameterCombinationException": "com.amazon.coral.service#",
    "InvalidParameterValueException": "com.amazon.coral.service#",
    "MissingRequiredParameterException": "com.amazon.coral.service#",
    "ValidationException": "com.amazon.coral.validate#",
}
"""Faults of AWS's framework, not of a service: they have its namespace where namespaces are written."""


def type_of(service: str, code: str) -> str:
    """A fault's `__type`."""
    namespace = _NAMESPACES.get(service, "")
    if not namespace or code in service_model(service).error_shapes:
        return namespace + code
    return _FRAMEWORK.get(code, namespace) + code


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation of a JSON service."""
    service = operation.service_model.service_name
    media = f"application/x-amz-json-{operation.service_model.metadata.get('jsonVersion', '1.1')}"
    return Codec(
        parse=_parser(operation),
        respond=_responder(operation, media),
        refuse=refuser(service, media),
        streams_in=operation.input_shape is not None and operation.input_shape.event_stream_name is not None,
    )


def _parser(operation: OperationModel) -> Callable[[Request, Match], dict[str, Any]]:
    shape = operation.input_shape
    decode = decoder(shape) if shape is not None else None
    stream = shape.event_stream_name if shape is not None else None
    if shape is not None and stream is not None:
        events = eventstream.reader(shape.members[stream], decoder, loads)
        return lambda request, match: {stream: events(request)}

    def parse(request: Request, match: Match) -> dict[str, Any]:
        return decode(loads(request.body)) if request.body and decode is not None else {}

    return parse


def _responder(operation: OperationModel, media: str) -> Callable[[Mapping[str, Any], str], Response]:
    shape = operation.output_shape
    if shape is None:
        return lambda result, request_id: Response(200, [("x-amzn-RequestId", request_id), ("Content-Type", media)])
    encode = encoder(shape)
    stream = shape.event_stream_name
    if stream is not None:
        events = eventstream.writer(shape.members[stream], encoder, _dumps, "application/json")

        def respond_events(result: Mapping[str, Any], request_id: str) -> Response:
            initial = {name: value for name, value in result.items() if name != stream}
            first = eventstream.initial_response(_dumps(encode(initial)), media)
            headers = [("x-amzn-RequestId", request_id), ("Content-Type", "application/vnd.amazon.eventstream")]
            return Response(200, headers, events(result[stream], first))

        return respond_events
    crc = operation.service_model.service_name == "dynamodb"

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        body = orjson.dumps(encode(result))
        headers = [("x-amzn-RequestId", request_id), ("Content-Type", media)]
        if crc:
            headers.append(("x-amz-crc32", str(zlib.crc32(body))))
        return Response(200, headers, body)

    return respond


def refuser(service: str, media: str) -> Callable[[Fault, str], Response]:
    """Writes faults of a JSON service."""

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        body = fault_body(fault, model.shape)
        body["__type"] = type_of(service, model.code)
        status = fault.status or model.status
        headers = [("x-amzn-RequestId", request_id), ("Content-Type", media), *fault.headers.items()]
        if model.query_error:
            headers.append(("x-amzn-query-error", f"{model.query_code};{'Sender' if status < 500 else 'Receiver'}"))
        return Response(status, headers, orjson.dumps(body))

    return refuse


def fault_body(fault: Fault, shape: Shape | None) -> dict[str, Any]:
    """A fault's members as JSON, its message under the name that its shape has for it."""
    body: dict[str, Any] = {"__type": fault.code}
    if shape is None:
        body.update(fault.members)
        if fault.message:
            body["message"] = fault.message
        return body
    members = {key: value for key, value in fault.members.items() if key not in shape.members or not _in_head(shape.members[key])}
    name = next((name for name in shape.members if name.lower() == "message"), None)
    body.update(encoder(shape)({key: value for key, value in members.items() if key in shape.members}))
    body.update({key: value for key, value in members.items() if key not in shape.members})
    if fault.message and name not in members:
        body["message" if name is None else shape.members[name].serialization.get("name", name)] = fault.message
    return body


def _in_head(shape: Shape) -> bool:
    return shape.serialization.get("location") in {"header", "headers", "statusCode"}


def loads(body: bytes) -> Any:
    """A JSON body. Raises SerializationException where it isn't one."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Fault("SerializationException", status=400) from None


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value)


def encoder(shape: Shape) -> Encode:
    """Compiles what turns a result into what orjson can write."""
    return _encoder(shape, {}) or _same


def decoder(shape: Shape) -> Decode:
    """Compiles what turns parsed JSON into a request."""
    return _decoder(shape, {})


def _same(value: Any) -> Any:
    return value


# ---------------------------------------------------------------- encoding


def _encoder(shape: Shape, memo: Memo) -> Encode | None:
    kind = shape.type_name
    if kind == "structure":
        return None if shape.is_document_type else _structure_encoder(shape, memo)
    if kind == "list":
        return _list_encoder(shape, memo)
    if kind == "map":
        return _map_encoder(shape, memo)
    if kind == "blob":
        return _blob
    if kind == "timestamp":
        return timestamp_encoder(shape)
    if kind in {"float", "double"}:
        return _number
    return None


def _structure_encoder(shape: Shape, memo: Memo) -> Encode:
    key = (shape.name, None)
    if key in memo:
        return memo[key]
    members: dict[str, tuple[str, Encode | None]] = {}

    def encode(value: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, item in value.items():
            if item is not None:
                wire, inner = members[name]
                out[wire] = item if inner is None else inner(item)
        return out

    memo[key] = encode
    for name, member in shape.members.items():
        members[name] = (member.serialization.get("name", name), _encoder(member, memo))
    return encode


def _list_encoder(shape: Shape, memo: Memo) -> Encode | None:
    inner = _encoder(shape.member, memo)
    if inner is None:
        return None
    return lambda value: [None if item is None else inner(item) for item in value]


def _map_encoder(shape: Shape, memo: Memo) -> Encode | None:
    inner = _encoder(shape.value, memo)
    if inner is None:
        return None
    return lambda value: {key: None if item is None else inner(item) for key, item in value.items()}


def _blob(value: bytes | str) -> str:
    return b64encode(value.encode() if isinstance(value, str) else value).decode()


def _number(value: float) -> float | str:
    return value if isfinite(value) else number(value)


def timestamp_encoder(shape: Shape) -> Encode:
    """Writes a time in a JSON body; epoch seconds unless the model says otherwise."""
    form: str = shape.serialization.get("timestampFormat", "unixTimestamp")
    return {"iso8601": iso8601, "rfc822": rfc822}.get(form, unix)


# ---------------------------------------------------------------- decoding


def _decoder(shape: Shape, memo: Memo) -> Decode:
    kind = shape.type_name
    if kind == "structure":
        return _same if shape.is_document_type else _structure_decoder(shape, memo)
    if kind == "list":
        return _list_decoder(_decoder(shape.member, memo))
    if kind == "map":
        return _map_decoder(_decoder(shape.value, memo))
    return _SCALARS.get(kind, _text)


def _structure_decoder(shape: Shape, memo: Memo) -> Decode:
    key = (shape.name, None)
    if key in memo:
        return memo[key]
    members: dict[str, tuple[str, type | None, Decode]] = {}

    def decode(value: dict[str, Any]) -> dict[str, Any]:
        if type(value) is not dict:
            raise _unexpected(value)
        out: dict[str, Any] = {}
        for wire, item in value.items():
            if item is not None:
                found = members.get(wire)
                if found is not None:
                    name, plain, inner = found
                    out[name] = item if type(item) is plain else inner(item)
        return out

    memo[key] = decode
    for name, member in shape.members.items():
        plain = _PLAIN.get(member.type_name)
        members[member.serialization.get("name", name)] = (name, plain, _decoder(member, memo))
    return decode


def _list_decoder(inner: Decode) -> Decode:
    def decode(value: list[Any]) -> list[Any]:
        if type(value) is not list:
            raise _unexpected(value)
        return [inner(item) for item in value if item is not None]

    return decode


def _map_decoder(inner: Decode) -> Decode:
    def decode(value: dict[str, Any]) -> dict[str, Any]:
        if type(value) is not dict:
            raise _unexpected(value)
        return {key: inner(item) for key, item in value.items() if item is not None}

    return decode


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise _mismatch(value, "a String")


def _flag(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _mismatch(value, "a Boolean")


def _whole(word: str) -> Decode:
    def decode(value: Any) -> int:
        if type(value) is int:
            return value
        if type(value) is float and value.is_integer() and LEAST <= value <= GREATEST:
            return int(value)
        raise _mismatch(value, word)

    return decode


def _real(word: str) -> Decode:
    def decode(value: Any) -> float:
        if type(value) is float or type(value) is int:
            return value
        if type(value) is str:
            try:
                return number_of(value)
            except ValueError:
                pass
        raise _mismatch(value, word)

    return decode


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise _mismatch(value, "a Blob")
    try:
        return blob_of(value)
    except ValueError:
        raise _serialization("Blobs must be base64 encoded") from None


def _time(value: Any) -> float:
    if type(value) in {int, float}:
        return value
    if type(value) is str:
        try:
            return time_of(value)
        except ValueError:
            pass
    raise _mismatch(value, "a Date")


_SCALARS: Final[dict[str, Decode]] = {
    "string": _text,
    "character": _text,
    "boolean": _flag,
    "integer": _whole("an Integer"),
    "long": _whole("a Long"),
    "float": _real("a Float"),
    "double": _real("a Double"),
    "blob": _bytes,
    "timestamp": _time,
}


_PLAIN: Final[dict[str, type]] = {"string": str, "character": str, "boolean": bool, "integer": int, "long": int}
"""What a scalar's value is taken as it is when it is one of."""


def _serialization(message: str) -> Fault:
    return Fault("SerializationException", message, status=400)


def _unexpected(value: Any) -> Fault:
    """A scalar or the wrong container where a container belongs."""
    if type(value) is dict:
        return _serialization("Start of structure or map found where not expected.")
    if type(value) is list:
        return _serialization("Start of list found where not expected")
    return _serialization("Unexpected field type")


def _mismatch(value: Any, wanted: str) -> Fault:
    """A value of another type where a scalar belongs, in the words of AWS's JSON reader."""
    if type(value) in {dict, list}:
        return _unexpected(value)
    if type(value) is bool:
        found = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        found = "STRING_VALUE" if type(value) is str else "NUMBER_VALUE"
    return _serialization(f"{found} can not be converted to {wanted}")
