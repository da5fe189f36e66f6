"""Requests byte by byte: signed by botocore where they are to be signed, and then bent; and what a region goes on to answer."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import fromstring

import msgspec
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from windtunnel import LocalRegion

TEST = ("test", "test")
ANSWER_SECONDS_MAX = 60
SQS = "AmazonSQS"


class Answer(msgspec.Struct):
    """One response; status 0 where the connection ended without any."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> tuple[int, str]:
        """Status and code of an error, in whatever protocol it came."""
        return self.status, self.code

    @property
    def code(self) -> str:
        if self.body.startswith(b"{"):
            return msgspec.json.decode(self.body).get("__type", self.headers.get("x-amzn-errortype", "")).rpartition("#")[2]
        return self.member("Code")

    @property
    def message(self) -> str:
        if self.body.startswith(b"{"):
            told = msgspec.json.decode(self.body)
            return told.get("message", told.get("Message", ""))
        return self.member("Message")

    def member(self, name: str) -> str:
        """A member of an error in XML."""
        if not self.body.startswith(b"<"):
            return self.body.decode("latin-1")
        found = next((node for node in fromstring(self.body.decode()).iter() if node.tag.rpartition("}")[2] == name), None)
        return "" if found is None else found.text or ""


def connect(region: LocalRegion) -> socket.socket:
    return socket.create_connection(("127.0.0.1", region.port), ANSWER_SECONDS_MAX)


def ask(region: LocalRegion, data: bytes) -> Answer:
    """Sends bytes on a connection of their own, and reads one response."""
    with connect(region) as client:
        with suppress(ConnectionError):
            client.sendall(data)
        return answer(client)


def answer(client: socket.socket) -> Answer:
    """Reads one response off a connection."""
    data = b""
    with suppress(ConnectionError):
        while b"\r\n\r\n" not in data:
            piece = client.recv(65_536)
            if not piece:
                return Answer(0, {}, data)
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        while len(body) < length and (piece := client.recv(65_536)):
            body += piece
        return Answer(int(lines[0].split(" ")[1]), headers, body)
    return Answer(0, {}, data)


def http(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as bytes. Headers are named with "_" for "-"; `Content_Length` may be told otherwise."""
    given = {"Host": "localhost", "Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return (
        f"{method} {path} HTTP/1.1\r\n".encode()
        + b"".join(f"{name}: {value}\r\n".encode() for name, value in given.items())
        + b"\r\n"
        + body
    )


def signed(
    service: str, method: str, path: str, body: bytes = b"", *, keys: tuple[str, ...] = TEST, place: str = "us-east-1", **headers: str
) -> dict[str, str]:
    """The headers of a request that these keys sign, to be bent and sent."""
    given = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if service == "s3":
        given.setdefault(
            "X-Amz-Content-SHA256", SigV4Auth(Credentials(*TEST), "s3", place).payload(AWSRequest(method, "http://localhost", data=body))
        )
    request = AWSRequest(method, f"http://localhost{path}", given, body)
    _Signer(Credentials(*keys), service, place).add_auth(request)
    return dict(request.headers.items())


class _Signer(SigV4Auth):
    """Signs a path as it stands, as S3 wants it, and no header twice."""

    def _normalize_url_path(self, path: str) -> str:
        return path


def send(region: LocalRegion, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    lines = {"Content-Length": str(len(body)), **headers}
    return ask(
        region, f"{method} {path} HTTP/1.1\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in lines.items()).encode() + b"\r\n" + body
    )


def presigned(region: LocalRegion, path: str, seconds: int, *, keys: tuple[str, ...] = TEST) -> str:
    """Path and query of a URL that gets an object."""
    request: Any = AWSRequest("GET", f"{region.endpoint}{path}", {"Host": "localhost"})
    S3SigV4QueryAuth(Credentials(*keys), "s3", "us-east-1", seconds).add_auth(request)
    parts = urlsplit(str(request.url))
    return f"{parts.path}?{parts.query}"


def sqs(region: LocalRegion, operation: str, body: bytes) -> Answer:
    """A call in JSON that nobody signed."""
    return ask(region, http("POST", "/", body, X_Amz_Target=f"{SQS}.{operation}", Content_Type="application/x-amz-json-1.0"))


def refusal(function: Any, **given: Any) -> tuple[int, str, str]:
    """Status, code and message of the error that boto3 raises."""
    try:
        function(**given)
    except ClientError as error:
        said: Any = error.response
        return said["ResponseMetadata"]["HTTPStatusCode"], said["Error"]["Code"], said["Error"].get("Message", "")
    raise AssertionError("this was not refused")


def issued(region: LocalRegion, name: str = "ada") -> tuple[str, str]:
    """A user's access key, which the region issued and therefore checks."""
    iam = region.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def goes_on(region: LocalRegion) -> None:
    """The region answers, on a new connection, a read and a write."""
    topics = region.client("sns")
    topics.delete_topic(TopicArn=topics.create_topic(Name="goes-on")["TopicArn"])
    assert ask(region, http("GET", "/_windtunnel/health")).status == 200
