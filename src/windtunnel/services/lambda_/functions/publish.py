"""Versions written and removed, with the archives they keep."""

from __future__ import annotations

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.code import archives
from windtunnel.services.lambda_.places import revised
from windtunnel.services.lambda_.state import FUNCTIONS, QUALIFIED, VERSIONS, Function, Version


def publish(tx: Tx, name: str, function: Function, version: Version, description: str) -> tuple[int, Version]:
    """The next version, made of the unpublished one; the last again where nothing has changed since."""
    last = tx.get(VERSIONS, name, function.last) if function.last else None
    if last is not None and _same(last, version):
        return function.last, last
    number = function.last + 1
    published = msgspec.structs.replace(
        version, description=description, described=version.description, revision=tx.new_id(), modified=tx.now, generation=tx.serial()
    )
    archives.count(tx, version.size)
    archives.use(tx, version.code)
    for layer in version.layers:
        archives.use(tx, layer.code)
    tx.put(VERSIONS, name, number, value=published)
    tx.put(FUNCTIONS, name, value=msgspec.structs.replace(function, last=number))
    revised(tx, name)
    return number, published


def without(tx: Tx, name: str, number: int, version: Version) -> None:
    """Removes a version and what belongs to it alone."""
    archives.count(tx, -version.size)
    archives.leave(tx, version.code)
    for layer in version.layers:
        archives.leave(tx, layer.code)
    tx.delete(VERSIONS, name, number)
    for table in QUALIFIED:
        tx.delete(table, name, str(number))


def _same(published: Version, version: Version) -> bool:
    """Whether a version is what the unpublished one would become; what it was called when it was published doesn't count."""
    before = msgspec.structs.replace(
        published,
        description=published.described,
        described="",
        revision=version.revision,
        modified=version.modified,
        generation=version.generation,
        data_key=version.data_key,
    )
    return before == version
