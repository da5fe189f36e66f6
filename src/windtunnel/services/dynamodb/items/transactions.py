"""Transactions: all of their changes are made or none, and whoever reads in one sees all of another or nothing of it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from windtunnel.aws.dynamodb.binding import bind, given
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import checked_item, size_of
from windtunnel.fabric import Tx
from windtunnel.services.dynamodb.items import changes, requests
from windtunnel.services.dynamodb.items.changes import Wanted
from windtunnel.services.dynamodb.items.transacting import Part, Summed, cancelled, check_token, make_all, reason, remember
from windtunnel.services.dynamodb.keys import check_key, place_of
from windtunnel.services.dynamodb.lookup import find
from windtunnel.services.dynamodb.state import ITEMS

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Wanted]]] = {
    "ConditionCheck": changes.check,
    "Put": changes.put,
    "Delete": changes.delete,
    "Update": changes.update,
}


def transact_write_items(tx: Tx, req: t.TransactWriteItemsInput) -> dict[str, Any]:
    digest = _digest(req["TransactItems"])
    if (repeated := check_token(tx, req.get("ClientRequestToken"), digest)) is not None:
        return repeated
    parts: list[Part] = []
    for one in req["TransactItems"]:
        given = [(kind, asked) for kind, asked in one.items() if kind in _READERS and asked is not None]
        if len(given) != 1:
            raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
        kind, asked = given[0]
        body: Any = asked
        parts.append(Part(body["TableName"], _READERS[kind](body)))
    result = make_all(tx, parts, req.get("ReturnConsumedCapacity"), req.get("ReturnItemCollectionMetrics"))
    remember(tx, req.get("ClientRequestToken"), digest, result)
    return result


def transact_get_items(tx: Tx, req: t.TransactGetItemsInput) -> dict[str, Any]:
    responses: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    summed = Summed("Read")
    for one in req["TransactItems"]:
        asked = one["Get"]
        paths = bind(asked, given(asked, ("ProjectionExpression",))).paths
        key = checked_item(asked["Key"])
        found = find(tx, asked["TableName"])
        failed = reason(lambda row=found.row, key=key: check_key(row, key))
        reasons.append(failed)
        if failed["Code"] != "None":
            continue
        item = found.tx.get(ITEMS, found.row.number, *place_of(found.row, key))
        summed.read(found, 0 if item is None else size_of(item))
        responses.append({} if item is None else {"Item": requests.shown(item, paths)})
    if any(one["Code"] != "None" for one in reasons):
        raise cancelled(reasons)
    return {"Responses": responses, **summed.consumed(req.get("ReturnConsumedCapacity"))}


def _digest(items: Sequence[Any]) -> str:
    return sha256(msgspec.msgpack.encode(items)).hexdigest()
