"""Which operation is meant: every hint that clients give, and what is answered where none fits."""

import pytest

from windtunnel.aws.errors import Fault
from windtunnel.aws.request_ids import host_id
from windtunnel.wire.message import Request
from windtunnel.wire.route import RouteFault, refuse_unrouted, route

LOCALSTACK = "localhost.localstack.cloud:4566"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def request(method: str, target: str, *, host: str = "localhost:4566", service: str = "", body: bytes = b"", **headers: str) -> Request:
    path, _, query = target.partition("?")
    found = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    if service:
        scope = f"test/20200101/us-east-1/{service}/aws4_request"
        found["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    return Request(method, path, query, found, body)


def operation(asked: Request) -> str:
    match = route(asked)
    return f"{match.service}.{match.operation}"


@pytest.mark.parametrize(
    ("host", "target", "labels"),
    [
        ("localhost:4566", "/bucket/a%20b/c+d//e/", {"Bucket": "bucket", "Key": "a b/c+d//e/"}),
        ("localhost:4566", "/bucket//key", {"Bucket": "bucket", "Key": "/key"}),
        ("localhost:4566", "/bucket/%2Fkey", {"Bucket": "bucket", "Key": "/key"}),
        ("localhost:4566", "/bucket/%C3%A9%25", {"Bucket": "bucket", "Key": "é%"}),
        ("127.0.0.1:4566", "/bucket/key", {"Bucket": "bucket", "Key": "key"}),
        ("region-in-compose:4566", "/bucket/key", {"Bucket": "bucket", "Key": "key"}),
        ("bucket.localhost:4566", "/key", {"Bucket": "bucket", "Key": "key"}),
        ("bucket.s3.localhost:4566", "/key", {"Bucket": "bucket", "Key": "key"}),
        ("s3.localhost:4566", "/bucket/key", {"Bucket": "bucket", "Key": "key"}),
        (f"bucket.s3.us-east-1.{LOCALSTACK}", "/key/", {"Bucket": "bucket", "Key": "key/"}),
        (f"my.dotted.bucket.s3.{LOCALSTACK}", "//key", {"Bucket": "my.dotted.bucket", "Key": "/key"}),
        ("bucket.s3.eu-west-1.amazonaws.com", "/key", {"Bucket": "bucket", "Key": "key"}),
        ("bucket.s3-us-west-2.amazonaws.com", "/key", {"Bucket": "bucket", "Key": "key"}),
        ("bucket.s3.dualstack.us-west-2.amazonaws.com", "/key", {"Bucket": "bucket", "Key": "key"}),
        ("s3.amazonaws.com", "/bucket/key", {"Bucket": "bucket", "Key": "key"}),
    ],
)
def test_the_bucket_is_in_the_host_or_in_the_path(host: str, target: str, labels: dict[str, str]) -> None:
    match = route(request("GET", target, host=host))
    assert (match.service, match.operation, match.labels) == ("s3", "GetObject", labels)


@pytest.mark.parametrize(
    ("method", "target", "headers", "wanted"),
    [
        ("GET", "/", {}, "ListBuckets"),
        ("GET", "/b", {}, "ListObjects"),
        ("GET", "/b/", {}, "ListObjects"),
        ("GET", "/b?list-type=2&prefix=a", {}, "ListObjectsV2"),
        ("GET", "/b?versions", {}, "ListObjectVersions"),
        ("GET", "/b?acl=", {}, "GetBucketAcl"),
        ("GET", "/b?lifecycle", {}, "GetBucketLifecycleConfiguration"),
        ("GET", "/b?analytics&id=x", {}, "GetBucketAnalyticsConfiguration"),
        ("GET", "/b?analytics", {}, "ListBucketAnalyticsConfigurations"),
        ("GET", "/b/k?acl&versionId=1", {}, "GetObjectAcl"),
        ("GET", "/b/k?attributes", {}, "GetObjectAttributes"),
        ("GET", "/b/k?uploadId=u", {}, "ListParts"),
        ("GET", "/b/k?x-id=GetObject&response-content-type=text%2Fplain", {}, "GetObject"),
        ("HEAD", "/b", {}, "HeadBucket"),
        ("HEAD", "/b/k", {}, "HeadObject"),
        ("PUT", "/b", {}, "CreateBucket"),
        ("PUT", "/b/k", {}, "PutObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {}, "UploadPart"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {"x_amz_copy_source": "a/b"}, "UploadPartCopy"),
        ("PUT", "/b/k", {"x_amz_copy_source": "a/b"}, "CopyObject"),
        ("POST", "/b/k?uploads", {}, "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", {}, "CompleteMultipartUpload"),
        ("POST", "/b?delete", {}, "DeleteObjects"),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload"),
        ("DELETE", "/b/k?versionId=1", {}, "DeleteObject"),
        ("DELETE", "/b", {}, "DeleteBucket"),
    ],
)
def test_s3_is_told_apart_by_query_and_headers(method: str, target: str, headers: dict[str, str], wanted: str) -> None:
    assert operation(request(method, target, service="s3", **headers)) == f"s3.{wanted}"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (request("POST", "/", x_amz_target="DynamoDB_20120810.GetItem"), "dynamodb.GetItem"),
        (request("POST", "/", x_amz_target="Timestream_20181101.WriteRecords", service="timestream"), "timestream-write.WriteRecords"),
        (
            request("POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData", smithy_protocol="rpc-v2-cbor"),
            "cloudwatch.PutMetricData",
        ),
        (request("POST", "/", service="monitoring", content_type=FORM, body=b"Action=ListMetrics"), "cloudwatch.ListMetrics"),
        (request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", service="sts"), "sts.GetCallerIdentity"),
        (
            request("POST", "/", content_type=FORM, body=b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
            "sts.AssumeRoleWithWebIdentity",
        ),
        (request("GET", "/?Action=ConfirmSubscription&TopicArn=a&Token=b"), "sns.ConfirmSubscription"),
        (request("POST", "/000000000000/queue", content_type=FORM, body=b"Action=SendMessage&MessageBody=x"), "sqs.SendMessage"),
        (request("GET", "/000000000000/queue?Action=ReceiveMessage", service="sqs"), "sqs.ReceiveMessage"),
        (request("POST", "/?Action=ListQueues", host="sqs.us-east-1.amazonaws.com"), "sqs.ListQueues"),
        (request("POST", "/?Action=ListQueues", host=f"sqs.us-east-1.{LOCALSTACK}"), "sqs.ListQueues"),
        (request("POST", "/?Action=ListQueues", host=f"us-east-1.queue.{LOCALSTACK}"), "sqs.ListQueues"),
        (request("POST", "/?Action=ListQueues", host="queue.localhost:4566"), "sqs.ListQueues"),
        (
            request(
                "POST", "/", service="elasticloadbalancing", content_type=FORM, body=b"Action=DescribeLoadBalancers&Version=2015-12-01"
            ),
            "elbv2.DescribeLoadBalancers",
        ),
        (
            request(
                "POST", "/", service="elasticloadbalancing", content_type=FORM, body=b"Action=DescribeLoadBalancers&Version=2012-06-01"
            ),
            "elb.DescribeLoadBalancers",
        ),
        (request("POST", "/", service="ses", content_type=FORM, body=b"Action=SendEmail&Version=2010-12-01"), "ses.SendEmail"),
        (request("POST", "/v2/email/outbound-emails", service="ses", content_type="application/json"), "sesv2.SendEmail"),
        (request("GET", "/2015-03-31/functions", service="lambda"), "lambda.ListFunctions"),
        (request("GET", "/2015-03-31/functions/"), "lambda.ListFunctions"),
        (request("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A0%3Afunction%3Af/invocations"), "lambda.Invoke"),
        (request("GET", "/restapis", service="apigateway"), "apigateway.GetRestApis"),
        (request("POST", "/restapis?mode=import", service="apigateway"), "apigateway.ImportRestApi"),
        (request("GET", "/v2/apis", service="apigateway"), "apigatewayv2.GetApis"),
        (request("GET", "/v20180820/tags/arn", service="s3", x_amz_account_id="0"), "s3control.ListTagsForResource"),
        (request("GET", "/", service="s3express"), "s3.ListDirectoryBuckets"),
        (request("GET", "/b/k?AWSAccessKeyId=test&Signature=x&Expires=2000000000"), "s3.GetObject"),
        (
            request(
                "GET",
                "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20200101%2Fus-east-1%2Fs3%2Faws4_request"
                "&X-Amz-Date=20200101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00",
            ),
            "s3.GetObject",
        ),
    ],
)
def test_every_hint_leads_to_its_operation(asked: Request, wanted: str) -> None:
    assert operation(asked) == wanted


def test_an_old_queue_request_names_its_queue_by_the_path() -> None:
    match = route(request("POST", "/000000000000/queue", content_type=FORM, body=b"Action=SendMessage&MessageBody=a%2Bb+c"))
    assert match.form == {"Action": "SendMessage", "MessageBody": "a+b c", "QueueUrl": "http://localhost:4566/000000000000/queue"}


def test_a_form_is_answered_in_json_where_the_client_accepts_that_first() -> None:
    asked = [request("GET", "/?Action=ListQueues", service="sqs", accept=accept) for accept in ("application/json", "*/*")]
    assert [route(one).protocol for one in asked] == ["query-json", "query"]


def test_labels_are_decoded_and_may_be_greedy() -> None:
    asked = request("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A0%3Afunction%3Af/invocations", service="lambda")
    assert route(asked).labels == {"FunctionName": "arn:aws:lambda:us-east-1:0:function:f"}
    asked = request("GET", "/v20180820/mrap/instances/a/b/policy", service="s3", x_amz_account_id="0")
    assert (operation(asked), route(asked).labels) == ("s3control.GetMultiRegionAccessPointPolicy", {"name": "a/b"})


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        (request("POST", "/", x_amz_target="AmazonSQS.Fly"), 400, b'{"__type":"com.amazon.coral.service#UnknownOperationException"}'),
        (
            request("POST", "/", service="sqs", content_type=FORM, body=b"Action=Fly"),
            400,
            (
                b'<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>InvalidAction</Code>'
                b"<Message>The action Fly is not valid for this endpoint.</Message><Detail/></Error>"
                b"<RequestId>id-1</RequestId></ErrorResponse>"
            ),
        ),
        (
            request("GET", "/000000000000/queue?Action=ListQueues", service="sqs"),
            400,
            (
                b'<ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>InvalidAction</Code>'
                b"<Message>The action ListQueues is not valid for this endpoint.</Message><Detail/></Error>"
                b"<RequestId>id-1</RequestId></ErrorResponse>"
            ),
        ),
        (
            request("GET", "/?Action=Fly", service="sqs", accept="application/json, text/plain, */*"),
            400,
            (
                b'{"Error":{"Code":"InvalidAction","Message":"The action Fly is not valid for this endpoint.","Type":"Sender"},'
                b'"RequestId":"id-1"}'
            ),
        ),
        (request("GET", "/000000000000/queue", service="sqs", accept="application/json"), 404, b"<UnknownOperationException/>\n"),
        (request("GET", "/000000000000/queue", service="sqs"), 404, b"<UnknownOperationException/>\n"),
        (
            request("POST", "/", service="iam", content_type=FORM, body=b"Action=Fly&Version=2010-05-08"),
            400,
            (
                b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>InvalidAction</Code>'
                b"<Message>Could not find operation Fly for version 2010-05-08</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
            ),
        ),
        (
            request("POST", "/", service="ec2", content_type=FORM, body=b"Action=Fly&Version=2016-11-15"),
            400,
            (
                b'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>InvalidAction</Code><Message>The action Fly is '
                b"not valid for this web service.</Message></Error></Errors><RequestID>id-1</RequestID></Response>"
            ),
        ),
        (
            request("PATCH", "/bucket", service="s3"),
            405,
            (
                b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>MethodNotAllowed</Code><Message>The specified method is not allowed '
                b"against this resource.</Message><Method>PATCH</Method><ResourceType>BUCKET</ResourceType><RequestId>id-1</RequestId>"
                b"<HostId>" + host_id("id-1").encode() + b"</HostId></Error>"
            ),
        ),
    ],
)
def test_an_unknown_operation_is_refused_as_its_protocol_refuses(asked: Request, status: int, body: bytes) -> None:
    with pytest.raises(RouteFault) as raised:
        route(asked)
    response = refuse_unrouted(asked, raised.value, "id-1")
    assert (response.status, response.body) == (status, body)


def test_an_unreadable_signature_is_refused_in_the_protocol_it_came_in() -> None:
    asked = request("POST", "/", x_amz_target="AmazonSQS.SendMessage", authorization="AWS4-HMAC-SHA256 Nonsense")
    with pytest.raises(Fault) as raised:
        route(asked)
    response = refuse_unrouted(asked, raised.value, "id-1")
    assert ("Content-Type", "application/x-amz-json-1.0") in response.headers
    assert response.status in {400, 403}


def test_the_content_type_says_whether_a_target_s_body_is_json_or_cbor() -> None:
    for content_type, protocol in (("application/x-amz-json-1.1", "json"), ("application/x-amz-cbor-1.1", "cbor-1.1")):
        match = route(request("POST", "/", x_amz_target="Kinesis_20131202.PutRecord", content_type=content_type))
        assert (match.service, match.operation, match.protocol) == ("kinesis", "PutRecord", protocol)
