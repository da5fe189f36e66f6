"""Filters of listings: what they may be, and which parameters they let through.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-search.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from windtunnel.fabric import Fault
from windtunnel.fabric.tags import tags_of
from windtunnel.services.ssm.parameters.rules import ADVANCED, BAD_PATH, INTELLIGENT, SECURE, STANDARD, invalid, is_path
from windtunnel.services.ssm.parameters.state import Found

Test = Callable[[Found], bool]
BY_PATH = ("Type", "KeyId", "Label")
DESCRIBED = ("Path", "Name", "Type", "KeyId", "Tier", "DataType")
_VALUES = {"Type": ("String", "StringList", SECURE), "Tier": (STANDARD, ADVANCED, INTELLIGENT)}
_EQUALS, _BEGINS, _CONTAINS = "Equals", "BeginsWith", "Contains"
_RESERVED = (
    'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, please specify'
    " within a global namespace."
)


def tests_of(filters: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[Test]:
    """What filters ask, of which all must be so. Raises InvalidFilterKey, InvalidFilterOption, InvalidFilterValue."""
    seen: set[str] = set()
    for each in filters:
        _check(each, keys)
        if each["Key"] in seen:
            why = (
                f"The following filter is duplicated in the request: {each['Key']}. A request can contain only one occurrence of a specific"
            )
            raise Fault("InvalidFilterKey", f"{why} filter.")
        seen.add(each["Key"])
    return [partial(_passes, each["Key"], option_of(each), tuple(each.get("Values") or ())) for each in filters]


def option_of(given: Mapping[str, Any]) -> str:
    return given.get("Option") or ("OneLevel" if given["Key"] == "Path" else _EQUALS)


def _check(given: Mapping[str, Any], keys: Sequence[str]) -> None:
    key, option, values = given["Key"], option_of(given), given.get("Values") or ()
    if key not in keys and not (key.startswith("tag:") and "Name" in keys):
        message = f"The following filter key is not valid: {key}. Valid filter keys include: [{', '.join(keys)}]."
        raise Fault("InvalidFilterKey", message)
    if not values and not key.startswith("tag:"):
        raise Fault("InvalidFilterValue", f"The following filter values are missing : null for filter key {key}.")
    options = _options(key)
    if option not in options:
        message = f"The following filter option is not valid: {option}. Valid options include: [{', '.join(options)}]."
        raise Fault("InvalidFilterOption", message)
    for value in values:
        if value not in _VALUES.get(key, (value,)):
            message = f"The following filter value is not valid: {value}. Valid values include: [{', '.join(_VALUES[key])}]."
            raise Fault("InvalidFilterValue", message)
        if key == "Path":
            if value.lower().startswith(("/aws", "/ssm")):
                raise invalid(_RESERVED)
            if not is_path(value):
                raise invalid(BAD_PATH)


def _options(key: str) -> tuple[str, ...]:
    if key == "Path":
        return "Recursive", "OneLevel"
    if key == "Label":
        return (_EQUALS,)
    return (_BEGINS, _EQUALS, _CONTAINS) if key == "Name" else (_BEGINS, _EQUALS)


def _passes(key: str, option: str, values: Sequence[str], found: Found) -> bool:
    parameter = found.parameter
    if key == "Path":
        name = f"/{parameter.name.removeprefix('/')}"
        return any(_lies_under(name, value, option) for value in values)
    if key == "Name":
        name = parameter.name.removeprefix("/")
        return any(_fits(option, name if option != _CONTAINS else f"/{name}", _bare(value, option)) for value in values)
    if key == "Label":
        return any(label in parameter.labels for label in values)
    if key.startswith("tag:"):
        value = tags_of(found.tx, found.arn).get(key.removeprefix("tag:"))
        return value is not None and (not values or any(_fits(option, value, each) for each in values))
    latest = parameter.latest
    told = {"Type": latest.type, "KeyId": latest.kms, "Tier": latest.tier, "DataType": latest.data_type}[key]
    return any(_fits(option, told, value) for value in values)


def _bare(value: str, option: str) -> str:
    return value if option == _CONTAINS else value.removeprefix("/")


def _fits(option: str, told: str, value: str) -> bool:
    if option == _CONTAINS:
        return value in told
    return told.startswith(value) if option == _BEGINS else told == value


def _lies_under(name: str, path: str, option: str) -> bool:
    folder = path.rstrip("/") + "/"
    return name.startswith(folder) and (option == "Recursive" or "/" not in name.removeprefix(folder))
