"""The examples of messages: a topic whose queues each hear what they ask for, and work that fails, is mended and done again."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from windtunnel import LocalRegion

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples/messaging"))
fan_out, queues, redrive = (importlib.import_module(name) for name in ("fan_out", "queues", "redrive"))
NEW, OLD = {"total": 1200, "customer": {}}, {"total": 1200, "customer": {"since": 2019}}


def _heard(region: LocalRegion, shop: Any) -> dict[str, list[Any]]:
    region.rest()
    return {name: [json.loads(one["Body"]) for one in queues.take(region.client("sqs"), url)] for name, url in shop.queues.items()}


def test_each_queue_hears_what_it_asks_for(region: LocalRegion) -> None:
    shop, sns = fan_out.deploy("shop", region.client), region.client("sns")
    fan_out.publish(sns, shop, "order", "FR", NEW)
    assert _heard(region, shop) == {"stock": [NEW], "fraud": [NEW], "abroad": [NEW], "archive": [NEW]}
    fan_out.publish(sns, shop, "order", "DE", OLD)
    assert _heard(region, shop) == {"stock": [OLD], "fraud": [], "abroad": [], "archive": [OLD]}
    fan_out.publish(sns, shop, "invoice", "FR", {"total": 1})
    assert _heard(region, shop) == {"stock": [], "fraud": [], "abroad": [], "archive": [{"total": 1}]}


def test_what_a_queue_cannot_take_lies_with_the_undelivered_and_the_others_get_it(region: LocalRegion) -> None:
    shop, sqs = fan_out.deploy("shop", region.client), region.client("sqs")
    sqs.delete_queue(QueueUrl=shop.queues.pop("stock"))
    fan_out.publish(region.client("sns"), shop, "order", "FR", NEW)
    assert _heard(region, shop) == {"fraud": [NEW], "abroad": [NEW], "archive": [NEW]}
    assert [json.loads(one["Body"]) for one in queues.take(sqs, shop.dead)] == [NEW]


def test_work_that_fails_three_times_goes_aside_and_comes_back_once_it_is_mended(region: LocalRegion) -> None:
    (url, dead), sqs = redrive.deploy("shop", region.client), region.client("sqs")
    done: list[int] = []
    for text in ("1", "oops", "2"):
        sqs.send_message(QueueUrl=url, MessageBody=text)
    for _ in range(3):
        redrive.work(sqs, url, lambda text: done.append(int(text)))
        region.jump("30s")
    assert redrive.work(sqs, url, lambda text: done.append(int(text))) == (0, 0)
    assert (done, _count(sqs, dead)) == ([1, 2], 1)
    redrive.mend(sqs, dead)
    region.jump("1s")
    words: list[str] = []
    assert redrive.work(sqs, url, words.append) == (1, 0)
    assert (words, _count(sqs, dead)) == (["oops"], 0)


def _count(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_dead_letters_go_back_at_the_rate_that_was_asked_for(region: LocalRegion) -> None:
    (url, dead), sqs = redrive.deploy("shop", region.client), region.client("sqs")
    for number in range(10):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(entry), "MessageBody": f"{number}/{entry}"} for entry in range(10)])
    for _ in range(4):
        redrive.work(sqs, url, int)
        region.jump("30s")
    assert _count(sqs, dead) == 100
    redrive.mend(sqs, dead, per_second=10)
    region.jump("5s")
    assert 40 <= _count(sqs, url) <= 60
    region.jump("10s")
    assert (_count(sqs, url), _count(sqs, dead)) == (100, 0)


def test_the_examples_are_taken_down_to_the_last_queue(region: LocalRegion) -> None:
    fan_out.deploy("shop", region.client)
    redrive.deploy("shop", region.client)
    for example in (fan_out, redrive):
        example.remove("shop", region.client)
    assert region.client("sns").list_topics()["Topics"] == []
    assert region.client("sqs").list_queues().get("QueueUrls") is None
