"""Event source mappings: which queue or stream is polled for which function."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import Arn, parse_or_none
from windtunnel.aws.pages import page
from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.streams import positions
from windtunnel.fabric.streams.positions import Checkpoint
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.lambda_.durable.starting import check_invocation
from windtunnel.services.lambda_.places import find, named, start_of
from windtunnel.services.lambda_.rules import arn_of, conflict, invalid, mapping_arn, not_found
from windtunnel.services.lambda_.sources import streamed
from windtunnel.services.lambda_.sources.batches import RECEIVED_MAX, queue_url
from windtunnel.services.lambda_.sources.pollers import QUEUE_GONE, changed, poll
from windtunnel.services.lambda_.sources.runs import NOTHING
from windtunnel.services.lambda_.sources.streamed import is_stream
from windtunnel.services.lambda_.state import MAPPINGS, RESULTS, Mapping

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

PAGE_MAX = 100
UNWINDOWED_BATCH_MAX = 10
POLLERS_MIN, POLLERS_MAX = 2, 200
OF_STREAMS = (
    *("BisectBatchOnFunctionError", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "ParallelizationFactor"),
    *("StartingPosition", "StartingPositionTimestamp", "TumblingWindowInSeconds"),
)


async def create_event_source_mapping(call: Call, req: t.CreateEventSourceMappingRequest) -> dict[str, Any]:
    source = parse_or_none(req.get("EventSourceArn", ""))
    if "SelfManagedEventSource" in req:
        raise Fault("NotImplemented", "windtunnel polls queues and streams only, not yet Kafka.", status=501)
    if source is None:
        raise invalid("Unrecognized event source.")
    if source.service != "sqs" and source.service not in streamed.SERVICES:
        raise Fault("NotImplemented", f"windtunnel polls queues and streams only, not yet {source.service}.", status=501)
    if source.service == "sqs":
        _check_members(req)
    function, timeout = call.read(_function, req)
    begins: list[tuple[str, Checkpoint]] = []
    if source.service == "sqs":
        await _check_queue(call, source, timeout)
    else:
        begins = await streamed.check_stream(call, source, req)
    uuid = call.ids.uuid()
    mapping = await call.transact(_create, uuid, function, req, begins)
    return _printed(call.region, call.account, uuid, mapping, "Creating" if mapping.enabled else "Disabled")


async def update_event_source_mapping(call: Call, req: t.UpdateEventSourceMappingRequest) -> dict[str, Any]:
    uuid = req["UUID"]
    before = call.read(_mapping, uuid)
    function = before.function
    if req.get("FunctionName"):
        function, _ = call.read(_function, req)
    after = await call.transact(_update, uuid, function, req)
    state = "Updating" if after.enabled == before.enabled else "Enabling" if after.enabled else "Disabling"
    return _printed(call.region, call.account, uuid, after, state, call.read(_result, uuid))


def delete_event_source_mapping(tx: Tx, req: t.DeleteEventSourceMappingRequest) -> dict[str, Any]:
    uuid = req["UUID"]
    mapping = _mapping(tx, uuid)
    tx.delete(MAPPINGS, tx.account, tx.region, uuid)
    remove_all_tags(tx, mapping_arn(tx.region, tx.account, uuid))
    result = _result(tx, uuid)
    positions.forget(tx, uuid)
    tx.delete(RESULTS, tx.account, tx.region, uuid)
    changed(tx, uuid)
    return _printed(tx.region, tx.account, uuid, mapping, "Deleting", result)


def get_event_source_mapping(tx: Tx, req: t.GetEventSourceMappingRequest) -> dict[str, Any]:
    return _printed(tx.region, tx.account, req["UUID"], _mapping(tx, req["UUID"]), result=_result(tx, req["UUID"]))


def list_event_source_mappings(tx: Tx, req: t.ListEventSourceMappingsRequest) -> dict[str, Any]:
    source, function = req.get("EventSourceArn"), ""
    if req.get("FunctionName"):
        name = named(tx, req)
        function = arn_of(tx.region, name.account, name.name, name.qualifier)
    after = start_of(req, tx.account, tx.region)
    found = (
        (key, row)
        for key, row in tx.scan(MAPPINGS, tx.account, tx.region, start=after)
        if (not source or row.source == source) and (not function or row.function == function)
    )
    rows, marker = page(found, min(req.get("MaxItems", PAGE_MAX), PAGE_MAX))
    shown = [_printed(tx.region, tx.account, str(key[2]), row, result=_result(tx, str(key[2]))) for key, row in rows]
    return {"EventSourceMappings": shown, **({"NextMarker": marker} if marker else {})}


def _function(tx: Tx, req: Members[str, Any]) -> tuple[str, int]:
    """The function's ARN, and how long it may run."""
    name = named(tx, req)
    try:
        found = find(tx, name)
    except Fault as fault:
        raise invalid("Function does not exist") from fault
    check_invocation(found, "RequestResponse")
    return found.arn, found.version.timeout


async def _check_queue(call: Call, source: Arn, seconds: int) -> None:
    request: Any = {"QueueUrl": queue_url(source), "AttributeNames": ["VisibilityTimeout"]}
    place = call.at(account=source.account, region=source.region)
    try:
        found: dict[str, Any] = await place.aws.sqs.get_queue_attributes(request)  # pyright: ignore[reportAssignmentType]
    except Fault as fault:
        if fault.code not in QUEUE_GONE:
            raise
        raise invalid(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            "SQS Error Message: The specified queue does not exist."
        ) from fault
    visibility = int(found["Attributes"]["VisibilityTimeout"])
    if visibility < seconds:
        raise invalid(f"Queue visibility timeout: {visibility} seconds is less than Function timeout: {seconds} seconds")


