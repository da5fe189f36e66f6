"""What metric filters make of events: data of metrics, which are handed to CloudWatch as they come in.

A default value counts for each minute in which events came in and none of them matched, so that filters with one remember a minute's
events and matches until it is over. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from windtunnel.aws.arn import partition_of
from windtunnel.aws.filters import compile_filter, compile_value
from windtunnel.fabric import Event, Tx
from windtunnel.services.logs.criteria import selected
from windtunnel.services.logs.filters.embedded import EMBEDDED, MINUTE_SECONDS, Metric, embedded
from windtunnel.services.logs.filters.selection import chosen
from windtunnel.services.logs.filters.state import MATCHED, METRIC_FILTERS, MetricFilter
from windtunnel.services.logs.insights.values import number
from windtunnel.services.logs.rules import MILLISECONDS
from windtunnel.services.logs.state import ACCOUNT_POLICIES, GROUPS, Chunk, Group, arn_of

VALUES_MAX = 150
"""Of one datum: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""


def data_of(kept: MetricFilter, times: Sequence[int], messages: Sequence[str], system: Mapping[str, str]) -> dict[Metric, Counter[float]]:
    """How often each value of each metric was found. An event without the field of a value or of a dimension counts for nothing."""
    found: dict[Metric, Counter[float]] = defaultdict(Counter)
    matches = compile_filter(kept.pattern)
    emitted = tuple((field, system[field]) for field in kept.others.get("emitSystemFieldDimensions", ()))
    for time, message in zip(times, messages, strict=True):
        if not matches(message):
            continue
        for one in kept.transformations:
            value = number(compile_value(kept.pattern, one["metricValue"])(message))
            dimensions = {name: compile_value(kept.pattern, reference)(message) for name, reference in one.get("dimensions", {}).items()}
            told = tuple((name, text) for name, text in dimensions.items() if text is not None)
            if value is None or len(told) < len(dimensions):
                continue
            minute = time // MILLISECONDS // MINUTE_SECONDS * MINUTE_SECONDS
            metric = Metric(one["metricNamespace"], one["metricName"], one.get("unit", "None"), (*told, *emitted), minute)
            found[metric][value] += 1
    return found


def measure(tx: Tx, name: str, group: Group, chunk: Chunk) -> None:
    """Publishes what the metric filters of a group find in a chunk."""
    system = {"@aws.account": tx.account, "@aws.region": tx.region}
    found: dict[Metric, Counter[float]] = defaultdict(Counter)
    for key, kept in tx.scan(METRIC_FILTERS, name):
        if not chosen(kept.others.get("fieldSelectionCriteria", ""), system):
            continue
        messages = chunk.transformed if kept.others.get("applyOnTransformedLogs") and chunk.transformed else chunk.messages
        data = data_of(kept, chunk.times, messages, system)
        for metric, values in data.items():
            found[metric].update(values)
        if any("defaultValue" in one for one in kept.transformations):
            _remember(tx, name, group, str(key[1]), matched=bool(data))
    _publish(tx, name, found)


def extract(tx: Tx, name: str, chunk: Chunk, *, ruled: bool) -> None:
    """Publishes the metrics that are embedded in the events of a chunk, unless a policy of the account says not to."""
    telling = [message for message in chunk.messages if EMBEDDED in message]
    if not telling or (ruled and not _extracted(tx, name)):
        return
    found: dict[Metric, Counter[float]] = defaultdict(Counter)
    for message in telling:
        for metric, values in embedded(message).items():
            found[metric].update(values)
    _publish(tx, name, found)


def _extracted(tx: Tx, name: str) -> bool:
    policies = [policy for _, policy in tx.scan(ACCOUNT_POLICIES, "METRIC_EXTRACTION_POLICY") if selected(policy.criteria, name)]
    return all(orjson.loads(policy.document)["EmbeddedMetricFormat"]["Status"] == "Enabled" for policy in policies)


def default_values(tx: Tx, payload: Mapping[str, Any]) -> None:
    """Timer: a minute in which events came in is over; filters that nothing matched in it give their default values."""
    name, minute = payload["name"], payload["minute"]
    group = tx.get(GROUPS, name)
    found: dict[Metric, Counter[float]] = defaultdict(Counter)
    for key, matched in tx.scan(MATCHED, payload["id"], minute):
        tx.delete(MATCHED, *key)
        kept = tx.get(METRIC_FILTERS, name, key[2])
        if matched or kept is None or group is None or group.id != payload["id"]:
            continue
        for one in kept.transformations:
            if "defaultValue" in one:
                metric = Metric(one["metricNamespace"], one["metricName"], one.get("unit", "None"), (), minute)
                found[metric][one["defaultValue"]] += 1
    _publish(tx, name, found)


def _remember(tx: Tx, name: str, group: Group, filter_name: str, *, matched: bool) -> None:
    minute = int(tx.now) // MINUTE_SECONDS * MINUTE_SECONDS
    known = tx.get(MATCHED, group.id, minute, filter_name)
    if known is None:
        payload = {"name": name, "id": group.id, "minute": minute}
        tx.timer(minute + MINUTE_SECONDS, "default_values", payload, name=f"{group.id}/{minute}")
    if known is None or (matched and not known):
        tx.put(MATCHED, group.id, minute, filter_name, value=matched)


def _publish(tx: Tx, name: str, found: Mapping[Metric, Counter[float]]) -> None:
    """One PutMetricData a namespace; CloudWatch takes deliveries to the ARN of its metrics."""
    data: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for metric, values in found.items():
        listed = list(values.items())
        for at in range(0, len(listed), VALUES_MAX):
            some = listed[at : at + VALUES_MAX]
            datum: dict[str, Any] = {
                "MetricName": metric.name,
                "Timestamp": metric.minute,
                "Unit": metric.unit,
                "Values": [float(value) for value, _ in some],
                "Counts": [float(count) for _, count in some],
            }
            if metric.dimensions:
                datum["Dimensions"] = [{"Name": key, "Value": value} for key, value in metric.dimensions]
            data[metric.namespace].append(datum)
    for namespace, listed in data.items():
        event = Event(body="", parameters={"Namespace": namespace, "MetricData": listed})
        target = f"arn:{partition_of(tx.region)}:cloudwatch:{tx.region}:{tx.account}:metric"
        tx.deliver(target, event, source="logs.amazonaws.com", source_arn=f"{arn_of(tx, name)}:*")
