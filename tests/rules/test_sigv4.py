"""Signatures made by botocore are accepted, and every way in which a signature can be wrong has AWS's own fault."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from awscrt import auth as crt
from awscrt import http as crt_http
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from windtunnel.aws.errors import Fault
from windtunnel.wire.message import Request
from windtunnel.wire.post_policy import PostPolicy, post_credential_of, verify_post_policy
from windtunnel.wire.sigv4 import Credential, PayloadHash, credential_of, payload_hash_of, timestamp_of, verify

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
UNSET: Any = object()


def signed(
    signer: Any, method: str, url: str, service: str, *args: Any, body: bytes = b"", headers: dict[str, str] | None = None, token: str = ""
) -> Request:
    sent = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    signer(Credentials(KEY, SECRET, token or None), service, "us-east-1", *args).add_auth(sent)
    return received(sent, body)


def received(sent: AWSRequest, body: bytes) -> Request:
    prepared = sent.prepare()
    parts = urlsplit(prepared.url)
    headers = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in prepared.headers.items()}
    return Request(prepared.method, parts.path, parts.query, {"host": parts.netloc, **headers}, body)


def check(request: Request, *, s3: bool = False, secret: str = SECRET, late: float | None = 0, now: Any = UNSET) -> Credential:
    credential = credential_of(request)
    assert credential is not None
    signed_at = timestamp_of(credential.timestamp)
    if now is UNSET:
        now = None if late is None or signed_at is None else signed_at + late
    verify(request, credential, secret, now, s3=s3)
    return credential


def refusal(request: Request, **how: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        check(request, **how)
    return caught.value


def sqs(**more: Any) -> Request:
    headers = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}
    return signed(auth.SigV4Auth, "POST", "http://localhost:4566/", "sqs", body=b'{"QueueUrl": "x"}', headers=headers, **more)


def s3_get(seconds: int = 300) -> Request:
    return signed(auth.S3SigV4QueryAuth, "GET", "http://localhost:4566/b/a%20key?versionId=1", "s3", seconds)


def test_a_json_request_is_verified_with_its_token() -> None:
    credential = check(sqs(token="tok"))
    assert (credential.access_key, credential.region, credential.service, credential.token, credential.presigned) == (
        KEY,
        "us-east-1",
        "sqs",
        "tok",
        False,
    )


@pytest.mark.parametrize(
    "path", ["/b/k", "/b/a%20key//../x", "/b/%E6%9D%B1%20%2B~-._", "/b/k?uploads", "/b?list-type=2&prefix=a%2Fb&a=2&a=1", "/"]
)
def test_s3_takes_the_path_as_it_is(path: str) -> None:
    request = signed(auth.S3SigV4Auth, "PUT", f"http://localhost:4566{path}", "s3", body=b"hello", headers={"x-amz-meta-a": " q  z "})
    assert check(request, s3=True).service == "s3"


@pytest.mark.parametrize(
    "path",
    ["/2015-03-31/functions/arn%3Aaws%3Alambda%3Af/", "/a//./x/../y?b=1&a-b=3&a=2", "/%E6%9D%B1?q=a%20b&q=%2B", "/a:b/c@d", "/..", "//"],
)
def test_other_services_normalise_the_path_and_encode_it_twice(path: str) -> None:
    assert check(signed(auth.SigV4Auth, "GET", f"http://localhost:4566{path}", "lambda")).service == "lambda"


def test_a_presigned_url_of_s3_is_verified() -> None:
    credential = check(s3_get(), s3=True)
    assert (credential.presigned, credential.expires, credential.signed_headers) == (True, 300, ("host",))


def test_a_presigned_call_of_sts_is_verified() -> None:
    url = "http://localhost:4566/?Action=GetCallerIdentity&Version=2011-06-15"
    assert check(signed(auth.SigV4QueryAuth, "GET", url, "sts", 60)).service == "sts"


def test_sigv4a_is_verified() -> None:
    sent = crt_http.HttpRequest("GET", "/b/k?x=1", crt_http.HttpHeaders([("host", "localhost")]))
    config = crt.AwsSigningConfig(
        algorithm=crt.AwsSigningAlgorithm.V4_ASYMMETRIC,
        signature_type=crt.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=crt.AwsCredentialsProvider.new_static(KEY, SECRET),
        region="*",
        service="s3",
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_header_type=crt.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        signed_body_value="UNSIGNED-PAYLOAD",
    )
    crt.aws_sign_request(sent, config).result(10)
    request = Request("GET", "/b/k", "x=1", {name.lower(): value for name, value in sent.headers})
    assert check(request, s3=True).region == "*"
    assert refusal(request, s3=True, secret="another").code == "SignatureDoesNotMatch"


def test_the_legacy_presigned_url_of_s3_is_verified_until_it_expires() -> None:
    sent = AWSRequest(method="GET", url="http://localhost:4566/b/k?versionId=1&x=2", headers={})
    auth.HmacV1QueryAuth(Credentials(KEY, SECRET, "tok"), 60).add_auth(sent)
    request = received(sent, b"")
    credential = check(request, s3=True, now=None)
    assert (credential.algorithm, credential.token, credential.presigned) == ("AWS", "tok", True)
    expires = credential.expires
    assert expires is not None
    fault = refusal(request, s3=True, now=expires + 1)
    assert (fault.code, fault.message, sorted(fault.members)) == ("AccessDenied", "Request has expired", ["Expires", "ServerTime"])
    assert refusal(request, s3=True, now=None, secret="another").code == "SignatureDoesNotMatch"


def test_the_legacy_header_of_s3_is_verified() -> None:
    sent = AWSRequest(method="PUT", url="http://localhost:4566/b/k?acl", headers={"x-amz-acl": "private", "Content-Type": "a/b"}, data=b"x")
    auth.HmacV1Auth(Credentials(KEY, SECRET)).add_auth(sent)
    assert check(received(sent, b"x"), s3=True, now=None).access_key == KEY


def test_an_unsigned_request_has_no_credential() -> None:
    requests = [
        Request("GET", "/b/k", "versionId=1", {}),
        Request("GET", "/", "", {"authorization": "Bearer abc"}),
        Request("GET", "/", "", {"authorization": "Basic abc"}),
    ]
    assert [credential_of(request) for request in requests] == [None, None, None]


def test_a_wrong_secret_tells_what_should_have_been_signed() -> None:
    fault = refusal(sqs(), secret="another")
    start, canonical, string_to_sign = fault.message.split("\n\nThe ")
    assert (fault.code, fault.status, start) == (
        "InvalidSignatureException",
        400,
        (
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing "
            "method. Consult the service documentation for details."
        ),
    )
    assert canonical.startswith("Canonical String for this request should have been\n'POST\n/\n\ncontent-type:application/x-amz-json-1.0\n")
    assert string_to_sign.startswith("String-to-Sign should have been\n'AWS4-HMAC-SHA256\n")


@pytest.mark.parametrize(("service", "code", "status"), [("sts", "SignatureDoesNotMatch", 403), ("ec2", "AuthFailure", 401)])
def test_query_services_say_it_in_their_way(service: str, code: str, status: int) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    fault = refusal(signed(auth.SigV4Auth, "POST", "http://localhost/", service, body=b"Action=X", headers=form), secret="another")
    assert (fault.code, fault.status) == (code, status)


def test_s3_says_what_it_calculated_in_members() -> None:
    request = s3_get()
    fault = refusal(request, s3=True, secret="another")
    credential = credential_of(request)
    assert credential is not None
    canonical = fault.members["CanonicalRequest"]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{credential.timestamp}\n{credential.date}/us-east-1/s3/aws4_request\n{digest}"
    assert (fault.code, fault.status, dict(fault.members)) == (
        "SignatureDoesNotMatch",
        403,
        {
            "AWSAccessKeyId": KEY,
            "StringToSign": text,
            "SignatureProvided": credential.signature,
            "StringToSignBytes": text.encode().hex(" "),
            "CanonicalRequest": canonical,
            "CanonicalRequestBytes": canonical.encode().hex(" "),
        },
    )


def test_any_change_of_a_signed_request_is_noticed() -> None:
    for change in ({"method": "PUT"}, {"path": "/other"}, {"query": "a=1"}, {"body": b"other"}):
        request = sqs()
        for name, value in change.items():
            setattr(request, name, value)
        assert refusal(request).code == "InvalidSignatureException"


def test_s3_compares_the_bodys_hash_with_the_header() -> None:
    request = signed(auth.S3SigV4Auth, "PUT", "http://localhost/b/k", "s3", body=b"hello")
    request.body = b"other"
    fault = refusal(request, s3=True)
    assert (fault.code, fault.status, dict(fault.members)) == (
        "XAmzContentSHA256Mismatch",
        400,
        {
            "ClientComputedContentSHA256": hashlib.sha256(b"hello").hexdigest(),
            "S3ComputedContentSHA256": hashlib.sha256(b"other").hexdigest(),
        },
    )


def test_other_services_call_a_changed_body_a_wrong_signature() -> None:
    request = sqs()
    request.headers["x-amz-content-sha256"] = hashlib.sha256(request.body).hexdigest()
    check(request)
    request.body = b"other"
    assert refusal(request).code == "InvalidSignatureException"


def test_s3_wants_the_hash_of_the_body_in_a_header_and_a_valid_one() -> None:
    request = signed(auth.SigV4Auth, "PUT", "http://localhost/b/k", "s3", body=b"hello")
    assert refusal(request, s3=True).message == "Missing required header for this request: x-amz-content-sha256"
    request.headers["x-amz-content-sha256"] = "nonsense"
    fault = refusal(request, s3=True)
    assert (fault.code, dict(fault.members)) == ("InvalidArgument", {"ArgumentName": "x-amz-content-sha256", "ArgumentValue": "nonsense"})


def test_s3_refuses_headers_that_nobody_signed() -> None:
    request = s3_get()
    request.headers |= {"x-amz-decoded-content-length": "5", "x-amz-date": "x", "x-amz-content-sha256": "x", "content-md5": "x"}
    fault = refusal(request, s3=True)
    assert (fault.code, fault.message, dict(fault.members)) == (
        "AccessDenied",
        "There were headers present in the request which were not signed",
        {"HeadersNotSigned": "x-amz-date, x-amz-decoded-content-length"},
    )


@pytest.mark.parametrize("service", ["sqs", "dynamodb"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_that_is_off_is_told_by_how_much(service: str, sign: int) -> None:
    headers = {"X-Amz-Target": "A.B", "X-Amz-Date": "x"}
    request = signed(auth.SigV4Auth, "POST", "http://localhost/", service, body=b"{}", headers=headers)
    minutes = 15 if service == "dynamodb" else 5
    check(request, late=sign * minutes * 60)
    fault = refusal(request, late=sign * (minutes * 60 + 1))
    words = ("Signature expired: ", " is now earlier than ", f" - {minutes} min.)")
    if sign < 0:
        words = ("Signature not yet current: ", " is still later than ", f" + {minutes} min.)")
    start, middle, end = words
    assert fault.message.startswith(start + request.headers["x-amz-date"] + middle)
    assert (fault.code, fault.message.endswith(end)) == ("InvalidSignatureException", True)


def test_a_clock_that_is_left_out_does_not_matter() -> None:
    check(sqs(), late=None)
    check(s3_get(1), s3=True, late=None)


def test_s3_allows_a_quarter_of_an_hour() -> None:
    request = signed(auth.S3SigV4Auth, "GET", "http://localhost/b/k", "s3")
    check(request, s3=True, late=900)
    fault = refusal(request, s3=True, late=901)
    assert (fault.code, fault.status, fault.members["RequestTime"], fault.members["MaxAllowedSkewMilliseconds"]) == (
        "RequestTimeTooSkewed",
        403,
        request.headers["x-amz-date"],
        "900000",
    )


def test_a_presigned_url_lives_as_long_as_it_says() -> None:
    request = s3_get(60)
    check(request, s3=True, late=60)
    fault = refusal(request, s3=True, late=61)
    assert (fault.code, fault.status, fault.message, fault.members["X-Amz-Expires"], sorted(fault.members)) == (
        "AccessDenied",
        403,
        "Request has expired",
        "60",
        ["Expires", "ServerTime", "X-Amz-Expires"],
    )


@pytest.mark.parametrize(
    ("expires", "message"),
    [
        (604801, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"),
        (-1, "X-Amz-Expires must be non-negative"),
    ],
)
def test_a_presigned_url_lives_a_week_at_most(expires: int, message: str) -> None:
    fault = refusal(s3_get(expires), s3=True)
    assert (fault.code, fault.status, fault.message) == ("AuthorizationQueryParametersError", 400, message)


def test_the_day_of_the_scope_must_be_that_of_the_request() -> None:
    request = sqs()
    day = request.headers["x-amz-date"][:8]
    request.headers["x-amz-date"] = "19991231T235959Z"
    assert refusal(request, now=None).message == (
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        f"'{day}' != '19991231', from '19991231T235959Z'."
    )


def malformed(authorization: str, query: str = "", **headers: str) -> tuple[str, str]:
    request = Request("GET", "/", query, {"authorization": authorization, **headers} if authorization else headers)
    with pytest.raises(Fault) as caught:
        credential_of(request)
    return caught.value.code, caught.value.message


def test_a_malformed_header_is_refused() -> None:
    scope = "AKID/20250101/us-east-1"
    assert [
        malformed(f"AWS4-HMAC-SHA256 Credential={scope}/sqs/aws4_request, Signature=ab", date="x"),
        malformed(f"AWS4-HMAC-SHA256 Credential={scope}/s3/aws4_request, Signature=ab"),
        malformed(f"AWS4-HMAC-SHA256 Credential={scope}/s3/aws4, SignedHeaders=host, Signature=ab"),
        malformed("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=ab", **{"x-amz-content-sha256": "x"}),
        malformed("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=ab"),
    ] == [
        (
            "IncompleteSignature",
            "Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization="
            + base64.b64encode(
                hashlib.sha256(b"AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-1/sqs/aws4_request, Signature=ab").digest()
            ).decode(),
        ),
        (
            "AuthorizationHeaderMalformed",
            (
                "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, "
                "and Signature."
            ),
        ),
        (
            "AuthorizationHeaderMalformed",
            'The authorization header is malformed; incorrect terminal "aws4". This endpoint uses "aws4_request".',
        ),
        (
            "AuthorizationHeaderMalformed",
            (
                "The authorization header is malformed; the Credential is mal-formed; expecting "
                '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
            ),
        ),
        ("IncompleteSignature", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID'"),
    ]


def test_a_presigned_url_needs_all_its_parameters() -> None:
    request = s3_get()
    request.query = request.query.replace("X-Amz-Expires=300&", "")
    with pytest.raises(Fault) as caught:
        credential_of(request)
    assert caught.value.message == (
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
        "X-Amz-SignedHeaders, and X-Amz-Expires parameters."
    )
    assert malformed("", "AWSAccessKeyId=a&Signature=b")[1] == (
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
    )


def test_the_payload_of_a_request_tells_how_it_is_checked() -> None:
    digest = hashlib.sha256(b"hello").hexdigest()
    values = [digest, "UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]
    found = [payload_hash_of(Request("PUT", "/", "", {"x-amz-content-sha256": value})) for value in values]
    kinds = ("exact", "unsigned", "signed chunks", "unsigned trailer")
    assert found == [PayloadHash(kind, value) for kind, value in zip(kinds, values, strict=True)]
    assert payload_hash_of(Request("PUT", "/", "", {})) == PayloadHash("body", "")
    presigned = s3_get()
    assert payload_hash_of(presigned, credential_of(presigned)) == PayloadHash("unsigned", "UNSIGNED-PAYLOAD")


def form(conditions: list[Any], expiration: str = "2030-01-01T00:00:00Z", **fields: str) -> dict[str, str]:
    sent = AWSRequest(method="POST", url="http://localhost/b")
    own = dict(fields)
    sent.context["s3-presign-post-fields"] = own
    sent.context["s3-presign-post-policy"] = {"expiration": expiration, "conditions": [{"bucket": "b"}, *conditions]}
    auth.S3SigV4PostAuth(Credentials(KEY, SECRET, "tok"), "s3", "us-east-1").add_auth(sent)
    return own


def post_refusal(fields: dict[str, str], secret: str = SECRET, now: float | None = 0) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        verify_post_policy(fields, secret, now, bucket="b")
    return caught.value.code, caught.value.message


def test_a_form_that_keeps_to_its_policy_is_taken() -> None:
    conditions = [["starts-with", "$key", "user/"], ["content-length-range", 1, 10], ["starts-with", "$Content-Type", "image/"]]
    fields = form(conditions, key="user/a", **{"Content-Type": "image/png,image/jpeg", "x-ignore-me": "1"})
    credential = post_credential_of(fields)
    assert credential is not None
    assert (credential.access_key, credential.token) == (KEY, "tok")
    assert verify_post_policy(fields, SECRET, 0, bucket="b") == PostPolicy(1, 10)


def test_a_form_that_does_not_is_refused() -> None:
    key = ["eq", "$key", "a"]
    missing = form([key], key="a")
    del missing["x-amz-signature"]
    assert [
        post_refusal(form([key], key="b")),
        post_refusal(form([{"key": "a"}], key="a", acl="private")),
        post_refusal(form([["content-length-range", "test", 10], key], key="a")),
        post_refusal(form([["eq", "key", "a"]], key="a")),
        post_refusal(form([key], key="a"), now=2e9),
        post_refusal(form([key], key="a"), secret="another")[:1],
        post_refusal(missing),
        post_refusal({"policy": "e30=", "key": "a"}),
    ] == [
        ("AccessDenied", 'Invalid according to Policy: Policy Condition failed: ["eq", "$key", "a"]'),
        ("AccessDenied", "Invalid according to Policy: Extra input fields: acl"),
        ("AccessDenied", 'Invalid according to Policy: Policy Condition failed: ["content-length-range", "test", "10"]'),
        ("AccessDenied", 'Invalid according to Policy: Policy Condition failed: ["eq", "key", "a"]'),
        ("AccessDenied", "Invalid according to Policy: Policy expired."),
        ("SignatureDoesNotMatch",),
        (
            "InvalidArgument",
            "Bucket POST must contain a field named 'X-Amz-Signature'.  If it is specified, please check the order of the fields.",
        ),
        ("InvalidPolicyDocument", "Invalid Policy: Policy missing expiration."),
    ]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (11, ("EntityTooLarge", {"ProposedSize": "11", "MaxSizeAllowed": "10"})),
        (0, ("EntityTooSmall", {"ProposedSize": "0", "MinSizeAllowed": "1"})),
    ],
)
def test_a_file_outside_of_the_policys_range_is_refused(size: int, expected: tuple[str, dict[str, str]]) -> None:
    with pytest.raises(Fault) as caught:
        PostPolicy(1, 10).check_size(size)
    assert (caught.value.code, dict(caught.value.members)) == expected


def test_a_policy_of_the_legacy_algorithm_is_verified() -> None:
    policy = base64.b64encode(json.dumps({"expiration": "2030-01-01T00:00:00Z", "conditions": [{"bucket": "b"}, {"key": "a"}]}).encode())
    sent = AWSRequest(method="POST", url="http://localhost/b")
    sent.context["s3-presign-post-fields"] = {"key": "a"}
    sent.context["s3-presign-post-policy"] = json.loads(base64.b64decode(policy))
    auth.HmacV1PostAuth(Credentials(KEY, SECRET)).add_auth(sent)
    fields: dict[str, str] = sent.context["s3-presign-post-fields"]
    assert verify_post_policy(fields, SECRET, 0, bucket="b") == PostPolicy()
    assert post_refusal(fields, secret="another")[0] == "SignatureDoesNotMatch"
