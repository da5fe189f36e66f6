"""Intrinsic functions, each from its argument to its value.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from itertools import islice
from typing import Any, Final, cast

import orjson

from windtunnel.aws.coerce import plain_text
from windtunnel.services.cloudformation.template.context import NO_VALUE, UNKNOWN, Context
from windtunnel.services.cloudformation.template.parsing import a_list, a_map, invalid
from windtunnel.services.cloudformation.template.zones import zones_of

PLACE = re.compile(r"\$\{(!?)([^${}]*)\}")
_PAIR, _BRANCHES = 2, 3
_JOIN = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a"
    " function that returns a list of strings (such as Fn::GetAZs) to be joined."
)
_SPLIT = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function"
    " that returns a string to be split."
)
_SELECT = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
_GET_ATT = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
_SUB = (
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an"
    " optional second argument to specify a mapping of values to replace in the string"
)
_FIND = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"


def resolve(value: Any, context: Context, where: str = "Resources") -> Any:
    """A value with all functions in it resolved; `where` is the template's section, for messages."""
    if a_map(value):
        members = value
        if len(members) == 1:
            ((name, argument),) = members.items()
            if (function := FUNCTIONS.get(name)) is not None:
                return function(argument, context, where)
        found = {name: resolve(item, context, where) for name, item in members.items()}
        return {name: item for name, item in found.items() if item is not NO_VALUE}
    if a_list(value):
        return [item for item in (resolve(each, context, where) for each in value) if item is not NO_VALUE]
    return value


def attribute_of(argument: Any) -> tuple[Any, Any]:
    """The resource and the attribute of an Fn::GetAtt, not resolved. Raises ValidationError."""
    parts: list[Any] = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(argument, str | list) or len(parts) != _PAIR or not all(parts):
        raise invalid(_GET_ATT)
    return parts[0], parts[1]


def substituted(text: str, value: Callable[[str], Any]) -> str:
    """A text with each `${Name}` replaced, and `${!Name}` left as `${Name}`."""
    unknown = False

    def replace(found: re.Match[str]) -> str:
        nonlocal unknown
        if found[1]:
            return f"${{{found[2]}}}"
        replaced = value(found[2].strip())
        unknown = unknown or replaced == UNKNOWN
        return _text(replaced)

    done = PLACE.sub(replace, text)
    return UNKNOWN if unknown else done


def _text(value: Any) -> str:
    return "" if value is NO_VALUE else ",".join(map(plain_text, value)) if a_list(value) else plain_text(value)


def _list(argument: Any, context: Context, where: str) -> Any:
    """A function's list of arguments, which may come of a function itself."""
    return resolve(argument, context, where)


def _ref(argument: Any, context: Context, where: str) -> Any:
    if not isinstance(argument, str):
        argument = resolve(argument, context, where) if context.template.language else argument
    if not isinstance(argument, str):
        raise invalid("Template format error: Every Ref object must have a single String value.")
    return NO_VALUE if argument == "AWS::NoValue" else context.ref(argument, where)


def _get_att(argument: Any, context: Context, where: str) -> Any:
    name, attribute = (resolve(part, context, where) for part in attribute_of(argument))
    if name not in context.template.resources:
        raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
    known = context.resource(name, where)
    if known is None:
        return UNKNOWN
    if attribute in known.attributes:
        return known.attributes[attribute]
    if context.planning:
        return UNKNOWN
    kind = context.template.resources[name]["Type"]
    raise invalid(f"Resource type {kind} does not support attribute {{{attribute}}}.")


def _join(argument: Any, context: Context, where: str) -> Any:
    parts: Any = _list(argument, context, where)
    if not a_list(argument) or len(argument) != _PAIR or len(parts) != _PAIR or not isinstance(parts[0], str):
        raise invalid(_JOIN)
    if parts[1] == UNKNOWN:
        return UNKNOWN
    if not a_list(parts[1]) or any(a_map(each) for each in parts[1]):
        raise invalid(_JOIN)
    return UNKNOWN if UNKNOWN in parts[1] else parts[0].join(map(_text, parts[1]))


def _split(argument: Any, context: Context, where: str) -> Any:
    parts: Any = _list(argument, context, where)
    if not a_list(parts) or len(parts) != _PAIR or not all(isinstance(part, str) for part in parts) or not parts[0]:
        raise invalid(_SPLIT)
    return UNKNOWN if parts[1] == UNKNOWN else parts[1].split(parts[0])


def _select(argument: Any, context: Context, where: str) -> Any:
    parts: Any = _list(argument, context, where)
    if not a_list(parts) or len(parts) != _PAIR:
        raise invalid(_SELECT)
    index, items = parts
    if UNKNOWN in (index, items):
        return UNKNOWN
    if not a_list(items) or not str(index).isdigit():
        raise invalid(_SELECT)
    if int(index) >= len(items):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _if(argument: Any, context: Context, where: str) -> Any:
    if not a_list(argument) or len(argument) != _BRANCHES or not isinstance(argument[0], str):
        raise invalid("Template error: Fn::If requires a list argument with three elements")
    return resolve(argument[1] if context.condition(argument[0]) else argument[2], context, where)


