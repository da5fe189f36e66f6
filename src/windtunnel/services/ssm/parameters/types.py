"""What values may be, by a parameter's type and its data type.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-data-types.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec

from windtunnel.services.ssm.parameters.rules import invalid

TEXT = "text"
ADVANCED_TYPES = frozenset(("json", "jsonc", "url"))
"""Those that need an advanced parameter."""
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


def _like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


def _is_address(kind: type[IPv4Address | IPv6Address]) -> Callable[[str], bool]:
    def test(value: str) -> bool:
        try:
            kind(value)
        except AddressValueError:
            return False
        return True

    return test


def _is_json(value: str) -> bool:
    try:
        msgspec.json.decode(value)
    except msgspec.DecodeError:
        return False
    return True


def _is_url(value: str) -> bool:
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc)


_TESTS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        TEXT: lambda _: True,
        "aws:ssm:integration": lambda _: True,
        "aws:ec2:image": _like(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})"),
        "aws:region": _like(r"[a-z]{2,}(?:-[a-z]+)+-\d"),
        "aws:account:id": _like(r"\d{12}"),
        "boolean": _like("true|false"),
        "integer": _like(r"[+-]?\d+"),
        "float": _like(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"),
        "binary": _like(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
        "hostname": _like(r"(?=.{1,253}$)(?:(?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)*(?!-)[A-Za-z0-9-]{1,63}(?<!-)"),
        "email": _like(r"[^@\s]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
        "ipv4-address": _is_address(IPv4Address),
        "ipv6-address": _is_address(IPv6Address),
        "url": _is_url,
        "json": _is_json,
        "jsonc": lambda value: _is_json(_COMMENT.sub(lambda found: found[1] or "", value)),
    }
)


def check_data_type(data_type: str, value: str) -> None:
    """Raises ValidationException where AWS has no such data type, or the value is none of it."""
    test = _TESTS.get(data_type)
    if test is None:
        raise invalid(f"The following data type is not supported: {data_type} (Data type names are all lowercase.)")
    if data_type != "aws:ec2:image" and not test(value):
        raise invalid(f"The parameter value doesn't match the data type {data_type}.")


def is_image(value: str) -> bool:
    return _TESTS["aws:ec2:image"](value)
