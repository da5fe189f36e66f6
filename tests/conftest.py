"""What holds for every test: generated examples are the same on every run, and no example has a deadline on a busy machine.

`--store` runs the stories over another store than a region's own file: `fsync`, the file that survives a power cut, `shared`, the file as
several processes use it, or `postgres`.
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.postgres import Server
from windtunnel.app.boot import ONE_PROCESS, Storage

settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store", choices=("file", "fsync", "shared", "postgres"), default="file", help="what the stories' regions keep rows in"
    )
    parser.addoption("--two-servers", action="store_true", help="the architectures' region is two servers, asked in turn")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A database server for the tests of a run."""
    with Server() as server:
        yield server


@pytest.fixture
def storage(request: pytest.FixtureRequest) -> Storage:
    """What a story's region keeps its rows in."""
    kind = request.config.getoption("--store")
    if kind == "postgres":
        server: Server = request.getfixturevalue("postgres")
        server.empty()
        return Storage(url=server.url)
    return {"file": ONE_PROCESS, "fsync": Storage(durable=True), "shared": Storage(shared=True)}[kind]
