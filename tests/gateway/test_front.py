"""The front: what becomes of calls whose client leaves, whose result is wrong, whose commit fails, or that a browser asks about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.architectures.raw import answer, connect, goes_on, http, sqs
from windtunnel import LocalRegion
from windtunnel.app.boot import make_cloud
from windtunnel.fabric import Scope
from windtunnel.fabric.cloud import Cloud
from windtunnel.fabric.scope import root
from windtunnel.gateway.admin import Admin
from windtunnel.gateway.front import Front
from windtunnel.kernel.clock import Anchor
from windtunnel.kernel.store import StoreFull, Table
from windtunnel.wire.message import Request, Response

COUNTS = Table("tests.front", int)
SCOPE = Scope("000000000000", "us-east-1", root("000000000000"))


class Reply:
    """What a front answers one request with, and the client's way to leave."""

    def __init__(self) -> None:
        self.response: Response | None = None
        self.closed = False
        self._callbacks: list[Callable[[], None]] = []

    def __call__(self, response: Response, /) -> None:
        assert self.response is None, "answered twice"
        self.response = response

    def on_close(self, callback: Callable[[], None], /) -> None:
        self._callbacks.append(callback)
        if self.closed:
            callback()

    @property
    def may_be_left(self) -> bool:
        return bool(self._callbacks)

    def leave(self) -> None:
        self.closed = True
        for callback in self._callbacks:
            callback()

    @property
    def said(self) -> tuple[int, bytes]:
        assert self.response is not None, "not answered"
        assert isinstance(self.response.body, bytes)
        return self.response.status, self.response.body


