"""The fixtures of all stories."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.here import Here
from windtunnel.app.boot import Storage


@pytest.fixture
def here(tmp_path: Path, storage: Storage) -> Iterator[Here]:
    """A fresh region in this process, its clock standing at the beginning of 2026."""
    region = Here(tmp_path / "region", storage=storage)
    yield region
    region.close()


@pytest.fixture
def logs(here: Here) -> Any:
    """CloudWatch Logs of a region that has a group `g` with a stream `s`."""
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    return here.logs
