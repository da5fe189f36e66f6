"""Which fields the events of a group have: GetLogGroupFields looks at those of some minutes and counts."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from windtunnel.fabric import Tx
from windtunnel.services.logs.insights.records import discovered, reported
from windtunnel.services.logs.retention import cutoff
from windtunnel.services.logs.rules import MILLISECONDS, Place
from windtunnel.services.logs.state import named_group
from windtunnel.services.logs.walk import backwards, stands

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

AROUND_SECONDS, RECENT_SECONDS = 8 * 60, 15 * 60
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogGroupFields.html"""
EXAMINED_EVENTS_MAX = 20_000
GENERATED = ("@ingestionTime", "@log", "@logStream", "@message", "@timestamp")


def get_log_group_fields(tx: Tx, req: t.GetLogGroupFieldsRequest) -> t.GetLogGroupFieldsResponse:
    name, group = named_group(tx, req)
    middle = req.get("time")
    begin, end = (tx.now - RECENT_SECONDS, tx.now) if middle is None else (middle - AROUND_SECONDS, middle + AROUND_SECONDS)
    start = max(int(begin * MILLISECONDS), cutoff(tx, name, group))
    known: dict[int, bool] = {}
    counts: Counter[str] = Counter()
    events = 0
    for place, chunk in islice(backwards(tx, group.id, Place(int(end * MILLISECONDS) + 1, 0, 0), start), EXAMINED_EVENTS_MAX):
        if stands(tx, group.id, chunk, known):
            text = chunk.messages[place.number]
            transformed = chunk.transformed[place.number] if chunk.transformed else text
            counts.update((*GENERATED, *(discovered(transformed) | reported(text))))
            events += 1
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return {"logGroupFields": [{"name": name, "percent": count * 100 // events} for name, count in found]}
