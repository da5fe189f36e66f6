"""What stands behind WHERE."""

from __future__ import annotations

from collections.abc import Callable

from windtunnel.aws.dynamodb.partiql.tokens import SIGN, Tokens
from windtunnel.aws.dynamodb.partiql.trees import malformed
from windtunnel.aws.dynamodb.partiql.values import SET_FUNCTIONS, Values
from windtunnel.aws.dynamodb.syntax import COMPARATORS
from windtunnel.aws.dynamodb.trees import Apply, Node
from windtunnel.aws.dynamodb.trees import Literal as Constant


class Conditions:
    """Reads conditions."""

    def __init__(self, tokens: Tokens, values: Values) -> None:
        self._tokens, self._values = tokens, values

    def read(self) -> Node:
        return self._joined("OR", lambda: self._joined("AND", self._not))

    def _joined(self, word: str, operand: Callable[[], Node]) -> Node:
        nodes = [operand()]
        while self._tokens.accept(word):
            nodes.append(operand())
        if len(nodes) == 1:
            return nodes[0]
        for node in nodes:
            self._condition(node)
        return Apply(word.lower(), tuple(nodes))

    def _not(self) -> Node:
        turns = 0
        while self._tokens.accept("NOT"):
            turns += 1
        node = self._compared()
        for _ in range(turns):
            node = Apply("not", (self._condition(node),))
        return self._condition(node)

    def _compared(self) -> Node:
        if self._tokens.here.text == "(":
            with self._tokens.deeper():
                self._tokens.take()
                node = self.read()
                self._tokens.sign(")")
            return node
        left = self._values.compare_value()
        sign = "<>" if self._tokens.here.text == "!=" else self._tokens.here.text
        if sign in COMPARATORS and self._tokens.here.kind == SIGN:
            self._tokens.take()
            return _comparison(sign, left, self._values.compare_value())
        if self._tokens.accept("IS"):
            return self._is(left)
        turned = self._tokens.accept("NOT")
        if self._tokens.accept("BETWEEN"):
            low = self._values.compare_value()
            self._tokens.expect("AND")
            node: Node = _comparison("between", left, low, self._values.compare_value())
        elif self._tokens.accept("IN"):
            closing = {"(": ")", "[": "]"}.get(self._tokens.take().text)
            if closing is None:
                raise malformed("Expected a list of values behind IN")
            node = _comparison("in", left, *self._tokens.several(self._values.compare_value))
            self._tokens.sign(closing)
        elif turned:
            raise self._tokens.unexpected()
        else:
            return left
        return Apply("not", (node,)) if turned else node

    def _is(self, left: Node) -> Node:
        turned = self._tokens.accept("NOT")
        if self._tokens.accept("MISSING"):
            return Apply("attribute_exists" if turned else "attribute_not_exists", (left,), function=True)
        self._tokens.expect("NULL")
        node = Apply("attribute_type", (left, Constant({"S": "NULL"})), function=True)
        return Apply("not", (node,)) if turned else node

    def _condition(self, node: Node) -> Node:
        if not isinstance(node, Apply) or node.name in ("size", "+", "-", *SET_FUNCTIONS):
            raise self._tokens.unexpected()
        return node


def _comparison(name: str, *args: Node) -> Apply:
    for argument in args:
        if isinstance(argument, Apply) and argument.function and argument.name != "size":
            raise malformed(f"Unexpected function {argument.name}")
    return Apply(name, args)
