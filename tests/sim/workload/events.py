"""Rules of the default bus put, switched and deleted, with queues behind them, and events of several sources."""

from __future__ import annotations

import json
from typing import Any

from tests.sim.auditor.events import Rules
from tests.sim.auditor.sqs import Queues
from tests.sim.workload.base import Chance, Wish, queue_arn

NAMES, SOURCES, KINDS = ("all", "some", "other"), ("shop", "depot", "office"), ("red", "green", "blue")
EVENTS_MAX, TARGETS = 3, ("1", "2")


class RuleWork:
    """Wishes of EventBridge."""

    def __init__(self, chance: Chance, model: Rules, queues: Queues) -> None:
        self._chance, self._model, self._queues = chance, model, queues
        self._weighted = {self._put_rule: 4, self._put_target: 5, self._change: 5, self._put_events: 16}

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("events", operation, request)

    def _put_rule(self) -> Wish:
        chance = self._chance
        pattern: dict[str, Any] = {"source": sorted({chance.one(*SOURCES) for _ in range(2)})}
        if chance.percent(50):
            pattern["detail"] = {"kind": [chance.one(*KINDS)]}
        state = "ENABLED" if chance.percent(80) else "DISABLED"
        return self._make("PutRule", Name=chance.one(*NAMES), EventPattern=json.dumps(pattern), State=state, Description=chance.label())

    def _put_target(self) -> Wish | None:
        chance = self._chance
        queue = chance.among([one.name for one in self._queues.queues.values() if one.watched and not one.fifo])
        if queue is None:
            return None
        name, id = self._name(), chance.one(*TARGETS)
        transformer = {"InputPathsMap": {"label": "$.detail.label"}, "InputTemplate": f'{{"label": "<label>:{name}:{id}"}}'}
        return self._make("PutTargets", Rule=name, Targets=[{"Id": id, "Arn": queue_arn(queue), "InputTransformer": transformer}])

    def _name(self) -> str:
        return str(self._chance.one(*NAMES)) if self._chance.percent(98) else "nothing"

    def _change(self) -> Wish:
        chance, name = self._chance, self._name()
        return chance.one(
            self._make("EnableRule", Name=name),
            self._make("DisableRule", Name=name),
            self._make("DeleteRule", Name=name),
            self._make("RemoveTargets", Rule=name, Ids=[chance.one(*TARGETS)]),
            self._make("ListRules"),
            self._make("ListTargetsByRule", Rule=name),
        )

    def _put_events(self) -> Wish:
        chance = self._chance
        entries = [
            {
                "Source": chance.one(*SOURCES),
                "DetailType": chance.one("sale", "loss"),
                "Detail": json.dumps({"label": chance.label(), "kind": chance.one(*KINDS)}),
            }
            for _ in range(chance.number(1, EVENTS_MAX))
        ]
        return self._make("PutEvents", Entries=entries)
