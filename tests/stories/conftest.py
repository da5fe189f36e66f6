"""The fixtures of all stories."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.here import Here
from windtunnel.app.boot import Storage
from windtunnel.fabric import dropped


@pytest.fixture
def here(tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """A fresh region in this process, its clock standing at the beginning of 2026. Nobody else serves it, whatever it keeps its rows in."""
    monkeypatch.setattr(dropped, "OTHERS_SECONDS", 0.0)
    region = Here(tmp_path / "region", storage=storage)
    yield region
    region.close()


@pytest.fixture
def logs(here: Here) -> Any:
    """CloudWatch Logs of a region that has a group `g` with a stream `s`."""
    here.logs.create_log_group(logGroupName="g")
    here.logs.create_log_stream(logGroupName="g", logStreamName="s")
    return here.logs


@pytest.fixture
def s3(here: Here) -> Any:
    """S3 of a region that has a bucket `box`."""
    here.s3.create_bucket(Bucket="box")
    return here.s3
