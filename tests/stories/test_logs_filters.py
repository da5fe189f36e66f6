"""Stories of metric filters and subscription filters: kept, tried out, and events delivered as they come in."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.stories.here import BEGIN, Here
from tests.stories.lambdas import make
from tests.stories.logs_kit import document, heard
from tests.stories.refusals import refusal

NOW = int(BEGIN * 1000)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/k"
OTHERS_STREAM = "arn:aws:kinesis:us-east-1:111111111111:stream/o"
ROLE = "arn:aws:iam::000000000000:role/r"
TRANSFORMATION = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}


@pytest.fixture
def logs(here: Here, logs: Any) -> Any:
    make(here, "f")
    return logs


def put(logs: Any, *messages: str) -> None:
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": NOW, "message": text} for text in messages])


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
    invoked = heard(here, "lambda", "invoke")
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="ERROR", destinationArn=FUNCTION)
    assert invoked.pop() == {"FunctionName": FUNCTION, "InvocationType": "DryRun"}
    events = [{"timestamp": NOW + number, "message": text} for number, text in enumerate(("INFO a", "ERROR b", "ERROR c"))]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events[:1])
    here.rest()
    [request] = invoked
    ids = [found["eventId"] for found in logs.filter_log_events(logGroupName="g", filterPattern="ERROR")["events"]]
    assert document(request) == {
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


def test_fields_between_brackets_are_extracted_for_the_subscriber(here: Here, logs: Any) -> None:
    invoked = heard(here, "lambda", "invoke")
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="[verb, code=4*]", destinationArn=FUNCTION)
    put(logs, "GET 404", "GET 200")
    assert [event["extractedFields"] for event in document(invoked[-1])["logEvents"]] == [{"verb": "GET", "code": "404"}]


def test_a_stream_is_asked_whether_it_is_there_when_it_is_subscribed(here: Here, logs: Any) -> None:
    records = heard(here, "kinesis", "put_record", refuses="stream/none")
    request = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "roleArn": ROLE}
    logs.put_subscription_filter(destinationArn=STREAM, **request)
    message = document(records[0])
    assert (message["messageType"], message["owner"], message["logGroup"]) == ("CONTROL_MESSAGE", "CloudwatchLogs", "")
    assert refusal(logs.put_subscription_filter, destinationArn=STREAM.replace("/k", "/none"), **request) == (
        "InvalidParameterException",
        "Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE state.",
    )
    put(logs, "one")
    logs.put_subscription_filter(destinationArn=STREAM, distribution="Random", **request)
    put(logs, "two")
    sent = [record for record in records if document(record)["messageType"] == "DATA_MESSAGE"]
    assert [(record["StreamARN"], record["PartitionKey"] == "s") for record in sent] == [(STREAM, True), (STREAM, False)]


def test_firehose_is_tried_out_and_told_too(here: Here, logs: Any) -> None:
    arn = "arn:aws:firehose:us-east-1:000000000000:deliverystream/d"
    records = heard(here, "firehose", "put_record", refuses="none")
    request = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "roleArn": ROLE}
    logs.put_subscription_filter(destinationArn=arn, **request)
    put(logs, "m")
    assert [(one["DeliveryStreamName"], document(one)["messageType"]) for one in records] == [
        ("d", "CONTROL_MESSAGE"),
        ("d", "DATA_MESSAGE"),
    ]
    assert refusal(logs.put_subscription_filter, destinationArn=arn[:-1] + "none", **request) == (
        "InvalidParameterException",
        "Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in ACTIVE state.",
    )


def test_a_function_that_can_not_be_invoked_is_refused(logs: Any) -> None:
    assert refusal(logs.put_subscription_filter, logGroupName="g", filterName="f", filterPattern="", destinationArn=FUNCTION + "2") == (
        "InvalidParameterException",
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.",
    )


def test_another_account_subscribes_to_a_destination_that_lets_it(here: Here, logs: Any) -> None:
    records = heard(here, "kinesis", "put_record")
    other = here.at(account="111111111111").logs
    arn = other.put_destination(destinationName="d", targetArn=OTHERS_STREAM, roleArn=ROLE)["destination"]["arn"]
    request = {"logGroupName": "g", "filterName": "f", "filterPattern": "", "destinationArn": arn}
    denied = f"User with accountId: 000000000000 is not authorized to perform PutSubscriptionFilter on resource: {arn}"
    assert refusal(logs.put_subscription_filter, **request) == ("AccessDeniedException", denied)
    statement = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "logs:PutSubscriptionFilter", "Resource": arn}
    other.put_destination_policy(
        destinationName="d", accessPolicy=orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()
    )
    logs.put_subscription_filter(**request)
    put(logs, "m")
    assert (records[-1]["StreamARN"], document(records[-1])["owner"]) == (OTHERS_STREAM, "000000000000")
    other.delete_destination(destinationName="d")
    put(logs, "m")
    assert len(records) == 2
    assert refusal(logs.put_subscription_filter, **request) == ("ResourceNotFoundException", "The specified destination does not exist.")


def test_a_filter_is_for_events_of_the_accounts_and_regions_it_names(here: Here, logs: Any) -> None:
    invoked = heard(here, "lambda", "invoke")
    request = {"logGroupName": "g", "filterPattern": "", "destinationArn": FUNCTION}
    logs.put_subscription_filter(
        filterName="f", fieldSelectionCriteria='@aws.account IN ["000000000000"] AND @aws.region != "eu-west-1"', **request
    )
    logs.put_subscription_filter(filterName="none", fieldSelectionCriteria='@aws.region NOT IN ["us-east-1"]', **request)
    put(logs, "m")
    assert [document(one)["subscriptionFilters"] for one in invoked if "Payload" in one] == [["f"]]
    refused = refusal(logs.put_subscription_filter, filterName="f", fieldSelectionCriteria="code = 5", **request)
    assert refused == ("InvalidParameterException", "The fieldSelectionCriteria are not valid.")


def test_a_filter_sees_transformed_events_where_it_asks_for_them(here: Here, logs: Any) -> None:
    invoked = heard(here, "lambda", "invoke")
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=[{"csv": {"columns": ["code"]}}])
    request = {"logGroupName": "g", "filterPattern": "", "destinationArn": FUNCTION}
    logs.put_subscription_filter(filterName="f", applyOnTransformedLogs=True, **request)
    logs.put_subscription_filter(filterName="raw", **request)
    put(logs, "200")
    sent = [document(one) for one in invoked if "Payload" in one]
    assert [(one["subscriptionFilters"], one["logEvents"][0]["message"]) for one in sent] == [(["f"], '{"code":"200"}'), (["raw"], "200")]


def test_the_accounts_subscription_gets_what_all_groups_get_but_those_it_leaves_out(here: Here, logs: Any) -> None:
    invoked = heard(here, "lambda", "invoke")
    policy = {"policyName": "p", "policyType": "SUBSCRIPTION_FILTER_POLICY", "selectionCriteria": 'LogGroupName NOT IN ["h"]'}
    made = logs.put_account_policy(policyDocument=orjson.dumps({"DestinationArn": FUNCTION, "FilterPattern": "E"}).decode(), **policy)
    assert made["accountPolicy"]["selectionCriteria"] == policy["selectionCriteria"]
    logs.create_log_group(logGroupName="h")
    logs.create_log_stream(logGroupName="h", logStreamName="s")
    for group in ("g", "h"):
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": NOW, "message": text} for text in ("E", "I")])
    here.rest()
    [sent] = [document(one) for one in invoked if "Payload" in one]
    assert (sent["logGroup"], sent["subscriptionFilters"], len(sent["logEvents"]), sent["policyLevel"]) == (
        "g",
        ["p"],
        1,
        "ACCOUNT_LEVEL_POLICY",
    )
    logs.delete_account_policy(policyName="p", policyType="SUBSCRIPTION_FILTER_POLICY")
    put(logs, "E")
    assert len(invoked) == 2


def test_metric_filters_publish_what_they_find(here: Here, logs: Any) -> None:
    data = heard(here, "cloudwatch", "put_metric_data")
    by_path = {
        "metricName": "took",
        "metricNamespace": "app",
        "metricValue": "$.ms",
        "unit": "Milliseconds",
        "dimensions": {"path": "$.path"},
    }
    logs.put_metric_filter(logGroupName="g", filterName="f", filterPattern="{ $.ms > 0 }", metricTransformations=[by_path])
    logs.put_metric_filter(logGroupName="g", filterName="g", filterPattern="{ $.ms > 0 }", metricTransformations=[TRANSFORMATION])
    lines = (
        '{"ms": 5, "path": "/a"}',
        '{"ms": 5, "path": "/a"}',
        '{"ms": 7, "path": "/a"}',
        '{"ms": 1, "path": "/b"}',
        '{"ms": 2}',
        "other",
    )
    put(logs, *lines)
    minute, dimension = NOW // 1000, {"MetricName": "took", "Timestamp": NOW // 1000, "Unit": "Milliseconds"}
    assert data == [
        {
            "Namespace": "app",
            "MetricData": [
                {**dimension, "Values": [5.0, 7.0], "Counts": [2.0, 1.0], "Dimensions": [{"Name": "path", "Value": "/a"}]},
                {**dimension, "Values": [1.0], "Counts": [1.0], "Dimensions": [{"Name": "path", "Value": "/b"}]},
            ],
        },
        {"Namespace": "n", "MetricData": [{"MetricName": "m", "Timestamp": minute, "Unit": "None", "Values": [1.0], "Counts": [5.0]}]},
    ]


def test_a_default_value_counts_for_a_minute_in_which_nothing_matched(here: Here, logs: Any) -> None:
    data = heard(here, "cloudwatch", "put_metric_data")
    logs.put_metric_filter(
        logGroupName="g", filterName="f", filterPattern="E", metricTransformations=[{**TRANSFORMATION, "defaultValue": 0}]
    )
    put(logs, "E")
    put(logs, "other")
    here.jump(60)
    put(logs, "other")
    here.jump(600)
    assert [(one["MetricData"][0]["Timestamp"], one["MetricData"][0]["Values"]) for one in data] == [
        (NOW // 1000, [1.0]),
        (NOW // 1000 + 60, [0.0]),
    ]


def test_metric_filters_read_transformed_events_and_tell_where_they_come_from(here: Here, logs: Any) -> None:
    data = heard(here, "cloudwatch", "put_metric_data")
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=[{"csv": {"columns": ["code"]}}])
    request = {"logGroupName": "g", "metricTransformations": [TRANSFORMATION]}
    logs.put_metric_filter(
        filterName="f", filterPattern="{ $.code = 200 }", applyOnTransformedLogs=True, emitSystemFieldDimensions=["@aws.region"], **request
    )
    logs.put_metric_filter(filterName="raw", filterPattern="{ $.code = 200 }", **request)
    put(logs, "200")
    [datum] = data[0]["MetricData"]
    assert (len(data), datum["Dimensions"]) == (1, [{"Name": "@aws.region", "Value": "us-east-1"}])
    assert (
        refusal(logs.put_metric_filter, filterName="f", filterPattern="", fieldSelectionCriteria="(", **request)[0]
        == "InvalidParameterException"
    )


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


def test_metrics_that_events_embed_are_published_unless_a_policy_says_no(here: Here, logs: Any) -> None:
    data = heard(here, "cloudwatch", "put_metric_data")
    directive = {"Namespace": "app", "Dimensions": [["host"], []], "Metrics": [{"Name": "ms", "Unit": "Milliseconds"}, {"Name": "none"}]}
    event = {"_aws": {"Timestamp": NOW + 5, "CloudWatchMetrics": [directive]}, "host": "h", "ms": [5, 7, 5]}
    put(logs, orjson.dumps(event).decode(), '{"_aws": 1}', "plain")
    datum = {"MetricName": "ms", "Timestamp": NOW // 1000, "Unit": "Milliseconds", "Values": [5.0, 7.0], "Counts": [2.0, 1.0]}
    assert data == [{"Namespace": "app", "MetricData": [{**datum, "Dimensions": [{"Name": "host", "Value": "h"}]}, datum]}]
    policy = {"policyType": "METRIC_EXTRACTION_POLICY", "policyDocument": '{"EmbeddedMetricFormat": {"Status": "Disabled"}}'}
    logs.put_account_policy(policyName="p", selectionCriteria='LogGroupNamePrefix NOT IN ["other"]', **policy)
    put(logs, orjson.dumps(event).decode())
    assert len(data) == 1


def test_the_filters_of_a_group_have_five_regular_expressions_at_most(here: Here, logs: Any) -> None:
    heard(here, "lambda", "invoke")
    request = {"logGroupName": "g", "metricTransformations": [TRANSFORMATION]}
    for name in ("a", "b"):
        logs.put_metric_filter(filterName=name, filterPattern="%a% %b%", **request)
    subscription = {"logGroupName": "g", "destinationArn": FUNCTION}
    many = ("LimitExceededException", "Resource limit exceeded.")
    assert refusal(logs.put_subscription_filter, filterName="c", filterPattern="%a% %b%", **subscription) == many
    logs.put_subscription_filter(filterName="c", filterPattern="%a%", **subscription)
    assert refusal(logs.put_metric_filter, filterName="d", filterPattern="%d%", **request) == many
    logs.put_metric_filter(filterName="b", filterPattern="%b%", **request)
    logs.put_metric_filter(filterName="d", filterPattern="%d%", **request)
