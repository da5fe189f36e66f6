"""Rules with a schedule: a timer for the next time, and the event that EventBridge itself makes then.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws import schedules
from windtunnel.fabric import Tx
from windtunnel.services.events.event import Coming, make_event
from windtunnel.services.events.routing.sending import set_off
from windtunnel.services.events.state import DEFAULT, RULES, Rule, rule_arn

SCHEDULED = "Scheduled Event"
EVENTS = "aws.events"


def plan_next(tx: Tx, name: str, rule: Rule) -> None:
    """Sets the timer for the next time of a rule, or none where there is none."""
    due = schedules.parse(rule.schedule).next(tx.now, start=rule.since) if rule.schedule and rule.listens else None
    if due is None:
        tx.cancel_timer("scheduled", name)
    else:
        tx.timer(due, "scheduled", {"rule": name}, name=name)


def scheduled(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: it is time for a rule. Its targets get an event, which no other rule sees."""
    name = payload["rule"]
    rule = tx.get(RULES, DEFAULT, name)
    if rule is None or not rule.schedule or not rule.listens:
        return
    event = make_event(tx, EVENTS, SCHEDULED, {}, [rule_arn(tx, DEFAULT, name)])
    set_off(tx, DEFAULT, name, Coming(event, tx.now))
    plan_next(tx, name, rule)
