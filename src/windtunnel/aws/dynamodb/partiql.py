"""PartiQL as DynamoDB has it: statements read into the trees that expressions become, so that both languages mean the same.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeVar

import msgspec

from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.syntax import CACHED_TEXTS_MAX, COMPARATORS, CONDITION_FUNCTIONS, Apply, Node, Path, Placeholder
from windtunnel.aws.dynamodb.syntax import Literal as Constant
from windtunnel.aws.dynamodb.values import Value, checked, type_of
from windtunnel.aws.errors import Fault

STATEMENT_LENGTH_MAX = 8_192
DEPTH_MAX = 40
SET_FUNCTIONS: Final = {"list_append": 2, "set_add": 2, "set_delete": 2, "if_not_exists": 2}
_TOKEN = re.compile(
    r"""\s*(?:('(?:[^']|'')*')|("(?:[^"]|"")*")|([A-Za-z_$][A-Za-z0-9_$]*)|(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?)"""
    r"""|(<<|>>|<>|!=|<=|>=|[=<>()\[\]{},.:?*+\-])|(\S))"""
)
_TEXT, _QUOTED, _WORD, _NUMBER, _SIGN = 1, 2, 3, 4, 5
_RESERVED: Final = (
    "SELECT FROM WHERE ORDER BY ASC DESC AND OR NOT BETWEEN IN IS NULL MISSING INSERT INTO VALUE UPDATE SET REMOVE DELETE RETURNING"
)
_WORDS: Final = frozenset(_RESERVED.split())
_RETURNED: Final = {
    ("ALL", "OLD"): "ALL_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}

T = TypeVar("T")


class Assignment(msgspec.Struct, frozen=True):
    """`SET path = value`, or `REMOVE path` where there is no value."""

    path: Path
    value: Node | None


class Statement(msgspec.Struct, frozen=True):
    """A statement; `?` are placeholders by their number until parameters are put in."""

    kind: Literal["select", "insert", "update", "delete", "exists"]
    table: str
    index: str = ""
    paths: tuple[Path, ...] | None = None
    where: Node | None = None
    order: str = ""
    descending: bool = False
    item: Node | None = None
    assignments: tuple[Assignment, ...] = ()
    returning: str = ""
    parameters: int = 0


class _Token(NamedTuple):
    text: str
    kind: int


def malformed(why: str) -> Fault:
    return invalid(f"Statement wasn't well formed, can't be processed: {why}")


@lru_cache(maxsize=CACHED_TEXTS_MAX)
def statement(text: str) -> Statement:
    """A statement's text understood. Raises Fault."""
    if len(text) > STATEMENT_LENGTH_MAX:
        raise malformed("The statement is too long")
    return _Reader(text).statement()


def bound(read: Statement, parameters: Sequence[Value]) -> Statement:
    """A statement with its parameters."""
    if len(parameters) != read.parameters:
        raise invalid("Number of parameters in request and statement don't match.")
    values = [Constant(checked(value)) for value in parameters]

    def put_in(node: Node) -> Node:
        if isinstance(node, Placeholder):
            return values[int(node.name)]
        if isinstance(node, Apply):
            return _folded(Apply(node.name, tuple(map(put_in, node.args)), node.function))
        return node

    return msgspec.structs.replace(
        read,
        where=None if read.where is None else put_in(read.where),
        item=None if read.item is None else put_in(read.item),
        assignments=tuple(Assignment(one.path, None if one.value is None else put_in(one.value)) for one in read.assignments),
    )


def _folded(node: Apply) -> Node:
    """A list, map or set of values as one value."""
    if node.name not in ("list", "map", "bag"):
        return node
    values = [argument.value for argument in node.args if isinstance(argument, Constant)]
    if len(values) < len(node.args):
        raise malformed("Only literals can stand within a list, a map or a set")
    if node.name == "list":
        return Constant({"L": values})
    if node.name == "map":
        return Constant({"M": {name["S"]: value for name, value in zip(values[::2], values[1::2], strict=True)}})
    kinds = {type_of(value) for value in values}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise malformed("The members of a set are all texts, all numbers or all binary values")
    kind = kinds.pop()
    return Constant(checked({f"{kind}S": [value[kind] for value in values]}))


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = [_Token(match[match.lastindex or 0], match.lastindex or 0) for match in _TOKEN.finditer(text)]
        self._tokens.append(_Token("", 0))
        self._at = 0
        self._depth = 0
        self._parameters = 0

    def statement(self) -> Statement:
        word = self._take().text.upper()
        if word == "SELECT":
            read = self._select("select")
        elif word == "INSERT":
            read = self._insert()
        elif word == "UPDATE":
            read = self._update()
        elif word == "DELETE":
            read = self._delete()
        elif word == "EXISTS":
            self._sign("(")
            self._expect("SELECT")
            read = self._select("exists")
            self._sign(")")
        else:
            raise malformed(f"Unexpected keyword {word}")
        if self._here.kind:
            raise self._unexpected()
        return msgspec.structs.replace(read, parameters=self._parameters)

    def _select(self, kind: Literal["select", "exists"]) -> Statement:
        paths = None
        if self._here.text == "*":
            self._take()
        else:
            paths = tuple(self._list(self._path))
        self._expect("FROM")
        table, index = self._table()
        where = self._where()
        order, descending = "", False
        if self._accept("ORDER"):
            self._expect("BY")
            order = str(self._path().parts[0])
            descending = self._accept("DESC")
            if not descending:
                self._accept("ASC")
        return Statement(kind, table, index, paths, where, order, descending)

    def _insert(self) -> Statement:
        self._expect("INTO")
        table, _ = self._table()
        self._expect("VALUE")
        return Statement("insert", table, item=self._value())

    def _update(self) -> Statement:
        table, _ = self._table()
        assignments: list[Assignment] = []
        while True:
            if self._accept("SET"):
                assignments += self._list(self._assignment)
            elif self._accept("REMOVE"):
                assignments += [Assignment(path, None) for path in self._list(self._path)]
            else:
                break
        if not assignments:
            raise self._unexpected()
        return Statement("update", table, where=self._where(), assignments=tuple(assignments), returning=self._returning())

    def _delete(self) -> Statement:
        self._expect("FROM")
        table, _ = self._table()
        return Statement("delete", table, where=self._where(), returning=self._returning())

    def _assignment(self) -> Assignment:
        path = self._path()
        self._sign("=")
        return Assignment(path, self._sum())

    def _returning(self) -> str:
        if not self._accept("RETURNING"):
            return ""
        words = (self._take().text.upper(), self._take().text.upper())
        if words not in _RETURNED:
            raise malformed("Unexpected returning clause")
        self._sign("*")
        return _RETURNED[words]

    def _table(self) -> tuple[str, str]:
        """A table, and an index of it: `"table"."index"`."""
        name = self._name()
        if self._here.text == "." and self._here.kind == _SIGN:
            self._take()
            return name, self._name()
        return name, ""

    def _where(self) -> Node | None:
        return self._or() if self._accept("WHERE") else None

    # ------------------------------------------------------------ conditions

    def _or(self) -> Node:
        return self._joined("OR", lambda: self._joined("AND", self._not))

    def _joined(self, word: str, operand: Callable[[], Node]) -> Node:
        nodes = [operand()]
        while self._accept(word):
            nodes.append(operand())
        if len(nodes) == 1:
            return nodes[0]
        for node in nodes:
            self._condition(node)
        return Apply(word.lower(), tuple(nodes))

    def _not(self) -> Node:
        turns = 0
        while self._accept("NOT"):
            turns += 1
        node = self._compared()
        for _ in range(turns):
            node = Apply("not", (self._condition(node),))
        return self._condition(node)

    def _compared(self) -> Node:
        if self._here.text == "(":
            with self._deeper():
                self._take()
                node = self._or()
                self._sign(")")
            return node
        left = self._compare_value()
        sign = "<>" if self._here.text == "!=" else self._here.text
        if sign in COMPARATORS and self._here.kind == _SIGN:
            self._take()
            return _comparison(sign, left, self._compare_value())
        if self._accept("IS"):
            return self._is(left)
        turned = self._accept("NOT")
        if self._accept("BETWEEN"):
            low = self._compare_value()
            self._expect("AND")
            node: Node = _comparison("between", left, low, self._compare_value())
        elif self._accept("IN"):
            closing = {"(": ")", "[": "]"}.get(self._take().text)
            if closing is None:
                raise malformed("Expected a list of values behind IN")
            node = _comparison("in", left, *self._list(self._compare_value))
            self._sign(closing)
        elif turned:
            raise self._unexpected()
        else:
            return left
        return Apply("not", (node,)) if turned else node

    def _compare_value(self) -> Node:
        """What can be compared; a function that is a condition by itself is one of them until something is compared with it."""
        node = self._value()
        if isinstance(node, Apply) and node.name in SET_FUNCTIONS:
            raise malformed(f"Unexpected function {node.name}")
        return node

    def _is(self, left: Node) -> Node:
        turned = self._accept("NOT")
        if self._accept("MISSING"):
            return Apply("attribute_exists" if turned else "attribute_not_exists", (left,), function=True)
        self._expect("NULL")
        node = Apply("attribute_type", (left, Constant({"S": "NULL"})), function=True)
        return Apply("not", (node,)) if turned else node

    def _condition(self, node: Node) -> Node:
        if not isinstance(node, Apply) or node.name in ("size", "+", "-", *SET_FUNCTIONS):
            raise self._unexpected()
        return node

    # ------------------------------------------------------------ values

    def _sum(self) -> Node:
        left = self._value()
        while self._here.text in ("+", "-") and self._here.kind == _SIGN:
            sign = self._take().text
            left = Apply(sign, (left, self._value()))
        return left

    def _value(self) -> Node:
        token = self._here
        if token.kind == _TEXT:
            self._take()
            return Constant({"S": token.text[1:-1].replace("''", "'")})
        if token.kind == _NUMBER:
            self._take()
            return Constant(checked({"N": token.text}))
        if token.text == "?":
            self._take()
            self._parameters += 1
            return Placeholder(str(self._parameters - 1))
        if token.text in ("[", "{", "<<", "("):
            with self._deeper():
                return self._composed()
        if token.kind == _WORD and token.text.upper() in ("TRUE", "FALSE"):
            return Constant({"BOOL": self._take().text.upper() == "TRUE"})
        if self._accept("NULL"):
            return Constant({"NULL": True})
        if token.kind == _WORD and self._tokens[self._at + 1].text == "(":
            return self._call()
        return self._path()

    def _composed(self) -> Node:
        opening = self._take().text
        if opening == "(":
            node = self._sum()
            self._sign(")")
            return node
        if opening == "{":
            pairs = [] if self._here.text == "}" else self._list(self._pair)
            self._sign("}")
            return _folded_early(Apply("map", tuple(part for pair in pairs for part in pair)))
        closing = "]" if opening == "[" else ">>"
        members = [] if self._here.text == closing else self._list(self._value)
        self._sign(closing)
        return _folded_early(Apply("list" if opening == "[" else "bag", tuple(members)))

    def _pair(self) -> tuple[Node, Node]:
        name = self._take()
        if name.kind != _TEXT:
            raise malformed("Expected a text as the name of an attribute")
        self._sign(":")
        return Constant({"S": name.text[1:-1].replace("''", "'")}), self._value()

    def _call(self) -> Node:
        name = self._take().text.lower()
        count = CONDITION_FUNCTIONS.get(name) or SET_FUNCTIONS.get(name)
        if count is None:
            raise malformed(f"Invalid function name {name}")
        with self._deeper():
            self._sign("(")
            args = self._list(self._sum if name in SET_FUNCTIONS else self._compare_value)
            self._sign(")")
        if len(args) != count:
            raise malformed(f"Incorrect number of arguments of {name}")
        return Apply(name, tuple(args), function=True)

    def _path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while self._here.kind == _SIGN and self._here.text in (".", "["):
            if self._take().text == ".":
                parts.append(self._name())
                continue
            token = self._take()
            if token.kind == _TEXT:
                parts.append(token.text[1:-1].replace("''", "'"))
            elif token.kind == _NUMBER and token.text.isdigit() and len(token.text) < len("1000000000"):
                parts.append(int(token.text))
            else:
                raise malformed("Unexpected path component")
            self._sign("]")
        return Path(tuple(parts))

    def _name(self) -> str:
        token = self._take()
        if token.kind == _QUOTED:
            return token.text[1:-1].replace('""', '"')
        if token.kind != _WORD or token.text.upper() in _WORDS:
            self._at -= 1
            raise self._unexpected()
        return token.text

    # ------------------------------------------------------------ tokens

    @property
    def _here(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._here
        if not token.kind:
            raise malformed("Unexpected end of statement")
        self._at += 1
        return token

    def _accept(self, word: str) -> bool:
        token = self._here
        if token.kind == _WORD and token.text.upper() == word:
            self._at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _sign(self, text: str) -> None:
        if self._here.kind != _SIGN or self._here.text != text:
            raise self._unexpected()
        self._at += 1

    def _list(self, member: Callable[[], T]) -> list[T]:
        members = [member()]
        while self._here.text == "," and self._here.kind == _SIGN:
            self._at += 1
            members.append(member())
        return members

    def _deeper(self) -> _Level:
        return _Level(self)

    def enter(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise malformed("The statement is nested too deeply")

    def leave(self) -> None:
        self._depth -= 1

    def _unexpected(self) -> Fault:
        token = self._here
        return malformed(f"Unexpected token {token.text}" if token.kind else "Unexpected end of statement")


class _Level:
    """One more level of nesting, while it lasts."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def __enter__(self) -> None:
        self._reader.enter()

    def __exit__(self, *_: object) -> None:
        self._reader.leave()


def _folded_early(node: Apply) -> Node:
    """What holds no parameter is a value at once."""
    return _folded(node) if all(isinstance(argument, Constant) for argument in node.args) else node


def _comparison(name: str, *args: Node) -> Apply:
    for argument in args:
        if isinstance(argument, Apply) and argument.function and argument.name != "size":
            raise malformed(f"Unexpected function {argument.name}")
    return Apply(name, args)
