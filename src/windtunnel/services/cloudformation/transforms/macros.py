"""Macros: transforms that are somebody's function.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from windtunnel.fabric import Call, Fault, Principal, Table, Tx
from windtunnel.services.cloudformation.template.parsing import a_map, invalid

MACROS = Table("cloudformation.macros", str)
"""name -> the ARN of its function"""


async def macro(
    call: Call, principal: Principal, name: str, parameters: Mapping[str, Any], fragment: Any, values: Mapping[str, Any]
) -> Any:
    """What a macro makes of a fragment. Raises ValidationError."""
    function = call.read(Tx.get, MACROS, name)
    if function is None:
        raise invalid(f"No transform named {call.account}::{name} found.")
    id = f"{call.account}::{name}"
    event = {
        "accountId": call.account,
        "fragment": fragment,
        "transformId": id,
        "requestId": call.ids.uuid(),
        "region": call.region,
        "params": parameters,
        "templateParameterValues": values,
    }
    aws: Any = call.aws_as(principal)
    try:
        answer = await aws.lambda_.invoke({"FunctionName": function, "Payload": orjson.dumps(event)})
    except Fault as fault:
        raise invalid(f"Transform {id} failed with: {fault.message}") from fault
    told = _told(answer.get("Payload"))
    if told is None or answer.get("FunctionError") or "status" not in told:
        raise invalid(f"Received malformed response from transform {id}")
    if str(told["status"]).lower() != "success":
        message = told.get("errorMessage")
        raise invalid(f"Transform {id} failed with: {message}" if message else f"Transform {id} failed without an error message.")
    return told.get("fragment")


def _told(payload: Any) -> dict[str, Any] | None:
    try:
        told = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return told if a_map(told) else None
