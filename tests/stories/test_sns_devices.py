"""Devices and phones: applications, their endpoints, and the settings of text messages."""

from __future__ import annotations

import json

import pytest

from tests.stories.here import Here
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
