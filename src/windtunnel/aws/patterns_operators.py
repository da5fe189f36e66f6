"""The operators of event patterns: each reads what follows its name and becomes a function to ask about a value.

EventBridge and SNS differ in two of them only: SNS has no `wildcard`, and of the nested forms of `anything-but` it takes a single
`prefix`.
"""

import ipaddress
import operator as operators
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

from windtunnel.aws.patterns_text import Reader, Token

Dialect = Literal["events", "sns"]
Test = Callable[[Any], bool]

# AWS says that a rule has too many wildcards without saying how many; five in one value are taken, six are not.
WILDCARDS_MAX = 5
_NUMBER_MAX = {"events": 5_000_000_000, "sns": 1_000_000_000}
_AFFIXED: dict[str, Callable[[str, str | tuple[str, ...]], bool]] = {"prefix": str.startswith, "suffix": str.endswith}
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "=": operators.eq,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}

ONE_KEY = "Only one key allowed in match expression"
TOO_COMPLEX = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"
_BUT_VALUES = "Value of anything-but must be an array or single string/number value."
_BUT_LIST = "Inside anything but list, start|null|boolean is not supported."
_BUT_MIXED = "Inside anything but list, either all values are number or string, mixed type is not supported"
_BUT_CASELESS = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."


def _string(reader: Reader, operator: str) -> str:
    if reader.next().kind != "string":
        reader.refuse(f"{operator} match pattern must be a string")
    return reader.text()


def _affix(operator: str, reader: Reader, _: Dialect) -> Test:
    wanted, caseless = _wanted_affix(reader, operator)
    holds = _AFFIXED[operator]
    if caseless:
        folded = wanted.lower()
        return lambda value: type(value) is str and holds(value.lower(), folded)
    return lambda value: type(value) is str and holds(value, wanted)


def _wanted_affix(reader: Reader, operator: str) -> tuple[str, bool]:
    """The text, plain or as `{"equals-ignore-case": text}`."""
    token = reader.next()
    if token.kind == "string":
        return reader.text(), False
    if token.kind != "{":
        reader.refuse(f"{operator} match pattern must be a string")
    name = reader.next()
    if name.value != "equals-ignore-case":
        reader.refuse(f"Unsupported {operator} pattern: {name.text}")
    wanted = _string(reader, "equals-ignore-case")
    if reader.next().kind != "}":
        reader.refuse(ONE_KEY)
    return wanted, True


def _caseless(reader: Reader, _: Dialect) -> Test:
    wanted = _string(reader, "equals-ignore-case").lower()
    return lambda value: type(value) is str and value.lower() == wanted


def _cidr(reader: Reader, _: Dialect) -> Test:
    if reader.next().kind != "string":
        reader.refuse("prefix match pattern must be a string")
    network = _network(reader.text())
    version, low, high = network.version, int(network.network_address), int(network.broadcast_address)

    def holds(value: Any) -> bool:
        if type(value) is not str:
            return False
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return address.version == version and low <= int(address) <= high

    return holds


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    base, slash, mask = text.partition("/")
    if not slash or "/" in mask:
        raise ValueError("Malformed CIDR, one '/' required")
    try:
        bits = int(mask)
    except ValueError:
        raise ValueError("Malformed CIDR, mask bits must be an integer") from None
    if bits < 0:
        raise ValueError("Malformed CIDR, mask bits must not be negative")
    try:
        address = ipaddress.ip_address(base)
    except ValueError:
        raise ValueError(f"Nonstandard IP address: {base}") from None
    if bits > address.max_prefixlen:
        raise ValueError(f"IPv{address.version} mask bits must be < {address.max_prefixlen}")
    return ipaddress.ip_network(f"{address}/{bits}", strict=False)


def _wildcard(reader: Reader, _: Dialect) -> Test:
    pattern = _wildcard_regex(reader, _string(reader, "wildcard"), twice=False)
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def _wildcard_regex(reader: Reader, text: str, *, twice: bool) -> re.Pattern[str]:
    """`*` is any run of characters, and a backslash before `*` or itself takes its meaning away."""
    parts: list[str] = []
    at = stars = 0
    while at < len(text):
        character, following = text[at], text[at + 1 : at + 2]
        if character == "\\":
            if following not in ("*", "\\"):
                reader.refuse(f"Invalid escape character at pos {at + 1}", twice=twice)
            parts.append(re.escape(following))
            at += 1
        elif character == "*":
            if following == "*":
                reader.refuse(f"Consecutive wildcard characters at pos {at + 1}", twice=twice)
            parts.append(".*")
            stars += 1
        else:
            parts.append(re.escape(character))
        at += 1
    if stars > WILDCARDS_MAX:
        raise ValueError(TOO_COMPLEX)
    return re.compile("".join(parts), re.DOTALL)


def _numeric(reader: Reader, dialect: Dialect) -> Test:
    if reader.next().kind != "[":
        reader.refuse("Value of numeric must be an array.")
    token = reader.next()
    if token.kind != "string":
        reader.refuse(f"Invalid member in numeric match: {token.text}")
    operator = reader.text()
    value = reader.next()
    if operator not in _COMPARED:
        reader.refuse(f"Unrecognized numeric range operator: {operator}")
    if value.kind != "number":
        reader.refuse(f"Value of {'equals' if operator == '=' else operator} must be numeric")
    first = _number(value, dialect)
    following = reader.next()
    if following.kind == "]":
        return _compare(operator, first)
    if operator not in (">", ">="):
        reader.refuse("Too many elements in numeric expression")
    return _range(reader, operator, first, following, dialect)


