"""Subscription filters: where the events of a group go as they come in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.aws.arn import Arn, parse_or_none
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs import subscribed
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, invalid, matcher
from windtunnel.services.logs.state import GROUPS, SUBSCRIPTIONS, Subscription, find_group

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

SUBSCRIPTIONS_MAX = 2
"""A group's, https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
VENDORS = ("lambda", "kinesis", "firehose", "logs")
CROSS_ACCOUNT = (
    "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers."
)
OTHERS = ("fieldSelectionCriteria", "emitSystemFields", "applyOnTransformedLogs")


def put_subscription_filter(tx: Tx, req: t.PutSubscriptionFilterRequest) -> None:
    name, filter_name = req["logGroupName"], req["filterName"]
    arn = _destination(tx, req)
    group = find_group(tx, name)
    matcher(req["filterPattern"])
    old = tx.get(SUBSCRIPTIONS, name, filter_name)
    if old is None:
        if group.subscriptions >= SUBSCRIPTIONS_MAX:
            raise Fault("LimitExceededException", "Resource limit exceeded.")
        tx.put(GROUPS, name, value=msgspec.structs.replace(group, subscriptions=group.subscriptions + 1))
    kept = Subscription(
        created=old.created if old is not None else int(tx.now * MILLISECONDS),
        pattern=req["filterPattern"],
        destination=req["destinationArn"],
        role=req.get("roleArn", ""),
        distribution=req.get("distribution", "ByLogStream"),
        others={word: value for word, value in req.items() if word in OTHERS},
    )
    tx.put(SUBSCRIPTIONS, name, filter_name, value=kept)
    if arn.service == "kinesis":
        subscribed.check_health(tx, name, kept)


def describe_subscription_filters(tx: Tx, req: t.DescribeSubscriptionFiltersRequest) -> t.DescribeSubscriptionFiltersResponse:
    find_group(tx, req["logGroupName"])
    page, token = pages.page(_matching(tx, req), req.get("limit", DESCRIBE_LIMIT))
    described = [_described(key[0], key[1], kept) for key, kept in page]
    return {"subscriptionFilters": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_subscription_filter(tx: Tx, req: t.DeleteSubscriptionFilterRequest) -> None:
    name, filter_name = req["logGroupName"], req["filterName"]
    group = find_group(tx, name)
    if tx.get(SUBSCRIPTIONS, name, filter_name) is None:
        raise Fault("ResourceNotFoundException", "The specified subscription filter does not exist.")
    tx.delete(SUBSCRIPTIONS, name, filter_name)
    tx.put(GROUPS, name, value=msgspec.structs.replace(group, subscriptions=group.subscriptions - 1))


def _destination(tx: Tx, req: t.PutSubscriptionFilterRequest) -> Arn:
    """The ARN events go to; AWS looks at it before it looks for the group."""
    arn = parse_or_none(req["destinationArn"])
    if arn is None or arn.service not in VENDORS:
        raise invalid("Invalid destinationArn, expected a Lambda function, a Kinesis stream, a Firehose stream or a destination.")
    if arn.service == "logs":
        raise Fault("NotImplemented", "windtunnel does not implement destinations of CloudWatch Logs.", status=501)
    if arn.service == "lambda":
        if arn.account != tx.account:
            raise Fault("AccessDeniedException", CROSS_ACCOUNT)
    elif "roleArn" not in req:
        raise invalid(f"destinationArn for vendor {arn.service} cannot be used without roleArn")
    return arn


def _matching(tx: Tx, req: t.DescribeSubscriptionFiltersRequest) -> Iterator[tuple[tuple[str, str], Subscription]]:
    try:
        place = pages.decode(req["nextToken"])[1:] if "nextToken" in req else ()
    except ValueError as error:
        raise bad_token() from error
    name, prefix = req["logGroupName"], req.get("filterNamePrefix", "")
    for key, kept in islice(tx.scan(SUBSCRIPTIONS, name, start=place or (prefix,)), SUBSCRIPTIONS_MAX):
        if str(key[1]).startswith(prefix):
            yield (name, str(key[1])), kept


def _described(name: str, filter_name: str, kept: Subscription) -> dict[str, Any]:
    described: dict[str, Any] = {
        "filterName": filter_name,
        "logGroupName": name,
        "filterPattern": kept.pattern,
        "destinationArn": kept.destination,
        "distribution": kept.distribution,
        "creationTime": kept.created,
        "applyOnTransformedLogs": False,
        **kept.others,
    }
    if kept.role:
        described["roleArn"] = kept.role
    return described
