"""An update's actions done to an item. All of them see the item as it was; indexes are those of the list as it was.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from windtunnel.aws.dynamodb import decimals
from windtunnel.aws.dynamodb.conditions import find
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.aws.dynamodb.trees import Action, Apply, Literal, Node, Path
from windtunnel.aws.dynamodb.values import Item, Value, type_of

WRONG_TYPE = "An operand in the update expression has an incorrect data type"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
NO_PLACE = "The document path provided in the update expression is invalid for update"


def updated(item: Item, actions: Iterable[Action], *, mismatch: str = WRONG_TYPE) -> Item:
    """The item after an update; the one that was given stays as it is. `mismatch` is what is said of a value of another type."""
    return _Update(item, mismatch).apply(actions)


class _Update:
    def __init__(self, item: Item, mismatch: str) -> None:
        self._before, self._mismatch = item, mismatch
        self._after: Value = {"M": dict(item)}
        self._lists: dict[int, tuple[list[Value | None], list[tuple[int, Value]]]] = {}
        """The lists that have lost or gained members, with what is to stand behind their end."""
        self._own: set[int] = {id(self._after["M"])}
        """Containers that are copies already."""

    def apply(self, actions: Iterable[Action]) -> Item:
        made = [(action, None if action.value is None else self._value(action.value)) for action in actions]
        for action, value in made:
            holder, last = self._holder(action.path)
            match action.section:
                case "SET":
                    assert value is not None, "SET has a value"
                    self._set(holder, last, value)
                case "REMOVE":
                    self._remove(holder, last)
                case section:
                    assert value is not None, "ADD and DELETE have a value"
                    self._change(holder, last, section, value)
        for members, added in self._lists.values():
            members[:] = [member for member in members if member is not None] + [value for _, value in sorted(added, key=_first)]
        return self._after["M"]

    def _holder(self, path: Path) -> tuple[Any, str | int]:
        """The map or list that holds what a path leads to, as a copy of its own, and the last part of the path."""
        value: Value = self._after
        parts = path.parts
        for at, part in enumerate(parts):
            kind = "L" if isinstance(part, int) else "M"
            if kind not in value:
                raise invalid(NO_PLACE)
            holder = value[kind]
            if id(holder) not in self._own:
                holder = value[kind] = holder.copy()
                self._own.add(id(holder))
            if at == len(parts) - 1:
                return holder, part
            found = holder.get(part) if isinstance(part, str) else holder[part] if part < len(holder) else None
            if found is None:
                raise invalid(NO_PLACE)
            if id(found) not in self._own:
                found = holder[part] = dict(found)
                self._own.add(id(found))
            value = found
        raise AssertionError("a path has parts")

    def _changed(self, members: list[Value | None]) -> list[tuple[int, Value]]:
        return self._lists.setdefault(id(members), (members, []))[1]

    def _set(self, holder: Any, last: str | int, value: Value) -> None:
        if isinstance(last, int) and last >= len(holder):
            self._changed(holder).append((last, value))
        else:
            holder[last] = value

    def _remove(self, holder: Any, last: str | int) -> None:
        if isinstance(last, str):
            holder.pop(last, None)
        elif last < len(holder):
            self._changed(holder)
            holder[last] = None

    def _change(self, holder: Any, last: str | int, section: str, value: Value) -> None:
        kind, content = next(iter(value.items()))
        present: Value | None = holder.get(last) if isinstance(last, str) else holder[last] if last < len(holder) else None
        if present is not None and type_of(present) != kind:
            raise invalid(self._mismatch)
        old: Any = None if present is None else present[kind]
        if section == "DELETE":
            left = [member for member in old or () if member not in content]
            if left:
                holder[last] = {kind: left}
            elif old is not None:
                self._remove(holder, last)
        elif kind == "N":
            self._set(holder, last, {"N": decimals.added(old or "0", content)})
        else:
            # A list only former parameters can be added to: all is appended.
            had: list[Any] = old or []
            self._set(holder, last, {kind: [*had, *(member for member in content if kind == "L" or member not in had)]})

    def _value(self, node: Node) -> Value:
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Path):
            found = find(self._before, node)
            if found is None:
                raise invalid(NO_ATTRIBUTE)
            return found
        assert isinstance(node, Apply), "placeholders are bound by now"
        first, second = node.args
        if node.name == "if_not_exists":
            assert isinstance(first, Path), "checked when it was bound"
            found = find(self._before, first)
            return self._value(second) if found is None else found
        kind = "L" if node.name == "list_append" else "N"
        one, two = self._value(first), self._value(second)
        if kind not in one or kind not in two:
            raise invalid(WRONG_TYPE)
        if kind == "L":
            return {"L": [*one["L"], *two["L"]]}
        return {"N": decimals.added(one["N"], two["N"], subtract=node.name == "-")}


def _first(pair: tuple[int, Value]) -> int:
    return pair[0]
