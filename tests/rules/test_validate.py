"""What AWS answers to requests that its models forbid; the messages are those AWS gave."""

from typing import Any

import pytest

from windtunnel.aws.errors import Fault
from windtunnel.aws.java_patterns import java_pattern
from windtunnel.aws.validate import validator
from windtunnel.aws.validate_words import enum_words, pattern_words

LONG_NAME = "This should fail with two errors 123467890123412341234123412341234"
ENUMS = [
    "add, remove, move, test, replace, copy",
    "w3c, raw, json, plain, parquet",
    "SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING",
    "HEAD, POST, PATCH, DELETE, PUT, GET, OPTIONS",
]
MODEL_ENUMS = [
    ["add", "remove", "replace", "move", "copy", "test"],
    ["json", "plain", "w3c", "raw", "parquet"],
    ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"],
    ["POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"],
]


def refusal(service: str, operation: str, protocol: str, request: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        validator(service, operation, protocol)(request)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(("words", "expected"), list(zip(MODEL_ENUMS, ENUMS, strict=True)))
def test_an_enum_is_listed_in_the_order_in_which_aws_lists_it(words: list[str], expected: str) -> None:
    assert ", ".join(enum_words(words)) == expected


@pytest.mark.parametrize(
    ("published", "told"),
    [
        (r"((arn:[a-z]+(\d))|(arn:[)(]\)))", r"(arn:[a-z]+(\d))|(arn:[)(]\))"),
        ("([a-zA-Z0-9-_]+)", "([a-zA-Z0-9-_]+)"),
        ("(a|b)", "(a|b)"),
        ("(a)|(b)", "(a)|(b)"),
        ("((a|b)(c))", "((a|b)(c))"),
    ],
)
def test_alternatives_that_have_their_own_parentheses_are_told_without_those_around_them(published: str, told: str) -> None:
    assert pattern_words(published) == told


def test_several_errors_are_counted_and_joined_in_the_order_of_the_model() -> None:
    request = {"Name": LONG_NAME, "AuthorizationType": "INVALID", "AuthParameters": {}}
    assert refusal("events", "CreateConnection", "json", request) == (
        "ValidationException",
        (
            f"3 validation errors detected: Value '{LONG_NAME}' at 'name' failed to satisfy constraint: Member must satisfy regular "
            rf"expression pattern: [\.\-_A-Za-z0-9]+; Value '{LONG_NAME}' at 'name' failed to satisfy constraint: Member must have "
            "length less than or equal to 64; Value 'INVALID' at 'authorizationType' failed to satisfy constraint: Member must satisfy "
            "enum value set: [BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]"
        ),
    )


def test_a_structure_in_a_list_is_named_by_its_place() -> None:
    request = {"Rule": "a", "Targets": [{"Id": "fine", "Arn": "x"}, {"Id": "!@#$@!#$", "Arn": "x"}]}
    assert refusal("events", "PutTargets", "json", request)[1] == (
        "1 validation error detected: Value '!@#$@!#$' at 'targets.2.member.id' failed to satisfy constraint: Member must satisfy "
        r"regular expression pattern: [\.\-_A-Za-z0-9]+"
    )


def test_api_gateway_names_the_body_by_the_operations_input_and_first() -> None:
    request = {"restApiId": "a", "resourceId": "b", "httpMethod": "GET", "statusCode": "wrong", "patchOperations": [{"op": "wrong_op"}]}
    assert refusal("apigateway", "UpdateMethodResponse", "rest-json", request)[1] == (
        "2 validation errors detected: Value 'wrong_op' at 'updateMethodResponseInput.patchOperations.1.member.op' failed to satisfy "
        "constraint: Member must satisfy enum value set: [add, remove, move, test, replace, copy]; Value 'wrong' at 'statusCode' "
        r"failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\d\d"
    )


def test_a_list_of_wrong_words_is_shown_as_a_whole() -> None:
    request = {"FunctionName": "a", "Role": "arn:aws:iam::000000000000:role/r", "Code": {}, "Architectures": ["X86_64"]}
    assert refusal("lambda", "CreateFunction", "rest-json", request)[1] == (
        "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy "
        "constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    )


def test_a_maps_keys_and_values_have_sentences_of_their_own() -> None:
    def request(weights: dict[str, float]) -> dict[str, Any]:
        return {"FunctionName": "a", "Name": "b", "FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": weights}}

    start = "1 validation error detected: Value '{}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
    assert [refusal("lambda", "CreateAlias", "rest-json", request(weights))[1] for weights in ({"2": 2.0}, {"$LATEST": 0.5})] == [
        start.format("{2=2.0}") + "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member "
        "must have value greater than or equal to 0.0, Member must not be null]",
        start.format("{$LATEST=0.5}") + "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "
        "Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]",
    ]


def test_a_sensitive_value_is_not_shown() -> None:
    assert refusal("kms", "Encrypt", "json", {"KeyId": "a", "Plaintext": b"x" * 4097})[1] == (
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
    )


@pytest.mark.parametrize(
    ("service", "operation", "protocol", "request_", "expected"),
    [
        (
            "lambda",
            "UntagResource",
            "rest-json",
            {"Resource": "arn:aws:lambda:us-east-1:000000000000:function:a"},
            (
                "ValidationException",
                "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
            ),
        ),
        ("sqs", "SendMessage", "json", {"QueueUrl": "x"}, ("MissingParameter", "The request must contain the parameter MessageBody.")),
        (
            "sns",
            "Unsubscribe",
            "query",
            {},
            ("InvalidParameter", "Invalid parameter: SubscriptionArn Reason: no value for required parameter"),
        ),
        (
            "sns",
            "Publish",
            "query",
            {"Message": "x", "MessageAttributes": {"attr1": {}}},
            (
                "ValidationError",
                (
                    "1 validation error detected: Value null at 'messageAttributes.attr1.member.dataType' failed to satisfy constraint: "
                    "Member must not be null"
                ),
            ),
        ),
        (
            "sts",
            "AssumeRole",
            "query",
            {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "Session1:2"},
            (
                "ValidationError",
                (
                    "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must "
                    r"satisfy regular expression pattern: [\w+=,.@-]*"
                ),
            ),
        ),
        (
            "logs",
            "FilterLogEvents",
            "json",
            {"logGroupName": "a", "limit": 10001},
            (
                "InvalidParameterException",
                (
                    "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less "
                    "than or equal to 10000"
                ),
            ),
        ),
        (
            "s3",
            "PutBucketVersioning",
            "rest-xml",
            {"Bucket": "x", "VersioningConfiguration": {"Status": "enabled"}},
            ("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"),
        ),
    ],
)
def test_each_service_has_its_manner(
    service: str, operation: str, protocol: str, request_: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(service, operation, protocol, request_) == expected


def test_a_service_is_validated_in_its_favourite_protocol_unless_told_otherwise() -> None:
    named = refusal("cloudwatch", "SetAlarmState", "query", {"AlarmName": "a", "StateValue": "INVALID", "StateReason": "x"})
    favourite = refusal("cloudwatch", "SetAlarmState", "", {"AlarmName": "a", "StateValue": "INVALID", "StateReason": "x"})
    message = (
        "1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value "
        "set: [INSUFFICIENT_DATA, ALARM, OK]"
    )
    assert (named, favourite) == (("ValidationError", message), ("ValidationException", message))


def test_a_request_that_keeps_to_the_model_passes() -> None:
    kept = [
        validator("lambda", "Invoke", "rest-json")({"FunctionName": "my-function", "Payload": b"{}"}),
        validator("dynamodb", "PutItem", "json")({"TableName": "t", "Item": {"a": {"M": {"b": {"S": "x"}}}}}),
        validator("s3", "PutObject", "rest-xml")({"Bucket": "x", "Key": "y", "StorageClass": "NONSENSE"}),
    ]
    assert kept == [None, None, None]


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "Größe 1/2 東京", "a*b"),
        (r"\p{Alnum}+", "aZ9", "ä"),
        (r"\d{3}", "123", "١٢٣"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "tab\t😀", "\x01"),
        (r"a|b", "b", "bc"),
        (r"[\w-_/]*", "a-b_c/d", "a b"),
    ],
)
def test_a_java_pattern_matches_the_same_texts_here(pattern: str, matching: str, other: str) -> None:
    compiled = java_pattern(pattern)
    assert compiled is not None
    assert (bool(compiled.fullmatch(matching)), bool(compiled.fullmatch(other))) == (True, False)
