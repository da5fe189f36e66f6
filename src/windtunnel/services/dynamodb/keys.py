"""Where items lie: keys of the store from keys of items, and what a key may be."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5

from windtunnel.aws.dynamodb.decimals import invalid, sortable
from windtunnel.aws.dynamodb.values import WRONG, Item, Value, key_part, type_of
from windtunnel.services.dynamodb.state import Index, TableRow

HASH_BYTES_MAX, RANGE_BYTES_MAX = 2_048, 1_024
SLOTS = 1 << 32
_SEED = b"Outliers"
NO_MATCH = "The provided key element does not match the schema"

Place = tuple[int | str | bytes, ...]
"""(slot, hash[, range]), or of an index with a digest behind."""


def place_of(row: TableRow, item: Mapping[str, Value]) -> Place:
    """Where an item lies within its table, by the attributes of its key."""
    value = item[row.hash]
    if row.range:
        return _slot(value), key_part(value), key_part(item[row.range])
    return _slot(value), key_part(value)


def indexed_place(row: TableRow, index: Index, item: Mapping[str, Value]) -> Place | None:
    """Where an item lies within an index; None where it lacks one of the index's keys."""
    value = item.get(index.hash)
    if value is None or row.types[index.hash] not in value:
        return None
    if not index.range:
        return _slot(value), key_part(value), _digest(row, item)
    second = item.get(index.range)
    if second is None or row.types[index.range] not in second:
        return None
    return _slot(value), key_part(value), key_part(second), _digest(row, item)


def partition(value: Value) -> Place:
    """What the places of a partition begin with."""
    return _slot(value), key_part(value)


def _slot(value: Value) -> int:
    """A number of 32 bits by which partitions are in order, as AWS's are: a digest of the key."""
    return int.from_bytes(md5(_SEED + _bytes(value), usedforsecurity=False).digest()[:4])


def _digest(row: TableRow, item: Mapping[str, Value]) -> int:
    """What items of one key of an index are in order by: a digest of their own key."""
    whole = b"".join(_bytes(item[name]) for name in row.keys)
    return int.from_bytes(md5(_SEED + whole, usedforsecurity=False).digest()[:8])


def _bytes(value: Value) -> bytes:
    kind, content = next(iter(value.items()))
    return sortable(content) if kind == "N" else content.encode("utf-8", "surrogatepass") if kind == "S" else content


def check_key(row: TableRow, key: Mapping[str, Value]) -> None:
    """Refuses what isn't the whole key of an item and nothing else."""
    if len(key) != len(row.keys):
        raise invalid(NO_MATCH)
    for name in row.keys:
        check_part(row, key, name)


def check_part(row: TableRow, key: Mapping[str, Value], name: str) -> None:
    value, kind = key.get(name), row.types[name]
    if value is None or kind not in value:
        raise invalid(NO_MATCH)
    if not value[kind]:
        raise invalid(f"{WRONG}{_empty(kind)} Key: {name}")
    _check_size(value, hash=name == row.hash)


def check_item(row: TableRow, item: Item) -> None:
    """Refuses an item without the right keys, those of indexes included."""
    for name in row.keys:
        value, kind = item.get(name), row.types[name]
        if value is None:
            raise invalid(f"{WRONG}Missing the key {name} in the item")
        if kind not in value:
            raise invalid(f"{WRONG}Type mismatch for key {name} expected: {kind} actual: {type_of(value)}")
        if not value[kind]:
            raise invalid(f"One or more parameter values are not valid. {_empty(kind)} Key: {name}")
        _check_size(value, hash=name == row.hash)
    check_indexed(row, item)


def check_indexed(row: TableRow, item: Mapping[str, Value]) -> None:
    for index in row.indexes:
        for name in (index.hash, index.range):
            value = item.get(name) if name else None
            if value is None:
                continue
            kind = row.types[name]
            if kind not in value:
                raise invalid(
                    f"{WRONG}Type mismatch for Index Key {name} Expected: {kind} Actual: {type_of(value)} IndexName: {index.name}"
                )
            if not value[kind]:
                raise invalid(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
                    f"{_empty(kind)} IndexName: {index.name}, IndexKey: {name}"
                )


def _empty(kind: str) -> str:
    return f"The AttributeValue for a key attribute cannot contain an empty {'string' if kind == 'S' else 'binary'} value."


def _check_size(value: Value, *, hash: bool) -> None:
    kind, content = next(iter(value.items()))
    if kind == "N":
        return
    size = len(content.encode("utf-8", "surrogatepass")) if kind == "S" else len(content)
    if hash and size > HASH_BYTES_MAX:
        raise invalid(f"{WRONG}Size of hashkey has exceeded the maximum size limit of{HASH_BYTES_MAX} bytes")
    if not hash and size > RANGE_BYTES_MAX:
        raise invalid(f"{WRONG}Aggregated size of all range keys has exceeded the size limit of {RANGE_BYTES_MAX} bytes")
