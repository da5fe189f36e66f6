"""Tables found by name or ARN, and what is said where there is none."""

from __future__ import annotations

import re

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.services.dynamodb.state import TABLES, TableRow

NAME_LENGTH_MIN, NAME_LENGTH_MAX = 3, 255
_NAME = re.compile(r"[a-zA-Z0-9_.-]+\Z")
_ARN_RESOURCE = re.compile(r"table/([a-zA-Z0-9_.-]+)((?:/.*)?)\Z")


class Found(msgspec.Struct, frozen=True):
    """A table, and the transaction as seen from its account and region."""

    tx: Tx
    row: TableRow


def check_given(text: str) -> None:
    """Refuses what can't name a table, before anything else of a request about items is looked at."""
    if NAME_LENGTH_MIN <= len(text) <= NAME_LENGTH_MAX or text.startswith("arn:"):
        return
    bound = f"greater than or equal to {NAME_LENGTH_MIN}" if len(text) < NAME_LENGTH_MIN else f"less than or equal to {NAME_LENGTH_MAX}"
    raise invalid(
        f"1 validation error detected: Value '{text}' at 'tableName' failed to satisfy constraint: Member must have length {bound}"
    )


def find(tx: Tx, text: str) -> Found:
    """The table that a data operation names."""
    tx, name = _named(tx, text)
    row = tx.get(TABLES, name)
    if row is None or row.filling:
        raise not_found()
    return Found(tx, row)


def find_named(tx: Tx, text: str) -> Found:
    """The table that an operation on tables names: its refusal says the name."""
    tx, name = _named(tx, text)
    row = tx.get(TABLES, name)
    if row is None:
        raise no_such_table(name)
    return Found(tx, row)


def name_of(tx: Tx, text: str) -> str:
    """The name of a table that is named by itself or in an ARN."""
    return _named(tx, text)[1]


def find_arn(tx: Tx, text: str) -> Found | None:
    """The table of an ARN; None where there is none, or where it isn't a table's."""
    arn = parse_or_none(text)
    match = _ARN_RESOURCE.match(arn.resource) if arn is not None and arn.service == "dynamodb" else None
    if arn is None or match is None:
        return None
    tx = tx.at(account=arn.account, region=arn.region)
    row = tx.get(TABLES, match[1])
    return None if row is None else Found(tx, row)


def check_name(name: str, member: str = "TableName") -> None:
    if not NAME_LENGTH_MIN <= len(name) <= NAME_LENGTH_MAX:
        raise invalid(f"{member} must be at least {NAME_LENGTH_MIN} characters long and at most {NAME_LENGTH_MAX} characters long")
    if not _NAME.match(name):
        shown = member[0].lower() + member[1:]
        raise invalid(
            f"1 validation error detected: Value '{name}' at '{shown}' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )


def not_found() -> Fault:
    return Fault("ResourceNotFoundException", "Requested resource not found")


def no_such_table(name: str) -> Fault:
    return Fault("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")


def _named(tx: Tx, text: str) -> tuple[Tx, str]:
    if text.startswith("arn:"):
        arn = parse_or_none(text)
        match = _ARN_RESOURCE.match(arn.resource) if arn is not None and arn.service == "dynamodb" else None
        if arn is None or match is None or match[2]:
            raise invalid("Invalid table ARN")
        return tx.at(account=arn.account, region=arn.region), match[1]
    if not (NAME_LENGTH_MIN <= len(text) <= NAME_LENGTH_MAX and _NAME.match(text)):
        check_name(text)
    return tx, text
