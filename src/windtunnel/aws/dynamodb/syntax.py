"""Expressions read into trees: conditions, updates and projections, as DynamoDB's grammar has them.

What can be said of a text alone (a reserved word, an unknown function) is found here, once for each text. Names and values of a request
are put in by `binding`. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

import msgspec

from windtunnel.aws.dynamodb.reserved import RESERVED
from windtunnel.aws.dynamodb.values import Value

EXPRESSION_BYTES_MAX = 4_096
OPERATORS_MAX = 300
DEPTH_MAX = 60
INDEX_DIGITS_MAX = 9
CACHED_TEXTS_MAX = 1_024
COMPARATORS: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})
CONDITION_FUNCTIONS: Final = {
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}  # fmt: skip
UPDATE_FUNCTIONS: Final = {"if_not_exists": 2, "list_append": 2}
CONDITION_WORDS: Final = ("AND", "OR", "NOT", "BETWEEN", "IN")
SECTIONS: Final = ("SET", "REMOVE", "ADD", "DELETE")
_TOKEN = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|([#:][A-Za-z0-9_]*)|([0-9]+)|(<>|<=|>=|[=<>()\[\],.+-])|(\S))")

T = TypeVar("T")


class Malformed(Exception):
    """What is wrong with an expression, in DynamoDB's words."""


class TooLong(Malformed):
    """An expression of so many bytes."""

    def __init__(self, size: int) -> None:
        super().__init__("Expression size has exceeded the maximum allowed size;")
        self.size = size


class Path(msgspec.Struct, frozen=True):
    """A document path: names (placeholders as written, until they are bound) and indexes."""

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in self.parts)}]"


class Placeholder(msgspec.Struct, frozen=True):
    """`:value`, until it is bound."""

    name: str


class Literal(msgspec.Struct, frozen=True):
    """A value that a placeholder stood for."""

    value: Value


class Apply(msgspec.Struct, frozen=True):
    """An operator or a function, with what it is applied to."""

    name: str
    args: tuple[Node, ...]
    function: bool = False


Node = Path | Placeholder | Literal | Apply


class Action(msgspec.Struct, frozen=True):
    """One action of an update: `value` is None of REMOVE."""

    section: str
    path: Path
    value: Node | None = None


class Parsed(msgspec.Struct, frozen=True):
    """An expression's text understood: one of the three forms, and the placeholders it names."""

    names: frozenset[str]
    values: frozenset[str]
    condition: Node | None = None
    actions: tuple[Action, ...] = ()
    paths: tuple[Path, ...] = ()


class _Token(NamedTuple):
    text: str
    kind: int
    """1 word, 2 placeholder, 3 number, 4 sign, 5 anything else, 0 the end."""
    start: int
    end: int


@lru_cache(maxsize=CACHED_TEXTS_MAX)
def condition(text: str) -> Parsed:
    """A ConditionExpression, FilterExpression or KeyConditionExpression. Raises Malformed."""
    return _Reader(text, CONDITION_FUNCTIONS).condition()


@lru_cache(maxsize=CACHED_TEXTS_MAX)
def update(text: str) -> Parsed:
    """An UpdateExpression. Raises Malformed."""
    return _Reader(text, UPDATE_FUNCTIONS).update()


@lru_cache(maxsize=CACHED_TEXTS_MAX)
def projection(text: str) -> Parsed:
    """A ProjectionExpression. Raises Malformed."""
    return _Reader(text, {}).projection()


