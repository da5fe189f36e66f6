"""WebSockets: the handshake, messages, control frames, and what RFC 6455 forbids."""

import asyncio
from collections.abc import Callable

import pytest

from tests.gateway.kit import Application, Client, House, Run, get
from windtunnel.gateway.http.app import Upgrade
from windtunnel.gateway.http.limits import Limits
from windtunnel.gateway.http.websocket import WebSocket, WebSocketClosed
from windtunnel.wire.message import Request, Response

MASK = b"\x37\xfa\x21\x3d"
HANDSHAKE = get(
    "/socket",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: chat, superchat",
)


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, mask: bytes = MASK) -> bytes:
    first = bytes(((128 if final else 0) | opcode,))
    length = len(payload)
    if length < 126:
        size = bytes((128 | length,))
    elif length < 65_536:
        size = b"\xfe" + length.to_bytes(2)
    else:
        size = b"\xff" + length.to_bytes(8)
    return first + size + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


async def received(client: Client) -> tuple[int, bytes]:
    first, second = await client.exactly(2)
    length = second
    if second == 126:
        length = int.from_bytes(await client.exactly(2))
    elif second == 127:
        length = int.from_bytes(await client.exactly(8))
    return first, await client.exactly(length)


class Echo:
    """Accepts, and sends every message back; keeps how each socket ended."""

    def __init__(self) -> None:
        self.ended: asyncio.Queue[tuple[int | None, str]] = asyncio.Queue()
        self.sockets: list[WebSocket] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.app = Application(upgrade=self._upgrade)

    def _upgrade(self, request: Request, upgrade: Upgrade) -> None:
        websocket = upgrade.accept(protocol="chat" if "chat" in upgrade.protocols else None, headers=[("X-Id", "1")])
        self.sockets.append(websocket)
        self.tasks.append(asyncio.get_running_loop().create_task(self._echo(websocket)))

    async def _echo(self, websocket: WebSocket) -> None:
        async for message in websocket:
            websocket.send(message)
            await websocket.drain()
        self.ended.put_nowait((websocket.close_code, websocket.close_reason))


async def opened(house: House) -> Client:
    client = await house.client()
    await client.send(HANDSHAKE)
    await client.until(b"\r\n\r\n")
    return client


