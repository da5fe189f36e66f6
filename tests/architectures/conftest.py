"""`--two-servers` puts two servers over one PostgreSQL in the region's place; requests go to the one and the other in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.balanced import balanced
from windtunnel import LocalRegion


@pytest.fixture(scope="session")
def windtunnel_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegion]:
    if not request.config.getoption("--two-servers"):
        yield request.getfixturevalue("windtunnel_server")
        return
    with balanced(tmp_path_factory.mktemp("balanced"), request.getfixturevalue("postgres")) as region:
        yield region


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What makes a region of its own is the same with two servers as without."""
    if config.getoption("--two-servers"):
        apart = [item for item in items if "region" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if item not in apart]
