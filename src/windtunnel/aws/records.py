"""A result's list of structures that are kept as records: an encoder of many writes them by columns, all others read dicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from msgspec import Struct
from msgspec.structs import asdict


class Records(Sequence[dict[str, Any]]):
    """`rows` are records whose fields are named as the structure's members; a field that is None is a member that is absent."""

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[Struct]) -> None:
        self.rows = rows

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Records: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | Records:
        return Records(self.rows[at]) if isinstance(at, slice) else _shown(self.rows[at])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(_shown, self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records | list) and list(self) == list(other)  # pyright: ignore[reportUnknownArgumentType]

    def __repr__(self) -> str:
        return repr(list(self))

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def _shown(row: Struct) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if value is not None}
