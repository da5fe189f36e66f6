"""What comes to the default bus by itself: what services tell, and the calls that are made."""

from __future__ import annotations

import json
from typing import Any

from tests.stories import lambdas
from tests.stories.events_kit import PREFIX, bodies, details, put, queue, rule
from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import refusal
from windtunnel.fabric.timers import TIMERS

CALL = {"detail-type": ["AWS API Call via CloudTrail"]}


def test_objects_of_a_bucket_come_to_the_default_bus_where_the_bucket_says_so(here: Here) -> None:
    here.s3.create_bucket(Bucket="box")
    rule(here, {"source": ["aws.s3"], "detail": {"object": {"key": [{"suffix": ".png"}], "size": [{"numeric": [">", 2]}]}}}, queue(here))
    here.s3.put_object(Bucket="box", Key="a.png", Body=b"hello")
    here.s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={"EventBridgeConfiguration": {}})
    here.s3.put_object(Bucket="box", Key="b.png", Body=b"hello")
    here.s3.put_object(Bucket="box", Key="c.png", Body=b"h")
    here.s3.put_object(Bucket="box", Key="d.txt", Body=b"hello")
    (body,) = bodies(here)
    assert (body["source"], body["detail-type"], body["resources"]) == ("aws.s3", "Object Created", ["arn:aws:s3:::box"])
    assert (body["detail"]["object"]["key"], body["detail"]["reason"]) == ("b.png", "PutObject")


def test_what_becomes_of_an_object_is_told(here: Here) -> None:
    here.s3.create_bucket(Bucket="box", ObjectOwnership="ObjectWriter")
    here.s3.delete_public_access_block(Bucket="box")
    here.s3.put_bucket_notification_configuration(Bucket="box", NotificationConfiguration={"EventBridgeConfiguration": {}})
    here.s3.put_object(Bucket="box", Key="k", Body=b"hello")
    rule(here, {"source": ["aws.s3"], "detail-type": [{"prefix": "Object "}]}, queue(here))
    here.s3.put_object_tagging(Bucket="box", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    here.s3.delete_object_tagging(Bucket="box", Key="k")
    here.s3.put_object_acl(Bucket="box", Key="k", ACL="public-read")
    here.s3.delete_object(Bucket="box", Key="k")
    told = bodies(here)
    assert [body["detail-type"] for body in told] == ["Object Tags Added", "Object Tags Deleted", "Object ACL Updated", "Object Deleted"]
    common = {"version": "0", "bucket": {"name": "box"}, "request-id": "request", "requester": ACCOUNT, "source-ip-address": "127.0.0.1"}
    assert told[0]["detail"] == {**common, "object": {"key": "k", "etag": "5d41402abc4b2a76b9719d911017c592"}}


def test_a_call_comes_as_cloudtrail_records_it(here: Here) -> None:
    here.sqs.create_queue(QueueName="q")
    rule(here, {**CALL, "source": ["aws.sns"]}, f"arn:aws:sqs:{REGION}:{ACCOUNT}:q")
    here.sns.create_topic(Name="t", Tags=[{"Key": "team", "Value": "blue"}])
    here.rest()
    (body,) = bodies(here)
    event_id = body["detail"].pop("eventID")
    assert (len(event_id), body["source"], body["detail-type"]) == (36, "aws.sns", "AWS API Call via CloudTrail")
    assert body["detail"] == {
        "eventVersion": "1.11",
        "userIdentity": {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
        "eventTime": "2026-01-01T00:00:00Z",
        "eventSource": "sns.amazonaws.com",
        "eventName": "CreateTopic",
        "awsRegion": REGION,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "tests",
        "requestParameters": {"name": "t", "tags": [{"key": "team", "value": "blue"}]},
        "responseElements": {"topicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t"},
        "requestID": "request",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }


def test_a_deleted_table_alerts_through_a_topic(here: Here) -> None:
    definition: Any = {
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    }
    here.dynamodb.create_table(TableName="orders", BillingMode="PAY_PER_REQUEST", **definition)
    here.jump(60)
    topic = here.sns.create_topic(Name="alerts")["TopicArn"]
    here.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue(here), Attributes={"RawMessageDelivery": "true"})
    transformer = {"InputPathsMap": {"t": "$.detail.requestParameters.tableName"}, "InputTemplate": '"Table <t> was deleted"'}
    pattern = {**CALL, "source": ["aws.dynamodb"], "detail": {"eventSource": ["dynamodb.amazonaws.com"], "eventName": ["DeleteTable"]}}
    rule(here, pattern, topic, InputTransformer=transformer)
    here.dynamodb.delete_table(TableName="orders")
    here.rest()
    assert bodies(here) == ["Table orders was deleted"]


def test_a_refused_call_comes_with_its_error(here: Here) -> None:
    rule(here, {**CALL, "detail": {"errorCode": [{"exists": True}]}}, queue(here))
    assert refusal(here.s3.delete_bucket, Bucket="none")[0] == "NoSuchBucket"
    here.rest()
    (detail,) = details(here)
    assert (detail["eventName"], detail["requestParameters"], detail["responseElements"]) == ("DeleteBucket", {"bucketName": "none"}, None)
    assert (detail["errorCode"], detail["errorMessage"]) == ("NoSuchBucket", "The specified bucket does not exist")


def test_calls_that_only_read_are_for_rules_that_ask_for_them(here: Here) -> None:
    rule(here, {**CALL, "source": ["aws.s3"]}, queue(here))
    here.s3.list_buckets()
    here.rest()
    assert details(here) == []
    here.events.put_rule(
        Name="r", EventPattern=json.dumps({**CALL, "source": ["aws.s3"]}), State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    )
    here.s3.list_buckets()
    here.rest()
    assert [(detail["eventName"], detail["readOnly"], detail["responseElements"]) for detail in details(here)] == [
        ("ListBuckets", True, None)
    ]


def test_calls_of_global_services_come_to_one_region(here: Here) -> None:
    there = here.at(region="eu-west-1")
    rule(here, {**CALL, "source": ["aws.iam"]}, queue(here))
    rule(there, {**CALL, "source": ["aws.iam"]}, queue(there))
    there.iam.create_user(UserName="anna")
    there.iam.create_login_profile(UserName="anna", Password="a Secret 1!")
    here.rest()
    assert [detail["requestParameters"] for detail in details(here)] == [
        {"userName": "anna"},
        {"userName": "anna", "password": "HIDDEN_DUE_TO_SECURITY_REASONS"},
    ]
    assert details(there) == []


def test_nothing_is_kept_of_a_call_that_no_rule_can_match(here: Here) -> None:
    rule(here, {"source": ["shop"], "detail-type": ["Order"]}, queue(here))
    here.sns.create_topic(Name="t")
    assert here.cloud.apply(lambda tx: [timer.handler for _, timer in tx.scan(TIMERS) if timer.service == "events"]) == []


def test_a_function_tells_a_bus_what_became_of_it(here: Here) -> None:
    lambdas.make(here, "f", "def handler(event, context):\n    return event['n'] + 1\n")
    here.events.create_event_bus(Name="mine")
    bus = f"{PREFIX}event-bus/mine"
    rule(here, {"source": ["lambda"]}, queue(here), bus="mine")
    here.lambda_.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": bus}})
    here.lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"n": 1}')
    here.rest()
    (body,) = bodies(here)
    assert (body["detail-type"], body["detail"]["responsePayload"]) == ("Lambda Function Invocation Result - Success", 2)
    assert body["resources"] == [bus, f"{lambdas.arn('f')}:$LATEST"]


