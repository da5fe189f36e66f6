"""The functions of Logs Insights, over their arguments' values.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
"""

from __future__ import annotations

import math
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import md5, sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, cast
from urllib.parse import quote, unquote

import orjson

from windtunnel.services.logs.dates import parse_date, zone
from windtunnel.services.logs.insights.values import Moment, Value, ceiled, floored, number, text_of, truth

Function = Callable[[Sequence[Value]], Value]
_EARTH_KILOMETRES = 6371.0
_MANY = 99


def _text(value: Value) -> str:
    return text_of(value) or ""


def _over_text(function: Callable[..., Value]) -> Function:
    """A function whose arguments are texts; without the first there is no result."""

    def call(values: Sequence[Value]) -> Value:
        if text_of(values[0]) is None:
            return None
        try:
            return function(*map(_text, values))
        except (ValueError, OverflowError):
            return None

    return call


def _of_text(function: Callable[[str], Value]) -> Function:
    return _over_text(function)


def _of_texts(function: Callable[[str, str], Value]) -> Function:
    return _over_text(function)


def _of_number(function: Callable[[float], float]) -> Function:
    return _over_numbers(function)


def _over_numbers(function: Callable[..., float]) -> Function:
    def call(values: Sequence[Value]) -> Value:
        found = [number(value) for value in values]
        if None in found:
            return None
        try:
            return function(*found)
        except (ValueError, OverflowError):
            return None  # the root of a negative number, the logarithm of nothing

    return call


def _extreme(pick: Callable[[list[float]], float]) -> Function:
    def call(values: Sequence[Value]) -> Value:
        found = [each for value in values if (each := number(value)) is not None]
        return pick(found) if found else None

    return call


def _round(value: float, digits: float = 0) -> float:
    scale = 10.0 ** int(digits)
    rounded = math.floor(abs(value) * scale + 0.5) / scale * (1 if value >= 0 else -1)
    return int(rounded) if digits <= 0 else rounded


def _distance(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    one, other = math.radians(lat1), math.radians(lat2)
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KILOMETRES * math.asin(math.sqrt(half))


def _case(values: Sequence[Value]) -> Value:
    """Conditions and values by turns, and what else."""
    for at in range(0, len(values) - 1, 2):
        if truth(values[at]):
            return values[at + 1]
    return values[-1] if len(values) % 2 else None


def _cut(text: str, start: str, length: str | None = None) -> Value:
    begin = int(float(start))
    return text[begin:] if length is None else text[begin : begin + int(float(length))]


def _contains(text: str, wanted: str, fold: str = "") -> Value:
    return int(wanted.lower() in text.lower()) if fold in ("1", "true") else int(wanted in text)


@lru_cache(maxsize=256)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern))


def _regex_replace(text: str, pattern: str, replacement: str) -> Value:
    try:
        return _regex(pattern).sub(re.sub(r"\$(\d+)", r"\\g<\1>", replacement), text)
    except re.error:
        return None


def _parse_json(text: str) -> Value:
    found = orjson.loads(text)
    return cast("Value", found) if isinstance(found, (dict, list)) else None


def _array(text: str) -> list[Any] | None:
    found = _parse_json(text) if text[:1] == "[" else None
    return found if isinstance(found, list) else None


def _array_contains(values: Sequence[Value]) -> Value:
    try:
        found = values[0] if isinstance(values[0], list) else _array(_text(values[0]))
    except ValueError:
        return False
    return _text(values[1]) in [item if isinstance(item, str) else orjson.dumps(item).decode() for item in found or ()]


def _array_size(values: Sequence[Value]) -> Value:
    if isinstance(values[0], list):
        return len(values[0])
    try:
        found = _array(_text(values[0]))
    except ValueError:
        return None
    return None if found is None else len(found)


def _stringify(values: Sequence[Value]) -> Value:
    return orjson.dumps(values[0]).decode() if isinstance(values[0], (dict, list)) else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_address(holds: Callable[[IPv4Address | IPv6Address], bool]) -> Function:
    def call(values: Sequence[Value]) -> Value:
        found = _address(_text(values[0]))
        return found is not None and holds(found)

    return call


def _in_subnet(*versions: int) -> Function:
    def call(values: Sequence[Value]) -> Value:
        found = _address(_text(values[0]))
        try:
            network = ip_network(_text(values[1]), strict=False)
        except ValueError:
            return False
        return found is not None and found.version in versions and found in network

    return call


