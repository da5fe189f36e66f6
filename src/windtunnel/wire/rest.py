"""What both REST protocols bind outside the body: URI labels, query parameters, headers and the status code.

https://smithy.io/2.0/spec/http-bindings.html
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from windtunnel.aws.errors import Fault
from windtunnel.aws.model import OperationModel, Shape
from windtunnel.wire.match import Match
from windtunnel.wire.message import FileSlice, Request
from windtunnel.wire.scalar import blob_of, flag, flag_of, iso8601, iso8601_milli, number, number_of, rfc822, time_of, unix_text, whole_of

ReadText = Callable[[str], Any]
WriteText = Callable[[Any], str]
Refuse = Callable[[str, str], Fault]
"""Makes the service's fault for a parameter of that name with that unreadable text."""

_HEADER_ITEM: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*?))\s*(?:,|$)')
_HEADERS_FEW: Final = 6


def body_members(shape: Shape) -> dict[str, Shape]:
    """The members that no part of the head carries."""
    return {name: member for name, member in shape.members.items() if member.serialization.get("location") not in _LOCATIONS}


_LOCATIONS: Final = {"uri", "querystring", "header", "headers", "statusCode"}


# ---------------------------------------------------------------- requests


Step = Callable[[Request, Match, dict[str, Any]], None]


def reader(operation: OperationModel, refuse: Refuse) -> Step:
    """Compiles what reads a request's head into its members."""
    bound: dict[str, dict[str, Shape]] = {"uri": {}, "header": {}, "headers": {}, "querystring": {}}
    shape = operation.input_shape
    for name, member in (shape.members if shape is not None else {}).items():
        location = member.serialization.get("location", "")
        if location in bound:
            bound[location][name] = member
    template: str = operation.http["requestUri"].partition("?")[2]
    literals = {pair.partition("=")[0] for pair in template.split("&")}
    possible = (
        _label_step(bound["uri"], refuse),
        _header_step(bound["header"], refuse),
        _prefix_step(bound["headers"]),
        _query_step(bound["querystring"], literals, refuse),
    )
    steps = [step for step in possible if step is not None]
    if len(steps) == 1:
        return steps[0]

    def read(request: Request, match: Match, out: dict[str, Any]) -> None:
        for step in steps:
            step(request, match, out)

    return read


def _label_step(members: dict[str, Shape], refuse: Refuse) -> Step | None:
    names = {name: member.serialization.get("name", name) for name, member in members.items()}
    labels = [(name, names[name], _checked(names[name], _text_reader(member), refuse)) for name, member in members.items()]

    def read(request: Request, match: Match, out: dict[str, Any]) -> None:
        for name, wire, convert in labels:
            value = match.labels.get(wire)
            if value is not None:
                out[name] = convert(value)

    return read if labels else None


def _header_step(members: dict[str, Shape], refuse: Refuse) -> Step | None:
    headers: dict[str, tuple[str, ReadText]] = {}
    for name, member in members.items():
        wire: str = member.serialization.get("name", name)
        headers[wire.lower()] = (name, _checked(wire, _header_reader(member), refuse))
    few = tuple(headers.items())

    def read_few(request: Request, match: Match, out: dict[str, Any]) -> None:
        found = request.headers
        for wire, (name, convert) in few:
            value = found.get(wire)
            if value is not None:
                out[name] = convert(value)

    def read_many(request: Request, match: Match, out: dict[str, Any]) -> None:
        for wire, value in request.headers.items():
            member = headers.get(wire)
            if member is not None:
                out[member[0]] = member[1](value)

    if not headers:
        return None
    # S3 has operations with forty headers, of which a request has three.
    return read_few if len(headers) < _HEADERS_FEW else read_many


def _prefix_step(members: dict[str, Shape]) -> Step | None:
    prefixes = [(name, member.serialization.get("name", "").lower()) for name, member in members.items()]

    def read(request: Request, match: Match, out: dict[str, Any]) -> None:
        for name, prefix in prefixes:
            cut = len(prefix)
            several = {key[cut:]: value for key, value in request.headers.items() if key.startswith(prefix) and len(key) > cut}
            if several:
                out[name] = several

    return read if prefixes else None


def _query_step(members: dict[str, Shape], literals: set[str], refuse: Refuse) -> Step | None:
    queries: list[tuple[str, str, bool, ReadText]] = []
    rest: list[tuple[str, bool]] = []
    for name, member in members.items():
        wire: str = member.serialization.get("name", name)
        if member.type_name == "map":
            rest.append((name, member.value.type_name == "list"))
            continue
        several = member.type_name == "list"
        queries.append((name, wire, several, _checked(wire, _text_reader(member.member if several else member), refuse)))
    taken = {wire for _, wire, _, _ in queries} | literals

    def read(request: Request, match: Match, out: dict[str, Any]) -> None:
        query = match.query
        if not query:
            return
        for name, wire, several, convert in queries:
            values = query.get(wire)
            if values is not None:
                out[name] = [convert(value) for value in values] if several else convert(values[0])
        for name, several in rest:
            left = {key: values if several else values[0] for key, values in query.items() if key not in taken}
            if left:
                out[name] = left

    return read if members else None


