"""Rules: patterns that events match, and schedules that match by themselves.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from windtunnel.aws import schedules
from windtunnel.fabric import Tx
from windtunnel.fabric.tags import set_tags, tag_map
from windtunnel.kernel.store import Key
from windtunnel.services.events.listings import listed, page_of, start_of
from windtunnel.services.events.routing.ruling import check_managed, check_pattern, forget_rule, keep_rule
from windtunnel.services.events.state import DEFAULT, DISABLED, ENABLED, RULES, TARGETS, Rule, bus_of, find_rule, invalid, rule_arn

if TYPE_CHECKING:
    from windtunnel.aws.types import events as t

PATTERN_CHARACTERS_MAX = 4096


def put_rule(tx: Tx, req: t.PutRuleRequest) -> t.PutRuleResponse:
    bus, name = bus_of(tx, req), req["Name"]
    pattern, schedule = req.get("EventPattern", ""), req.get("ScheduleExpression", "")
    if not pattern and not schedule:
        raise invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if pattern:
        check_pattern(pattern)
    if schedule:
        _check_schedule(bus, schedule)
    old = tx.get(RULES, bus, name)
    check_managed(old, name)
    since = old.since if old is not None and (old.schedule, old.state) == (schedule, req.get("State", ENABLED)) else tx.now
    rule = Rule(
        pattern, schedule, req.get("State", ENABLED), req.get("Description", ""), req.get("RoleArn", ""), since=since if schedule else 0.0
    )
    keep_rule(tx, bus, name, rule)
    arn = rule_arn(tx, bus, name)
    if old is None:
        set_tags(tx, arn, tag_map(req.get("Tags", [])))  # pyright: ignore[reportArgumentType]
    return {"RuleArn": arn}


def delete_rule(tx: Tx, req: t.DeleteRuleRequest) -> None:
    bus, name = bus_of(tx, req), req["Name"]
    rule = tx.get(RULES, bus, name)
    if rule is None:
        return  # as AWS does: what isn't there is deleted
    if not req.get("Force"):
        check_managed(rule, name)
    if next(tx.scan(TARGETS, bus, name, limit=1), None) is not None:
        raise invalid("Rule can't be deleted since it has targets.")
    forget_rule(tx, bus, name)


def describe_rule(tx: Tx, req: t.DescribeRuleRequest) -> t.DescribeRuleResponse:
    bus, name = bus_of(tx, req), req["Name"]
    return {**_shown(tx, bus, name, find_rule(tx, bus, name)), "CreatedBy": tx.account}  # pyright: ignore[reportReturnType]


def enable_rule(tx: Tx, req: t.EnableRuleRequest) -> None:
    _switch(tx, req, ENABLED)


def disable_rule(tx: Tx, req: t.DisableRuleRequest) -> None:
    _switch(tx, req, DISABLED)


def list_rules(tx: Tx, req: t.ListRulesRequest) -> t.ListRulesResponse:
    bus = bus_of(tx, req)
    return listed(tx, req, "Rules", RULES, bus, show=lambda name, rule: _shown(tx, bus, name, rule))


def list_rule_names_by_target(tx: Tx, req: t.ListRuleNamesByTargetRequest) -> t.ListRuleNamesByTargetResponse:
    bus, arn = bus_of(tx, req), req["TargetArn"]
    rows = tx.find(TARGETS, "arn", bus, arn, start=start_of(req, 0))
    return page_of(req, "RuleNames", _each_once(rows), lambda key, _: key[1])


def test_event_pattern(tx: Tx, req: t.TestEventPatternRequest) -> t.TestEventPatternResponse:
    matches = check_pattern(req["EventPattern"])
    try:
        event = orjson.loads(req["Event"])
    except orjson.JSONDecodeError as error:
        raise invalid("Parameter Event is not valid.") from error
    needed = ("id", "account", "source", "time", "region", "detail-type")
    if not isinstance(event, dict) or any(member not in event for member in needed):
        raise invalid("Parameter Event is not valid.")
    return {"Result": matches(event)}


def _switch(tx: Tx, req: Mapping[str, Any], state: str) -> None:
    bus, name = bus_of(tx, req), req["Name"]
    rule = find_rule(tx, bus, name)
    check_managed(rule, name)
    if rule.state != state:
        keep_rule(tx, bus, name, msgspec.structs.replace(rule, state=state, since=tx.now if rule.schedule else 0.0))


def _check_schedule(bus: str, schedule: str) -> None:
    if bus != DEFAULT:
        raise invalid("ScheduleExpression is supported only on the default event bus.")
    try:
        schedules.parse(schedule)
    except ValueError as error:
        raise invalid(str(error)) from error


def _shown(tx: Tx, bus: str, name: str, rule: Rule) -> dict[str, Any]:
    shown: dict[str, Any] = {"Name": name, "Arn": rule_arn(tx, bus, name), "State": rule.state, "EventBusName": bus}
    members = {
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "Description": rule.description,
        "RoleArn": rule.role,
        "ManagedBy": rule.managed_by,
    }
    return shown | {member: value for member, value in members.items() if value}


def _each_once(rows: Iterator[tuple[Key, Any]]) -> Iterator[tuple[Key, Any]]:
    """Rows of targets by their ARN, one a rule, with the key under which the index has them."""
    last = ""
    for (bus, rule, id), target in rows:
        if rule != last:
            last = str(rule)
            yield (bus, rule, id), target
