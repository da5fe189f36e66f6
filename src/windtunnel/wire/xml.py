"""XML bodies, compiled from shapes in both directions; shared by rest-xml, query and ec2.

Results are written as strings, without a tree in between: a listing of a thousand keys is one join. Documents that declare
entities are refused, as they could be made to grow without bounds.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

from windtunnel.aws.model import Shape
from windtunnel.aws.records import Records
from windtunnel.wire.scalar import blob_of, flag_of, iso8601, number, number_of, rfc822, time_of, unix_text, whole_of

Encode = Callable[[Any], str]
Decode = Callable[[Element], Any]
Content = Callable[[Mapping[str, Any]], str]

PROLOG: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ESCAPES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"))
_ROWS_MIN: Final = 16
"""Lists of structures from this length on are written by columns."""
_CONTROLS: Final = "".join(map(chr, (*range(0x09), *range(0x0B, 0x20), 0xFFFE, 0xFFFF)))
_CONTROL: Final = re.compile(f"[{re.escape(_CONTROLS)}]")


class MalformedXml(Exception):
    """The bytes are no XML document, or one with a DTD."""


# ---------------------------------------------------------------- encoding


def escape(text: str) -> str:
    """Text as an element's content or an attribute's value. Control characters become references, as AWS writes them."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    return text if text.isprintable() else _CONTROL.sub(_reference, text)


def _escaped(column: Sequence[str]) -> Sequence[str]:
    """Many texts escaped at once: as one text in which they stand apart, so that each character is looked for once."""
    joined = "\0".join(column)
    if joined.count("\0") >= len(column):
        return list(map(escape, column))
    written = joined
    for char, escaped in _ESCAPES:
        if char in written:
            written = written.replace(char, escaped)
    # Looking for each control character is a search for a byte, far quicker than a look at each character.
    if any(char in joined for char in _CONTROLS if char != "\0"):
        return [_CONTROL.sub(_reference, text) for text in written.split("\0")]
    return column if written is joined else written.split("\0")


def _columns(value: Sequence[Any]) -> list[tuple[str, tuple[Any, ...]]] | None:
    """Members' names with their values in all structures; None where those don't have the same members."""
    names: tuple[str, ...] = tuple(value[0] or ())
    if not names or None in value or set(map(len, value)) != {len(names)}:
        return None
    try:
        return [(name, tuple(map(itemgetter(name), value))) for name in names]
    except KeyError:
        return None


def _reference(match: re.Match[str]) -> str:
    return f"&#x{ord(match.group()):x};"


class _Words(dict[str, str]):
    """An enum's words, escaped; looking them up is cheaper than to look through them. Others are escaped as they come."""

    def __missing__(self, word: str) -> str:
        return escape(word)


