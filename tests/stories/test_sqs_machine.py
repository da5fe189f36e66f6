"""Queues against naive models: whatever is sent, received, hidden, deleted and however time passes, both say the same."""

from random import Random
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_sqs_messages import counts
from windtunnel.fabric import Fault
from windtunnel.services.sqs.state import STORED

STEPS = 400
RETENTION = 60


class Naive:
    """A queue as a list of messages, each looked at every time."""

    def __init__(self, *, fifo: bool) -> None:
        self.fifo = fifo
        self.messages: list[dict[str, Any]] = []
        self.sent = 0

    def send(self, now: float, delay: int, group: str) -> str:
        self.sent += 1
        body = str(self.sent)
        self.messages.append({"body": body, "group": group, "sent": now, "visible": now + delay, "state": "delayed", "count": 0})
        return body

    def age(self, now: float) -> None:
        self.messages = [message for message in self.messages if message["sent"] + RETENTION > now]

    def may_take(self, now: float, message: dict[str, Any]) -> bool:
        """In a FIFO queue all that is before it in its group must be visible as well."""
        before = self.messages[: self.messages.index(message)] if self.fifo else []
        held = [earlier for earlier in before if earlier["group"] == message["group"] and earlier["visible"] > now]
        return message["visible"] <= now and not held

    def counts(self, now: float) -> tuple[int, int, int]:
        later = [message["state"] for message in self.messages if message["visible"] > now]
        return len(self.messages) - len(later), later.count("held"), later.count("delayed")


@pytest.mark.parametrize("kind", ["standard", "fair", "fifo"])
@pytest.mark.parametrize("seed", range(4))
def test_a_queue_does_what_a_list_does(here: Here, kind: str, seed: int) -> None:
    fifo, fair = kind == "fifo", kind == "fair"
    chance, naive = Random(seed), Naive(fifo=fifo)
    attributes = {"MessageRetentionPeriod": str(RETENTION)} | ({"FifoQueue": "true"} if fifo else {})
    url = here.sqs.create_queue(QueueName="q.fifo" if fifo else "q", Attributes=attributes)["QueueUrl"]
    handles: dict[str, str] = {}
    for _ in range(STEPS):
        naive.age(here.now)
        known = {message["body"]: message for message in naive.messages}
        match chance.choice(["send", "send", "receive", "receive", "delete", "change", "jump"]):
            case "send":
                group, delay = chance.choice("abc"), 0 if fifo else chance.choice([0, 0, 5])
                body = naive.send(here.now, delay, group)
                more = {"MessageGroupId": group, "MessageDeduplicationId": body} if fifo else {"DelaySeconds": delay}
                if fair and chance.random() > 0.2:
                    more["MessageGroupId"] = group
                here.sqs.send_message(QueueUrl=url, MessageBody=body, **more)
            case "receive":
                limit, timeout = chance.randint(1, 4), chance.choice([0, 3, 20])
                request = {"QueueUrl": url, "MaxNumberOfMessages": limit, "VisibilityTimeout": timeout}
                received = here.sqs.receive_message(**request).get("Messages", [])
                able = [message for message in naive.messages if naive.may_take(here.now, message)]
                assert len(received) == min(limit, len(able))
                for message in received:
                    entry = known[message["Body"]]
                    assert entry in able
                    entry.update(visible=here.now + timeout, state="held", count=entry["count"] + 1)
                    handles[message["Body"]] = message["ReceiptHandle"]
            case "delete" if handles:
                body = chance.choice(sorted(handles))
                gone = _act(here.sqs.delete_message, QueueUrl=url, ReceiptHandle=handles[body])
                holds = body in known and (not fifo or known[body]["visible"] > here.now)
                assert gone == (holds or body not in known)
                if holds:
                    naive.messages.remove(known[body])
            case "change" if handles:
                body, timeout = chance.choice(sorted(handles)), chance.choice([0, 10])
                changed = _act(here.sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=handles[body], VisibilityTimeout=timeout)
                in_flight = body in known and known[body]["visible"] > here.now
                assert changed == (in_flight or (body in known and not fifo))
                if in_flight:
                    known[body]["visible"] = here.now + timeout
            case _:
                here.jump(chance.choice([1, 5, 10]))
                naive.age(here.now)
        assert counts(here, url) == naive.counts(here.now)
    here.jump(RETENTION)
    assert counts(here, url) == (0, 0, 0)
    left = here.cloud.transact(lambda tx: [key for table in STORED for key, _ in tx.scan(table)], here.scope, "sqs")
    # Of a FIFO queue ids are remembered, and forgotten as others come.
    assert [key for key in left if not fifo or key[1] in {"held", "fresh"}] == []


def _act(operation: Any, **request: Any) -> bool:
    """Whether the queue took it, or refused the receipt handle."""
    try:
        operation(**request)
    except Fault as fault:
        if fault.code != "InvalidParameterValue":
            raise
        return False
    return True
