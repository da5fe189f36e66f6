"""The benchmarks measure what they say: their requests are signed as AWS's own signer signs, and their targets judge rightly."""

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.load import share
from bench.report import Figure, Report, Target, combine, percentile, targets
from bench.sign import REGION, Signer

SIGNER = Signer("127.0.0.1:4566", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def parsed(raw: bytes) -> tuple[str, str, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    return method, target, dict(line.split(": ", 1) for line in lines), body


def signature_by_botocore(raw: bytes, service: str) -> str:
    method, target, headers, body = parsed(raw)
    given = {name: value for name, value in headers.items() if name not in {"authorization", "content-length"}}
    request = AWSRequest(method, f"http://{headers['host']}{target}", given, body)
    request.context.update(timestamp=headers["x-amz-date"], payload_signing_enabled=True)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    auth = kind(Credentials(SIGNER.access_key, SIGNER.secret_key), service, REGION)
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


def signature_in(raw: bytes) -> str:
    return parsed(raw)[2]["authorization"].rpartition("Signature=")[2]


def test_requests_are_signed_as_botocore_signs_them() -> None:
    requests = [
        ("sqs", SIGNER.sqs("SendMessage", b'{"QueueUrl": "q", "MessageBody": "b"}')),
        ("sns", SIGNER.sns({"Action": "Publish", "TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "a b+c"})),
        ("s3", SIGNER.s3("GET", "/list", **{"list-type": "2", "max-keys": "1000", "prefix": "a/b c"})),
        ("s3", SIGNER.s3("PUT", "/bucket/a key", b"body")),
        ("lambda", SIGNER.invoke("echo", b"{}")),
    ]
    assert [signature_in(raw) for _, raw in requests] == [signature_by_botocore(raw, service) for service, raw in requests]


def test_connections_share_the_requests_out() -> None:
    requests = [b"%d" % i for i in range(5)]
    assert [share(requests, i, 2) for i in range(2)] == [[b"0", b"2", b"4"], [b"1", b"3"]]
    assert share(requests, 0, 8) == requests


def test_the_median_round_counts() -> None:
    samples = [Figure(rate=rate, note="n") for rate in (1.0, 9.0, 5.0)]
    assert combine(samples) == Figure(rate=5.0, rounds=3, note="n")
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0


def test_a_target_is_open_until_it_is_measured() -> None:
    figures = {"send": {"windtunnel": Figure(rate=10_000, cpu_us=61), "ministack": Figure(rate=900), "moto": Figure(why="absent")}}
    report = Report(titles={"send": "SendMessage"}, figures=figures)
    assert [(target.verdict, target.measured) for target in targets(report)] == [("ok", 10_000 / 900), ("miss", 61)]
    assert Target("list", "", None, 10, at_least=True, unit=" x").verdict == "open"
