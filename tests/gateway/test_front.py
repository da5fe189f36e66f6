"""The front: what becomes of calls whose client leaves, whose result is wrong, whose commit fails, or that a browser asks about."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.architectures.raw import answer, connect, goes_on, http, sqs
from tests.gateway.bench import SCOPE, Bench, call
from windtunnel import LocalRegion
from windtunnel.kernel.store import StoreFull, Table
from windtunnel.wire.message import Request

COUNTS = Table("tests.front", int)


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
