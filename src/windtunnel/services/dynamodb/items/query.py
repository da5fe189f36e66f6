"""Query and Scan: many items at once, by a range of keys or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from windtunnel.aws.dynamodb import former, key_conditions
from windtunnel.aws.dynamodb.binding import bind, given
from windtunnel.aws.dynamodb.conditions import compare
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.key_conditions import Asked
from windtunnel.aws.dynamodb.trees import Node, Path
from windtunnel.aws.dynamodb.values import WRONG, Value, checked, equal
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.items import requests, selecting
from windtunnel.services.dynamodb.items.capacity import meter, with_consumed
from windtunnel.services.dynamodb.items.selecting import Span
from windtunnel.services.dynamodb.keys import NO_MATCH, check_key, check_part
from windtunnel.services.dynamodb.lookup import Found, check_given, find
from windtunnel.services.dynamodb.state import Index, TableRow

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

QUERY_EXPRESSIONS: Final = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
QUERY_FORMER: Final = ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions")
SCAN_FORMER: Final = ("AttributesToGet", "ScanFilter", "ConditionalOperator")
BAD_START: Final = "The provided starting key is invalid"
BARE: Final = ("contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude")
"""What is wrong with a starting key's value in one of these words is said without saying that it is one's."""


def query(tx: Tx, req: t.QueryInput) -> dict[str, Any]:
    check_given(req["TableName"])
    names = given(req, QUERY_EXPRESSIONS, QUERY_FORMER)
    filtered = _filter(req, "QueryFilter")
    named = requests.named_paths(req)
    start = _start(req)
    if req.get("KeyConditions") is None and req.get("KeyConditionExpression") is None:
        raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    bound = bind(req, names)
    if bound.key_condition is not None:
        conditions = key_conditions.of_expression(bound.key_condition)
    else:
        conditions = key_conditions.of_conditions(req.get("KeyConditions") or {})
    condition = filtered if bound.filter is None else bound.filter
    found = find(tx, req["TableName"])
    row = found.row
    index = _index(row, req)
    schema = (row.hash, row.range) if index is None else (index.hash, index.range)
    check = None if start is None else _checker(row, index, start)
    asked = key_conditions.asked(conditions, *schema, row.types, check)
    span = selecting.query_span(asked, reverse=req.get("ScanIndexForward") is False)
    if start is not None:
        _check_own_key(row, start)
        _check_within(row, index, start, asked)
        span = selecting.after(span, row, index, start)
    _check_filter(req, condition, schema)
    _check_whole(index, req)
    return _page(found, index, span, condition, requests.paths_of(bound, named), req)


def scan(tx: Tx, req: t.ScanInput) -> dict[str, Any]:
    check_given(req["TableName"])
    names = given(req, ("ProjectionExpression", "FilterExpression"), SCAN_FORMER)
    named = requests.named_paths(req)
    filtered = _filter(req, "ScanFilter")
    start = _start(req)
    span = _segment(req)
    bound = bind(req, names)
    condition = filtered if bound.filter is None else bound.filter
    found = find(tx, req["TableName"])
    row = found.row
    index = _index(row, req)
    if start is not None:
        check = _checker(row, index, start, scan=True)
        for name in () if index is None else (index.hash, index.range):
            if name:
                check(name)
    _check_whole(index, req)
    if start is not None:
        _check_own_key(row, start)
        if not selecting.within(span, row, index, start):
            raise invalid(
                f"{BAD_START}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
                f"TotalSegments: {req.get('TotalSegments')} Segment: {req.get('Segment')}"
            )
        span = selecting.after(span, row, index, start)
    return _page(found, index, span, condition, requests.paths_of(bound, named), req)


def _page(
    found: Found, index: Index | None, span: Span, condition: Node | None, paths: tuple[Path, ...] | None, req: Mapping[str, Any]
) -> dict[str, Any]:
    tx, row, select = found.tx, found.row, req.get("Select")
    if select == "SPECIFIC_ATTRIBUTES" and paths is None:
        raise invalid("SPECIFIC_ATTRIBUTES requires either ProjectionExpression or AttributesToGet")
    if select not in (None, "SPECIFIC_ATTRIBUTES") and paths is not None:
        word = "ProjectionExpression" if req.get("ProjectionExpression") is not None else "AttributesToGet"
        raise invalid(f"Cannot specify the {word} when choosing to get {'only the Count' if select == 'COUNT' else select}")
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if paths is not None:
        requests.check_paths(row, paths)
    requests.check_paths(row, requests.paths_in(condition))
    page = selecting.read(
        tx,
        row,
        index,
        span,
        limit=req.get("Limit"),
        condition=condition,
        whole=_fetches(index, row, paths, select),
        consistent=bool(req.get("ConsistentRead")),
    )
    meter(tx, row, "Read", sum(page.units.values()))
    result: dict[str, Any] = {"Count": len(page.items), "ScannedCount": page.scanned}
    if select != "COUNT":
        result["Items"] = [requests.shown(item, paths) for item in page.items]
    if page.last is not None:
        result["LastEvaluatedKey"] = selecting.start_key(row, index, page.last)
    return with_consumed(result, row, page.units, req.get("ReturnConsumedCapacity"))


def _fetches(index: Index | None, row: TableRow, paths: tuple[Path, ...] | None, select: str | None) -> bool:
    """Whether a local index has to look into its table for what it doesn't hold itself."""
    if index is None or not index.local or index.projection == "ALL":
        return False
    if select == "ALL_ATTRIBUTES":
        return True
    held = {*row.keys, index.hash, index.range, *index.attributes}
    return paths is not None and any(path.parts[0] not in held for path in paths)


