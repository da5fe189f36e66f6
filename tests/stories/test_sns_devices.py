"""Devices and phones: applications, their endpoints, and the settings of text messages."""

from __future__ import annotations

import json

import pytest

from tests.stories.here import Here
from tests.stories.test_sns_feedback import logged
from tests.stories.test_sns_subscriptions import letters
from tests.stories.test_sns_topics import refusal
from windtunnel.fabric.outbox import Letter

APPLICATION = "arn:aws:sns:us-east-1:000000000000:app/GCM/a"
SECRETS = {"PlatformPrincipal": "p", "PlatformCredential": "c"}


def device(here: Here) -> str:
    here.sns.create_platform_application(Name="a", Platform="GCM", Attributes=SECRETS)
    return here.sns.create_platform_endpoint(PlatformApplicationArn=APPLICATION, Token="t")["EndpointArn"]


def test_an_application_shows_no_credentials_and_goes_with_its_endpoints(here: Here) -> None:
    arn = device(here)
    applications = here.sns.list_platform_applications()
    endpoints = here.sns.list_endpoints_by_platform_application(PlatformApplicationArn=APPLICATION)
    here.sns.delete_platform_application(PlatformApplicationArn=APPLICATION)
    assert applications == {"PlatformApplications": [{"PlatformApplicationArn": APPLICATION, "Attributes": {"Enabled": "true"}}]}
    assert endpoints == {"Endpoints": [{"EndpointArn": arn, "Attributes": {"Enabled": "true", "Token": "t"}}]}
    assert refusal(here.sns.get_endpoint_attributes, EndpointArn=arn) == ("NotFound", "Endpoint does not exist")
    assert refusal(here.sns.list_endpoints_by_platform_application, PlatformApplicationArn=APPLICATION) == (
        "NotFound",
        "PlatformApplication does not exist",
    )


def test_a_token_is_one_endpoint(here: Here) -> None:
    arn = device(here)
    again = {"PlatformApplicationArn": APPLICATION, "Token": "t"}
    assert here.sns.create_platform_endpoint(**again) == {"EndpointArn": arn}
    assert refusal(here.sns.create_platform_endpoint, **again, CustomUserData="x") == (
        "InvalidParameter",
        f"Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes.",
    )


def test_a_push_notification_lies_in_the_outbox_unless_the_device_is_disabled(here: Here) -> None:
    arn = device(here)
    texts = json.dumps({"default": "d", "GCM": "g"})
    here.sns.publish(TargetArn=arn, Message=texts, MessageStructure="json")
    here.sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    assert letters(here) == [Letter("application", arn, "", "g", here.now, "sns.amazonaws.com", "000000000000", "us-east-1")]
    assert refusal(here.sns.publish, TargetArn=arn, Message="m") == ("EndpointDisabled", "Endpoint is disabled")
    assert refusal(here.sns.publish, TargetArn=f"{arn}x", Message="m") == (
        "InvalidParameter",
        "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified",
    )


@pytest.mark.parametrize(
    ("name", "platform", "attributes", "message"),
    [
        ("", "GCM", SECRETS, " Reason: cannot be empty"),
        ("@a", "GCM", SECRETS, "@a Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'"),
        ("a", "AAA", SECRETS, "Platform Reason: AAA is not supported"),
        ("a", "GCM", {"PlatformPrincipal": "p"}, "Attributes Reason: PlatformPrincipal attribute provided without PlatformCredential"),
    ],
)
def test_an_application_that_cannot_be_is_refused(here: Here, name: str, platform: str, attributes: dict[str, str], message: str) -> None:
    request = {"Name": name, "Platform": platform, "Attributes": attributes}
    assert refusal(here.sns.create_platform_application, **request) == ("InvalidParameter", f"Invalid parameter: {message}")


@pytest.mark.parametrize(
    ("arn", "attributes", "fault"),
    [
        ("x", None, ("InvalidParameter", "Invalid parameter: PlatformApplicationArn Reason: An ARN must have at least 6 elements, not 1")),
        (
            "arn:aws:sns:us-east-1:000000000000:app/ADM/none",
            None,
            (
                "ValidationError",
                "1 validation error detected: Value null at 'attributes' failed to satisfy constraint: Member must not be null",
            ),
        ),
        ("arn:aws:sns:us-east-1:000000000000:app/ADM/none", {"Enabled": "true"}, ("NotFound", "PlatformApplication does not exist")),
    ],
)
def test_what_is_set_of_no_application_is_refused(here: Here, arn: str, attributes: dict[str, str] | None, fault: tuple[str, str]) -> None:
    request = {"PlatformApplicationArn": arn} if attributes is None else {"PlatformApplicationArn": arn, "Attributes": attributes}
    assert refusal(here.sns.set_platform_application_attributes, **request) == fault


