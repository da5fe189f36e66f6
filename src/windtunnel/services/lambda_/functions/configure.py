"""What a function can be told: the members of CreateFunction and UpdateFunctionConfiguration, checked and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.lambda_.access.sharing import check_layer
from windtunnel.services.lambda_.rules import LAYERS_MAX, check_environment, check_limits, check_runtime, invalid, layer_arn, layer_of
from windtunnel.services.lambda_.state import LAYER_VERSIONS, Durable, Used, Version


def given(tx: Tx, req: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Version that a request sets. Raises InvalidParameterValueException."""
    check_limits(req)
    fields: dict[str, Any] = {}
    for member, field in (
        ("Handler", "handler"),
        ("Description", "description"),
        ("Timeout", "timeout"),
        ("MemorySize", "memory"),
        ("Architectures", "architectures"),
        ("LoggingConfig", "logging"),
        ("FileSystemConfigs", "files"),
        ("KMSKeyArn", "kms"),
    ):
        if member in req:
            fields[field] = req[member]
    for member, inner, field, default in (
        ("EphemeralStorage", "Size", "ephemeral", 512),
        ("TracingConfig", "Mode", "tracing", "PassThrough"),
        ("SnapStart", "ApplyOn", "snap_start", "None"),
        ("DeadLetterConfig", "TargetArn", "dead_letter", ""),
    ):
        if member in req:
            fields[field] = req[member].get(inner) or default
    if "Runtime" in req:
        check_runtime(req["Runtime"])
        fields["runtime"] = req["Runtime"]
    if "Environment" in req:
        variables = req["Environment"].get("Variables", {})
        check_environment(variables)
        fields["environment"] = variables
    if "Layers" in req:
        fields["layers"] = layers(tx, req["Layers"])
    if "VpcConfig" in req:
        vpc = req["VpcConfig"]
        fields["vpc"] = {
            "SubnetIds": vpc.get("SubnetIds", []),
            "SecurityGroupIds": vpc.get("SecurityGroupIds", []),
            "Ipv6AllowedForDualStack": vpc.get("Ipv6AllowedForDualStack", False),
        }
    if fields.get("dead_letter") and fields["dead_letter"].split(":")[2:3] not in (["sqs"], ["sns"]):
        raise invalid(f"The provided dead letter configuration {fields['dead_letter']} is invalid.")
    return fields


def durable_of(req: Mapping[str, Any], before: Durable | None, *, new: bool) -> Durable | None:
    """A function is durable from the beginning, or never. Raises InvalidParameterValueException.

    https://docs.aws.amazon.com/lambda/latest/dg/durable-configuration.html
    """
    if "DurableConfig" not in req:
        return before
    given = req["DurableConfig"]
    if new and "ExecutionTimeout" not in given:
        raise invalid("You cannot create a function with a durable configuration without an executionTimeout")
    if before is None and not new:
        raise invalid("You cannot add a durable configuration to a function that was created without one.")
    members = (("ExecutionTimeout", "timeout"), ("RetentionPeriodInDays", "retention"), ("KMSKeyArn", "kms"))
    fields: dict[str, Any] = {field: given[member] for member, field in members if member in given}
    return Durable(**fields) if before is None else msgspec.structs.replace(before, **fields)


def configured(tx: Tx, version: Version, req: Mapping[str, Any]) -> Version:
    """A version with what a request changes."""
    fields = {**given(tx, req), **_role(req), "durable": durable_of(req, version.durable, new=False)}
    return msgspec.structs.replace(version, **fields, modified=tx.now, revision=tx.new_id(), generation=tx.serial())


def _role(req: Mapping[str, Any]) -> dict[str, str]:
    return {"role": req["Role"]} if "Role" in req else {}


def layers(tx: Tx, arns: Sequence[str]) -> list[Used]:
    """The layers' versions that a function wants."""
    if len(arns) > LAYERS_MAX:
        raise invalid(f"Cannot reference more than {LAYERS_MAX} layers.")
    used: list[Used] = []
    seen: dict[tuple[str, str], str] = {}
    for arn in arns:
        name = layer_of(arn)
        if name.region != tx.region:
            raise invalid(f"Layers are not in the same region as the function. Layers are expected to be in region {tx.region}.")
        check_layer(tx, name, int(name.qualifier or 0))
        found = tx.at(account=name.account).get(LAYER_VERSIONS, name.name, -int(name.qualifier or 0))
        if found is None:
            raise invalid(f"Layer version {arn} does not exist.")
        earlier = seen.get((name.account, name.name))
        if earlier is not None:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{earlier} and {arn} are versions of the same layer."
            )
        seen[name.account, name.name] = arn
        used.append(Used(layer_arn(name.region, name.account, name.name, int(name.qualifier)), found.size, found.code))
    return used