def test_a_handshake_is_answered_as_in_the_standard_s_example(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        assert await client.ask(HANDSHAKE) == (
            101,
            {
                "upgrade": "websocket",
                "connection": "Upgrade",
                "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "sec-websocket-protocol": "chat",
                "server": "windtunnel",
                "x-id": "1",
            },
            b"",
        )

    run(Echo().app, scenario)


def test_messages_of_every_size_are_echoed(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(HANDSHAKE + frame(1, "früh".encode()))
        await client.until(b"\r\n\r\n")
        assert await received(client) == (0x81, "früh".encode())
        for size in (0, 1, 125, 126, 65_535, 65_536, 300_000):
            payload = bytes(range(251)) * (size // 251) + b"e" * (size % 251)
            await client.send(frame(2, payload))
            assert await received(client) == (0x82, payload)

    run(Echo().app, scenario)


def test_frames_may_be_cut_anywhere_and_messages_fragmented_with_pings_between(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await opened(house)
        stream = (
            frame(1, "hé".encode()[:2], final=False)
            + frame(9, b"still there?")
            + frame(10)
            + frame(0, "hé".encode()[2:], final=False)
            + frame(0, b"!")
        )
        for byte in stream:
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert await received(client) == (0x8A, b"still there?")
        assert await received(client) == (0x81, "hé!".encode())

    run(Echo().app, scenario)


def test_the_client_closes(run: Run) -> None:
    echo = Echo()

    async def scenario(house: House) -> None:
        client = await opened(house)
        await client.send(frame(8, (4001).to_bytes(2) + b"enough"))
        assert await received(client) == (0x88, (4001).to_bytes(2))
        assert await client.rest() == b""
        assert await echo.ended.get() == (4001, "enough")
        client = await opened(house)
        await client.send(frame(8))
        assert await received(client) == (0x88, b"")
        assert await echo.ended.get() == (1005, "")

    run(echo.app, scenario)


def test_the_server_closes_and_still_hears_what_was_under_way(run: Run) -> None:
    def upgrade(request: Request, upgrade: Upgrade) -> None:
        websocket = upgrade.accept()
        websocket.close(1000, "done")
        websocket.close(1000, "done")
        with pytest.raises(WebSocketClosed):
            websocket.send("too late")
        sockets.append(websocket)

    sockets: list[WebSocket] = []

    async def scenario(house: House) -> None:
        client = await opened(house)
        assert await received(client) == (0x88, (1000).to_bytes(2) + b"done")
        await client.send(frame(1, b"last") + frame(8, (1000).to_bytes(2)))
        assert await client.rest() == b""
        assert await sockets[0].receive() == "last"
        with pytest.raises(WebSocketClosed) as closed:
            await sockets[0].receive()
        assert (closed.value.code, closed.value.reason) == (1000, "")

    run(Application(upgrade=upgrade), scenario)


def test_a_lost_connection_ends_the_socket(run: Run) -> None:
    echo = Echo()

    async def scenario(house: House) -> None:
        for leave in (lambda client: client.reset(), lambda client: client.writer.close()):
            client = await opened(house)
            leave(client)
            assert await echo.ended.get() == (1006, "")

    run(echo.app, scenario)


VIOLATIONS: dict[str, tuple[Callable[[], bytes], int]] = {
    "not masked": (lambda: b"\x81\x01a", 1002),
    "a reserved bit": (lambda: b"\xc1" + frame(1, b"a")[1:], 1002),
    "an unknown opcode": (lambda: frame(3), 1002),
    "an unknown control opcode": (lambda: frame(11), 1002),
    "a fragmented ping": (lambda: frame(9, final=False), 1002),
    "a long ping": (lambda: frame(9, b"a" * 126), 1002),
    "a continuation of nothing": (lambda: frame(0, b"a"), 1002),
    "a message within a message": (lambda: frame(1, b"a", final=False) + frame(1, b"b"), 1002),
    "text that is not UTF-8": (lambda: frame(1, b"\xff"), 1007),
    "too large at once": (lambda: b"\x82\xff" + (1 << 40).to_bytes(8) + MASK, 1009),
    "too large in fragments": (lambda: frame(2, b"a" * 900, final=False) + frame(0, b"a" * 200), 1009),
    "a closing code of one byte": (lambda: frame(8, b"a"), 1002),
    "a closing code not for the wire": (lambda: frame(8, (1005).to_bytes(2)), 1002),
    "a closing reason that is not UTF-8": (lambda: frame(8, (1000).to_bytes(2) + b"\xff"), 1007),
}


@pytest.mark.parametrize("case", sorted(VIOLATIONS))
def test_a_violation_closes_with_its_code(run: Run, case: str) -> None:
    make, code = VIOLATIONS[case]
    echo = Echo()

    async def scenario(house: House) -> None:
        client = await opened(house)
        await client.send(make())
        first, payload = await received(client)
        assert (first, int.from_bytes(payload[:2])) == (0x88, code)
        assert (await echo.ended.get())[0] == code

    run(echo.app, scenario, limits=Limits(websocket_message_bytes_max=1_000))


def test_a_refused_handshake_is_an_ordinary_answer(run: Run) -> None:
    waiting: asyncio.Queue[Upgrade] = asyncio.Queue()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(HANDSHAKE + get("/after"))
        upgrade = await waiting.get()
        assert list(upgrade.protocols) == ["chat", "superchat"]
        upgrade.refuse(Response(403, [], b"no"))
        assert (await client.response())[::2] == (403, b"no")
        assert (await client.response())[0] == 200

    run(Application(upgrade=lambda request, upgrade: waiting.put_nowait(upgrade)), scenario)


def test_a_handshake_may_be_accepted_late(run: Run) -> None:
    waiting: asyncio.Queue[Upgrade] = asyncio.Queue()

    async def scenario(house: House) -> None:
        client = await house.client()
        await client.send(HANDSHAKE + frame(1, b"early"))
        websocket = (await waiting.get()).accept()
        assert (await client.response())[0] == 101
        assert await websocket.receive() == "early"

    run(Application(upgrade=lambda request, upgrade: waiting.put_nowait(upgrade)), scenario)


def test_another_version_is_told_ours(run: Run) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        status, headers, _ = await client.ask(HANDSHAKE.replace(b"Version: 13", b"Version: 8"))
        assert (status, headers["sec-websocket-version"]) == (426, "13")

    run(Echo().app, scenario)


def test_messages_wait_with_the_client_when_nobody_receives(run: Run) -> None:
    sockets: asyncio.Queue[WebSocket] = asyncio.Queue()

    async def scenario(house: House) -> None:
        client = await opened(house)
        websocket = await sockets.get()
        message = frame(2, b"x" * 100_000, mask=b"\0\0\0\0")
        sent = 1
        while await client.takes(message):
            sent += 1
        for _ in range(sent):
            assert len(await websocket.receive()) == 100_000

    run(Application(upgrade=lambda request, upgrade: sockets.put_nowait(upgrade.accept())), scenario)


def test_a_silent_socket_is_pinged_and_then_cut(run: Run) -> None:
    echo = Echo()

    async def scenario(house: House) -> None:
        client = await opened(house)
        for _ in range(3):
            assert await received(client) == (0x89, b"")
            await client.send(frame(10))
        assert await received(client) == (0x89, b"")
        assert await echo.ended.get() == (1006, "")

    run(echo.app, scenario, limits=Limits(websocket_ping_seconds=0.05, websocket_pong_seconds_max=0.2, linger_seconds=0.05))


def test_a_stopping_server_says_goodbye(run: Run) -> None:
    echo = Echo()

    async def scenario(house: House) -> None:
        client = await opened(house)
        stopping = asyncio.get_running_loop().create_task(house.server.close(5))
        first, payload = await received(client)
        assert (first, payload[:2]) == (0x88, (1001).to_bytes(2))
        await client.send(frame(8, payload[:2]))
        await stopping

    run(echo.app, scenario)
