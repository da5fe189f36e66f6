"""PutEvents: each entry is taken or refused on its own, and what is taken goes to the rules of its bus.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import orjson

from windtunnel.aws.arn import parse, parse_or_none
from windtunnel.fabric import Tx
from windtunnel.services.events.coming import USAGE, come
from windtunnel.services.events.endpoints.failover import buses_of
from windtunnel.services.events.state import DEFAULT, invalid, not_found

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

REQUEST_BYTES_MAX = 1_048_576
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size"""
TIME_BYTES = 14
CHUNK_BYTES = 65_536
"""What is billed as one event."""
MALFORMED = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
UNAUTHORIZED = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}


def put_events(tx: Tx, req: t.PutEventsRequest) -> t.PutEventsResponse:
    entries: Sequence[Any] = req["Entries"]
    sizes = [_entry_size(entry) for entry in entries]
    if sum(sizes) > REQUEST_BYTES_MAX:
        raise invalid("Total size of the entries in the request is over the limit.")
    endpoint = req.get("EndpointId", "")
    results = [_put(tx, entry, endpoint) for entry in entries]
    tx.meter(USAGE, sum(ceil(size / CHUNK_BYTES) for size in sizes))
    return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}  # pyright: ignore[reportReturnType]


def _entry_size(entry: Mapping[str, Any]) -> int:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-calculate-putevents-entry-size.html"""
    texts = [entry.get("Source") or "", entry.get("DetailType") or "", entry.get("Detail") or "", *entry.get("Resources", ())]
    return sum(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")) for text in texts) + (
        TIME_BYTES if "Time" in entry else 0
    )


def _put(tx: Tx, entry: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    for member in ("Source", "DetailType", "Detail"):
        if not entry.get(member):
            message = f"Parameter {member} is not valid. Reason: {member} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    try:
        detail: Any = orjson.loads(entry["Detail"])
    except orjson.JSONDecodeError:
        return MALFORMED
    if not isinstance(detail, dict):
        return MALFORMED
    source: str = entry["Source"]
    if source.startswith("aws."):
        return UNAUTHORIZED
    if endpoint:
        return _through_endpoint(tx, entry, detail, endpoint)
    bus = entry.get("EventBusName") or DEFAULT
    arn = parse_or_none(bus)
    place = tx if arn is None else tx.at(account=arn.account, region=arn.region)
    return {"EventId": come(tx, place, bus if arn is None else arn.id, entry, detail)}


def _through_endpoint(tx: Tx, entry: Mapping[str, Any], detail: Any, endpoint: str) -> dict[str, Any]:
    """An event for a global endpoint goes to its bus in the region that is primary, and is copied to the other one."""
    buses = buses_of(tx, endpoint)
    if buses is None:
        raise not_found(f"Endpoint {endpoint} does not exist.")
    named = entry.get("EventBusName") or DEFAULT
    arn = parse_or_none(named)
    primary, copies = parse(buses[0]), buses[1:]
    if (named if arn is None else arn.id) != primary.id:
        return {"ErrorCode": "InvalidArgument", "ErrorMessage": f"Event bus {named} is not one of endpoint {endpoint}."}
    id = come(tx, tx.at(region=primary.region), primary.id, entry, detail)
    for copy in copies:
        there = parse(copy)
        come(tx, tx.at(region=there.region), there.id, entry, detail)
    return {"EventId": id}