def _private(found: IPv4Address | IPv6Address) -> bool:
    """RFC 1918."""
    return found.version == 4 and any(found in ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def _parse_date(text: str, pattern: str, where: str = "UTC") -> Value:
    moment = parse_date(text, pattern, zone(where))
    return None if moment is None else int(moment.timestamp() * 1000)


def _format_date(values: Sequence[Value]) -> Value:
    found = number(values[0])
    if found is None:
        return None
    try:
        return (
            datetime.fromtimestamp(found / 1000, UTC)
            .astimezone(zone(_text(values[2]) if len(values) > 2 else "UTC"))
            .strftime(_text(values[1]))
        )
    except ValueError:
        return None


def _decode(text: str) -> Value:
    try:
        return b64decode(text, validate=True).decode()
    except (Base64Error, UnicodeDecodeError):
        return None


def _hex(text: str) -> Value:
    found = int(float(text))
    return f"-0x{-found:x}" if found < 0 else f"0x{found:x}"


def _is_blank(values: Sequence[Value]) -> Value:
    return int(values[0] is None or not _text(values[0]).strip())


FUNCTIONS: Mapping[str, tuple[Function, int, int]] = {
    "abs": (_of_number(abs), 1, 1),
    "base64decode": (_over_text(_decode), 1, 1),
    "base64encode": (_of_text(lambda text: b64encode(text.encode()).decode()), 1, 1),
    "bin": (lambda values: floored(values[0], values[1]), 2, 2),
    "case": (_case, 2, 21),
    "ceil": (_over_numbers(math.ceil), 1, 1),
    "coalesce": (lambda values: next((value for value in values if value is not None), None), 1, _MANY),
    "concat": (lambda values: "".join(_text(value) for value in values), 1, _MANY),
    "dateceil": (lambda values: ceiled(values[0], values[1]), 2, 2),
    "datefloor": (lambda values: floored(values[0], values[1]), 2, 2),
    "dectohex": (_over_text(_hex), 1, 1),
    "endswith": (_of_texts(lambda text, end: int(text.endswith(end))), 2, 2),
    "floor": (_over_numbers(math.floor), 1, 1),
    "formatdate": (_format_date, 2, 3),
    "frommillis": (lambda values: None if (found := number(values[0])) is None else Moment(int(found)), 1, 1),
    "greatest": (_extreme(max), 1, _MANY),
    "haversine": (_over_numbers(_distance), 4, 4),
    "hextoascii": (_of_text(lambda text: bytes.fromhex(text).decode("ascii")), 1, 1),
    "hextodec": (_of_text(lambda text: int(text, 16)), 1, 1),
    "if": (lambda values: values[1] if truth(values[0]) else values[2], 3, 3),
    "ipv4tonumber": (_of_text(lambda text: int(IPv4Address(text))), 1, 1),
    "isblank": (_is_blank, 1, 1),
    "isempty": (lambda values: int(values[0] is None or text_of(values[0]) == ""), 1, 1),
    "isipinsubnet": (_in_subnet(4, 6), 2, 2),
    "isipv4insubnet": (_in_subnet(4), 2, 2),
    "isipv6insubnet": (_in_subnet(6), 2, 2),
    "isnumeric": (lambda values: number(values[0]) is not None, 1, 1),
    "ispresent": (lambda values: values[0] is not None, 1, 1),
    "isprivateip": (_is_address(_private), 1, 1),
    "ispublicip": (_is_address(lambda found: found.is_global), 1, 1),
    "isreservedip": (_is_address(lambda found: found.is_reserved or not (found.is_global or _private(found))), 1, 1),
    "isvalidip": (_is_address(lambda _: True), 1, 1),
    "isvalidipv4": (_is_address(lambda found: found.version == 4), 1, 1),
    "isvalidipv6": (_is_address(lambda found: found.version == 6), 1, 1),
    "jsonarraycontains": (_array_contains, 2, 2),
    "jsonarraysize": (_array_size, 1, 1),
    "jsonparse": (_over_text(_parse_json), 1, 1),
    "jsonstringify": (_stringify, 1, 1),
    "least": (_extreme(min), 1, _MANY),
    "log": (_over_numbers(math.log), 1, 1),
    "ltrim": (_over_text(str.lstrip), 1, 2),
    "md5": (_of_text(lambda text: md5(text.encode(), usedforsecurity=False).hexdigest()), 1, 1),
    "messagesize": (_of_text(lambda text: len(text.encode())), 1, 1),
    "parsedate": (_over_text(_parse_date), 2, 3),
    "regexreplace": (_over_text(_regex_replace), 3, 3),
    "replace": (_over_text(str.replace), 3, 3),
    "round": (_over_numbers(_round), 1, 2),
    "rtrim": (_over_text(str.rstrip), 1, 2),
    "sha256": (_of_text(lambda text: sha256(text.encode()).hexdigest()), 1, 1),
    "split": (_of_texts(lambda text, delimiter: list[Any](text.split(delimiter))), 2, 2),
    "sqrt": (_over_numbers(math.sqrt), 1, 1),
    "startswith": (_of_texts(lambda text, begin: int(text.startswith(begin))), 2, 2),
    "strcontains": (_over_text(_contains), 2, 3),
    "strftime": (_format_date, 2, 3),
    "strlen": (_over_text(len), 1, 1),
    "substr": (_over_text(_cut), 2, 3),
    "todouble": (lambda values: None if (found := number(values[0])) is None else float(found), 1, 1),
    "toint": (_of_number(int), 1, 1),
    "tolong": (_of_number(int), 1, 1),
    "tolower": (_over_text(str.lower), 1, 1),
    "tomillis": (_of_number(int), 1, 1),
    "tonumber": (lambda values: number(values[0]), 1, 1),
    "toupper": (_over_text(str.upper), 1, 1),
    "trim": (_over_text(str.strip), 1, 2),
    "urldecode": (_over_text(unquote), 1, 1),
    "urlencode": (_of_text(lambda text: quote(text, safe="")), 1, 1),
}
"""By lower-cased name: the function over its arguments' values, and how many it takes, at least and at most."""