def _filter(req: Mapping[str, Any], member: str) -> Node | None:
    given = req.get(member)
    return None if given is None else former.filtered(given, req.get("ConditionalOperator", "AND"))


def _start(req: Mapping[str, Any]) -> dict[str, Value] | None:
    given: dict[str, Value] | None = req.get("ExclusiveStartKey")
    if given is None:
        return None
    try:
        return {name: checked(value) for name, value in given.items()}
    except Fault as fault:
        bare = any(words in fault.message for words in BARE)
        raise invalid(fault.message if bare else f"{BAD_START}: {fault.message}") from None


def _segment(req: Mapping[str, Any]) -> Span:
    segment, segments = req.get("Segment"), req.get("TotalSegments")
    if segments is None:
        if segment is None:
            return Span()
        raise invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
    if segment is None:
        raise invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
    if segment >= segments:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {segments}"
        )
    return selecting.segment_span(segment, segments)


def _index(row: TableRow, req: Mapping[str, Any]) -> Index | None:
    name = req.get("IndexName")
    if name is None:
        return None
    index = row.index(name)
    if index is None:
        raise invalid(f"The table does not have the specified index: {name}")
    if index.filling:
        raise invalid(f"Cannot read from backfilling global secondary index: {name}")
    if not index.local and req.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return index


def _checker(row: TableRow, index: Index | None, start: Mapping[str, Value], *, scan: bool = False) -> Callable[[str], None]:
    """What refuses a starting key that lacks a part; one of another size than the table's or the index's is refused at once."""
    schema = row.keys if index is None else tuple(name for name in (index.hash, index.range) if name)
    if len(start) != len({*row.keys, *schema}):
        raise invalid(f"{BAD_START}: {NO_MATCH}" if scan and index is None else BAD_START)

    def check(name: str) -> None:
        if name not in start:
            raise invalid(BAD_START)
        check_part(row, start, name)

    return check


def _check_own_key(row: TableRow, start: Mapping[str, Value]) -> None:
    try:
        check_key(row, {name: start[name] for name in row.keys if name in start})
    except Fault as fault:
        raise invalid(f"{BAD_START}: {fault.message}") from None


def _check_within(row: TableRow, index: Index | None, start: Mapping[str, Value], asked: Asked) -> None:
    """Refuses a starting key that the query would not come by."""
    hash_name, range_name = (row.hash, row.range) if index is None else (index.hash, index.range)
    same = equal(start[hash_name], asked.hash)
    if asked.range is None:
        if not same:
            raise invalid("The provided starting key is outside query boundaries based on provided conditions")
        return
    sign, values = asked.range
    if not compare(sign, [start[range_name], *values]):
        raise invalid("The provided starting key does not match the range key predicate")
    if not same:
        raise invalid("The query can return at most one row and cannot be restarted")


def _check_filter(req: Mapping[str, Any], condition: Node | None, schema: tuple[str, str]) -> None:
    heads = {path.parts[0] for path in requests.paths_in(condition)}
    for name in schema:
        if name and name in heads:
            word = "QueryFilter" if req.get("QueryFilter") is not None else "Filter Expression"
            raise invalid(f"{word} can only contain non-primary key attributes: Primary key attribute: {name}")


def _check_whole(index: Index | None, req: Mapping[str, Any]) -> None:
    if index is not None and not index.local and index.projection != "ALL" and req.get("Select") == "ALL_ATTRIBUTES":
        raise invalid(
            f"{WRONG}Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
            "because its projection type is not ALL"
        )
