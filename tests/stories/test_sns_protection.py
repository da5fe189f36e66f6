"""Data protection policies: what is sensitive is refused, hidden or logged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import Here
from tests.stories.test_sns_feedback import ask, logged
from tests.stories.test_sns_publish import QUEUES, received, subscribed
from tests.stories.test_sns_topics import ARN, refusal

ROOT = "arn:aws:iam::000000000000:root"
AUDITS = "/aws/vendedlogs/audits"
SENSITIVE = "ada@example.com paid with 4111 1111 1111 1111"


def protect(here: Here, operation: dict[str, Any], direction: str = "Inbound", principal: str = "*", *names: str) -> None:
    arns = [f"arn:aws:dataprotection::aws:data-identifier/{name}" for name in names or ("EmailAddress", "CreditCardNumber")]
    statement = {"DataDirection": direction, "Principal": [principal], "DataIdentifier": arns, "Operation": operation}
    here.sns.put_data_protection_policy(ResourceArn=ARN, DataProtectionPolicy=whole(statement))


def messages(here: Here, url: str) -> list[str]:
    return [json.loads(one["Body"])["Message"] for one in received(here, url)]


def test_a_sensitive_message_is_not_published(here: Here) -> None:
    url = subscribed(here)
    protect(here, {"Deny": {}})
    fault = refusal(here.sns.publish, TopicArn=ARN, Message=SENSITIVE)
    assert fault == ("AuthorizationError", f"The topic's data protection policy prohibits this message from being published to {ARN}")
    here.sns.publish(TopicArn=ARN, Message="4111 1111 1111 1112 is no card's number")
    assert messages(here, url) == ["4111 1111 1111 1112 is no card's number"]


@pytest.mark.parametrize(
    ("how", "text"),
    [({"RedactConfig": {}}, " paid with "), ({"MaskConfig": {"MaskWithCharacter": "#"}}, f"{'#' * 15} paid with {'#' * 19}")],
)
def test_what_is_sensitive_is_hidden_from_everybody(here: Here, how: dict[str, Any], text: str) -> None:
    url = subscribed(here)
    protect(here, {"Deidentify": how})
    here.sns.publish(TopicArn=ARN, Message=SENSITIVE)
    assert messages(here, url) == [text]


def test_each_protocols_own_text_is_hidden_as_well(here: Here) -> None:
    url = subscribed(here)
    protect(here, {"Deidentify": {"RedactConfig": {}}})
    here.sns.publish(TopicArn=ARN, Message=json.dumps({"default": "d", "sqs": "to ada@example.com"}), MessageStructure="json")
    assert messages(here, url) == ["to "]


def test_a_subscriber_may_be_told_less_than_the_others(here: Here) -> None:
    url = subscribed(here)
    other = here.at(account="222222222222")
    there = other.sqs.create_queue(QueueName="theirs")["QueueUrl"]
    other.sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:222222222222:theirs")
    protect(here, {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "*"}}}, "Outbound", "arn:aws:iam::222222222222:root", "EmailAddress")
    here.sns.publish(TopicArn=ARN, Message="ada@example.com")
    assert (messages(here, url), messages(other, there)) == (["ada@example.com"], ["*" * 15])


def test_what_a_subscriber_may_not_have_is_logged_as_a_failed_delivery(here: Here) -> None:
    url = subscribed(here)
    ask(here, "SQS")
    protect(here, {"Deny": {}}, "Outbound", ROOT)
    here.sns.publish(TopicArn=ARN, Message=SENSITIVE)
    assert messages(here, url) == []
    [entry] = logged(here, "sns/us-east-1/000000000000/t/Failure")
    [arn] = (one["SubscriptionArn"] for one in here.sns.list_subscriptions()["Subscriptions"])
    delivery = entry["delivery"]
    response = f"The topic's data protection policy prohibits this message from being delivered to {arn}"
    assert (delivery["statusCode"], delivery["destination"], delivery["providerResponse"]) == (403, f"{QUEUES}:q", response)


def test_an_audit_tells_what_was_found_and_where(here: Here) -> None:
    subscribed(here)
    protect(here, {"Audit": {"SampleRate": "100", "FindingsDestination": {"CloudWatchLogs": {"LogGroup": AUDITS}}}})
    here.sns.publish(TopicArn=ARN, Message="nothing")
    id = here.sns.publish(TopicArn=ARN, Message=SENSITIVE)["MessageId"]
    assert logged(here, AUDITS) == [
        {
            "messageId": id,
            "auditTimestamp": "2026-01-01T00:00:00.000Z",
            "callerPrincipal": ROOT,
            "resourceArn": ARN,
            "dataIdentifiers": [
                {"name": "EmailAddress", "count": 1, "detections": [{"start": 0, "end": 15}]},
                {"name": "CreditCardNumber", "count": 1, "detections": [{"start": 26, "end": 45}]},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ssn-US", "078-05-1120"),
        ("PhoneNumber-US", "(206) 555-0100"),
        ("IpAddress", "192.0.2.17"),
        ("PkcsPrivateKey", "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----"),
        ("OpenSshPrivateKey", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----"),
        ("PgpPrivateKey", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----"),
    ],
)
def test_identifiers_with_a_form_of_their_own_are_found(here: Here, name: str, text: str) -> None:
    url = subscribed(here)
    protect(here, {"Deidentify": {"RedactConfig": {}}}, "Inbound", "*", name)
    here.sns.publish(TopicArn=ARN, Message=f"a {text} b 1.2.3 2065550100999 000-12-3456")
    assert messages(here, url) == ["a  b 1.2.3 2065550100999 000-12-3456"]


def test_a_policy_that_is_taken_away_protects_nothing(here: Here) -> None:
    url = subscribed(here)
    protect(here, {"Deny": {}})
    here.sns.put_data_protection_policy(ResourceArn=ARN, DataProtectionPolicy="")
    assert here.sns.get_data_protection_policy(ResourceArn=ARN) == {}
    here.sns.publish(TopicArn=ARN, Message=SENSITIVE)
    assert messages(here, url) == [SENSITIVE]


OK: dict[str, Any] = {
    "DataDirection": "Inbound",
    "Principal": ["*"],
    "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/Name"],
    "Operation": {"Deny": {}},
}


def whole(*statements: dict[str, Any], version: str = "2021-06-01") -> str:
    return json.dumps({"Name": "p", "Version": version, "Statement": statements})


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("{", "Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        (whole(OK, version="2012-10-17"), "Invalid enum value '2012-10-17' - at `$.Version`"),
        (whole(), "Expected `array` of length >= 1 - at `$.Statement`"),
        (whole({**OK, "DataDirection": "Up"}), "Invalid enum value 'Up' - at `$.Statement[0].DataDirection`"),
        (whole({**OK, "Principal": "*"}), "Expected `array`, got `str` - at `$.Statement[0].Principal`"),
        (whole({**OK, "Operation": {"Deny": {}, "Audit": {}}}), "Expected `object` of length <= 1 - at `$.Statement[0].Operation`"),
        (whole({**OK, "Operation": {"Permit": {}}}), "Invalid enum value 'Permit' - at `key` in `$.Statement[0].Operation`"),
        (" " * 30_721, "length must be less than or equal to 30720"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(here: Here, policy: str, reason: str) -> None:
    here.sns.create_topic(Name="t")
    fault = refusal(here.sns.put_data_protection_policy, ResourceArn=ARN, DataProtectionPolicy=policy)
    assert fault == ("InvalidParameter", f"Invalid parameter: DataProtectionPolicy Reason: {reason}")


def test_a_data_identifier_is_named_by_its_arn(here: Here) -> None:
    here.sns.create_topic(Name="t")
    policy = whole({**OK, "DataIdentifier": ["Name"]})
    code, message = refusal(here.sns.put_data_protection_policy, ResourceArn=ARN, DataProtectionPolicy=policy)
    assert (code, "data-identifier" in message) == ("InvalidParameter", True)