class Bench:
    """A cloud behind a front, in the test's own loop."""

    def __init__(self, data: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.cloud: Cloud = make_cloud(data, seed=1, anchor=Anchor(1_767_225_600.0, 1_767_225_600.0, 0))
        self.front = Front(self.cloud, Admin(self.cloud, version=""))
        self.run(self._start())

    async def _start(self) -> None:
        self.cloud.start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    def ask(self, request: Request, *, leave: bool = False) -> Reply:
        """One request, until nothing is under way; `leave`: the client goes as soon as it has asked."""

        async def play() -> Reply:
            reply = Reply()
            self.front.handle(request, reply)
            if leave:
                reply.leave()
            await self.cloud.rest()
            return reply

        return self.run(play())

    def break_(self, operation: str, function: Callable[..., Any], *, plain: bool) -> None:
        """Puts a function with a bug in an operation's place."""
        handled = self.cloud.handled("sqs", operation)
        self.cloud.services._handled["sqs", operation] = msgspec.structs.replace(handled, function=function, plain=plain)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    yield one
    one.run(one.cloud.close())
    one.loop.close()


def call(operation: str, body: bytes = b"{}") -> Request:
    headers = {"host": "localhost", "x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
    return Request("POST", "/", "", headers, body)


def put(path: str, body: bytes = b"") -> Request:
    return Request("PUT", path, "", {"host": "localhost"}, body)


@pytest.mark.parametrize("wrong", [{"QueueUrls": [object()]}, {"QueueUrls": {"a": 1}, "NextToken": object()}])
def test_a_result_that_does_not_fit_its_model_is_an_internal_failure(bench: Bench, wrong: dict[str, Any]) -> None:
    async def waiting(call: Any, req: Any) -> dict[str, Any]:
        return wrong

    bench.break_("ListQueues", lambda tx, req: wrong, plain=True)
    status, body = bench.ask(call("ListQueues")).said
    assert (status, b"InternalFailure" in body) == (500, True)
    bench.break_("ListQueues", waiting, plain=False)
    status, body = bench.ask(call("ListQueues")).said
    assert (status, b"InternalFailure" in body) == (500, True)
    assert bench.ask(call("CreateQueue", b'{"QueueName":"a"}')).said[0] == 200


def test_a_bug_in_an_operation_is_an_internal_failure_and_undoes_it(bench: Bench) -> None:
    def buggy(tx: Any, req: Any) -> None:
        bench.cloud.handled("sqs", "CreateQueue").function(tx, {"QueueName": "half"})
        raise ZeroDivisionError("oh")

    bench.break_("ListQueues", buggy, plain=True)
    status, body = bench.ask(call("ListQueues")).said
    assert (status, b"ListQueues: ZeroDivisionError: oh" in body) == (500, True)
    assert bench.ask(call("GetQueueUrl", b'{"QueueName":"half"}')).said[0] == 400


def test_an_upload_whose_client_leaves_is_whole_or_not_there(bench: Bench) -> None:
    assert bench.ask(put("/box")).said[0] == 200
    left = bench.ask(put("/box/a", b"x" * 100_000), leave=True)
    assert not left.may_be_left
    found = bench.ask(Request("GET", "/box/a", "", {"host": "localhost"}))
    assert found.response is not None
    assert found.response.status == 200
    files = [path.stat().st_size for path in bench.cloud.blobs.collect().rglob("*") if path.is_file()]
    assert files == [100_000]


def test_a_long_poll_may_be_left_and_takes_nothing_after(bench: Bench) -> None:
    bench.ask(call("CreateQueue", b'{"QueueName":"a"}'))
    url = b'"QueueUrl":"http://localhost/000000000000/a"'
    poll = bench.ask(call("ReceiveMessage", b"{" + url + b',"WaitTimeSeconds":20}'))
    assert (poll.response, poll.may_be_left) == (None, True)
    poll.leave()
    bench.ask(call("SendMessage", b"{" + url + b',"MessageBody":"m"}'))
    assert poll.response is None
    status, body = bench.ask(call("ReceiveMessage", b"{" + url + b"}")).said
    assert (status, b'"Body":"m"' in body) == (200, True)


def test_a_task_that_is_cancelled_while_it_commits_has_committed(bench: Bench) -> None:
    """Or it would take away the bytes that its row names."""
    seen: list[str] = []

    async def writes(call: Any, req: Any) -> dict[str, Any]:
        try:
            await call.transact(lambda tx: tx.add(COUNTS, "n", amount=1))
            seen.append("kept")
        except asyncio.CancelledError:
            seen.append("undone")
            raise
        await asyncio.sleep(0)
        seen.append("went on")
        return {}

    async def play() -> None:
        bench.break_("ListQueues", writes, plain=False)
        task = bench.cloud.loop.spawn(bench.cloud.run("sqs", "ListQueues", {}, SCOPE))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    bench.run(play())
    assert seen == ["kept"]


def test_a_commit_that_fails_refuses_what_wrote_and_lets_reads_be(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ask(call("CreateQueue", b'{"QueueName":"a"}'))

    def full(*_: object) -> None:
        raise StoreFull("no room")

    engine = bench.cloud.store._engine
    monkeypatch.setattr(engine, "write", full)
    status, body = bench.ask(call("CreateQueue", b'{"QueueName":"b"}')).said
    assert (status, b"ServiceUnavailable" in body, b"no room" in body) == (503, True, True)
    assert bench.ask(call("ListQueues")).said[1].count(b"http://") == 1
    assert bench.ask(call("GetQueueUrl", b'{"QueueName":"b"}')).said[0] == 400
    assert bench.ask(put("/box")).said[0] == 503
    monkeypatch.undo()
    assert bench.ask(call("CreateQueue", b'{"QueueName":"b"}')).said[0] == 200


def test_a_head_that_fails_has_no_body_and_its_connection_goes_on(region: LocalRegion) -> None:
    region.client("s3").create_bucket(Bucket="box")
    with connect(region) as client:
        for path, status in (("/box/none", 404), ("/none", 404), ("/box", 200)):
            client.sendall(http("HEAD", path))
            data = b""
            while b"\r\n\r\n" not in data:
                data += client.recv(65_536)
            assert (int(data[9:12]), data.endswith(b"\r\n\r\n")) == (status, True)
        client.sendall(http("GET", "/box/none"))
        assert answer(client).said == (404, "NoSuchKey")


def test_a_browser_that_asks_before_it_signs_is_let_in(region: LocalRegion) -> None:
    asked = {
        "Origin": "https://console.test",
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "X-Amz-Target,authorization",
    }
    with connect(region) as client:
        client.sendall(http("OPTIONS", "/", **asked))
        allowed = answer(client)
        assert (allowed.status, allowed.headers["access-control-allow-origin"]) == (204, "https://console.test")
    refused = sqs(region, "Nope", b"{}")
    assert "access-control-allow-origin" not in refused.headers
    goes_on(region)
