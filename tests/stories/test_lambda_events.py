"""Asynchronous invocations: run in the background, tried again under the region's clock, passed on when done."""

import json
import re
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.lambdas import arn, bodies, logged, make, queue
from windtunnel.fabric import Event, Fault
from windtunnel.fabric.timers import PARKED, RUNNING

FAILS = "def handler(event, context):\n    print('ran')\n    raise ValueError('no')\n"


def send(here: Here, event: Any, **given: Any) -> Any:
    return here.lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps(event).encode(), **given)


def runs(here: Here) -> int:
    return sum(line.startswith("START") for line in logged(here, "/aws/lambda/f"))


def test_an_event_is_accepted_at_once_and_runs_later(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    print(event)\n")
    assert send(here, {"a": 1}) == {"StatusCode": 202}
    assert "{'a': 1}\n" in logged(here, "/aws/lambda/f")


def test_a_region_at_rest_has_run_what_was_accepted_before(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    print('ran')\n")

    async def story() -> list[str]:
        await here.cloud.run("lambda", "Invoke", {"FunctionName": "f", "InvocationType": "Event", "Payload": b"{}"}, here.scope)
        await here.cloud.store.committed()
        await here.cloud.rest()
        return [call.operation for call in here.cloud.calls.after(0)]

    assert here.run(story())[-1] == "PutLogEvents"


def test_a_failed_event_is_tried_again_after_one_and_after_two_minutes(here: Here) -> None:
    make(here, "f", FAILS)
    send(here, 1)
    seen: list[int] = []
    for seconds in (0, 59, 1, 119, 1, 86_400):
        here.jump(seconds)
        seen.append(runs(here))
    assert seen == [1, 1, 2, 2, 3, 3]


def test_the_configuration_says_how_often(here: Here) -> None:
    make(here, "f", FAILS)
    config = here.lambda_.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    assert config == {
        "FunctionArn": arn("f", "$LATEST"),
        "LastModified": here.now,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
        "MaximumRetryAttempts": 1,
    }
    send(here, 1)
    here.jump(3600)
    assert runs(here) == 2
    assert here.lambda_.list_function_event_invoke_configs(FunctionName="f") == {"FunctionEventInvokeConfigs": [config]}
    here.lambda_.delete_function_event_invoke_config(FunctionName="f")
    with pytest.raises(Fault) as raised:
        here.lambda_.get_function_event_invoke_config(FunctionName="f")
    assert raised.value.message == f"The function {arn('f', '$LATEST')} doesn't have an EventInvokeConfig"


def test_a_success_is_told_to_its_destination(here: Here) -> None:
    url, queue_arn = queue(here, "done")
    make(here, "f")
    destinations = {"OnSuccess": {"Destination": queue_arn}}
    here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig=destinations)
    send(here, {"a": 1})
    here.rest()
    (record,) = bodies(here, url)
    assert json.loads(record) == {
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "requestContext": {"requestId": "request", "functionArn": arn("f", "$LATEST"), "condition": "Success", "approximateInvokeCount": 1},
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"a": 1},
    }


def test_a_failure_is_told_to_its_destination_and_to_the_dead_letter_queue(here: Here) -> None:
    told, told_arn = queue(here, "failed")
    dead, dead_arn = queue(here, "dead")
    make(here, "f", FAILS, DeadLetterConfig={"TargetArn": dead_arn})
    here.lambda_.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": told_arn}}
    )
    send(here, {"a": 1})
    here.rest()
    (record,) = map(json.loads, bodies(here, told))
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert (record["responsePayload"]["errorType"], record["responsePayload"]["errorMessage"]) == ("ValueError", "no")
    (message,) = here.sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"]) == {"a": 1}
    assert message["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": "request"},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no"},
    }


def throttle(here: Here) -> None:
    """Version 1 has all the concurrency there is."""
    make(here, "f", Publish=True)
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    here.lambda_.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)


def test_an_event_of_a_function_that_may_never_run_has_failed_at_once(here: Here) -> None:
    url, arn_of_queue = queue(here, "failed")
    make(here, "f")
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnFailure": {"Destination": arn_of_queue}})
    send(here, 1)
    here.rest()
    (record,) = map(json.loads, bodies(here, url))
    assert record == {
        "version": "1.0",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "requestContext": {
            "requestId": record["requestContext"]["requestId"],
            "functionArn": f"{arn('f')}:$LATEST",
            "condition": "ZeroReservedConcurrency",
            "approximateInvokeCount": 0,
        },
        "requestPayload": 1,
    }


