"""Global tables of the version of 2017, which AWS makes no more: who asks for one is told to take the version of 2019 (`replicas.py`).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables.V1.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.values import WRONG
from windtunnel.fabric import Fault, Tx

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

LEGACY = (
    f"{WRONG}DynamoDB global tables version 2017.11.29 is not supported. "
    "We recommend using DynamoDB global tables version 2019.11.21, instead of version 2017.11.29 (Legacy)."
)


def create_global_table(tx: Tx, req: t.CreateGlobalTableInput) -> dict[str, Any]:
    raise invalid(LEGACY)


def update_global_table(tx: Tx, req: t.UpdateGlobalTableInput) -> dict[str, Any]:
    raise invalid(LEGACY)


def describe_global_table(tx: Tx, req: t.DescribeGlobalTableInput) -> dict[str, Any]:
    raise _none(req["GlobalTableName"])


def describe_global_table_settings(tx: Tx, req: t.DescribeGlobalTableSettingsInput) -> dict[str, Any]:
    raise _none(req["GlobalTableName"])


def update_global_table_settings(tx: Tx, req: t.UpdateGlobalTableSettingsInput) -> dict[str, Any]:
    raise _none(req["GlobalTableName"])


def list_global_tables(tx: Tx, req: t.ListGlobalTablesInput) -> dict[str, Any]:
    """Tables of the later version are not among them."""
    return {"GlobalTables": []}


def _none(name: str) -> Fault:
    return Fault("GlobalTableNotFoundException", f"Global table not found: Global table with name: '{name}' does not exist.")
