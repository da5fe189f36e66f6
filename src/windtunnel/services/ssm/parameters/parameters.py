"""Parameters: put, read by name, deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from windtunnel.aws.java_patterns import java_pattern
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import TAGS_MAX, set_tags, tag_map
from windtunnel.services.ssm.parameters.events import tell_change, tell_unmade
from windtunnel.services.ssm.parameters.policies import policies_of, renewed, schedule
from windtunnel.services.ssm.parameters.reading import find, read
from windtunnel.services.ssm.parameters.rules import SECURE, check_new_name, invalid
from windtunnel.services.ssm.parameters.state import PARAMETERS, Found, Parameter, Version, arn_of, place_of
from windtunnel.services.ssm.parameters.tiers import check_room, check_size, tier_of
from windtunnel.services.ssm.parameters.types import TEXT, check_data_type, is_image
from windtunnel.services.ssm.parameters.values import MANAGED, sealed
from windtunnel.services.ssm.parameters.writing import follow, forget

if TYPE_CHECKING:
    from windtunnel.aws.types import ssm as t

_NESTED = re.compile(r"\{\{.*\}\}", re.DOTALL)


def put_parameter(tx: Tx, req: t.PutParameterRequest) -> t.PutParameterResult:
    name, value = req["Name"].strip(), req["Value"]
    check_new_name(name, arn_of(tx, name))
    if req.get("Overwrite") and req.get("Tags"):
        raise invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To"
            " update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource."
        )
    kept = tx.get(PARAMETERS, *place_of(name))
    if kept is not None and not req.get("Overwrite"):
        message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
        raise Fault("ParameterAlreadyExists", message)
    before = None if kept is None else kept.latest
    version = _version(tx, req, before)
    _check_value(value, version)
    if version.data_type == "aws:ec2:image" and not is_image(value):
        tell_unmade(tx, name, version)
    elif kept is None:
        _create(tx, name, req, version)
    else:
        found = Found(tx, kept)
        schedule(follow(found, sealed(found, version, value)))
        tell_change(found, "Update")
    return {"Version": version.number, "Tier": version.tier}  # pyright: ignore[reportReturnType]


def _version(tx: Tx, req: t.PutParameterRequest, before: Version | None) -> Version:
    """The version that a request makes, but for its value. What an update leaves out stays as it was."""
    kind = req.get("Type") or ("" if before is None else before.type)
    if not kind:
        raise invalid("A parameter type is required when you create a parameter.")
    if "KeyId" in req and kind != SECURE:
        raise invalid("KeyId is required for SecureString type parameter only.")
    policies = renewed(before.policies, tx.now) if before is not None else []
    if "Policies" in req:
        policies = policies_of(req["Policies"], tx.now)
    data_type = req.get("DataType") or (TEXT if before is None else before.data_type)
    return Version(
        1 if before is None else before.number + 1,
        kind,
        tx.now,
        tx.scope.principal.arn,
        kms=req.get("KeyId", MANAGED) if kind == SECURE else "",
        tier=tier_of(tx, req, before, data_type, policies),
        data_type=data_type,
        description=req.get("Description", "" if before is None else before.description),
        pattern=req.get("AllowedPattern", "" if before is None else before.pattern),
        policies=policies,
    )


def _check_value(value: str, version: Version) -> None:
    if not value:
        why = "Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1."
        raise invalid(f"1 validation error detected: {why}")
    if _NESTED.search(value):
        raise invalid(f'Parameter value can\'t nest another parameter. Do not use "{{{{}}}}" in the value: {value}')
    check_size(value, version.tier)
    check_data_type(version.data_type, value)
    if not version.pattern:
        return
    compiled = java_pattern(version.pattern)
    if compiled is None:
        raise Fault("InvalidAllowedPatternException", f"The allowed pattern {version.pattern} is not a valid regular expression.")
    if not compiled.fullmatch(value):
        message = f"Parameter value, cannot be validated against allowedPattern: {version.pattern}"
        raise Fault("ParameterPatternMismatchException", message)


def _create(tx: Tx, name: str, req: t.PutParameterRequest, version: Version) -> None:
    tags = tag_map(req.get("Tags") or [])  # pyright: ignore[reportArgumentType]
    if len(tags) > TAGS_MAX:
        raise invalid(f"A parameter can't have more than {TAGS_MAX} tags.")
    check_room(tx, version.tier)
    found = Found(tx, Parameter(tx.serial(), name, version))
    found = found.put(latest=sealed(found, version, req["Value"]))
    set_tags(tx, found.arn, tags)
    schedule(found)
    tell_change(found, "Create")


def get_parameter(tx: Tx, req: t.GetParameterRequest) -> t.GetParameterResult:
    return {"Parameter": read(tx, req["Name"], "GetParameter", decrypt=bool(req.get("WithDecryption")))}  # pyright: ignore[reportReturnType]


def get_parameters(tx: Tx, req: t.GetParametersRequest) -> t.GetParametersResult:
    """Those that can be read, in the order of their names; the others are only named."""
    found: list[Any] = []
    invalid_names: list[str] = []
    for name in sorted(set(req["Names"])):
        try:
            found.append(read(tx, name, "GetParameters", decrypt=bool(req.get("WithDecryption"))))
        except Fault as fault:
            if fault.code not in _UNREAD:
                raise
            invalid_names.append(name)
    return {"Parameters": found, "InvalidParameters": invalid_names}


_UNREAD = ("ParameterNotFound", "ParameterVersionNotFound", "ValidationException")


def delete_parameter(tx: Tx, req: t.DeleteParameterRequest) -> None:
    forget(_own(tx, req["Name"]))


def _own(tx: Tx, name: str) -> Found:
    if name.startswith("arn:"):
        raise invalid("Parameter name can't be an ARN.")
    return find(tx, name, "DeleteParameter")


def delete_parameters(tx: Tx, req: t.DeleteParametersRequest) -> t.DeleteParametersResult:
    deleted: list[str] = []
    unknown: list[str] = []
    for name in dict.fromkeys(req["Names"]):
        try:
            forget(_own(tx, name))
            deleted.append(name)
        except Fault:
            unknown.append(name)
    return {"DeletedParameters": deleted, "InvalidParameters": unknown}
