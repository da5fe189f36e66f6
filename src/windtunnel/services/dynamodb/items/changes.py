"""One item to be changed, however it is asked for: by itself, in a batch, in a transaction, in PartiQL.

First the request is read, which needs no table; then the change is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from windtunnel.aws.dynamodb import former
from windtunnel.aws.dynamodb.binding import bind, given
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.projections import projected
from windtunnel.aws.dynamodb.trees import Action, Node
from windtunnel.aws.dynamodb.updates import WRONG_TYPE, updated
from windtunnel.aws.dynamodb.values import Item, checked_item, size_of
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.items import requests
from windtunnel.services.dynamodb.items.writing import TOO_LARGE_AFTERWARDS, check_size, write
from windtunnel.services.dynamodb.keys import Place, check_indexed, check_item, check_key, place_of
from windtunnel.services.dynamodb.state import ITEMS, TableRow

FORMER_MISMATCH = "Type mismatch for attribute to update"


class Wanted(msgspec.Struct, frozen=True):
    """A change as it was asked for."""

    kind: Literal["put", "update", "delete", "check"]
    item: Item
    """What is put, else the key."""
    condition: Node | None
    actions: tuple[Action, ...] = ()
    mismatch: str = WRONG_TYPE
    shows_failed: bool = False
    """Whether the item is shown where it doesn't fulfil the condition."""
    refusal: tuple[str, str] = requests.FAILED
    """Code and sentence of what is said then."""
    size: int | None = None
    """Of what is put."""


class Done(msgspec.Struct, frozen=True):
    """An item before and after a change."""

    old: Item | None
    new: Item | None
    size: int = 0
    """Of the larger of the two."""


def put(req: Mapping[str, Any]) -> Wanted:
    names = given(req, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
    item = checked_item(req["Item"])
    _check_returned(req)
    size = check_size(item)
    return Wanted("put", item, _condition(req, names), shows_failed=_shows_failed(req), size=size)


def update(req: Mapping[str, Any]) -> Wanted:
    names = given(req, ("UpdateExpression", "ConditionExpression"), ("AttributeUpdates", "Expected", "ConditionalOperator"))
    key = checked_item(req["Key"])
    former_actions = former.actions(req.get("AttributeUpdates") or {})
    expected = requests.expected_of(req)
    bound = bind(req, names)
    condition = expected if bound.condition is None else bound.condition
    if bound.actions is None:
        return Wanted("update", key, condition, former_actions, FORMER_MISMATCH, _shows_failed(req))
    return Wanted("update", key, condition, bound.actions, shows_failed=_shows_failed(req))


def delete(req: Mapping[str, Any]) -> Wanted:
    names = given(req, ("ConditionExpression",), ("Expected", "ConditionalOperator"))
    key = checked_item(req["Key"])
    _check_returned(req)
    return Wanted("delete", key, _condition(req, names), shows_failed=_shows_failed(req))


def check(req: Mapping[str, Any]) -> Wanted:
    return msgspec.structs.replace(delete(req), kind="check")


def place(row: TableRow, wanted: Wanted) -> Place:
    """Where the item lies; refuses one that has not the table's key."""
    if wanted.kind == "put":
        check_item(row, wanted.item)
    else:
        check_key(row, wanted.item)
    return place_of(row, wanted.item)


def make(tx: Tx, row: TableRow, wanted: Wanted) -> Done:
    """Makes the change, or refuses it."""
    at = place(row, wanted)
    requests.check_actions(row, wanted.actions)
    old = tx.get(ITEMS, row.number, *at)
    requests.check_condition(wanted.condition, old, wanted.refusal, shown=wanted.shows_failed)
    match wanted.kind:
        case "check":
            return Done(old, old, 0 if old is None else size_of(old))
        case "put":
            new, size = wanted.item, wanted.size
        case "delete":
            new, size = None, 0
        case _:
            new = updated(wanted.item if old is None else old, wanted.actions, mismatch=wanted.mismatch)
            check_indexed(row, new)
            size = check_size(new, TOO_LARGE_AFTERWARDS)
    if old is None and new is None:
        return Done(None, None)
    return Done(old, new, write(tx, row, at, old, new, size=size))


def returned(asked: str | None, wanted: Wanted, done: Done) -> Item | None:
    """What is told of an item, as ReturnValues says."""
    paths = [action.path for action in wanted.actions]
    match asked:
        case "ALL_OLD":
            return done.old
        case "ALL_NEW":
            return done.new
        case "UPDATED_OLD":
            return None if done.old is None else projected(done.old, paths)
        case "UPDATED_NEW":
            return None if done.new is None else projected(done.new, paths)
        case _:
            return None


def _shows_failed(req: Mapping[str, Any]) -> bool:
    return req.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"


def _condition(req: Mapping[str, Any], names: list[str]) -> Node | None:
    """What the item that is there has to fulfil, in either form."""
    expected = requests.expected_of(req)
    return bind(req, names).condition if names else expected


def _check_returned(req: Mapping[str, Any]) -> None:
    if req.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise invalid("ReturnValues can only be ALL_OLD or NONE")
