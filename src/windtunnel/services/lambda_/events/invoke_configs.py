"""What becomes of asynchronous events: how often and how long they are tried, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Tx
from windtunnel.services.lambda_.places import own, qualified, there
from windtunnel.services.lambda_.rules import LATEST, Name, arn_of, invalid, name_of, not_found
from windtunnel.services.lambda_.state import FUNCTIONS, INVOKE_CONFIGS, InvokeConfig

if TYPE_CHECKING:
    from windtunnel.aws.types import lambda_ as t

ABSENT = "The function doesn't exist."
DESTINATIONS = frozenset({"sqs", "sns", "lambda", "events", "s3"})


def put_function_event_invoke_config(tx: Tx, req: t.PutFunctionEventInvokeConfigRequest) -> dict[str, Any]:
    _check_given(req)
    name = there(tx, req, ABSENT)
    return _write(tx, name, _changed(tx, name, InvokeConfig(tx.now), req))


def update_function_event_invoke_config(tx: Tx, req: t.UpdateFunctionEventInvokeConfigRequest) -> dict[str, Any]:
    _check_given(req)
    name = there(tx, req, ABSENT)
    return _write(tx, name, _changed(tx, name, _config(tx, name), req))


def get_function_event_invoke_config(tx: Tx, req: t.GetFunctionEventInvokeConfigRequest) -> dict[str, Any]:
    name = own(tx, req)
    return _printed(tx, name, _config(tx, name))


def delete_function_event_invoke_config(tx: Tx, req: t.DeleteFunctionEventInvokeConfigRequest) -> None:
    name = own(tx, req)
    _config(tx, name)
    tx.delete(INVOKE_CONFIGS, name.name, name.qualifier or LATEST)


def list_function_event_invoke_configs(tx: Tx, req: t.ListFunctionEventInvokeConfigsRequest) -> dict[str, Any]:
    name = own(tx, req)
    if tx.get(FUNCTIONS, name.name) is None:
        raise not_found(ABSENT)
    rows, marker = qualified(tx, INVOKE_CONFIGS, req, name.name)
    return {"FunctionEventInvokeConfigs": [_printed(tx, name._replace(qualifier=key), row) for key, row in rows], **marker}


def _check_given(req: Mapping[str, Any]) -> None:
    if all(req.get(member) is None for member in ("DestinationConfig", "MaximumRetryAttempts", "MaximumEventAgeInSeconds")):
        raise invalid("You must specify at least one of error handling or destination setting.")


def _config(tx: Tx, name: Name) -> InvokeConfig:
    qualifier = name.qualifier or LATEST
    config = tx.get(INVOKE_CONFIGS, name.name, qualifier)
    if config is None:
        arn = arn_of(tx.region, tx.account, name.name, qualifier)
        raise not_found(f"The function {arn} doesn't have an EventInvokeConfig")
    return config


def _changed(tx: Tx, name: Name, config: InvokeConfig, req: Mapping[str, Any]) -> InvokeConfig:
    fields: dict[str, Any] = {"modified": tx.now}
    if req.get("MaximumRetryAttempts") is not None:
        fields["attempts"] = req["MaximumRetryAttempts"]
    if req.get("MaximumEventAgeInSeconds") is not None:
        fields["age"] = req["MaximumEventAgeInSeconds"]
    if (destinations := req.get("DestinationConfig")) is not None:
        for member, field in (("OnSuccess", "success"), ("OnFailure", "failure")):
            if member in destinations:
                fields[field] = destinations[member].get("Destination", "")
                _check(tx, name, member, fields[field], destinations)
    return msgspec.structs.replace(config, **fields)


def _check(tx: Tx, name: Name, member: str, destination: str, destinations: Mapping[str, Any]) -> None:
    if not destination:
        return
    arn = parse_or_none(destination)
    if arn is None or arn.service not in DESTINATIONS or (arn.service == "s3" and member == "OnSuccess"):
        shown = ", ".join(
            f"{field}={kind}(destination={destinations[kind]['Destination']})" if kind in destinations else f"{field}=null"
            for field, kind in (("onSuccess", "OnSuccess"), ("onFailure", "OnFailure"))
        )
        raise invalid(f"The provided destination config DestinationConfig({shown}) is invalid.")
    if arn.service == "lambda":
        other = name_of(destination)
        if (other.account, other.name) == (tx.account, name.name):
            raise invalid("You can't specify the function as a destination for itself.")
        if tx.at(account=other.account, region=other.region).get(FUNCTIONS, other.name) is None:
            raise invalid(f"The destination ARN {destination} is invalid.")


def _write(tx: Tx, name: Name, config: InvokeConfig) -> dict[str, Any]:
    tx.put(INVOKE_CONFIGS, name.name, name.qualifier or LATEST, value=config)
    return _printed(tx, name, config)


def _printed(tx: Tx, name: Name, config: InvokeConfig) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "LastModified": config.modified,
        "FunctionArn": arn_of(tx.region, tx.account, name.name, name.qualifier or LATEST),
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.success} if config.success else {},
            "OnFailure": {"Destination": config.failure} if config.failure else {},
        },
    }
    if config.attempts is not None:
        shown["MaximumRetryAttempts"] = config.attempts
    if config.age is not None:
        shown["MaximumEventAgeInSeconds"] = config.age
    return shown