class Encoders:
    """Compiles encoders of one operation's result; holds what is compiled, as shapes may contain themselves."""

    def __init__(self, iso: Encode = iso8601) -> None:
        self._iso = iso
        self._contents: dict[str, Content] = {}
        self._members: dict[str, dict[str, tuple[str, Encode, str]]] = {}

    def element(self, shape: Shape, tag: str) -> Encode:
        """What writes a value as the element `tag`; a flattened list or map as several."""
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape, tag)
        if kind == "list":
            return self._list(shape, tag)
        if kind == "map":
            return self._map(shape, tag)
        write, head, tail = self.scalar(shape), f"<{tag}>", f"</{tag}>"
        return lambda value: f"{head}{write(value)}{tail}"

    def content(self, shape: Shape) -> Content:
        """What writes a structure's members, without an element around them."""
        known = self._contents.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, Encode, str]] = {}

        def write(value: Mapping[str, Any]) -> str:
            out: list[str] = []
            for name, item in value.items():
                if item is not None:
                    head, inner, tail = members[name]
                    out += (head, inner(item), tail)
            return "".join(out)

        self._contents[shape.name] = write
        self._members[shape.name] = members
        for name, member in shape.members.items():
            if "location" not in member.serialization and not member.serialization.get("xmlAttribute"):
                members[name] = self._parts(member, element_name(name, member))
        return write

    def _parts(self, shape: Shape, tag: str) -> tuple[str, Encode, str]:
        """An element in three parts, to save a call where they are constant."""
        if shape.type_name in {"structure", "list", "map"}:
            return "", self.element(shape, tag), ""
        return f"<{tag}>", self.scalar(shape), f"</{tag}>"

    def scalar(self, shape: Shape) -> Encode:
        """What writes a scalar's text."""
        kind = shape.type_name
        if kind == "boolean":
            return lambda value: "true" if value else "false"
        if kind == "timestamp":
            form: str = shape.serialization.get("timestampFormat", "iso8601")
            return {"rfc822": rfc822, "unixTimestamp": unix_text}.get(form, self._iso)
        if kind == "blob":
            return lambda value: b64encode(value.encode() if isinstance(value, str) else value).decode()
        if kind in {"float", "double"}:
            return number
        if kind in {"integer", "long"}:
            return str
        return _Words({word: escape(word) for word in shape.enum}).__getitem__ if shape.enum else escape

    def _structure(self, shape: Shape, tag: str) -> Encode:
        content = self.content(shape)
        attributes = {
            name: member.serialization["name"] for name, member in shape.members.items() if member.serialization.get("xmlAttribute")
        }
        if not attributes:
            head, tail = f"<{tag}>", f"</{tag}>"
            return lambda value: f"{head}{content(value)}{tail}"
        space = shape.serialization.get("xmlNamespace", {})
        start = f'<{tag} xmlns:{space["prefix"]}="{space["uri"]}"' if space.get("prefix") else f"<{tag}"

        def write(value: Mapping[str, Any]) -> str:
            given = "".join([f' {attributes[name]}="{escape(value[name])}"' for name in attributes if value.get(name) is not None])
            rest = {name: item for name, item in value.items() if name not in attributes}
            return f"{start}{given}>{content(rest)}</{tag}>"

        return write

    def _list(self, shape: Shape, tag: str) -> Encode:
        flattened = bool(shape.serialization.get("flattened"))
        item_tag = tag if flattened else shape.member.serialization.get("name", "member")
        inner = self.element(shape.member, item_tag)
        head, tail = ("", "") if flattened else (f"<{tag}>", f"</{tag}>")
        rows = self._rows(shape.member, item_tag)

        def write(value: Sequence[Any]) -> str:
            if rows is not None and len(value) >= _ROWS_MIN:
                written = rows(value)
                if written is not None:
                    return written if flattened else f"{head}{written}{tail}"
            return f"{head}{''.join([inner(item) for item in value if item is not None])}{tail}"

        return write

    def _rows(self, shape: Shape, tag: str) -> Callable[[Sequence[Any]], str | None] | None:
        """What writes many structures with the same members: by columns, so that each is looked through in one go and joined in C.

        What is the same in all of them (an owner, a storage class) is written once and becomes a part of the text between the columns.
        It takes a third of the time that one structure after the other takes; where members differ or are None it writes nothing.
        """
        if shape.type_name != "structure" or any(member.serialization.get("xmlAttribute") for member in shape.members.values()):
            return None
        # Read when it is called, as a structure that contains itself is not compiled yet.
        compiled, content = self._members, self.content(shape)

        def write(value: Sequence[Any]) -> str | None:
            columns, common = value.columns() if isinstance(value, Records) else (_columns(value), ())
            if columns is None:
                return None
            members = compiled[shape.name]
            pieces = [(*members[name], column) for name, column in columns]
            if isinstance(value, Records):
                written = {each: content(value.members(each)) for each in set(common)}
                pieces.append(("", written.__getitem__, "", common))
            row = [f"<{tag}>"]
            varying: list[Iterable[str]] = []
            for head, inner, tail, column in pieces:
                first = column[0]
                # The last one is looked at first, as it tells most columns that vary.
                if column[-1] == first and column.count(first) == len(column):
                    row[-1] += "" if first is None else f"{head}{inner(first)}{tail}"
                elif None in column:
                    return None
                else:
                    varying.append(_escaped(column) if inner is escape else map(inner, column))
                    row[-1] += head
                    row += ("", tail)
            row[-1] += f"</{tag}>"
            texts = row * len(value)
            for at, column in enumerate(varying):
                texts[2 * at + 1 :: len(row)] = column
            return "".join(texts)

        return write

    def _map(self, shape: Shape, tag: str) -> Encode:
        key = self.element(shape.key, shape.key.serialization.get("name", "key"))
        inner = self.element(shape.value, shape.value.serialization.get("name", "value"))
        if shape.serialization.get("flattened"):
            return lambda value: "".join([f"<{tag}>{key(name)}{inner(item)}</{tag}>" for name, item in value.items() if item is not None])

        def write(value: Mapping[str, Any]) -> str:
            entries = [f"<entry>{key(name)}{inner(item)}</entry>" for name, item in value.items() if item is not None]
            return f"<{tag}>{''.join(entries)}</{tag}>"

        return write


