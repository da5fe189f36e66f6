"""All transforms of a template in their order: those within first, then those of the whole.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windtunnel.aws.serverless import NotTransformed, written_out
from windtunnel.fabric import Call, Fault, Principal
from windtunnel.planes.blobs import whole
from windtunnel.services.cloudformation.deploying.places import pseudo_of
from windtunnel.services.cloudformation.template.context import Context
from windtunnel.services.cloudformation.template.functions import resolve
from windtunnel.services.cloudformation.template.parameters import Given, values_of
from windtunnel.services.cloudformation.template.parsing import a_list, a_map, invalid, parse
from windtunnel.services.cloudformation.template.templates import LANGUAGE, Template
from windtunnel.services.cloudformation.transforms.languages import expanded
from windtunnel.services.cloudformation.transforms.macros import macro

INCLUDE = "AWS::Include"
SERVERLESS = "AWS::Serverless-2016-10-31"
WITHIN = "Fn::Transform"


class Transforming(msgspec.Struct, frozen=True):
    """What transforms are told of a template beside their fragment."""

    call: Call
    principal: Principal
    context: Context
    """With the parameters alone: transforms come before resources."""


def has_transforms(template: Template) -> bool:
    return bool(template.transforms) or _has_within(template.tree)


def _has_within(value: Any) -> bool:
    if a_map(value):
        return WITHIN in value or any(map(_has_within, value.values()))
    return a_list(value) and any(map(_has_within, value))


def names_of(template: Template) -> list[str]:
    """The names of the transforms of a whole template."""
    return [str(each.get("Name", "")) if a_map(each) else str(each) for each in template.transforms]


def check_transforms(template: Template) -> None:
    """Raises ValidationError for a transform whose name is not written out."""
    for each in template.transforms:
        if a_map(each) and not isinstance(each.get("Name"), str):
            raise invalid("Key Name of transform definition must be a string.")


async def transformed(call: Call, principal: Principal, template: Template, given: Mapping[str, Given]) -> dict[str, Any]:
    """The tree of a template after its transforms. Raises ValidationError."""
    pseudo = pseudo_of(call.account, call.region, "", "", [])
    context = Context(template, values_of(template, given), pseudo, planning=True, met={})
    at = Transforming(call, principal, context)
    tree = await _within(at, {name: section for name, section in template.tree.items() if name != "Transform"})
    for each in template.transforms:
        name, parameters = _named(each)
        tree = await _applied(at, name, parameters, tree, whole=True)
    # What its functions say is resolved with its resources, so the processed template still says that it speaks the language.
    return {**tree, "Transform": LANGUAGE} if LANGUAGE in template.transforms else tree


def _named(transform: Any) -> tuple[str, dict[str, Any]]:
    """A transform's name and parameters."""
    if a_map(transform):
        return str(transform.get("Name", "")), dict(transform.get("Parameters", {}))
    return str(transform), {}


async def _within(at: Transforming, value: Any) -> Any:
    """A value with the transforms within it applied, the innermost first."""
    if a_list(value):
        return [await _within(at, item) for item in value]
    if not a_map(value):
        return value
    found: Any = {name: await _within(at, item) for name, item in value.items() if name != WITHIN}
    transforms = value.get(WITHIN, [])
    for each in transforms if a_list(transforms) else [transforms]:
        name, parameters = _named(each)
        found = await _applied(at, name, parameters, found, whole=False)
    return found


async def _applied(at: Transforming, name: str, parameters: Mapping[str, Any], fragment: Any, *, whole: bool) -> Any:
    if name == INCLUDE:
        return await _included(at, parameters, fragment)
    if name == LANGUAGE and whole:
        return expanded(fragment, at.context)
    if name == SERVERLESS and whole:
        return _serverless(fragment)
    if name.startswith("AWS::"):
        raise invalid(f"windtunnel does not implement the transform {name}.")
    result = await macro(at.call, at.principal, name, parameters, fragment, at.context.parameters)
    if whole and not a_map(result):
        raise invalid("Template format error: unsupported structure.")
    return result


def _serverless(tree: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return written_out(tree)
    except NotTransformed as why:
        raise invalid(f"Transform {SERVERLESS} failed with: {why}") from why


async def _included(at: Transforming, parameters: Mapping[str, Any], fragment: Any) -> Any:
    """A fragment with what lies in a bucket; what it has itself stays. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html"""
    location = str(resolve(parameters.get("Location", ""), at.context))
    bucket, _, key = location.removeprefix("s3://").partition("/")
    aws: Any = at.call.aws_as(at.principal)
    try:
        body = (await aws.s3.get_object({"Bucket": bucket, "Key": key}))["Body"]
    except Fault as fault:
        why = f"S3 bucket [{bucket}] does not exist." if fault.code == "NoSuchBucket" else f"S3 error: {fault.message}"
        raise invalid(f"Transform {INCLUDE} failed with: {why}") from fault
    included = await _within(at, parse((await whole(body)).decode()))
    return {**included, **fragment} if a_map(fragment) else included