def test_settings_of_text_messages_are_kept_and_checked(here: Here) -> None:
    here.sns.set_sms_attributes(attributes={"DefaultSMSType": "Promotional", "DefaultSenderID": "Test"})
    assert here.sns.get_sms_attributes() == {
        "attributes": {"MonthlySpendLimit": "1", "DefaultSMSType": "Promotional", "DefaultSenderID": "Test"}
    }
    assert here.sns.get_sms_attributes(attributes=["DefaultSenderID"]) == {"attributes": {"DefaultSenderID": "Test"}}
    assert [
        refusal(here.sns.set_sms_attributes, attributes={name: "12"})[1] for name in ("Other", "DefaultSenderID", "DefaultSMSType")
    ] == ["Other is not a valid attribute", "DefaultSendID is not a valid attribute", "DefaultSMSType is invalid"]
    assert here.sns.check_if_phone_number_is_opted_out(phoneNumber="+15551234567") == {"isOptedOut": False}


def test_an_application_tells_a_topic_what_becomes_of_its_endpoints(here: Here) -> None:
    topic = here.sns.create_topic(Name="t")["TopicArn"]
    events = ("EndpointCreated", "EndpointUpdated", "EndpointDeleted")
    url = here.sqs.create_queue(QueueName="q")["QueueUrl"]
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    here.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    here.sns.create_platform_application(Name="a", Platform="GCM", Attributes={**SECRETS, **{f"Event{event}": topic for event in events}})
    arn = here.sns.create_platform_endpoint(PlatformApplicationArn=APPLICATION, Token="t")["EndpointArn"]
    here.sns.create_platform_endpoint(PlatformApplicationArn=APPLICATION, Token="t")
    here.sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"CustomUserData": "me"})
    here.sns.delete_endpoint(EndpointArn=arn)
    here.sns.delete_endpoint(EndpointArn=arn)
    told = [json.loads(message["Body"]) for message in here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    time = "2026-01-01T00:00:00.000Z"
    assert told == [{"Resource": APPLICATION, "EndpointArn": arn, "EventType": event, "Service": "SNS", "Time": time} for event in events]


def test_a_topic_reaches_only_devices_that_take_messages_each_with_its_platforms_text(here: Here) -> None:
    topic = here.sns.create_topic(Name="t")["TopicArn"]
    on, off = (device(here), here.sns.create_platform_endpoint(PlatformApplicationArn=APPLICATION, Token="u")["EndpointArn"])
    here.sns.set_endpoint_attributes(EndpointArn=off, Attributes={"Enabled": "false"})
    for arn in (on, off, f"{on[:-1]}x"):
        here.sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=arn)
    here.sns.publish(TopicArn=topic, Message=json.dumps({"default": "d", "GCM": "g"}), MessageStructure="json")
    assert [(letter.to, letter.body) for letter in letters(here)] == [(on, "g")]


@pytest.mark.parametrize("through_topic", [False, True])
def test_what_became_of_a_push_notification_is_logged(here: Here, through_topic: bool) -> None:
    role = "arn:aws:iam::000000000000:role/feedback"
    asked = {"SuccessFeedbackRoleArn": role, "SuccessFeedbackSampleRate": "100", "FailureFeedbackRoleArn": role}
    arn = device(here)
    if through_topic:
        topic = here.sns.create_topic(Name="t", Attributes={f"Application{name}": value for name, value in asked.items()})["TopicArn"]
        here.sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=arn)
        request, group = {"TopicArn": topic}, "sns/us-east-1/000000000000/t"
    else:
        here.sns.set_platform_application_attributes(PlatformApplicationArn=APPLICATION, Attributes=asked)
        request, group = {"TargetArn": arn}, "sns/us-east-1/000000000000/app/GCM/a"
    id = here.sns.publish(**request, Message="m")["MessageId"]
    [entry] = logged(here, group)
    assert len(entry["delivery"].pop("deliveryId")) == 36
    assert entry["notification"]["messageId"] == id
    assert (entry["status"], entry["delivery"]) == (
        "SUCCESS",
        {"destination": arn, "providerResponse": "OK", "dwellTimeMs": 0, "attempts": 1, "token": "t", "statusCode": 200},
    )


def test_a_device_that_a_topic_does_not_reach_is_a_failure_in_the_logs(here: Here) -> None:
    role = "arn:aws:iam::000000000000:role/feedback"
    topic = here.sns.create_topic(Name="t", Attributes={"ApplicationFailureFeedbackRoleArn": role})["TopicArn"]
    arn = device(here)
    here.sns.subscribe(TopicArn=topic, Protocol="application", Endpoint=arn)
    here.sns.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    here.sns.publish(TopicArn=topic, Message="m")
    [entry] = logged(here, "sns/us-east-1/000000000000/t/Failure")
    assert (entry["status"], entry["delivery"]["providerResponse"], entry["delivery"]["statusCode"]) == (
        "FAILURE",
        "Endpoint is disabled",
        410,
    )
