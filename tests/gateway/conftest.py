"""Every test of the gateway that opens sockets runs on both event loops."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.bench import Bench
from tests.gateway.kit import LOOPS, Run, run_with


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Run:
    return run_with(request.param)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    yield one
    one.close()
