"""Dynamic references, `{{resolve:service:…}}`: looked up when a resource is deployed, and kept nowhere.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from windtunnel.fabric import At, Fault
from windtunnel.fabric.resource import is_gone
from windtunnel.services.cloudformation.template.parsing import a_list, a_map

REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")


async def dynamic(at: At, value: Any) -> Any:
    """A value with all dynamic references in it replaced."""
    if a_map(value):
        return {name: await dynamic(at, item) for name, item in value.items()}
    if a_list(value):
        return [await dynamic(at, item) for item in value]
    if not isinstance(value, str) or "{{resolve:" not in value:
        return value
    parts, last = list[str](), 0
    for found in REFERENCE.finditer(value):
        parts += [value[last : found.start()], await _looked_up(at, found[1], found[2])]
        last = found.end()
    return "".join([*parts, value[last:]])


async def _looked_up(at: At, service: str, reference: str) -> str:
    if service != "secretsmanager":
        try:
            found = await at.aws.ssm.get_parameter({"Name": reference, "WithDecryption": service == "ssm-secure"})
        except Fault as fault:
            raise (
                Fault("ValidationError", f"Parameters: [{service}:{reference}] cannot be found.") if is_gone(fault) else fault
            ) from fault
        return str(found["Parameter"]["Value"])
    id, part, key, stage, version = [*_secret_parts(reference), "", "", "", ""][:5]
    asked = {"SecretId": id, "VersionStage": stage or None, "VersionId": version or None}
    text = str((await at.aws.secretsmanager.get_secret_value(asked)).get("SecretString", ""))
    if part not in ("", "SecretString"):
        raise Fault("ValidationError", f"Incorrect format is used in the following Secrets Manager dynamic reference: {reference}")
    if not key:
        return text
    members = orjson.loads(text)
    if key not in members:
        raise Fault("ValidationError", "Could not find a value associated with JSONKey in SecretString")
    return str(members[key])


def _secret_parts(reference: str) -> list[str]:
    """A secret's ARN has colons itself."""
    parts = reference.split(":")
    return [":".join(parts[:7]), *parts[7:]] if parts[0] == "arn" else parts
