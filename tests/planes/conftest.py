"""One machine for all stories of the planes: what it can do is asked once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.planes.kit import Bench, machine
from windtunnel.planes.compute import Machine


@pytest.fixture(scope="session")
def shared_machine() -> Iterator[Machine]:
    with machine() as made:
        yield made
        assert list(made.folder.iterdir()) == [], "an environment left files behind"


@pytest.fixture
def bench(shared_machine: Machine, tmp_path: Path) -> Bench:
    return Bench(shared_machine, tmp_path)


@pytest.fixture
def sandbox(bench: Bench) -> Bench:
    if not bench.machine.isolated:
        pytest.skip(bench.machine.note)
    return bench
