"""A region that commands can ask, served once for all of these tests; each test begins with it empty."""

import pytest

from windtunnel import LocalRegion


@pytest.fixture
def endpoint(region: LocalRegion) -> str:
    return region.endpoint
