"""A queue as a list of messages, each of which knows what is certain about it and what is not.

After a crash it may be unknown whether a call was carried out: then a message may be there or not (`sure` is False), or may have been
received by somebody who never heard of it (`vague` says until when it may be out of sight). Once it is met, all is certain again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.sim.auditor.base import holds

NAME_SECONDS = 60
DEDUPLICATION_SECONDS = 300
HANDLES_USED_MAX = 40


@dataclass(eq=False, slots=True)
class Message:
    """One message. `label` tells it from others, whatever envelope it came in."""

    label: str
    sent: float
    visible: float
    order: int
    group: str = ""
    id: str = ""
    count: int = 0
    state: str = ""
    sure: bool = True
    vague: float = 0.0
    unheard: int = 0
    """How many receives may have taken it of which nobody heard."""
    gone: bool = False
    came: bool = False
    """Whether it was there for certain once, whatever has become of it."""

    undated: bool = False
    """Whether nobody knows when it comes, before it is met."""

    def __post_init__(self) -> None:
        self.came = self.sure


@dataclass(eq=False, slots=True)
class Queue:
    """One queue, from its creation to its end."""

    name: str
    attributes: dict[str, str]
    created: float
    tags: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    handles: dict[str, tuple[Message, int]] = field(default_factory=dict)
    """Receipt handles with what they stand for, the latest last."""
    sent: dict[str, tuple[float, Message]] = field(default_factory=dict)
    purged: float = -1e9
    aged: tuple[float, int] = (-1e9, 0)
    """When messages became too old last, and how many."""
    dead_letter: str = ""
    receives_max: int = 0
    watched: bool = True
    """Whether its messages are followed one by one; a queue that a function polls has a model of its own."""

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")

    def number(self, attribute: str) -> int:
        defaults = {"VisibilityTimeout": 30, "MessageRetentionPeriod": 345_600, "DelaySeconds": 0}
        return int(self.attributes.get(attribute, defaults[attribute]))

    @property
    def usable(self) -> list[str]:
        """The latest handles. More are known, as calls with earlier ones may be under way."""
        return list(self.handles)[-HANDLES_USED_MAX:]

    def age(self, now: float) -> None:
        """Messages that are too old are gone."""
        retention = self.number("MessageRetentionPeriod")
        if any(message.sent + retention <= now for message in self.messages):
            for message in self.messages:
                message.gone = message.gone or (message.sent + retention <= now and not message.undated)
            gone = sum(message.gone for message in self.messages)
            self.aged = now, gone + (self.aged[1] if self.aged[0] == now else 0)
            self.messages = [message for message in self.messages if not message.gone]

    def passing(self, now: float) -> int:
        """How many became too old just now: for a moment they may be counted yet."""
        return self.aged[1] if now <= self.aged[0] + 1 else 0

    def sent_before(self, token: str, now: float) -> Message | None:
        """What a FIFO queue was sent under a deduplication id within five minutes, and takes for the same whatever it says."""
        at, message = self.sent.get(token, (0.0, None))
        return message if at > now - DEDUPLICATION_SECONDS else None

    def remove(self, message: Message) -> None:
        message.gone = True
        if message in self.messages:
            self.messages.remove(message)

    def is_dead(self, message: Message) -> bool:
        return 0 < self.receives_max <= message.count

    def may_be_dead(self, message: Message) -> bool:
        return 0 < self.receives_max <= message.count + max(message.unheard, message.vague > 0)

    def must_receive(self, message: Message, now: float) -> bool:
        """Whether nothing stands in the way of a message: it is there for certain, and so is that it is visible."""
        return message.sure and message.visible <= now and message.vague <= now


def label_of(body: str) -> str:
    """What tells a message from others, out of whatever envelope it came in."""
    if not body.startswith("{"):
        return body
    told: dict[str, Any] = json.loads(body)
    if told.get("Type") == "Notification":
        return label_of(told["Message"])
    if told.get("Event") == "s3:TestEvent":
        return f"test:{told['Bucket']}"
    if "requestContext" in told:
        return f"{told['requestContext']['condition']}:{label_of(json.dumps(told['requestPayload']))}"
    if "label" in told:
        return str(told["label"])
    record = told["Records"][0]
    if "s3" in record:
        thing = record["s3"]["object"]
        name = f"s3:{record['s3']['bucket']['name']}:{record['eventName']}:{thing['key']}"
        return f"{name}:{thing.get('eTag', '')}:{thing.get('versionId', '')}"
    holds("Sns" in record, f"a message that nobody sent: {body[:200]}")
    return str(record["Sns"]["Message"])
