"""What a data protection policy must look like, and which of AWS's identifiers can be found here."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from windtunnel.fabric import Fault
from windtunnel.services.logs.protection.detection import ARN, KNOWN, MANAGED
from windtunnel.services.logs.rules import invalid

DOCUMENT_CHARACTERS_MAX = 30_720
CUSTOM_MAX = 10
_CUSTOM_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CUSTOM_REGEX = re.compile(r"[A-Za-z0-9_#=@/;,\- ^$?\[\]{}|\\*+.]{1,200}")


class Custom(msgspec.Struct, frozen=True):
    Name: str
    Regex: str


class Configuration(msgspec.Struct, frozen=True):
    CustomDataIdentifier: list[Custom] = []


class Statement(msgspec.Struct, frozen=True):
    DataIdentifier: list[str]
    Operation: dict[str, dict[str, Any]]


class Document(msgspec.Struct, frozen=True):
    """A data protection policy: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch-logs-data-protection-policies.html"""

    Statement: list[Statement]
    Configuration: Configuration = Configuration()


def check_protection(text: str) -> None:
    """Refuses what is no data protection policy, and identifiers that nothing here can find."""
    if len(text) > DOCUMENT_CHARACTERS_MAX:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    try:
        document = msgspec.json.decode(text, type=Document)
    except msgspec.DecodeError as error:
        raise _bad(str(error)) from error
    statements = {next(iter(one.Operation), ""): one for one in document.Statement}
    if len(document.Statement) != 2 or statements.keys() != {"Audit", "Deidentify"}:
        raise _bad("it must have one statement that audits and one that de-identifies")
    audit, hide = statements["Audit"], statements["Deidentify"]
    if "FindingsDestination" not in audit.Operation["Audit"]:
        raise _bad("the Audit operation must have a FindingsDestination")
    if hide.Operation["Deidentify"] != {"MaskConfig": {}}:
        raise _bad("the Deidentify operation must have an empty MaskConfig")
    if audit.DataIdentifier != hide.DataIdentifier or not hide.DataIdentifier:
        raise _bad("the data identifiers of both statements must be the same")
    custom = document.Configuration.CustomDataIdentifier
    if len(custom) > CUSTOM_MAX or any(not _is_custom(one) for one in custom):
        raise _bad("a custom data identifier is not valid")
    _check_identifiers(hide.DataIdentifier, {one.Name for one in custom})


def _check_identifiers(identifiers: list[str], custom: set[str]) -> None:
    names = [one.removeprefix(ARN) for one in identifiers]
    unknown = [
        name for one, name in zip(identifiers, names, strict=True) if (one == name) != (name in custom) or name not in {*KNOWN, *custom}
    ]
    if unknown:
        raise _bad(f"there is no data identifier {unknown[0]}")
    missing = [name for name in names if name not in MANAGED and name not in custom]
    if missing:
        raise Fault("NotImplemented", f"windtunnel does not find the sensitive data of {', '.join(missing)}.", status=501)


def _is_custom(one: Custom) -> bool:
    try:
        re.compile(one.Regex)
    except re.error:
        return False
    named = _CUSTOM_NAME.fullmatch(one.Name) is not None and one.Name not in KNOWN
    return named and _CUSTOM_REGEX.fullmatch(one.Regex) is not None


def _bad(reason: str) -> Fault:
    return invalid(f"The data protection policy is not valid: {reason}.")
