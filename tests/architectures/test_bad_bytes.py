"""HTTP that is broken, endless, slow or false: refused within the limits, at no cost to the others."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import resource
import shutil
import socket
import sys
import zlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.architectures.raw import Answer, answer, ask, connect, goes_on, http, issued, send, signed
from windtunnel import LocalRegion
from windtunnel.app.boot import make_cloud
from windtunnel.gateway.admin import Admin
from windtunnel.gateway.front import Front
from windtunnel.gateway.http.limits import Limits
from windtunnel.gateway.http.server import Server, serve

GIANT = 10 * 1024**3
TURNS_MAX = 100_000
SMALL = Limits(head_seconds_max=0.2, body_stall_seconds_max=0.2, idle_seconds_max=0.2, linger_seconds=0.1)


@pytest.fixture(autouse=True)
def nothing_changed(region: LocalRegion) -> Iterator[None]:
    region.client("s3").create_bucket(Bucket="box")
    region.client("s3").put_object(Bucket="box", Key="kept", Body=b"kept")
    yield
    assert [(item["Key"], item["Size"]) for item in region.client("s3").list_objects_v2(Bucket="box")["Contents"]] == [("kept", 4)]
    goes_on(region)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


# ---------------------------------------------------------------- bodies that don't come


def test_ten_gigabytes_that_are_only_announced_cost_nothing(region: LocalRegion, tmp_path: Path) -> None:
    before, free = peak_bytes(), shutil.disk_usage(tmp_path).free
    refused = ask(region, http("POST", "/", Content_Length=str(GIANT), X_Amz_Target="AmazonSQS.ListQueues"))
    assert (refused.status, refused.headers["connection"], refused.body) == (413, "close", b"the body is too large\n")
    with connect(region) as upload:
        upload.sendall(http("PUT", "/box/giant", Content_Length=str(GIANT)))
        goes_on(region)
        upload.sendall(b"x" * 70_000)
        goes_on(region)
    region.rest()
    assert peak_bytes() - before < 64 * 1024**2
    assert free - shutil.disk_usage(tmp_path).free < GIANT // 4


def test_an_upload_that_is_cut_off_leaves_nothing(region: LocalRegion) -> None:
    with connect(region) as upload:
        upload.sendall(http("PUT", "/box/half", Content_Length="4000000") + b"x" * 3_000_000)
    region.rest()
    refused = ask(region, http("GET", "/box/half"))
    assert refused.said == (404, "NoSuchKey")


def test_an_upload_to_nowhere_is_refused_before_its_body(region: LocalRegion) -> None:
    gigabyte = str(1024**3)
    waiting = ask(region, http("PUT", "/nowhere/a", Content_Length=gigabyte, Expect="100-continue"))
    assert (waiting.said, waiting.headers["connection"]) == ((404, "NoSuchBucket"), "close")
    eager = ask(region, http("PUT", "/nowhere/a", Content_Length=gigabyte) + b"x" * 100_000)
    assert eager.said == (404, "NoSuchBucket")
    too_long = ask(region, http("PUT", f"/box/{'k' * 1_025}", Content_Length=gigabyte, Expect="100-continue"))
    assert too_long.said == (400, "KeyTooLongError")
    key, _ = issued(region)
    unsigned = signed("s3", "PUT", "/box/a", keys=(key, "x" * 40), X_Amz_Content_SHA256="UNSIGNED-PAYLOAD")
    forged = send(region, "PUT", "/box/a", b"", {**unsigned, "Content-Length": gigabyte, "Expect": "100-continue"})
    assert forged.said == (403, "SignatureDoesNotMatch")


# ---------------------------------------------------------------- clients that take their time


class Slow:
    """A region whose limits are short, in a loop of its own, so that what takes too long ends within the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def play(self, scenario: Any) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._play(scenario))

    async def _play(self, scenario: Any) -> None:
        cloud = make_cloud(self._folder)
        cloud.start()
        server = await serve(Front(cloud, Admin(cloud, version="")), "127.0.0.1", 0, limits=SMALL)
        try:
            await asyncio.wait_for(scenario(server), 10)
        finally:
            await server.close(0)
            await cloud.close()


async def until(true: Callable[[], bool]) -> None:
    """Lets the loop turn until something is so."""
    for _ in range(TURNS_MAX):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("this did not come to be")


