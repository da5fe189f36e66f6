"""What Scheduler remembers: groups, and the schedules in them. When a schedule runs next is a timer's row.

The group `default` is there without a row; it has one once it has tags or was asked for.
"""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Table, Tx

DEFAULT = "default"
ENABLED = "ENABLED"


class Group(msgspec.Struct, frozen=True):
    """A schedule group."""

    created: float
    modified: float
    token: str = ""
    """Of the request that created it."""
    deleting: bool = False


class Schedule(msgspec.Struct, frozen=True):
    """A schedule; `settings` are its members as they were given. `since` is from when its rate counts."""

    created: float
    modified: float
    settings: dict[str, Any]
    since: float
    token: str = ""

    @property
    def enabled(self) -> bool:
        return self.settings.get("State", ENABLED) == ENABLED


GROUPS = Table("scheduler.groups", Group)
"""name -> Group"""
SCHEDULES = Table("scheduler.schedules", Schedule)
"""(group, name) -> Schedule"""


def schedule_arn(tx: Tx, group: str, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:scheduler:{tx.region}:{tx.account}:schedule/{group}/{name}"


def group_arn(tx: Tx, name: str) -> str:
    return f"arn:{partition_of(tx.region)}:scheduler:{tx.region}:{tx.account}:schedule-group/{name}"


def find_group(tx: Tx, name: str) -> Group:
    group = tx.get(GROUPS, name)
    if group is not None:
        return group
    if name == DEFAULT:
        return Group(tx.now, tx.now)
    raise Fault("ResourceNotFoundException", f"Schedule group {name} does not exist.")


def find_schedule(tx: Tx, group: str, name: str) -> Schedule:
    schedule = tx.get(SCHEDULES, group, name)
    if schedule is None:
        raise Fault("ResourceNotFoundException", f"Schedule {name} does not exist.")
    return schedule


def invalid(message: str) -> Fault:
    return Fault("ValidationException", message)
