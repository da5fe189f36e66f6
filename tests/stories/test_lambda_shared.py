"""Functions of a region that several servers serve: what one of them runs, the others count."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.stories.lambdas import make, refusal, run
from tests.stories.test_region_shared import Pair, two_servers
from windtunnel.app.boot import Storage
from windtunnel.services.lambda_.running import sandboxes

THROTTLED = ("TooManyRequestsException", "Rate Exceeded.")


@pytest.fixture
def pair(tmp_path: Path, storage: Storage) -> Iterator[Pair]:
    """Two servers, and a function that has one place."""
    with two_servers(tmp_path / "region", msgspec.structs.replace(storage, shared=not storage.url)) as pair:
        code = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"
        make(pair[0], "f", code, Timeout=30)
        pair[0].lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
        yield pair


def test_runs_of_a_function_with_reserved_concurrency_are_counted_by_all(pair: Pair) -> None:
    one, two = pair
    running = one.begin.lambda_.invoke(FunctionName="f", Payload=b"0.3")
    one.run(asyncio.sleep(0.1))
    assert refusal(two.lambda_.invoke, FunctionName="f", Payload=b"0") == THROTTLED
    assert one.result(running)["Payload"] == b'"done"'
    assert [run(two, "f", 0), run(one, "f", 0)] == ["done", "done"]


def test_a_run_of_a_server_that_died_counts_until_its_time_is_over(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair
    monkeypatch.setattr(sandboxes, "leave", nothing)  # as kill -9 does
    assert run(one, "f", 0) == "done"
    assert refusal(two.lambda_.invoke, FunctionName="f", Payload=b"0") == THROTTLED
    later = two.cloud.clock.machine() + 60
    monkeypatch.setattr(two.cloud.clock, "machine", lambda: later)
    assert run(two, "f", 0) == "done"


def nothing(*_: object) -> None:
    """What a process that was killed does."""
