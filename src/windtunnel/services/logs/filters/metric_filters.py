"""Metric filters: which events count for which metric, kept and tried out on messages; what they find is in `measured`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from windtunnel.aws import pages
from windtunnel.aws.filters import filter_of
from windtunnel.fabric import Fault, Tx
from windtunnel.services.logs.filters.selection import check_criteria
from windtunnel.services.logs.filters.state import METRIC_FILTERS, MetricFilter, check_expressions
from windtunnel.services.logs.rules import DESCRIBE_LIMIT, MILLISECONDS, bad_token, check_group_name, invalid, matcher
from windtunnel.services.logs.state import GROUPS, check_standard, find_group

if TYPE_CHECKING:
    from windtunnel.aws.types import logs as t

METRIC_FILTERS_MAX = 100
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
OTHERS = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions")


def put_metric_filter(tx: Tx, req: t.PutMetricFilterRequest) -> None:
    name, filter_name = req["logGroupName"], req["filterName"]
    group = find_group(tx, name)
    check_standard(group)
    matcher(req["filterPattern"])
    transformations: list[dict[str, Any]] = [dict(one) for one in req["metricTransformations"]]
    if any("defaultValue" in one and one.get("dimensions") for one in transformations):
        raise invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
    check_expressions(tx, name, filter_name, req["filterPattern"])
    check_criteria(req.get("fieldSelectionCriteria", ""))
    old = tx.get(METRIC_FILTERS, name, filter_name)
    if old is None:
        if group.metric_filters >= METRIC_FILTERS_MAX:
            raise Fault("LimitExceededException", "Resource limit exceeded.")
        tx.put(GROUPS, name, value=msgspec.structs.replace(group, metric_filters=group.metric_filters + 1))
    others = {word: value for word, value in req.items() if word in OTHERS}
    created = old.created if old is not None else int(tx.now * MILLISECONDS)
    tx.put(METRIC_FILTERS, name, filter_name, value=MetricFilter(created, req["filterPattern"], transformations, others))


def describe_metric_filters(tx: Tx, req: t.DescribeMetricFiltersRequest) -> t.DescribeMetricFiltersResponse:
    page, token = pages.page(_matching(tx, req), req.get("limit", DESCRIBE_LIMIT))
    described = [
        {
            "filterName": key[1],
            "filterPattern": kept.pattern,
            "metricTransformations": kept.transformations,
            "creationTime": kept.created,
            "logGroupName": key[0],
            "applyOnTransformedLogs": False,
            **kept.others,
        }
        for key, kept in page
    ]
    return {"metricFilters": described, **({"nextToken": token} if token else {})}  # pyright: ignore[reportReturnType]


def delete_metric_filter(tx: Tx, req: t.DeleteMetricFilterRequest) -> None:
    name, filter_name = req["logGroupName"], req["filterName"]
    group = find_group(tx, name)
    if tx.get(METRIC_FILTERS, name, filter_name) is None:
        raise Fault("ResourceNotFoundException", "The specified metric filter does not exist.")
    tx.delete(METRIC_FILTERS, name, filter_name)
    tx.put(GROUPS, name, value=msgspec.structs.replace(group, metric_filters=group.metric_filters - 1))


def test_metric_filter(tx: Tx, req: t.TestMetricFilterRequest) -> t.TestMetricFilterResponse:
    matches = matcher(req["filterPattern"])
    extract = filter_of(req["filterPattern"]).extract
    found = [
        {"eventNumber": number, "eventMessage": message, "extractedValues": extract(message)}
        for number, message in enumerate(req["logEventMessages"], 1)
        if matches(message)
    ]
    return {"matches": found}  # pyright: ignore[reportReturnType]


def _matching(tx: Tx, req: t.DescribeMetricFiltersRequest) -> Iterator[tuple[tuple[str, str], MetricFilter]]:
    try:
        place = pages.decode(req["nextToken"]) if "nextToken" in req else ()
    except ValueError as error:
        raise bad_token() from error
    group, prefix = req.get("logGroupName", ""), req.get("filterNamePrefix", "")
    if group:
        find_group(tx, group)
    elif "logGroupName" in req:
        check_group_name(group)
    start = place or ((group, prefix) if group else None)
    for key, kept in tx.scan(METRIC_FILTERS, start=start):
        name, filter_name = str(key[0]), str(key[1])
        if group and name != group:
            return
        metrics = {(one["metricNamespace"], one["metricName"]) for one in kept.transformations}
        wanted = (req.get("metricNamespace"), req.get("metricName"))
        named = wanted == (None, None) or any(wanted[0] in (None, space) and wanted[1] in (None, metric) for space, metric in metrics)
        if filter_name.startswith(prefix) and named:
            yield (name, filter_name), kept
