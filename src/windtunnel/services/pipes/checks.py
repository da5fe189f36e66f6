"""What a pipe has to keep to: a source that is here, an enrichment that answers, patterns that can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.aws.arn import parse_or_none
from windtunnel.aws.patterns import compile_pattern
from windtunnel.fabric import Fault
from windtunnel.services.pipes.state import invalid
from windtunnel.services.pipes.targets import batch_max

SOURCES = {"sqs": "SqsQueueParameters", "kinesis": "KinesisStreamParameters", "dynamodb": "DynamoDBStreamParameters"}
"""The member that is for a source."""
SOURCES_TO_COME = frozenset({"kafka", "mq"})
ENRICHMENTS = frozenset({"lambda", "events"})
ENRICHMENTS_TO_COME = frozenset({"states", "execute-api"})
FIFO_BATCH_MAX = 10


def check_pipe(settings: Mapping[str, Any]) -> None:
    """Raises ValidationException, or NotImplemented for what isn't there yet."""
    source = settings["Source"]
    arn = parse_or_none(source)
    if source.startswith("smk://") or (arn is not None and arn.service in SOURCES_TO_COME):
        raise Fault("NotImplemented", f"windtunnel does not implement pipes from {source}.", status=501)
    if arn is None or arn.service not in SOURCES:
        raise invalid(f"Unsupported source: {source}.")
    if parse_or_none(settings["Target"]) is None:
        raise invalid(f"Unsupported target: {settings['Target']}.")
    _check_enrichment(settings.get("Enrichment", ""))
    parameters = settings.get("SourceParameters", {})
    for service, member in SOURCES.items():
        if member in parameters and service != arn.service:
            raise invalid(f"{member} is not supported for source {source}.")
    given = parameters.get(SOURCES[arn.service], {})
    if arn.service == "sqs":
        _check_queue(source, given)
    elif "StartingPosition" not in given:
        raise invalid(f"{SOURCES[arn.service]} with a StartingPosition is required for source {source}.")
    elif (given["StartingPosition"] == "AT_TIMESTAMP") != ("StartingPositionTimestamp" in given):
        raise invalid("StartingPositionTimestamp is required where StartingPosition is AT_TIMESTAMP, and only there.")
    if given.get("BatchSize", 0) > batch_max(settings):
        raise invalid(f"BatchSize can be at most {batch_max(settings)} for target {settings['Target']}.")
    for pattern in patterns_of(settings):
        try:
            compile_pattern(pattern)
        except ValueError as error:
            raise invalid(str(error)) from error


def _check_queue(source: str, queue: Mapping[str, Any]) -> None:
    if source.endswith(".fifo"):
        if queue.get("MaximumBatchingWindowInSeconds"):
            raise invalid("MaximumBatchingWindowInSeconds is not supported for FIFO queues.")
        if queue.get("BatchSize", 0) > FIFO_BATCH_MAX:
            raise invalid(f"BatchSize can be at most {FIFO_BATCH_MAX} for FIFO queues.")
    elif queue.get("BatchSize", 0) > FIFO_BATCH_MAX and not queue.get("MaximumBatchingWindowInSeconds"):
        raise invalid(f"MaximumBatchingWindowInSeconds must be at least 1 where BatchSize is above {FIFO_BATCH_MAX}.")


def patterns_of(settings: Mapping[str, Any]) -> list[str]:
    """The patterns of which an event has to match one; none: all pass."""
    filters = settings.get("SourceParameters", {}).get("FilterCriteria", {}).get("Filters", [])
    return [one["Pattern"] for one in filters if one.get("Pattern")]


def _check_enrichment(enrichment: str) -> None:
    if not enrichment:
        return
    arn = parse_or_none(enrichment)
    if arn is not None and arn.service in ENRICHMENTS_TO_COME:
        raise Fault("NotImplemented", f"windtunnel does not implement enrichment by {enrichment}.", status=501)
    if arn is None or arn.service not in ENRICHMENTS:
        raise invalid(f"Unsupported enrichment: {enrichment}.")
