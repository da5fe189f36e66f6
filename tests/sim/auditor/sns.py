"""SNS: what is published comes to every subscription that wants it, once, or to its dead letters after as many attempts as it has."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sim.auditor.base import Ask, Call, Wrong, ended, holds, same
from tests.sim.auditor.messages import DEDUPLICATION_SECONDS, Message
from tests.sim.auditor.sqs import Queues
from tests.sim.world.events import Posted

ABSENT = ("NotFound",)
RETRIES, RETRY_SECONDS = 3, 20.0
"""SNS's own policy for URLs."""
CONFIRM_SECONDS = 2 * 86_400
"""https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"""
PATIENCE_SECONDS = 400
"""How late a delivery may be that a crash or a full disk held up: what the fabric waits after four failures of its own."""


@dataclass(eq=False, slots=True)
class Subscription:
    """One subscription, confirmed or not."""

    arn: str
    protocol: str
    endpoint: str
    raw: bool = False
    wanted: list[str] | None = None
    """The values of the attribute `kind` that it lets through; None for everything."""
    dead_letter: str = ""
    confirmed: bool = True
    made: float = 0.0

    @property
    def queue(self) -> str:
        return self.endpoint.rpartition(":")[2]


@dataclass(eq=False, slots=True)
class Topic:
    """One topic."""

    arn: str
    tags: dict[str, str]
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    sent: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def fifo(self) -> bool:
        return self.arn.endswith(".fifo")


@dataclass(eq=False, slots=True)
class Delivery:
    """One notification on its way to a URL."""

    subscription: str
    label: str
    dead_letter: str
    begun: float
    troubles: int
    attempts: int = 0
    last: float = 0.0
    over: bool = False
    sure: bool = True
    doubtful: dict[str, Message | None] = field(default_factory=dict)


