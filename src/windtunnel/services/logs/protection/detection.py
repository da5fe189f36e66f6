"""Sensitive data in messages: where it is, by the identifiers of a data protection policy, and what is shown in its place.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL-managed-data-identifiers.html. Identifiers that are patterns, with a
keyword nearby where AWS wants one, are here; those that AWS finds by learning (names, addresses) or by long tables of countries aren't.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

ARN = "arn:aws:dataprotection::aws:data-identifier/"
KEYWORD_CHARACTERS_MAX = 30
"""How far a keyword may be from what it belongs to."""
_CARD = (
    "account number, american express, amex, bank card, card, card number, card num, cc #, ccn, check card, credit, credit card#, "
    "dankort, debit, debit card, diners club, discover, electron, japanese card bureau, jcb, mastercard, mc, pan, "
    "payment account number, payment card number, pcn, union pay, visa"
)
_CODE = (
    "card id, card identification code, card identification number, card security code, card validation code, card validation number, "
    "card verification data, card verification value, cvc, cvc2, cvv, cvv2, elo verification code"
)
_ACCOUNT = "account code, account number, accountno#, accountnumber#, bban, customer account id, customer account number, iban"
_PHONE = "cell, contact, fax, fax number, mobile, phone, phone number, tel, telephone, telephone number"
_VEHICLE = "fahrgestellnummer, niv, vehicle identification number, vin"
_CARD_PREFIX = re.compile(r"3[47]|3[068]|35|4|5[0-9]|6[0-9]|2[2-7]")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_BLOCK = r"-----BEGIN {0}-----(?:.|\n)*?-----END {0}-----"


class Identifier(NamedTuple):
    """One kind of data: its pattern, the keywords of which one must be near, and what else must hold."""

    pattern: re.Pattern[str]
    keywords: re.Pattern[str] | None = None
    holds: Callable[[str], bool] = bool


def _identifier(pattern: str, keywords: str = "", holds: Callable[[str], bool] = bool) -> Identifier:
    # A space in a keyword stands for nothing, an underscore or a hyphen as well.
    words = [re.escape(word).replace(r"\ ", "[ _-]?") for word in keywords.split(", ") if word]
    near = re.compile(rf"(?<![a-z])(?:{'|'.join(words)})(?![a-z])", re.IGNORECASE) if words else None
    return Identifier(re.compile(pattern), near, holds)


def _is_card(text: str) -> bool:
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return _CARD_PREFIX.match(text) is not None and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


MANAGED: dict[str, Identifier] = {
    "EmailAddress": _identifier(r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    "IpAddress": _identifier(
        rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d.])|(?<![\w:])(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}(?![\w:])"
    ),
    "AwsSecretKey": _identifier(
        r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        "aws_secret_access_key, credentials, secret access key, secret key, set-awscredential",
    ),
    "OpenSshPrivateKey": _identifier(_BLOCK.format("OPENSSH PRIVATE KEY")),
    "PgpPrivateKey": _identifier(_BLOCK.format("PGP PRIVATE KEY BLOCK")),
    "PkcsPrivateKey": _identifier(_BLOCK.format("(?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY")),
    "PuttyPrivateKey": _identifier(r"PuTTY-User-Key-File-\d: (?:.|\n)*?Private-MAC: [0-9a-f]+"),
    "CreditCardNumber": _identifier(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", _CARD, _is_card),
    "CreditCardExpiration": _identifier(
        r"(?<!\d)(?:0?[1-9]|1[0-2])[/-](?:\d{4}|\d{2})(?!\d)", "exp d, exp m, exp y, exp, expiration, expiry"
    ),
    "CreditCardSecurityCode": _identifier(r"(?<!\d)\d{3,4}(?!\d)", _CODE),
    "LatLong": _identifier(
        r"(?<![\d.])-?\d{1,2}\.\d+\s*,\s*-?\d{1,3}\.\d+(?![\d.])",
        "coordinate, coordinates, lat long, latitude longitude, location, position",
    ),
    "VehicleIdentificationNumber": _identifier(r"\b[A-HJ-NPR-Z0-9]{17}\b", _VEHICLE),
    "Ssn-US": _identifier(r"(?<!\d)(?!000|666|9)\d{3}[- ]?(?!00)\d{2}[- ]?(?!0000)\d{4}(?!\d)", "social security, ss#, ssn"),
    "ZipCode-US": _identifier(r"(?<!\d)\d{5}(?:-\d{4})?(?!\d)", "zip code, zip+4"),
    "PhoneNumber-US": _identifier(r"(?<!\d)(?:\+?1[ .-]?)?\(?[2-9]\d{2}\)?[ .-]?\d{3}[ .-]?\d{4}(?!\d)", _PHONE),
    "NationalInsuranceNumber-GB": _identifier(
        r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
        "insurance no., insurance number, insurance#, national insurance number, nationalinsurance#, nin, nino",
    ),
    "CepCode-BR": _identifier(r"(?<!\d)\d{5}-\d{3}(?!\d)", "cep, código de endereçamento postal, codigo de endereçamento postal"),
    "CpfCode-BR": _identifier(
        r"(?<!\d)\d{3}\.?\d{3}\.?\d{3}-?\d{2}(?!\d)", "cadastro de pessoas fisicas, cadastro de pessoas físicas, cpf"
    ),
    "Cnpj-BR": _identifier(r"(?<!\d)\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}(?!\d)", "cadastro nacional da pessoa jurídica, cnpj"),
    **{
        f"BankAccountNumber-{country}": _identifier(rf"\b{country}\d{{2}}(?: ?[A-Z0-9]){{11,30}}\b", _ACCOUNT)
        for country in ("DE", "ES", "FR", "GB", "IT")
    },
}
COUNTRIES = {
    "BankAccountNumber": "DE ES FR GB IT US",
    "CepCode": "BR",
    "Cnpj": "BR",
    "CpfCode": "BR",
    "DriversLicense": "AT AU BE BG CA CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK US",
    "DrugEnforcementAgencyNumber": "US",
    "ElectoralRollNumber": "GB",
    "HealthInsuranceCardNumber": "EU",
    "HealthInsuranceClaimNumber": "US",
    "HealthInsuranceNumber": "FR",
    "HealthcareProcedureCode": "US",
    "IndividualTaxIdentificationNumber": "US",
    "InseeCode": "FR",
    "MedicareBeneficiaryNumber": "US",
    "NationalDrugCode": "US",
    "NationalIdentificationNumber": "DE ES IT",
    "NationalInsuranceNumber": "GB",
    "NationalProviderId": "US",
    "NhsNumber": "GB",
    "NieNumber": "ES",
    "NifNumber": "ES",
    "PassportNumber": "CA DE ES FR GB IT US",
    "PermanentResidenceNumber": "CA",
    "PersonalHealthNumber": "CA",
    "PhoneNumber": "BR DE ES FR GB IT US",
    "PostalCode": "CA",
    "RgNumber": "BR",
    "SocialInsuranceNumber": "CA",
    "Ssn": "ES US",
    "TaxId": "DE ES FR GB",
    "ZipCode": "US",
}
KNOWN = frozenset(
    {*MANAGED, "Address", "DateOfBirth", "Name", *(f"{name}-{code}" for name, codes in COUNTRIES.items() for code in codes.split())}
)
"""All that AWS's page names."""


