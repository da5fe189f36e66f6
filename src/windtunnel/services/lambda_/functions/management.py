"""What tools ask of every function beside its configuration: how its runtime is updated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.places import find, own
from windtunnel.services.lambda_.rules import LATEST, arn_of, invalid
from windtunnel.services.lambda_.state import RUNTIME_CONFIGS, RuntimeConfig

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t


def put_runtime_management_config(tx: Tx, req: t.PutRuntimeManagementConfigRequest) -> dict[str, Any]:
    found = find(tx, own(tx, req))
    update, arn = req["UpdateRuntimeOn"], req.get("RuntimeVersionArn", "")
    if (update == "Manual") != bool(arn):
        raise invalid(
            "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."
            if update == "Manual"
            else "RuntimeVersionArn can only be used when UpdateRuntimeOn is Manual."
        )
    config = RuntimeConfig(update, arn)
    tx.put(RUNTIME_CONFIGS, found.name, found.qualifier or LATEST, value=config)
    return _printed(tx, found.name, found.qualifier or LATEST, config)


def get_runtime_management_config(tx: Tx, req: t.GetRuntimeManagementConfigRequest) -> dict[str, Any]:
    found = find(tx, own(tx, req))
    qualifier = found.qualifier or LATEST
    return _printed(tx, found.name, qualifier, tx.get(RUNTIME_CONFIGS, found.name, qualifier) or RuntimeConfig("Auto"))


def _printed(tx: Tx, name: str, qualifier: str, config: RuntimeConfig) -> dict[str, Any]:
    shown = {"UpdateRuntimeOn": config.update, "FunctionArn": arn_of(tx.region, tx.account, name, qualifier)}
    return shown | ({"RuntimeVersionArn": config.arn} if config.arn else {})