def _range(reader: Reader, lower: str, bottom: float, token: Token, dialect: Dialect) -> Test:
    if token.kind != "string":
        reader.refuse(f"Bad value in numeric range: {token.text}")
    upper = reader.text()
    if upper not in ("<", "<="):
        reader.refuse(f"Bad numeric range operator: {upper}")
    value = reader.next()
    if value.kind != "number":
        reader.refuse(f"Value of {upper} must be numeric")
    top = _number(value, dialect)
    if reader.next().kind != "]":
        reader.refuse("Too many terms in numeric range expression")
    if bottom >= top:
        reader.refuse("Bottom must be less than top")
    above, below = _compare(lower, bottom), _compare(upper, top)
    return lambda value: above(value) and below(value)


def _number(token: Token, dialect: Dialect) -> float:
    limit = _NUMBER_MAX[dialect]
    if not -limit <= token.value <= limit:
        raise ValueError(f"Value must be between -{limit / 10**9}E9 and {limit / 10**9}E9, inclusive")
    return token.value


def _compare(sign: str, bound: float) -> Test:
    holds = _COMPARED[sign]
    return lambda value: type(value) in (int, float) and holds(value, bound)


def _anything_but(reader: Reader, dialect: Dialect) -> Test:
    token = reader.next()
    if token.kind == "{":
        return _anything_but_nested(reader, dialect)
    if token.kind in ("string", "number"):
        values = frozenset((token.value,))
    elif token.kind == "[":
        values = _anything_but_list(reader)
    else:
        reader.refuse(_BUT_VALUES)

    def holds(value: Any) -> bool:
        # True equals 1 in Python, and is another value in JSON.
        return type(value) not in (str, int, float) or value not in values

    return holds


def _anything_but_list(reader: Reader) -> frozenset[Any]:
    values: list[Any] = []
    kinds: set[str] = set()
    while (token := reader.next()).kind != "]":
        if token.kind not in ("string", "number"):
            reader.refuse(_BUT_LIST, twice=True)
        kinds.add(token.kind)
        values.append(token.value)
    if not values:
        reader.refuse("Empty arrays are not allowed")
    if len(kinds) > 1:
        reader.refuse(_BUT_MIXED)
    return frozenset(values)


def _anything_but_nested(reader: Reader, dialect: Dialect) -> Test:
    name = reader.next()
    operator = name.text if name.kind == "name" else ""
    if dialect == "sns" and operator != "prefix":
        reader.refuse(f"Unsupported anything-but pattern: {operator}")
    if operator in ("prefix", "suffix"):
        refusal = "prefix/suffix match pattern must be a string"
        holds = _but_affix(operator, tuple(_texts(reader, refusal, dialect, null="Null prefix/suffix not allowed")))
    elif operator == "equals-ignore-case":
        holds = _but_caseless(frozenset(text.lower() for text in _texts(reader, _BUT_CASELESS, dialect)))
    elif operator == "wildcard":
        wanted = _texts(reader, "wildcard match pattern must be a string", dialect)
        holds = _but_wildcard(tuple(_wildcard_regex(reader, text, twice=True) for text in wanted))
    else:
        reader.refuse(f"Unsupported anything-but pattern: {operator}")
    if reader.next().kind != "}":
        reader.refuse(ONE_KEY)
    return holds


def _but_affix(operator: str, texts: tuple[str, ...]) -> Test:
    holds = _AFFIXED[operator]
    return lambda value: type(value) is not str or not holds(value, texts)


def _but_caseless(folded: frozenset[str]) -> Test:
    return lambda value: type(value) is not str or value.lower() not in folded


def _but_wildcard(patterns: tuple[re.Pattern[str], ...]) -> Test:
    return lambda value: type(value) is not str or not any(pattern.fullmatch(value) for pattern in patterns)


def _texts(reader: Reader, refusal: str, dialect: Dialect, null: str = "") -> Iterator[str]:
    """One text or a list of texts; SNS takes one only. `null` refuses empty ones."""
    token = reader.next()
    if dialect == "sns" and token.kind != "string":
        reader.refuse("prefix match pattern must be a string")
    if token.kind == "{":
        reader.refuse(_BUT_VALUES)
    if token.kind == "string":
        yield _text(reader, null)
        return
    if token.kind != "[":
        reader.refuse(refusal)
    empty = True
    while (token := reader.next()).kind != "]":
        empty = False
        if token.kind != "string":
            reader.refuse(refusal, twice=True)
        yield _text(reader, null)
    if empty:
        reader.refuse("Empty arrays are not allowed")


def _text(reader: Reader, null: str) -> str:
    text = reader.text()
    if null and not text:
        reader.refuse(null)
    return text


TESTS: dict[str, Callable[[Reader, Dialect], Test]] = {
    "prefix": partial(_affix, "prefix"),
    "suffix": partial(_affix, "suffix"),
    "equals-ignore-case": _caseless,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "wildcard": _wildcard,
}
"""What reads an operator's operand, and makes of it the function that tells whether a value is one that was asked for."""
