"""A batch goes through a pipe: what passes the filter is enriched, and what comes of that goes to the target.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-filtering.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/pipes-enrichment.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html. What fails is not done with: it comes back
from its queue, which gives it up in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import orjson

from windtunnel.aws.arn import parse
from windtunnel.aws.input_templates import BadInput, filled, json_text
from windtunnel.aws.jsonpath import MISSING, compile_path, is_path
from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Call, Event, Fault, Retry
from windtunnel.fabric.deliver import Delivery, DeliveryFailed
from windtunnel.services.pipes.checks import patterns_of
from windtunnel.services.pipes.records import looked_into
from windtunnel.services.pipes.targets import event_for

SOURCE = "pipes.amazonaws.com"
Record = dict[str, Any]


class Passage(msgspec.Struct, frozen=True):
    """A pipe as events go through it."""

    name: str
    arn: str
    settings: dict[str, Any]


class Item(msgspec.Struct, frozen=True):
    itemIdentifier: str


class Report(msgspec.Struct, frozen=True):
    """What a function answers that could not deal with some events."""

    batchItemFailures: list[Item] = []


async def passed(call: Call, pipe: Passage, records: list[Record]) -> list[Record]:
    """Takes events that somebody wants through; those that are done with."""
    try:
        events: list[Any] = await _enriched(call, pipe, records) if pipe.settings.get("Enrichment") else records
        failed = await _to_target(call, pipe, events) if events else []
    except (DeliveryFailed, BadInput, Fault):
        return []
    ids = {id_of(event) for event in failed}
    # Of what an enrichment has made known is only by its id which event it was.
    return [] if "" in ids else [record for record in records if id_of(record) not in ids]


def wanted(pipe: Passage, records: list[Record]) -> list[Record]:
    """The events that pass the filter."""
    patterns = [compile_pattern(pattern) for pattern in patterns_of(pipe.settings)]
    return [record for record in records if not patterns or any(matches(looked_into(record)) for matches in patterns)]


def id_of(event: Any) -> str:
    """What an event is called in reports of failures: messages by their ids, records of streams by their events'."""
    members = cast("dict[str, Any]", event) if isinstance(event, dict) else {}
    return str(members.get("messageId") or members.get("eventID") or "")


async def _enriched(call: Call, pipe: Passage, records: list[Record]) -> list[Any]:
    """What an enrichment answers, event by event; nothing where it answers nothing."""
    parameters = pipe.settings.get("EnrichmentParameters", {})
    bodies = [_body(call, pipe, record, parameters.get("InputTemplate", "")) for record in records]
    enrichment = pipe.settings["Enrichment"]
    if parse(enrichment).service == "lambda":
        return _listed(await _invoke(call, pipe, enrichment, bodies))
    answers: list[Any] = []
    for record, body in zip(records, bodies, strict=True):
        http = resolved(parameters.get("HttpParameters", {}), looked_into(record))
        answer = await _hand_over(call, pipe, enrichment, Event(body, parameters={"HttpParameters": http}))
        answers += _listed(answer.get("Body", ""))
    return answers


def _listed(answer: str) -> list[Any]:
    """An answer as events: a list is several, and what is empty is none."""
    try:
        value: Any = orjson.loads(answer) if answer else None
    except orjson.JSONDecodeError:
        value = answer
    if value in (None, "", {}, []):
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


async def _to_target(call: Call, pipe: Passage, events: list[Any]) -> list[Any]:
    """Sends events to the target; those that it didn't take."""
    target, parameters = pipe.settings["Target"], pipe.settings.get("TargetParameters", {})
    template = parameters.get("InputTemplate", "")
    if parse(target).service == "lambda":
        return await _to_function(call, pipe, [_body(call, pipe, event, template) for event in events], events)
    failed: list[Any] = []
    for event in events:
        try:
            body = _body(call, pipe, event, template)
            answer = await _hand_over(
                call, pipe, target, event_for(pipe.name, pipe.settings, resolved(parameters, looked_into(event)), body)
            )
        except (DeliveryFailed, BadInput):
            failed.append(event)
            continue
        if answer.get("FailedEntryCount"):
            failed.append(event)
    return failed


async def _to_function(call: Call, pipe: Passage, bodies: list[str], events: list[Any]) -> list[Any]:
    """A function gets a batch as one list, and may report those that it could not deal with."""
    target = pipe.settings["Target"]
    parameters = pipe.settings.get("TargetParameters", {}).get("LambdaFunctionParameters", {})
    if parameters.get("InvocationType") == "FIRE_AND_FORGET":
        await _hand_over(call, pipe, target, Event(f"[{','.join(bodies)}]"))
        return []
    answer = await _invoke(call, pipe, target, bodies)
    try:
        failed = {item.itemIdentifier for item in msgspec.json.decode(answer, type=Report).batchItemFailures}
    except msgspec.DecodeError:
        return []
    return [event for event in events if id_of(event) in failed]


async def _invoke(call: Call, pipe: Passage, function: str, bodies: list[str]) -> str:
    """What a function answers. Raises Fault."""
    request: Any = {"FunctionName": function, "Payload": f"[{','.join(bodies)}]".encode()}
    answer: Any = await call.aws_for(pipe.arn).lambda_.invoke(request)
    payload = answer["Payload"]
    text = (payload if isinstance(payload, bytes) else b"".join([part async for part in payload])).decode()
    if answer.get("FunctionError"):
        raise Fault("FunctionFailed", text, status=400)
    return text


async def _hand_over(call: Call, pipe: Passage, target: str, event: Event) -> dict[str, Any]:
    """Gives an event to a target, once. Raises DeliveryFailed."""
    delivery = Delivery(
        target=target,
        event=event,
        source=SOURCE,
        source_arn=pipe.arn,
        retry=Retry(),
        dead_letter="",
        failed="",
        service=call.service,
        context={},
        account=call.account,
        region=call.region,
        first_at=call.now(),
        cause=call.scope.request_id,
        endpoint=call.scope.endpoint,
    )
    return await call.cloud.courier.hand_over(delivery)


def _body(call: Call, pipe: Passage, event: Any, template: str) -> str:
    """What is made of an event by a template: its paths look into bodies that are JSON. Raises BadInput."""
    if not template:
        return json_text(event)
    known = {
        "aws.pipes.pipe-arn": pipe.arn,
        "aws.pipes.pipe-name": pipe.name,
        "aws.pipes.source-arn": pipe.settings["Source"],
        "aws.pipes.enrichment-arn": pipe.settings.get("Enrichment", ""),
        "aws.pipes.target-arn": pipe.settings["Target"],
        "aws.pipes.event": event,
        "aws.pipes.event.json": event,
        "aws.pipes.event.ingestion-time": datetime.fromtimestamp(call.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    inside = looked_into(event)
    return filled(template, lambda word: known[word] if word in known else compile_path(word)(inside) if is_path(word) else MISSING)


def resolved(value: Any, event: Any) -> Any:
    """Parameters whose whole value is a path get what lies there.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html#pipes-targets-dynamic-parms
    """
    if isinstance(value, Mapping):
        return {name: resolved(item, event) for name, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [resolved(item, event) for item in cast("list[Any]", value)]
    if isinstance(value, str) and value.startswith(("$.", "$[")) and is_path(value):
        found = compile_path(value)(event)
        return "" if found is MISSING else found if isinstance(found, str) else json_text(found)
    return value
