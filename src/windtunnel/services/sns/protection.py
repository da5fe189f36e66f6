"""Data protection policies: what is sensitive in a message is refused, hidden or logged, on its way in or on its way out.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-data-protection-policies.html. Of AWS's data identifiers those are found that have a
form of their own; names, addresses and the like are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec

from windtunnel.fabric import Tx
from windtunnel.services.sns.rules import invalid
from windtunnel.services.sns.state import DATA_PROTECTION, Topic

POLICY_LENGTH_MAX = 30_720
PERCENT = 100
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_FORMS: Final = {
    "EmailAddress": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    "CreditCardNumber": re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)"),
    "Ssn-US": re.compile(r"(?<!\d)(?!000|666|9)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}(?!\d)"),
    "PhoneNumber-US": re.compile(r"(?<!\d)(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]?\d{4}(?!\d)"),
    "IpAddress": re.compile(rf"(?<![\d.]){_OCTET}(?:\.{_OCTET}){{3}}(?![\d.])"),
    "OpenSshPrivateKey": re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----[\s\S]*?-----END OPENSSH PRIVATE KEY-----"),
    "PgpPrivateKey": re.compile(r"-----BEGIN PGP PRIVATE KEY BLOCK-----[\s\S]*?-----END PGP PRIVATE KEY BLOCK-----"),
    "PkcsPrivateKey": re.compile(r"-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[\s\S]*?-----END (?:RSA |EC )?PRIVATE KEY-----"),
}


class Statement(msgspec.Struct, frozen=True, rename="pascal"):
    """One thing that is done about sensitive data."""

    data_direction: Literal["Inbound", "Outbound"]
    principal: list[str]
    data_identifier: list[Annotated[str, msgspec.Meta(pattern=r"^arn:aws[a-z-]*:dataprotection::aws:data-identifier/[A-Za-z0-9-]+$")]]
    operation: Annotated[dict[Literal["Audit", "Deidentify", "Deny"], dict[str, Any]], msgspec.Meta(min_length=1, max_length=1)]


class Policy(msgspec.Struct, frozen=True, rename="pascal"):
    """A data protection policy."""

    name: str
    version: Literal["2021-06-01"]
    statement: Annotated[list[Statement], msgspec.Meta(min_length=1)]


def checked(text: str) -> str:
    """A policy's text. Raises InvalidParameter."""
    if len(text) > POLICY_LENGTH_MAX:
        raise invalid(f"DataProtectionPolicy Reason: length must be less than or equal to {POLICY_LENGTH_MAX}")
    try:
        _statements(text)
    except msgspec.DecodeError as error:
        raise invalid(f"DataProtectionPolicy Reason: {error}") from error
    return text


def protected(tx: Tx, topic: Topic, direction: str, principal: str, text: str) -> tuple[str | None, list[dict[str, Any]]]:
    """A message as it may go on, None where it may not; and what audits are to be told: `{"group": log group, "found": findings}`."""
    audits: list[dict[str, Any]] = []
    policy = tx.get(DATA_PROTECTION, topic.number)
    for statement in _statements(policy) if policy else ():
        if statement.data_direction != direction or not {"*", principal} & set(statement.principal):
            continue
        [(operation, how)] = statement.operation.items()
        found = list(_found(statement.data_identifier, text))
        if operation == "Deny" and found:
            return None, audits
        if operation == "Deidentify":
            text = _hidden(text, found, how.get("MaskConfig", {}).get("MaskWithCharacter", ""))
        if operation == "Audit" and (group := _group(how, found)) and tx.ids.fraction() * PERCENT < int(how.get("SampleRate", "99")):
            audits.append({"group": group, "found": _counted(found)})
    return text, audits


@lru_cache(maxsize=256)
def _statements(text: str) -> list[Statement]:
    return msgspec.json.decode(text, type=Policy).statement


def _found(identifiers: list[str], text: str) -> Iterator[tuple[str, int, int]]:
    """What is sensitive: (identifier's name, begin, end)."""
    for arn in identifiers:
        name = arn.rpartition("/")[2]
        form = _FORMS.get(name)
        for match in form.finditer(text) if form else ():
            if name != "CreditCardNumber" or _is_card(match[0]):
                yield name, match.start(), match.end()


def _is_card(text: str) -> bool:
    """Luhn's checksum, which every card number has."""
    digits = [int(digit) for digit in text if digit.isdigit()][::-1]
    return sum(digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)) % 10 == 0


def _hidden(text: str, found: list[tuple[str, int, int]], mask: str) -> str:
    for _, begin, end in sorted(found, key=lambda one: -one[1]):
        text = text[:begin] + mask * (end - begin) + text[end:]
    return text


def _group(how: Mapping[str, Any], found: list[tuple[str, int, int]]) -> str:
    place: dict[str, dict[str, str]] = how.get("FindingsDestination" if found else "NoFindingsDestination") or {}
    return place.get("CloudWatchLogs", {}).get("LogGroup", "")


def _counted(found: list[tuple[str, int, int]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for name, _, _ in found)
    spots = {name: [{"start": begin, "end": end} for one, begin, end in found if one == name] for name in names}
    return [{"name": name, "count": len(spots[name]), "detections": spots[name]} for name in names]
