"""What is remembered of stack sets, and under which keys: all of it in the account and region that administers them."""

from __future__ import annotations

from typing import Any

import msgspec

from windtunnel.aws.arn import partition_of
from windtunnel.fabric import Fault, Table, Tx

RUNNING = ("RUNNING", "STOPPING", "QUEUED")


class StackSet(msgspec.Struct, frozen=True, omit_defaults=True):
    """A template for many places. `parameters` and `tags` are as the client gave them."""

    id: str
    """name:UUID"""
    name: str
    template: str
    parameters: list[dict[str, Any]] = []
    tags: list[dict[str, str]] = []
    capabilities: list[str] = []
    description: str = ""
    administration: str = ""
    execution: str = ""
    status: str = "ACTIVE"
    managed: bool = False

    @property
    def uuid(self) -> str:
        return self.id.rpartition(":")[2]


class Instance(msgspec.Struct, frozen=True, omit_defaults=True):
    """A set's stack in one account and region."""

    stack_name: str
    stack_id: str = ""
    status: str = "OUTDATED"
    detailed: str = "PENDING"
    reason: str = ""
    overrides: list[dict[str, Any]] = []
    operation: str = ""


class SetOperation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is done to a set's instances."""

    id: str
    action: str
    created: float
    status: str = "RUNNING"
    ended: float = 0.0
    accounts: list[str] = []
    regions: list[str] = []
    retain: bool = False
    preferences: dict[str, Any] = {}
    failed: int = 0


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of an operation in one place."""

    status: str = "PENDING"
    reason: str = ""


SETS = Table("cloudformation.sets", StackSet)
"""name -> StackSet"""
INSTANCES = Table("cloudformation.instances", Instance)
"""(uuid of the set, account, region) -> Instance"""
OPERATIONS = Table("cloudformation.set_operations", SetOperation)
"""(uuid of the set, -serial, id) -> SetOperation: the newest first"""
OPERATION_IDS = Table("cloudformation.set_operation_ids", int)
"""(uuid of the set, id) -> -serial"""
RESULTS = Table("cloudformation.set_results", Result)
"""(uuid of the set, id of the operation, account, region) -> Result"""


def find_set(tx: Tx, text: str) -> StackSet:
    """A set by its name or id. Raises StackSetNotFoundException."""
    found = tx.get(SETS, text.partition(":")[0])
    if found is None or text not in (found.name, found.id):
        raise Fault("StackSetNotFoundException", f"StackSet {text} not found")
    return found


def find_operation(tx: Tx, found: StackSet, id: str) -> SetOperation:
    serial = tx.get(OPERATION_IDS, found.uuid, id)
    operation = None if serial is None else tx.get(OPERATIONS, found.uuid, serial, id)
    if operation is None:
        raise Fault("OperationNotFoundException", f"Operation {id} not found")
    return operation


def put_operation(tx: Tx, uuid: str, operation: SetOperation) -> None:
    serial = tx.get(OPERATION_IDS, uuid, operation.id)
    if serial is None:
        serial = -tx.serial()
        tx.put(OPERATION_IDS, uuid, operation.id, value=serial)
    tx.put(OPERATIONS, uuid, serial, operation.id, value=operation)


def set_arn(tx: Tx, found: StackSet) -> str:
    return f"arn:{partition_of(tx.region)}:cloudformation:{tx.region}:{tx.account}:stackset/{found.id}"
