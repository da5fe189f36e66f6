"""What statements are read into, and how parameters get into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.trees import Apply, Node, Path, Placeholder
from windtunnel.aws.dynamodb.trees import Literal as Constant
from windtunnel.aws.dynamodb.values import Value, checked, type_of
from windtunnel.aws.errors import Fault


class Assignment(msgspec.Struct, frozen=True):
    """`SET path = value`, or `REMOVE path` where there is no value."""

    path: Path
    value: Node | None


class Statement(msgspec.Struct, frozen=True):
    """A statement; `?` are placeholders by their number until parameters are put in."""

    kind: Literal["select", "insert", "update", "delete", "exists"]
    table: str
    index: str = ""
    paths: tuple[Path, ...] | None = None
    where: Node | None = None
    order: str = ""
    descending: bool = False
    item: Node | None = None
    assignments: tuple[Assignment, ...] = ()
    returning: str = ""
    parameters: int = 0


def malformed(why: str) -> Fault:
    return invalid(f"Statement wasn't well formed, can't be processed: {why}")


def bound(read: Statement, parameters: Sequence[Value]) -> Statement:
    """A statement with its parameters."""
    if len(parameters) != read.parameters:
        raise invalid("Number of parameters in request and statement don't match.")
    values = [Constant(checked(value)) for value in parameters]

    def put_in(node: Node) -> Node:
        if isinstance(node, Placeholder):
            return values[int(node.name)]
        if isinstance(node, Apply):
            return _folded(Apply(node.name, tuple(map(put_in, node.args)), node.function))
        return node

    return msgspec.structs.replace(
        read,
        where=None if read.where is None else put_in(read.where),
        item=None if read.item is None else put_in(read.item),
        assignments=tuple(Assignment(one.path, None if one.value is None else put_in(one.value)) for one in read.assignments),
    )


def _folded(node: Apply) -> Node:
    """A list, map or set of values as one value."""
    if node.name not in ("list", "map", "bag"):
        return node
    values = [argument.value for argument in node.args if isinstance(argument, Constant)]
    if len(values) < len(node.args):
        raise malformed("Only literals can stand within a list, a map or a set")
    if node.name == "list":
        return Constant({"L": values})
    if node.name == "map":
        return Constant({"M": {name["S"]: value for name, value in zip(values[::2], values[1::2], strict=True)}})
    kinds = {type_of(value) for value in values}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise malformed("The members of a set are all texts, all numbers or all binary values")
    kind = kinds.pop()
    return Constant(checked({f"{kind}S": [value[kind] for value in values]}))


def folded_early(node: Apply) -> Node:
    """What holds no parameter is a value at once."""
    return _folded(node) if all(isinstance(argument, Constant) for argument in node.args) else node
