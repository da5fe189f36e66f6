"""Expressions read into trees: conditions, updates and projections, as DynamoDB's grammar has them.

What can be said of a text alone (a reserved word, an unknown function) is found here, once for each text. Names and values of a request
are put in by `binding`. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from windtunnel.aws.dynamodb.reserved import RESERVED
from windtunnel.aws.dynamodb.tokens import Tokens
from windtunnel.aws.dynamodb.trees import Action, Apply, Node, Parsed, Path, Placeholder

INDEX_DIGITS_MAX = 9
CACHED_TEXTS_MAX = 1_024
COMPARATORS: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})
CONDITION_FUNCTIONS: Final = {
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}  # fmt: skip
UPDATE_FUNCTIONS: Final = {"if_not_exists": 2, "list_append": 2}
CONDITION_WORDS: Final = ("AND", "OR", "NOT", "BETWEEN", "IN")
SECTIONS: Final = ("SET", "REMOVE", "ADD", "DELETE")


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


class _Reader:
    """Reads one expression."""

    def __init__(self, text: str, functions: dict[str, int]) -> None:
        self._functions = functions
        self._keywords = CONDITION_WORDS if functions is CONDITION_FUNCTIONS else SECTIONS if functions is UPDATE_FUNCTIONS else ()
        self._tokens = Tokens(text)
        self._names: set[str] = set()
        self._values: set[str] = set()

    def condition(self) -> Parsed:
        node = self._or()
        self._condition_end(node)
        self._tokens.refuse("parentheses", "function", "misused", "reserved")
        return self._parsed(condition=node)

    def update(self) -> Parsed:
        actions: list[Action] = []
        seen: set[str] = set()
        while True:
            section = self._tokens.here.text.upper()
            if section not in SECTIONS:
                raise self._tokens.syntax_error()
            self._tokens.at += 1
            if section in seen:
                self._tokens.note("section", f'The "{section}" section can only be used once in an update expression;')
            seen.add(section)
            actions += self._tokens.several(lambda section=section: self._action(section))
            if self._tokens.here.kind == 0:
                break
        self._tokens.refuse("reserved", "function", "section")
        return self._parsed(actions=tuple(actions))

    def projection(self) -> Parsed:
        paths = self._tokens.several(self._path)
        self._tokens.end()
        self._tokens.refuse("reserved")
        return self._parsed(paths=tuple(paths))

    def _parsed(self, *, condition: Node | None = None, actions: tuple[Action, ...] = (), paths: tuple[Path, ...] = ()) -> Parsed:
        return Parsed(frozenset(self._names), frozenset(self._values), condition, actions, paths)

    # ------------------------------------------------------------ conditions

    def _or(self) -> Node:
        return self._joined("OR", lambda: self._joined("AND", self._not))

    def _joined(self, word: str, operand: Callable[[], Node]) -> Node:
        node = operand()
        while self._tokens.is_word(word):
            self._condition_end(node)
            self._tokens.take()
            self._tokens.count()
            other = operand()
            self._condition_end(other)
            node = Apply(word.lower(), (node, other))
        return node

    def _not(self) -> Node:
        turns = 0
        while self._tokens.is_word("NOT"):
            self._tokens.take()
            self._tokens.count()
            turns += 1
        node = self._compared()
        for _ in range(turns):
            self._condition_end(node)
            node = Apply("not", (node,))
        return node

    def _compared(self) -> Node:
        left = self._operand(conditions=True)
        text = self._tokens.here.text
        if text in COMPARATORS:
            self._operand_end(left)
            self._tokens.take()
            self._tokens.count()
            right = self._operand()
            return self._applied(text, (left, right))
        if self._tokens.is_word("BETWEEN"):
            self._operand_end(left)
            self._tokens.take()
            self._tokens.count()
            low = self._operand()
            if not self._tokens.is_word("AND"):
                raise self._tokens.syntax_error()
            self._tokens.take()
            return self._applied("between", (left, low, self._operand()))
        if self._tokens.is_word("IN"):
            self._operand_end(left)
            self._tokens.take()
            self._tokens.count()
            self._tokens.sign("(")
            args = self._tokens.several(self._operand)
            self._tokens.sign(")")
            return self._applied("in", (left, *args))
        return left

    def _applied(self, name: str, args: tuple[Node, ...]) -> Apply:
        for argument in args:
            if isinstance(argument, Apply) and argument.name != "size":
                self._tokens.note("misused", _misused(argument.name))
        return Apply(name, args)

    def _condition_end(self, node: Node) -> None:
        """What stood before the present token has to be a condition."""
        if not isinstance(node, Apply):
            raise self._tokens.syntax_error()
        if node.name == "size" and node.function:
            self._tokens.note("misused", _misused(node.name))

    def _operand_end(self, node: Node) -> None:
        if isinstance(node, Apply) and not node.function:
            raise self._tokens.syntax_error()

    # ------------------------------------------------------------ updates

    def _action(self, section: str) -> Action:
        path = self._path()
        if section == "REMOVE":
            return Action(section, path)
        if section == "SET":
            self._tokens.sign("=")
            return Action(section, path, self._sum())
        if self._tokens.here.kind != 2 or self._tokens.here.text[0] != ":":
            raise self._tokens.syntax_error()
        return Action(section, path, self._operand())

    def _sum(self) -> Node:
        left = self._operand(sums=True)
        if (sign := self._tokens.here.text) in ("+", "-"):
            self._tokens.take()
            self._tokens.count()
            return Apply(sign, (left, self._operand()))
        return left

    # ------------------------------------------------------------ operands

    def _operand(self, *, conditions: bool = False, sums: bool = False) -> Node:
        token = self._tokens.here
        if token.text == "(":
            return self._parenthesised(conditions=conditions, sums=sums)
        if token.text[0] == ":" and token.kind == 2 and len(token.text) > 1:
            self._tokens.take()
            self._values.add(token.text)
            return Placeholder(token.text)
        if token.kind == 1 and self._tokens.next.text == "(" and not self._tokens.is_word(*self._keywords):
            return self._call()
        return self._path()

    def _parenthesised(self, *, conditions: bool, sums: bool) -> Node:
        self._tokens.take()
        self._tokens.deeper()
        doubled = self._tokens.here.text == "("
        inner_start = self._tokens.at
        node = self._or() if conditions else self._sum() if sums else self._operand()
        if doubled and self._tokens.closes(inner_start) == self._tokens.at - 1:
            self._tokens.note("parentheses", "The expression has redundant parentheses;")
        self._tokens.sign(")")
        self._tokens.higher()
        return node

    def _call(self) -> Node:
        name = self._tokens.take().text
        self._tokens.count()
        if name not in self._functions:
            self._tokens.note("function", f"Invalid function name; function: {name}")
        self._tokens.deeper()
        self._tokens.sign("(")
        args = self._tokens.several(self._operand)
        self._tokens.sign(")")
        self._tokens.higher()
        for argument in args:
            if isinstance(argument, Apply) and self._functions is CONDITION_FUNCTIONS and argument.name != "size":
                self._tokens.note("misused", _misused(argument.name))
        return Apply(name, tuple(args), function=True)

    def _path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while (sign := self._tokens.here.text) in (".", "["):
            self._tokens.take()
            if sign == ".":
                parts.append(self._name())
                continue
            if self._tokens.here.kind != 3 or len(self._tokens.here.text) > INDEX_DIGITS_MAX:
                raise self._tokens.syntax_error()
            parts.append(int(self._tokens.take().text))
            self._tokens.sign("]")
        return Path(tuple(parts))

    def _name(self) -> str:
        token = self._tokens.here
        if token.kind == 2 and token.text[0] == "#" and len(token.text) > 1:
            self._names.add(token.text)
        elif token.kind != 1 or self._tokens.is_word(*self._keywords):
            raise self._tokens.syntax_error()
        elif token.text.upper() in RESERVED:
            self._tokens.note("reserved", f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return self._tokens.take().text


def _misused(name: str) -> str:
    return f"The function is not allowed to be used this way in an expression; function: {name}"