def _tokens(text: str) -> list[_Token]:
    if not text:
        raise Malformed("The expression can not be empty;")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > EXPRESSION_BYTES_MAX:
        raise TooLong(size)
    found: list[_Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastindex or 0
        found.append(_Token(match[kind], kind, *match.span(kind)))
    found.append(_Token("<EOF>", 0, len(text), len(text)))
    return found


class _Reader:
    """Reads one expression, and remembers the first thing of each kind that is wrong beside its syntax."""

    def __init__(self, text: str, functions: dict[str, int]) -> None:
        self._text, self._functions = text, functions
        self._keywords = CONDITION_WORDS if functions is CONDITION_FUNCTIONS else SECTIONS if functions is UPDATE_FUNCTIONS else ()
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._operators = 0
        self._wrong: dict[str, str] = {}
        self._names: set[str] = set()
        self._values: set[str] = set()

    def condition(self) -> Parsed:
        node = self._or()
        self._condition_end(node)
        self._refuse("parentheses", "function", "misused", "reserved")
        return self._parsed(condition=node)

    def update(self) -> Parsed:
        actions: list[Action] = []
        seen: set[str] = set()
        while True:
            section = self._tokens[self._at].text.upper()
            if section not in SECTIONS:
                raise self._syntax_error()
            self._at += 1
            if section in seen:
                self._note("section", f'The "{section}" section can only be used once in an update expression;')
            seen.add(section)
            actions += self._list(lambda section=section: self._action(section))
            if self._kind == 0:
                break
        self._refuse("reserved", "function", "section")
        return self._parsed(actions=tuple(actions))

    def projection(self) -> Parsed:
        paths = self._list(self._path)
        self._end()
        self._refuse("reserved")
        return self._parsed(paths=tuple(paths))

    def _parsed(self, *, condition: Node | None = None, actions: tuple[Action, ...] = (), paths: tuple[Path, ...] = ()) -> Parsed:
        return Parsed(frozenset(self._names), frozenset(self._values), condition, actions, paths)

    # ------------------------------------------------------------ conditions

    def _or(self) -> Node:
        return self._joined("OR", lambda: self._joined("AND", self._not))

    def _joined(self, word: str, operand: Callable[[], Node]) -> Node:
        node = operand()
        while self._is_word(word):
            self._condition_end(node)
            self._take()
            self._count()
            other = operand()
            self._condition_end(other)
            node = Apply(word.lower(), (node, other))
        return node

    def _not(self) -> Node:
        turns = 0
        while self._is_word("NOT"):
            self._take()
            self._count()
            turns += 1
        node = self._compared()
        for _ in range(turns):
            self._condition_end(node)
            node = Apply("not", (node,))
        return node

    def _compared(self) -> Node:
        left = self._operand(conditions=True)
        text = self._tokens[self._at].text
        if text in COMPARATORS:
            self._operand_end(left)
            self._take()
            self._count()
            right = self._operand()
            return self._applied(text, (left, right))
        if self._is_word("BETWEEN"):
            self._operand_end(left)
            self._take()
            self._count()
            low = self._operand()
            if not self._is_word("AND"):
                raise self._syntax_error()
            self._take()
            return self._applied("between", (left, low, self._operand()))
        if self._is_word("IN"):
            self._operand_end(left)
            self._take()
            self._count()
            self._sign("(")
            args = self._list(self._operand)
            self._sign(")")
            return self._applied("in", (left, *args))
        return left

    def _applied(self, name: str, args: tuple[Node, ...]) -> Apply:
        for argument in args:
            if isinstance(argument, Apply) and argument.name != "size":
                self._note("misused", _misused(argument.name))
        return Apply(name, args)

    def _condition_end(self, node: Node) -> None:
        """What stood before the present token has to be a condition."""
        if not isinstance(node, Apply):
            raise self._syntax_error()
        if node.name == "size" and node.function:
            self._note("misused", _misused(node.name))

    def _operand_end(self, node: Node) -> None:
        if isinstance(node, Apply) and not node.function:
            raise self._syntax_error()

    # ------------------------------------------------------------ updates

    def _action(self, section: str) -> Action:
        path = self._path()
        if section == "REMOVE":
            return Action(section, path)
        if section == "SET":
            self._sign("=")
            return Action(section, path, self._sum())
        if self._kind != 2 or self._tokens[self._at].text[0] != ":":
            raise self._syntax_error()
        return Action(section, path, self._operand())

    def _sum(self) -> Node:
        left = self._operand(sums=True)
        if (sign := self._tokens[self._at].text) in ("+", "-"):
            self._take()
            self._count()
            return Apply(sign, (left, self._operand()))
        return left

    # ------------------------------------------------------------ operands

    def _operand(self, *, conditions: bool = False, sums: bool = False) -> Node:
        token = self._tokens[self._at]
        if token.text == "(":
            return self._parenthesised(conditions=conditions, sums=sums)
        if token.text[0] == ":" and token.kind == 2 and len(token.text) > 1:
            self._take()
            self._values.add(token.text)
            return Placeholder(token.text)
        if token.kind == 1 and self._tokens[self._at + 1].text == "(" and not self._is_word(*self._keywords):
            return self._call()
        return self._path()

    def _parenthesised(self, *, conditions: bool, sums: bool) -> Node:
        self._take()
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Malformed(f"The expression contains too many operators; operator count: {OPERATORS_MAX + 1}")
        doubled = self._tokens[self._at].text == "("
        inner_start = self._at
        node = self._or() if conditions else self._sum() if sums else self._operand()
        if doubled and self._closes(inner_start) == self._at - 1:
            self._note("parentheses", "The expression has redundant parentheses;")
        self._sign(")")
        self._depth -= 1
        return node

    def _closes(self, opening: int) -> int:
        """The place of the parenthesis that closes the one at `opening`."""
        depth = 0
        for at in range(opening, self._at):
            text = self._tokens[at].text
            depth += (text == "(") - (text == ")")
            if depth == 0:
                return at
        return -1

    def _call(self) -> Node:
        name = self._take().text
        self._count()
        if name not in self._functions:
            self._note("function", f"Invalid function name; function: {name}")
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Malformed(f"The expression contains too many operators; operator count: {OPERATORS_MAX + 1}")
        self._sign("(")
        args = self._list(self._operand)
        self._sign(")")
        self._depth -= 1
        for argument in args:
            if isinstance(argument, Apply) and self._functions is CONDITION_FUNCTIONS and argument.name != "size":
                self._note("misused", _misused(argument.name))
        return Apply(name, tuple(args), function=True)

    def _path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while (sign := self._tokens[self._at].text) in (".", "["):
            self._take()
            if sign == ".":
                parts.append(self._name())
                continue
            if self._kind != 3 or len(self._tokens[self._at].text) > INDEX_DIGITS_MAX:
                raise self._syntax_error()
            parts.append(int(self._take().text))
            self._sign("]")
        return Path(tuple(parts))

    def _name(self) -> str:
        token = self._tokens[self._at]
        if token.kind == 2 and token.text[0] == "#" and len(token.text) > 1:
            self._names.add(token.text)
        elif token.kind != 1 or self._is_word(*self._keywords):
            raise self._syntax_error()
        elif token.text.upper() in RESERVED:
            self._note("reserved", f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return self._take().text

    # ------------------------------------------------------------ tokens

    @property
    def _kind(self) -> int:
        return self._tokens[self._at].kind

    def _is_word(self, *words: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == 1 and token.text.upper() in words

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        if token.kind == 0:
            raise self._syntax_error()
        self._at += 1
        return token

    def _sign(self, text: str) -> None:
        if self._tokens[self._at].text != text:
            raise self._syntax_error()
        self._take()

    def _list(self, member: Callable[[], T]) -> list[T]:
        members = [member()]
        while self._tokens[self._at].text == ",":
            self._take()
            members.append(member())
        return members

    def _end(self) -> None:
        if self._kind != 0:
            raise self._syntax_error()

    def _count(self) -> None:
        self._operators += 1
        if self._operators > OPERATORS_MAX:
            raise Malformed(f"The expression contains too many operators; operator count: {self._operators}")

    def _note(self, kind: str, message: str) -> None:
        self._wrong.setdefault(kind, message)

    def _refuse(self, *order: str) -> None:
        self._end()
        for kind in order:
            if kind in self._wrong:
                raise Malformed(self._wrong[kind])

    def _syntax_error(self) -> Malformed:
        token = self._tokens[self._at]
        before = self._tokens[max(self._at - 1, 0)]
        after = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        return Malformed(f'Syntax error; token: "{token.text}", near: "{self._text[before.start : after.end]}"')


def _misused(name: str) -> str:
    return f"The function is not allowed to be used this way in an expression; function: {name}"


def overlap(paths: Iterable[Path]) -> str:
    """What is wrong with paths that are to be told apart; "" where nothing is."""
    conflict = ""
    earlier: dict[str | int, list[Path]] = {}
    for two in paths:
        beside = earlier.setdefault(two.parts[0], [])
        for one in beside:
            word = _relation(one.parts, two.parts)
            said = f"must remove or rewrite one of these paths; path one: {one}, path two: {two}"
            if word == "overlap":
                return f"Two document paths overlap with each other; {said}"
            if word and not conflict:
                conflict = f"Two document paths conflict with each other; {said}"
        beside.append(two)
    return conflict


def _relation(one: tuple[str | int, ...], two: tuple[str | int, ...]) -> str:
    for a, b in zip(one, two, strict=False):
        if type(a) is not type(b):
            return "conflict"
        if a != b:
            return ""
    return "overlap"
