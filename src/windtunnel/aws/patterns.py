"""Event patterns: EventBridge's rules and SNS's filter policies are one language, compiled here once to a function.

Rules: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html. Three of them shape the code:

- keys joined with dots and nested keys are the same key, in patterns and in events;
- of an array, one element must satisfy all that a pattern asks of its members, not one element this and another that;
- `exists: false` asks that a key is nowhere in the event, not only absent from one element.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import Any, Literal, cast

from windtunnel.aws.documents import parse_json
from windtunnel.aws.patterns_parse import Condition, Path, parse_pattern

Scope = Literal["MessageAttributes", "MessageBody"]
Matcher = Callable[[Any], bool]

# A compiled node takes the value found at its key (or _MISSING) and the whole event.
_Node = Callable[[Any, dict[str, Any]], bool]
_Tree = dict[str, "_Tree | list[Condition]"]

_MISSING: Any = object()
_NOTHING: Mapping[str, Any] = {}

# https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
FILTER_POLICY_KEYS_MAX = 5
FILTER_POLICY_COMBINATIONS_MAX = 150
KEYS_MAX = 64
"""A pattern that names more combinations of values than this is kept with those that match anything."""


def compile_pattern(pattern: str | Mapping[str, Any]) -> Matcher:
    """The function that tells whether an event (a dict) matches an EventBridge pattern.

    Give the text where there is one: a refusal shows the place in it. ValueError has `InvalidEventPatternException`'s message.
    """
    return _compiled_pattern(pattern if isinstance(pattern, str) else json.dumps(pattern))


@lru_cache(maxsize=1024)
def pattern_keys(text: str, *names: str) -> frozenset[tuple[str, ...]]:
    """What events a valid pattern can match, told by their members of these names: tuples of values, "" where any will do.

    Who keeps rules under these keys finds those that an event can match with one look for each way to leave values out.
    """
    keys: set[tuple[str, ...]] = set()
    for alternative in parse_pattern(text, "events"):
        keys |= set(product(*(_named_values(alternative.get((name,))) for name in names)))
        if len(keys) > KEYS_MAX:
            return frozenset({("",) * len(names)})
    return frozenset(keys)


@lru_cache(maxsize=1024)
def always_asks(text: str, name: str) -> bool:
    """Whether a valid pattern asks for a member of events, of this name, in all of its alternatives."""
    return all((name,) in alternative for alternative in parse_pattern(text, "events"))


def _named_values(conditions: list[Condition] | None) -> tuple[str, ...]:
    if conditions is None or any(one.kind != "value" or not isinstance(one.value, str) for one in conditions):
        return ("",)
    return tuple(one.value for one in conditions)


def compile_filter_policy(policy: str | Mapping[str, Any], scope: Scope = "MessageAttributes", *, attribute: bool = False) -> Matcher:
    """The function that tells whether a message passes an SNS filter policy.

    For `MessageAttributes` it takes the message's attributes as the API has them (`{name: {"DataType": …, "StringValue": …}}`),
    for `MessageBody` the parsed body, which may be anything. ValueError has `InvalidParameter`'s message as
    SetSubscriptionAttributes words it, or Subscribe with `attribute=True`.
    """
    try:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        # SNS shows a policy in its refusals as it wrote it down itself, without spaces.
        text = json.dumps(parse_json(text), separators=(",", ":"), ensure_ascii=False)
    except json.JSONDecodeError as error:
        raise ValueError(_refusal(f"failed to parse JSON. {error.msg}", attribute)) from error
    try:
        return _compiled_policy(text, scope)
    except _ScopeError as error:
        raise ValueError(f"Invalid parameter: {error}") from error
    except ValueError as error:
        raise ValueError(_refusal(str(error), attribute)) from error


class _ScopeError(ValueError):
    """SNS words this refusal without naming FilterPolicy."""


def _refusal(reason: str, attribute: bool) -> str:
    return f"Invalid parameter: {'Attributes Reason: ' if attribute else ''}FilterPolicy: {reason}"


@lru_cache(maxsize=4096)
def _compiled_pattern(text: str) -> Matcher:
    try:
        return _matcher(parse_pattern(text, "events"))
    except ValueError as error:
        raise ValueError(f"Event pattern is not valid. Reason: {error}") from error


@lru_cache(maxsize=1024)
def _compiled_policy(text: str, scope: Scope) -> Matcher:
    if text == "{}":
        return _everything
    alternatives = parse_pattern(text, "sns")
    if len({path[0] for alternative in alternatives for path in alternative}) > FILTER_POLICY_KEYS_MAX:
        raise ValueError(f"Filter policy can not have more than {FILTER_POLICY_KEYS_MAX} keys")
    if scope == "MessageAttributes" and any(len(path) > 1 for alternative in alternatives for path in alternative):
        raise _ScopeError("Filter policy scope MessageAttributes does not support nested filter policy")
    if sum(map(_combinations, alternatives)) > FILTER_POLICY_COMBINATIONS_MAX:
        raise ValueError("Filter policy is too complex")
    matches = _matcher(alternatives)
    if scope == "MessageBody":
        return matches
    return lambda attributes: matches(_attribute_values(attributes))


def _combinations(alternative: Mapping[Path, list[Condition]]) -> int:
    """SNS multiplies the number of values of each key with the key's depth."""
    product = 1
    for path, conditions in alternative.items():
        product *= len(path) * len(conditions)
    return product


