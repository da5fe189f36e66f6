"""A resource as it is beside what its stack deployed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import Call, Fault, Properties, Tx
from windtunnel.fabric.resource import is_gone
from windtunnel.services.cloudformation.deploying.endings import rows_of
from windtunnel.services.cloudformation.deploying.places import kind_of
from windtunnel.services.cloudformation.deploying.steps import place_of
from windtunnel.services.cloudformation.drift.state import DRIFTS, Drifted
from windtunnel.services.cloudformation.state import NOT_CHECKED, ROWS, Row, Stack
from windtunnel.services.cloudformation.template.parsing import a_map


async def looked_at(call: Call, stack: Stack, logical: str, row: Row) -> Drifted:
    """How a resource differs, by what its own service says. Kinds that can't be read are not checked."""
    kind = kind_of(call.cloud.services.kind, row.type)
    expected = row.properties
    if kind is None or kind.deploy is None or kind.deploy.read is None:
        return Drifted(NOT_CHECKED, _text(expected), "", [], call.now())
    at = place_of(call, stack, logical, row, row.tags)
    try:
        actual = await kind.deploy.read(at, row.id, expected)
    except Fault as fault:
        if not is_gone(fault) and fault.code != "404":
            raise
        return Drifted("DELETED", _text(expected), "", [], call.now())
    expected = {name: value for name, value in expected.items() if name in actual}  # what can't be read back is not compared
    found = list(differences(expected, actual, ""))
    return Drifted("MODIFIED" if found else "IN_SYNC", _text(expected), _text(actual), found, call.now())


def _text(properties: Properties) -> str:
    return orjson.dumps(properties).decode()


def differences(expected: Any, actual: Any, path: str) -> Iterator[dict[str, Any]]:
    """Where two values differ, as DescribeStackResourceDrifts prints it."""
    if a_map(expected) and a_map(actual):
        for name in {**expected, **actual}:
            yield from differences(expected.get(name), actual.get(name), f"{path}/{name}")
    elif plain_text(expected) != plain_text(actual):
        kind = "ADD" if expected is None else "REMOVE" if actual is None else "NOT_EQUAL"
        values = {"ExpectedValue": "null" if expected is None else plain_text(expected)}
        values["ActualValue"] = "null" if actual is None else plain_text(actual)
        yield {"PropertyPath": path, **values, "DifferenceType": kind}


def keep(tx: Tx, stack: Stack, logical: str, drifted: Drifted) -> None:
    row = tx.get(ROWS, stack.uuid, logical)
    if row is not None:
        tx.put(ROWS, stack.uuid, logical, value=msgspec.structs.replace(row, drift=drifted.status, drift_checked=drifted.at))
        tx.put(DRIFTS, stack.uuid, logical, value=drifted)


def rows(tx: Tx, stack: Stack) -> dict[str, Row]:
    """What there is to look at."""
    return {logical: row for logical, row in rows_of(tx, stack).items() if row.id}


def shown(stack: Stack, logical: str, row: Row, drifted: Drifted) -> dict[str, Any]:
    """As the API prints it."""
    told: dict[str, Any] = {
        "StackId": stack.id,
        "LogicalResourceId": logical,
        "PhysicalResourceId": row.id,
        "ResourceType": row.type,
        "StackResourceDriftStatus": drifted.status,
        "Timestamp": drifted.at,
        "ExpectedProperties": drifted.expected,
        "PropertyDifferences": drifted.differences,
    }
    return {**told, "ActualProperties": drifted.actual} if drifted.actual else told
