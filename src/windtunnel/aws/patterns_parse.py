"""Reads an event pattern's text into alternatives of conditions, refusing in AWS's words what AWS refuses.

The order in which things are looked at is what decides on the message and the place in it, so this reads the text token by token
as EventBridge does, instead of walking a finished dict. EventBridge and SNS differ in two operators only: SNS has no `wildcard`,
and of the nested forms of `anything-but` it takes a single `prefix`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Literal

from msgspec import Struct

from windtunnel.aws.patterns_text import Reader, Token

Dialect = Literal["events", "sns"]
Path = tuple[str, ...]
Test = Callable[[Any], bool]

OPERATORS = ("exists", "prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "cidr", "wildcard")
# AWS says that a rule has too many wildcards without saying how many; five in one value are taken, six are not.
WILDCARDS_MAX = 5
ALTERNATIVES_MAX = 1000
_NUMBER_MAX = {"events": 5_000_000_000, "sns": 1_000_000_000}

_BUT_VALUES = "Value of anything-but must be an array or single string/number value."
_BUT_LIST = "Inside anything but list, start|null|boolean is not supported."
_BUT_MIXED = "Inside anything but list, either all values are number or string, mixed type is not supported"
_BUT_CASELESS = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
_ONE_KEY = "Only one key allowed in match expression"
_TOO_COMPLEX = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"


class Condition(Struct, frozen=True):
    """What a value may be: `value` is compared, `test` is a function to ask, `absent` is fulfilled where the key is nowhere."""

    kind: Literal["value", "test", "absent"]
    value: Any = None


class _Object(Struct):
    """A pattern's object: each key's conditions or object, and the alternatives of each `$or`."""

    members: dict[str, "list[Condition] | _Object"]
    ors: list[list["_Object"]]


def parse_pattern(text: str, dialect: Dialect) -> list[dict[Path, list[Condition]]]:
    """The pattern as alternatives, each with all its keys; more than one where there is an `$or`."""
    reader = Reader(text)
    if reader.next().kind != "{":
        reader.refuse("Filter is not an object")
    alternatives = list(_expanded(_object(reader, dialect), ()))
    if len(alternatives) > ALTERNATIVES_MAX:
        raise ValueError(_TOO_COMPLEX)
    return alternatives


def _expanded(node: _Object, path: Path) -> Iterator[dict[Path, list[Condition]]]:
    fixed: dict[Path, list[Condition]] = {}
    choices: list[list[dict[Path, list[Condition]]]] = []
    for key, member in node.members.items():
        if isinstance(member, list):
            fixed[(*path, key)] = member
        else:
            choices.append(list(_expanded(member, (*path, key))))
    choices.extend([each for branch in branches for each in _expanded(branch, path)] for branches in node.ors)
    size = 1
    for choice in choices:
        size *= len(choice)
        if size > ALTERNATIVES_MAX:
            raise ValueError(_TOO_COMPLEX)
    for chosen in product(*choices):
        merged = dict(fixed)
        for part in chosen:
            merged.update(part)
        yield merged


def _object(reader: Reader, dialect: Dialect) -> _Object:
    node = _Object({}, [])
    empty = True
    while (token := reader.next()).kind == "name":
        empty = False
        key: str = token.value
        if key == "$or" and reader.starts_or(OPERATORS):
            node.ors.append(_branches(reader, dialect))
            continue
        value = reader.next()
        if value.kind == "{":
            node.members[key] = _object(reader, dialect)
        elif value.kind == "[":
            node.members[key] = list(_conditions(reader, dialect))
        else:
            reader.refuse(f'"{key}" must be an object or an array')
    if empty:
        reader.refuse("Empty objects are not allowed")
    return node


def _branches(reader: Reader, dialect: Dialect) -> list[_Object]:
    reader.next()
    branches: list[_Object] = []
    while reader.next().kind == "{":
        branches.append(_object(reader, dialect))
    return branches


def _conditions(reader: Reader, dialect: Dialect) -> Iterator[Condition]:
    empty = True
    while (token := reader.next()).kind != "]":
        empty = False
        if token.kind == "{":
            yield _expression(reader, dialect)
        elif token.kind == "[":
            reader.refuse("Match value must be String, number, true, false, or null")
        else:
            yield Condition("value", token.value)
    if empty:
        reader.refuse("Empty arrays are not allowed")


def _expression(reader: Reader, dialect: Dialect) -> Condition:
    name = reader.next()
    if name.kind != "name":
        reader.refuse("Match expression name not found")
    operator: str = name.value
    if operator not in OPERATORS or (operator == "wildcard" and dialect == "sns"):
        reader.refuse(f"Unrecognized match type {operator}")
    condition = Condition("test", _PARSERS[operator](reader, dialect)) if operator != "exists" else _exists(reader)
    if reader.next().kind != "}":
        reader.refuse(_ONE_KEY)
    return condition


def _exists(reader: Reader) -> Condition:
    value = reader.next()
    if value.kind != "literal" or value.value is None:
        reader.refuse("exists match pattern must be either true or false.")
    return Condition("test", _any_value) if value.value else Condition("absent")


def _any_value(_: Any) -> bool:
    return True


def _string(reader: Reader, operator: str) -> str:
    if reader.next().kind != "string":
        reader.refuse(f"{operator} match pattern must be a string")
    return reader.text()


def _prefix(reader: Reader, _: Dialect) -> Test:
    wanted, caseless = _affix(reader, "prefix")
    if caseless:
        folded = wanted.lower()
        return lambda value: type(value) is str and value.lower().startswith(folded)
    return lambda value: type(value) is str and value.startswith(wanted)


def _suffix(reader: Reader, _: Dialect) -> Test:
    wanted, caseless = _affix(reader, "suffix")
    if caseless:
        folded = wanted.lower()
        return lambda value: type(value) is str and value.lower().endswith(folded)
    return lambda value: type(value) is str and value.endswith(wanted)


def _affix(reader: Reader, operator: str) -> tuple[str, bool]:
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
        reader.refuse(_ONE_KEY)
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
        raise ValueError(_TOO_COMPLEX)
    return re.compile("".join(parts), re.DOTALL)


def _numeric(reader: Reader, dialect: Dialect) -> Test:
    if reader.next().kind != "[":
        reader.refuse("Value of numeric must be an array.")
    token = reader.next()
    if token.kind != "string":
        reader.refuse(f"Invalid member in numeric match: {token.text}")
    operator = reader.text()
    value = reader.next()
    if operator not in ("=", "<", "<=", ">", ">="):
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


def _compare(operator: str, bound: float) -> Test:
    if operator == "=":
        return lambda value: type(value) in (int, float) and value == bound
    if operator == "<":
        return lambda value: type(value) in (int, float) and value < bound
    if operator == "<=":
        return lambda value: type(value) in (int, float) and value <= bound
    if operator == ">":
        return lambda value: type(value) in (int, float) and value > bound
    return lambda value: type(value) in (int, float) and value >= bound


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
        holds = _but_affix(operator, tuple(_texts(reader, "prefix/suffix match pattern must be a string", dialect)))
    elif operator == "equals-ignore-case":
        holds = _but_caseless(frozenset(text.lower() for text in _texts(reader, _BUT_CASELESS, dialect)))
    elif operator == "wildcard":
        wanted = _texts(reader, "wildcard match pattern must be a string", dialect)
        holds = _but_wildcard(tuple(_wildcard_regex(reader, text, twice=True) for text in wanted))
    else:
        reader.refuse(f"Unsupported anything-but pattern: {operator}")
    if reader.next().kind != "}":
        reader.refuse(_ONE_KEY)
    return holds


def _but_affix(operator: str, texts: tuple[str, ...]) -> Test:
    if operator == "prefix":
        return lambda value: type(value) is not str or not value.startswith(texts)
    return lambda value: type(value) is not str or not value.endswith(texts)


def _but_caseless(folded: frozenset[str]) -> Test:
    return lambda value: type(value) is not str or value.lower() not in folded


def _but_wildcard(patterns: tuple[re.Pattern[str], ...]) -> Test:
    return lambda value: type(value) is not str or not any(pattern.fullmatch(value) for pattern in patterns)


def _texts(reader: Reader, refusal: str, dialect: Dialect) -> Iterator[str]:
    """One text or a list of texts; SNS takes one only."""
    token = reader.next()
    affix = refusal.startswith("prefix/suffix")
    if dialect == "sns" and token.kind != "string":
        reader.refuse("prefix match pattern must be a string")
    if token.kind == "{":
        reader.refuse(_BUT_VALUES)
    if token.kind == "string":
        yield _not_empty(reader, affix)
        return
    if token.kind != "[":
        reader.refuse(refusal)
    empty = True
    while (token := reader.next()).kind != "]":
        empty = False
        if token.kind != "string":
            reader.refuse(refusal, twice=True)
        yield _not_empty(reader, affix)
    if empty:
        reader.refuse("Empty arrays are not allowed")


def _not_empty(reader: Reader, affix: bool) -> str:
    text = reader.text()
    if affix and not text:
        reader.refuse("Null prefix/suffix not allowed")
    return text


_PARSERS: dict[str, Callable[[Reader, Dialect], Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _caseless,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "wildcard": _wildcard,
}