class Finding(NamedTuple):
    name: str
    start: int
    end: int


@lru_cache(maxsize=256)
def detector(document: str) -> Callable[[str], list[Finding]]:
    """Finds what a policy masks in a message."""
    policy: Any = orjson.loads(document)
    custom = {one["Name"]: Identifier(re.compile(one["Regex"])) for one in policy.get("Configuration", {}).get("CustomDataIdentifier", ())}
    names = [name.rpartition("/")[2] for one in policy["Statement"] if "Deidentify" in one["Operation"] for name in one["DataIdentifier"]]
    wanted = [(name, custom[name] if name in custom else MANAGED[name]) for name in names]

    def detect(message: str) -> list[Finding]:
        return [Finding(name, *span) for name, identifier in wanted for span in _spans(identifier, message)]

    return detect


def masked(message: str, findings: list[Finding]) -> str:
    """The message with an asterisk for each character that was found."""
    characters = list(message)
    for finding in findings:
        characters[finding.start : finding.end] = "*" * (finding.end - finding.start)
    return "".join(characters)


def _spans(identifier: Identifier, message: str) -> Iterator[tuple[int, int]]:
    for match in identifier.pattern.finditer(message):
        start, end = match.span()
        if not identifier.holds(match.group()):
            continue
        near = identifier.keywords
        before, after = message[max(0, start - KEYWORD_CHARACTERS_MAX) : start], message[end : end + KEYWORD_CHARACTERS_MAX]
        if near is None or near.search(before) or near.search(after):
            yield start, end
