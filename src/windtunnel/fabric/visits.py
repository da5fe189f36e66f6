"""Hosts that services serve beside their APIs, such as `ID.lambda-url.REGION.…` of function URLs: which service, and what it is handed.

A service declares a label, `Service(hosts={"lambda-url": serve})`, and answers `await serve(call, visit)` with whatever it likes.
`Service(paths={"/beginning/": serve})` does the same for paths of the endpoint, whatever the host.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from windtunnel.aws.errors import Fault
from windtunnel.fabric.call import Call
from windtunnel.fabric.scope import Proof, Scope
from windtunnel.kernel.clock import stopwatch
from windtunnel.kernel.store import StoreFull

if TYPE_CHECKING:
    from windtunnel.fabric.cloud import Cloud

log = logging.getLogger(__name__)

SUFFIXES = ("localhost", "localhost.localstack.cloud", "on.aws", "amazonaws.com")
HOSTS_KNOWN = 1024
_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"


class Visit(msgspec.Struct, frozen=True):
    """One HTTP request to such a host. `path` and `query` are raw; header names are in lower case."""

    name: str
    """What stands before the label in the host: an id, or a bucket's name."""
    region: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    scheme: str
    proof: Proof | None
    """What the client signed, not yet verified: see `Cloud.identified`."""


class Flow(Protocol):
    """A body that is sent while it is made; whoever doesn't want it, or no more of it, closes it."""

    def __aiter__(self) -> Flow: ...

    async def __anext__(self) -> bytes: ...

    async def aclose(self) -> None: ...


class Answer(msgspec.Struct, frozen=True):
    """What a service answers to a visit."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | Flow


Serve = Callable[[Any, Visit], Coroutine[Any, Any, Answer]]


class Host(msgspec.Struct, frozen=True):
    """Whose host, or path, is visited: a service's, under a label that it has declared."""

    service: str
    label: str
    name: str = ""
    region: str = ""


def finder(labels: Mapping[str, str]) -> Callable[[str], Host | None]:
    """A function that tells from a Host header who serves it, of services by their labels; None where nobody but the APIs does."""
    alternatives, suffixes = ("|".join(map(re.escape, names)) for names in (labels, SUFFIXES))
    pattern = re.compile(rf"(.+)\.({alternatives})\.({_REGION})\.(?:{suffixes})(?::\d+)?")

    @lru_cache(HOSTS_KNOWN)
    def find(header: str) -> Host | None:
        found = pattern.fullmatch(header.lower())
        return None if found is None else Host(labels[found[2]], found[2], found[1], found[3])

    return find if labels else lambda _: None


class Visits:
    """Whose hosts, paths and pages there are, and how they are answered."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.host = finder(cloud.services.labels)
        """Who serves a host, by its Host header."""

    def path(self, path: str) -> Host | None:
        """Who serves a path of the endpoint by itself."""
        found = self._cloud.services.at_path(path)
        return Host(found[0].name, found[1]) if found is not None and found[1] in found[0].paths else None

    def page(self, path: str) -> tuple[str, bytes] | None:
        """What a service serves at a path of the endpoint outside of its API, as (content type, bytes)."""
        found = self._cloud.services.at_path(path)
        page = None if found is None else found[0].pages.get(found[1])
        return None if page is None else self._cloud.apply(lambda tx: page(tx, path))

    async def answer(self, host: Host, visit: Visit, scope: Scope) -> Answer:
        """A request to a host that a service serves itself. Raises StoreFull; all else is answered."""
        cloud, error, started = self._cloud, "", stopwatch()
        try:
            return await cloud.services.serving(host)(Call(cloud, scope, host.service), visit)
        except Fault as fault:
            error = fault.code
            if isinstance(fault.__cause__, StoreFull):
                raise fault.__cause__ from None
            log.warning("%s left a fault unanswered: %s", host.label, fault)
        except StoreFull:
            error = "ServiceUnavailable"
            raise
        except Exception as bug:
            error = type(bug).__name__
            log.exception("%s failed with a bug", host.label)
        finally:
            cloud.calls.add(cloud.clock.now(), host.service, host.label, scope, error, stopwatch() - started)
        return Answer(500, [("Content-Type", "text/plain")], b"Internal Server Error")