class Topics:
    """All topics of the account. `troubles()` counts crashes and the like: what is delivered meanwhile may be delivered twice."""

    def __init__(self, ask: Ask, queues: Queues, invoked: Callable[..., bool], troubles: Callable[[], int]) -> None:
        self._ask, self._queues, self._invoked, self._troubles = ask, queues, invoked, troubles
        self.topics: dict[str, Topic] = {}
        self.deliveries: dict[tuple[str, str], Delivery] = {}

    def subscriptions(self) -> list[Subscription]:
        return [one for topic in self.topics.values() for one in topic.subscriptions.values()]

    # ------------------------------------------------------------ topics and subscriptions

    def create_topic(self, call: Call) -> None:
        name, arn = call.request["Name"], _arn(call.request["Name"])
        fifo = call.request.get("Attributes", {}).get("FifoTopic") == "true"
        tags = {tag["Key"]: tag["Value"] for tag in call.request.get("Tags", [])}
        topic = self.topics.get(arn)
        if not name.replace(".fifo", "").isalnum() or name.endswith(".fifo") != fifo or (topic and tags and tags != topic.tags):
            ended(call, "InvalidParameter")
        elif ended(call) and topic is None:
            self.topics[arn] = Topic(arn, tags)

    def create_topic_unknown(self, call: Call) -> None:
        arn = _arn(call.request["Name"])
        if arn not in self.topics and not self._ask("sns", "GetTopicAttributes", TopicArn=arn).fault:
            self.topics[arn] = Topic(arn, {tag["Key"]: tag["Value"] for tag in call.request.get("Tags", [])})

    def delete_topic(self, call: Call) -> None:
        if ended(call):
            self.topics.pop(call.request["TopicArn"], None)

    def list_topics(self, call: Call) -> None:
        ended(call)
        same("topics listed", [one["TopicArn"] for one in call.result["Topics"]], sorted(self.topics))

    def tag_resource(self, call: Call) -> None:
        topic = self.topics.get(call.request["ResourceArn"])
        if ended(call, *(() if topic else ["ResourceNotFound"])) and topic:
            topic.tags |= {tag["Key"]: tag["Value"] for tag in call.request["Tags"]}

    def list_tags_for_resource(self, call: Call) -> None:
        topic = self.topics.get(call.request["ResourceArn"])
        if ended(call, *(() if topic else ["ResourceNotFound"])) and topic:
            same(f"tags of {topic.arn}", {tag["Key"]: tag["Value"] for tag in call.result["Tags"]}, topic.tags)

    def subscribe(self, call: Call) -> None:
        request, attributes = call.request, call.request.get("Attributes", {})
        topic = self.topics.get(request["TopicArn"])
        if topic is None:
            ended(call, *ABSENT)
            return
        known = next(
            (one for one in topic.subscriptions.values() if (one.protocol, one.endpoint) == (request["Protocol"], request["Endpoint"])),
            None,
        )
        wrong = request["Protocol"] == "sqs" and request["Endpoint"].endswith(".fifo") and not topic.fifo
        dead_letter = _dead_letter(attributes)
        wrong = wrong or (topic.fifo and (request["Protocol"] != "sqs" or _out_of_order(request["Endpoint"], dead_letter)))
        if wrong or (known is not None and not _agrees(known, attributes)):
            ended(call, "InvalidParameter")
        elif ended(call):
            if known is None:
                self._subscribed(topic, call.result["SubscriptionArn"], request, call.now)
            else:
                same("the ARN of a subscription that is there", call.result["SubscriptionArn"], known.arn)

    def _subscribed(self, topic: Topic, arn: str, request: dict[str, Any], now: float) -> None:
        attributes = request.get("Attributes", {})
        wanted = json.loads(attributes["FilterPolicy"])["kind"] if "FilterPolicy" in attributes else None
        one = Subscription(arn, request["Protocol"], request["Endpoint"], attributes.get("RawMessageDelivery") == "true", wanted)
        one.dead_letter = _dead_letter(attributes)
        one.confirmed, one.made = one.protocol != "http", now
        topic.subscriptions[arn] = one

    def subscribe_unknown(self, call: Call) -> None:
        topic = self.topics.get(call.request["TopicArn"])
        if topic is None:
            return
        listed = self._ask("sns", "ListSubscriptionsByTopic", TopicArn=topic.arn).result["Subscriptions"]
        place = call.request["Protocol"], call.request["Endpoint"]
        if place in {(one.protocol, one.endpoint) for one in topic.subscriptions.values()}:
            return
        if any((one["Protocol"], one["Endpoint"]) == place for one in listed):
            # To subscribe again changes nothing, and tells the ARN.
            again = self._ask("sns", "Subscribe", TopicArn=topic.arn, Protocol=place[0], Endpoint=place[1], ReturnSubscriptionArn=True)
            self._subscribed(topic, again.result["SubscriptionArn"], call.request, call.now)

    def confirm_subscription(self, call: Call) -> None:
        topic = self.topics.get(call.request["TopicArn"])
        if call.fault or topic is None:
            # The token may be of a topic that is gone.
            holds(call.fault in ("InvalidParameter", "NotFound"), f"{call}: {call.message}")
        for one in self.subscriptions():
            # The token says which subscription is meant, whatever its topic.
            if call.result and one.arn == call.result["SubscriptionArn"]:
                one.confirmed = True

    def unsubscribe(self, call: Call) -> None:
        arn = call.request["SubscriptionArn"]
        topic = next((topic for topic in self.topics.values() if arn in topic.subscriptions), None)
        if topic is None:
            # One of a topic that was deleted stays for a while.
            return
        if ended(call, *(() if topic.subscriptions[arn].confirmed else ["InvalidParameter"])):
            del topic.subscriptions[arn]

    def list_subscriptions_by_topic(self, call: Call) -> None:
        topic = self.topics.get(call.request["TopicArn"])
        if ended(call, *(() if topic else ABSENT)) and topic:
            found = sorted((one["Protocol"], one["Endpoint"], one["SubscriptionArn"]) for one in call.result["Subscriptions"])
            mine = topic.subscriptions.values()
            same(f"subscriptions of {topic.arn}", found, sorted((one.protocol, one.endpoint, _shown(one)) for one in mine))

    def get_subscription_attributes(self, call: Call) -> None:
        arn = call.request["SubscriptionArn"]
        one = next((topic.subscriptions[arn] for topic in self.topics.values() if arn in topic.subscriptions), None)
        if one is not None and ended(call):
            shown = call.result["Attributes"]
            found = shown["RawMessageDelivery"], shown["PendingConfirmation"], _dead_letter(shown)
            same(f"attributes of {arn}", found, (str(one.raw).lower(), str(not one.confirmed).lower(), one.dead_letter))

    # ------------------------------------------------------------ publishing

    def publish(self, call: Call) -> None:
        topic, request = self.topics.get(call.request["TopicArn"]), call.request
        if topic is None:
            ended(call, *ABSENT)
        elif _illegal(topic, request):
            ended(call, "InvalidParameter")
        elif ended(call):
            self._published(topic, request, call.now, call.result["MessageId"])

    def publish_batch(self, call: Call) -> None:
        topic, entries = self.topics.get(call.request["TopicArn"]), call.request["PublishBatchRequestEntries"]
        if topic is None:
            ended(call, *ABSENT)
        elif not entries:
            ended(call, "EmptyBatchRequest")
        elif any(_illegal(topic, entry) for entry in entries):
            ended(call, "InvalidParameter")
        elif ended(call):
            same("entries of a batch that were published", [one["Id"] for one in call.result["Successful"]], [one["Id"] for one in entries])
            for entry, told in zip(entries, call.result["Successful"], strict=True):
                self._published(topic, entry, call.now, told["MessageId"])

    def publish_unknown(self, call: Call) -> None:
        topic = self.topics.get(call.request["TopicArn"])
        if topic is not None and not _illegal(topic, call.request):
            self._published(topic, call.request, call.now, "")

    def publish_batch_unknown(self, call: Call) -> None:
        topic, entries = self.topics.get(call.request["TopicArn"]), call.request["PublishBatchRequestEntries"]
        for entry in entries if topic and not any(_illegal(topic, entry) for entry in entries) else ():
            assert topic is not None
            self._published(topic, entry, call.now, "")

    def _published(self, topic: Topic, request: dict[str, Any], now: float, id: str) -> None:
        """A message is on its way; without an id nobody knows whether it is."""
        sure = id != ""
        if topic.fifo:
            token = request["MessageDeduplicationId"]
            at, before = topic.sent.get(token, (0.0, ""))
            if at > now - DEDUPLICATION_SECONDS and token in topic.sent:
                holds(before in ("", id) or not id, f"what was published to {topic.arn} twice has two ids")
                if before:
                    return
                # Nobody knows whether the first one was published: if it was not, this one is.
                sure, id = False, ""
            topic.sent[token] = now, id
        for one in topic.subscriptions.values():
            kind = request.get("MessageAttributes", {}).get("kind", {}).get("StringValue")
            if one.confirmed and (one.wanted is None or kind in one.wanted):
                self._handed(one, request, now, sure=sure)

    def _handed(self, one: Subscription, request: dict[str, Any], now: float, *, sure: bool) -> None:
        label = request["Message"]
        if one.protocol == "http":
            self.deliveries[one.arn, label] = Delivery(one.arn, label, one.dead_letter, now, self._troubles(), sure=sure)
        elif one.protocol == "lambda":
            if not self._invoked(one.queue, label, now, sure=sure):
                self._undelivered(one, label, now, sure=sure)
        else:
            self._queued(one, request, now, sure=sure)

    def _queued(self, one: Subscription, request: dict[str, Any], now: float, *, sure: bool) -> None:
        label = request["Message"]
        order = {"group": request["MessageGroupId"], "token": request["MessageDeduplicationId"]} if one.queue.endswith(".fifo") else {}
        if self._queues.queues.get(one.queue) is not None:
            self._queues.arrive(one.queue, label, now, **order, sure=sure)
        else:
            self._queues.miss(one.queue, label, order)
            self._undelivered(one, label, now, sure=sure)

    def _undelivered(self, one: Subscription, label: str, now: float, *, sure: bool) -> None:
        """No function or queue takes it: it comes to the dead letters."""
        if sure:
            self._queues.follow(one.dead_letter, label, now)
        else:
            self._queues.arrive(one.dead_letter, label, now, sure=False)

    # ------------------------------------------------------------ deliveries

    def posted(self, event: Posted, now: float, *, dying: bool) -> None:
        """A subscriber was notified. `dying`: what became of it was perhaps not kept; then it is notified again."""
        delivery = self.deliveries.get((event.subscription, event.label))
        if delivery is None:
            raise Wrong(f"{event}: nothing was published to it")
        excused = self._excused(delivery) or dying
        holds(excused or not delivery.over, f"{event}: it had been delivered, or given up, already")
        delivery.attempts += 1
        if delivery.attempts > 1 and not excused:
            same(f"seconds between attempts at {event.label}", now - delivery.last, RETRY_SECONDS)
        delivery.last = now
        final = event.outcome.isdigit() and 400 <= int(event.outcome) < 500 and event.outcome not in ("408", "429")
        holds(excused or delivery.attempts <= RETRIES + 1, f"{event}: attempt {delivery.attempts}")
        if event.outcome == "200":
            delivery.over = True
        elif final or delivery.attempts > RETRIES:
            delivery.over = True
            if excused:
                self._queues.perhaps(delivery.doubtful, delivery.dead_letter, event.label, now)
            else:
                self._queues.follow(delivery.dead_letter, event.label, now)

    def _excused(self, delivery: Delivery) -> bool:
        """Whether it may be made more than once, or not at all where nobody knows whether it was published."""
        return self._troubles() > delivery.troubles or not delivery.sure

    def passed(self, now: float) -> None:
        """Nothing stays on its way for longer than its attempts take."""
        for topic in self.topics.values():
            over = [one.arn for one in topic.subscriptions.values() if not one.confirmed and now >= one.made + CONFIRM_SECONDS]
            for arn in over:
                del topic.subscriptions[arn]
        for key, delivery in list(self.deliveries.items()):
            excused = self._excused(delivery)
            if now > delivery.begun + RETRIES * RETRY_SECONDS + (PATIENCE_SECONDS if excused else 1):
                holds(delivery.over or excused, f"{delivery.label} never came to {delivery.subscription}: {delivery.attempts} attempts")
                if delivery.over and now > delivery.last + PATIENCE_SECONDS * 20:
                    del self.deliveries[key]

    def drained(self) -> None:
        """All is delivered, or with the dead letters."""
        late = [delivery for delivery in self.deliveries.values() if not delivery.over and (delivery.sure or delivery.attempts)]
        holds(not late, f"never came to its end: {[(one.subscription, one.label, one.attempts) for one in late]}")


