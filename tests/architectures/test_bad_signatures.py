"""Signatures that don't hold, over real HTTP: each is refused as AWS refuses it, and nothing has happened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest
from botocore.auth import SIGV4_TIMESTAMP

from tests.architectures.raw import Answer, ask, goes_on, http, issued, presigned, refusal, send, signed
from windtunnel import LocalRegion

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)
S3_MISMATCH = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
INVALID_TOKEN = "The security token included in the request is invalid."
UNKNOWN_KEY = "The AWS Access Key Id you provided does not exist in our records."
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "sqs": ("create_queue", {"QueueName": "never"}),
    "iam": ("create_group", {"GroupName": "never"}),
    "sns": ("create_topic", {"Name": "never"}),
    "s3": ("create_bucket", {"Bucket": "never"}),
    "lambda": ("list_functions", {}),
    "logs": ("create_log_group", {"logGroupName": "never"}),
}


@pytest.fixture(autouse=True)
def nothing_happened(region: LocalRegion) -> Iterator[None]:
    region.client("s3").create_bucket(Bucket="box")
    region.client("s3").put_object(Bucket="box", Key="a", Body=b"kept")
    yield
    assert region.client("sqs").list_queues().get("QueueUrls") is None
    assert region.client("iam").list_groups()["Groups"] == []
    assert region.client("sns").list_topics()["Topics"] == []
    assert region.client("logs").describe_log_groups()["logGroups"] == []
    assert [bucket["Name"] for bucket in region.client("s3").list_buckets()["Buckets"]] == ["box"]
    assert region.client("s3").get_object(Bucket="box", Key="a")["Body"].read() == b"kept"
    goes_on(region)


def refused(region: LocalRegion, service: str, keys: tuple[str, ...]) -> tuple[int, str, str]:
    operation, given = CALLS[service]
    return refusal(getattr(region.client(service, keys=keys), operation), **given)


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("sqs", 400, "InvalidSignatureException"),
        ("logs", 400, "InvalidSignatureException"),
        ("lambda", 403, "InvalidSignatureException"),
        ("iam", 403, "SignatureDoesNotMatch"),
        ("sns", 403, "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_secret_is_refused_with_what_should_have_been_signed(region: LocalRegion, service: str, status: int, code: str) -> None:
    said = refused(region, service, (issued(region)[0], "x" * 40))
    assert said[:2] == (status, code)
    assert said[2].startswith(f"{MISMATCH}\n\nThe Canonical String for this request should have been\n'")
    assert "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n" in said[2]


def test_s3_tells_what_should_have_been_signed_in_members(region: LocalRegion) -> None:
    key = issued(region)[0]
    headers = signed("s3", "PUT", "/never", keys=(key, "x" * 40))
    said = send(region, "PUT", "/never", b"", headers)
    assert (said.said, said.message) == ((403, "SignatureDoesNotMatch"), S3_MISMATCH)
    text = said.member("StringToSign")
    canonical = said.member("CanonicalRequest")
    assert text.startswith(f"AWS4-HMAC-SHA256\n{headers['X-Amz-Date']}\n")
    assert canonical.startswith("PUT\n/never\n\nhost:localhost\n")
    assert said.member("AWSAccessKeyId") == key
    assert said.member("SignatureProvided") == headers["Authorization"].rpartition("Signature=")[2]
    assert said.member("StringToSignBytes") == text.encode().hex(" ")
    assert said.member("CanonicalRequestBytes") == canonical.encode().hex(" ")


def test_a_body_that_was_changed_on_the_way_is_refused(region: LocalRegion) -> None:
    keys = issued(region)
    form = b"Action=CreateTopic&Version=2010-03-31&Name=other"
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    said = send(region, "POST", "/", form.replace(b"other", b"never"), signed("sns", "POST", "/", form, keys=keys, **kind))
    assert said.said == (403, "SignatureDoesNotMatch")
    target = {"X_Amz_Target": "AmazonSQS.CreateQueue", "Content_Type": "application/x-amz-json-1.0"}
    headers = signed("sqs", "POST", "/", b'{"QueueName":"other"}', keys=keys, **target)
    assert send(region, "POST", "/", b'{"QueueName":"never"}', headers).said == (400, "InvalidSignatureException")
    for keys_of_put in (keys, ("test", "test")):
        said = send(region, "PUT", "/box/a", b"gone", signed("s3", "PUT", "/box/a", b"kept", keys=keys_of_put))
        assert said.said == (400, "XAmzContentSHA256Mismatch")
        assert said.message == "The provided 'x-amz-content-sha256' header does not match what was computed."


def test_who_signed_wrongly_does_not_learn_what_else_is_wrong(region: LocalRegion) -> None:
    keys = (issued(region)[0], "x" * 40)
    framed = {"X-Amz-Content-SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Decoded-Content-Length": "none"}
    for path, body, more in (("/box/a", b"no frame", framed), ("/box?tagging=", b"<no XML", {}), ("/box?torrent=", b"", {})):
        bent = signed("s3", "PUT", path, body, keys=keys, **more)
        assert send(region, "PUT", path, body, bent).said == (403, "SignatureDoesNotMatch")
    bent = signed(
        "logs", "POST", "/", b"{", keys=keys, X_Amz_Target="Logs_20140328.CreateLogGroup", Content_Type="application/x-amz-json-1.1"
    )
    assert send(region, "POST", "/", b"{", bent).said == (400, "InvalidSignatureException")


def test_a_header_that_nobody_signed_is_refused_by_s3(region: LocalRegion) -> None:
    headers = signed("s3", "PUT", "/box/a", b"gone", keys=issued(region))
    said = send(region, "PUT", "/box/a", b"gone", {**headers, "x-amz-acl": "public-read"})
    assert (said.said, said.member("HeadersNotSigned")) == ((403, "AccessDenied"), "x-amz-acl")
    assert said.message == "There were headers present in the request which were not signed"


def test_a_presigned_url_ages_by_the_clock_of_the_region(region: LocalRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    path = presigned(region, "/box/a", 60)
    assert ask(region, http("GET", path)).body == b"kept"
    region.jump(62)
    said = ask(region, http("GET", path))
    assert (said.said, said.message, said.member("X-Amz-Expires")) == ((403, "AccessDenied"), "Request has expired", "60")
    # Timestamps have whole seconds: what is signed in the very second of a jump counts as signed before it.
    at(monkeypatch, time.time() + 1)
    fresh = ask(region, http("GET", presigned(region, "/box/a", 60)))
    monkeypatch.undo()
    assert (fresh.status, fresh.body) == (200, b"kept")


def test_a_legacy_presigned_url_ends_when_it_says_whoever_signed_it(region: LocalRegion) -> None:
    said = ask(region, http("GET", "/box/a?AWSAccessKeyId=test&Signature=x&Expires=1000000000"))
    assert (said.said, said.message) == ((403, "AccessDenied"), "Request has expired")
    assert ask(region, http("GET", f"/box/a?AWSAccessKeyId=test&Signature=x&Expires={int(time.time()) + 60}")).body == b"kept"


def test_a_presigned_url_gets_nothing_but_what_was_signed(region: LocalRegion) -> None:
    region.client("s3").put_object(Bucket="box", Key="b", Body=b"secret")
    path = presigned(region, "/box/a", 60, keys=issued(region))
    assert ask(region, http("GET", path)).body == b"kept"
    for bent in (path.replace("/box/a", "/box/b"), path.replace("Expires=60", "Expires=6000"), f"{path}&versionId=x"):
        said = ask(region, http("GET", bent))
        assert (said.said, said.message) == ((403, "SignatureDoesNotMatch"), S3_MISMATCH), bent
    assert ask(region, http("PUT", path, b"gone")).said == (403, "SignatureDoesNotMatch")
    region.client("s3").delete_object(Bucket="box", Key="b")


@pytest.mark.parametrize(
    ("expires", "message"),
    [
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        ),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("soon", "X-Amz-Expires should be a number"),
        ("9" * 5_000, "X-Amz-Expires should be a number"),
    ],
)
def test_a_presigned_url_of_no_sensible_length_is_refused(region: LocalRegion, expires: str, message: str) -> None:
    said = ask(region, http("GET", presigned(region, "/box/a", 60).replace("Expires=60", f"Expires={expires}")))
    assert (said.said, said.message) == ((400, "AuthorizationQueryParametersError"), message)


def test_a_legacy_url_that_expires_beyond_all_clocks_is_refused(region: LocalRegion) -> None:
    said = ask(region, http("GET", f"/box/a?AWSAccessKeyId=test&Signature=x&Expires={'9' * 5_000}"))
    assert said.said == (403, "AccessDenied")
    assert said.message.startswith("Invalid date (should be seconds since epoch): 999")


def at(monkeypatch: pytest.MonkeyPatch, moment: float) -> str:
    """Lets botocore sign at another time; answers how it writes it."""
    then = datetime.fromtimestamp(moment, UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: then)
    return then.strftime(SIGV4_TIMESTAMP)


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_off_is_told_so(region: LocalRegion, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    keys = issued(region)
    now = region.now
    signed_at = at(monkeypatch, now + hours * 3_600)
    said = send(region, "GET", "/box/a", b"", signed("s3", "GET", "/box/a", keys=keys))
    assert said.said == (403, "RequestTimeTooSkewed")
    assert said.message == "The difference between the request time and the current time is too large."
    assert (said.member("RequestTime"), said.member("MaxAllowedSkewMilliseconds")) == (signed_at, "900000")
    body = b"Action=ListTopics&Version=2010-03-31"
    form = signed("sns", "POST", "/", body, keys=keys, Content_Type="application/x-www-form-urlencoded")
    told: Answer = send(region, "POST", "/", body, form)
    words = "Signature expired" if hours < 0 else "Signature not yet current"
    assert (told.said, told.message.startswith(f"{words}: {signed_at} is ")) == ((403, "SignatureDoesNotMatch"), True)
    monkeypatch.undo()


@pytest.mark.parametrize("end", ["deactivated", "deleted"])
def test_a_key_that_was_taken_back_opens_nothing(region: LocalRegion, end: str) -> None:
    keys = issued(region)
    assert region.client("sqs", keys=keys).list_queues().get("QueueUrls") is None
    if end == "deleted":
        region.client("iam").delete_access_key(UserName="ada", AccessKeyId=keys[0])
    else:
        region.client("iam").update_access_key(UserName="ada", AccessKeyId=keys[0], Status="Inactive")
    assert refused(region, "s3", keys) == (403, "InvalidAccessKeyId", UNKNOWN_KEY)
    for service in ("sqs", "iam", "sns"):
        assert refused(region, service, keys) == (403, "InvalidClientTokenId", INVALID_TOKEN), service
    assert refused(region, "logs", keys) == (400, "UnrecognizedClientException", INVALID_TOKEN)
    assert refused(region, "lambda", keys) == (403, "UnrecognizedClientException", INVALID_TOKEN)


def test_a_session_without_its_token_or_with_anothers_is_nobody(region: LocalRegion) -> None:
    given = region.client("sts").get_session_token()["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"])
    for token in ((), ("another",)):
        for service in ("sqs", "iam", "sns"):
            assert refused(region, service, (*keys, *token)) == (403, "InvalidClientTokenId", INVALID_TOKEN), service
    assert refused(region, "s3", keys) == (403, "InvalidAccessKeyId", UNKNOWN_KEY)
    told = (400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
    assert refused(region, "s3", (*keys, "another")) == told
    whole = (*keys, given["SessionToken"])
    assert region.client("sqs", keys=whole).list_queues().get("QueueUrls") is None
    region.jump("13h")
    ended = (403, "ExpiredToken", "The security token included in the request is expired")
    assert refused(region, "sqs", whole) == ended
