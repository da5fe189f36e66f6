"""Destinations: streams that other accounts may subscribe their log groups to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from windtunnel.aws.arn import parse_or_none
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.fabric.tags import remove_all_tags, set_tags
from windtunnel.services.logs.filters.reaching import try_destination
from windtunnel.services.logs.filters.state import DESTINATIONS, Destination
from windtunnel.services.logs.listings import listed
from windtunnel.services.logs.rules import MILLISECONDS, invalid
from windtunnel.services.logs.state import arn_within

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

TARGETS = ("kinesis", "firehose")


async def put_destination(call: Call, req: t.PutDestinationRequest) -> t.PutDestinationResponse:
    target = parse_or_none(req["targetArn"])
    if target is None or target.service not in TARGETS:
        raise invalid("Invalid targetArn, expected a Kinesis stream or a Firehose stream.")
    await try_destination(call, req["targetArn"], f"destination:{req['destinationName']}")
    return await call.transact(_put, req)


def _put(tx: Tx, req: t.PutDestinationRequest) -> t.PutDestinationResponse:
    name = req["destinationName"]
    old = tx.get(DESTINATIONS, name)
    created, policy = (int(tx.now * MILLISECONDS), "") if old is None else (old.created, old.policy)
    destination = Destination(created, req["targetArn"], req["roleArn"], policy)
    tx.put(DESTINATIONS, name, value=destination)
    set_tags(tx, arn_within(tx, "destination", name), req.get("tags", {}))
    return {"destination": _shown(tx, name, destination)}


def put_destination_policy(tx: Tx, req: t.PutDestinationPolicyRequest) -> None:
    name = req["destinationName"]
    destination = _destination(tx, name)
    try:
        policy = orjson.loads(req["accessPolicy"])
    except orjson.JSONDecodeError as error:
        raise invalid("Syntax errors in policy.") from error
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise invalid("Syntax errors in policy.")
    tx.put(DESTINATIONS, name, value=msgspec.structs.replace(destination, policy=req["accessPolicy"]))


def describe_destinations(tx: Tx, req: t.DescribeDestinationsRequest) -> t.DescribeDestinationsResponse:
    prefix = req.get("DestinationNamePrefix", "")
    code = "InvalidParameterException"
    return listed(tx, req, "destinations", DESTINATIONS, _shown, lambda name, _: name.startswith(prefix), code=code, by_age=False)


def delete_destination(tx: Tx, req: t.DeleteDestinationRequest) -> None:
    name = req["destinationName"]
    _destination(tx, name)
    remove_all_tags(tx, arn_within(tx, "destination", name))
    tx.delete(DESTINATIONS, name)


def _destination(tx: Tx, name: str) -> Destination:
    destination = tx.get(DESTINATIONS, name)
    if destination is None:
        raise Fault("ResourceNotFoundException", "The specified destination does not exist.")
    return destination


def _shown(tx: Tx, name: str, destination: Destination) -> Any:
    shown: dict[str, Any] = {
        "destinationName": name,
        "targetArn": destination.target,
        "roleArn": destination.role,
        "arn": arn_within(tx, "destination", name),
        "creationTime": destination.created,
    }
    return {**shown, "accessPolicy": destination.policy} if destination.policy else shown
