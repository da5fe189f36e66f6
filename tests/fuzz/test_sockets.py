"""Whatever is written to its port, the region goes on to answer others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import windtunnel
from tests.fuzz.bends import BYTES, bent
from tests.fuzz.test_formats import CHUNKED, HEAD
from windtunnel import LocalRegion

CALL = (
    b"POST / HTTP/1.1\r\nHost: sqs.us-east-1.amazonaws.com\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}"
)
UPGRADE = (
    b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + CALL
CHUNKS = b"PUT /b/k HTTP/1.1\r\nHost: s3.localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED
ANSWER_SECONDS_MAX = 60


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegion]:
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    with windtunnel.region(folder, clock="still") as one:
        yield one


def send(region: LocalRegion, data: bytes) -> bytes:
    """What is answered to bytes on a connection of their own, whose client then says no more."""
    with socket.create_connection(("127.0.0.1", region.port), ANSWER_SECONDS_MAX) as client, suppress(ConnectionError):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(65_536):
            answer += piece
        return answer
    return b""


@given(data=st.lists(BYTES | st.sampled_from([CALL, HEAD, UPGRADE, CHUNKS, HELLO]).flatmap(bent), min_size=1, max_size=3).map(b"".join))
def test_bytes_of_any_kind_leave_the_region_well(region: LocalRegion, data: bytes) -> None:
    answer = send(region, data)
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert send(region, CALL.replace(b"Content-Length", b"Connection: close\r\nContent-Length")).startswith(b"HTTP/1.1 200 ")
