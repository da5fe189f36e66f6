"""Function URLs: requests to their hosts run the function, and what it answers is the response."""

import json
from typing import Any

import pytest

from tests.stories.here import ACCOUNT, REGION, Here
from tests.stories.lambdas import arn, make
from windtunnel.fabric import Answer, Fault, Scope, Visit
from windtunnel.fabric.scope import anonymous

OTHER = "123456789012"
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


def url_of(here: Here, name: str, code: str, **given: Any) -> str:
    """The host of a new function's URL, which anyone may call."""
    make(here, name, code)
    return opened(here, name, **given)


class Signed:
    """A request's signature, made with a key that the region issued."""

    token = ""

    def __init__(self, here: Here, user: str, secret: str = "") -> None:
        key = here.iam.create_access_key(UserName=user)["AccessKey"]
        self.access_key = key["AccessKeyId"]
        self._secret = secret or key["SecretAccessKey"]

    def verify(self, secret: str | None) -> None:
        if secret != self._secret:
            message = "The request signature we calculated does not match the signature you provided."
            raise Fault("InvalidSignatureException", message, status=403)


def opened(here: Here, name: str, **given: Any) -> str:
    """The host of a function's new URL."""
    made = here.lambda_.create_function_url_config(FunctionName=name, AuthType="NONE", **given)
    anyone = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    here.lambda_.add_permission(FunctionName=name, StatementId="url", **anyone)
    return made["FunctionUrl"].removeprefix("http://").rstrip("/")


def ask(
    here: Here, host: str, method: str = "GET", path: str = "/", query: str = "", body: bytes = b"", proof: Any = None, **headers: str
) -> Any:
    found = here.cloud.visits.host(host)
    assert found is not None
    given = {name.replace("_", "-"): value for name, value in headers.items()} | {"host": host}
    visit = Visit(found.name, found.region, method, path, query, given, body, "http", proof)
    scope = Scope(ACCOUNT, found.region, anonymous(), "request-1", "10.1.2.3", "agent/1", f"http://{host}")
    return here.run(here.cloud.visits.answer(found, visit, scope))


def test_a_function_gets_the_request_in_payload_format_2(here: Here) -> None:
    host = url_of(here, "f", "def handler(event, context):\n    return event\n")
    answer = ask(here, host, "POST", "/a%20b/c", "q=1&q=%2F2&e=", b"text", content_type="text/plain", cookie="a=1; b=2")
    event = json.loads(answer.body)
    trace = event["headers"].pop("x-amzn-trace-id")
    assert trace.startswith("Root=1-")
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a b/c",
        "rawQueryString": "q=1&q=%2F2&e=",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "content-type": "text/plain",
            "host": host,
            "x-forwarded-for": "10.1.2.3",
            "x-forwarded-proto": "http",
            "x-forwarded-port": "4566",
            "x-amzn-tls-version": "TLSv1.3",
            "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        },
        "queryStringParameters": {"q": "1,/2", "e": ""},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": host.partition(".")[0],
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {"method": "POST", "path": "/a b/c", "protocol": "HTTP/1.1", "sourceIp": "10.1.2.3", "userAgent": "agent/1"},
            "requestId": "request-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "body": "text",
        "isBase64Encoded": False,
    }
    binary = json.loads(ask(here, host, "POST", body=b"\xff\x00", content_type="application/octet-stream").body)
    assert (binary["body"], binary["isBase64Encoded"]) == ("/wA=", True)
    empty = json.loads(ask(here, host).body)
    assert (empty["isBase64Encoded"], empty.keys() & {"body", "cookies", "queryStringParameters"}) == (False, set())


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        ("'hello'", 200, b"hello"),
        ("3.1", 200, b"3.1"),
        ("True", 200, b"true"),
        ("['hello', 3, True]", 200, b'["hello",3,true]'),
        ("{'hello': 'world'}", 200, b'{"hello":"world"}'),
        ("{'statusCode': '418', 'body': 'teapot'}", 418, b"teapot"),
        ("{'statusCode': 201, 'body': {'a': 1}}", 201, b'{"a":1}'),
        ("{'statusCode': 200, 'body': '/wA=', 'isBase64Encoded': True}", 200, b"\xff\x00"),
        ("{'statusCode': 'much'}", 502, b"Internal Server Error"),
        ("1 / 0", 502, b"Internal Server Error"),
    ],
)
def test_what_a_function_returns_is_the_response(here: Here, result: str, status: int, body: bytes) -> None:
    host = url_of(here, "f", f"def handler(event, context):\n    return {result}\n")
    json_type = ("Content-Type", "application/json")
    assert ask(here, host) == Answer(status, [json_type, ("x-amzn-RequestId", "request-1")], body)


def test_a_function_sets_headers_and_cookies(here: Here) -> None:
    given = {"statusCode": 200, "headers": {"content-type": "text/html", "x-n": 1}, "cookies": ["a=1; Secure", "b=2"], "body": "<p>"}
    host = url_of(here, "f", f"def handler(event, context):\n    return {given}\n")
    headers = [("content-type", "text/html"), ("x-n", "1"), ("Set-Cookie", "a=1; Secure"), ("Set-Cookie", "b=2")]
    assert ask(here, host) == Answer(200, [*headers, ("x-amzn-RequestId", "request-1")], b"<p>")


