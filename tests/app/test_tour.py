"""`windtunnel tour`: it tells what happens, and leaves nothing behind."""

from __future__ import annotations

import re

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


def test_a_tour_that_is_not_there_is_answered_with_those_that_are(region: LocalRegion) -> None:
    listed = windtunnel("tour", "--list", endpoint=region.endpoint)
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert names[0] == "thumbnails"
    ended = windtunnel("tour", "the-moon", endpoint=region.endpoint)
    assert (ended.returncode, ended.stderr) == (1, f"windtunnel: There is no tour 'the-moon'. There are: {', '.join(names)}.\n")
