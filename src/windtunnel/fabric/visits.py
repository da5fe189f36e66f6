"""Hosts that services serve beside their APIs, such as `ID.lambda-url.REGION.…` of function URLs: which service, and what it is handed.

A service declares a label, `Service(hosts={"lambda-url": serve})`, and answers `await serve(call, visit)` with whatever it likes.
`Service(paths={"/beginning/": serve})` does the same for paths of the endpoint, whatever the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from windtunnel.fabric.scope import Proof

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
