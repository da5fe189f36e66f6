"""Answers of query services as JSON, for who asks by a form and accepts `application/json`: API Gateway's integrations, browsers.

The members are those of the XML, absent ones null, names in alphabetical order; maps are lists of entries. AWS documents it nowhere;
its answers to integrations of SQS are all over the web.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of
from windtunnel.wire import query
from windtunnel.wire.former import with_former_names
from windtunnel.wire.json import encoder
from windtunnel.wire.match import Codec
from windtunnel.wire.message import Response

SERVICES: Final = {"sqs", "sts"}
"""Those whose answers are known in this form."""
_MEDIA: Final = "application/json"
_LISTS: Final = {"Messages": "messages", "QueueUrls": "queueUrls"}
"""Lists whose names begin in lower case."""

Encode = Callable[[Any], Any]


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation of a query service whose client wants JSON."""
    return Codec(
        parse=query.codec(operation).parse,
        respond=_responder(with_former_names(operation)),
        refuse=refuser(operation.service_model.service_name),
    )


def _responder(operation: OperationModel) -> Callable[[Mapping[str, Any], str], Response]:
    shape, name = operation.output_shape, operation.name
    encode = _encoder(shape) if shape is not None else None

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        body: dict[str, Any] = {"ResponseMetadata": {"RequestId": request_id}}
        if encode is not None:
            body[f"{name}Result"] = encode(result)
        return _written(200, {f"{name}Response": body}, request_id)

    return respond


def refuser(service: str) -> Callable[[Fault, str], Response]:
    """Writes faults of a query service for a client that wants JSON."""

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        status = fault.status or model.status
        error = {"Code": model.query_code, "Message": query.message_of(service, fault), "Type": "Sender" if status < 500 else "Receiver"}
        return _written(status, {"Error": error, "RequestId": request_id}, request_id)

    return refuse


def _written(status: int, body: dict[str, Any], request_id: str) -> Response:
    headers = [("x-amzn-RequestId", request_id), ("Content-Type", _MEDIA)]
    return Response(status, headers, orjson.dumps(body, option=orjson.OPT_SORT_KEYS))


def _encoder(shape: Shape) -> Encode:
    kind = shape.type_name
    if kind == "structure":
        members = [(name, _LISTS.get(name, name), _encoder(member)) for name, member in shape.members.items()]
        return lambda value: {written: None if (item := value.get(name)) is None else inner(item) for name, written, inner in members}
    if kind == "list":
        each = _encoder(shape.member)
        return lambda value: [each(item) for item in value]
    if kind == "map":
        key, of = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        inner = _encoder(shape.value)
        return lambda value: [{key: name, of: inner(item)} for name, item in value.items()]
    return encoder(shape)
