"""Finds a REST operation by method, path and query: a tree of path segments per service, compiled on first use.

Literal segments win over labels, labels over greedy ones, and of several operations on one path the one that asks for most.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from windtunnel.aws.model import OperationModel, service_model
from windtunnel.wire.query import decoded, unquoted

Query = dict[str, list[str]]
Labels = dict[str, str]


class Candidate(msgspec.Struct, frozen=True):
    """One operation of those that share a path and a method, and what tells it from the others."""

    operation: str
    literals: tuple[tuple[str, str | None], ...]
    """Query parameters that must be there, with that value unless it is None."""
    queries: tuple[str, ...]
    headers: tuple[str, ...]
    """Required members: where an operation lacks them, one that asks for less is meant."""
    deprecated: bool


class Node:
    """One segment of the tree."""

    def __init__(self) -> None:
        self.literals: dict[str, Node] = {}
        self.labels: dict[str, Node] = {}
        self.greedy: list[tuple[str, tuple[str, ...], Node]] = []
        self.methods: dict[str, list[Candidate]] = {}


def candidate_of(operation: OperationModel) -> tuple[str, Candidate]:
    """The path template of an operation, and what its query and headers must have."""
    path, _, query = operation.http["requestUri"].partition("?")
    literals: list[tuple[str, str | None]] = []
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        literals.append((name, value if equals and value else None))
    required: dict[str, list[str]] = {"querystring": [], "header": []}
    shape = operation.input_shape
    for name in shape.required_members if shape is not None else ():
        traits: Mapping[str, Any] = shape.members[name].serialization if shape is not None else {}
        if traits.get("location") in required:
            required[traits["location"]].append(traits.get("name", name))
    return path, Candidate(
        operation=operation.name,
        literals=tuple(literals),
        queries=tuple(required["querystring"]),
        headers=tuple(header.lower() for header in required["header"]),
        deprecated=operation.deprecated,
    )


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """Those that ask for most first."""
    return sorted(candidates, key=lambda c: (-len(c.literals), -len(c.queries) - len(c.headers), c.deprecated))


def choose(candidates: list[Candidate], query: Query, headers: Mapping[str, str]) -> str | None:
    """The operation that is meant, None where each wants a query parameter that isn't there."""
    if len(candidates) == 1 and not candidates[0].literals:
        return candidates[0].operation
    fallback: Candidate | None = None
    for candidate in candidates:
        literals = candidate.literals
        if literals and (not query or not all(name in query and (value is None or value in query[name]) for name, value in literals)):
            continue
        if _has(query, candidate.queries) and _has(headers, candidate.headers):
            if fallback is None or len(candidate.literals) >= len(fallback.literals):
                return candidate.operation
            break
        if fallback is None or len(candidate.literals) == len(fallback.literals):
            fallback = candidate
    return fallback.operation if fallback is not None else None


def _has(given: Mapping[str, object], names: tuple[str, ...]) -> bool:
    for name in names:
        if name not in given:
            return False
    return True


def query_of(text: str) -> Query:
    """A query string's parameters, decoded, each with all its values."""
    found: Query = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if name:
            found.setdefault(decoded(name), []).append(decoded(value))
    return found


@cache
def tree_of(service: str) -> Node:
    """The tree of a service's paths."""
    root = Node()
    model = service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, candidate = candidate_of(operation)
        node = _grow(root, _segments(path))
        node.methods[operation.method] = ranked([*node.methods.get(operation.method, ()), candidate])
    return root


def _segments(path: str) -> list[str]:
    """A trailing slash means nothing: some models have it, some clients add it."""
    segments = path.split("/")[1:]
    if segments and segments[-1] == "":
        segments.pop()
    return segments


def _grow(node: Node, segments: list[str]) -> Node:
    for at, segment in enumerate(segments):
        if segment.endswith("+}"):
            leaf = Node()
            rest = tuple(segments[at + 1 :])
            same = next((found for name, tail, found in node.greedy if name == segment[1:-2] and tail == rest), None)
            if same is None:
                # The longest tail first, so that `{arn+}/policy` is tried before `{arn+}`.
                node.greedy = sorted([*node.greedy, (segment[1:-2], rest, leaf)], key=lambda entry: -len(entry[1]))
            return same or leaf
        if segment.startswith("{"):
            node = node.labels.setdefault(segment[1:-1], Node())
        else:
            node = node.literals.setdefault(segment, Node())
    return node


def find(service: str, method: str, path: str, query: Query, headers: Mapping[str, str]) -> tuple[str, Labels] | None:
    """The operation of a request to a REST service, and its path's labels, decoded."""
    return _search(tree_of(service), _segments(path), 0, method, query, headers)


def _search(node: Node, segments: list[str], at: int, method: str, query: Query, headers: Mapping[str, str]) -> tuple[str, Labels] | None:
    if at == len(segments):
        candidates = node.methods.get(method)
        operation = choose(candidates, query, headers) if candidates else None
        return (operation, {}) if operation is not None else None
    segment = segments[at]
    below = node.literals.get(segment)
    if below is not None:
        found = _search(below, segments, at + 1, method, query, headers)
        if found is not None:
            return found
    if segment:
        for name, child in node.labels.items():
            found = _search(child, segments, at + 1, method, query, headers)
            if found is not None:
                found[1][name] = unquoted(segment) if "%" in segment else segment
                return found
    for name, tail, leaf in node.greedy:
        end = len(segments) - len(tail)
        if end > at and tuple(segments[end:]) == tail:
            candidates = leaf.methods.get(method)
            operation = choose(candidates, query, headers) if candidates else None
            if operation is not None:
                return operation, {name: unquoted("/".join(segments[at:end]))}
    return None
