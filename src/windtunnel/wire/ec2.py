"""EC2's own dialect of the query protocol: capitalised names, lists without an element name, results without a wrapper.

https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of
from windtunnel.wire.match import Codec
from windtunnel.wire.message import Response
from windtunnel.wire.query import Reader, members, numbered, parser
from windtunnel.wire.scalar import iso8601_milli
from windtunnel.wire.xml import PROLOG, Encoders, escape


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation of EC2."""
    service = operation.service_model.service_name
    return Codec(parse=parser(operation, _Ec2Reader()), respond=_responder(operation), refuse=refuser(service))


class _Ec2Reader(Reader):
    def member_name(self, name: str, shape: Shape) -> str:
        traits = shape.serialization
        if "queryName" in traits:
            return traits["queryName"]
        wire: str = traits.get("name", name)
        return wire[0].upper() + wire[1:]

    def list(self, shape: Shape) -> Callable[[Any], Any]:
        inner = self.value(shape.member)
        return lambda tree: [inner(branch) for branch in numbered(tree, "")]


def _responder(operation: OperationModel) -> Callable[[Mapping[str, Any], str], Response]:
    shape, name = operation.output_shape, operation.name
    version = operation.service_model.metadata["apiVersion"]
    head = f'{PROLOG}<{name}Response xmlns="http://ec2.amazonaws.com/doc/{version}/"><requestId>'
    content = Encoders(iso8601_milli).content(shape) if shape is not None else None

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        # An operation that answers nothing says that it worked.
        inner = content(result) if content is not None else "<return>true</return>"
        body = f"{head}{request_id}</requestId>{inner}</{name}Response>"
        return Response(200, [("x-amzn-RequestId", request_id), ("Content-Type", "text/xml;charset=UTF-8")], body.encode())

    return respond


def refuser(service: str) -> Callable[[Fault, str], Response]:
    """Writes faults of EC2."""

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        body = (
            f"{PROLOG}<Response><Errors><Error><Code>{escape(model.query_code)}</Code><Message>{escape(fault.message)}</Message>"
            f"{members(fault, model.shape)}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        status = fault.status or model.status
        return Response(
            status, [("x-amzn-RequestId", request_id), ("Content-Type", "text/xml;charset=UTF-8"), *fault.headers.items()], body.encode()
        )

    return refuse
