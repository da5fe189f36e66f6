"""GetLogEvents and FilterLogEvents: pages of events out of a stream or a group, with tokens that name places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from windtunnel.aws import pages
from windtunnel.fabric import Tx
from windtunnel.services.logs.retention import cutoff
from windtunnel.services.logs.rules import (
    EVENT_OVERHEAD_BYTES,
    PAGE_BYTES_MAX,
    PAGE_EVENTS_MAX,
    Place,
    bad_token,
    beside,
    event_id,
    invalid,
    matcher,
    read_stream_token,
    stream_token,
)
from windtunnel.services.logs.state import STREAMS, Group, find_stream, named_group
from windtunnel.services.logs.walk import Found, backwards, forwards, stands

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

END_OF_TIME = (1 << 42) - 1
"""As late as tokens can say."""
EXAMINED_EVENTS_MAX = 20_000
"""After so many events a page ends, full or not, as AWS's do: a search never holds up others for long."""
MERGED_STREAMS_MAX = 100
"""So many streams are read each by itself; of more the whole group is read."""


def get_log_events(tx: Tx, req: t.GetLogEventsRequest) -> t.GetLogEventsResponse:
    name, group = named_group(tx, req)
    stream = find_stream(tx, group, req["logStreamName"])
    start = min(max(req.get("startTime", 0), cutoff(tx, name, group)), END_OF_TIME)
    end = min(req.get("endTime", END_OF_TIME), END_OF_TIME)
    limit = req.get("limit", PAGE_EVENTS_MAX)
    if "nextToken" in req:
        direction, place = read_stream_token(req["nextToken"])
    else:
        direction = "f" if req.get("startFromHead") else "b"
        place = beside(Place(start, 0, 0), -1) if direction == "f" else Place(end, 0, 0)
    if direction == "f":
        after = max(place, beside(Place(start, 0, 0), -1))
        found = _page(forwards(tx, group.id, after, end, (stream.id,)), limit)
    else:
        before = min(place, Place(end, 0, 0))
        found = _page(backwards(tx, group.id, before, start, (stream.id,)), limit)
        found.reverse()
    if found:
        last, first = found[-1][0], found[0][0]
    elif direction == "f":
        # At an end the token that was given comes back, and the other one turns round at the same place.
        last, first = place, beside(place, 1)
    else:
        last, first = beside(place, -1), place
    unmask = req.get("unmask", False)
    events: list[Any] = [
        {"timestamp": place.time, "message": chunk.shown(place.number, unmask=unmask), "ingestionTime": chunk.ingested}
        for place, chunk in found
    ]
    return {  # pyright: ignore[reportReturnType]
        "events": events,
        "nextForwardToken": stream_token("f", last),
        "nextBackwardToken": stream_token("b", first),
    }


def filter_log_events(tx: Tx, req: t.FilterLogEventsRequest) -> t.FilterLogEventsResponse:
    name, group = named_group(tx, req)
    matches = matcher(req.get("filterPattern", ""))
    streams, wanted = _searched(tx, group, req)
    start = min(max(req.get("startTime", 0), cutoff(tx, name, group)), END_OF_TIME)
    end = min(req.get("endTime", END_OF_TIME), END_OF_TIME) + 1
    ahead, place = _begin(req, start, end)
    if ahead:
        after = max(place, beside(Place(start, 0, 0), -1))
        found = forwards(tx, group.id, after, end, streams)
    else:
        found = backwards(tx, group.id, min(place, Place(end, 0, 0)), start, streams)
    limit = req.get("limit", PAGE_EVENTS_MAX)
    known: dict[int, bool] = {}
    events: list[dict[str, Any]] = []
    size = 0
    token = ""
    last = place
    for number, (here, chunk) in enumerate(found):
        message = chunk.shown(here.number, unmask=req.get("unmask", False))
        if len(events) >= limit or size >= PAGE_BYTES_MAX or number >= EXAMINED_EVENTS_MAX:
            token = pages.encode(("f" if ahead else "b", *last))
            break
        last = here
        if wanted(chunk.name) and matches(message) and stands(tx, group.id, chunk, known):
            size += len(message) + EVENT_OVERHEAD_BYTES
            events.append(
                {
                    "logStreamName": chunk.name,
                    "timestamp": here.time,
                    "message": message,
                    "ingestionTime": chunk.ingested,
                    "eventId": event_id(here),
                }
            )
    result: dict[str, Any] = {"events": events, "searchedLogStreams": []}
    if token:
        result["nextToken"] = token
    return result  # pyright: ignore[reportReturnType]


def _page(found: Iterator[Found], limit: int) -> list[Found]:
    """The first events, as many as a page holds; one that is larger than a page goes alone."""
    page: list[Found] = []
    size = 0
    for place, chunk in islice(found, limit):
        size += len(chunk.messages[place.number]) + EVENT_OVERHEAD_BYTES
        if size > PAGE_BYTES_MAX and page:
            break
        page.append((place, chunk))
    return page


def _begin(req: t.FilterLogEventsRequest, start: int, end: int) -> tuple[bool, Place]:
    """The direction, and the place after which the search goes on."""
    if "nextToken" not in req:
        ahead = req.get("startFromHead", True)
        return ahead, beside(Place(start, 0, 0), -1) if ahead else Place(end, 0, 0)
    try:
        direction, time, serial, number = pages.decode(req["nextToken"])
    except ValueError as error:
        raise bad_token() from error
    return direction == "f", Place(time, serial, number)


def _searched(tx: Tx, group: Group, req: t.FilterLogEventsRequest) -> tuple[list[int] | None, Callable[[str], bool]]:
    """The streams to read, None for the group as a whole, and which names of streams are wanted then."""
    names, prefix = req.get("logStreamNames"), req.get("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise invalid("LogStreamNames and LogStreamNamePrefix are mutually exclusive parameters.")
    if names is not None:
        return [find_stream(tx, group, name).id for name in dict.fromkeys(names)], lambda _: True
    if prefix is None:
        return None, lambda _: True
    numbers: list[int] = []
    for key, stream in tx.scan(STREAMS, group.id, start=(prefix,), limit=MERGED_STREAMS_MAX + 1):
        if not str(key[1]).startswith(prefix):
            return numbers, lambda _: True
        numbers.append(stream.id)
    if len(numbers) <= MERGED_STREAMS_MAX:
        return numbers, lambda _: True
    return None, lambda name: name.startswith(prefix)
