"""EventBridge: an event comes to each queue whose rule asks for it, once, and to no other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.sim.auditor.base import Ask, Call, ended, same
from tests.sim.auditor.sqs import Queues

ABSENT = ("ResourceNotFoundException",)
Pattern = dict[str, Any]


@dataclass(eq=False, slots=True)
class Rule:
    """One rule of the default bus, with the queues it leads to by their targets' ids."""

    name: str
    pattern: Pattern
    enabled: bool
    targets: dict[str, str] = field(default_factory=dict)

    def wants(self, source: str, kind: str) -> bool:
        return self.enabled and source in self.pattern["source"] and kind in self.pattern.get("detail", {}).get("kind", [kind])


class Rules:
    """All rules of the default bus."""

    def __init__(self, ask: Ask, queues: Queues) -> None:
        self._ask, self._queues = ask, queues
        self.rules: dict[str, Rule] = {}

    def _rule(self, call: Call, member: str = "Name") -> Rule | None:
        rule = self.rules.get(call.request[member])
        if rule is None:
            ended(call, *ABSENT)
        return rule

    def put_rule(self, call: Call) -> None:
        if ended(call):
            self._put(call)

    def _put(self, call: Call) -> None:
        name, pattern = call.request["Name"], json.loads(call.request["EventPattern"])
        rule = self.rules.setdefault(name, Rule(name, pattern, enabled=True))
        rule.pattern, rule.enabled = pattern, call.request["State"] == "ENABLED"

    def put_rule_unknown(self, call: Call) -> None:
        answer = self._ask("events", "DescribeRule", Name=call.request["Name"])
        if not answer.fault and answer.result["Description"] == call.request["Description"]:
            self._put(call)

    def enable_rule(self, call: Call) -> None:
        if (rule := self._rule(call)) and ended(call):
            rule.enabled = True

    def disable_rule(self, call: Call) -> None:
        if (rule := self._rule(call)) and ended(call):
            rule.enabled = False

    def delete_rule(self, call: Call) -> None:
        """Deleting what isn't there succeeds; a rule that has targets stays."""
        rule = self.rules.get(call.request["Name"])
        if ended(call, *(["ValidationException"] if rule and rule.targets else [])):
            self.rules.pop(call.request["Name"], None)

    def put_targets(self, call: Call) -> None:
        if (rule := self._rule(call, "Rule")) and ended(call):
            rule.targets |= {target["Id"]: target["Arn"].rpartition(":")[2] for target in call.request["Targets"]}

    def remove_targets(self, call: Call) -> None:
        if (rule := self._rule(call, "Rule")) and ended(call):
            for id in call.request["Ids"]:
                rule.targets.pop(id, None)

    def list_rules(self, call: Call) -> None:
        ended(call)
        found = {rule["Name"]: rule["State"] for rule in call.result["Rules"]}
        same("rules", found, {name: "ENABLED" if rule.enabled else "DISABLED" for name, rule in sorted(self.rules.items())})

    def list_targets_by_rule(self, call: Call) -> None:
        if (rule := self._rule(call, "Rule")) and ended(call):
            found = {target["Id"]: target["Arn"].rpartition(":")[2] for target in call.result["Targets"]}
            same(f"targets of {rule.name}", found, rule.targets)

    def put_events(self, call: Call) -> None:
        if ended(call):
            same("entries that failed", call.result["FailedEntryCount"], 0)
            self._sent(call, sure=True)

    def put_events_unknown(self, call: Call) -> None:
        self._sent(call, sure=False)

    def _sent(self, call: Call, *, sure: bool) -> None:
        for entry in call.request["Entries"]:
            detail = json.loads(entry["Detail"])
            for rule in self.rules.values():
                for id, queue in rule.targets.items() if rule.wants(entry["Source"], detail["kind"]) else ():
                    label = f"{detail['label']}:{rule.name}:{id}"
                    if sure:
                        self._queues.follow(queue, label, call.now)
                    else:
                        self._queues.arrive(queue, label, call.now, sure=False)
