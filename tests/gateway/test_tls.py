"""TLS and plain HTTP on one port, and the certificate made for it."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.gateway.kit import Application, House, Run, get, post
from tests.gateway.test_streams import LARGE_BYTES, Uploads, count, put
from windtunnel.gateway.http.app import Reply
from windtunnel.gateway.http.limits import Limits
from windtunnel.gateway.http.tls import NAMES, VALID_DAYS, make_pair, self_signed
from windtunnel.wire.message import FileSlice, Request, Response

NOW = 1_790_000_000.0


@pytest.fixture(scope="module")
def server_side(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return self_signed(NAMES, NOW, tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def trusting() -> ssl.SSLContext:
    """A client that encrypts and asks for no proof; the certificate itself is checked in a test of its own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_tls_and_plain_share_a_port(run: Run, server_side: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    app = Application()
    made: list[ssl.SSLContext] = []

    def make() -> ssl.SSLContext:
        made.append(server_side)
        return server_side

    async def scenario(house: House) -> None:
        plain = await house.client()
        assert (await plain.ask(post(b"plain")))[2] == b"plain"
        assert made == []
        for _ in range(2):
            secure = await house.client(tls=trusting)
            for _ in range(2):
                assert (await secure.ask(post(b"secure")))[2] == b"secure"

    run(app, scenario, tls=make)
    assert [request.scheme for request in app.requests] == ["http", *["https"] * 4]
    assert made == [server_side]


def test_large_bodies_pass_through_tls_both_ways(run: Run, server_side: ssl.SSLContext, trusting: ssl.SSLContext, tmp_path: Path) -> None:
    content = bytes(range(251)) * (LARGE_BYTES // 251)
    file = tmp_path / "object"
    file.write_bytes(content)
    uploads = Uploads(count)

    async def scenario(house: House) -> None:
        client = await house.client(tls=trusting)
        await client.send(put(len(content)) + content)
        assert (await client.response())[2] == b"%d" % len(content)

    run(uploads.app, scenario, tls=server_side)

    async def download(house: House) -> None:
        client = await house.client(tls=trusting)
        for _ in range(2):
            assert (await client.ask(get()))[2] == content

    run(Application(lambda request, reply: reply(Response(200, [], FileSlice(file, 0, len(content))))), download, tls=server_side)
    run(Application(lambda request, reply: reply(Response(200, [], content))), download, tls=server_side)


def test_a_handshake_byte_by_byte_succeeds(run: Run, server_side: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async def scenario(house: House) -> None:
        client = await house.client()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = trusting.wrap_bio(incoming, outgoing, server_hostname="localhost")

        async def exchange() -> None:
            for byte in outgoing.read():
                await client.send(bytes((byte,)))
                await asyncio.sleep(0)

        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                await exchange()
                incoming.write(await client.reader.read(65_536))
        session.write(get())
        await exchange()
        answer = b""
        while b"\r\n\r\n" not in answer:
            try:
                answer += session.read(65_536)
            except ssl.SSLWantReadError:
                incoming.write(await client.reader.read(65_536))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")

    run(Application(), scenario, tls=server_side)


def test_a_broken_or_silent_handshake_ends_its_connection_alone(run: Run, server_side: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async def scenario(house: House) -> None:
        broken = await house.client()
        await broken.send(b"\x16\x03\x01\xff\xffnonsense" * 100)
        await broken.rest()
        silent = await house.client()
        begun = await house.client()
        await begun.send(b"\x16\x03")
        well = await house.client(tls=trusting)
        assert (await well.ask(get()))[0] == 200
        assert await silent.rest() == b""
        await begun.lost()

    # Long enough for a handshake on a busy machine.
    run(Application(), scenario, tls=server_side, limits=Limits(handshake_seconds_max=0.5, linger_seconds=0.05))


def test_a_secure_client_that_leaves_ends_its_long_poll(run: Run, server_side: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    gone = asyncio.Event()
    polls: asyncio.Queue[Reply] = asyncio.Queue()

    def handle(request: Request, reply: Reply) -> None:
        reply.on_close(gone.set)
        polls.put_nowait(reply)

    async def scenario(house: House) -> None:
        client = await house.client(tls=trusting)
        await client.send(get())
        reply = await polls.get()
        client.writer.close()
        await gone.wait()
        assert reply.closed

    run(Application(handle), scenario, tls=server_side)


@pytest.mark.parametrize(
    "name", ["localhost", "bucket.localhost.localstack.cloud", "bucket.s3.localhost.localstack.cloud", "127.0.0.1", "::1"]
)
def test_the_certificate_holds_for_the_names_of_this_machine(name: str, tmp_path: Path) -> None:
    pem = make_pair(NAMES, NOW)
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(cadata=pem[pem.index(b"-----BEGIN CERT") :].decode()),
    )
    (tmp_path / "pair.pem").write_bytes(pem)
    server.load_cert_chain(tmp_path / "pair.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for session in (here, there, here, there):
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
    assert here.version() == "TLSv1.3"


def test_the_pair_in_a_folder_is_kept_until_it_no_longer_serves(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gateway.pem"
    self_signed(NAMES, NOW, path.parent)
    first = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    self_signed(NAMES, NOW + 86_400, path.parent)
    assert path.read_bytes() == first
    self_signed([*NAMES, "example.test"], NOW, path.parent)
    second = path.read_bytes()
    assert second != first
    self_signed([*NAMES, "example.test"], NOW + VALID_DAYS * 86_400, path.parent)
    assert path.read_bytes() != second
    path.write_bytes(b"nonsense")
    self_signed(NAMES, NOW, path.parent)
    assert [entry.name for entry in path.parent.iterdir()] == ["gateway.pem"]
