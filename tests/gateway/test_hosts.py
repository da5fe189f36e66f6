"""Hosts that a service serves itself: requests reach it whole, and whatever becomes of it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.bench import Bench
from windtunnel.fabric import Answer, Call, Fault, Service, Visit
from windtunnel.fabric.visits import finder
from windtunnel.kernel.store import StoreFull
from windtunnel.wire.message import Request

HOST = "a.b.shop.eu-west-1.localhost.localstack.cloud:4566"


async def serve(call: Call, visit: Visit) -> Answer:
    if visit.path == "/fault":
        raise Fault("ResourceNotFoundException", "There is none.")
    if visit.path == "/bug":
        raise LookupError("a bug")
    if visit.path == "/full":
        raise StoreFull("disk full")
    told = f"{visit.method} {visit.name} {visit.region} {visit.path}?{visit.query} {visit.body!r} {call.region} {call.scope.endpoint}"
    return Answer(202, [("X-Shop", "open")], told.encode())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.cloud.visits.host = finder({"shop": "sqs"})
    bench.cloud.services.loaded["sqs"] = Service("sqs", modules=(), hosts={"shop": serve})
    yield bench
    bench.close()


def test_a_service_answers_all_requests_to_its_hosts(bench: Bench) -> None:
    request = Request("PATCH", "/x%2F", "q=1", {"host": HOST, "authorization": "Bearer somebody's"}, b"body")
    assert not bench.front.streams(Request("PUT", "/x", "", {"host": HOST, "content-length": "99999999"}))
    reply = bench.ask(request)
    assert reply.said == (202, f"PATCH a.b eu-west-1 /x%2F?q=1 b'body' eu-west-1 http://{HOST}".encode())
    assert reply.response is not None
    assert reply.response.headers == [("X-Shop", "open")]
    record = bench.cloud.calls.after(0)[-1]
    assert (record.service, record.operation, record.region) == ("sqs", "shop", "eu-west-1")


@pytest.mark.parametrize(
    ("path", "said"),
    [("/fault", (500, b"Internal Server Error")), ("/bug", (500, b"Internal Server Error")), ("/full", (503, b"Service Unavailable"))],
)
def test_a_host_that_fails_is_answered(bench: Bench, path: str, said: tuple[int, bytes]) -> None:
    assert bench.ask(Request("GET", path, "", {"host": HOST})).said == said


@pytest.mark.parametrize("host", ["localhost:4566", "shop.eu-west-1.localhost", "a.shop.localhost", "a.shop.eu-west-1.example.com", ""])
def test_other_hosts_are_nobodys(bench: Bench, host: str) -> None:
    assert bench.cloud.visits.host(host) is None
