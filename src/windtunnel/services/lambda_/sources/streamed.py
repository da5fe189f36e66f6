"""What a mapping of a stream says beside that of a queue: where it begins, and what becomes of records that fail."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import Any

from windtunnel.aws.arn import Arn, parse
from windtunnel.fabric import Call, Fault
from windtunnel.fabric.streams import positions
from windtunnel.fabric.streams.feed import GONE, Feed
from windtunnel.fabric.streams.positions import Checkpoint
from windtunnel.fabric.streams.reading import Reading
from windtunnel.services.lambda_.rules import invalid
from windtunnel.services.lambda_.state import Mapping

SERVICES = ("kinesis", "dynamodb")
BATCH = 100
RECORD_AGE_SECONDS_MIN = 60
OF_QUEUES = ("ScalingConfig", "ProvisionedPollerConfig")
FIELDS = (
    ("StartingPosition", "start"),
    ("StartingPositionTimestamp", "start_at"),
    ("ParallelizationFactor", "parallel"),
    ("MaximumRetryAttempts", "retries"),
    ("MaximumRecordAgeInSeconds", "age"),
    ("BisectBatchOnFunctionError", "bisect"),
    ("TumblingWindowInSeconds", "tumbling"),
)


def is_stream(source: str) -> bool:
    return parse(source).service in SERVICES


def reading_of(uuid: str, mapping: Mapping) -> Reading:
    """How a mapping's stream is read."""
    start, retries = (mapping.start, mapping.start_at), (mapping.retries, mapping.age, mapping.bisect)
    return Reading(uuid, mapping.source, *start, mapping.batch, mapping.window, mapping.parallel, *retries)


async def check_stream(call: Call, source: Arn, req: Members[str, Any]) -> list[tuple[str, Checkpoint]]:
    """Where a new mapping begins in the shards of its stream. Raises the faults of what can't be mapped."""
    for member in OF_QUEUES:
        if member in req:
            raise invalid(f"Unsupported {member} parameter for given event source mapping type.")
    start = req.get("StartingPosition")
    if start is None:
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
        )
    if start == "AT_TIMESTAMP" and source.service == "dynamodb":
        raise invalid(f"Unsupported starting position for arn type: {source}")
    if start == "AT_TIMESTAMP" and "StartingPositionTimestamp" not in req:
        raise invalid("StartingPositionTimestamp must be specified where StartingPosition is AT_TIMESTAMP.")
    feed = Feed(str(source))
    try:
        begins = await positions.latest(call, feed) if start == "LATEST" else []
        await feed.shards(call)
    except Fault as fault:
        if fault.code != GONE:
            raise
        raise invalid(f"Stream not found: {source}") from fault
    return begins


def changes(req: Members[str, Any]) -> dict[str, Any]:
    """What of a mapping a request changes."""
    found = {field: req[member] for member, field in FIELDS if req.get(member) is not None}
    if 0 <= found.get("age", -1) < RECORD_AGE_SECONDS_MIN:
        raise invalid(f"MaximumRecordAgeInSeconds must be -1, or {RECORD_AGE_SECONDS_MIN} at least.")
    if "DestinationConfig" in req:
        given: dict[str, Any] = req["DestinationConfig"].get("OnFailure") or {}
        found["failure"] = given.get("Destination", "")
    return found


def printed(mapping: Mapping, result: str) -> dict[str, Any]:
    """What a stream's mapping says beside what all say."""
    shown: dict[str, Any] = {
        "BisectBatchOnFunctionError": mapping.bisect,
        "DestinationConfig": {"OnFailure": {"Destination": mapping.failure} if mapping.failure else {}},
        "LastProcessingResult": result,
        "MaximumRecordAgeInSeconds": mapping.age,
        "MaximumRetryAttempts": mapping.retries,
        "ParallelizationFactor": mapping.parallel,
        "StartingPosition": mapping.start,
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": mapping.tumbling,
    }
    return shown | ({} if mapping.start_at is None else {"StartingPositionTimestamp": mapping.start_at})
