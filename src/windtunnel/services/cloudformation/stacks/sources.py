"""Where a template's text comes from, and in whose name a stack acts: what has to be asked of others before a stack can begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from windtunnel.fabric import Call, Fault, Principal, Tx
from windtunnel.fabric.access import ACCESS_KEYS
from windtunnel.fabric.resource import is_gone
from windtunnel.planes.blobs import whole
from windtunnel.services.cloudformation.template.parameters import STORED, STORED_NAME, Given
from windtunnel.services.cloudformation.template.parsing import BYTES_MAX, URL_BYTES_MAX
from windtunnel.services.cloudformation.template.templates import Template

SESSION = "AWSCloudFormation"
LOCAL = ("localhost", "127.0.0.1")


async def text_of(call: Call, req: Mapping[str, Any], body: str = "TemplateBody", url: str = "TemplateURL") -> str:
    """The text of a request's template; "" where it names none."""
    if body in req and url in req:
        raise Fault("ValidationError", f"You cannot specify both {url} and {body}" if body != "TemplateBody" else _ONE)
    if body not in req:
        return await fetched(call, str(req[url])) if url in req else ""
    text = str(req[body])
    if len(text.encode()) > BYTES_MAX:
        why = f"Value '{text}' at '{body[0].lower()}{body[1:]}' failed to satisfy constraint"
        raise Fault("ValidationError", f"1 validation error detected: {why}: Member must have length less than or equal to {BYTES_MAX}")
    return text


_ONE = "Either Template URL or Template Body must be specified."


async def needed(call: Call, req: Mapping[str, Any]) -> str:
    """The same, where one has to be named."""
    text = await text_of(call, req)
    if not text:
        raise Fault("ValidationError", _ONE)
    return text


async def fetched(call: Call, url: str) -> str:
    """A document that lies in S3."""
    bucket, key = place_of(call, url)
    aws: Any = call.aws_as(call.scope.principal)
    try:
        found = await aws.s3.get_object({"Bucket": bucket, "Key": key})
    except Fault as fault:
        raise Fault("ValidationError", f"S3 error: {fault.message}") from fault
    data = await whole(found["Body"])
    if len(data) > URL_BYTES_MAX:
        raise Fault("ValidationError", f"Template may not exceed {URL_BYTES_MAX} bytes in size.")
    return data.decode("utf-8", "replace")


def place_of(call: Call, url: str) -> tuple[str, str]:
    """Bucket and key of a URL in S3, in the style of the path or of the host."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    if parts.scheme == "s3":
        raise Fault("ValidationError", f"S3 error: Domain name specified in {host} is not a valid S3 domain")
    before, found, after = host.partition("s3")
    ours = after.endswith(("amazonaws.com", "amazonaws.com.cn", "localhost.localstack.cloud", "localhost"))
    if found and ours and (not before or before.endswith(".")):
        if before:
            return before.removesuffix("."), path
    elif host not in LOCAL and host != urlsplit(call.scope.endpoint).hostname:
        raise Fault("ValidationError", "TemplateURL must be a supported URL.")
    bucket, _, key = path.partition("/")
    return bucket, key


async def principal_of(call: Call, role: str) -> Principal:
    """Who calls for a stack: a session of its role, or who calls now."""
    if not role:
        return call.scope.principal
    try:
        request: Any = {"RoleArn": role, "RoleSessionName": SESSION}
        answer: Any = await call.aws.sts.assume_role(request)
    except Fault as fault:
        raise Fault("ValidationError", f"Role {role} is invalid or cannot be assumed") from fault
    key = call.read(Tx.get, ACCESS_KEYS, answer["Credentials"]["AccessKeyId"])
    assert key is not None
    return key.principal


async def with_stored(call: Call, template: Template, given: dict[str, Given]) -> dict[str, Given]:
    """Parameters whose value lies in the parameter store, with it; of a mere name, that there is one. Raises ValidationError."""
    found, missing = dict(given), list[str]()
    aws: Any = call.aws_as(call.scope.principal)
    for name, value in given.items():
        kind = str(template.parameters[name].get("Type", ""))
        if not kind.startswith((STORED, STORED_NAME)):
            continue
        try:
            answer = await aws.ssm.get_parameter({"Name": value.value})
        except Fault as fault:
            if not is_gone(fault):
                raise Fault("ValidationError", fault.message) from fault
            missing.append(value.value)
            continue
        if kind.startswith(STORED):
            found[name] = msgspec.structs.replace(value, resolved=str(answer["Parameter"]["Value"]))
    if missing:
        raise Fault("ValidationError", f"Unable to fetch parameters [{', '.join(missing)}] from parameter store for this account.")
    return found
