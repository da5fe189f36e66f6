"""Requests that make no sense, in every protocol: each is refused in AWS's words, the region goes on, and nothing has changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import cbor2
import pytest
from botocore.config import Config

from tests.architectures.raw import Answer, ask, goes_on, http, refusal, send, signed, sqs
from windtunnel import LocalRegion

SERIALIZATION, UNKNOWN = (400, "SerializationException"), (400, "UnknownOperationException")
MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"
UNCHECKED = Config(parameter_validation=False)
FORM = "application/x-www-form-urlencoded"
PLANES = "é€\u200d한\U0001f600\U00020000\U000323af\U000e0001\U0010fffd"
"""A character or two of every Unicode plane that has any."""


@pytest.fixture(autouse=True)
def nothing_changed(region: LocalRegion) -> Iterator[None]:
    region.client("s3").create_bucket(Bucket="box")
    region.client("s3").put_object(Bucket="box", Key="kept", Body=b"kept")
    yield
    assert region.client("sqs").list_queues().get("QueueUrls") is None
    assert region.client("sns").list_topics()["Topics"] == []
    assert region.client("lambda").list_functions()["Functions"] == []
    assert region.client("iam").list_roles(PathPrefix="/")["Roles"] == []
    assert [item["Key"] for item in region.client("s3").list_objects_v2(Bucket="box")["Contents"]] == ["kept"]
    assert [bucket["Name"] for bucket in region.client("s3").list_buckets()["Buckets"]] == ["box"]
    goes_on(region)


def form(region: LocalRegion, service: str, body: bytes) -> Answer:
    return send(region, "POST", "/", body, signed(service, "POST", "/", body, Content_Type=FORM))


def rest(region: LocalRegion, method: str, path: str, body: bytes = b"") -> Answer:
    return send(region, method, path, body, signed("lambda", method, path, body))


def rpc(region: LocalRegion, path: str, body: bytes) -> Answer:
    return ask(region, http("POST", f"/service/{path}", body, Smithy_Protocol="rpc-v2-cbor", Content_Type="application/cbor"))


# ---------------------------------------------------------------- operations that are not there


@pytest.mark.parametrize("target", ["AmazonSQS.Nope", "AmazonSQS.create_queue", "AmazonSQS.", "Nope.ListQueues", "", "." * 1_000])
def test_an_unknown_target_of_json_is_refused(region: LocalRegion, target: str) -> None:
    said = ask(region, http("POST", "/", b"{}", X_Amz_Target=target, Content_Type="application/x-amz-json-1.0"))
    assert said.said == UNKNOWN


def test_an_unknown_action_is_refused_in_the_manner_of_its_service(region: LocalRegion) -> None:
    sns = form(region, "sns", b"Action=Nope&Version=2010-03-31")
    assert (sns.said, sns.message) == ((400, "InvalidAction"), "Could not find operation Nope for version 2010-03-31")
    queue = form(region, "sqs", b"Action=Nope&Version=2012-11-05")
    assert (queue.said, queue.message) == ((400, "InvalidAction"), "The action Nope is not valid for this endpoint.")
    for body in (b"", b"&&&==", b"%%%%", b"Action", b"\xff\xfe"):
        assert form(region, "iam", body).said == (400, "MissingAction"), body


def test_an_unknown_path_is_refused_in_the_manner_of_its_protocol(region: LocalRegion) -> None:
    said = rest(region, "GET", "/2015-03-31/nope")
    assert (said.status, said.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    patched = ask(region, http("PATCH", "/box/kept"))
    assert (patched.said, patched.member("Method")) == ((405, "MethodNotAllowed"), "PATCH")
    for path in ("GraniteServiceVersion20100801/operation/Nope", "Nope/operation/ListMetrics", "x"):
        unknown = rpc(region, path, b"\xa0")
        assert (unknown.status, cbor2.loads(unknown.body)["__type"].rpartition("#")[2]) == (404, "UnknownOperationException"), path


# ---------------------------------------------------------------- bodies that are none


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"3", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b'{"QueueName":"\\ud800"}'])
def test_a_body_that_is_not_the_json_of_an_object_is_refused(region: LocalRegion, body: bytes) -> None:
    assert sqs(region, "CreateQueue", body).said == SERIALIZATION


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("CreateQueue", b'{"QueueName":3}', "NUMBER_VALUE can not be converted to a String"),
        ("CreateQueue", b'{"QueueName":["a"]}', "Start of list found where not expected"),
        ("CreateQueue", b'{"QueueName":"a","Attributes":[]}', "Start of list found where not expected"),
        ("CreateQueue", b'{"QueueName":"a","Attributes":{"x":3}}', "NUMBER_VALUE can not be converted to a String"),
        ("ReceiveMessage", b'{"QueueUrl":"x","MaxNumberOfMessages":"ten"}', "STRING_VALUE can not be converted to an Integer"),
        ("ReceiveMessage", b'{"QueueUrl":"x","MaxNumberOfMessages":1.5}', "NUMBER_VALUE can not be converted to an Integer"),
    ],
)
def test_a_member_of_the_wrong_type_is_named(region: LocalRegion, operation: str, body: bytes, message: str) -> None:
    said = sqs(region, operation, body)
    assert (said.said, said.message) == (SERIALIZATION, message)


def test_numbers_beyond_all_numbers_are_refused(region: LocalRegion) -> None:
    for number in (b"1e999", b"1" + b"0" * 5_000):
        said = sqs(region, "ReceiveMessage", b'{"QueueUrl":"x","MaxNumberOfMessages":' + number + b"}")
        assert said.said == SERIALIZATION
    said = form(region, "iam", b"Action=CreateRole&RoleName=a&AssumeRolePolicyDocument={}&MaxSessionDuration=1" + b"0" * 5_000)
    assert said.said == (400, "MalformedInput")


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        b"{}",
        b"\xff",
        b"<a/>",
        b"<a>" * 50_000,
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><Tagging>&a;</Tagging>",
        b"<Tagging><TagSet><Tag/></TagSet></Tagging>",
    ],
)
def test_xml_that_is_none_or_of_something_else_is_refused(region: LocalRegion, body: bytes) -> None:
    said = ask(region, http("PUT", "/box?tagging", body))
    assert (said.said, said.message) == ((400, "MalformedXML"), MALFORMED_XML)


@pytest.mark.parametrize("what", ["tagging", "cors", "notification", "website", "encryption", "ownershipControls", "logging"])
def test_a_configuration_without_a_body_is_refused(region: LocalRegion, what: str) -> None:
    said = ask(region, http("PUT", f"/box?{what}"))
    assert (said.said, said.message) == ((400, "MissingRequestBodyError"), "Request Body is empty")


@pytest.mark.parametrize("body", [b"\xff", b"\xbf", b"\xa1", b"\x9b" + b"\xff" * 8, b"\x81" * 50_000, b"\xc1" * 50_000 + b"\x00", b"\x01"])
def test_cbor_that_is_none_is_refused(region: LocalRegion, body: bytes) -> None:
    said = rpc(region, "GraniteServiceVersion20100801/operation/ListMetrics", body)
    assert (said.status, cbor2.loads(said.body)["__type"].rpartition("#")[2]) == SERIALIZATION


@pytest.mark.parametrize("document", ["[" * 20_000, '{"a":' * 20_000, "{", "[]", "\x00", ""])
def test_a_policy_that_is_none_is_refused(region: LocalRegion, document: str) -> None:
    body = f"Action=CreateRole&Version=2010-05-08&RoleName=a&AssumeRolePolicyDocument={quote(document)}".encode()
    assert form(region, "iam", body).said in {(400, "MalformedPolicyDocument"), (400, "ValidationError")}
    assert ask(region, http("PUT", "/box?policy", document.encode() or b" ")).said == (400, "MalformedPolicy")


# ---------------------------------------------------------------- members


def test_what_is_missing_is_named(region: LocalRegion) -> None:
    assert sqs(region, "CreateQueue", b"{}").message == "The request must contain the parameter QueueName."
    assert sqs(region, "CreateQueue", b'{"QueueName":null}').said == (400, "MissingRequiredParameterException")
    assert form(region, "sns", b"Action=Publish&Version=2010-03-31&TopicArn=x").code in {"InvalidParameter", "ValidationError"}
    assert rest(region, "POST", "/2015-03-31/functions", b"{}").status == 400
    assert ask(region, http("POST", "/box?delete", b"<Delete></Delete>")).said == (400, "MalformedXML")


@pytest.mark.parametrize(
    ("service", "operation", "given", "expected"),
    [
        ("sqs", "create_queue", {"QueueName": "a" * 81}, (400, "InvalidParameterValue")),
        ("sns", "create_topic", {"Name": "a" * 257}, (400, "InvalidParameter")),
        ("iam", "create_role", {"RoleName": "a" * 65, "AssumeRolePolicyDocument": "{}"}, (400, "ValidationError")),
        ("logs", "create_log_group", {"logGroupName": "a" * 513}, (400, "InvalidParameterException")),
        ("lambda", "create_function", {"FunctionName": "a" * 141, "Role": "x", "Code": {}}, (400, "ValidationException")),
        ("s3", "create_bucket", {"Bucket": "a" * 64}, (400, "InvalidBucketName")),
        ("sns", "publish", {"TopicArn": "arn:x", "Message": "m"}, (400, "InvalidParameter")),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:none", "Message": "m"}, (404, "NotFound")),
        ("lambda", "invoke", {"FunctionName": "arn:aws:sqs:us-east-1:000000000000:q"}, (400, "ValidationException")),
        ("iam", "get_policy", {"PolicyArn": "arn:nope"}, (400, "ValidationError")),
        ("sqs", "send_message", {"QueueUrl": "x", "MessageBody": "m"}, (400, "AWS.SimpleQueueService.NonExistentQueue")),
    ],
)
def test_names_and_arns_are_held_against_their_rules(
    region: LocalRegion, service: str, operation: str, given: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(getattr(region.client(service, config=UNCHECKED), operation), **given)[:2] == expected


def test_a_message_too_long_or_of_forbidden_characters_is_refused(region: LocalRegion) -> None:
    queues = region.client("sqs")
    url = queues.create_queue(QueueName="q")["QueueUrl"]
    for body, code in (
        ("m" * 1_048_577, "InvalidParameterValue"),
        ("\x00", "InvalidMessageContents"),
        ("\uffff", "InvalidMessageContents"),
    ):
        assert refusal(queues.send_message, QueueUrl=url, MessageBody=body)[:2] == (400, code)
    count = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert count == {"ApproximateNumberOfMessages": "0"}
    queues.delete_queue(QueueUrl=url)


# ---------------------------------------------------------------- buckets and keys


@pytest.mark.parametrize("name", ["BOX", "b", "b_x", "192.168.0.1", "xn--box", "b..x", "-box", "box.", "box-s3alias", "%FFab", "b%20x"])
def test_a_bucket_is_called_as_buckets_may_be(region: LocalRegion, name: str) -> None:
    said = ask(region, http("PUT", f"/{name}"))
    assert (said.said, said.message) == ((400, "InvalidBucketName"), "The specified bucket is not valid.")


def test_a_bucket_of_another_region_says_where_it_is(region: LocalRegion) -> None:
    said = send(region, "GET", "/box/kept", b"", signed("s3", "GET", "/box/kept", place="eu-west-1"))
    assert (said.said, said.headers["x-amz-bucket-region"]) == ((301, "PermanentRedirect"), "us-east-1")
    headers = signed("s3", "HEAD", "/box", place="eu-west-1")
    head = send(region, "HEAD", "/box", b"", headers)
    assert (head.status, head.headers["x-amz-bucket-region"], head.body) == (301, "us-east-1", b"")


@pytest.mark.parametrize(
    "key",
    [
        *("../../etc/passwd", "..", ".", "a//b", "/", "//", "a/", "a/../b", "a\x00b", "\x00", "a\nb", "\x7f", " ", "+", "%", "%2e%2e"),
        *("a?b#c&d", PLANES, "\U0001f600" * 256, "k" * 1_024),
    ],
)
def test_any_key_of_up_to_1024_bytes_is_only_a_name(region: LocalRegion, key: str) -> None:
    path = f"/box/{quote(key, safe='')}"
    assert ask(region, http("PUT", path, b"bytes")).status == 200
    assert ask(region, http("GET", path)).body == b"bytes"
    listed = region.client("s3").list_objects_v2(Bucket="box", Prefix=key)["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [(key, 5)]
    assert ask(region, http("DELETE", path)).status == 204


def test_paths_are_not_walked(region: LocalRegion) -> None:
    for path in ("/box/../../etc/passwd", "/box/%2e%2e/%2e%2e/etc/passwd"):
        said = ask(region, http("GET", path))
        assert (said.said, said.member("Key")) == ((404, "NoSuchKey"), "../../etc/passwd")
    assert ask(region, http("GET", "/../../etc/passwd")).said == (404, "NoSuchBucket")


@pytest.mark.parametrize("key", ["k" * 1_025, "\U0001f600" * 257])
def test_a_key_over_1024_bytes_is_too_long(region: LocalRegion, key: str) -> None:
    said = ask(region, http("PUT", f"/box/{quote(key)}", b"x"))
    size = str(len(key.encode()))
    assert (said.said, said.member("Size"), said.member("MaxSizeAllowed")) == ((400, "KeyTooLongError"), size, "1024")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("max-keys=abc", "max-keys"),
        ("max-keys=-1", "maxKeys"),
        ("encoding-type=zz", "encoding-type"),
        ("list-type=2&max-keys=1e3", "max-keys"),
    ],
)
def test_a_parameter_of_a_listing_that_is_none_is_named(region: LocalRegion, query: str, name: str) -> None:
    said = ask(region, http("GET", f"/box?{query}"))
    assert (said.said, said.member("ArgumentName")) == ((400, "InvalidArgument"), name)
