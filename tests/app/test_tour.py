"""`windtunnel tour`: it tells what happens, and leaves nothing behind."""

from __future__ import annotations

import re

import pytest

from tests.app.kit import windtunnel
from windtunnel import LocalRegion


def test_the_tour_tells_every_step_and_takes_everything_down(region: LocalRegion) -> None:
    ended = windtunnel("tour", endpoint=region.endpoint)
    assert (ended.returncode, ended.stderr) == (0, "")
    steps = [re.sub(r"[\d,]+ bytes", "N bytes", match[1]) for match in re.finditer(r"^\d  (.*?) +[\d,]+ ms$", ended.stdout, re.MULTILINE)]
    assert steps == [
        "Built two buckets, a function, a topic, three queues and a role",
        "Uploaded a picture of 640x400, N bytes",
        "S3 called the function (a cold start): a thumbnail of 128x80, N bytes",
        "The catalogue's queue has the notice in SNS's envelope: ObjectCreated:Put",
        "The portraits' queue has it, for its key passed the filter policy: ObjectCreated:Put",
        "The audit's queue has it raw, as S3 wrote it: ObjectCreated:Put",
        "Uploaded places/hills.png too (a warm start); the filter kept it from the portraits' queue",
        "Took everything down again; `windtunnel tour --keep` leaves it, to try these commands on",
    ]
    assert f"       windtunnel --endpoint {region.endpoint} aws sqs receive-message --queue-url {region.endpoint}/" in ended.stdout
    assert region.client("s3").list_buckets()["Buckets"] == []
    assert region.client("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "buckets",
            [
                "Signed a form for one visitor: pictures of at most 5 MB, for ten minutes",
                "A browser posted a picture (201); the queue was told: ObjectCreated:Post",
                "A page of HTML is refused by the policy: 403 AccessDenied",
                "Made a website of a bucket; its index answers 200: Hills",
                "A page that is not there answers 404: Nothing here",
                "Built two buckets in two regions, the first replicated to the second, and a queue over there",
                "Put an object here; there it is a REPLICA of the same version, and the queue was told: ObjectCreated:Put",
            ],
        ),
        (
            "messaging",
            [
                "Built a topic for a shop's orders and four queues that ask for some of them",
                "Published: order, 1,200, FR. Heard by stock, fraud, abroad, archive",
                "Published: return, 20, DE. Heard by stock, archive",
                "Sent three pieces of work: 2 were done, 1 failed and is out of sight for 30 seconds",
                "After its third failure it lies in the dead-letter queue, which has 1",
                "The worker was mended and the letters sent back: 1 was done",
            ],
        ),
        (
            "orders",
            [
                "Built a durable function with its role, and a queue for approvals",
                "Ordered a kite: it is reserved, somebody is asked, and nothing runs any more",
                "Ada approved it; the bank did not answer, so the step is tried again in some minutes",
                "An hour later it is charged, and waits for thirty days",
                "A month later it is closed, approved by Ada",
            ],
        ),
        (
            "archive",
            [
                "Put a record into a bucket whose objects get colder after 30 and 90 days and go after a year",
                "31 days later it is STANDARD_IA; the queue was told: LifecycleTransition",
                "60 days later it is GLACIER; the queue was told: LifecycleTransition",
                "It can't be read now: InvalidObjectState",
                "Asked for it back, expedited; five minutes later it reads 'a record': ObjectRestore:Post, ObjectRestore:Completed",
                "Three days later it is in the archive alone again: ObjectRestore:Delete",
                "300 days later 0 records are left",
            ],
        ),
        (
            "events",
            [
                "Deployed a template: a bucket, rules of EventBridge, a queue, a function, an archive, a schedule",
                "Uploaded a picture; the catalogue's queue has: hills.png came at THEN",
                'Changed who may read the bucket; the alert says "arn:aws:iam::000000000000:root called PutBucketPolicy"',
                'A day later the nightly schedule said: {"close": "THEN"}',
                "Replayed the archive: hills.png came at THEN, once more",
            ],
        ),
    ],
)
def test_other_tours_tell_theirs(region: LocalRegion, name: str, told: list[str]) -> None:
    ended = windtunnel("tour", name, endpoint=region.endpoint)
    assert (ended.returncode, ended.stderr) == (0, "")
    steps = [match[1] for match in re.finditer(r"^\d  (.*?) +[\d,]+ ms$", ended.stdout, re.MULTILINE)]
    assert [re.sub(r"20[-:T\d]+Z", "THEN", step) for step in steps[:-1]] == told
    assert region.client("s3").list_buckets()["Buckets"] == []


def test_a_tour_that_is_not_there_is_answered_with_those_that_are(region: LocalRegion) -> None:
    listed = windtunnel("tour", "--list", endpoint=region.endpoint)
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert names[0] == "thumbnails"
    ended = windtunnel("tour", "the-moon", endpoint=region.endpoint)
    assert (ended.returncode, ended.stderr) == (1, f"windtunnel: There is no tour 'the-moon'. There are: {', '.join(names)}.\n")
