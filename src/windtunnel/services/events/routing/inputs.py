"""What a target gets of an event: all of it, a part, a constant, or a text with pieces of it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.input_templates import filled, json_text
from windtunnel.aws.jsonpath import MISSING, compile_path
from windtunnel.services.events.event import Coming, iso

PREDEFINED = frozenset(
    {"aws.events.rule-arn", "aws.events.rule-name", "aws.events.event", "aws.events.event.json", "aws.events.event.ingestion-time"}
)


def body_for(target: Mapping[str, Any], coming: Coming, rule: str, name: str) -> str:
    """The text that a target gets. Raises BadInput."""
    if "Input" in target:
        return target["Input"]
    if "InputPath" in target:
        found = compile_path(target["InputPath"])(coming.event)
        return json_text("" if found is MISSING else found)
    if "InputTransformer" not in target:
        return coming.body()
    transformer = target["InputTransformer"]
    paths: Mapping[str, str] = transformer.get("InputPathsMap", {})

    def value_of(word: str) -> Any:
        if word in PREDEFINED:
            return _predefined(word, coming, rule, name)
        return compile_path(paths[word])(coming.event) if word in paths else MISSING

    return filled(transformer["InputTemplate"], value_of)


def _predefined(word: str, coming: Coming, rule: str, name: str) -> Any:
    match word:
        case "aws.events.rule-arn":
            return rule
        case "aws.events.rule-name":
            return name
        case "aws.events.event.ingestion-time":
            return iso(coming.ingested)
        case "aws.events.event.json":
            return coming.event
        case _:
            event = {member: value for member, value in coming.event.items() if member not in ("detail", "detail-type")}
            return {**event, "detailType": coming.event["detail-type"], "time": iso(coming.ingested)}
