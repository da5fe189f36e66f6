"""`pytest tests/wire --all-services` takes every operation of every service round; without it, other services give a sample."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-services", action="store_true", default=False, help="every operation of every service goes round")


@pytest.fixture
def all_services(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--all-services", default=False))
