"""What expressions and statements are read into: paths, values, and what is applied to them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from windtunnel.aws.dynamodb.values import Value


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