def _check_members(req: Members[str, Any]) -> None:
    """Refuses what only streams have."""
    given: dict[str, Any] = req.get("DestinationConfig") or {}
    if any(given.values()):
        raise invalid("Unsupported DestinationConfig parameter for given event source mapping type.")
    for member in OF_STREAMS:
        if member in req:
            raise invalid(f"Unsupported {member} parameter for given event source mapping type.")


def _create(tx: Tx, uuid: str, function: str, req: Members[str, Any], begins: list[tuple[str, Checkpoint]]) -> Mapping:
    source = req["EventSourceArn"]
    for key, _ in tx.find(MAPPINGS, "source", tx.account, tx.region, source, function, limit=1):
        name = function.split(":function:")[1]
        known = f'An event source mapping with SQS arn (" {source} ") and function (" {name} ") already exists.'
        if is_stream(source):
            known = f'The event source arn (" {source} ") and function (" {name} ") provided mapping already exists.'
        raise conflict(f"{known} Please update or delete the existing mapping with UUID {key[2]}")
    batch = streamed.BATCH if is_stream(source) else RECEIVED_MAX
    mapping = poll(tx, uuid, _changed(tx, Mapping(source, function, tx.now, batch=batch), req))
    positions.begin(tx, uuid, begins, mapping.parallel)
    if req.get("Tags"):
        set_tags(tx, mapping_arn(tx.region, tx.account, uuid), req["Tags"])
    return mapping


def _update(tx: Tx, uuid: str, function: str, req: Members[str, Any]) -> Mapping:
    before = _mapping(tx, uuid)
    after = poll(tx, uuid, _changed(tx, msgspec.structs.replace(before, function=function), req))
    if after.parallel != before.parallel:
        positions.relane(tx, uuid, after.parallel)
    return after


def _result(tx: Tx, uuid: str) -> str:
    return tx.get(RESULTS, tx.account, tx.region, uuid) or NOTHING


def _mapping(tx: Tx, uuid: str) -> Mapping:
    mapping = tx.get(MAPPINGS, tx.account, tx.region, uuid)
    if mapping is None:
        raise not_found("The resource you requested does not exist.")
    return mapping


def _changed(tx: Tx, mapping: Mapping, req: Members[str, Any]) -> Mapping:
    fields: dict[str, Any] = {"modified": tx.now}
    for member, field in (
        ("Enabled", "enabled"),
        ("BatchSize", "batch"),
        ("MaximumBatchingWindowInSeconds", "window"),
        ("FunctionResponseTypes", "responses"),
        ("KMSKeyArn", "kms"),
    ):
        if req.get(member) is not None:
            fields[field] = req[member]
    if "ScalingConfig" in req:
        fields["concurrency"] = req["ScalingConfig"].get("MaximumConcurrency")
    if "ProvisionedPollerConfig" in req:
        given = req["ProvisionedPollerConfig"]
        pollers = (given.get("MinimumPollers", POLLERS_MIN), given.get("MaximumPollers", POLLERS_MAX))
        fields["pollers"] = pollers if given else None
    if "MetricsConfig" in req:
        fields["metrics"] = req["MetricsConfig"].get("Metrics", [])
    if "FilterCriteria" in req:
        fields["filters"] = [one.get("Pattern", "") for one in req["FilterCriteria"].get("Filters", [])]
        for pattern in fields["filters"]:
            try:
                compile_pattern(pattern)
            except ValueError as error:
                raise invalid("Invalid filter pattern definition.") from error
    if is_stream(mapping.source):
        return msgspec.structs.replace(mapping, **fields, **streamed.changes(req))
    after = msgspec.structs.replace(mapping, **fields)
    if after.batch > UNWINDOWED_BATCH_MAX and not after.window:
        raise invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
    if after.window and after.source.endswith(".fifo"):
        raise invalid("Batching window is not supported for FIFO queues")
    if after.pollers is not None and after.concurrency is not None:
        raise invalid("ScalingConfig and ProvisionedPollerConfig cannot both be configured for an event source mapping.")
    if after.pollers is not None and not POLLERS_MIN <= after.pollers[0] <= after.pollers[1]:
        raise invalid(f"MinimumPollers must be at least {POLLERS_MIN} and not greater than MaximumPollers.")
    return after


def _printed(region: str, account: str, uuid: str, mapping: Mapping, state: str = "", result: str = NOTHING) -> dict[str, Any]:
    """`state` is what a change answers; when it is asked for later the change has been made."""
    shown: dict[str, Any] = {
        "UUID": uuid,
        "BatchSize": mapping.batch,
        "MaximumBatchingWindowInSeconds": mapping.window,
        "EventSourceArn": mapping.source,
        "FunctionArn": mapping.function,
        "LastModified": mapping.modified,
        "State": state or ("Enabled" if mapping.enabled else "Disabled"),
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": mapping.responses,
        "EventSourceMappingArn": mapping_arn(region, account, uuid),
    }
    if is_stream(mapping.source):
        shown |= streamed.printed(mapping, result)
    if mapping.filters:
        shown["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in mapping.filters]}
    if mapping.concurrency is not None:
        shown["ScalingConfig"] = {"MaximumConcurrency": mapping.concurrency}
    if mapping.pollers is not None:
        shown["ProvisionedPollerConfig"] = {"MinimumPollers": mapping.pollers[0], "MaximumPollers": mapping.pollers[1]}
    if mapping.kms:
        shown["KMSKeyArn"] = mapping.kms
    if mapping.metrics:
        shown["MetricsConfig"] = {"Metrics": mapping.metrics}
    return shown