async def told(server: Server, *pieces: bytes) -> bytes:
    """All that the server says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
    finally:
        writer.transport.abort()


def test_clients_that_dawdle_are_told_and_dropped_while_others_are_served(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        slow: list[Coroutine[Any, Any, bytes]] = [told(server, b"GET / HT") for _ in range(100)]
        stalled = [told(server, http("POST", "/", b"", Content_Length="9", X_Amz_Target="AmazonSQS.ListQueues")) for _ in range(20)]
        uploads = [told(server, http("PUT", "/a/b", b"xx", Content_Length="9")) for _ in range(20)]
        silent = [told(server) for _ in range(100)]
        pending = [asyncio.ensure_future(each) for each in (*slow, *stalled, *uploads, *silent)]
        await until(lambda: server.connections >= 200)
        served = await told(server, http("GET", "/_windtunnel/health", Connection="close"))
        assert served.startswith(b"HTTP/1.1 200 OK\r\n")
        answers = await asyncio.gather(*pending)
        lines = [data.partition(b"\r\n")[0] for data in answers]
        assert lines[:120] == [b"HTTP/1.1 408 Request Timeout"] * 120
        assert set(lines[120:140]) <= {b"HTTP/1.1 408 Request Timeout", b"HTTP/1.1 404 Not Found"}
        assert lines[140:] == [b""] * 100
        await until(lambda: not server.connections)

    Slow(tmp_path).play(scenario)


def test_hundreds_of_half_open_connections_are_nobodys_trouble(region: LocalRegion) -> None:
    with ExitStack() as stack:
        for number in range(300):
            client = stack.enter_context(connect(region))
            client.sendall((b"", b"GET", http("PUT", "/box/x", Content_Length="1000000"))[number % 3])
            if number % 2:
                client.shutdown(socket.SHUT_WR)
        assert ask(region, http("GET", "/box/kept")).body == b"kept"
    region.rest()


def test_a_client_that_leaves_a_long_poll_takes_no_message_with_it(region: LocalRegion) -> None:
    queues = region.client("sqs")
    url = queues.create_queue(QueueName="q")["QueueUrl"]
    body = f'{{"QueueUrl":"{url}","WaitTimeSeconds":20}}'.encode()
    with connect(region) as client:
        client.sendall(http("POST", "/", body, X_Amz_Target="AmazonSQS.ReceiveMessage", Content_Type="application/x-amz-json-1.0"))
        # Once the region rests, the poll is parked.
        goes_on(region)
        region.rest()
    goes_on(region)
    queues.send_message(QueueUrl=url, MessageBody="m")
    assert [message["Body"] for message in queues.receive_message(QueueUrl=url)["Messages"]] == ["m"]
    queues.delete_queue(QueueUrl=url)


def test_a_client_that_has_said_all_still_gets_its_answer(region: LocalRegion) -> None:
    for request, status in ((http("PUT", "/box/kept", b"kept"), 200), (http("GET", "/box/none"), 404), (http("GET", "/box/kept"), 200)):
        with connect(region) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            assert answer(client).status == status
            assert client.recv(1) == b""


# ---------------------------------------------------------------- heads and framing


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (http("GET", "/box", X_Pad="x" * 70_000), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 300 + b"\r\n", 431),
        (http("GET", "/" + "k" * 40_000), 414),
        (b"\x16\x03\x01garbage that is no handshake at all", 0),
        (b"\x00" * 100 + b"\r\n\r\n", 501),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 400),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"PUT /box/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        (b"PUT /box/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"PUT /box/x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x", 400),
    ],
)
def test_what_is_no_http_is_refused(region: LocalRegion, request_bytes: bytes, status: int) -> None:
    assert ask(region, request_bytes).status == status


def test_an_upload_whose_chunks_break_off_in_garbage_is_incomplete(region: LocalRegion) -> None:
    head = b"PUT /box/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = ask(region, head + b"5\r\nhello\r\nzz\r\n")
    assert (said.said, said.headers["connection"]) == ((400, "IncompleteBody"), "close")


def test_garbage_behind_a_good_request_ends_the_connection_after_the_answer(region: LocalRegion) -> None:
    with connect(region) as client:
        client.sendall(http("GET", "/box/kept") + os.urandom(32).replace(b"\r", b"x") + b"\n\r\n\r\n" + http("DELETE", "/box/kept"))
        data = b""
        while piece := client.recv(65_536):
            data += piece
    statuses = [piece[:3] for piece in data.split(b"HTTP/1.1 ")[1:]]
    assert (statuses[0], len(statuses), statuses[1] in {b"400", b"501"}) == (b"200", 2, True)
    assert data.count(b"kept") == 1


# ---------------------------------------------------------------- bodies that are not what they say


def test_digests_that_are_wrong_refuse_the_body(region: LocalRegion) -> None:
    other = base64.b64encode(hashlib.md5(b"other", usedforsecurity=False).digest()).decode()
    right = base64.b64encode(hashlib.md5(b"hello", usedforsecurity=False).digest()).decode()
    said = ask(region, http("PUT", "/box/x", b"hello", Content_MD5=other))
    assert (said.said, said.member("ExpectedDigest"), said.member("CalculatedDigest")) == (
        (400, "BadDigest"),
        base64.b64decode(other).hex(),
        right,
    )
    assert ask(region, http("PUT", "/box/x", b"hello", Content_MD5="nonsense")).said == (400, "InvalidDigest")
    crc = base64.b64encode(zlib.crc32(b"other").to_bytes(4)).decode()
    said = ask(region, http("PUT", "/box/x", b"hello", X_Amz_Checksum_CRC32=crc))
    assert (said.said, said.message) == ((400, "BadDigest"), "The CRC32 you specified did not match the calculated checksum.")
    assert ask(region, http("PUT", "/box/x", b"hello", X_Amz_Checksum_CRC32="x")).said == (400, "InvalidRequest")
    large = ask(region, http("PUT", "/box/x", b"h" * 400_000, Content_MD5=other))
    assert large.said == (400, "BadDigest")


def framed(*chunks: bytes, trailer: str = "") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer.encode() + b"\r\n"


@pytest.mark.parametrize("size", [5, 300_000])
def test_a_framed_body_is_held_against_its_trailer_and_its_length(region: LocalRegion, size: int) -> None:
    body = b"h" * size
    right = base64.b64encode(zlib.crc32(body).to_bytes(4)).decode()

    def put(data: bytes, length: int | str, **more: str) -> Answer:
        given = {"X_Amz_Content_SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X_Amz_Trailer": "x-amz-checksum-crc32", **more}
        return ask(region, http("PUT", "/box/x", data, Content_Encoding="aws-chunked", X_Amz_Decoded_Content_Length=str(length), **given))

    whole = framed(body, trailer=f"x-amz-checksum-crc32:{right}\r\n")
    assert put(whole.replace(right.encode(), b"AAAAAA=="), size).said == (400, "BadDigest")
    assert put(whole.replace(right.encode(), b"nonsense"), size).said == (400, "InvalidRequest")
    assert put(framed(body), size).said == (400, "MalformedTrailerError")
    for length in (size - 1, size + 1):
        assert put(whole, length).said == (400, "IncompleteBody")
    assert put(whole[:-9], size).code in {"IncompleteBody", "MalformedTrailerError"}
    assert put(b"zz\r\n" + whole, size).said == (400, "IncompleteBody")
    for length in ("many", "9" * 5_000, "-1", ""):
        assert put(whole, length).said == (411, "MissingContentLength")
    assert put(whole, size).status == 200
    assert ask(region, http("DELETE", "/box/x")).status == 204


def signed_chunks(headers: dict[str, str], secret: str, chunks: list[bytes]) -> bytes:
    """A body in signed chunks, as AWS's page on them says: each signature covers the one before."""
    stamp = headers["X-Amz-Date"]
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    previous = headers["Authorization"].rpartition("Signature=")[2]
    body = b""
    for chunk in (*chunks, b""):
        empty, digest = hashlib.sha256().hexdigest(), hashlib.sha256(chunk).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{stamp}\n{stamp[:8]}/us-east-1/s3/aws4_request\n{previous}\n{empty}\n{digest}"
        previous = hmac.digest(key, text.encode(), "sha256").hex()
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + b"\r\n"
    return body


@pytest.mark.parametrize("size", [9_000, 400_000])
def test_each_chunk_is_held_against_its_signature(region: LocalRegion, size: int) -> None:
    keys = issued(region)
    kind = {"X_Amz_Content_SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X_Amz_Decoded_Content_Length": str(size + 5)}
    headers = signed("s3", "PUT", "/box/x", keys=keys, **kind)
    body = signed_chunks(headers, keys[1], [b"h" * size, b"hello"])
    for bent in (body.replace(b"hello", b"jello"), body.replace(b"hh", b"gh", 1)):
        said = send(region, "PUT", "/box/x", bent, headers)
        assert said.said == (403, "SignatureDoesNotMatch")
        assert said.member("StringToSign").startswith("AWS4-HMAC-SHA256-PAYLOAD\n")
    assert send(region, "PUT", "/box/x", body, headers).status == 200
    assert region.client("s3").head_object(Bucket="box", Key="x")["ContentLength"] == size + 5
    assert ask(region, http("DELETE", "/box/x")).status == 204
