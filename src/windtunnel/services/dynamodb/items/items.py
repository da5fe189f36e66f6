"""Single items: put, got, updated and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.dynamodb.binding import bind
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.projections import projected
from windtunnel.aws.dynamodb.updates import WRONG_TYPE, updated
from windtunnel.aws.dynamodb.values import Item, checked_item, size_of
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.items import requests
from windtunnel.services.dynamodb.items.capacity import meter, read_units, with_consumed, write_units
from windtunnel.services.dynamodb.items.writing import TOO_LARGE_AFTERWARDS, check_size, write
from windtunnel.services.dynamodb.keys import check_indexed, check_item, check_key, place_of
from windtunnel.services.dynamodb.lookup import find
from windtunnel.services.dynamodb.state import ITEMS, TableRow

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

FORMER_MISMATCH = "Type mismatch for attribute to update"


def put_item(tx: Tx, req: t.PutItemInput) -> dict[str, Any]:
    bound = requests.bind_condition(req)
    if req.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise invalid("ReturnValues can only be ALL_OLD or NONE")
    item = checked_item(req["Item"])
    check_size(item)
    condition = requests.condition_of(req, bound)
    found = find(tx, req["TableName"])
    tx, row = found.tx, found.row
    check_item(row, item)
    place = place_of(row, item)
    old = tx.get(ITEMS, row.number, *place)
    requests.check_condition(condition, old, req)
    write(tx, row, place, old, item)
    return _answer(tx, row, req, item, old, item, {"Attributes": old} if old and req.get("ReturnValues") == "ALL_OLD" else {})


def get_item(tx: Tx, req: t.GetItemInput) -> dict[str, Any]:
    bound = bind(req, ("ProjectionExpression",), ("AttributesToGet",))
    paths = requests.paths_of(req, bound)
    key = checked_item(req["Key"])
    found = find(tx, req["TableName"])
    row = found.row
    check_key(row, key)
    if paths is not None:
        requests.check_paths(row, paths)
    item = found.tx.get(ITEMS, row.number, *place_of(row, key))
    units = read_units(0 if item is None else size_of(item), consistent=bool(req.get("ConsistentRead")))
    meter(found.tx, row, "Read", units)
    result = {} if item is None else {"Item": requests.shown(item, paths)}
    return with_consumed(result, row, {"": units}, req.get("ReturnConsumedCapacity"))


def update_item(tx: Tx, req: t.UpdateItemInput) -> dict[str, Any]:
    bound = bind(req, ("UpdateExpression", "ConditionExpression"), ("AttributeUpdates", "Expected"))
    key = checked_item(req["Key"])
    actions = requests.actions_of(req, bound)
    condition = requests.condition_of(req, bound)
    found = find(tx, req["TableName"])
    tx, row = found.tx, found.row
    check_key(row, key)
    requests.check_actions(row, actions)
    place = place_of(row, key)
    old = tx.get(ITEMS, row.number, *place)
    requests.check_condition(condition, old, req)
    new = updated(key if old is None else old, actions, mismatch=WRONG_TYPE if bound.actions is not None else FORMER_MISMATCH)
    check_indexed(row, new)
    check_size(new, TOO_LARGE_AFTERWARDS)
    write(tx, row, place, old, new)
    paths = [action.path for action in actions]
    match req.get("ReturnValues"):
        case "ALL_OLD":
            shown = old
        case "ALL_NEW":
            shown = new
        case "UPDATED_OLD":
            shown = None if old is None else projected(old, paths)
        case "UPDATED_NEW":
            shown = projected(new, paths)
        case _:
            shown = None
    return _answer(tx, row, req, key, old, new, {"Attributes": shown} if shown else {})


def delete_item(tx: Tx, req: t.DeleteItemInput) -> dict[str, Any]:
    bound = requests.bind_condition(req)
    if req.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise invalid("ReturnValues can only be ALL_OLD or NONE")
    key = checked_item(req["Key"])
    condition = requests.condition_of(req, bound)
    found = find(tx, req["TableName"])
    tx, row = found.tx, found.row
    check_key(row, key)
    place = place_of(row, key)
    old = tx.get(ITEMS, row.number, *place)
    requests.check_condition(condition, old, req)
    if old is not None:
        write(tx, row, place, old, None)
    return _answer(tx, row, req, key, old, None, {"Attributes": old} if old and req.get("ReturnValues") == "ALL_OLD" else {})


def _answer(
    tx: Tx, row: TableRow, req: Mapping[str, Any], key: Item, old: Item | None, new: Item | None, result: dict[str, Any]
) -> dict[str, Any]:
    """A write's result with what else is asked for."""
    asked = req.get("ReturnConsumedCapacity")
    if row.on_demand or asked:
        units = write_units(row, old, new)
        meter(tx, row, "Write", sum(units.values()))
        result = with_consumed(result, row, units, asked)
    metrics = requests.collection_metrics(row, key, req.get("ReturnItemCollectionMetrics"))
    return {**result, "ItemCollectionMetrics": metrics} if metrics else result
