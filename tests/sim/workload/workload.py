"""All services' wishes together."""

from __future__ import annotations

from typing import Any

from tests.sim.auditor.auditor import Auditor
from tests.sim.workload.base import Chance, Wish
from tests.sim.workload.dynamodb import TableWork
from tests.sim.workload.events import RuleWork
from tests.sim.workload.executions import ExecutionWork
from tests.sim.workload.hoses import HoseWork
from tests.sim.workload.iam import IdentityWork
from tests.sim.workload.keys import KeyWork
from tests.sim.workload.kinesis import StreamWork
from tests.sim.workload.lambda_ import FunctionWork
from tests.sim.workload.locks import LockWork
from tests.sim.workload.logs import LogWork
from tests.sim.workload.s3 import ObjectWork
from tests.sim.workload.schedules import ScheduleWork
from tests.sim.workload.secrets import SecretWork
from tests.sim.workload.sns import TopicWork
from tests.sim.workload.sqs import QueueWork
from tests.sim.workload.stacks import StackWork
from tests.sim.world.world import World

TOGETHER = ("PutObject", "GetObject", "DeleteObject")
"""What can be asked of several objects at once."""


class Workload:
    """Draws the next call, of `only` some services where any are named."""

    def __init__(self, chance: Chance, auditor: Auditor, world: World, only: frozenset[str]) -> None:
        works: dict[str, tuple[Any, int]] = {
            "sqs": (QueueWork(chance, auditor.queues), 30),
            "s3": (ObjectWork(chance, auditor.buckets, auditor.queues), 25),
            "sns": (TopicWork(chance, auditor.topics, auditor.queues, world.subscribers), 15),
            "lambda": (FunctionWork(chance, auditor.functions, auditor.queues), 12),
            "logs": (LogWork(chance, auditor.groups, lambda: world.now), 10),
            "dynamodb": (TableWork(chance, auditor.tables, lambda: world.now), 12),
            "kinesis": (StreamWork(chance, auditor.streams), 8),
            "events": (RuleWork(chance, auditor.rules, auditor.queues), 8),
            "iam": (IdentityWork(chance, auditor.identities), 8),
            "stacks": (StackWork(chance, auditor.stacks), 4),
            "schedules": (ScheduleWork(chance, auditor.schedules, lambda: world.now), 4),
            "secrets": (SecretWork(chance, auditor.secrets), 4),
            "keys": (KeyWork(chance, auditor.keys), 4),
            "hoses": (HoseWork(chance, auditor.hoses), 4),
            "locks": (LockWork(chance, auditor.locks, lambda: world.now), 4),
            "durable": (ExecutionWork(chance, auditor.executions), 4),
        }
        chosen = [work for name, work in works.items() if not only - {"weather"} or name in only]
        self._chance = chance
        self._works = [work for work, _ in chosen]
        self._weights = [weight for _, weight in chosen]

    def wishes(self, number: int) -> list[Wish]:
        """Several that can be made at once, and of which it can be told in which order they were carried out."""
        found: dict[Any, Wish] = {}
        for count in range(number):
            wish = self.wish()
            if wish is None or wish.operation == "PutBucketNotificationConfiguration":
                continue  # its test message comes a little later than others
            if wish.model == "sqs":
                # One that waited would come after the others, or not: nobody could tell.
                found[count] = wish._replace(request={**wish.request, "WaitTimeSeconds": 0}) if "WaitTimeSeconds" in wish.request else wish
            elif wish.model == "s3" and wish.operation in TOGETHER:
                found[wish.service, wish.request["Bucket"], wish.request["Key"]] = wish
            else:
                found = {key: one for key, one in found.items() if one.model != wish.model} | {wish.model: wish}
        alone = {one.model for key, one in found.items() if key == one.model}
        chosen = [one for key, one in found.items() if key == one.model or one.model not in alone]
        # What is told of a large object comes when its bytes are written: who receives meanwhile may get it or not.
        return [one for one in chosen if one.operation != "ReceiveMessage" or all(other.model != "s3" for other in chosen)]

    def wish(self) -> Wish | None:
        return self._chance.random.choices(self._works, self._weights)[0].wish()
