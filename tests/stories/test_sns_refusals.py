"""What SNS refuses, operation by operation: each case its request, its code and its sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.refusals import Case, filled, one_region, refusal, untold
from tests.stories.test_sns_subscriptions import letters
from windtunnel.services.sns import quotas
from windtunnel.services.sns.state import OPTED_OUT

ARN = "arn:aws:sns:us-east-1:000000000000:"
SQS = "arn:aws:sqs:us-east-1:000000000000:"
TOPIC, NOWHERE = {"TopicArn": f"{ARN}t"}, {"TopicArn": f"{ARN}none"}
APP, NO_APP = {"PlatformApplicationArn": "$app"}, {"PlatformApplicationArn": f"{ARN}app/GCM/none"}
DEVICE, NO_DEVICE = {"EndpointArn": "$device"}, {"EndpointArn": f"{ARN}endpoint/GCM/none/x"}
SUBSCRIPTION = {"SubscriptionArn": "$subscription"}
NO_SUBSCRIPTION = {"SubscriptionArn": f"{ARN}t:11111111-2222-3333-4444-555555555555"}
ENTRY = {"Id": "a", "Message": "m"}
NO_TOPIC = ("NotFound", "Topic does not exist")
TOPICS_REQUESTS: dict[str, dict[str, Any]] = {
    "add_permission": {"Label": "l", "AWSAccountId": ["111122223333"], "ActionName": ["Publish"]},
    "get_topic_attributes": {},
    "list_subscriptions_by_topic": {},
    "publish": {"Message": "m"},
    "publish_batch": {"PublishBatchRequestEntries": [ENTRY]},
    "remove_permission": {"Label": "l"},
    "set_topic_attributes": {"AttributeName": "DisplayName", "AttributeValue": "d"},
    "subscribe": {"Protocol": "sqs", "Endpoint": f"{SQS}q"},
}
"""Valid requests but for their topic."""
RESOURCES_REQUESTS: dict[str, dict[str, Any]] = {
    "get_data_protection_policy": {},
    "put_data_protection_policy": {"DataProtectionPolicy": ""},
}
TAGGED_REQUESTS: dict[str, dict[str, Any]] = {
    "list_tags_for_resource": {},
    "tag_resource": {"Tags": [{"Key": "k", "Value": "v"}]},
    "untag_resource": {"TagKeys": ["k"]},
}
SHORTER = "Member must have length less than or equal to 256"
GREATER = "Member must have value greater than or equal to 1"
NOTHING: list[str] = []
SHORT = "An ARN must have at least 6 elements, not 1"
SLASHES = "Wrong number of slashes in relative portion of the ARN."


def _invalid(operation: str, request: dict[str, Any], what: str) -> Case:
    return operation, request, "InvalidParameter", f"Invalid parameter: {what}"


def _policy(**change: Any) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": f"{ARN}t", **change}
    return json.dumps({"Version": "2012-10-17", "Statement": [{name: value for name, value in statement.items() if value is not None}]})


POLICIES = [
    ("x", "Policy Error: null"),
    (json.dumps({"Version": "2012-10-17", "Statement": []}), "Policy Error: null"),
    *((_policy(**{name: None}), "Policy Error: null") for name in ("Effect", "Principal", "Action", "Resource")),
    (_policy(Resource=f"{ARN}other"), "Policy Error: null"),
    (_policy(Resource=[f"{ARN}t", f"{ARN}other"]), "Policy Error: null"),
    (_policy(Principal={"AWS": [f"arn:aws:iam::{number:012}:root" for number in range(201)]}), "Policy Error: null"),
    (_policy(Sid="s" * 30_720), "Policy Error: null"),
    (_policy(Action="sns:CreateTopic"), "Policy statement action out of service scope!"),
    (_policy(Action=["sns:Publish", "sqs:SendMessage"]), "Policy statement action out of service scope!"),
]
CASES: list[Case] = [
    *((operation, {**NOWHERE, **request}, *NO_TOPIC) for operation, request in TOPICS_REQUESTS.items()),
    *(
        _invalid(operation, {**request, "TopicArn": "x"}, f"TopicArn Reason: {SHORT}")
        for operation, request in {**TOPICS_REQUESTS, "delete_topic": {}}.items()
    ),
    *((operation, {**request, "ResourceArn": f"{ARN}none"}, *NO_TOPIC) for operation, request in RESOURCES_REQUESTS.items()),
    *(
        _invalid(operation, {**request, "ResourceArn": "x"}, f"ResourceArn Reason: {SHORT}")
        for operation, request in {**RESOURCES_REQUESTS, **TAGGED_REQUESTS}.items()
    ),
    *(
        (operation, {**request, "ResourceArn": f"{ARN}none"}, "ResourceNotFound", "Resource does not exist")
        for operation, request in TAGGED_REQUESTS.items()
    ),
    *(
        _invalid(operation, {**request, name: "%"}, f"{name} Reason: Invalid next token")
        for operation, request, name in (
            ("list_topics", {}, "NextToken"),
            ("list_subscriptions", {}, "NextToken"),
            ("list_platform_applications", {}, "NextToken"),
            ("list_endpoints_by_platform_application", APP, "NextToken"),
            ("list_phone_numbers_opted_out", {}, "nextToken"),
            ("list_sms_sandbox_phone_numbers", {}, "NextToken"),
            ("list_origination_numbers", {}, "NextToken"),
        )
    ),
    _invalid("create_topic", {"Name": "a b"}, "Topic Name"),
    (
        "create_topic",
        {"Name": "tagged", "Tags": [{"Key": str(number), "Value": ""} for number in range(51)]},
        "TagLimitExceeded",
        "Could not complete request: tag quota of per resource exceeded",
    ),
    (
        "tag_resource",
        {"ResourceArn": f"{ARN}t", "Tags": [{"Key": str(number), "Value": ""} for number in range(51)]},
        "TagLimitExceeded",
        "Could not complete request: tag quota of per resource exceeded",
    ),
    *(
        _invalid(operation, {**request, "TopicArn": arn}, "TopicArn")
        for operation, request in {**TOPICS_REQUESTS, "delete_topic": {}}.items()
        for arn in (f"{SQS}t", ARN.replace("arn:", "urn:") + "t", f"{ARN}t:11111111-2222-3333-4444-555555555555", f"{ARN}app/GCM/on")
    ),
    *(
        (operation, {**request, "Tags": [tag]}, "ValidationError", f"1 validation error detected: {said}")
        for operation, request in (("create_topic", {"Name": "new"}), ("tag_resource", {"ResourceArn": f"{ARN}t"}))
        for tag, said in (
            (
                {"Key": "", "Value": "v"},
                "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ),
            ({"Key": "k", "Value": "v" * 257}, f"Value '{'v' * 257}' at 'tags.1.member.value' failed to satisfy constraint: {SHORTER}"),
        )
    ),
    *(
        _invalid(
            operation,
            {**request, "Tags": [{"Key": "AWS:x", "Value": "v"}]},
            "Tags Reason: aws: prefixed tag key names are not allowed for external use.",
        )
        for operation, request in (("create_topic", {"Name": "new"}), ("tag_resource", {"ResourceArn": f"{ARN}t"}))
    ),
    *(
        _invalid("add_permission", {**TOPIC, **TOPICS_REQUESTS["add_permission"], **change}, f"Policy Error: {said}")
        for change, said in (
            ({"AWSAccountId": ["12345"]}, "PrincipalNotFound"),
            ({"AWSAccountId": NOTHING}, "null"),
            ({"ActionName": NOTHING}, "null"),
        )
    ),
    *(_invalid("set_topic_attributes", {**TOPIC, "AttributeName": "Policy", "AttributeValue": text}, said) for text, said in POLICIES),
    *(
        _invalid("subscribe", {**TOPIC, "Protocol": protocol, "Endpoint": endpoint}, said)
        for protocol, endpoint, said in (
            ("lambda", "arn:aws:lambda:us-east-1:000000000000:layer:l", "Lambda endpoint ARN"),
            ("firehose", "arn:aws:firehose:us-east-1:000000000000:s", "Firehose endpoint ARN"),
            ("application", f"{ARN}t", "Application endpoint arn invalid"),
            ("application", f"{ARN}endpoint/GCM", "Application endpoint arn invalid"),
        )
    ),
    *(
        _invalid(
            "set_subscription_attributes",
            {**SUBSCRIPTION, "AttributeName": "RedrivePolicy", "AttributeValue": json.dumps({"deadLetterTargetArn": arn})},
            "RedrivePolicy: deadLetterTargetArn must be of the subscription's account and region",
        )
        for arn in ("arn:aws:sqs:eu-west-1:000000000000:dead", "arn:aws:sqs:us-east-1:111122223333:dead")
    ),
    ("delete_topic", {"TopicArn": f"{ARN}kept.fifo"}, "InvalidState", "Invalid state: Cannot delete a topic with an ArchivePolicy"),
    ("get_subscription_attributes", NO_SUBSCRIPTION, "NotFound", "Subscription does not exist"),
    _invalid("get_subscription_attributes", {"SubscriptionArn": "x"}, f"SubscriptionArn Reason: {SHORT}"),
    (
        "set_subscription_attributes",
        {**NO_SUBSCRIPTION, "AttributeName": "RawMessageDelivery", "AttributeValue": "true"},
        "NotFound",
        "Subscription does not exist",
    ),
    _invalid("set_subscription_attributes", {**SUBSCRIPTION, "AttributeName": "Colour"}, "AttributeName"),
    _invalid("unsubscribe", {"SubscriptionArn": "x"}, f"SubscriptionArn Reason: {SHORT}"),
    _invalid("unsubscribe", {"SubscriptionArn": f"{ARN}t:x"}, "SubscriptionId"),
    _invalid("unsubscribe", {"SubscriptionArn": f"{SQS}t:x"}, "SubscriptionArn"),
    _invalid("publish", {"PhoneNumber": "+15550100009", "Message": "m" * 1_601}, "Message too long"),
    (
        "publish",
        {**TOPIC, "Message": "m", "MessageAttributes": {"": {"DataType": "String", "StringValue": "x"}}},
        "ParameterValueInvalid",
        "Message attribute name can not be empty.",
    ),
    _invalid("confirm_subscription", {**TOPIC, "Token": "0" * 288}, "Token"),
    ("confirm_subscription", {"TopicArn": f"{ARN}gone", "Token": "$token"}, *NO_TOPIC),
    (
        "publish",
        {**TOPIC, "Message": "m", "MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}},
        "ParameterValueInvalid",
        (
            "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary,"
            " Number, and String."
        ),
    ),
    (
        "publish_batch",
        {**TOPIC, "PublishBatchRequestEntries": [{**ENTRY, "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}]},
        "ParameterValueInvalid",
        "Could not cast message attribute 'a' value to number.",
    ),
    ("publish", {"TargetArn": "$disabled", "Message": "m"}, "EndpointDisabled", "Endpoint is disabled"),
    ("publish", {"TargetArn": "$off", "Message": "m"}, "PlatformApplicationDisabled", "Platform application is disabled"),
    (
        "publish",
        {"TopicArn": f"{ARN}private", "Message": "me@example.com"},
        "AuthorizationError",
        f"The topic's data protection policy prohibits this message from being published to {ARN}private",
    ),
    ("publish_batch", {**TOPIC, "PublishBatchRequestEntries": []}, "EmptyBatchRequest", "The batch request doesn't contain any entries."),
    (
        "publish_batch",
        {**TOPIC, "PublishBatchRequestEntries": [{**ENTRY, "Id": str(number)} for number in range(11)]},
        "TooManyEntriesInBatchRequest",
        "The batch request contains more entries than permissible.",
    ),
    (
        "publish_batch",
        {**TOPIC, "PublishBatchRequestEntries": [ENTRY, ENTRY]},
        "BatchEntryIdsNotDistinct",
        "Two or more batch entries in the request have the same Id.",
    ),
    (
        "publish_batch",
        {**TOPIC, "PublishBatchRequestEntries": [{**ENTRY, "Id": "a b"}]},
        "InvalidBatchEntryId",
        "The Id of a batch entry in the batch request contains an impermissible character: a b",
    ),
    (
        "publish_batch",
        {**TOPIC, "PublishBatchRequestEntries": [{"Id": "a", "Message": "m" * 262_145}]},
        "BatchRequestTooLong",
        "The length of all the messages put together is more than the limit.",
    ),
    (
        "publish_batch",
        {"TopicArn": f"{ARN}private", "PublishBatchRequestEntries": [{**ENTRY, "Message": "me@example.com"}]},
        "AuthorizationError",
        f"The topic's data protection policy prohibits this message from being published to {ARN}private",
    ),
    _invalid(
        "create_platform_application", {"Name": "n", "Platform": "PIGEON", "Attributes": {}}, "Platform Reason: PIGEON is not supported"
    ),
    *(
        (operation, {**NO_APP, **request}, "NotFound", "PlatformApplication does not exist")
        for operation, request in (
            ("create_platform_endpoint", {"Token": "t"}),
            ("get_platform_application_attributes", {}),
            ("list_endpoints_by_platform_application", {}),
            ("set_platform_application_attributes", {"Attributes": {"Enabled": "true"}}),
        )
    ),
    *(
        _invalid(operation, {"PlatformApplicationArn": f"{ARN}app", **request}, f"PlatformApplicationArn Reason: {SLASHES}")
        for operation, request in (
            ("create_platform_endpoint", {"Token": "t"}),
            ("get_platform_application_attributes", {}),
            ("delete_platform_application", {}),
            ("set_platform_application_attributes", {"Attributes": {"Enabled": "true"}}),
        )
    ),
    *(
        (operation, {**NO_DEVICE, **request}, "NotFound", "Endpoint does not exist")
        for operation, request in (("get_endpoint_attributes", {}), ("set_endpoint_attributes", {"Attributes": {"Enabled": "true"}}))
    ),
    *(
        _invalid(operation, {"EndpointArn": f"{ARN}endpoint", **request}, f"EndpointArn Reason: {SLASHES}")
        for operation, request in (
            ("get_endpoint_attributes", {}),
            ("set_endpoint_attributes", {"Attributes": {"Enabled": "true"}}),
            ("delete_endpoint", {}),
        )
    ),
    *(
        _invalid(operation, {"phoneNumber": "one"}, "PhoneNumber Reason: input incorrectly formatted")
        for operation in ("check_if_phone_number_is_opted_out", "opt_in_phone_number")
    ),
    *(
        _invalid(f"{verb}_sms_sandbox_phone_number", {"PhoneNumber": "one", **more}, "PhoneNumber Reason: input incorrectly formatted")
        for verb, more in (("create", {}), ("delete", {}), ("verify", {"OneTimePassword": "123456"}))
    ),
    ("set_sms_attributes", {"attributes": {"Colour": "red"}}, "InvalidParameter", "Colour is not a valid attribute"),
    *(
        ("set_sms_attributes", {"attributes": {name: value}}, "InvalidParameter", f"{name} is invalid")
        for name, value in (
            ("DeliveryStatusIAMRole", "me"),
            ("DeliveryStatusSuccessSamplingRate", "101"),
            ("DeliveryStatusSuccessSamplingRate", "half"),
            ("MonthlySpendLimit", "-1"),
        )
    ),
    (
        "list_sms_sandbox_phone_numbers",
        {"MaxResults": 0},
        "ValidationError",
        f"1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: {GREATER}",
    ),
    *(
        _invalid("set_platform_application_attributes", {**APP, "Attributes": {name: value}}, f"Attributes Reason: {said}")
        for name, value, said in (
            ("Colour", "red", "Invalid attribute name: Colour"),
            ("Enabled", "maybe", "Invalid value for attribute: Enabled: must be true or false"),
            ("SuccessFeedbackSampleRate", "101", "Invalid value for attribute: SuccessFeedbackSampleRate: must be between 0 and 100"),
        )
    ),
    _invalid(
        "set_platform_application_attributes", {**APP, "Attributes": {"EventEndpointCreated": "x"}}, f"EventEndpointCreated Reason: {SHORT}"
    ),
    ("create_sms_sandbox_phone_number", {"PhoneNumber": "+15550100001"}, "OptedOut", "The phone number is opted out."),
    ("create_sms_sandbox_phone_number", {"PhoneNumber": "$number"}, "UserError", "The phone number is verified already."),
    (
        "delete_sms_sandbox_phone_number",
        {"PhoneNumber": "$number"},
        "UserError",
        "A verified phone number can be deleted 24 hours after it was verified.",
    ),
    ("delete_sms_sandbox_phone_number", {"PhoneNumber": "+15550100009"}, "ResourceNotFound", "The phone number is not in the SMS sandbox."),
    (
        "verify_sms_sandbox_phone_number",
        {"PhoneNumber": "+15550100009", "OneTimePassword": "123456"},
        "ResourceNotFound",
        "The phone number is not in the SMS sandbox.",
    ),
]
ELSEWHERE = {
    **{
        f"{operation} KMS{why}": "test_kms_in_messages.py::test_nobody_publishes_to_a_topic_without_its_key"
        for operation in ("publish", "publish_batch")
        for why in ("AccessDenied", "Disabled", "InvalidState", "NotFound")
    },
    "unsubscribe AuthorizationError": "test_sns_http.py::test_who_confirmed_with_a_signature_may_insist_on_signatures",
    "create_topic TopicLimitExceeded": "test_sns_refusals.py::test_an_account_has_so_many_topics",
    "subscribe SubscriptionLimitExceeded": "test_sns_refusals.py::test_a_fifo_topic_has_so_many_subscriptions",
    "subscribe FilterPolicyLimitExceeded": "test_sns_refusals.py::test_a_topic_has_so_many_filter_policies",
    "set_subscription_attributes FilterPolicyLimitExceeded": "test_sns_refusals.py::test_a_topic_has_so_many_filter_policies",
    "verify_sms_sandbox_phone_number VerificationException": (
        "test_sns_texts.py::test_a_code_holds_for_a_quarter_of_an_hour_and_another_can_be_had"
    ),
}
NEVER = (
    *("AuthorizationError", "InternalError", "InvalidSecurity", "Throttled", "ReplayLimitExceeded", "StaleTag", "TagPolicy"),
    *("ConcurrentAccess", "ValidationException", "KMSOptInRequired", "KMSThrottling"),
    *("confirm_subscription SubscriptionLimitExceeded", "confirm_subscription FilterPolicyLimitExceeded"),
    *("publish_batch EndpointDisabled", "publish_batch PlatformApplicationDisabled", "unsubscribe NotFound", "delete_topic NotFound"),
    *("list_sms_sandbox_phone_numbers ResourceNotFound", "untag_resource TagLimitExceeded", "get_sms_attributes InvalidParameter"),
)


here = one_region()


@pytest.fixture(scope="module")
def world(here: Here) -> dict[str, str]:
    sns = here.sns
    for name in ("t", "private", "gone"):
        sns.create_topic(Name=name)
    statement: dict[str, Any] = {
        "Sid": "deny",
        "DataDirection": "Inbound",
        "Principal": ["*"],
        "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
        "Operation": {"Deny": {}},
    }
    protection: dict[str, Any] = {"Name": "p", "Description": "", "Version": "2021-06-01", "Statement": [statement]}
    sns.put_data_protection_policy(ResourceArn=f"{ARN}private", DataProtectionPolicy=json.dumps(protection))
    sns.create_topic(Name="kept.fifo", Attributes={"FifoTopic": "true", "ArchivePolicy": '{"MessageRetentionPeriod": "1"}'})
    apps = [
        sns.create_platform_application(Name=name, Platform="GCM", Attributes={"PlatformCredential": "c", "PlatformPrincipal": "p", **more})
        for name, more in (("on", {}), ("off", {"Enabled": "false"}))
    ]
    app, off = (one["PlatformApplicationArn"] for one in apps)
    device, disabled, other = (
        sns.create_platform_endpoint(PlatformApplicationArn=arn, Token=token, Attributes=attributes)["EndpointArn"]
        for arn, token, attributes in ((app, "1", {}), (app, "2", {"Enabled": "false"}), (off, "3", {}))
    )
    sns.create_sms_sandbox_phone_number(PhoneNumber="+15550100002")
    [code] = [letter.body[-7:-1] for letter in letters(here)]
    sns.verify_sms_sandbox_phone_number(PhoneNumber="+15550100002", OneTimePassword=code)
    here.cloud.apply(lambda tx: tx.at(account=ACCOUNT, region=REGION).put(OPTED_OUT, "+15550100001", value=True))
    sns.subscribe(TopicArn=f"{ARN}gone", Protocol="email", Endpoint="me@example.com")
    token = letters(here)[-1].body.partition("Token=")[2].strip()
    sns.delete_topic(TopicArn=f"{ARN}gone")
    subscription = sns.subscribe(**TOPIC, Protocol="sqs", Endpoint=f"{SQS}q")["SubscriptionArn"]
    return {
        "$app": app,
        "$device": device,
        "$disabled": disabled,
        "$off": other,
        "$number": "+15550100002",
        "$token": token,
        "$subscription": subscription,
    }


@pytest.mark.parametrize(("operation", "request_", "code", "said"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_sns_refuses_is_refused_in_its_words(
    here: Here, world: dict[str, str], operation: str, request_: dict[str, Any], code: str, said: str
) -> None:
    assert refusal(getattr(here.sns, operation), **filled(request_, world)) == (code, said)


def test_an_account_has_so_many_topics(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "TOPICS_MAX", {"standard": 100_000, "fifo": 2})
    for name in ("one", "two"):
        here.at(account="111111111111").sns.create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})
    other = here.at(account="111111111111").sns
    again = {"Name": "three.fifo", "Attributes": {"FifoTopic": "true"}}
    assert refusal(other.create_topic, **again) == ("TopicLimitExceeded", "An account has at most 2 fifo topics")
    other.create_topic(Name="three")
    other.delete_topic(TopicArn="arn:aws:sns:us-east-1:111111111111:one.fifo")
    assert other.create_topic(**again) == {"TopicArn": "arn:aws:sns:us-east-1:111111111111:three.fifo"}


def test_a_fifo_topic_has_so_many_subscriptions(here: Here) -> None:
    topic = here.sns.create_topic(Name="full.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    arns = [here.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{SQS}q{n}", ReturnSubscriptionArn=True) for n in range(100)]
    one_more = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": f"{SQS}another"}
    assert refusal(here.sns.subscribe, **one_more) == ("SubscriptionLimitExceeded", "A topic of this kind has at most 100 subscriptions")
    here.sns.unsubscribe(SubscriptionArn=arns[0]["SubscriptionArn"])
    assert here.sns.subscribe(**one_more)["SubscriptionArn"].startswith(f"{topic}:")


def test_a_topic_has_so_many_filter_policies(here: Here) -> None:
    topic = here.sns.create_topic(Name="filtered")["TopicArn"]
    policy = {"FilterPolicy": '{"a": ["b"]}'}
    arns = [
        here.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{SQS}q{number}", Attributes=policy)["SubscriptionArn"]
        for number in range(200)
    ]
    fault = ("FilterPolicyLimitExceeded", "The subscriptions of a topic have at most 200 filter policies")
    assert refusal(here.sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=f"{SQS}x", Attributes=policy) == fault
    bare = here.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{SQS}x")["SubscriptionArn"]
    change = {"AttributeName": "FilterPolicy", "AttributeValue": '{"a": ["c"]}'}
    assert refusal(here.sns.set_subscription_attributes, SubscriptionArn=bare, **change) == fault
    here.sns.set_subscription_attributes(SubscriptionArn=arns[0], **change)
    here.sns.set_subscription_attributes(SubscriptionArn=arns[0], AttributeName="FilterPolicy", AttributeValue="")
    here.sns.set_subscription_attributes(SubscriptionArn=bare, **change)
    assert here.sns.get_subscription_attributes(SubscriptionArn=bare)["Attributes"]["FilterPolicy"] == '{"a": ["c"]}'


def test_each_error_that_the_model_documents_has_its_story() -> None:
    assert untold("sns", CASES, ELSEWHERE, NEVER) == []
