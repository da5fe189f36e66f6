"""How replies are written: heads, bodies of every kind, slow readers and clients that go away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.kit import Application, House, Run, get, post
from windtunnel.gateway.http.app import Reply
from windtunnel.gateway.http.limits import FILE_INLINE_BYTES_MAX, Limits
from windtunnel.wire.message import FileSlice, Request, Response

LARGE_BYTES = 8_000_000


def answering(response: Response) -> Application:
    return Application(lambda request, reply: reply(response))


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


class Endless:
    """A body without end, that tells how much was taken of it and when it was let go."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = asyncio.Event()

    async def body(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65_536
                self.taken += 65_536
        finally:
            self.closed.set()


def test_a_reply_has_the_headers_given_and_those_of_the_gateway(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(get())
        head = await client.until(b"\r\n\r\n")
        assert head == (
            b"HTTP/1.1 404 Not Found\r\nX-A: 1\r\nX-A: \xe9\r\nDate: Fri, 13 Feb 2009 23:31:30 GMT\r\n"
            b"Server: windtunnel\r\nContent-Length: 4\r\n\r\n"
        )
        assert await client.exactly(4) == b"gone"

    run(answering(Response(404, [("X-A", "1"), ("X-A", "é")], b"gone")), scenario, now=lambda: 1_234_567_890.5)


def test_an_application_s_own_date_and_server_are_kept_and_its_framing_is_not(run: Run) -> None:
    given = [("Date", "never"), ("server", "AmazonS3"), ("Transfer-Encoding", "chunked"), ("Content-Length", "99"), ("Keep-Alive", "x")]

    async def scenario(house: House) -> None:
        client = await house.client()
        assert await client.ask(get()) == (200, {"date": "never", "server": "AmazonS3", "content-length": "2"}, b"ok")

    run(answering(Response(200, given, b"ok")), scenario, now=lambda: 0.0)


def test_a_header_can_t_smuggle_others_in(run: Run) -> None:
    given = [("X-Good", "1"), ("X-Bad", "a\r\nSet-Cookie: b\r\n\r\n<html>"), ("X-Worse", "a\nb"), ("X-Nul", "a\0b"), ("X-Last", "2")]

    async def scenario(house: House) -> None:
        client = await house.client()
        assert await client.ask(get()) == (200, {"x-good": "1", "x-last": "2", "server": "windtunnel", "content-length": "2"}, b"ok")

    run(answering(Response(200, given, b"ok")), scenario)


@pytest.mark.parametrize(
    ("method", "response", "expected"),
    [
        ("HEAD", Response(200, [], b"12345"), {"content-length": "5"}),
        ("HEAD", Response(200, [("Content-Length", "77")]), {"content-length": "77"}),
        ("HEAD", Response(200, [], FileSlice(Path("absent"), 0, 123)), {"content-length": "123"}),
        ("HEAD", Response(200, [], pieces(b"a")), {}),
        ("GET", Response(204, [], b"ignored"), {}),
        ("GET", Response(304, [("ETag", '"a"')], b"ignored"), {"etag": '"a"'}),
    ],
)
def test_replies_that_have_no_body(run: Run, method: str, response: Response, expected: dict[str, str]) -> None:
    if isinstance(response.body, FileSlice):
        response = Response(response.status, response.headers, FileSlice(response.body.path, 0, 100_000 + response.body.length))
        expected = {"content-length": "100123"}

    async def scenario(house: House) -> None:
        client = await house.client()
        for _ in range(2):
            await client.send(get().replace(b"GET", method.encode()))
            status, headers, body = await client.response(head_only=True)
            assert (status, headers, body) == (response.status, {"server": "windtunnel", **expected}, b"")

    run(answering(response), scenario)


def test_an_iterator_is_sent_in_chunks(run: Run) -> None:
    app = Application(lambda request, reply: reply(Response(200, [], pieces(b"one", b"", b"two" * 10_000))))

    async def scenario(house: House) -> None:
        client = await house.client()
        for _ in range(2):
            status, headers, body = await client.ask(get())
            assert (status, headers["transfer-encoding"], body) == (200, "chunked", b"one" + b"two" * 10_000)

    run(app, scenario)


def test_an_iterator_of_known_length_is_sent_as_it_is(run: Run) -> None:
    app = Application(lambda request, reply: reply(Response(200, [("Content-Length", "6")], pieces(b"one", b"two"))))

    async def scenario(house: House) -> None:
        client = await house.client()
        for _ in range(2):
            assert await client.ask(get()) == (200, {"server": "windtunnel", "content-length": "6"}, b"onetwo")

    run(app, scenario)


def test_an_iterator_for_http_1_0_ends_with_the_connection(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        _, headers, body = await client.ask(get("/", "Connection: keep-alive", version="1.0"))
        assert (headers, body) == ({"server": "windtunnel", "connection": "close"}, b"onetwo")

    run(answering(Response(200, [], pieces(b"one", b"two"))), scenario)


@pytest.mark.parametrize("length", [None, "2", "10"], ids=["chunked", "too long", "too short"])
def test_a_body_that_breaks_off_cuts_the_connection(run: Run, length: str | None) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        if length is None:
            raise ConnectionError("the disk is gone")

    async def scenario(house: House) -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context["exception"]))
        client = await house.client()
        await client.send(get())
        try:
            answer = await client.rest()
        except ConnectionResetError:
            answer = b""
        assert not answer.endswith(b"0\r\n\r\n")
        assert [type(failure) for failure in failures] == ([] if length is None else [ValueError])

    headers = [] if length is None else [("Content-Length", length)]
    run(answering(Response(200, headers, broken())), scenario)


@pytest.mark.parametrize("length", [0, 1, FILE_INLINE_BYTES_MAX, FILE_INLINE_BYTES_MAX + 1, LARGE_BYTES])
def test_a_slice_of_a_file_is_sent_whole_and_in_order(run: Run, tmp_path: Path, length: int) -> None:
    content = bytes(range(251)) * (LARGE_BYTES // 251 + 2)
    file = tmp_path / "object"
    file.write_bytes(content)

    def handle(request: Request, reply: Reply) -> None:
        reply(Response(200, [], FileSlice(file, 7, length) if request.path == "/file" else b"after"))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(get("/before") + get("/file") + get("/after"))
        assert (await client.response())[2] == b"after"
        assert (await client.response())[2] == content[7 : 7 + length]
        assert (await client.response())[2] == b"after"

    run(Application(handle), scenario)


def test_a_file_shorter_than_promised_cuts_the_connection(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "object"
    file.write_bytes(b"x" * 100_000)

    async def scenario(house: House) -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context["exception"]))
        client = await house.client()
        await client.send(get())
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.response()
        assert [type(failure) for failure in failures] == [EOFError]

    run(answering(Response(200, [], FileSlice(file, 0, 200_000))), scenario)


def test_a_slow_reader_slows_the_body_down_and_hurts_nobody(run: Run) -> None:
    endless = Endless()

    def handle(request: Request, reply: Reply) -> None:
        reply(Response(200, [], endless.body() if request.path == "/endless" else b"well"))

    async def scenario(house: House) -> None:
        slow = await house.client(receive_buffer_bytes=4_096)
        await slow.send(get("/endless"))
        await slow.until(b"\r\n\r\n")
        well = await house.client()
        taken = -1
        while taken != endless.taken:
            taken = endless.taken
            for _ in range(50):
                assert (await well.ask(get("/well")))[2] == b"well"
        assert taken < 50_000_000
        slow.reset()
        await endless.closed.wait()

    run(Application(handle), scenario)


def test_a_reader_that_has_stopped_is_cut_off(run: Run) -> None:
    endless = Endless()

    async def scenario(house: House) -> None:
        client = await house.client(receive_buffer_bytes=4_096)
        await client.send(get())
        await endless.closed.wait()
        assert endless.taken < 50_000_000

    run(answering(Response(200, [], endless.body())), scenario, limits=Limits(write_stall_seconds_max=0.05, linger_seconds=0.05))


def test_a_client_that_closes_during_an_endless_answer_ends_it(run: Run) -> None:
    endless = Endless()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(get())
        await client.until(b"\r\n\r\n")
        client.writer.close()
        await endless.closed.wait()
        assert house.server.connections == 0

    run(answering(Response(200, [], endless.body())), scenario)


def test_a_long_poll_hears_that_its_client_has_gone(run: Run) -> None:
    gone = asyncio.Event()
    polls: asyncio.Queue[Reply] = asyncio.Queue()

    def handle(request: Request, reply: Reply) -> None:
        reply.on_close(gone.set)
        polls.put_nowait(reply)

    async def scenario(house: House) -> None:
        for leave in (lambda client: client.writer.close(), lambda client: client.reset()):
            client = await house.client()
            await client.send(get())
            reply = await polls.get()
            assert not reply.closed
            leave(client)
            await gone.wait()
            assert reply.closed
            reply(Response(200, []))
            gone.clear()

    run(Application(handle), scenario)


def test_an_answered_poll_hears_nothing(run: Run) -> None:
    heard: list[bool] = []

    def handle(request: Request, reply: Reply) -> None:
        reply.on_close(lambda: heard.append(True))
        reply(Response(200, []))

    async def scenario(house: House) -> None:
        client = await house.client()
        assert (await client.ask(get()))[0] == 200

    run(Application(handle), scenario)
    assert heard == []


def test_a_client_that_half_closes_still_gets_its_answers(run: Run) -> None:
    waiting: asyncio.Queue[Reply] = asyncio.Queue()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(get("/1") + get("/2"))
        client.writer.write_eof()
        replies = [await waiting.get(), await waiting.get()]
        for reply in reversed(replies):
            reply(Response(200, [], b"late"))
        assert (await client.rest()).count(b"late") == 2

    run(Application(lambda request, reply: waiting.put_nowait(reply)), scenario)


def test_replies_given_in_one_read_leave_in_one_write(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(b"".join(post(b"%d" % number) for number in range(10)))
        assert [(await client.response())[2] for _ in range(10)] == [b"%d" % number for number in range(10)]

    run(Application(), scenario)


def test_a_large_body_in_memory_arrives_whole(run: Run) -> None:
    body = bytes(range(256)) * 40_000

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(get() + get())
        assert (await client.response())[2] == body
        assert (await client.response())[2] == body

    run(answering(Response(200, [], body)), scenario)
