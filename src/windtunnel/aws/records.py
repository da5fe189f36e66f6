"""A result's list of structures that are kept as records: an encoder of many writes them by columns, all others read dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

from msgspec import Struct
from msgspec.structs import astuple


class Records(Sequence[dict[str, Any]]):
    """`rows` are records whose fields are named as the structure's members, but for the last one, which stands for several members.

    What most rows have in common is one value in each then, and is written once; `members` says which members it stands for.
    """

    __slots__ = ("members", "rows")

    def __init__(self, rows: Sequence[Struct], members: Callable[[Any], Mapping[str, Any]]) -> None:
        self.rows, self.members = rows, members

    def columns(self) -> tuple[list[tuple[str, tuple[Any, ...]]], tuple[Any, ...]]:
        """Members' names with their values in all rows, and what stands for the others."""
        *named, common = zip(*map(astuple, self.rows), strict=True)
        return list(zip(self.rows[0].__struct_fields__, named, strict=False)), common

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Records: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | Records:
        return Records(self.rows[at], self.members) if isinstance(at, slice) else self._shown(self.rows[at])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._shown, self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records | list) and list(self) == list(other)  # pyright: ignore[reportUnknownArgumentType]

    def __repr__(self) -> str:
        return repr(list(self))

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def _shown(self, row: Struct) -> dict[str, Any]:
        *named, common = astuple(row)
        return {**dict(zip(row.__struct_fields__, named, strict=False)), **self.members(common)}
