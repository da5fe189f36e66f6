"""Subscription filters: where the events of a group go as they come in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.fabric import Call, Fault, Tx
from windtunnel.services.logs.filters.reaching import check_form, try_destination
from windtunnel.services.logs.filters.selection import check_criteria
from windtunnel.services.logs.filters.state import SUBSCRIPTIONS, Subscription, check_expressions
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, matcher
from windtunnel.services.logs.state import GROUPS, Group, check_standard, find_group

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

SUBSCRIPTIONS_MAX = 2
"""A group's, https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
OTHERS = ("fieldSelectionCriteria", "emitSystemFields", "applyOnTransformedLogs")


async def put_subscription_filter(call: Call, req: t.PutSubscriptionFilterRequest) -> None:
    name, destination = req["logGroupName"], req["destinationArn"]
    check_form(call.account, destination, req.get("roleArn", ""))
    call.read(_room, req)
    matcher(req["filterPattern"])
    check_criteria(req.get("fieldSelectionCriteria", ""))
    await try_destination(call, destination, f"log-group:{name}:*")
    await call.transact(_put, req)


def describe_subscription_filters(tx: Tx, req: t.DescribeSubscriptionFiltersRequest) -> t.DescribeSubscriptionFiltersResponse:
    check_standard(find_group(tx, req["logGroupName"]))
    page, token = pages.page(_matching(tx, req), req.get("limit", DESCRIBE_LIMIT))
    described = [_described(key[0], key[1], kept) for key, kept in page]
    return {"subscriptionFilters": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_subscription_filter(tx: Tx, req: t.DeleteSubscriptionFilterRequest) -> None:
    name, filter_name = req["logGroupName"], req["filterName"]
    group = find_group(tx, name)
    check_standard(group)
    if tx.get(SUBSCRIPTIONS, name, filter_name) is None:
        raise Fault("ResourceNotFoundException", "The specified subscription filter does not exist.")
    tx.delete(SUBSCRIPTIONS, name, filter_name)
    tx.put(GROUPS, name, value=msgspec.structs.replace(group, subscriptions=group.subscriptions - 1))


def _put(tx: Tx, req: t.PutSubscriptionFilterRequest) -> None:
    name, filter_name = req["logGroupName"], req["filterName"]
    old = tx.get(SUBSCRIPTIONS, name, filter_name)
    group = _room(tx, req)
    if old is None:
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


def _room(tx: Tx, req: t.PutSubscriptionFilterRequest) -> Group:
    """The group of a request; refuses one filter too many."""
    group = find_group(tx, req["logGroupName"])
    check_standard(group)
    if group.subscriptions >= SUBSCRIPTIONS_MAX and tx.get(SUBSCRIPTIONS, req["logGroupName"], req["filterName"]) is None:
        raise Fault("LimitExceededException", "Resource limit exceeded.")
    check_expressions(tx, req["logGroupName"], req["filterName"], req["filterPattern"])
    return group


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
