"""What browsers ask of buckets: preflights, forms with files, and pages of websites."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.bench import SCOPE, Bench
from windtunnel.wire.message import Request, Response

HOST = "box.s3.amazonaws.com"
SITE = "box.s3-website-us-east-1.amazonaws.com"
PAGE = "https://page.test"
BOX = {"bucket": "box"}


class Browser(Bench):
    """A browser before a region that has the bucket `box`."""

    def s3(self, operation: str, **request: Any) -> Any:
        return self.run(self.cloud.run("s3", operation, {"Bucket": "box", **request}, SCOPE))

    def answered(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        given = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        response = self.ask(Request(method, path, "", given, body)).response
        assert isinstance(response, Response)
        assert isinstance(response.body, bytes)
        shown = {name.lower(): value for name, value in response.headers if not name.startswith("x-amz-")}
        return response.status, shown, response.body

    def post(self, fields: dict[str, str], file: bytes = b"bytes", filename: str = "a.txt") -> tuple[int, dict[str, str], bytes]:
        parts = [f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
        last = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
        body = "".join([*parts, last]).encode() + file + b"\r\n--edge--\r\n"
        return self.answered("POST", "/", body, content_type="multipart/form-data; boundary=edge")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    one = Browser(tmp_path)
    one.s3("CreateBucket")
    yield one
    one.close()


def code(body: bytes) -> str:
    return body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


# ---------------------------------------------------------------- preflights


def test_a_bucket_tells_a_browser_which_pages_may_call_it(browser: Browser) -> None:
    asks: dict[str, Any] = {
        "origin": PAGE,
        "access_control_request_method": "PUT",
        "access_control_request_headers": "X-Amz-Acl,x-amz-meta-a",
    }
    status, _, body = browser.answered("OPTIONS", "/key", **asks)
    assert (status, code(body)) == (403, "AccessForbidden")
    rule = {"AllowedOrigins": ["https://*.test"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["x-amz-*"], "MaxAgeSeconds": 60}
    browser.s3("PutBucketCors", CORSConfiguration={"CORSRules": [rule]})
    assert browser.answered("OPTIONS", "/key", **asks) == (
        200,
        {
            "access-control-allow-origin": PAGE,
            "access-control-allow-methods": "GET, PUT",
            "access-control-allow-headers": "x-amz-acl, x-amz-meta-a",
            "access-control-max-age": "60",
            "access-control-allow-credentials": "true",
            "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
        },
        b"",
    )
    other: dict[str, Any] = asks | {"origin": "https://page.other"}
    status, _, body = browser.answered("OPTIONS", "/key", **other)
    assert (status, code(body)) == (403, "AccessForbidden")
    without: list[dict[str, Any]] = [{}, {"origin": PAGE}]
    for headers in without:
        status, _, body = browser.answered("OPTIONS", "/key", **headers)
        assert (status, code(body)) == (400, "BadRequest")
    status, _, body = browser.answered("OPTIONS", "/key", host="none.s3.amazonaws.com", **asks)
    assert (status, code(body)) == (403, "AccessForbidden")


def test_an_answer_may_be_read_by_the_pages_that_a_rule_names(browser: Browser) -> None:
    browser.s3("PutObject", Key="key", Body=b"x")
    browser.s3("PutBucketCors", CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]})
    assert browser.answered("GET", "/key", origin=PAGE)[1]["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in browser.answered("PUT", "/key", b"y", origin=PAGE)[1]
    assert "access-control-allow-origin" not in browser.answered("GET", "/key")[1]


# ---------------------------------------------------------------- forms


def policy(*conditions: Any, expiration: str = "2030-01-01T00:00:00Z") -> str:
    return base64.b64encode(json.dumps({"expiration": expiration, "conditions": list(conditions)}).encode()).decode()


def test_a_form_puts_its_file_with_what_its_fields_say(browser: Browser) -> None:
    tags = "<Tagging><TagSet><Tag><Key>k</Key><Value>v = w</Value></Tag></TagSet></Tagging>"
    fields = {"key": "up/${filename}", "Content-Type": "text/plain", "x-amz-meta-who": "me", "tagging": tags}
    status, headers, body = browser.post({**fields, "success_action_status": "201"})
    assert (status, headers["location"]) == (201, f"http://{HOST}/up%2Fa.txt")
    assert b"<PostResponse>" in body
    got = browser.s3("GetObject", Key="up/a.txt")
    assert (got["Body"], got["ContentType"], got["Metadata"]) == (b"bytes", "text/plain", {"who": "me"})
    assert browser.s3("GetObjectTagging", Key="up/a.txt")["TagSet"] == [{"Key": "k", "Value": "v = w"}]
    assert browser.post(fields)[0] == 204


def test_who_listens_is_told_that_an_object_came_by_a_form(browser: Browser) -> None:
    browser.run(browser.cloud.run("sqs", "CreateQueue", {"QueueName": "told"}, SCOPE))
    queue = {"QueueArn": f"arn:aws:sqs:us-east-1:{SCOPE.account}:told", "Events": ["s3:ObjectCreated:Post"]}
    browser.s3("PutBucketNotificationConfiguration", NotificationConfiguration={"QueueConfigurations": [queue]})
    browser.post({"key": "a", "acl": "private"})
    asked = {"QueueUrl": f"http://localhost/{SCOPE.account}/told", "MaxNumberOfMessages": 10}
    messages = browser.run(browser.cloud.run("sqs", "ReceiveMessage", asked, SCOPE))["Messages"]
    assert [json.loads(message["Body"])["Records"][0]["eventName"] for message in messages[1:]] == ["ObjectCreated:Post"]


def test_a_form_may_lead_the_browser_on(browser: Browser) -> None:
    status, headers, _ = browser.post({"key": "k", "success_action_redirect": "http://done.test/?a=1"})
    etag = browser.s3("HeadObject", Key="k")["ETag"].replace('"', "%22")
    assert (status, headers["location"]) == (303, f"http://done.test/?a=1&bucket=box&key=k&etag={etag}")
    assert browser.post({"key": "k", "success_action_redirect": "/nowhere"})[0] == 204


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"key": "k", "policy": policy(BOX, ["eq", "$key", "other"])}, (403, "AccessDenied")),
        ({"key": "k", "policy": policy(BOX, {"key": "k"}, expiration="2020-01-01T00:00:00Z")}, (403, "AccessDenied")),
        ({"key": "k", "policy": policy(BOX, {"key": "k"}, ["content-length-range", 10, 20])}, (400, "EntityTooSmall")),
        ({"key": "k", "tagging": "not xml"}, (400, "MalformedXML")),
        ({"name": "k"}, (400, "InvalidArgument")),
        ({"key": "k", "x-amz-meta-a": "x" * 20_480}, (400, "MaxPostPreDataLengthExceeded")),
    ],
)
def test_a_form_that_breaks_its_policy_puts_nothing(browser: Browser, fields: dict[str, str], refusal: tuple[int, str]) -> None:
    status, _, body = browser.post(fields)
    assert (status, code(body)) == refusal
    assert "Contents" not in browser.s3("ListObjectsV2")


def test_what_is_no_form_is_not_posted(browser: Browser) -> None:
    status, _, body = browser.answered("POST", "/", b"x", content_type="text/html")
    assert (status, code(body)) == (412, "PreconditionFailed")


# ---------------------------------------------------------------- websites


def visit(browser: Browser, path: str, method: str = "GET", **headers: Any) -> tuple[int, str, bytes]:
    """(status, where it leads, body)."""
    status, shown, body = browser.answered(method, path, host=SITE, **headers)
    return status, shown.get("location", ""), body


def test_a_website_shows_the_index_of_a_folder_and_its_own_error_page(browser: Browser) -> None:
    assert visit(browser, "/")[0] == 404
    status, _, body = browser.answered("GET", "/", host="none.s3-website-us-east-1.amazonaws.com")
    assert (status, b"Code: NoSuchBucket" in body) == (404, True)
    browser.s3("PutBucketWebsite", WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}, "ErrorDocument": {"Key": "e.html"}})
    browser.s3("PutObject", Key="sub/i.html", Body=b"index")
    assert visit(browser, "/sub/") == (200, "", b"index")
    assert visit(browser, "/sub") == (302, "/sub/", b"")
    status, _, body = visit(browser, "/none")
    assert (status, body.count(b"<li>Code: NoSuchKey</li>")) == (404, 2)
    browser.s3("PutObject", Key="e.html", Body=b"sorry")
    assert visit(browser, "/none") == (404, "", b"sorry")
    assert visit(browser, "/sub/", "DELETE")[0] == 405
    etag = browser.s3("HeadObject", Key="sub/i.html")["ETag"]
    assert visit(browser, "/sub/", if_none_match=etag) == (304, "", b"")


def test_a_website_s_rules_lead_elsewhere_before_and_after_a_key_is_looked_for(browser: Browser) -> None:
    rules = [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/", "HttpRedirectCode": "307"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"HostName": "else.test", "Protocol": "https"}},
    ]
    browser.s3("PutBucketWebsite", WebsiteConfiguration={"IndexDocument": {"Suffix": "i.html"}, "RoutingRules": rules})
    browser.s3("PutObject", Key="moved", WebsiteRedirectLocation="/here")
    assert visit(browser, "/old/a") == (307, f"http://{SITE}/new/a", b"")
    assert visit(browser, "/none") == (301, "https://else.test/none", b"")
    assert visit(browser, "/moved") == (301, "/here", b"")
    browser.s3("PutBucketWebsite", WebsiteConfiguration={"RedirectAllRequestsTo": {"HostName": "all.test"}})
    assert visit(browser, "/a") == (301, "http://all.test/a", b"")


# ---------------------------------------------------------------- presigned URLs


def test_the_parameters_of_a_presigned_url_that_are_named_as_headers_are_headers(browser: Browser) -> None:
    query = "AWSAccessKeyId=test&Signature=x&Expires=9999999999&x-amz-meta-Who=m%C3%A9&content-type=text/plain"
    response = browser.ask(Request("PUT", "/key", query, {"host": HOST}, b"x")).response
    assert response is not None
    assert response.status == 200
    head = browser.s3("HeadObject", Key="key")
    assert (head["Metadata"], head["ContentType"]) == ({"who": "=?UTF-8?B?bcOp?="}, "text/plain")


def test_who_names_no_region_means_the_bucket_s(browser: Browser) -> None:
    far = {"Bucket": "far", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    browser.run(browser.cloud.run("s3", "CreateBucket", far, SCOPE))
    assert browser.answered("PUT", "/far/key", b"x", host="localhost")[0] == 200
    assert browser.answered("GET", "/far/key", host="localhost")[2] == b"x"
    assert browser.answered("GET", "/key", host="far.s3.us-west-2.amazonaws.com")[0] == 301
