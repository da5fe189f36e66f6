"""Stories of metric filters and subscription filters: kept, tried out, and events delivered as they come in."""

from __future__ import annotations

import gzip
from base64 import b64decode
from typing import Any

import orjson
import pytest

from tests.stories.here import BEGIN, Here
from windtunnel.aws.arn import Arn
from windtunnel.fabric import Event, Fault, Service

NOW = int(BEGIN * 1000)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/k"
TRANSFORMATION = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}


@pytest.fixture
def logs(here: Here) -> Any:
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    return here.logs


def refusal(call: Any, **request: Any) -> tuple[Any, ...]:
    with pytest.raises(Fault) as refused:
        call(**request)
    return refused.value.args


def redirect(here: Here, service: str) -> None:
    """Lets what is delivered to a service arrive in a queue, where the story can look at it."""
    here.sqs.create_queue(QueueName="seen")

    def target(arn: Arn, event: Event) -> tuple[str, dict[str, Any]]:
        body = event.body or gzip.decompress(event.parameters["Data"]).decode()
        return "send_message", {"QueueUrl": "http://localhost/000000000000/seen", "MessageBody": body}

    targets: dict[str, Service] = here.cloud.courier._targets  # pyright: ignore[reportPrivateUsage]
    targets[service] = Service("sqs", modules=(), targets={service: target})


def seen(here: Here) -> list[Any]:
    here.rest()
    messages = here.sqs.receive_message(QueueUrl="http://localhost/000000000000/seen", MaxNumberOfMessages=10).get("Messages", [])
    return [orjson.loads(message["Body"]) for message in messages]


def test_a_metric_filter_is_described_counted_and_deleted(logs: Any) -> None:
    logs.put_metric_filter(logGroupName="g", filterName="f", filterPattern="ERROR", metricTransformations=[TRANSFORMATION])
    logs.put_metric_filter(logGroupName="g", filterName="f", filterPattern="FATAL", metricTransformations=[TRANSFORMATION])
    described = {
        "filterName": "f",
        "filterPattern": "FATAL",
        "metricTransformations": [TRANSFORMATION],
        "creationTime": NOW,
        "logGroupName": "g",
        "applyOnTransformedLogs": False,
    }
    for request in ({}, {"logGroupName": "g", "filterNamePrefix": "f"}, {"metricName": "m", "metricNamespace": "n"}):
        assert logs.describe_metric_filters(**request) == {"metricFilters": [described]}
    assert logs.describe_metric_filters(metricName="x", metricNamespace="n") == {"metricFilters": []}
    assert logs.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 1
    logs.delete_metric_filter(logGroupName="g", filterName="f")
    assert logs.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 0
    assert refusal(logs.delete_metric_filter, logGroupName="g", filterName="f")[0] == "ResourceNotFoundException"


def test_a_metric_filter_is_tried_out_on_messages(logs: Any) -> None:
    messages = ["127.0.0.1 GET 200 17", "127.0.0.1 GET 404 5", "short"]
    assert logs.test_metric_filter(filterPattern="[ip, verb, status=4*, bytes]", logEventMessages=messages) == {
        "matches": [
            {
                "eventNumber": 2,
                "eventMessage": "127.0.0.1 GET 404 5",
                "extractedValues": {"$ip": "127.0.0.1", "$verb": "GET", "$status": "404", "$bytes": "5"},
            }
        ]
    }


def test_a_subscribed_function_gets_what_matches_compressed_as_it_comes_in(here: Here, logs: Any) -> None:
    redirect(here, "lambda")
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="ERROR", destinationArn=FUNCTION)
    events = [{"timestamp": NOW + number, "message": text} for number, text in enumerate(("INFO a", "ERROR b", "ERROR c"))]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events[:1])
    [event] = seen(here)
    document = orjson.loads(gzip.decompress(b64decode(event["awslogs"]["data"])))
    ids = [found["eventId"] for found in logs.filter_log_events(logGroupName="g", filterPattern="ERROR")["events"]]
    assert document == {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": "g",
        "logStream": "s",
        "subscriptionFilters": ["f"],
        "logEvents": [
            {"id": ids[0], "timestamp": NOW + 1, "message": "ERROR b"},
            {"id": ids[1], "timestamp": NOW + 2, "message": "ERROR c"},
        ],
    }


def test_a_stream_is_asked_whether_it_is_there_when_it_is_subscribed(here: Here, logs: Any) -> None:
    redirect(here, "kinesis")
    role = "arn:aws:iam::000000000000:role/r"
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="", destinationArn=STREAM, roleArn=role)
    [message] = seen(here)
    assert (message["messageType"], message["owner"], message["logGroup"]) == ("CONTROL_MESSAGE", "CloudwatchLogs", "")


def test_subscription_filters_are_described_and_two_are_enough(logs: Any) -> None:
    assert logs.describe_subscription_filters(logGroupName="g") == {"subscriptionFilters": []}
    for name in ("a", "b"):
        logs.put_subscription_filter(logGroupName="g", filterName=name, filterPattern="[]", destinationArn=FUNCTION)
    described = {
        "filterName": "a",
        "logGroupName": "g",
        "filterPattern": "[]",
        "destinationArn": FUNCTION,
        "distribution": "ByLogStream",
        "creationTime": NOW,
        "applyOnTransformedLogs": False,
    }
    assert logs.describe_subscription_filters(logGroupName="g") == {"subscriptionFilters": [described, {**described, "filterName": "b"}]}
    request = {"logGroupName": "g", "filterPattern": "", "destinationArn": FUNCTION}
    assert refusal(logs.put_subscription_filter, filterName="c", **request) == ("LimitExceededException", "Resource limit exceeded.")
    logs.delete_subscription_filter(logGroupName="g", filterName="b")
    assert logs.describe_subscription_filters(logGroupName="g") == {"subscriptionFilters": [described]}
    assert refusal(logs.delete_subscription_filter, logGroupName="g", filterName="b") == (
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )


def test_destinations_are_checked_before_the_group(logs: Any) -> None:
    request = {"logGroupName": "none", "filterName": "f", "filterPattern": ""}
    other = FUNCTION.replace("000000000000", "111111111111")
    assert refusal(logs.put_subscription_filter, destinationArn=other, **request)[0] == "AccessDeniedException"
    assert refusal(logs.put_subscription_filter, destinationArn=STREAM, **request) == (
        "InvalidParameterException",
        "destinationArn for vendor kinesis cannot be used without roleArn",
    )
    assert refusal(logs.put_subscription_filter, destinationArn=FUNCTION, **request) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
