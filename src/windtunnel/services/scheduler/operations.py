"""Universal targets: `arn:aws:scheduler:::aws-sdk:service:operation` calls any operation of any service that is here.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

import orjson

from windtunnel.aws.arn import Arn
from windtunnel.aws.model import Shape, operation_model, operation_names, services
from windtunnel.fabric import Call, Fault

SDK = "aws-sdk"
READS = (
    "get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover", "validate",
    "batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration", "retrieve", "testConnection",
    "translateDocument", "isAuthorized", "invokeModel",
)  # fmt: skip
"""Operations that only read can't be scheduled."""
NAMES = {
    "cloudwatchlogs": "logs", "eventbridge": "events", "sfn": "stepfunctions", "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2", "cognitoidentityprovider": "cognito-idp", "cognitoidentity": "cognito-identity",
    "applicationautoscaling": "application-autoscaling", "configservice": "config", "databasemigration": "dms",
    "directory": "ds", "elasticsearch": "es", "costexplorer": "ce", "backupstorage": "backupstorage", "iot": "iot",
}  # fmt: skip
"""Services whose name in AWS's SDK for Java isn't ours."""


def universal(arn: Arn) -> tuple[str, str] | None:
    """Service and operation of a universal target, as botocore and the API name them; None for any other ARN."""
    kind, _, rest = arn.resource.partition(":")
    if arn.service != "scheduler" or kind != SDK:
        return None
    service, _, operation = rest.partition(":")
    return NAMES.get(service.lower(), service.lower()), operation[:1].upper() + operation[1:]


@cache
def is_known(service: str, operation: str) -> bool:
    """Whether there is such an operation, and whether it may be scheduled."""
    if service not in services() or operation not in operation_names(service):
        return False
    return not (operation[:1].lower() + operation[1:]).startswith(READS)


async def call_operation(call: Call, req: Mapping[str, Any]) -> dict[str, Any]:
    """Taker: the call of a universal target, with its input as the request."""
    service, operation = req["service"], req["operation"]
    request = typed(orjson.loads(req["input"] or "{}"), operation_model(service, operation).input_shape)
    client = getattr(call.aws_for(call.scope.source_arn), service)
    try:
        await getattr(client, operation)(request)
    except Fault as fault:
        raise Fault(fault.code, fault.message, status=call.cloud.status_of(service, fault)) from fault
    return {}


def typed(value: Any, shape: Shape | None) -> Any:
    """A value of JSON as a request has it: blobs are bytes, moments seconds."""
    if shape is None:
        return {}
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        known = shape.members
        members = ((_member(name, known), item) for name, item in cast("dict[str, Any]", value).items())
        return {name: typed(item, known.get(name)) if name in known else item for name, item in members}
    if kind == "list" and isinstance(value, list):
        return [typed(item, shape.member) for item in cast("list[Any]", value)]
    if kind == "map" and isinstance(value, dict):
        return {name: typed(item, shape.value) for name, item in cast("dict[str, Any]", value).items()}
    if kind == "blob":
        return value.encode() if isinstance(value, str) else orjson.dumps(value)
    if kind == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return value


def _member(name: str, known: Mapping[str, Shape]) -> str:
    """A member's name as the API writes it: inputs begin with a capital where the API may not, or the other way round."""
    other = name[:1].swapcase() + name[1:]
    return other if name not in known and other in known else name
