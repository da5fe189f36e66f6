"""AWS's query protocol: requests are forms with dotted names, results XML. ec2's is a dialect of it and in `ec2.py`.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from binascii import a2b_qp
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape, fault_of, service_model
from windtunnel.wire.former import MESSAGES, NAMESPACES, with_former_names
from windtunnel.wire.match import Codec, Match
from windtunnel.wire.message import Request, Response
from windtunnel.wire.scalar import blob_of, flag_of, number_of, time_of, whole_of
from windtunnel.wire.xml import Encoders, element_name, escape

Tree = dict[str, Any]
"""A form's dotted names unfolded: `A.member.1=x` is `{"A": {"member": {"1": "x"}}}`."""
Read = Callable[[Any], Any]

_MEDIA: Final = "text/xml"
_UNKNOWN: Final = "UnknownOperationException"
"""The fault of AWS's framework where a request asks for nothing at all; it is no `ErrorResponse`."""
_ERROR_ELEMENTS: Final = {"Type", "Code", "Message", "message"}
"""What every error has, and some services' models name once more."""


def codec(operation: OperationModel) -> Codec:
    """The codec of one operation of a query service."""
    service = operation.service_model.service_name
    operation = with_former_names(operation)
    return Codec(parse=parser(operation, Reader()), respond=_responder(operation), refuse=refuser(service))


def form_of(text: str) -> dict[str, str]:
    """The fields of a form or a query string, decoded; of several with one name the last wins."""
    fields: dict[str, str] = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if name:
            fields[name if name.isalnum() else decoded(name)] = decoded(value)
    return fields


def decoded(text: str) -> str:
    """A form's percent-encoding undone; a plus sign is a space."""
    if "+" in text:
        text = text.replace("+", " ")
    return unquoted(text) if "%" in text else text


def unquoted(text: str) -> str:
    """Percent-encoding undone. It differs from quoted-printable by its sign only, and that is read in C, ten times as fast."""
    raw = text.encode("utf-8", "surrogateescape")
    plain = a2b_qp(raw.replace(b"=", b"=3D").replace(b"%", b"="))
    if len(plain) != len(raw) - 2 * raw.count(b"%") or b"\n" in raw:
        # Something after a percent sign was no number: such a sign stands for itself.
        plain = unquote_to_bytes(raw)
    return plain.decode("utf-8", "replace")


def tree_of(form: Mapping[str, str]) -> Tree:
    """A form's dotted names, unfolded."""
    tree: Tree = {}
    for name, value in form.items():
        if "." not in name:
            tree.setdefault(name, value)
            continue
        at = tree
        *path, last = name.split(".")
        for part in path:
            below: Tree | str | None = at.get(part)
            if below is None or isinstance(below, str):
                below = at[part] = Tree()
            at = below
        at[last] = value
    return tree


# ---------------------------------------------------------------- requests


def parser(operation: OperationModel, reader: "Reader") -> Callable[[Request, Match], dict[str, Any]]:
    """What makes an operation's request of a form."""
    shape = operation.input_shape
    if shape is None:
        return lambda request, match: {}
    read = reader.value(shape)
    return lambda request, match: read(tree_of(match.form))


class Reader:
    """Compiles what reads a request from a form's tree. `ec2` overrules how members and lists are named."""

    def __init__(self) -> None:
        self._structures: dict[str, Read] = {}

    def member_name(self, name: str, shape: Shape) -> str:
        """The name of a structure's member in the form. A flattened list goes by its elements' name, where they have one."""
        return element_name(name, shape)

    def value(self, shape: Shape) -> Read:
        """What reads a value from its branch of the tree."""
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self.list(shape)
        if kind == "map":
            return self._map(shape)
        return _scalar(shape)

    def _structure(self, shape: Shape) -> Read:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, Read]] = {}

        def read(tree: Tree) -> dict[str, Any]:
            out: dict[str, Any] = {}
            if type(tree) is dict:
                for key, branch in tree.items():
                    found = members.get(key)
                    if found is not None:
                        out[found[0]] = found[1](branch)
            return out

        self._structures[shape.name] = read
        for name, member in shape.members.items():
            members[self.member_name(name, member)] = (name, self.value(member))
        return read

    def list(self, shape: Shape) -> Read:
        """What reads a list: numbered branches, below the elements' name unless it is flattened."""
        inner = self.value(shape.member)
        below = "" if shape.serialization.get("flattened") else shape.member.serialization.get("name", "member")

        def read(tree: Any) -> list[Any]:
            return [inner(branch) for branch in numbered(tree, below)]

        return read

    def _map(self, shape: Shape) -> Read:
        flattened = bool(shape.serialization.get("flattened"))
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        inner = self.value(shape.value)

        def read(tree: Any) -> dict[str, Any]:
            entries: list[Tree] = [entry for entry in numbered(tree, "" if flattened else "entry") if type(entry) is dict]
            return {entry[key_name]: inner(entry.get(value_name, "")) for entry in entries if key_name in entry}

        return read


