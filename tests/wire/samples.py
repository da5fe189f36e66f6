"""Values for shapes: deterministic, with every member set, as deep as a shape contains itself only once."""

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

TIME = 1577934245.0
DEPTH_MAX = 7

Path = tuple[str, ...]


def sample(shape: Shape, path: Path = (), *, plain: bool = False) -> Any:
    """A value of the shape. `plain` is for where only ASCII without commas goes through, as in headers."""
    if isinstance(shape, StructureShape):
        return structure(shape, path, plain=plain)
    if isinstance(shape, ListShape):
        items = [sample(shape.member, path, plain=plain)]
        if len(path) < 3 and shape.member.type_name == "string" and not shape.member.enum:
            items.append(items[0] + "2")
        return items
    if isinstance(shape, MapShape):
        return {key: sample(shape.value, path, plain=plain) for key in keys(shape.key, path)}
    return scalar(shape, path, plain=plain)


def scalar(shape: Shape, path: Path, *, plain: bool) -> Any:
    if isinstance(shape, StringShape):
        if shape.serialization.get("jsonvalue") and shape.serialization.get("location") == "header":
            return {"a": [1, "x"]}
        if shape.enum:
            return shape.enum[0]
        return f"{shape.name}-{len(path)}" if plain else f"{shape.name} é/+%&<\">'\n;={len(path)}"
    return {
        "integer": 7,
        "long": 2**40 + 1,
        "boolean": True,
        "float": 0.5,
        "double": 1e-7,
        "blob": b"blob" if plain else b"\x00\xffblob",
        "timestamp": TIME,
        "character": "c",
    }[shape.type_name]


def keys(shape: Shape, path: Path) -> list[str]:
    if isinstance(shape, StringShape) and shape.enum:
        return shape.enum[:2]
    return ["key.1", "key2"] if len(path) < 3 else ["key"]


def structure(shape: StructureShape, path: Path, *, plain: bool = False) -> Any:
    if shape.is_document_type:
        return {"document": [1, "é", {"x": True}]}
    below = (*path, shape.name)
    members = {name: member for name, member in shape.members.items() if can_hold(member, below)}
    if shape.is_tagged_union:
        members = dict(list(members.items())[:1])
    return {name: sample(member, below, plain=plain) for name, member in members.items()}


def can_hold(shape: Shape, path: Path) -> bool:
    """Whether a value of the shape can be written without going round in a circle."""
    if isinstance(shape, ListShape):
        return can_hold(shape.member, path)
    if isinstance(shape, MapShape):
        return can_hold(shape.value, path)
    if not isinstance(shape, StructureShape) or shape.is_document_type:
        return True
    if shape.name in path or len(path) >= DEPTH_MAX:
        return False
    return not shape.is_tagged_union or any(can_hold(member, (*path, shape.name)) for member in shape.members.values())


def request_of(shape: StructureShape) -> dict[str, Any]:
    """A request: what stands in its head must be fit for it. Event streams are left out, as botocore can't write them."""
    members: dict[str, Any] = {}
    for name, member in shape.members.items():
        if member.serialization.get("eventstream") or not can_hold(member, (shape.name,)):
            continue
        location = member.serialization.get("location")
        if member.serialization.get("hostLabel"):
            members[name] = "label-1"
        elif location == "headers":
            members[name] = {"one": "1", "two": "2"}
        elif location == "header" and member.type_name == "list" and member.member.type_name == "string" and not member.member.enum:
            members[name] = ["plain", 'with, comma and "quote"']
        elif location == "header":
            members[name] = sample(member, (shape.name,), plain=True)
        elif location == "querystring" and member.type_name == "map":
            members[name] = {"q1": ["1", "2"]} if member.value.type_name == "list" else {"q1": "1"}
        else:
            members[name] = sample(member, (shape.name,))
    return members


def result_of(shape: StructureShape) -> dict[str, Any]:
    """A result, likewise."""
    payload = shape.serialization.get("payload")
    members: dict[str, Any] = {}
    for name, member in shape.members.items():
        if member.serialization.get("eventstream") or not can_hold(member, (shape.name,)):
            continue
        location = member.serialization.get("location")
        if location == "statusCode":
            members[name] = 202
        elif location == "headers":
            members[name] = {"one": "1", "two": "2"}
        elif location == "header" or (name == payload and member.type_name in {"blob", "string"}):
            members[name] = sample(member, (shape.name,), plain=True)
        else:
            members[name] = sample(member, (shape.name,))
    return members
