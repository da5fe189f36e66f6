"""Many items at once, each by itself: BatchGetItem and BatchWriteItem.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel.aws.dynamodb.binding import bind, given
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import checked_item, size_of
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.items import changes, requests
from windtunnel.services.dynamodb.items.capacity import Units, added, consumed, meter, read_units, write_units
from windtunnel.services.dynamodb.items.changes import Wanted
from windtunnel.services.dynamodb.keys import NO_MATCH, Place, check_key, place_of
from windtunnel.services.dynamodb.lookup import find
from windtunnel.services.dynamodb.state import ITEMS

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

READ_MAX, WRITTEN_MAX = 100, 25
ANSWER_BYTES_MAX = 16 << 20
DUPLICATES = "Provided list of item keys contains duplicates"


def batch_get_item(tx: Tx, req: t.BatchGetItemInput) -> dict[str, Any]:
    if sum(len(asked["Keys"]) for asked in req["RequestItems"].values()) > READ_MAX:
        raise invalid("Too many items requested for the BatchGetItem call")
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, Any] = {}
    capacities: list[dict[str, Any]] = []
    left = ANSWER_BYTES_MAX
    for name, asked in req["RequestItems"].items():
        names = given(asked, ("ProjectionExpression",), ("AttributesToGet",))
        keys = [checked_item(key) for key in asked["Keys"]]
        named = requests.named_paths(asked)
        paths = requests.paths_of(bind(asked, names), named)
        if any(key in keys[:at] for at, key in enumerate(keys)):
            raise invalid(DUPLICATES)
        found = find(tx, name)
        row = found.row
        for key in keys:
            check_key(row, key)
        places = [place_of(row, key) for key in keys]
        if len(set(places)) < len(places):
            raise invalid(DUPLICATES)
        shown = responses[name] = []
        units: Units = {"": 0}
        for at, place in enumerate(places):
            item = found.tx.get(ITEMS, row.number, *place)
            size = 0 if item is None else size_of(item)
            left -= size
            if left < 0:
                unprocessed[name] = {**asked, "Keys": asked["Keys"][at:]}
                break
            added(units, {"": read_units(size, consistent=bool(asked.get("ConsistentRead")))})
            if item is not None:
                shown.append(requests.shown(item, paths))
        meter(found.tx, row, "Read", units[""])
        capacity = consumed(row, units, req.get("ReturnConsumedCapacity"))
        capacities += [capacity] if capacity is not None else []
    result: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": unprocessed}
    return {**result, "ConsumedCapacity": capacities} if capacities else result


def batch_write_item(tx: Tx, req: t.BatchWriteItemInput) -> dict[str, Any]:
    if sum(map(len, req["RequestItems"].values())) > WRITTEN_MAX:
        raise invalid("Too many items requested for the BatchWriteItem call")
    wanted = {name: [_wanted(one) for one in asked] for name, asked in req["RequestItems"].items()}
    capacities: list[dict[str, Any]] = []
    collections: dict[str, list[Any]] = {}
    for name, all_wanted in wanted.items():
        found = find(tx, name)
        row = found.row
        seen: set[Place] = set()
        units: Units = {}
        for one in all_wanted:
            try:
                place = changes.place(row, one)
            except Fault as fault:
                raise _as_of_a_batch(fault) from None
            if place in seen:
                raise invalid(DUPLICATES)
            seen.add(place)
        for one in all_wanted:
            done = changes.make(found.tx, row, one)
            added(units, write_units(row, done.old, done.new, done.size))
            metrics = requests.collection_metrics(row, one.item, req.get("ReturnItemCollectionMetrics"))
            if metrics:
                collections.setdefault(name, []).append(metrics)
        meter(found.tx, row, "Write", sum(units.values()))
        capacity = consumed(row, units, req.get("ReturnConsumedCapacity"))
        capacities += [capacity] if capacity is not None else []
    result: dict[str, Any] = {"UnprocessedItems": {}}
    if collections:
        result["ItemCollectionMetrics"] = collections
    return {**result, "ConsumedCapacity": capacities} if capacities else result


def _wanted(request: Mapping[str, Any]) -> Wanted:
    put, delete = request.get("PutRequest"), request.get("DeleteRequest")
    if put is not None and delete is not None:
        raise invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
    if put is not None:
        return changes.put(put)
    if delete is not None:
        return changes.delete(delete)
    raise invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def _as_of_a_batch(fault: Fault) -> Fault:
    """A batch says of a wrong key only that it is wrong."""
    return invalid(NO_MATCH) if "Missing the key" in fault.message or "Type mismatch for key" in fault.message else fault
