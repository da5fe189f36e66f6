"""Queues over streams: records come back until they are acknowledged, and become dead letters when they come too often."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stories.here import ACCOUNT, BEGIN, REGION, Here
from tests.stories.refusals import refusal

STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"


@pytest.fixture
def kinesis(here: Here) -> Any:
    """Kinesis, with a stream on demand."""
    here.kinesis.create_stream(StreamName="s", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    return here.kinesis


def create(kinesis: Any, name: str = "q", start: dict[str, Any] | None = None, **attributes: Any) -> str:
    source = {"StreamARN": STREAM, **({"StartingPosition": start} if start else {})}
    made = kinesis.create_queue(QueueName=name, StreamConfigurationList=[source], QueueAttributes=attributes)
    return made["QueueDescription"]["QueueARN"]


def put(kinesis: Any, *texts: str) -> None:
    kinesis.put_records(StreamName="s", Records=[{"Data": text.encode(), "PartitionKey": text} for text in texts])


def receive(here: Here, arn: str, **more: Any) -> list[Any]:
    """What can be received without waiting."""
    task = here.begin.kinesis.receive_queue_records(QueueARN=arn, WaitTimeSeconds=1, **more)
    here.jump(1)
    return here.result(task)["QueueRecords"]


def texts(records: list[Any]) -> list[str]:
    return sorted(record["Data"].decode() for record in records)


def handles(records: list[Any], **more: Any) -> list[dict[str, Any]]:
    return [{"ReceiptHandle": record["ReceiptHandle"], **more} for record in records]


def test_a_queue_is_described_with_what_it_was_made_of(kinesis: Any) -> None:
    made = kinesis.create_queue(QueueName="q", StreamConfigurationList=[{"StreamARN": STREAM}], Tags={"team": "blue"})["QueueDescription"]
    arn = made["QueueARN"]
    assert arn.startswith(f"arn:aws:kinesis:{REGION}:{ACCOUNT}:queue/")
    described = {
        "QueueName": "q",
        "QueueARN": arn,
        "QueueStatus": "ACTIVE",
        "QueueCreationTimestamp": BEGIN,
        "StreamConfigurationList": [{"StreamARN": STREAM, "StartingPosition": {"Type": "LATEST"}}],
        "QueueAttributes": {"VisibilityTimeoutSeconds": 30, "DeadLetterConfiguration": {"TargetType": "BUILT_IN", "MaxReceiveCount": 6}},
    }
    assert made == described | {"QueueStatus": "CREATING"}
    assert kinesis.describe_queue(QueueARN=arn) == {"QueueDescription": described}
    assert kinesis.list_queues(StreamFilter=[{"StreamARN": STREAM}]) == {
        "QueueSummaries": [
            {
                "QueueName": "q",
                "QueueARN": arn,
                "QueueStatus": "ACTIVE",
                "QueueCreationTimestamp": BEGIN,
                "Streams": [{"StreamARN": STREAM, "StreamCreationTimestamp": int(BEGIN)}],
            }
        ]
    }
    assert kinesis.list_tags_for_resource(ResourceARN=arn) == {"Tags": [{"Key": "team", "Value": "blue"}]}
    assert kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["QueueCount"] == 1
    changed = kinesis.update_queue(QueueARN=arn, QueueAttributes={"DeadLetterConfiguration": {"TargetType": "NONE"}})["QueueDescription"]
    assert changed["QueueAttributes"] == {"VisibilityTimeoutSeconds": 30, "DeadLetterConfiguration": {"TargetType": "NONE"}}


def test_a_record_comes_back_until_it_is_acknowledged(here: Here, kinesis: Any) -> None:
    arn = create(kinesis)
    put(kinesis, "a", "b")
    first = receive(here, arn)
    assert texts(first) == ["a", "b"]
    done = kinesis.acknowledge_queue_records(QueueARN=arn, Entries=handles([one for one in first if one["Data"] == b"a"]))
    assert (len(done["Successful"]), done["Failed"]) == (1, [])
    assert receive(here, arn) == []
    here.jump(30)
    (again,) = receive(here, arn)
    assert (again["Data"], again["ReceiveCount"], again["FirstReceiveTimestamp"]) == (b"b", 2, BEGIN)
    assert sorted(again) == sorted(first[0])
    assert again["RecordId"] in {one["RecordId"] for one in first}


def test_queues_of_a_stream_know_nothing_of_each_other(here: Here, kinesis: Any) -> None:
    put(kinesis, "old")
    here.jump(1)
    latest, horizon = create(kinesis), create(kinesis, "r", {"Type": "TRIM_HORIZON"})
    moment = create(kinesis, "t", {"Type": "AT_TIMESTAMP", "Timestamp": BEGIN + 0.5})
    put(kinesis, "new")
    assert [texts(receive(here, arn)) for arn in (latest, horizon, moment)] == [["new"], ["new", "old"], ["new"]]


def test_a_receive_waits_for_what_is_put_or_comes_back(here: Here, kinesis: Any) -> None:
    arn = create(kinesis, VisibilityTimeoutSeconds=5)
    waiting = here.begin.kinesis.receive_queue_records(QueueARN=arn, WaitTimeSeconds=20)
    here.rest()
    put(kinesis, "a")
    assert texts(here.result(waiting)["QueueRecords"]) == ["a"]
    waiting = here.begin.kinesis.receive_queue_records(QueueARN=arn, WaitTimeSeconds=20)
    here.jump(5)
    assert texts(here.result(waiting)["QueueRecords"]) == ["a"]


def test_a_record_is_kept_for_longer_or_given_back(here: Here, kinesis: Any) -> None:
    arn = create(kinesis)
    put(kinesis, "a")
    taken = receive(here, arn)
    kinesis.update_queue_records_visibility(QueueARN=arn, Entries=handles(taken, VisibilityTimeoutSeconds=100))
    here.jump(60)
    assert receive(here, arn) == []
    kinesis.update_queue_records_visibility(QueueARN=arn, Entries=handles(taken, VisibilityTimeoutSeconds=0))
    assert texts(receive(here, arn)) == ["a"]
    failed = kinesis.acknowledge_queue_records(QueueARN=arn, Entries=[*handles(taken), {"ReceiptHandle": "cut"}])["Failed"]
    assert [one["ErrorCode"] for one in failed] == ["ResourceNotFoundException", "InvalidArgumentException"]


def test_what_was_received_too_often_is_a_dead_letter_until_it_is_restored(here: Here, kinesis: Any) -> None:
    arn = create(kinesis, VisibilityTimeoutSeconds=5, DeadLetterConfiguration={"TargetType": "BUILT_IN", "MaxReceiveCount": 2})
    put(kinesis, "a")
    for _ in range(2):
        assert texts(receive(here, arn)) == ["a"]
        here.jump(5)
    assert receive(here, arn) == []
    dead = kinesis.receive_dead_letter_queue_records(QueueARN=arn)["QueueRecords"]
    assert (texts(dead), dead[0]["ReceiveCount"]) == (["a"], 3)
    kinesis.update_dead_letter_queue_records_visibility(QueueARN=arn, Entries=handles(dead, VisibilityTimeoutSeconds=0))
    again = kinesis.receive_dead_letter_queue_records(QueueARN=arn)["QueueRecords"]
    kinesis.restore_dead_letter_queue_records(QueueARN=arn, Entries=handles(again))
    (restored,) = receive(here, arn)
    assert (restored["Data"], restored["ReceiveCount"]) == (b"a", 1)
    here.jump(5)
    receive(here, arn)
    here.jump(5)
    dead = kinesis.receive_dead_letter_queue_records(QueueARN=arn)["QueueRecords"]
    assert kinesis.acknowledge_dead_letter_queue_records(QueueARN=arn, Entries=handles(dead))["Failed"] == []
    here.jump(60)
    waiting = here.begin.kinesis.receive_dead_letter_queue_records(QueueARN=arn)
    here.jump(9)
    assert here.result(waiting) == {"QueueRecords": []}


def test_a_queue_ends_with_what_the_stream_keeps(here: Here, kinesis: Any) -> None:
    arn = create(kinesis)
    put(kinesis, "a", "b")
    receive(here, arn, Limit=1)
    here.jump(24 * 3600)
    assert receive(here, arn) == []


def test_a_stream_with_queues_stays_as_it_is(here: Here, kinesis: Any) -> None:
    arn = create(kinesis)
    said = ("ResourceInUseException", f"Stream s under account {ACCOUNT} has queues. Delete them first.")
    assert refusal(kinesis.delete_stream, StreamName="s") == said
    assert refusal(kinesis.update_stream_mode, StreamARN=STREAM, StreamModeDetails={"StreamMode": "PROVISIONED"}) == said
    kinesis.delete_queue(QueueARN=arn)
    assert refusal(kinesis.describe_queue, QueueARN=arn) == ("ResourceNotFoundException", f"Queue {arn} not found.")
    kinesis.delete_stream(StreamName="s")
    assert kinesis.list_queues() == {"QueueSummaries": []}


def test_listings_of_queues_have_pages(kinesis: Any) -> None:
    made = {create(kinesis, name) for name in ("a", "b", "c")}
    first = kinesis.list_queues(MaxResults=2)
    rest = kinesis.list_queues(NextToken=first["NextToken"])
    assert {one["QueueARN"] for one in (*first["QueueSummaries"], *rest["QueueSummaries"])} == made
    assert (len(first["QueueSummaries"]), "NextToken" in rest) == (2, False)
