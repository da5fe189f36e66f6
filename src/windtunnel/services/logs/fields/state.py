"""When indexed fields were seen."""

from __future__ import annotations

import msgspec

from windtunnel.fabric import Table


class Indexed(msgspec.Struct, frozen=True, array_like=True):
    """When an indexed field was looked for, and the times of the first and the last event that had it; milliseconds."""

    scanned: int
    first: int = 0
    last: int = 0


INDEXED = Table("logs.indexed", Indexed)
"""(group, field) -> Indexed"""
