"""A function that polls a FIFO queue gets each group's messages in order, whatever fails and dies meanwhile."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.sim.simulation import SQLITE
from tests.sim.workload.base import ACCOUNT, queue_arn, url_of
from tests.sim.world.events import Began, Ended
from tests.sim.world.world import World

STEPS = 120
GROUPS = "abc"
FUNCTION = {
    "Runtime": "python3.11", "Role": f"arn:aws:iam::{ACCOUNT}:role/r", "Code": {"ZipFile": b"PK"}, "Handler": "app.moody", "Timeout": 5,
}  # fmt: skip


class Ordered:
    """What was sent to each group, and how far it has come."""

    def __init__(self) -> None:
        self.sent: dict[str, list[str]] = {group: [] for group in GROUPS}
        self.done: set[str] = set()
        self.perhaps: set[str] = set()
        """What a dying process had run: it may have been deleted."""

    def began(self, labels: tuple[str, ...]) -> None:
        for group in GROUPS:
            order = self.sent[group]
            places = [order.index(label) for label in labels if label in order]
            assert places == sorted(places)
            assert not self.done & set(labels)
            before = set(order[: places[0]]) if places else set[str]()
            assert before <= self.done | self.perhaps, f"{labels} ran before {before - self.done}"

    def hear(self, seen: list[tuple[float, Any]], *, dying: bool = False) -> None:
        for _, event in seen:
            if isinstance(event, Began):
                self.began(event.labels)
            elif isinstance(event, Ended) and event.outcome == "ok":
                (self.perhaps if dying else self.done).update(event.labels)
        seen.clear()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_function_gets_a_groups_messages_in_order_whatever_the_weather(tmp_path: Path, seed: int) -> None:
    world, chance, ordered = World(tmp_path, seed, SQLITE), Random(seed), Ordered()
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "30"}
    world.call("sqs", "CreateQueue", QueueName="q.fifo", Attributes=fifo)
    world.call("lambda", "CreateFunction", FunctionName="f", **FUNCTION)
    world.call("lambda", "CreateEventSourceMapping", EventSourceArn=queue_arn("q.fifo"), FunctionName="f", BatchSize=3)
    for number in range(STEPS):
        kind = chance.random()
        if kind < 0.5:
            group = chance.choice(GROUPS)
            ordered.sent[group].append(f"{group}{number}")
            world.call("sqs", "SendMessage", QueueUrl=url_of("q.fifo"), MessageBody=f"{group}{number}", MessageGroupId=group)
        elif kind < 0.85:
            world.jump(chance.choice((1, 2, 5, 20, 40)))
        elif kind < 0.92:
            world.machine.wait(chance.choice((1, 3)))
        elif kind < 0.97:
            ordered.hear(world.seen)
            world.machine.settle_within(chance.randint(1, 9))
            seen, world.seen = world.seen, []
            world.kill()
            ordered.hear(seen, dying=True)
        else:
            world.restart()
        ordered.hear(world.seen)
    world.functions.healed = True
    for _ in range(8):
        world.jump(100)
        ordered.hear(world.seen)
    assert {label for labels in ordered.sent.values() for label in labels} <= ordered.done | ordered.perhaps
    shown = world.call("sqs", "GetQueueAttributes", QueueUrl=url_of("q.fifo"), AttributeNames=["All"]).result["Attributes"]
    assert (shown["ApproximateNumberOfMessages"], shown["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")
    world.end()
