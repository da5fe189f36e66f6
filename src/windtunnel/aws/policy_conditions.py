"""The Condition element of a policy's statement, compiled to functions of a request's context.

All operators and what they do with absent and with several values:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any, cast

from windtunnel.aws.policy_text import Compare, Keys, arn_like, like, plain

Condition = Callable[[Keys], bool]
Build = Callable[[str, bool], Compare]
"""Makes a comparison of a policy's text, in which variables may stand."""

_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)
_DATE = re.compile(
    r"([+-]?\d{1,19})(?:-(\d{1,2})(?:-(\d{1,2}))?)?"
    r"(?:[Tt](?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(\.\d{1,9})?)?)?)?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?"
)
_EPOCH_DIGITS_MIN = 5
_INT64 = 2**63
_YEAR_MAX = 9999


def is_operator(name: str) -> bool:
    """Whether a policy may use this operator."""
    match = _OPERATOR.fullmatch(name)
    return match is not None and match.group(2).lower() in (*_COMPARES, *_NEGATED, "null")


def is_date_operator(name: str) -> bool:
    """Whether its values are dates."""
    match = _OPERATOR.fullmatch(name)
    return match is not None and match.group(2).lower().startswith("date")


def compile_conditions(block: Mapping[str, Mapping[str, Any]], variables: bool) -> tuple[Condition, ...]:
    """A function for each key of each operator; a statement applies when all of them hold."""
    found: list[Condition] = []
    for name, keys in block.items():
        for key, values in keys.items():
            found.append(_condition(name, key.lower(), texts(values), variables))
    return tuple(found)


def texts(values: Any) -> list[str]:
    """One value or several, as the texts that they are compared by."""
    listed = cast("list[Any]", values if isinstance(values, list) else [values])
    return [_text(value) for value in listed if value is not None]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _condition(name: str, key: str, values: list[str], variables: bool) -> Condition:
    match = _OPERATOR.fullmatch(name)
    assert match is not None, f"{name} is no operator; policies are checked before they are compiled"
    qualifier, operator, if_exists = (match.group(1) or "").lower(), match.group(2).lower(), match.group(3) is not None
    if operator == "null":
        return _null(key, values)
    negated = operator in _NEGATED
    compares = [_COMPARES[_NEGATED.get(operator, operator)](value, variables) for value in values]
    when_absent = if_exists or (negated if not qualifier else qualifier == "forallvalues")

    def one_matches(value: str, keys: Keys) -> bool:
        return any(compare(value, keys) for compare in compares) is not negated

    def holds(keys: Keys) -> bool:
        value = keys.get(key)
        if value is None:
            return when_absent
        if isinstance(value, str):
            return one_matches(value, keys)
        if qualifier == "forallvalues" or (negated and not qualifier):
            return all(one_matches(each, keys) for each in value)
        return any(one_matches(each, keys) for each in value)

    return holds


def _null(key: str, values: list[str]) -> Condition:
    wanted = [value.lower() == "true" for value in values]
    return lambda keys: (key not in keys) in wanted


def _equals(text: str, variables: bool) -> Compare:
    wanted = plain(text, variables)
    return lambda value, keys: value == wanted(keys)


def _filled(holds: Callable[[str, str], bool]) -> Build:
    """Asks of a value and the policy's text, its variables filled in. Where one has no value, or what is asked isn't of its kind, never."""

    def build(text: str, variables: bool) -> Compare:
        wanted = plain(text, variables)

        def compare(value: str, keys: Keys) -> bool:
            filled = wanted(keys)
            try:
                return filled is not None and holds(value, filled)
            except ValueError:
                return False

        return compare

    return build


def _numeric(relation: Callable[[float, float], bool]) -> Build:
    return _filled(lambda value, filled: relation(float(value), float(filled)))


def _date(relation: Callable[[float, float], bool]) -> Build:
    def holds(value: str, filled: str) -> bool:
        left, right = parse_date(value), parse_date(filled)
        return left is not None and right is not None and relation(left, right)

    return _filled(holds)


@lru_cache(maxsize=1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


@lru_cache(maxsize=1024)
def parse_date(text: str) -> float | None:
    """Epoch seconds of one of W3C's ISO 8601 forms, or of epoch seconds written as a number; None when it is neither."""
    match = _DATE.fullmatch(text)
    if match is None or not -_INT64 <= int(match.group(1)) < _INT64:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if month is None and "t" not in text.lower() and (len(year.lstrip("+-")) >= _EPOCH_DIGITS_MIN or year[0] in "+-"):
        return float(year)
    try:
        moment = datetime(
            min(max(int(year), 1), _YEAR_MAX), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            tzinfo=_zone(zone),
        )  # fmt: skip
    except ValueError:
        return None
    return moment.timestamp() + float(fraction or 0)


def _zone(text: str | None) -> timezone:
    if not text or text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-offset if text[0] == "-" else offset)


_caseless = _filled(lambda value, filled: value.lower() == filled.lower())
_COMPARES: Mapping[str, Build] = {
    "stringequals": _equals,
    "stringequalsignorecase": _caseless,
    "stringlike": like,
    "numericequals": _numeric(eq),
    "numericlessthan": _numeric(lt),
    "numericlessthanequals": _numeric(le),
    "numericgreaterthan": _numeric(gt),
    "numericgreaterthanequals": _numeric(ge),
    "dateequals": _date(eq),
    "datelessthan": _date(lt),
    "datelessthanequals": _date(le),
    "dategreaterthan": _date(gt),
    "dategreaterthanequals": _date(ge),
    "bool": _caseless,
    "binaryequals": _filled(lambda value, filled: b64decode(value) == b64decode(filled)),
    "ipaddress": _filled(lambda value, filled: ipaddress.ip_address(value) in _network(filled)),
    "arnequals": arn_like,
    "arnlike": arn_like,
}
_NEGATED: Mapping[str, str] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}