def test_who_may_call_is_said_by_the_functions_policy(here: Here) -> None:
    host = url_of(here, "f", "def handler(event, context):\n    return 'in'\n")
    assert ask(here, host).body == b"in"
    here.lambda_.remove_permission(FunctionName="f", StatementId="url")
    refused = ask(here, host)
    assert (refused.status, json.loads(refused.body)) == (403, {"Message": FORBIDDEN})
    assert ("x-amzn-ErrorType", "AccessDeniedException") in refused.headers
    here.lambda_.add_permission(FunctionName="f", StatementId="f", Action="lambda:InvokeFunction", Principal="*")
    assert ask(here, host).status == 403, "another action"
    here.lambda_.update_function_url_config(FunctionName="f", AuthType="AWS_IAM")
    assert ask(here, host).status == 403, "nothing is signed"


def signed_url(here: Here) -> str:
    """The host of a URL for those who sign, with a policy that says nothing yet."""
    make(
        here, "f", "def handler(event, context):\n    return event['requestContext'].get('authorizer', {}).get('iam', {}).get('userArn')\n"
    )
    made = here.lambda_.create_function_url_config(FunctionName="f", AuthType="AWS_IAM")
    return made["FunctionUrl"].removeprefix("http://").rstrip("/")


def is_refused(answer: Answer) -> bool:
    headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", "request-1"), ("x-amzn-ErrorType", "AccessDeniedException")]
    return answer == Answer(403, headers, json.dumps({"Message": FORBIDDEN}, separators=(",", ":")).encode())


def test_a_url_for_those_who_sign_takes_nothing_unsigned_and_nothing_signed_wrongly(here: Here) -> None:
    host = signed_url(here)
    here.lambda_.add_permission(FunctionName="f", StatementId="all", Action="lambda:InvokeFunctionUrl", Principal="*")
    assert is_refused(ask(here, host))
    here.iam.create_user(UserName="ann")
    forged = ask(here, host, proof=Signed(here, "ann", secret="guessed"))
    assert (forged.status, dict(forged.headers)["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert ask(here, host, proof=Signed(here, "ann")).body == f"arn:aws:iam::{ACCOUNT}:user/ann".encode()


def test_callers_of_another_account_need_the_functions_word(here: Here) -> None:
    host = signed_url(here)
    there = here.at(account=OTHER)
    there.iam.create_user(UserName="bob")
    bob = Signed(there, "bob")
    statement = {"FunctionName": "f", "Principal": f"arn:aws:iam::{OTHER}:user/bob", "Action": "lambda:InvokeFunctionUrl"}
    assert is_refused(ask(here, host, proof=bob)), "nothing is said of him"
    here.lambda_.add_permission(**statement | {"StatementId": "other", "Principal": f"arn:aws:iam::{OTHER}:user/eve"})
    assert is_refused(ask(here, host, proof=bob)), "somebody else"
    here.lambda_.add_permission(**statement, StatementId="none", FunctionUrlAuthType="NONE")
    assert is_refused(ask(here, host, proof=bob)), "for URLs that are open to all"
    here.lambda_.add_permission(**statement, StatementId="iam", FunctionUrlAuthType="AWS_IAM")
    assert ask(here, host, proof=bob).body == f"arn:aws:iam::{OTHER}:user/bob".encode()


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.2.0.0/16"}}, False),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-02T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2025-12-31T00:00:00Z"}}, False),
        ({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}, True),
        ({"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/ann"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/bob"}}, False),
    ],
)
def test_a_deny_holds_under_its_conditions(here: Here, condition: dict[str, Any], holds: bool) -> None:
    host = signed_url(here)
    here.iam.create_user(UserName="ann")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Resource": arn("f"), "Condition": condition}
    here.lambda_.put_resource_policy(ResourceArn=arn("f"), Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    assert is_refused(ask(here, host, proof=Signed(here, "ann"))) is holds


def test_hosts_of_urls_that_are_gone_or_never_were_are_refused(here: Here) -> None:
    host = url_of(here, "f", "def handler(event, context):\n    return 'in'\n")
    here.lambda_.delete_function(FunctionName="f")
    gone = ask(here, host)
    assert (gone.status, json.loads(gone.body)) == (403, {"Message": FORBIDDEN})
    never = ask(here, f"{'0' * 32}.lambda-url.{REGION}.localhost:4566")
    assert (never.status, never.body) == (403, b'{"Message":null}')
    elsewhere = ask(here, host.replace(REGION, "eu-west-1"))
    assert (elsewhere.status, elsewhere.body) == (403, b'{"Message":null}')
    assert [
        here.cloud.visits.host(other) for other in ("localhost:4566", f"x.lambda-url.{REGION}.example.com", "lambda-url.localhost")
    ] == [None] * 3


def test_a_url_tells_browsers_who_may_read(here: Here) -> None:
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET", "POST"], "MaxAge": 60}
    host = url_of(here, "f", "def handler(event, context):\n    return 'in'\n", Cors=cors)
    told = [("Access-Control-Allow-Origin", "https://a.example"), ("Vary", "Origin")]
    asked = ask(here, host, "OPTIONS", origin="https://a.example", access_control_request_method="POST")
    assert asked == Answer(200, [*told, ("Access-Control-Allow-Methods", "GET,POST"), ("Access-Control-Max-Age", "60")], b"")
    read = ask(here, host, origin="https://a.example")
    assert (read.body, read.headers[-2:]) == (b"in", told)
    assert "Access-Control-Allow-Origin" not in dict(ask(here, host, origin="https://b.example").headers)


def test_a_throttled_url_says_so(here: Here) -> None:
    host = url_of(here, "f", "def handler(event, context):\n    return 'in'\n")
    here.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    throttled = ask(here, host)
    expected = {"Message": "Rate Exceeded.", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"}
    assert (throttled.status, json.loads(throttled.body)) == (429, expected)
