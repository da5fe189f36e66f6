"""The parts of an item that some document paths lead to, in the structure that they have there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from windtunnel.aws.dynamodb.trees import Path
from windtunnel.aws.dynamodb.values import Item, Value

Tree = dict[Any, Any]
"""The parts of paths, by their first: an empty tree stands for all that is there."""


def projected(item: Item, paths: Iterable[Path]) -> Item:
    """What paths lead to. Members of a list stand in the order that they have there, without what lies between them."""
    tree: Tree = {}
    for path in paths:
        branch = tree
        for part in path.parts:
            branch = branch.setdefault(part, {})
    return _members(item, tree)


def _members(members: dict[str, Value], tree: Tree) -> Item:
    found = {name: _part(members[name], branch) for name, branch in tree.items() if name in members}
    return {name: value for name, value in found.items() if value is not None}


def _part(value: Value, tree: Tree) -> Value | None:
    if not tree:
        return value
    if "M" in value:
        members = _members(value["M"], tree)
        return {"M": members} if members else None
    content: list[Value] = value.get("L", [])
    parts = [_part(content[at], tree[at]) for at in sorted(at for at in tree if isinstance(at, int)) if at < len(content)]
    kept = [part for part in parts if part is not None]
    return {"L": kept} if kept else None
