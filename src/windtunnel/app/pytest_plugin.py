"""pytest's fixture `region`: a fresh region for every test, its clock standing until the test moves it.

One server serves the whole run; a test gets it emptied, which takes a few milliseconds. Nothing is imported until a test asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from windtunnel.app.local import LocalRegion


@pytest.fixture(scope="session")
def windtunnel_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegion]:
    """The server behind `region`, one for the run (for each worker of pytest-xdist)."""
    from windtunnel.app.local import LocalRegion
    from windtunnel.app.settings import Settings

    data: Path = tmp_path_factory.mktemp("windtunnel")
    local = LocalRegion(Settings(data, port=0, clock="still"))
    yield local
    local.close()


@pytest.fixture
def region(windtunnel_server: LocalRegion) -> LocalRegion:
    """A fresh region: `region.client("sqs")`, `region.endpoint`, `region.jump("30d")`, `region.now`, `region.calls()`."""
    windtunnel_server.begin_anew()
    return windtunnel_server
