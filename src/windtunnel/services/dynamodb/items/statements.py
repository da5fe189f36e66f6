"""PartiQL's statements: one, a batch of them each by itself, and transactions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import Item, size_of
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.items import changes, planning, requests, selecting
from windtunnel.services.dynamodb.items.capacity import Units, added, consumed, meter, read_units, with_consumed, write_units
from windtunnel.services.dynamodb.items.planning import Asked, asked
from windtunnel.services.dynamodb.items.transacting import Part, Summed, cancelled, check_token, make_all, reason, remember
from windtunnel.services.dynamodb.keys import place_of
from windtunnel.services.dynamodb.state import ITEMS

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

NOT_ONE = "Select statements within {} must specify the primary key in the where clause."
MIXED = "Reads and writes cannot be mixed in one {}."


def execute_statement(tx: Tx, req: t.ExecuteStatementInput) -> dict[str, Any]:
    one = asked(tx, req)
    if one.statement.kind == "exists":
        raise invalid("EXISTS is only supported in ExecuteTransaction")
    if one.statement.kind == "select":
        return _selected(one, req)
    wanted = planning.wanted(one, req)
    done = changes.make(one.tx, one.row, wanted)
    units = write_units(one.row, done.old, done.new, done.size)
    meter(one.tx, one.row, "Write", sum(units.values()))
    attributes = changes.returned(one.statement.returning, wanted, done)
    return with_consumed({"Items": [attributes] if attributes else []}, one.row, units, req.get("ReturnConsumedCapacity"))


def batch_execute_statement(tx: Tx, req: t.BatchExecuteStatementInput) -> dict[str, Any]:
    responses: list[dict[str, Any]] = []
    spent: dict[str, tuple[Asked, Units]] = {}
    for request in req["Statements"]:
        one: Asked | None = None
        try:
            one = asked(tx, request)
            response, units = _one_of_a_batch(one, request)
        except Fault as fault:
            code = fault.code.removesuffix("Exception")
            error: dict[str, Any] = {"Code": "ValidationError" if code == "Validation" else code, "Message": fault.message}
            responses.append({"Error": {**error, **fault.members}, **({} if one is None else {"TableName": one.row.name})})
            continue
        responses.append(response)
        added(spent.setdefault(one.row.name, (one, {}))[1], units)
    capacities = [consumed(one.row, units, req.get("ReturnConsumedCapacity")) for one, units in spent.values()]
    result: dict[str, Any] = {"Responses": responses}
    return {**result, "ConsumedCapacity": capacities} if capacities and capacities[0] is not None else result


def execute_transaction(tx: Tx, req: t.ExecuteTransactionInput) -> dict[str, Any]:
    digest = sha256(msgspec.msgpack.encode(req["TransactStatements"])).hexdigest()
    if (repeated := check_token(tx, req.get("ClientRequestToken"), digest)) is not None:
        return repeated
    all_asked = [asked(tx, request) for request in req["TransactStatements"]]
    reads = [one for one in all_asked if one.statement.kind == "select"]
    if reads and len(reads) < len(all_asked):
        raise invalid(MIXED.format("ExecuteTransaction"))
    if reads:
        return _all_read(reads, req.get("ReturnConsumedCapacity"))
    parts = [
        Part(request_of.table, planning.wanted(request_of, request))
        for request_of, request in zip(all_asked, req["TransactStatements"], strict=True)
    ]
    result: dict[str, Any] = {"Responses": [], **make_all(tx, parts, req.get("ReturnConsumedCapacity"))}
    remember(tx, req.get("ClientRequestToken"), digest, result)
    return result


def _selected(one: Asked, req: Mapping[str, Any]) -> dict[str, Any]:
    """A page of what a SELECT asks for."""
    row, index, statement = one.row, one.index, one.statement
    spans = planning.spans(one)
    at, start = 0, None
    digest = sha256(req["Statement"].encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if req.get("NextToken"):
        try:
            made, at, start = pages.decode(req["NextToken"])
        except ValueError as error:
            raise invalid("Given NextToken is invalid") from error
        if made != digest or not 0 <= at < len(spans):
            raise invalid("Given NextToken is invalid")
    items: list[Item] = []
    units: Units = {}
    left: int | None = req.get("Limit")
    last: Item | None = None
    while at < len(spans) and left != 0:
        span = spans[at] if start is None else selecting.after(spans[at], row, index, start)
        consistent = bool(req.get("ConsistentRead"))
        page = selecting.read(
            one.tx, row, index, span, limit=left, condition=statement.where, whole=planning.fetches(one), consistent=consistent
        )
        items += page.items
        added(units, page.units)
        last = page.last
        if last is not None:
            break
        at, start = at + 1, None
        if left is not None:
            left -= page.scanned
    meter(one.tx, row, "Read", sum(units.values()))
    result: dict[str, Any] = {"Items": [requests.shown(item, statement.paths) for item in items]}
    if at < len(spans):
        key = None if last is None else selecting.start_key(row, index, last)
        result |= {"NextToken": pages.encode((digest, at, key)), **({} if key is None else {"LastEvaluatedKey": key})}
    return with_consumed(result, row, units, req.get("ReturnConsumedCapacity"))


def _one_of_a_batch(one: Asked, req: Mapping[str, Any]) -> tuple[dict[str, Any], Units]:
    response: dict[str, Any] = {"TableName": one.row.name}
    if one.statement.kind == "exists":
        raise invalid("EXISTS is only supported in ExecuteTransaction")
    if one.statement.kind != "select":
        wanted = planning.wanted(one, req)
        done = changes.make(one.tx, one.row, wanted)
        units = write_units(one.row, done.old, done.new, done.size)
        meter(one.tx, one.row, "Write", sum(units.values()))
        attributes = changes.returned(one.statement.returning, wanted, done)
        return {**response, "Item": attributes} if attributes else response, units
    item = _single(one, "BatchExecuteStatement")
    units = {"": read_units(0 if item is None else size_of(item), consistent=bool(req.get("ConsistentRead")))}
    meter(one.tx, one.row, "Read", units[""])
    return {**response, "Item": requests.shown(item, one.statement.paths)} if item is not None else response, units


def _all_read(reads: list[Asked], capacity: str | None) -> dict[str, Any]:
    summed = Summed("Read")
    responses: list[dict[str, Any]] = []

    def read(one: Asked) -> None:
        item = _single(one, "ExecuteTransaction")
        summed.read(one.found, 0 if item is None else size_of(item))
        responses.append({} if item is None else {"Item": requests.shown(item, one.statement.paths)})

    reasons = [reason(lambda one=one: read(one)) for one in reads]
    if any(one["Code"] != "None" for one in reasons):
        raise cancelled(reasons)
    return {"Responses": responses, **summed.consumed(capacity)}


def _single(one: Asked, operation: str) -> Item | None:
    """The one item of a SELECT that names a whole key."""
    key = planning.key_in(one)
    if key is None or one.index is not None:
        raise invalid(NOT_ONE.format(operation))
    item = one.tx.get(ITEMS, one.row.number, *place_of(one.row, key))
    return item if item is not None and requests.fulfils(one.statement.where, item) else None