def test_an_event_that_is_throttled_waits_until_it_is_too_old(here: Here) -> None:
    url, arn_of_queue = queue(here, "failed")
    throttle(here)
    here.lambda_.put_function_event_invoke_config(
        FunctionName="f", MaximumEventAgeInSeconds=600, DestinationConfig={"OnFailure": {"Destination": arn_of_queue}}
    )
    send(here, 1)
    here.jump(200)
    assert bodies(here, url) == []
    here.jump(500)
    (record,) = map(json.loads, bodies(here, url))
    assert record["requestContext"]["condition"] == "EventAgeExceeded"


def test_a_throttled_event_runs_once_there_is_room(here: Here) -> None:
    throttle(here)
    send(here, 1)
    here.jump(60)
    here.lambda_.delete_function_concurrency(FunctionName="f")
    here.jump(64)
    assert runs(here) == 1


def test_events_that_wait_for_a_busy_function_follow_each_other_without_delay(here: Here) -> None:
    make(here, "f")
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    before = here.now
    for number in range(12):
        send(here, number)
    here.rest()
    assert (runs(here), here.now) == (12, before), "no time has passed"


def test_an_accepted_event_survives_a_restart(here: Here) -> None:
    make(here, "f", FAILS)
    send(here, 1)
    here.rest()
    here.restart()
    here.jump(60)
    assert runs(here) == 2


def test_what_is_delivered_to_a_function_is_an_event(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    print(event['hello'])\n")

    async def deliver() -> None:
        here.cloud.transact(lambda tx: tx.deliver(arn("f"), Event('{"hello": "there"}'), source="sns.amazonaws.com"), here.scope, "sns")

    here.run(deliver())
    assert "there\n" in logged(here, "/aws/lambda/f")


def test_a_function_is_not_its_own_destination(here: Here) -> None:
    make(here, "f")
    with pytest.raises(Fault) as raised:
        here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": arn("f")}})
    assert raised.value.message == "You can't specify the function as a destination for itself."


def test_a_failure_is_kept_in_a_bucket(here: Here) -> None:
    here.s3.create_bucket(Bucket="failures")
    make(here, "f", FAILS)
    destination = {"OnFailure": {"Destination": "arn:aws:s3:::failures"}}
    here.lambda_.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0, DestinationConfig=destination)
    send(here, {"a": 1})
    here.rest()
    (kept,) = here.s3.list_objects_v2(Bucket="failures")["Contents"]
    assert re.fullmatch(r"aws/lambda/async/f/2026/01/01/2026-01-01T00\.00\.00-[0-9a-f-]{36}", kept["Key"])
    record = json.loads(here.s3.get_object(Bucket="failures", Key=kept["Key"])["Body"])
    assert (record["requestContext"]["condition"], record["requestPayload"]) == ("RetriesExhausted", {"a": 1})
    success = {"OnSuccess": {"Destination": "arn:aws:s3:::failures"}}
    with pytest.raises(Fault, match="The provided destination config DestinationConfig"):
        here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig=success)


def test_a_record_that_is_too_large_comes_without_its_payloads(here: Here) -> None:
    url, queue_arn = queue(here, "done")
    make(here, "f")
    here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": queue_arn}})
    send(here, "x" * 200_000)
    here.rest()
    (record,) = map(json.loads, bodies(here, url))
    assert set(record) == {"version", "timestamp", "requestContext", "responseContext"}


def test_many_events_of_one_function_run_at_a_time(here: Here) -> None:
    make(here, "f")

    async def story() -> list[int]:
        for _ in range(100):
            await here.cloud.run("lambda", "Invoke", {"FunctionName": "f", "InvocationType": "Event", "Payload": b"1"}, here.scope)
        await here.cloud.store.committed()
        await here.cloud.clock.rung()
        return [here.cloud.apply(lambda tx, table=table: sum(1 for _ in tx.scan(table))) for table in (RUNNING, PARKED)]

    assert here.run(story()) == [100, 0]
    assert runs(here) == 100


def test_the_older_way_to_send_an_event_works_as_well(here: Here) -> None:
    make(here, "f", "def handler(event, context):\n    print('got', event)\n")
    assert here.lambda_.invoke_async(FunctionName="f", InvokeArgs=b'{"a": 1}') == {"Status": 202}
    assert "got {'a': 1}\n" in logged(here, "/aws/lambda/f")
    for arguments, code in ((b"{", "InvalidRequestContentException"), (b'"' + b"x" * 1_048_576 + b'"', "RequestTooLargeException")):
        with pytest.raises(Fault) as raised:
            here.lambda_.invoke_async(FunctionName="f", InvokeArgs=arguments)
        assert raised.value.code == code
