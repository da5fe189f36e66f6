"""Every test of the gateway that opens sockets runs on both event loops."""

import pytest

from tests.gateway.kit import LOOPS, Run, run_with


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Run:
    return run_with(request.param)
