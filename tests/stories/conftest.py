"""The fixture of all stories."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.here import Here
from windtunnel.app.boot import Storage


@pytest.fixture
def here(tmp_path: Path, storage: Storage) -> Iterator[Here]:
    """A fresh region in this process, its clock standing at the beginning of 2026."""
    region = Here(tmp_path / "region", storage=storage)
    yield region
    region.close()
