"""Which services answer to a signing name, a host, a target, a version or a dated path: known before any model is loaded.

The facts are in `data/routes.json`, which `tools/routes.py` writes. Services that an upgraded botocore has beyond that file are
read from their models, once, when the program first needs the index.
"""

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from windtunnel.aws.model import VERSION, service_model, services

_FILE: Final = Path(__file__).parent.parent / "data" / "routes.json"


class Entry(msgspec.Struct, frozen=True):
    """What routing knows of one service."""

    signing: str
    endpoint: str
    target: str
    protocols: tuple[str, ...]
    version: str
    dates: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True):
    botocore: str
    services: dict[str, Entry]


class Index(msgspec.Struct, frozen=True):
    """The services by each of their marks; where several share one, the service of that very name comes first."""

    entries: dict[str, Entry]
    signing: dict[str, tuple[str, ...]]
    endpoints: dict[str, tuple[str, ...]]
    targets: dict[str, tuple[str, ...]]
    versions: dict[str, tuple[str, ...]]
    dates: dict[str, tuple[str, ...]]


@cache
def index() -> Index:
    """The index of all services."""
    file = msgspec.json.decode(_FILE.read_bytes(), type=_File)
    entries = file.services
    if file.botocore != VERSION:
        entries = {name: entries.get(name) or _entry(name) for name in services()}
    return Index(
        entries=entries,
        signing=_by({name: (entry.signing,) for name, entry in entries.items()}),
        endpoints=_by({name: (entry.endpoint,) for name, entry in entries.items()}),
        targets=_by({name: (entry.target,) for name, entry in entries.items() if entry.target}),
        versions=_by({name: (entry.version,) for name, entry in entries.items() if {"query", "ec2"} & set(entry.protocols)}),
        dates=_by({name: entry.dates for name, entry in entries.items()}),
    )


def _entry(name: str) -> Entry:
    model = service_model(name)
    metadata = model.metadata
    return Entry(
        signing=model.signing_name,
        endpoint=metadata["endpointPrefix"],
        target=metadata.get("targetPrefix", ""),
        protocols=tuple(model.protocols),
        version=metadata["apiVersion"],
    )


def _by(marks: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for service, several in marks.items():
        for mark in several:
            found.setdefault(mark, []).append(service)
    return {mark: tuple(sorted(names, key=lambda name: (name != mark, name))) for mark, names in found.items()}