def _everything(_: Any) -> bool:
    return True


def _attribute_values(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values that a filter policy compares; Binary attributes and custom types of it are not looked at."""
    values: dict[str, Any] = {}
    for name, attribute in attributes.items():
        kind: str = attribute.get("DataType", "String")
        text: str = attribute.get("StringValue", "")
        if kind == "String" or (kind.startswith("String.") and kind != "String.Array"):
            values[name] = text
        elif kind == "String.Array":
            values[name] = _array(text)
        elif kind == "Number" or kind.startswith("Number."):
            try:
                values[name] = float(text)
            except ValueError:
                values[name] = text
    return values


def _array(text: str) -> Any:
    try:
        return parse_json(text)
    except json.JSONDecodeError:
        return text


def _matcher(alternatives: list[dict[Path, list[Condition]]]) -> Matcher:
    nodes = [_compile_node(_tree(alternative), ()) for alternative in alternatives]
    if len(nodes) == 1:
        [only] = nodes

        def matches(event: Any) -> bool:
            return type(event) is dict and only(event, cast("dict[str, Any]", event))

        return matches

    def matches_any(event: Any) -> bool:
        return type(event) is dict and any(node(event, cast("dict[str, Any]", event)) for node in nodes)

    return matches_any


def _tree(alternative: Mapping[Path, list[Condition]]) -> _Tree:
    """Nested keys again, with dotted ones taken apart."""
    root: _Tree = {}
    for path, conditions in alternative.items():
        parts = [part for key in path for part in key.split(".")]
        node = root
        for part in parts[:-1]:
            child = node.get(part)
            if not isinstance(child, dict):
                child = node[part] = {}
            node = child
        node[parts[-1]] = conditions
    return root


def _compile_node(tree: _Tree, path: Path) -> _Node:
    children: list[tuple[str, _Node]] = []
    for key, child in tree.items():
        below = (*path, key)
        children.append((key, _compile_node(child, below) if isinstance(child, dict) else _compile_leaf(child, below)))
    joined = frozenset(name for name in _joined_names(tree, "") if "." in name)

    def matches(value: object, event: dict[str, Any]) -> bool:
        kind = type(value)
        elements = cast("list[Any]", value) if kind is list else None
        if elements:
            return any(matches(element, event) for element in elements)
        members: Mapping[str, Any] = cast("dict[str, Any]", value) if kind is dict else _NOTHING
        if joined and members and any(name in members for name in joined):
            members = _unjoined(members, joined)
        return all(child(members.get(key, _MISSING), event) for key, child in children)

    return matches


def _joined_names(tree: _Tree, prefix: str) -> Iterator[str]:
    for key, child in tree.items():
        yield prefix + key
        if isinstance(child, dict):
            yield from _joined_names(child, f"{prefix}{key}.")


def _unjoined(members: Mapping[str, Any], joined: frozenset[str]) -> dict[str, Any]:
    """The members with those keys that are joined with dots, and that a pattern asks for, nested instead."""
    nested: dict[str, Any] = {key: value for key, value in members.items() if key not in joined}
    for name in joined & members.keys():
        first, _, rest = name.partition(".")
        there = nested.get(first, _MISSING)
        added = {rest: members[name]}
        if there is _MISSING:
            nested[first] = added
        elif type(there) is dict:
            nested[first] = {**cast("dict[str, Any]", there), **added}
        else:
            nested[first] = [there, added]
    return nested


def _compile_leaf(conditions: list[Condition], path: Path) -> _Node:
    strings = frozenset(c.value for c in conditions if c.kind == "value" and isinstance(c.value, str))
    numbers = frozenset(c.value for c in conditions if c.kind == "value" and type(c.value) in (int, float))
    literals = frozenset(c.value for c in conditions if c.kind == "value" and (c.value is None or isinstance(c.value, bool)))
    tests: tuple[Matcher, ...] = tuple(c.value for c in conditions if c.kind == "test")
    may_be_absent = any(c.kind == "absent" for c in conditions)

    def holds(value: object) -> bool:
        kind = type(value)
        if kind is str:
            if value in strings:
                return True
        elif kind is int or kind is float:
            if value in numbers:
                return True
        elif kind is list:
            return any(holds(element) for element in cast("list[Any]", value))
        elif kind is dict:
            return False  # only values are compared, not what has members
        elif value in literals:
            return True
        return any(test(value) for test in tests) if tests else False

    if may_be_absent:
        return lambda value, event: (value is not _MISSING and holds(value)) or not _has_value(event, path)
    return lambda value, _: value is not _MISSING and holds(value)


def _has_value(value: Any, path: Path) -> bool:
    """Whether a key has a value anywhere in the event, through arrays and through keys joined with dots."""
    if type(value) is list:
        return any(_has_value(element, path) for element in cast("list[Any]", value))
    if not path:
        return type(value) is not dict
    if type(value) is not dict:
        return False
    members = cast("dict[str, Any]", value)
    for length in range(1, len(path) + 1):
        name = ".".join(path[:length])
        if name in members and _has_value(members[name], path[length:]):
            return True
    return False
