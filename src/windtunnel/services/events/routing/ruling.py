"""What is done with rules wherever they come from: an archive has one as well."""

from __future__ import annotations

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.patterns import Matcher, always_asks, compile_pattern, pattern_keys
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import remove_all_tags
from windtunnel.services.events.routing.schedule import plan_next
from windtunnel.services.events.state import (
    ALL_CALLS,
    ALL_MANAGEMENT,
    DEFAULT,
    KINDS,
    MATCHED,
    NO_CALLS,
    RULES,
    TARGETS,
    TRAIL,
    WRITES,
    Match,
    Rule,
    arn_within,
    bus_of,
    find_rule,
    invalid,
    rule_arn,
)


def check_pattern(text: str) -> Matcher:
    """The compiled pattern. Raises InvalidEventPatternException."""
    try:
        return compile_pattern(text)
    except ValueError as error:
        raise Fault("InvalidEventPatternException", str(error)) from error


def keep_rule(tx: Tx, bus: str, name: str, rule: Rule) -> None:
    """Writes a rule, and what its events and its schedule find it by."""
    _unmatch(tx, bus, name)
    tx.put(RULES, bus, name, value=rule)
    if rule.pattern and rule.listens:
        asks = bus == DEFAULT and always_asks(rule.pattern, "detail-type")
        hears = ALL_CALLS if rule.state == ALL_MANAGEMENT else WRITES
        for source, kind in pattern_keys(rule.pattern, "source", "detail-type"):
            match = Match(rule.pattern, hears if asks and kind in ("", TRAIL) else NO_CALLS)
            tx.put(MATCHED, bus, source, kind, name, value=match)
            _count(tx, bus, source, kind, 1)
    plan_next(tx, name, rule)


def forget_rule(tx: Tx, bus: str, name: str) -> None:
    """Removes a rule, with its targets and tags."""
    _unmatch(tx, bus, name)
    for key, _ in tx.scan(TARGETS, bus, name):
        tx.delete(TARGETS, *key)
    tx.delete(RULES, bus, name)
    if bus == DEFAULT:
        tx.cancel_timer("scheduled", name)
    remove_all_tags(tx, rule_arn(tx, bus, name))


def check_managed(rule: Rule | None, name: str) -> None:
    """Raises ManagedRuleException for a rule that belongs to an AWS service."""
    if rule is not None and rule.managed_by:
        raise Fault("ManagedRuleException", f"Rule {name} is managed by {rule.managed_by} and can't be modified.")


def taggable(tx: Tx, resource: str, *, changes: bool) -> str:
    """The ARN of a rule or a bus whose tags are asked for. Raises ResourceNotFoundException, ManagedRuleException."""
    arn = parse_or_none(resource)
    if arn is None or (arn.account, arn.region) != (tx.account, tx.region) or arn.type not in ("rule", "event-bus"):
        raise invalid("Parameter ResourceARN is not valid.")
    if arn.type == "event-bus":
        return arn_within(tx, "event-bus", bus_of(tx, {"EventBusName": arn.id}))
    bus, slash, name = arn.id.rpartition("/")
    rule = find_rule(tx, bus if slash else DEFAULT, name)
    if changes:
        check_managed(rule, name)
    return resource


def _unmatch(tx: Tx, bus: str, name: str) -> None:
    old = tx.get(RULES, bus, name)
    if old is not None and old.pattern and old.listens:
        for source, kind in pattern_keys(old.pattern, "source", "detail-type"):
            tx.delete(MATCHED, bus, source, kind, name)
            _count(tx, bus, source, kind, -1)


def _count(tx: Tx, bus: str, source: str, kind: str, change: int) -> None:
    counts = list(tx.get(KINDS, bus) or (0, 0, 0, 0))
    counts[2 * bool(source) + bool(kind)] += change
    tx.put(KINDS, bus, value=counts)
