"""Single items: put, got, updated and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.dynamodb.binding import bind, given
from windtunnel.aws.dynamodb.values import checked_item, size_of
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.items import changes, requests
from windtunnel.services.dynamodb.items.capacity import meter, read_units, with_consumed, write_units
from windtunnel.services.dynamodb.items.changes import Wanted
from windtunnel.services.dynamodb.keys import check_key, place_of
from windtunnel.services.dynamodb.lookup import check_given, find
from windtunnel.services.dynamodb.state import ITEMS

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t


def put_item(tx: Tx, req: t.PutItemInput) -> dict[str, Any]:
    check_given(req["TableName"])
    return _made(tx, req, changes.put(req))


def update_item(tx: Tx, req: t.UpdateItemInput) -> dict[str, Any]:
    check_given(req["TableName"])
    return _made(tx, req, changes.update(req))


def delete_item(tx: Tx, req: t.DeleteItemInput) -> dict[str, Any]:
    check_given(req["TableName"])
    return _made(tx, req, changes.delete(req))


def get_item(tx: Tx, req: t.GetItemInput) -> dict[str, Any]:
    check_given(req["TableName"])
    names = given(req, ("ProjectionExpression",), ("AttributesToGet",))
    key = checked_item(req["Key"])
    named = requests.named_paths(req)
    paths = requests.paths_of(bind(req, names), named)
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


def _made(tx: Tx, req: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """A change, and what is asked for with it."""
    found = find(tx, req["TableName"])
    tx, row = found.tx, found.row
    done = changes.make(tx, row, wanted)
    attributes = changes.returned(req.get("ReturnValues"), wanted, done)
    result: dict[str, Any] = {"Attributes": attributes} if attributes else {}
    asked = req.get("ReturnConsumedCapacity")
    if row.on_demand or asked:
        units = write_units(row, done.old, done.new, done.size)
        meter(tx, row, "Write", sum(units.values()))
        result = with_consumed(result, row, units, asked)
    metrics = requests.collection_metrics(row, wanted.item, req.get("ReturnItemCollectionMetrics"))
    return {**result, "ItemCollectionMetrics": metrics} if metrics else result