def _arn(name: str) -> str:
    return f"arn:aws:sns:us-east-1:000000000000:{name}"


def _shown(one: Subscription) -> str:
    return one.arn if one.confirmed else "PendingConfirmation"


def _dead_letter(attributes: dict[str, str]) -> str:
    return str(json.loads(attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn", "")).rpartition(":")[2]


def _out_of_order(endpoint: str, dead_letter: str) -> bool:
    """Whether the dead letters of a FIFO queue would lie in a queue without an order."""
    return endpoint.endswith(".fifo") and dead_letter != "" and not dead_letter.endswith(".fifo")


def _agrees(known: Subscription, attributes: dict[str, str]) -> bool:
    raw = attributes.get("RawMessageDelivery", str(known.raw).lower()) == str(known.raw).lower()
    wanted = "FilterPolicy" not in attributes or json.loads(attributes["FilterPolicy"])["kind"] == known.wanted
    return raw and wanted and ("RedrivePolicy" not in attributes or _dead_letter(attributes) == known.dead_letter)


def _illegal(topic: Topic, entry: dict[str, Any]) -> bool:
    if not entry["Message"] or (not topic.fifo and "MessageDeduplicationId" in entry):
        return True
    return topic.fifo and not ("MessageGroupId" in entry and "MessageDeduplicationId" in entry)
