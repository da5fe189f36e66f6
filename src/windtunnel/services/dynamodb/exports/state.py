"""What is remembered of exports and imports."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.fabric import Table


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """An export or an import: what is printed of it, and what tells its table from a later one of its name."""

    id: str
    table: str
    number: int
    digest: str
    """Of the request, for a client's token."""
    shown: dict[str, Any]
    at: float = 0.0
    """The moment that is exported."""
    since: float = 0.0
    """Of an incremental export: its beginning."""


EXPORTS = Table("dynamodb.exports", Job, indexes={"table": lambda key, job: (job.table, job.id)})
"""id -> Job, in the order of time"""
IMPORTS = Table("dynamodb.imports", Job, indexes={"table": lambda key, job: (job.table, job.id)})
"""id -> Job, in the order of time"""
JOB_TOKENS = Table("dynamodb.job_tokens", str)
"""("Export" | "Import", client token) -> the job's id"""