def numbered(tree: Tree, below: str) -> list[Any]:
    """The branches 1, 2, 3, … of a tree in their order; gaps close, as they do in AWS."""
    none = Tree()
    branches = tree if type(tree) is dict else none
    if below:
        inner: Tree = branches.get(below, none)
        branches = inner if type(inner) is dict else none
    if len(branches) == 1:
        return list(branches.values()) if next(iter(branches)).isdecimal() else []
    return [branches[key] for key in sorted((key for key in branches if key.isdecimal()), key=int)]


def _scalar(shape: Shape) -> Read:
    read = _SCALARS.get(shape.type_name)
    if read is None:
        return lambda text: text if type(text) is str else ""
    wanted = shape.type_name.capitalize()

    def checked(text: Any) -> Any:
        try:
            return read(text if type(text) is str else "")
        except ValueError:
            message = f"{text} can not be converted to {wanted}" if shape.type_name != "timestamp" else f"{text} is not a valid timestamp"
            raise Fault("MalformedInput", message, status=400) from None

    return checked


_SCALARS: Final[dict[str, Read]] = {
    "boolean": flag_of,
    "integer": whole_of,
    "long": whole_of,
    "float": number_of,
    "double": number_of,
    "blob": blob_of,
    "timestamp": time_of,
}
# ---------------------------------------------------------------- answers


def _responder(operation: OperationModel) -> Callable[[Mapping[str, Any], str], Response]:
    shape, name = operation.output_shape, operation.name
    service = operation.service_model
    space = NAMESPACES.get(service.service_name) or service.metadata.get("xmlNamespace", "")
    head = f'<{name}Response xmlns="{space}">'
    if shape is None:
        content: Callable[[Mapping[str, Any]], str] = lambda result: ""  # noqa: E731
        start = end = empty = ""
    else:
        content = Encoders().content(shape)
        wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
        start, end, empty = f"<{wrapper}>", f"</{wrapper}>", f"<{wrapper}/>"

    def respond(result: Mapping[str, Any], request_id: str) -> Response:
        members = content(result)
        written = f"{start}{members}{end}" if members else empty
        body = f"{head}{written}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
        return Response(200, [("x-amzn-RequestId", request_id), ("Content-Type", _MEDIA)], body.encode())

    return respond


def refuser(service: str) -> Callable[[Fault, str], Response]:
    """Writes faults of a query service."""
    space = NAMESPACES.get(service) or service_model(service).metadata.get("xmlNamespace", "")
    detail = "<Detail/>" if service == "sqs" else ""

    def refuse(fault: Fault, request_id: str) -> Response:
        model = fault_of(service, fault.code)
        status = fault.status or model.status
        if fault.code == _UNKNOWN:
            return Response(status, [("x-amzn-RequestId", request_id), ("Content-Type", _MEDIA)], f"<{_UNKNOWN}/>\n".encode())
        kind = "Sender" if status < 500 else "Receiver"
        body = (
            f'<ErrorResponse xmlns="{space}"><Error><Type>{kind}</Type><Code>{escape(model.query_code)}</Code>'
            f"<Message>{escape(message_of(service, fault))}</Message>{members(fault, model.shape)}{detail}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(status, [("x-amzn-RequestId", request_id), ("Content-Type", _MEDIA), *fault.headers.items()], body.encode())

    return refuse


def message_of(service: str, fault: Fault) -> str:
    """What a fault says in this protocol."""
    return MESSAGES.get((service, fault.code)) or fault.message


def members(fault: Fault, shape: Shape | None) -> str:
    """A fault's further members as XML: by its shape, or as plain text where the model doesn't know them."""
    given = {name: value for name, value in fault.members.items() if name not in _ERROR_ELEMENTS}
    if not given:
        return ""
    modelled = shape.members if shape is not None else {}
    known = {name: value for name, value in given.items() if name in modelled}
    written = Encoders().content(shape)(known) if shape is not None and known else ""
    return written + "".join([f"<{name}>{escape(str(value))}</{name}>" for name, value in given.items() if name not in known])
