"""Bodies that are read while they arrive: back pressure, early answers and clients that break off."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.gateway.kit import Application, House, Run, get
from windtunnel.gateway.http.app import Reply
from windtunnel.gateway.http.body import RequestStream
from windtunnel.gateway.http.limits import READ_AHEAD_BYTES, Limits
from windtunnel.wire.message import Request, Response

LARGE_BYTES = 20_000_000


class Uploads:
    """An application that takes uploads as streams, each read by `reading` in a task."""

    def __init__(self, reading: Callable[[Request, Reply], Awaitable[None]]) -> None:
        self._reading = reading
        self.tasks: list[asyncio.Task[None]] = []
        self.app = Application(self._handle, wants=lambda request: request.method == "PUT")

    def _handle(self, request: Request, reply: Reply) -> None:
        if request.stream is None:
            reply(Response(200, [], b"plain"))
            return

        async def read() -> None:
            await self._reading(request, reply)

        self.tasks.append(asyncio.get_running_loop().create_task(read()))


async def count(request: Request, reply: Reply) -> None:
    assert request.stream is not None
    total = 0
    async for piece in request.stream:
        assert piece
        total += len(piece)
    reply(Response(200, [], b"%d" % total))


def put(length: int, *headers: str) -> bytes:
    return "\r\n".join(["PUT / HTTP/1.1", "Host: a", f"Content-Length: {length}", *headers, "", ""]).encode()


@pytest.mark.parametrize("length", [1, 1_000, READ_AHEAD_BYTES, LARGE_BYTES])
def test_a_streamed_body_arrives_whole_and_the_connection_goes_on(run: Run, length: int) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        for _ in range(2):
            await client.send(put(length) + b"x" * length + get())
            assert (await client.response())[2] == b"%d" % length
            assert (await client.response())[2] == b"plain"

    run(Uploads(count).app, scenario)


def test_a_streamed_body_keeps_its_bytes_in_order(run: Run) -> None:
    content = bytes(range(253)) * 20_000
    received = bytearray()

    async def collect(request: Request, reply: Reply) -> None:
        assert request.stream is not None
        assert request.stream.length == len(content)
        async for piece in request.stream:
            received.extend(piece)
        reply(Response(200, []))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(put(len(content)) + content)
        await client.response()

    run(Uploads(collect).app, scenario)
    assert received == content


def test_a_streamed_chunked_body_brings_its_trailers(run: Run) -> None:
    trailers: list[dict[str, str]] = []

    async def collect(request: Request, reply: Reply) -> None:
        await count(request, reply)
        assert request.stream is not None
        assert request.stream.length is None
        assert isinstance(request.stream, RequestStream)
        trailers.append(request.stream.trailers)

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            await client.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        await client.send(b"0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n" + get())
        assert (await client.response())[2] == b"1000000"
        assert (await client.response())[2] == b"plain"

    run(Uploads(collect).app, scenario)
    assert trailers == [{"x-sum": "1,2"}]


def test_nothing_is_read_ahead_of_an_application_that_does_not_read(run: Run) -> None:
    may_read = asyncio.Event()

    async def later(request: Request, reply: Reply) -> None:
        await may_read.wait()
        await count(request, reply)

    async def scenario(house: House) -> None:
        client = await house.client()
        sent = 0
        client.writer.write(put(200_000_000))
        while await client.takes(b"x" * 1_000_000):
            sent += 1_000_000
        sent += 1_000_000
        assert sent < 100_000_000
        may_read.set()
        while sent < 200_000_000:
            await client.send(b"x" * 1_000_000)
            sent += 1_000_000
        assert (await client.response())[2] == b"200000000"

    run(Uploads(later).app, scenario)


def test_100_continue_is_sent_when_the_stream_is_read(run: Run) -> None:
    may_read = asyncio.Event()

    async def later(request: Request, reply: Reply) -> None:
        await may_read.wait()
        await count(request, reply)

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(put(5, "Expect: 100-continue"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.exactly(1), 0.05)
        may_read.set()
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.ask(b"hello"))[2] == b"5"

    run(Uploads(later).app, scenario)


async def deny(request: Request, reply: Reply) -> None:
    reply(Response(403, [], b"no"))


def test_an_answer_instead_of_100_continue_ends_the_connection(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        status, headers, _ = await client.ask(put(5, "Expect: 100-continue"))
        assert (status, headers["connection"]) == (403, "close")
        assert await client.rest() == b""

    run(Uploads(deny).app, scenario)


def test_a_short_body_that_was_not_read_is_thrown_away(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        assert (await client.ask(put(100_000)))[0] == 403
        await client.send(b"x" * 100_000 + get())
        assert (await client.response())[2] == b"plain"

    run(Uploads(deny).app, scenario)


def test_a_client_that_sends_a_long_body_reads_why_it_was_refused(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(put(LARGE_BYTES), *[b"x" * 1_000_000] * (LARGE_BYTES // 1_000_000))
        status, headers, body = await client.response()
        assert (status, headers["connection"], body) == (403, "close", b"no")
        assert await client.rest() == b""

    run(Uploads(deny).app, scenario)


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_a_client_that_breaks_off_ends_the_stream(run: Run, leave: str) -> None:
    failed: asyncio.Queue[str] = asyncio.Queue()

    async def watch(request: Request, reply: Reply) -> None:
        try:
            await count(request, reply)
        except ConnectionResetError as error:
            failed.put_nowait(str(error))
            reply(Response(400, []))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(put(100) + b"x" * 50)
        if leave == "close":
            client.writer.close()
        else:
            client.reset()
        assert await failed.get() == "the client closed the connection"

    run(Uploads(watch).app, scenario)


def test_a_malformed_chunk_ends_the_stream_and_the_application_s_answer_the_connection(run: Run) -> None:
    async def watch(request: Request, reply: Reply) -> None:
        with pytest.raises(ConnectionResetError):
            await count(request, reply)
        reply(Response(400, [], b"as said"))

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nnonsense\r\n")
        status, headers, body = await client.response()
        assert (status, headers["connection"], body) == (400, "close", b"as said")
        assert await client.rest() == b""

    run(Uploads(watch).app, scenario)


def test_an_upload_can_be_answered_with_itself_while_it_arrives(run: Run) -> None:
    def handle(request: Request, reply: Reply) -> None:
        assert request.stream is not None
        reply(Response(200, [], aiter(request.stream)))

    async def scenario(house: House) -> None:
        client = await house.client()
        for _ in range(2):
            await client.send(put(6) + b"one")
            assert (await client.until(b"one\r\n")).endswith(b"3\r\none\r\n")
            await client.send(b"two")
            assert await client.until(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"

    run(Application(handle, wants=lambda request: True), scenario)


def test_a_body_that_stops_arriving_times_out(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert (await client.response())[0] == 408
        assert await client.rest() == b""

    run(Application(), scenario, limits=Limits(body_stall_seconds_max=0.05))