def _checked(name: str, convert: ReadText, refuse: Refuse) -> ReadText:
    if convert is _as_is:
        return convert

    def checked(text: str) -> Any:
        try:
            return convert(text)
        except ValueError:
            raise refuse(name, text) from None

    return checked


def _as_is(text: str) -> str:
    return text


def _text_reader(shape: Shape) -> ReadText:
    """Reads a scalar from a label, a parameter or a header."""
    return _READERS.get(shape.type_name, _as_is)


_READERS: Final[dict[str, ReadText]] = {
    "boolean": flag_of,
    "integer": whole_of,
    "long": whole_of,
    "float": number_of,
    "double": number_of,
    "timestamp": time_of,
    "blob": blob_of,
}


def _header_reader(shape: Shape) -> ReadText:
    if shape.type_name == "list":
        inner = _text_reader(shape.member)
        if shape.member.type_name == "timestamp":
            return lambda text: [inner(part) for part in _dates(text)]
        return lambda text: [inner(part) for part in header_items(text)]
    if shape.serialization.get("jsonvalue"):
        return lambda text: orjson.loads(b64decode(text))
    return _text_reader(shape)


def header_items(text: str) -> list[str]:
    """The elements of a header that is a list; those with commas are quoted."""
    if '"' not in text:
        return [part.strip() for part in text.split(",")]
    found: list[str] = []
    at = 0
    while at < len(text):
        match = _HEADER_ITEM.match(text, at)
        if match is None:
            break
        quoted, plain = match.groups()
        found.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    return found


def _dates(text: str) -> list[str]:
    """HTTP dates contain a comma themselves."""
    parts = [part.strip() for part in text.split(",")]
    if all(len(part) != 3 for part in parts):
        return parts
    return [f"{day}, {rest}" for day, rest in zip(parts[::2], parts[1::2], strict=False)]


# ---------------------------------------------------------------- answers


def writer(shape: Shape | None) -> Callable[[Mapping[str, Any], list[tuple[str, str]]], int | None]:
    """Compiles what writes a result's headers, and returns the status code where a member carries it."""
    simple: dict[str, tuple[str, WriteText]] = {}
    prefixes: list[tuple[str, str]] = []
    status: str | None = None
    for name, member in (shape.members if shape is not None else {}).items():
        wire: str = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "header":
                simple[name] = (wire, _header_writer(member))
            case "headers":
                prefixes.append((name, wire))
            case "statusCode":
                status = name
            case _:
                pass

    def write(result: Mapping[str, Any], headers: list[tuple[str, str]]) -> int | None:
        for name, value in result.items():
            member = simple.get(name)
            if member is not None and value is not None:
                headers.append((member[0], member[1](value)))
        for name, prefix in prefixes:
            several: Mapping[str, Any] = result.get(name) or {}
            headers.extend([(prefix + key, str(value)) for key, value in several.items()])
        return result.get(status) if status is not None else None

    return write


def _header_writer(shape: Shape) -> WriteText:
    kind = shape.type_name
    if kind == "list":
        inner = _header_writer(shape.member)
        if shape.member.type_name == "string":
            return lambda value: ", ".join([_quoted(item) for item in value])
        return lambda value: ", ".join([inner(item) for item in value])
    if shape.serialization.get("jsonvalue"):
        return lambda value: b64encode(orjson.dumps(value)).decode()
    if kind == "timestamp":
        form: str = shape.serialization.get("timestampFormat", "rfc822")
        return {"iso8601": iso8601, "unixTimestamp": unix_text}.get(form, rfc822)
    if kind == "blob":
        return lambda value: b64encode(value).decode()
    return {"boolean": flag, "float": number, "double": number}.get(kind, str)


def _quoted(text: str) -> str:
    if '"' in text or "," in text:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return text


def is_streaming(shape: Shape | None) -> bool:
    """Whether the structure's payload is read or written while it passes."""
    if shape is None:
        return False
    payload = shape.serialization.get("payload")
    if payload is None:
        return False
    traits = shape.members[payload].serialization
    return bool(traits.get("streaming") or traits.get("eventstream"))


def iso_of(service: str) -> Callable[[float], str]:
    """S3 always prints milliseconds."""
    return iso8601_milli if service in {"s3", "s3control"} else iso8601


# ---------------------------------------------------------------- payloads


def payload(out: dict[str, Any], name: str, value: Any) -> None:
    """Sets the member that is the whole body, unless there is none."""
    if value is not None and (value or not isinstance(value, (bytes, str))):
        out[name] = value


def opaque(value: Any) -> Any:
    """A blob that is the whole body: bytes, text, a piece of a file, or an iterator of bytes."""
    if value is None:
        return b""
    if hasattr(value, "path"):  # a blob's piece
        return FileSlice(value.path, value.offset, value.length)
    return value.encode() if isinstance(value, str) else value
