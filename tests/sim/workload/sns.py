"""Topics with queues, functions and URLs behind them, and what is published to them."""

from __future__ import annotations

import json
from typing import Any

from tests.sim.auditor.sns import Topics
from tests.sim.auditor.sqs import Queues
from tests.sim.workload.base import ACCOUNT, REGION, Chance, Wish, queue_arn
from tests.sim.world.subscribers import Subscribers

NAMES = ("news", "alarms", "ordered.fifo")
URLS = ("http://fine.example/1", "http://fine.example/2", "http://flaky.example/1", "http://gone.example/1", "http://dead.example/1")
BATCH_MAX = 3


class TopicWork:
    """Wishes of SNS."""

    def __init__(self, chance: Chance, model: Topics, queues: Queues, subscribers: Subscribers) -> None:
        self._chance, self._model, self._queues, self._subscribers = chance, model, queues, subscribers
        self._weighted = {
            self._create: 4, self._remove: 1, self._subscribe: 8, self._confirm: 6, self._unsubscribe: 3, self._look: 6,
            self._publish: 30, self._publish_batch: 6,
        }  # fmt: skip

    def wish(self) -> Wish | None:
        return self._chance.pick(self._weighted)

    def _make(self, operation: str, **request: Any) -> Wish:
        return Wish("sns", operation, request)

    def _topic(self) -> str:
        known = self._chance.among(self._model.topics)
        return known if known and self._chance.percent(98) else f"arn:aws:sns:{REGION}:{ACCOUNT}:{self._chance.one(*NAMES, 'silence')}"

    def _create(self) -> Wish:
        name = self._chance.one(*NAMES, "not a name")
        tags = [{"Key": key, "Value": value} for key, value in self._chance.tags().items()]
        return self._make("CreateTopic", Name=name, Tags=tags, Attributes={"FifoTopic": "true"} if name.endswith(".fifo") else {})

    def _remove(self) -> Wish:
        return self._make("DeleteTopic", TopicArn=self._topic())

    def _subscribe(self) -> Wish:
        chance, attributes = self._chance, dict[str, str]()
        protocol = chance.one("sqs", "sqs", "sqs", "http", "http", "lambda")
        if protocol == "sqs":
            endpoint = queue_arn(chance.among([one.name for one in self._queues.queues.values() if one.watched], "nowhere"))
        elif protocol == "http":
            endpoint = chance.one(*URLS)
        else:
            endpoint = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{chance.one('fine', 'moody', 'broken')}"
        if protocol != "lambda" and chance.percent(60):
            attributes["RawMessageDelivery"] = "true"
        if chance.percent(20):
            attributes["FilterPolicy"] = json.dumps({"kind": [chance.one("red", "blue")]})
        if chance.percent(60) and (grave := chance.among([name for name in ("graves", "dead") if name in self._queues.queues])):
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": queue_arn(grave)})
        return self._make(
            "Subscribe", TopicArn=self._topic(), Protocol=protocol, Endpoint=endpoint, Attributes=attributes, ReturnSubscriptionArn=True
        )

    def _confirm(self) -> Wish | None:
        waiting = [one for one in self._model.subscriptions() if not one.confirmed and one.endpoint in self._subscribers.tokens]
        one = self._chance.among(waiting)
        if one is None:
            return None
        token = self._subscribers.tokens[one.endpoint]
        return self._make("ConfirmSubscription", TopicArn=one.arn.rpartition(":")[0], Token=token)

    def _unsubscribe(self) -> Wish | None:
        one = self._chance.among(self._model.subscriptions())
        return one and self._make("Unsubscribe", SubscriptionArn=one.arn)

    def _look(self) -> Wish | None:
        kind = self._chance.one("ListTopics", "ListSubscriptionsByTopic", "GetSubscriptionAttributes", "TagResource", "ListTagsForResource")
        if kind == "ListTopics":
            return self._make(kind)
        if kind == "ListSubscriptionsByTopic":
            return self._make(kind, TopicArn=self._topic())
        if kind == "GetSubscriptionAttributes":
            one = self._chance.among(self._model.subscriptions())
            return one and self._make(kind, SubscriptionArn=one.arn)
        tags = [{"Key": key, "Value": value} for key, value in self._chance.tags().items()]
        return self._make(kind, ResourceArn=self._topic(), **({"Tags": tags} if kind == "TagResource" else {}))

    def _message(self, topic: str) -> dict[str, Any]:
        chance = self._chance
        entry: dict[str, Any] = {"Message": chance.label()}
        if chance.percent(60):
            entry["MessageAttributes"] = {"kind": {"DataType": "String", "StringValue": chance.one("red", "blue", "green")}}
        if topic.endswith(".fifo"):
            entry |= {"MessageGroupId": chance.one("g", "h"), "MessageDeduplicationId": entry["Message"]}
            known = self._model.topics.get(topic)
            if known and known.sent and chance.percent(10):
                entry["MessageDeduplicationId"] = chance.among(known.sent)
        if chance.percent(3):
            entry |= chance.one({"Message": ""}, {"MessageDeduplicationId": "once"})
        return entry

    def _publish(self) -> Wish:
        topic = self._topic()
        return self._make("Publish", TopicArn=topic, **self._message(topic))

    def _publish_batch(self) -> Wish:
        topic = self._topic()
        entries = [{"Id": str(number), **self._message(topic)} for number in range(self._chance.number(0, BATCH_MAX))]
        return self._make("PublishBatch", TopicArn=topic, PublishBatchRequestEntries=entries)
