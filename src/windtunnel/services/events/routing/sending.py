"""An event goes to the rules of its bus that match it, and from each to its targets, as what the target is to get.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from windtunnel.aws.arn import Arn, parse_or_none
from windtunnel.aws.input_templates import BadInput, plain_value
from windtunnel.aws.jsonpath import MISSING, compile_path, is_path
from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Event, Tx
from windtunnel.fabric.retry_policy import retry_of
from windtunnel.services.events.archives.keeping import ARCHIVER, keep
from windtunnel.services.events.destinations.pace import due
from windtunnel.services.events.event import Coming
from windtunnel.services.events.routing.failures import FAILED, HOP, INVALID_JSON, bury
from windtunnel.services.events.routing.inputs import body_for
from windtunnel.services.events.state import KINDS, MATCHED, TARGETS, Match, rule_arn

SOURCE = "events.amazonaws.com"
HOP_MESSAGE = "An event that came from another event bus can't be sent on to a third one."


def route(tx: Tx, bus: str, coming: Coming) -> None:
    """Sets off the rules of a bus that an event matches. `tx` is the bus's place."""
    event = coming.event
    for name, match in _candidates(tx, bus, event["source"], event["detail-type"]):
        if match.hears < coming.heard_by or (coming.only is not None and rule_arn(tx, bus, name) not in coming.only):
            continue
        if compile_pattern(match.pattern)(event):
            set_off(tx, bus, name, coming)


def set_off(tx: Tx, bus: str, rule: str, coming: Coming) -> None:
    """Sends an event to the targets of a rule."""
    arn = rule_arn(tx, bus, rule)
    for _, target in tx.scan(TARGETS, bus, rule):
        _send(tx, target, arn, rule, coming)


def _candidates(tx: Tx, bus: str, source: str, detail_type: str) -> Iterable[tuple[str, Match]]:
    """The rules whose patterns name this source and detail type, or leave them open, each once."""
    kinds = tx.get(KINDS, bus)
    if kinds is None:
        return ()
    keys = ("", ""), ("", detail_type), (source, ""), (source, detail_type)
    found = [(str(key[3]), match) for one, count in zip(keys, kinds, strict=True) if count for key, match in tx.scan(MATCHED, bus, *one)]
    return dict(found).items() if len(found) > 1 else found


def _send(tx: Tx, target: Mapping[str, Any], rule: str, name: str, coming: Coming) -> None:
    arn = parse_or_none(target["Arn"])
    if arn is not None and arn.service == "events" and arn.resource == ARCHIVER:
        keep(tx, target["Id"], coming)
        return
    if arn is not None and arn.service == "events" and arn.type == "event-bus" and coming.forwarded:
        bury(tx, target, rule, coming.body(), HOP, HOP_MESSAGE)
        return
    try:
        body = body_for(target, coming, rule, name)
    except BadInput as error:
        bury(tx, target, rule, coming.body(), INVALID_JSON, str(error))
        return
    dead = target.get("DeadLetterConfig", {}).get("Arn", "")
    tx.deliver(
        target["Arn"],
        _delivered(tx, target, arn, coming, body),
        source=SOURCE,
        source_arn=rule,
        retry=retry_of(target.get("RetryPolicy", {})),
        failed=FAILED if dead else "",
        context={"dead": dead, "rule": rule, "target": target["Arn"], "event": coming.body()} if dead else None,
        due=due(tx, arn) if arn is not None and arn.type == "api-destination" else 0.0,
    )


def _delivered(tx: Tx, target: Mapping[str, Any], arn: Arn | None, coming: Coming, body: str) -> Event:
    """What a target's service is told besides the body: the parameters for its kind, their paths resolved against the event."""
    parameters = {member: _resolved(value, coming.event) for member, value in _parameters(target)}
    service = "" if arn is None else arn.service
    if service == "kinesis":
        return Event(body, parameters={"PartitionKey": _partition_key(target, coming.event)})
    if service == "sqs":
        traced = {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": tx.scope.trace}}}
        return Event(
            body, group_id=parameters.get("SqsParameters", {}).get("MessageGroupId", ""), parameters=traced if tx.scope.trace else {}
        )
    if service == "events" and arn is not None and arn.type == "event-bus":
        return Event(coming.body())
    if service in ("sns", "lambda"):
        return Event(body)
    return Event(body, parameters=parameters)


def _parameters(target: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((member, value) for member, value in target.items() if member.endswith("Parameters"))


def _resolved(value: Any, event: Mapping[str, Any]) -> Any:
    """Parameters whose whole value is a path get what lies there.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-dynamic-path-parameters.html
    """
    if isinstance(value, dict):
        return {name: _resolved(item, event) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [_resolved(item, event) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, str) and value.startswith(("$.", "$[")) and is_path(value):
        found = compile_path(value)(event)
        return "" if found is MISSING else plain_value(found)
    return value


def _partition_key(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    path = target.get("KinesisParameters", {}).get("PartitionKeyPath", "$.id")
    found = compile_path(path)(event) if is_path(path) else MISSING
    return event["id"] if found is MISSING else plain_value(found)
