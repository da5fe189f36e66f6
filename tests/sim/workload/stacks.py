"""Stacks made, changed and deleted, of resources that need one another; now and then one of them can't be made."""

from __future__ import annotations

import json

from tests.sim.auditor.stacks import KINDS, Stacks, template
from tests.sim.workload.base import Chance, Wish

NAMES = ("stack-a", "stack-b", "stack-c")
VARIANTS = 3


class StackWork:
    """Wishes of CloudFormation."""

    def __init__(self, chance: Chance, model: Stacks) -> None:
        self._chance, self._model = chance, model
        self._weighted = {self._create: 4, self._update: 8, self._delete: 2, self._describe: 2}

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: object) -> Wish:
        return Wish("cloudformation", operation, {"StackName": self._chance.one(*NAMES), **request}, Stacks.region)

    def _body(self) -> dict[str, object]:
        chance = self._chance
        parts = {kind: chance.number(1, VARIANTS) for kind in KINDS if chance.percent(50)} or {"Queue": 1}
        body = template(parts, wrong=chance.among(parts) if chance.percent(20) else None)
        return {"TemplateBody": json.dumps(body), "Capabilities": ["CAPABILITY_IAM"]}

    def _create(self) -> Wish:
        return self._make("CreateStack", **self._body())

    def _update(self) -> Wish:
        return self._make("UpdateStack", **self._body())

    def _delete(self) -> Wish:
        return self._make("DeleteStack")

    def _describe(self) -> Wish:
        return self._make("DescribeStackResources")
