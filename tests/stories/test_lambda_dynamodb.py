"""Changes of a table run a function."""

from __future__ import annotations

import json
from typing import Any

from tests.stories.here import REGION, Here
from tests.stories.lambdas import arn, bodies, logged, make, queue, refusal

PRINTS = "import json\ndef handler(event, context):\n    print('got', json.dumps(event))\n"
VIEW = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


def table(here: Here) -> str:
    """A table whose changes are kept; the ARN of its stream."""
    made = here.dynamodb.create_table(
        TableName="books",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=VIEW,
    )
    return made["TableDescription"]["LatestStreamArn"]


def put(here: Here, id: str) -> None:
    here.dynamodb.put_item(TableName="books", Item={"id": {"S": id}, "data": {"B": b"\x01"}})


def events(here: Here) -> list[Any]:
    return [json.loads(line.removeprefix("got ")) for line in logged(here, "/aws/lambda/f") if line.startswith("got ")]


def test_a_change_is_an_event_as_aws_makes_it(here: Here) -> None:
    make(here, "f", PRINTS)
    stream = table(here)
    put(here, "before")
    here.lambda_.create_event_source_mapping(EventSourceArn=stream, FunctionName="f", StartingPosition="LATEST")
    put(here, "a")
    ((record,),) = (event["Records"] for event in events(here))
    assert record == {
        "eventID": record["eventID"],
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": record["dynamodb"]["ApproximateCreationDateTime"],
            "Keys": {"id": {"S": "a"}},
            "NewImage": {"id": {"S": "a"}, "data": {"B": "AQ=="}},
            "SequenceNumber": record["dynamodb"]["SequenceNumber"],
            "SizeBytes": record["dynamodb"]["SizeBytes"],
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": stream,
    }


def test_a_mapping_knows_after_a_restart_what_came_before_it(here: Here) -> None:
    make(here, "f", PRINTS)
    stream = table(here)
    put(here, "before")
    here.jump(10)
    uuid = here.lambda_.create_event_source_mapping(EventSourceArn=stream, FunctionName="f", StartingPosition="LATEST", Enabled=False)[
        "UUID"
    ]
    here.restart()
    here.jump(3600)
    put(here, "a")
    here.lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert [record["dynamodb"]["Keys"] for event in events(here) for record in event["Records"]] == [{"id": {"S": "a"}}]


def test_changes_are_filtered_and_those_that_fail_are_told_of(here: Here) -> None:
    make(here, "f", PRINTS + "    raise ValueError('no')\n")
    stream = table(here)
    url, failed = queue(here, "failed")
    pattern = json.dumps({"eventName": ["INSERT"], "dynamodb": {"Keys": {"id": {"S": ["b"]}}}})
    request = {"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 0, "FilterCriteria": {"Filters": [{"Pattern": pattern}]}}
    here.lambda_.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="f", DestinationConfig={"OnFailure": {"Destination": failed}}, **request
    )
    for id in ("a", "b"):
        put(here, id)
    (record,) = events(here)[0]["Records"]
    told = json.loads(bodies(here, url)[0])
    info = told["DDBStreamBatchInfo"]
    assert (told["requestContext"]["functionArn"], info["batchSize"], info["streamArn"]) == (arn("f"), 1, stream)
    assert info["startSequenceNumber"] == info["endSequenceNumber"] == record["dynamodb"]["SequenceNumber"]
    assert info["approximateArrivalOfFirstRecord"] == "2026-01-01T00:00:00Z"


def test_a_table_s_stream_has_no_timestamps_to_begin_at(here: Here) -> None:
    make(here, "f")
    stream = table(here)
    request = {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": here.now}
    said = f"Unsupported starting position for arn type: {stream}"
    create = here.lambda_.create_event_source_mapping
    assert refusal(create, EventSourceArn=stream, FunctionName="f", **request) == ("InvalidParameterValueException", said)
