"""What stories take from AWS's own description of a service, so that they also ask the operations that come later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.model import OperationModel, operation_model, operation_names, snake
from windtunnel.fabric import Service


def operations_of(service: Service) -> list[OperationModel]:
    """The operations that a service implements."""
    return [operation_model(service.name, name) for name in operation_names(service.name) if snake(name) in service.functions]


def takes(operation: OperationModel, *members: str) -> bool:
    shape = operation.input_shape
    return shape is not None and set(members) <= set(shape.members)


def documents(operation: OperationModel, code: str) -> bool:
    return any(shape.error_code == code for shape in operation.error_shapes)


def needed(operation: OperationModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """A request that says what an operation can't do without."""
    shape = operation.input_shape
    assert shape is not None
    return {name: values[name] for name in shape.required_members}