def _find_in_map(argument: Any, context: Context, where: str) -> Any:
    parts: Any = argument
    if not a_list(argument) or not _BRANCHES <= len(parts) <= _BRANCHES + context.template.language:
        raise invalid(_FIND)
    default: Any = parts[_BRANCHES].get("DefaultValue", NO_VALUE) if len(parts) > _BRANCHES else NO_VALUE
    names = [plain_text(resolve(part, context, where)) for part in parts[:_BRANCHES]]
    if UNKNOWN in names:
        return UNKNOWN
    found: Any = context.template.mappings
    for name in names:
        found = found.get(name, NO_VALUE) if a_map(found) else NO_VALUE
    if found is NO_VALUE:
        if default is not NO_VALUE:
            return resolve(default, context, where)
        if names[0] not in context.template.mappings:
            raise invalid(f"Template error: Mapping named '{names[0]}' is not present in the 'Mappings' section of template.")
        raise invalid(f"Template error: Unable to get mapping for {'::'.join(names)}")
    return found


def _sub(argument: Any, context: Context, where: str) -> Any:
    text, given = argument, cast("dict[str, Any]", {})
    if a_list(argument):
        if len(argument) != _PAIR or not a_map(argument[1]):
            raise invalid(_SUB)
        text, given = argument[0], resolve(argument[1], context, where)
    if not isinstance(text, str):
        raise invalid(_SUB)

    def value(name: str) -> Any:
        if name in given:
            return given[name]
        if "." in name:
            return _get_att(name, context, where)
        return NO_VALUE if name == "AWS::NoValue" else context.ref(name, where)

    return substituted(text, value)


def _import(argument: Any, context: Context, where: str) -> Any:
    name = resolve(argument, context, where)
    if name == UNKNOWN:
        return UNKNOWN
    if context.imported is None:
        raise invalid(f"Template error: the attributes in {where} can't use Fn::ImportValue")
    return context.imported(plain_text(name))


def _base64(argument: Any, context: Context, where: str) -> Any:
    value = resolve(argument, context, where)
    if not isinstance(value, str):
        raise invalid("Template error: every Fn::Base64 object must have a String-typed value.")
    return UNKNOWN if value == UNKNOWN else b64encode(value.encode()).decode()


def _cidr(argument: Any, context: Context, where: str) -> Any:
    parts: Any = _list(argument, context, where)
    if not a_list(parts) or not _PAIR <= len(parts) <= _BRANCHES:
        raise invalid("Template error: every Fn::Cidr object requires two or three parameters: ipBlock, count and cidrBits")
    if UNKNOWN in parts:
        return UNKNOWN
    try:
        block, count, bits = ip_network(parts[0]), int(parts[1]), int(parts[2] if len(parts) > _PAIR else 8)
        blocks = [str(each) for each in islice(block.subnets(new_prefix=block.max_prefixlen - bits), count)]
    except (ValueError, TypeError) as error:
        raise invalid(f"Template error: Fn::Cidr: {error}") from error
    if len(blocks) < count:
        raise invalid(f"Template error: Fn::Cidr: {parts[0]} has not {count} blocks of {bits} bits")
    return blocks


def _zones(argument: Any, context: Context, where: str) -> Any:
    region = plain_text(resolve(argument, context, where)) or str(context.pseudo["AWS::Region"])
    return zones_of(region)


def _length(argument: Any, context: Context, where: str) -> Any:
    _needs_language("Fn::Length", context)
    value = resolve(argument, context, where)
    if value == UNKNOWN:
        return UNKNOWN
    if not a_list(value):
        raise invalid("Template error: Fn::Length expects a list")
    return len(value)


def _to_json(argument: Any, context: Context, where: str) -> Any:
    _needs_language("Fn::ToJsonString", context)
    value = resolve(argument, context, where)
    return orjson.dumps(value).decode()


def _needs_language(name: str, context: Context) -> None:
    if not context.template.language:
        raise invalid(f"Template error: {name} is supported only with the AWS::LanguageExtensions transform")


def _truth(name: str) -> Callable[[Any, Context, str], Any]:
    def function(argument: Any, context: Context, where: str) -> Any:
        from windtunnel.services.cloudformation.template.conditions import holds

        return holds({name: argument}, context)

    return function


FUNCTIONS: Final[Mapping[str, Callable[[Any, Context, str], Any]]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::Sub": _sub,
    "Fn::ImportValue": _import,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _zones,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    "Fn::Equals": _truth("Fn::Equals"),
    "Fn::Not": _truth("Fn::Not"),
    "Fn::And": _truth("Fn::And"),
    "Fn::Or": _truth("Fn::Or"),
}
