"""Templates as text: JSON, or YAML with the short forms of functions; the same tree either way."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeGuard

import orjson

from windtunnel.aws.coerce import plain_text
from windtunnel.fabric import Fault

BYTES_MAX = 51_200
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""
URL_BYTES_MAX = 1_048_576


def a_map(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def a_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def invalid(message: str) -> Fault:
    return Fault("ValidationError", message)


def parse(text: str) -> dict[str, Any]:
    """The tree of a template. Raises ValidationError as AWS words it."""
    tree = _json(text) if text.lstrip().startswith("{") else _yaml(text)
    if not a_map(tree):
        raise invalid("Template format error: unsupported structure.")
    return tree


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # What is no JSON may still be YAML in its flow style, which begins with a brace as well.
        try:
            return _yaml(text)
        except Fault:
            raise invalid(f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno + 1})") from None


def _yaml(text: str) -> Any:
    import yaml

    try:
        return _plain(yaml.load(text, Loader=_loader()))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
        raise invalid(f"Template format error: YAML not well-formed.{where}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise invalid("Template format error: YAML not well-formed.") from error


@cache
def _loader() -> Any:
    """A reader of YAML 1.1, as AWS's is, that leaves dates as text and knows the short forms."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("TemplateLoader", (base,), {})
    resolvers: dict[str, list[tuple[str, Any]]] = base.yaml_implicit_resolvers
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")] for first, found in resolvers.items()
    }
    loader.add_multi_constructor("!", _short_form)
    return loader


def _short_form(loader: Any, name: str, node: Any) -> dict[str, Any]:
    """`!Sub x` is {"Fn::Sub": "x"}."""
    if node.id == "scalar":
        value: Any = loader.construct_scalar(node)
    elif node.id == "sequence":
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name in ("Ref", "Condition"):
        return {name: value}
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{name}": value}


def _plain(value: Any) -> Any:
    """Keys are text, whatever YAML took them for."""
    if a_map(value):
        return {plain_text(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if a_list(value) else value
