"""What `windtunnel up` can be told, and what it says: little enough to be read by a process that only looks after others."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Literal

import msgspec

PORT = 4566
LOCAL = ("", "127.0.0.1", "0.0.0.0", "::", "::1", "localhost")
"""Hosts to listen at, of which one is reached as localhost."""
BACKLOG = 1_024


class Settings(msgspec.Struct, frozen=True):
    """What `windtunnel up` can be told."""

    data: Path
    host: str = "127.0.0.1"
    port: int = PORT
    account: str = "000000000000"
    clock: str = ""
    """"real", "still", a rate such as "60", or nothing: as the data folder left it, real in a new one."""
    seed: int | None = None
    store: str = ""
    """postgresql://…, for several machines; "" is a file in the data folder."""
    blobs: str = ""
    """file:///folder, s3://bucket/prefix …: objects' bytes where several machines find them; "" is a folder in the data folder."""
    durability: Literal["process", "fsync"] = "process"
    """What an answered call survives: the end of the process in any way, or also a power cut."""


class Job(msgspec.Struct, frozen=True):
    """What a worker is started with: the numbers of its sockets and of the pipe that ends when it is to end, and whether it is alone."""

    settings: Settings
    sockets: list[int]
    life: int
    first: bool


def endpoint_of(host: str, port: int) -> str:
    """How the region calls itself where no client's own word for it is at hand; functions call it by this."""
    name = "localhost" if host in LOCAL else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def welcome(version: str, settings: Settings) -> str:
    """The line that says that a region serves, and how to use it."""
    url = endpoint_of(settings.host, settings.port)
    aside = "" if settings.port == PORT else f"--endpoint {url} "
    return (
        f"windtunnel {version}: a region at {url} (state in {settings.data}). "
        f"Try `windtunnel {aside}aws s3 mb s3://pictures`, or set AWS_ENDPOINT_URL={url}. Ctrl-C stops it."
    )


def listening(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    """A bound socket whose port others of this program may share."""
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound
