"""What stands for a value: literals, parameters, paths, functions and sums."""

from __future__ import annotations

from typing import Final

from windtunnel.aws.dynamodb.partiql.tokens import NUMBER, QUOTED, SIGN, TEXT, WORD, WORDS, Tokens
from windtunnel.aws.dynamodb.partiql.trees import folded_early, malformed
from windtunnel.aws.dynamodb.syntax import CONDITION_FUNCTIONS
from windtunnel.aws.dynamodb.trees import Apply, Node, Path, Placeholder
from windtunnel.aws.dynamodb.trees import Literal as Constant
from windtunnel.aws.dynamodb.values import checked

SET_FUNCTIONS: Final = {"list_append": 2, "set_add": 2, "set_delete": 2, "if_not_exists": 2}


class Values:
    """Reads values, and counts the parameters among them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.parameters = 0

    def sum(self) -> Node:
        left = self.value()
        while self._tokens.here.text in ("+", "-") and self._tokens.here.kind == SIGN:
            sign = self._tokens.take().text
            left = Apply(sign, (left, self.value()))
        return left

    def value(self) -> Node:
        token = self._tokens.here
        if token.kind == TEXT:
            self._tokens.take()
            return Constant({"S": token.text[1:-1].replace("''", "'")})
        if token.kind == NUMBER:
            self._tokens.take()
            return Constant(checked({"N": token.text}))
        if token.text == "?":
            self._tokens.take()
            self.parameters += 1
            return Placeholder(str(self.parameters - 1))
        if token.text in ("[", "{", "<<", "("):
            with self._tokens.deeper():
                return self._composed()
        if token.kind == WORD and token.text.upper() in ("TRUE", "FALSE"):
            return Constant({"BOOL": self._tokens.take().text.upper() == "TRUE"})
        if self._tokens.accept("NULL"):
            return Constant({"NULL": True})
        if token.kind == WORD and self._tokens.next.text == "(":
            return self._call()
        return self.path()

    def _composed(self) -> Node:
        opening = self._tokens.take().text
        if opening == "(":
            node = self.sum()
            self._tokens.sign(")")
            return node
        if opening == "{":
            pairs = [] if self._tokens.here.text == "}" else self._tokens.several(self._pair)
            self._tokens.sign("}")
            return folded_early(Apply("map", tuple(part for pair in pairs for part in pair)))
        closing = "]" if opening == "[" else ">>"
        members = [] if self._tokens.here.text == closing else self._tokens.several(self.value)
        self._tokens.sign(closing)
        return folded_early(Apply("list" if opening == "[" else "bag", tuple(members)))

    def _pair(self) -> tuple[Node, Node]:
        name = self._tokens.take()
        if name.kind != TEXT:
            raise malformed("Expected a text as the name of an attribute")
        self._tokens.sign(":")
        return Constant({"S": name.text[1:-1].replace("''", "'")}), self.value()

    def _call(self) -> Node:
        name = self._tokens.take().text.lower()
        count = CONDITION_FUNCTIONS.get(name) or SET_FUNCTIONS.get(name)
        if count is None:
            raise malformed(f"Invalid function name {name}")
        with self._tokens.deeper():
            self._tokens.sign("(")
            args = self._tokens.several(self.sum if name in SET_FUNCTIONS else self.compare_value)
            self._tokens.sign(")")
        if len(args) != count:
            raise malformed(f"Incorrect number of arguments of {name}")
        return Apply(name, tuple(args), function=True)

    def path(self) -> Path:
        parts: list[str | int] = [self.name()]
        while self._tokens.here.kind == SIGN and self._tokens.here.text in (".", "["):
            if self._tokens.take().text == ".":
                parts.append(self.name())
                continue
            token = self._tokens.take()
            if token.kind == TEXT:
                parts.append(token.text[1:-1].replace("''", "'"))
            elif token.kind == NUMBER and token.text.isdigit() and len(token.text) < len("1000000000"):
                parts.append(int(token.text))
            else:
                raise malformed("Unexpected path component")
            self._tokens.sign("]")
        return Path(tuple(parts))

    def name(self) -> str:
        token = self._tokens.take()
        if token.kind == QUOTED:
            return token.text[1:-1].replace('""', '"')
        if token.kind != WORD or token.text.upper() in WORDS:
            raise malformed(f"Unexpected token {token.text}")
        return token.text

    def compare_value(self) -> Node:
        """What can be compared; a function that is a condition by itself is one of them until something is compared with it."""
        node = self.value()
        if isinstance(node, Apply) and node.name in SET_FUNCTIONS:
            raise malformed(f"Unexpected function {node.name}")
        return node