def test_a_global_endpoint_puts_into_the_primary_region_and_copies_to_the_other(here: Here) -> None:
    there = here.at(region="us-west-2")
    buses = [f"arn:aws:events:{region}:{ACCOUNT}:event-bus/mine" for region in (REGION, "us-west-2")]
    for place in (here, there):
        place.events.create_event_bus(Name="mine")
        rule(place, {"source": ["shop"]}, queue(place), bus="mine")
    routing = {"FailoverConfig": {"Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/1"}, "Secondary": {"Route": "us-west-2"}}}
    request = {"RoutingConfig": routing, "EventBuses": [{"EventBusArn": bus} for bus in buses]}
    assert here.events.create_endpoint(Name="e", **request)["State"] == "CREATING"
    shown = here.events.describe_endpoint(Name="e")
    id = shown["EndpointId"]
    assert shown == {
        "Name": "e",
        "Arn": f"{PREFIX}endpoint/e",
        **request,
        "ReplicationConfig": {"State": "ENABLED"},
        "EndpointId": id,
        "EndpointUrl": f"https://{id}.endpoint.events.amazonaws.com",
        "State": "ACTIVE",
        "CreationTime": here.now,
        "LastModifiedTime": here.now,
    }
    assert there.events.list_endpoints(HomeRegion=REGION)["Endpoints"] == [shown]
    entry = {"Source": "shop", "DetailType": "t", "Detail": '{"n": 1}', "EventBusName": "mine"}
    there.events.put_events(EndpointId=id, Entries=[entry])
    assert [details(place) for place in (here, there)] == [[{"n": 1}], [{"n": 1}]]
    here.events.update_endpoint(Name="e", ReplicationConfig={"State": "DISABLED"})
    answer = there.events.put_events(EndpointId=id, Entries=[entry, {**entry, "EventBusName": "default"}])
    assert [details(place) for place in (here, there)] == [[{"n": 1}], []]
    assert answer["Entries"][1]["ErrorCode"] == "InvalidArgument"
    here.events.delete_endpoint(Name="e")
    assert here.events.list_endpoints() == {"Endpoints": []}
    assert put(here)
