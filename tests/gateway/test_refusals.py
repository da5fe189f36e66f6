"""A refusal is an answer as well: what it tells of is durable, or it is not given."""

import pytest

from tests.gateway.bench import Bench, Reply, call
from windtunnel.kernel.store import StoreFull
from windtunnel.kernel.store.sqlite import SQLite


def test_a_refusal_that_tells_of_what_could_not_be_kept_is_not_given(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreFull("no room")

    async def play() -> tuple[Reply, Reply]:
        gone, poll = Reply(), Reply()
        bench.front.handle(call("DeleteQueue", queue), gone)
        bench.front.handle(call("ReceiveMessage", queue), poll)
        await bench.cloud.rest()
        return gone, poll

    bench.ask(call("CreateQueue", b'{"QueueName":"a"}'))
    queue = b'{"QueueUrl":"http://localhost/000000000000/a"}'
    monkeypatch.setattr(SQLite, "write", full)
    assert [reply.said[0] for reply in bench.run(play())] == [503, 503]
    monkeypatch.undo()
    assert bench.ask(call("ReceiveMessage", queue)).said[0] == 200
