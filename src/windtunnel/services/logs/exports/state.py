"""What is remembered of export tasks."""

from __future__ import annotations

import msgspec

from windtunnel.fabric import Table


class Export(msgspec.Struct, frozen=True):
    """An export task; times in milliseconds, `completed` 0 while it isn't over."""

    id: str
    name: str
    group: str
    group_id: int
    streams: str
    """What the names of its streams begin with."""
    begin: int
    end: int
    bucket: str
    prefix: str
    created: int
    code: str = "PENDING"
    message: str = ""
    completed: int = 0

    @property
    def active(self) -> bool:
        return self.code in ("PENDING", "RUNNING", "PENDING_CANCEL")


EXPORTS = Table(
    "logs.exports",
    Export,
    indexes={
        "id": lambda key, task: (task.id,),
        "code": lambda key, task: (task.code,),
        "active": lambda key, task: () if task.active else None,
    },
)
"""serial -> Export"""
