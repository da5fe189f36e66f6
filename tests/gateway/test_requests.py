"""How requests are read: heads, bodies, pipelines, and everything malformed."""

import asyncio

import pytest

from tests.gateway.kit import Application, House, Run, get, post
from windtunnel.gateway.http.app import Reply
from windtunnel.gateway.http.limits import Limits
from windtunnel.wire.message import Request, Response


def test_a_request_arrives_as_it_was_sent(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        status, headers, body = await client.ask(
            post(b"hello", "X-One: 1", "x-ONE: 2", "Cookie: a=1", "Cookie: b=2", "Empty:", path="/a%20b/c?x=1&y=%2F?")
        )
        assert (status, headers, body) == (200, {"server": "windtunnel", "content-length": "5"}, b"hello")

    run(app, scenario)
    (request,) = app.requests
    assert (request.method, request.path, request.query, request.body) == ("POST", "/a%20b/c", "x=1&y=%2F?", b"hello")
    assert request.headers == {"host": "localhost", "content-length": "5", "x-one": "1,2", "cookie": "a=1; b=2", "empty": ""}
    assert (request.scheme, request.source_ip, request.stream) == ("http", "127.0.0.1", None)


def test_white_space_around_a_value_is_not_part_of_it(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.ask(get("/", "X-Padded: \t  a  b \t "))

    run(app, scenario)
    assert app.requests[0].headers["x-padded"] == "a  b"


def test_a_connection_serves_many_requests_however_they_are_cut(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        stream = (
            post(b"one")
            + get("/two")
            + post(b"three", "Transfer-Encoding: chunked")
            .replace(b"Content-Length: 5\r\n", b"")
            .replace(b"\r\n\r\nthree", b"\r\n\r\n5\r\nthree\r\n0\r\n\r\n")
        )
        for size in (1, 2, 3, 7, 50, len(stream)):
            for start in range(0, len(stream), size):
                await client.send(stream[start : start + size])
                await asyncio.sleep(0)
            answers = [(await client.response())[2] for _ in range(3)]
            assert answers == [b"one", b"", b"three"]

    run(app, scenario)


def test_an_absolute_target_names_the_host(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.ask(get("http://bucket.s3.amazonaws.com/key?a=1"))
        await client.ask(get("http://example.com"))

    run(app, scenario)
    assert [(r.host, r.path, r.query) for r in app.requests] == [("bucket.s3.amazonaws.com", "/key", "a=1"), ("example.com", "/", "")]


def test_pipelined_replies_come_in_order_whatever_order_they_are_given_in(run: Run) -> None:
    waiting: asyncio.Queue[tuple[Request, Reply]] = asyncio.Queue()
    app = Application(lambda request, reply: waiting.put_nowait((request, reply)))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(b"".join(get(f"/{number}") for number in range(5)))
        asked = [await waiting.get() for _ in range(5)]
        for request, reply in reversed(asked):
            reply(Response(200, [], request.path.encode()))
        assert [(await client.response())[2] for _ in range(5)] == [b"/0", b"/1", b"/2", b"/3", b"/4"]

    run(app, scenario)


def test_no_more_requests_are_taken_than_the_pipeline_is_deep(run: Run) -> None:
    waiting: asyncio.Queue[tuple[Request, Reply]] = asyncio.Queue()
    app = Application(lambda request, reply: waiting.put_nowait((request, reply)))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(b"".join(get(f"/{number}") for number in range(20)))
        other = await house.client()
        await other.send(get("/other"))
        asked = [await waiting.get() for _ in range(5)]
        assert [request.path for request, _ in asked] == ["/0", "/1", "/2", "/3", "/other"]
        del asked[4]
        for number in range(20):
            request, reply = asked.pop(0) if asked else await waiting.get()
            reply(Response(200, [], request.path.encode()))
            assert (await client.response())[2] == f"/{number}".encode()

    run(app, scenario, limits=Limits(pipeline_requests_max=4))


def test_chunked_bodies_lose_their_framing_and_bring_their_trailers(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        body = b"5;ext=1\r\nhello\r\n00A\r\n, world of\r\n1\r\n!\r\n0\r\nX-Sum: abc \r\nContent-Length: 9\r\n\r\n"
        _, _, answer = await client.ask(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n" + body)
        assert answer == b"hello, world of!"

    run(app, scenario)
    assert app.requests[0].headers == {"host": "a", "transfer-encoding": "Chunked", "x-sum": "abc"}


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MALFORMED = {
    "no version": (b"GET /\r\n\r\n", 505),
    "an unknown version": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "an impossible version": (b"GET / HTTP/1.7\r\nHost: a\r\n\r\n", 400),
    "an unknown method": (b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "a tunnel": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "a target that is none": (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a control character in the target": (b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 400),
    "a header without a name": (b"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    "a NUL in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "a bare CR in a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "a bare line feed among the headers": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "two different lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a list of lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", 400),
    "a negative length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    "a signed length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
    "an empty length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    "a length too long": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    "length and chunks": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks and length": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
    "two codings": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked not last": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "an unknown coding": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "a vertical tab before the coding": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "an unknown expectation": (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 1\r\n\r\na", 417),
    "a chunk size that is none": (CHUNKED + b"xyz\r\n", 400),
    "a chunk size in hexadecimal notation": (CHUNKED + b"0x1\r\na\r\n", 400),
    "a negative chunk size": (CHUNKED + b"-1\r\n", 400),
    "a chunk size too long": (CHUNKED + b"fffffffffffffffff\r\n", 400),
    "a chunk size ended by a bare line feed": (CHUNKED + b"1\na\r\n0\r\n\r\n", 400),
    "a chunk longer than its size": (CHUNKED + b"1\r\nab\r\n0\r\n\r\n", 400),
    "a chunk extension without end": (CHUNKED + b"1;" + b"x" * 2000, 400),
    "a folded trailer": (CHUNKED + b"0\r\na: b\r\n c\r\n\r\n", 400),
    "trailers too large": (CHUNKED + b"0\r\na: " + b"b" * 20_000, 431),
    "a target too long": (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a header too large": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "a head too large": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: %b\r\n" % (b"a" * 30_000) * 3 + b"\r\n", 431),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000, 431),
    "too many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 300 + b"\r\n", 431),
    "a WebSocket without a key": (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
        400,
    ),
    "TLS where there is none": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 501),
}


@pytest.mark.parametrize("case", sorted(MALFORMED))
def test_malformed_requests_are_refused_and_the_connection_is_closed(run: Run, case: str) -> None:
    data, status = MALFORMED[case]
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        # What follows must never be taken for a request of its own.
        await client.send(data, get("/smuggled"))
        answer = await client.rest()
        assert int(answer.split(b" ", 2)[1]) == status
        assert answer.count(b"\r\n\r\n") == 1
        assert b"\r\nConnection: close\r\n" in answer
        well = await house.client()
        assert (await well.ask(get("/well")))[0] == 200

    run(app, scenario)
    assert [request.path for request in app.requests] == ["/well"]


def test_a_malformed_request_is_refused_after_the_replies_that_go_before(run: Run) -> None:
    waiting: asyncio.Queue[Reply] = asyncio.Queue()
    app = Application(lambda request, reply: waiting.put_nowait(reply))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(get("/first") + b"nonsense\r\n\r\n")
        (await waiting.get())(Response(200, [], b"first"))
        assert (await client.response())[2] == b"first"
        assert (await client.response())[0] == 501
        assert await client.rest() == b""

    run(app, scenario)


def test_a_body_announced_too_large_is_refused_before_it_is_read(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        status, headers, _ = await client.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n")
        assert (status, headers["connection"]) == (413, "close")

    run(app, scenario)
    assert app.requests == []


def test_a_chunked_body_is_refused_when_it_has_become_too_large(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(CHUNKED, b"64\r\n" + b"a" * 100 + b"\r\n", b"1\r\na\r\n")
        assert (await client.response())[0] == 413

    run(app, scenario, limits=Limits(body_bytes_max=100))
    assert app.requests == []


def test_a_client_that_expects_100_continue_is_told_so_and_in_its_turn(run: Run) -> None:
    waiting: asyncio.Queue[Reply] = asyncio.Queue()

    def handle(request: Request, reply: Reply) -> None:
        if request.method == "GET":
            waiting.put_nowait(reply)
        else:
            reply(Response(200, [], request.body))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(get("/first") + post(b"", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 5"))
        (await waiting.get())(Response(200, [], b"first"))
        assert (await client.response())[2] == b"first"
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.ask(b"hello"))[2] == b"hello"

    run(Application(handle), scenario)


def test_a_client_that_sends_without_waiting_is_not_told_to_continue(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        assert (await client.ask(post(b"hello", "Expect: 100-continue")))[2] == b"hello"

    run(Application(), scenario)


def test_http_1_0_closes_unless_asked_to_stay(run: Run) -> None:
    async def scenario(house: House) -> None:
        staying = await house.client()
        for _ in range(2):
            _, headers, _ = await staying.ask(get("/", "Connection: keep-alive", version="1.0"))
            assert headers["connection"] == "keep-alive"
        leaving = await house.client()
        _, headers, _ = await leaving.ask(get("/", version="1.0"))
        assert headers["connection"] == "close"
        assert await leaving.rest() == b""

    run(Application(), scenario)


def test_a_connection_is_closed_after_the_request_that_asks_so(run: Run) -> None:
    app = Application()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(post(b"hello", "Connection: close") + get("/ignored"))
        status, headers, body = await client.response()
        assert (status, headers["connection"], body) == (200, "close", b"hello")
        assert await client.rest() == b""

    run(app, scenario)
    assert len(app.requests) == 1


def test_other_upgrades_are_ignored(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
        for _ in range(2):
            assert (await client.ask(post(b"hello", *upgrade)))[2] == b"hello"

    run(Application(), scenario)