def element_name(name: str, shape: Shape) -> str:
    """The element of a structure's member. A flattened list's is named by its elements, where they have a name."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        inner = shape.member.serialization.get("name")
        if inner is not None:
            return inner
    return shape.serialization.get("name", name)


# ---------------------------------------------------------------- decoding


def parse(body: bytes) -> Element:
    """The root of a document. Raises MalformedXml; a DTD is malformed to AWS, and a zero byte is no UTF-8 text."""
    if b"<!DOCTYPE" in body or b"\0" in body:
        raise MalformedXml
    parser = XMLParser(encoding="utf-8")
    try:
        parser.feed(body)
        return parser.close()
    except ParseError as error:
        raise MalformedXml from error


class Decoders:
    """Compiles decoders of one operation's request. Decoders raise ValueError for a scalar that isn't what it should be."""

    def __init__(self) -> None:
        self._structures: dict[str, Decode] = {}

    def node(self, shape: Shape) -> Decode:
        """What reads a value from its element."""
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            inner = self.node(shape.member)
            return lambda node: [inner(child) for child in node]
        if kind == "map":
            pair = self._pair(shape)
            return lambda node: dict(pair(child) for child in node)
        return _SCALARS.get(kind, _text)

    def _structure(self, shape: Shape) -> Decode:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, str, Decode]] = {}
        attributes: dict[str, str] = {}

        def read(node: Element) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for key, value in node.attrib.items() if attributes else ():
                name = attributes.get(key.rpartition("}")[2])
                if name is not None:
                    out[name] = value
            for child in node:
                tag = child.tag
                found = members.get(tag.rpartition("}")[2] if tag[0] == "{" else tag)
                if found is None:
                    continue
                name, how, decode = found
                if not how:
                    out[name] = decode(child)
                elif how == "list":
                    out.setdefault(name, []).append(decode(child))
                else:
                    out.setdefault(name, {}).update((decode(child),))
            return out

        self._structures[shape.name] = read
        for name, member in shape.members.items():
            traits = member.serialization
            if traits.get("xmlAttribute"):
                attributes[traits["name"].rpartition(":")[2]] = name
            elif "location" not in traits:
                found = self._member(name, member)
                members[element_name(name, member)] = found
                members.setdefault(traits.get("name", name), found)
        return read

    def _member(self, name: str, shape: Shape) -> tuple[str, str, Decode]:
        if not shape.serialization.get("flattened"):
            return name, "", self.node(shape)
        if shape.type_name == "list":
            return name, "list", self.node(shape.member)
        return name, "map", self._pair(shape)

    def _pair(self, shape: Shape) -> Callable[[Element], tuple[str, Any]]:
        key_tag = shape.key.serialization.get("name", "key")
        value_tag = shape.value.serialization.get("name", "value")
        inner = self.node(shape.value)

        def read(node: Element) -> tuple[str, Any]:
            key, value = "", None
            for child in node:
                tag = child.tag.rpartition("}")[2]
                if tag == key_tag:
                    key = child.text or ""
                elif tag == value_tag:
                    value = inner(child)
            return key, value

        return read


def _text(node: Element) -> str:
    return node.text or ""


_SCALARS: Final[dict[str, Decode]] = {
    "boolean": lambda node: flag_of(node.text or ""),
    "integer": lambda node: whole_of(node.text or ""),
    "long": lambda node: whole_of(node.text or ""),
    "float": lambda node: number_of((node.text or "").strip()),
    "double": lambda node: number_of((node.text or "").strip()),
    "blob": lambda node: blob_of(node.text or ""),
    "timestamp": lambda node: time_of(node.text or ""),
}
