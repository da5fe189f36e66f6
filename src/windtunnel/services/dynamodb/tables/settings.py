"""What is set of a table beside its schema: time to live, tags; and what an account may have at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.aws.dynamodb.decimals import invalid
from windtunnel.fabric import Fault, Tx
from windtunnel.fabric.tags import TAGS, TAGS_MAX, remove_tags, set_tags, tag_list, tag_map, tags_of
from windtunnel.services.dynamodb import life
from windtunnel.services.dynamodb.items import expiry
from windtunnel.services.dynamodb.lookup import Found, find_arn, find_named
from windtunnel.services.dynamodb.state import TABLES
from windtunnel.services.dynamodb.tables.replicas import everywhere

if TYPE_CHECKING:
    from windtunnel.aws.types import dynamodb as t

TAG_PAGE = 10
ACCOUNT_UNITS_MAX, TABLE_UNITS_MAX = 80_000, 40_000
ENDPOINT_MINUTES = 1_440


def update_time_to_live(tx: Tx, req: t.UpdateTimeToLiveInput) -> t.UpdateTimeToLiveOutput:
    found = find_named(tx, req["TableName"])
    tx, row, given = found.tx, found.row, req["TimeToLiveSpecification"]
    name = given["AttributeName"]
    if row.ttl and row.ttl != name:
        raise invalid(f"TimeToLive is active on a different AttributeName: current AttributeName is {row.ttl}")
    if bool(row.ttl) == given["Enabled"]:
        raise invalid(f"TimeToLive is already {'enabled' if row.ttl else 'disabled'}")
    for one in list(everywhere(tx, row)):
        changed = msgspec.structs.replace(one.row, ttl=name if given["Enabled"] else "")
        one.tx.put(TABLES, row.name, value=changed)
        expiry.forget(one.tx, changed)
        if changed.ttl:
            life.fill_expiring(one.tx, changed)
        else:
            life.abandon_expiring(one.tx, changed)
    return {"TimeToLiveSpecification": {"Enabled": given["Enabled"], "AttributeName": name}}


def describe_time_to_live(tx: Tx, req: t.DescribeTimeToLiveInput) -> t.DescribeTimeToLiveOutput:
    row = find_named(tx, req["TableName"]).row
    if not row.ttl:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": row.ttl}}


def tag_resource(tx: Tx, req: t.TagResourceInput) -> None:
    if not req["Tags"]:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    found = _tagged(tx, req["ResourceArn"])
    tags = tag_map([{"Key": tag["Key"], "Value": tag["Value"]} for tag in req["Tags"]])
    if len(tags) < len(req["Tags"]):
        keys = [tag["Key"] for tag in req["Tags"]]
        twice = next(key for at, key in enumerate(keys) if key in keys[:at])
        raise invalid(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {twice}")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag Key cannot be prefixed with aws:, Key: {key}")
    if len({**tags_of(found.tx, req["ResourceArn"]), **tags}) > TAGS_MAX:
        raise invalid("Number of Tags exceed the current limit for the provided ResourceArn")
    set_tags(found.tx, req["ResourceArn"], tags)


def untag_resource(tx: Tx, req: t.UntagResourceInput) -> None:
    if not req["TagKeys"]:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    found = _tagged(tx, req["ResourceArn"])
    remove_tags(found.tx, req["ResourceArn"], req["TagKeys"])


def list_tags_of_resource(tx: Tx, req: t.ListTagsOfResourceInput) -> dict[str, Any]:
    found = _tagged(tx, req["ResourceArn"])
    try:
        start = pages.decode(req["NextToken"])[1:] if req.get("NextToken") else None  # pyright: ignore[reportTypedDictNotRequiredAccess]
    except ValueError as error:
        raise invalid("Invalid NextToken") from error
    page, token = pages.page(found.tx.scan(TAGS, req["ResourceArn"], start=start), TAG_PAGE)
    shown: dict[str, Any] = {"Tags": tag_list({str(key[1]): value for key, value in page})}
    return {**shown, "NextToken": token} if token else shown


def describe_limits(tx: Tx, req: t.DescribeLimitsInput) -> t.DescribeLimitsOutput:
    return {
        "AccountMaxReadCapacityUnits": ACCOUNT_UNITS_MAX,
        "AccountMaxWriteCapacityUnits": ACCOUNT_UNITS_MAX,
        "TableMaxReadCapacityUnits": TABLE_UNITS_MAX,
        "TableMaxWriteCapacityUnits": TABLE_UNITS_MAX,
    }


def describe_endpoints(tx: Tx, req: t.DescribeEndpointsRequest) -> t.DescribeEndpointsResponse:
    """The host that the client has reached, so that clients that discover endpoints come back here."""
    return {"Endpoints": [{"Address": tx.scope.endpoint.partition("://")[2], "CachePeriodInMinutes": ENDPOINT_MINUTES}]}


def _tagged(tx: Tx, arn: str) -> Found:
    if not arn.startswith("arn:"):
        raise invalid(f"One or more parameter values were invalid: ARNs must start with 'arn:': {arn}")
    if ":dynamodb:" not in arn:
        raise invalid(f"One or more parameter values were invalid: Provided Arn is not a DynamoDB resource arn: {arn}")
    found = find_arn(tx, arn)
    if found is None:
        raise Fault("ResourceNotFoundException", f"Requested resource not found: ResourcArn: {arn} not found")
    return found
