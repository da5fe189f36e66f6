"""How connections end: idle, slow, too many, or because the server stops."""

import asyncio

import pytest

from tests.gateway.kit import Application, House, Run, get
from windtunnel.gateway.http.app import Reply
from windtunnel.gateway.http.limits import Limits
from windtunnel.gateway.http.server import serve
from windtunnel.wire.message import Request, Response


def test_an_idle_connection_is_closed(run: Run) -> None:
    async def scenario(house: House) -> None:
        fresh = await house.client()
        used = await house.client()
        assert (await used.ask(get()))[0] == 200
        assert await used.rest() == b""
        assert await fresh.rest() == b""

    run(Application(), scenario, limits=Limits(idle_seconds_max=0.05))


def test_a_head_that_does_not_end_times_out(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert (await client.response())[0] == 408
        assert await client.rest() == b""

    run(Application(), scenario, limits=Limits(head_seconds_max=0.05))


def test_a_head_that_trickles_in_is_not_given_more_time(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        started = asyncio.get_running_loop().time()

        async def trickle() -> None:
            await client.send(b"GET / HTTP/1.1\r\n")
            while True:
                await client.send(b"X: a\r\n")
                await asyncio.sleep(0.005)

        task = asyncio.get_running_loop().create_task(trickle())
        assert (await client.response())[0] == 408
        assert asyncio.get_running_loop().time() - started < 5
        task.cancel()

    run(Application(), scenario, limits=Limits(head_seconds_max=0.2, headers_max=1_000_000))


def test_a_request_may_take_longer_than_a_connection_may_idle(run: Run) -> None:
    def handle(request: Request, reply: Reply) -> None:
        asyncio.get_running_loop().call_later(0.3, reply, Response(200, [], b"late"))

    async def scenario(house: House) -> None:
        client = await house.client()
        assert (await client.ask(get()))[2] == b"late"

    limits = Limits(idle_seconds_max=0.05, head_seconds_max=0.05, body_stall_seconds_max=0.05, linger_seconds=0.05)
    run(Application(handle), scenario, limits=limits)


def test_connections_beyond_the_limit_are_turned_away(run: Run) -> None:
    async def scenario(house: House) -> None:
        first = await house.client()
        assert (await first.ask(get()))[0] == 200
        second = await house.client()
        assert (await second.rest()).startswith(b"HTTP/1.1 503 ")
        await first.ask(get("/", "Connection: close"))
        assert await first.rest() == b""
        third = await house.client()
        assert (await third.ask(get()))[0] == 200

    run(Application(), scenario, limits=Limits(connections_max=1))


def test_a_stopping_server_finishes_what_runs_and_takes_nothing_new(run: Run) -> None:
    waiting: asyncio.Queue[Reply] = asyncio.Queue()

    async def scenario(house: House) -> None:
        idle = await house.client()
        busy = await house.client()
        await busy.send(get())
        reply = await waiting.get()
        stopping = asyncio.get_running_loop().create_task(house.server.close(5))
        assert await idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await house.client()
        reply(Response(200, [], b"done"))
        status, headers, body = await busy.response()
        assert (status, headers["connection"], body) == (200, "close", b"done")
        assert await busy.rest() == b""
        await stopping

    run(Application(lambda request, reply: waiting.put_nowait(reply)), scenario)


def test_a_stopping_server_does_not_wait_forever(run: Run) -> None:
    waiting: asyncio.Queue[Reply] = asyncio.Queue()

    async def scenario(house: House) -> None:
        busy = await house.client()
        await busy.send(get())
        reply = await waiting.get()
        await house.server.close(0.05)
        assert reply.closed
        assert house.server.connections == 0

    run(Application(lambda request, reply: waiting.put_nowait(reply)), scenario)


def test_several_listeners_with_their_own_applications_live_in_one_process(run: Run) -> None:
    async def scenario(house: House) -> None:
        second = House(await serve(Application(lambda request, reply: reply(Response(200, [], b"second"))), "localhost", 0))
        client = await second.client()
        assert (await client.ask(get()))[2] == b"second"
        client.reset()
        await second.server.close(0)
        client = await house.client()
        assert (await client.ask(get()))[2] == b""

    run(Application(), scenario)
