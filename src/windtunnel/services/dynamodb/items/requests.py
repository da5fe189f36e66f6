"""What the operations on items have in common: expressions and their former parameters read, conditions held against an item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from windtunnel.aws.dynamodb import former
from windtunnel.aws.dynamodb.binding import Bound
from windtunnel.aws.dynamodb.conditions import holds
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.projections import projected
from windtunnel.aws.dynamodb.trees import Action, Apply, Node, Path
from windtunnel.aws.dynamodb.values import WRONG, Item
from windtunnel.fabric import Fault
from windtunnel.services.dynamodb.state import TableRow

FAILED: Final = ("ConditionalCheckFailedException", "The conditional request failed")
NOT_SCALAR: Final = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed:"


def expected_of(req: Mapping[str, Any]) -> Node | None:
    """What `Expected` asks of the item that is there."""
    expected = req.get("Expected")
    return None if expected is None else former.expected(expected, req.get("ConditionalOperator", "AND"))


def check_condition(node: Node | None, item: Item | None, refusal: tuple[str, str] = FAILED, *, shown: bool) -> None:
    """Refuses a write whose condition the item doesn't fulfil."""
    if node is None or holds(node, item or {}):
        return
    members: dict[str, Any] = {"Item": item} if shown and item is not None else {}
    code, sentence = refusal
    raise Fault(code, sentence, **members)


def fulfils(node: Node | None, item: Item) -> bool:
    return node is None or holds(node, item)


def named_paths(req: Mapping[str, Any]) -> tuple[Path, ...] | None:
    """What `AttributesToGet` asks for; None is all."""
    names = req.get("AttributesToGet")
    if names is None:
        return None
    for at, name in enumerate(names):
        if name in names[:at]:
            raise invalid(f"{WRONG}Duplicate value in attribute name: {name}")
    return tuple(Path((name,)) for name in names)


def paths_of(bound: Bound, named: tuple[Path, ...] | None) -> tuple[Path, ...] | None:
    """What is to be answered of an item, in either form."""
    return named if bound.paths is None else bound.paths


def shown(item: Item, paths: tuple[Path, ...] | None) -> Item:
    return item if paths is None else projected(item, paths)


def check_actions(row: TableRow, actions: tuple[Action, ...]) -> None:
    """Refuses to change an item's key, or to make a key of an index something else than a scalar of its type."""
    for name in row.keys:
        if any(action.path.parts[0] == name for action in actions):
            raise invalid(f"{WRONG}Cannot update attribute {name}. This attribute is part of the key")
    for index in row.indexes:
        for name in (index.hash, index.range):
            for action in actions:
                if name and action.path.parts[0] == name and len(action.path.parts) > 1:
                    raise invalid(f"{NOT_SCALAR} IndexKey: {name}")


def check_paths(row: TableRow, paths: tuple[Path, ...]) -> None:
    """Refuses paths that lead into a key."""
    nested = {path.parts[0] for path in paths if len(path.parts) > 1}
    for name in row.keys if nested else ():
        if name in nested:
            raise invalid(f"{NOT_SCALAR} Key: {name}")
    for index in row.indexes if nested else ():
        for name in (index.hash, index.range):
            if name in nested:
                raise invalid(f"{NOT_SCALAR} IndexKey: {name}")


def paths_in(node: Node | None) -> tuple[Path, ...]:
    """Every path of a condition."""
    if isinstance(node, Path):
        return (node,)
    return tuple(path for argument in node.args for path in paths_in(argument)) if isinstance(node, Apply) else ()


def collection_metrics(row: TableRow, item: Item, asked: str | None) -> dict[str, Any]:
    """ItemCollectionMetrics, where they are asked for and there are collections: in tables with local indexes."""
    if asked != "SIZE" or not any(index.local for index in row.indexes):
        return {}
    return {"ItemCollectionKey": {row.hash: item[row.hash]}, "SizeEstimateRangeGB": [0.0, 1.0]}
